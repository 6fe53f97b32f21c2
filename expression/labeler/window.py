"""The labeler in a desktop window.

`expression label` and `expression dataset import` run it in the main thread.

Notebook: 08_your_face
"""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from ..displays.screen import is_upper_case_on
from ..displays.window import Window
from ..live.capture import CaptureLoop
from ..live.data import Data
from ..sources._base import Source

TITLE = "Label (Esc or q to close)"

SPECIAL = 0xFF00
"""Codes from here on are keys such as Shift and the arrow keys.

Source: https://www.x.org/releases/X11R7.7/doc/xproto/x11protocol.html#keysym_encoding
"""

SHIFTS = (0xFFE1, 0xFFE2)
"""Codes of Shift, which may have been released when the next letter is handled."""

PAUSE, PUMP = 0.05, 0.004
"""Seconds between two redraws without a new frame, and between two checks for keys."""

NAMES = {27: "escape", 10: "enter", 13: "enter", 0xFF8D: "enter", 8: "backspace", 0xFF08: "backspace"}
"""Codes of keys that are not letters; 0xFF8D is Enter on the number pad."""


class Content(Protocol):
    """The content of a LabelWindow: a Labeler or an ImportPage."""

    agreed: bool

    def draw(self, image: np.ndarray | None) -> np.ndarray:
        """Continues any action in progress, and returns the picture to show: (640, 1120, 3) uint8, RGB."""

    def press(self, key: str) -> bool:
        """Performs the action of a key; True if the key was consumed, as part of a name being typed."""

    def point(self, x: int, y: int, down: bool) -> None:
        """Performs the action of a button that is pressed or released."""


class LabelWindow:
    """Shows a labeler or an import until it is closed.

    Args:
        content: The content, which handles keys and clicks.
        source: The source of frames, not yet open; None if the content needs none.

    Example, which needs a screen::

        source = open_source(None)
        LabelWindow(Labeler(Capturer(book, make_detector()), source.mirror), source).run()
    """

    def __init__(self, content: Content, source: Source | None = None):
        self.source, self.content = source, content
        self._capture: CaptureLoop | None = None
        self._before = 0  # the previous key
        self._window = Window(TITLE, on_key=self._key, on_mouse=content.point)

    def run(self) -> None:
        """Runs until the window is closed or the source ends.

        Raises:
            SourceError: The source cannot be opened, or stopped sending frames.
            DisplayError: There is no screen, or this is not the main thread.
        """
        data = Data()
        self._window.open()
        try:
            self._show_frames(data)
        finally:
            data.done = True
            if self._capture:
                self._capture.join()
            self._window.close()
        if data.error:
            raise data.error[1]

    def _show_frames(self, data: Data) -> None:
        """Redraws the content for each frame, or often enough for keys if there are no frames."""
        frames, image = data.frame.follow(), None
        while not frames.ended and self._window.show(self.content.draw(image)):
            if self.source and not self._capture and self.content.agreed:
                self._capture = CaptureLoop(data, self.source)
                self._capture.start()
            end = time.monotonic() + PAUSE
            while (frame := frames.next(PUMP)) is None and not frames.ended and time.monotonic() < end:
                if not self._window.is_open():  # checks for keys: of two at once OpenCV reports only the last
                    return
            image = frame.image if frame else image

    def _key(self, code: int) -> bool:
        letter = chr(code) if code < SPECIAL else ""
        if len(letter.upper()) == 1 and (self._before in SHIFTS or is_upper_case_on()):
            letter = letter.upper()
        self._before = code
        return self.content.press(NAMES.get(code, letter))
