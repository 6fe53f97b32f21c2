"""Aid: what ipywidgets lacks for a live view: words for those who hear the page, and knowing who looks.

`widget.py` puts one below its picture. ipywidgets gives a picture no words and a switch no state, shows
by a faint line which button the keys are at, and does not tell a kernel that its page was closed or loaded
again; `accessibility.js` adds these in the page.

Notebook: 06_live
"""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import missing_package

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise missing_package("The live view's words", "anywidget", "lessons") from error

PAUSE = 3.0
"""Seconds between two things that are said, so that one can be heard to its end."""


GONE = {"page": 15.0, "output": 2.0}
"""Seconds that a page may take to be reloaded, and an output to be shown elsewhere, as in another view."""


class Aid(anywidget.AnyWidget):
    """Words for a live picture that stands in a box of the class `expression-live`.

    Attributes:
        words: What the picture shows, for whoever asks.
        said: What is read aloud when it changes.
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
        self._gone = float("inf")  # when nobody looks any more
        self.on_msg(self._hear)

    @property
    def left(self) -> bool:
        """Whether the page or the output was closed, and none has come since."""
        return time.monotonic() > self._gone

    def _hear(self, _widget: object, message: dict, _buffers: object) -> None:
        """Notes that a view is there, or goes."""
        self._gone = time.monotonic() + GONE[message["left"]] if "left" in message else float("inf")

    def tell(self, words: str, said: str) -> None:
        """Gives the picture its words, and has some of them read aloud now and then.

        Args:
            words: What is on the picture, such as "Happy 70% (24 fps · 40 ms)".
            said: What of it is read aloud, such as "Happy".
        """
        self.words = f"The live view: {words}"
        now = time.monotonic()
        if said != self.said and now - self._spoke >= PAUSE:
            self.said, self._spoke = said, now
