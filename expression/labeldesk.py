"""The labeler without its frame: what it shows, and what keys and clicks do.

`labelwindow.py` puts it into a window of the desktop, `labelwidget.py` into a notebook.

Notebook: 07_your_face
"""

from __future__ import annotations

import threading
import time

import numpy as np

from .capturing import Capturer
from .errors import ExpressionError
from .labelscreen import LabelScreen
from .reviewing import Review
from .reviewscreen import ReviewScreen

KEYS = {
    **{"u": "undo", "e": "review", "x": "delete", "backspace": "delete", "f": "filter"},
    **{"p": "before", "n": "after"},
}
"""What keys stand for, beside the space bar and numbers."""

HOLD = 0.7
"""A key that is held comes again and again; so long after the last time it has been let go, seconds."""


class LabelDesk:
    """Two screens over a Capturer: one to capture, one to look through what is kept.

    Its methods may be called from several threads, which then take turns.

    Args:
        capturer: What keeps faces.
        mirror: Whether people are shown as in a mirror.
    """

    def __init__(self, capturer: Capturer, mirror: bool = False):
        self.capturer, self.review = capturer, Review(capturer.book)
        self._mirror, self._looking = mirror, False
        self._screen, self._review_screen = LabelScreen(), ReviewScreen()
        self._pressed = self._pointing = 0.0
        self._turn = threading.RLock()

    def draw(self, image: np.ndarray | None) -> np.ndarray:
        """Goes on with what is under way, and returns what is shown.

        Args:
            image: The newest frame, (height, width, 3) uint8 RGB; None before the first.

        Returns:
            (640, 1120, 3) uint8, RGB.
        """
        with self._turn:
            if self._looking:
                return self._review_screen.draw(self.review)
            if image is not None and self.capturer.agreed:
                self._try(self.capturer.see, image)
            self._let_go()
            return self._screen.draw(self.capturer, image, self._mirror)

    def press(self, key: str) -> None:
        """Does what a key stands for: a letter, a digit, a blank, "enter" or "backspace"."""
        with self._turn:
            labels, key = self.capturer.book.labels, key.lower()
            if not self.capturer.agreed:
                self.capturer.agreed = key == "enter"
            elif key == " " and not self._looking:
                self._space()
            elif key in KEYS:
                self._act(KEYS[key])
            elif key in tuple("123456789") and int(key) <= len(labels):
                self._act(f"label:{labels[int(key) - 1]}")

    def point(self, x: int, y: int, down: bool) -> None:
        """Does what a button stands for that is pressed, or let go of, at a place of the picture."""
        with self._turn:
            screen = self._review_screen if self._looking else self._screen
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
        """Does something; what goes wrong, such as a full disk, is told on the screen, which stays."""
        try:
            do(*words)
        except ExpressionError as error:
            self.capturer.held = False
            self.capturer.said = self.review.said = error.happened
