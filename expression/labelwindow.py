"""The labeler in a window of the desktop: keys and clicks become what a Capturer does.

`expression label` runs it in the main thread.

Notebook: 07_your_face
"""

from __future__ import annotations

import time

from .capturing import Capturer
from .errors import OutputError
from .labelscreen import LabelScreen
from .sources import Source
from .window import Window

TITLE = "Label (Esc or q closes)"

SPACE, ENTER = 32, (10, 13, 0x8D)
"""Codes of keys; 0x8D is Enter of the number pad."""

HOLD = 0.7
"""A key that is held comes again and again; so long after the last time it has been let go, seconds."""


class LabelWindow:
    """Shows a source, and keeps faces of it.

    Args:
        capturer: What keeps them.
        source: Where frames come from; not yet open.

    Example, which needs a screen::

        LabelWindow(Capturer(book, make_detector()), open_source(None)).run()
    """

    def __init__(self, capturer: Capturer, source: Source):
        self.capturer, self.source = capturer, source
        self.screen = LabelScreen()
        self._window = Window(TITLE, on_key=self.press, on_mouse=self.point)
        self._pressed = self._pointing = 0.0

    def run(self) -> None:
        """Runs until the window is closed or the source ends.

        Raises:
            SourceError: The source cannot be opened.
            DisplayError: There is no screen, or this is not the main thread.
        """
        self._window.open()
        try:
            if self._window.show(self.screen.draw(self.capturer, None)):
                self.source.open()
                while (image := self.source.read()) is not None and self._window.is_open():
                    self._try(self.capturer.see, image)
                    self._let_go()
                    if not self._window.show(self.screen.draw(self.capturer, image, self.source.mirror)):
                        break
        finally:
            self.source.close()
            self._window.close()

    def press(self, key: int) -> None:
        """Does what a key stands for."""
        labels = self.capturer.book.labels
        if not self.capturer.agreed:
            self.capturer.agreed = key in ENTER
        elif key == SPACE:
            self._space()
        elif key in map(ord, "uU"):
            self._try(self.capturer.undo)
        elif ord("1") <= key <= ord("9") and key - ord("1") < len(labels):
            self.capturer.label = labels[key - ord("1")]

    def point(self, x: int, y: int, down: bool) -> None:
        """Does what a button stands for that is pressed, or let go of."""
        action = self.screen.action_at(x, y) if down else None
        self._pointing = time.monotonic() if action == "capture" else 0.0
        if not down:
            self.capturer.held = False
        elif action == "agree":
            self.capturer.agreed = True
        elif action == "capture":
            self._try(self.capturer.capture)
        elif action == "undo":
            self._try(self.capturer.undo)
        elif action:
            self.capturer.label = action.removeprefix("label:")

    def _space(self) -> None:
        """Keeps a picture; a key that comes again at once is being held, which is a burst."""
        now = time.monotonic()
        if now - self._pressed < HOLD:
            self.capturer.held = True
        else:
            self._try(self.capturer.capture)
        self._pressed = now

    def _let_go(self) -> None:
        """Begins a burst where the button is held, and ends one where the key is not any more."""
        now = time.monotonic()
        if self._pointing:
            self.capturer.held = now - self._pointing > HOLD
        elif self.capturer.held and now - self._pressed > HOLD:
            self.capturer.held = False

    def _try(self, do, *words) -> None:
        """Does something; what cannot be written is told in the window, which stays open."""
        try:
            do(*words)
        except OutputError as error:
            self.capturer.held = False
            self.capturer.said = error.happened
