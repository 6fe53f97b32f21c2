"""Aid: what the live view of a notebook needs for people who hear the page, or use its keys alone.

`widget.py` puts one below its picture. ipywidgets gives a picture no words and a switch no state, and shows
by a faint line which button the keys are at; `aid.js` adds these in the page.

Notebook: 06_live
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from .errors import missing_package

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise missing_package("The live view's words", "anywidget", "lessons") from error

PAUSE = 3.0
"""Seconds between two things that are said, so that one can be heard to its end."""


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

    def tell(self, text: str, switches: str = "") -> None:
        """Gives the picture its words, and says them now and then, without their figures.

        Args:
            text: What is on the picture, such as "Happy 70% (24 fps · 40 ms)".
            switches: What `Control.told` returns.
        """
        self.words = f"The live view: {text}"
        now, said = time.monotonic(), spoken(text, switches)
        if said != self.said and now - self._spoke >= PAUSE:
            self.said, self._spoke = said, now


def spoken(text: str, switches: str = "") -> str:
    """Returns what is worth saying of what is on a picture.

    Example:
        >>> spoken("person 1: Happy 70%, person 2: Sad 51% (24 fps · 40 ms · paused)", "paused")
        'person 1: Happy, person 2: Sad, paused'
    """
    plain = re.sub(r" \d+%", "", re.sub(r" \([^()]*\)$", "", text))
    return ", ".join(filter(None, [plain, *switches.split(" · ")]))
