"""The labeler independent of its window: what it shows, and what keys and clicks do.

`window.py` shows it in a desktop window, `widget.py` in a notebook. What the keys do to the pictures, such
as deleting and undoing, is in `labelbook/book.py`.

Notebook: 08_your_face
"""

from __future__ import annotations

import threading
import time

import numpy as np

from ..errors import ExpressionError
from .canvas import HOLD, LABEL_KEYS
from .capture_page import CapturePage
from .capturer import Capturer
from .labels_page import LabelsPage
from .review import Review
from .review_page import ReviewPage

KEYS = {
    **{"u": "undo", "e": "review", "l": "labels", "x": "delete", "backspace": "delete", "f": "filter"},
    **{"p": "before", "n": "after"},
}
"""The actions of keys other than the space bar and numbers."""


class Labeler:
    """Three pages on top of a Capturer: to take pictures, to edit saved ones, and to edit the labels.

    Its methods are thread-safe.

    Args:
        capturer: Saves the faces.
        mirror: Whether people are shown as in a mirror.
        note: A note to show with the terms, such as that there is no camera.

    Attributes:
        page: The page shown: "capture", "review" or "labels".
    """

    def __init__(self, capturer: Capturer, mirror: bool = False, note: str = ""):
        self.capturer, self.review, self.list = capturer, Review(capturer.book), LabelsPage(capturer)
        self.page = "capture"
        self._mirror, self._note = mirror, note
        self._screens = {"capture": CapturePage(), "review": ReviewPage(), "labels": self.list}
        self._pressed = self._pointing = 0.0
        self._seen: np.ndarray | None = None  # the frame that was looked at last
        self._turn = threading.RLock()

    @property
    def agreed(self) -> bool:
        """Whether consent has been given; no frame is needed before."""
        return self.capturer.agreed

    def draw(self, image: np.ndarray | None) -> np.ndarray:
        """Continues any action in progress, and returns the page to show.

        Args:
            image: The newest frame, (height, width, 3) uint8 RGB; None before the first.

        Returns:
            (640, 1120, 3) uint8, RGB.
        """
        with self._turn:
            screen = self._screens[self.page]
            if self.page == "labels":
                return screen.draw()
            if self.page == "review":
                return screen.draw(self.review)
            if image is not None and image is not self._seen and self.capturer.agreed:
                self._seen = image
                self._try(self.capturer.see, image)
            self._let_go()
            return screen.draw(self.capturer, image, self._mirror, self._note)

    def press(self, key: str) -> bool:
        """Performs the action of a key: a letter, a digit, a space, "enter", "backspace" or "escape".

        Returns:
            Whether the key was consumed: as part of a name being typed, or Esc to go back.
        """
        with self._turn:
            if self.page != "capture" and key.lower() == "escape" and self.list.typed is None:
                self._act("back")
                return True
            if self.page == "labels":
                typing = self.list.typed is not None
                self._act(self.list.press(key) or "")
                return typing
            labels, key = self.capturer.book.labels, key.lower()
            if not self.capturer.agreed:
                self.capturer.agreed = key == "enter"
            elif key == " " and self.page == "capture":
                self._space()
            elif key in KEYS:
                self._act(KEYS[key])
            elif len(key) == 1 and key in LABEL_KEYS[: len(labels)]:
                self._act(f"label:{labels[LABEL_KEYS.index(key)]}")
            return False

    def point(self, x: int, y: int, down: bool) -> None:
        """Performs the action of the button at this place of the picture when it is pressed or released."""
        with self._turn:
            action = self._screens[self.page].action_at(x, y) if down else None
            self._pointing = time.monotonic() if action == "capture" else 0.0
            if not down:
                self.capturer.held = False
            elif action == "agree":
                self.capturer.agreed = True
            elif action:
                self._act(action)

    def _act(self, action: str) -> None:
        """Performs the action of a button of the current page."""
        kind, _, name = action.partition(":")
        if action:
            self.capturer.said = self.review.said = self.list.said = ""  # about earlier actions
        if kind in ("review", "labels", "back"):
            self.review.chosen = set()  # so that nothing out of sight gets deleted
            self.page = "capture" if kind in ("back", self.page) else kind
            self.capturer.held = False
        elif self.page == "labels":
            self._try(self.list.act, action)
        elif self.page == "review":
            self._try(self.review.act, action)
        elif kind == "label":
            self.capturer.label = name
        elif kind in ("capture", "undo"):
            self._try(self.capturer.capture if kind == "capture" else self.capturer.undo)

    def _space(self) -> None:
        """Saves a picture; a key that repeats at once is being held down, which starts a burst."""
        now = time.monotonic()
        if now - self._pressed < HOLD:
            self.capturer.held = True
        else:
            self._try(self.capturer.capture)
        self._pressed = now

    def _let_go(self) -> None:
        """Starts a burst while the button is held down, and ends one when the key is released."""
        now = time.monotonic()
        if self._pointing:
            self.capturer.held = now - self._pointing > HOLD
        elif self.capturer.held and now - self._pressed > HOLD:
            self.capturer.held = False

    def _try(self, do, *words) -> None:
        """Runs an action; an error, such as a full disk, is shown on the page."""
        try:
            do(*words)
        except ExpressionError as error:
            self.capturer.held = False
            self.capturer.said = self.review.said = self.list.said = str(error)
