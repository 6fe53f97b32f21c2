"""Aid: what ipywidgets lacks for a live view: text for screen readers, and whether the page is open.

`widget.py` puts one below its picture. ipywidgets gives a picture no alternative text and a switch no
state, marks the focused button only faintly, and does not tell a kernel that its page was closed or
reloaded; `accessibility.js` adds these in the page.

Notebook: 07_live
"""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import missing_package

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise missing_package("The live view's text", "anywidget", "lessons") from error

PAUSE = 3.0
"""Seconds between two announcements, so that each can be heard to its end."""


GONE = {"page": 15.0, "output": 2.0}
"""Seconds that a page may take to reload, and an output to appear elsewhere, such as in another view."""


class Aid(anywidget.AnyWidget):
    """Text for a live picture in a box of the class `expression-live`.

    Attributes:
        words: The alternative text of the picture.
        said: The text that is read aloud when it changes.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = """
    .expression-live :is(button, select):focus-visible {
      outline: 3px solid #1976d2 !important; outline-offset: 1px;
    }
    """
    words = traitlets.Unicode("The live view").tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)

    def __init__(self):
        super().__init__()
        self._spoke = 0.0
        self._gone = float("inf")  # when it counts as closed
        self.on_msg(self._hear)

    @property
    def left(self) -> bool:
        """Whether the page or the output was closed and has not come back."""
        return time.monotonic() > self._gone

    def _hear(self, _widget: object, message: dict, _buffers: object) -> None:
        """Records that a view is open, or is closing."""
        self._gone = time.monotonic() + GONE[message["left"]] if "left" in message else float("inf")

    def tell(self, words: str, said: str) -> None:
        """Sets the alternative text of the picture, and has a part of it read aloud now and then.

        Args:
            words: What the picture shows, such as "Happy 70% (24 fps · 40 ms)".
            said: The part that is read aloud, such as "Happy".
        """
        self.words = f"The live view: {words}"
        now = time.monotonic()
        if said != self.said and now - self._spoke >= PAUSE:
            self.said, self._spoke = said, now
