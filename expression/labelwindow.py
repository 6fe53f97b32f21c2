"""The labeler in a window of the desktop: keys and clicks become what a Capturer does.

`expression label` runs it in the main thread.

Notebook: 07_your_face
"""

from __future__ import annotations

import time

import numpy as np

from .capturing import Capturer
from .errors import OutputError
from .labelscreen import LabelScreen
from .reviewing import Review
from .reviewscreen import ReviewScreen
from .sources import Source
from .window import Window

TITLE = "Label (Esc or q closes)"

SPACE, ENTER = 32, (10, 13, 0x8D)
"""Codes of keys; 0x8D is Enter of the number pad."""

KEYS = {
    **{"u": "undo", "e": "review", "x": "delete", "\x08": "delete", "f": "filter"},
    **{"p": "before", "n": "after"},
}
"""What letters stand for."""

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
        self.screen, self.review, self._looking = LabelScreen(), Review(capturer.book), False
        self._review_screen = ReviewScreen()
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
                    if not self._window.show(self._drawn(image)):
                        break
        finally:
            self.source.close()
            self._window.close()

    def _drawn(self, image: np.ndarray) -> np.ndarray:
        """Goes on with what is under way, and returns what is shown of it."""
        if self._looking:
            return self._review_screen.draw(self.review)
        self._try(self.capturer.see, image)
        self._let_go()
        return self.screen.draw(self.capturer, image, self.source.mirror)

    def press(self, key: int) -> None:
        """Does what a key stands for."""
        labels, letter = self.capturer.book.labels, chr(key).lower()
        if not self.capturer.agreed:
            self.capturer.agreed = key in ENTER
        elif key == SPACE and not self._looking:
            self._space()
        elif letter in KEYS:
            self._act(KEYS[letter])
        elif letter in "123456789" and int(letter) <= len(labels):
            self._act(f"label:{labels[int(letter) - 1]}")

    def point(self, x: int, y: int, down: bool) -> None:
        """Does what a button stands for that is pressed, or let go of."""
        screen = self._review_screen if self._looking else self.screen
        action = screen.action_at(x, y) if down else None
        self._pointing = time.monotonic() if action == "capture" else 0.0
        if not down:
            self.capturer.held = False
        elif action == "agree":
            self.capturer.agreed = True
        elif action:
            self._act(action)

    def _act(self, action: str) -> None:
        """Does what a button of either screen stands for."""
        kind, _, name = action.partition(":")
        review = self.review
        if kind in ("review", "back"):
            self._looking, self.capturer.held = not self._looking, False
        elif self._looking:
            acts = {"picture": review.choose, "label": review.relabel}
            others = {"filter": review.next_filter, "delete": review.delete, "undo": review.undo}
            pages = {"before": -1, "after": 1}
            if kind in acts:
                self._try(acts[kind], name)
            elif kind in others:
                self._try(others[kind])
            elif kind in pages:
                review.turn(pages[kind])
        elif kind == "label":
            self.capturer.label = name
        elif kind in ("capture", "undo"):
            self._try(self.capturer.capture if kind == "capture" else self.capturer.undo)

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
            self.capturer.said = self.review.said = error.happened
