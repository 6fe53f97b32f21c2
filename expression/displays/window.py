"""Window: the live view on the desktop, using OpenCV.

`displays.make_display` imports this if there is a screen. All calls must come from
the main thread: otherwise macOS aborts and Linux hangs.

Notebook: 07_live
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ..errors import DisplayError
from ..types import Reading
from . import TITLE
from ._base import Display
from .screen import check_screen, window_kind

CLOSING_KEYS = (27, ord("q"), ord("Q"))
"""Esc is 27."""

NO_KEY = 0xFFFF
"""What OpenCV returns if no key was pressed."""

LATIN = -0x80
"""OpenCV's Qt window reports non-English letters as a negative byte, and all letters without their case."""

SMALLEST_WIDTH, LARGEST = 640, (1280, 800)
"""Frames are shown pixel for pixel, which is sharpest, unless the window would be narrower
than the first or exceed the second (width and height, in pixels); the user can resize it."""


class Window(Display):
    """A window of the desktop; Esc, q and its close button close it.

    Args:
        title: Its title.
        on_key: Called with the code of each key; if it returns True, the key does not close the window.
        on_mouse: Called with x, y, and whether the left button went down or up, in pixels of the picture.

    Raises:
        DisplayError: From `open`, outside the main thread or without a screen, where
            OpenCV would hang or abort the whole process.
    """

    name = "window"
    needs_main_thread = True

    def __init__(
        self,
        title: str = TITLE,
        on_key: Callable[[int], bool] | None = None,
        on_mouse: Callable[[int, int, bool], None] | None = None,
    ):
        self.title, self._on_key, self._on_mouse = title, on_key, on_mouse
        self._extent: tuple[int, int] | None = None
        self._opened = False

    def open(self) -> None:
        """Opens the window."""
        if threading.current_thread() is not threading.main_thread():
            raise DisplayError(
                f"The window was opened in the thread {threading.current_thread().name}.",
                "Expected the main thread, the only one that can own a window.",
                "Call Session.run() from the main thread, or choose the display none.",
            )
        check_screen()
        if window_kind().startswith("QT"):
            os.environ.setdefault("QT_QPA_PLATFORM", "xcb")  # OpenCV brings no Wayland plug-in for Qt
        cv2.namedWindow(self.title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        if self._on_mouse:
            cv2.setMouseCallback(self.title, self._mouse)
        self._opened = True

    def show(self, image: np.ndarray, readings: Sequence[Reading] | None = None, status: str = "") -> bool:
        """Shows a picture; the window is resized when the shape of the picture changes."""
        height, width = image.shape[:2]
        if self._extent != (width, height):
            self._extent = width, height
            factor = min(max(1, SMALLEST_WIDTH / width), LARGEST[0] / width, LARGEST[1] / height)
            cv2.resizeWindow(self.title, round(width * factor), round(height * factor))
        cv2.imshow(self.title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        return self.is_open()

    def is_open(self) -> bool:
        """Handles keys and clicks; returns False after Esc, q or the close button."""
        key = cv2.waitKeyEx(1)  # waitKey keeps 8 bits, in which an arrow key reads as Q
        if LATIN <= key < -1:  # Qt's Ä, and its ä
            key = ord(chr(key & 0xFF).lower())
        key &= 0xFFFF
        taken = key != NO_KEY and self._take(key)
        if key in CLOSING_KEYS and not taken:
            return False
        try:
            return cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # raised once the close button has destroyed the window
            return False

    def _take(self, key: int) -> bool:
        """Passes a key to `on_key`, or to the switches of the run, and returns whether it was used."""
        if self._on_key:
            return self._on_key(key)
        return bool(self.control) and self.control.press(chr(key))

    def close(self) -> None:
        """Closes the window."""
        if not self._opened:
            return
        self._opened = False
        try:
            cv2.destroyWindow(self.title)
        except cv2.error:
            return  # the close button was faster
        cv2.waitKey(1)  # lets the desktop remove it

    def _mouse(self, event: int, x: int, y: int, *_) -> None:
        """Passes on the left button; OpenCV calls this while it handles keys."""
        if event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_LBUTTONUP):
            self._on_mouse(x, y, event == cv2.EVENT_LBUTTONDOWN)
