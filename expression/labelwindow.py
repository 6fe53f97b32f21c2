"""The labeler in a window of the desktop.

`expression label` runs it in the main thread.

Notebook: 07_your_face
"""

from __future__ import annotations

from .capturing import Capturer
from .labeldesk import LabelDesk
from .sources import Source
from .window import Window

TITLE = "Label (Esc or q closes)"

NAMES = {10: "enter", 13: "enter", 0xFF8D: "enter", 8: "backspace", 0xFF08: "backspace"}
"""Codes of keys that are no letters; 0xFF8D is Enter of the number pad."""


class LabelWindow:
    """Shows a source, and keeps faces of it.

    Args:
        capturer: What keeps them.
        source: Where frames come from; not yet open.

    Example, which needs a screen::

        LabelWindow(Capturer(book, make_detector()), open_source(None)).run()
    """

    def __init__(self, capturer: Capturer, source: Source):
        self.source, self.desk = source, LabelDesk(capturer, source.mirror)
        self._window = Window(TITLE, on_key=self._key, on_mouse=self.desk.point)

    def run(self) -> None:
        """Runs until the window is closed or the source ends.

        Raises:
            SourceError: The source cannot be opened.
            DisplayError: There is no screen, or this is not the main thread.
        """
        self._window.open()
        try:
            if self._window.show(self.desk.draw(None)):
                self.source.open()
                while (image := self.source.read()) is not None:
                    if not self._window.show(self.desk.draw(image)):
                        break
        finally:
            self.source.close()
            self._window.close()

    def _key(self, code: int) -> None:
        self.desk.press(NAMES.get(code, chr(code)))
