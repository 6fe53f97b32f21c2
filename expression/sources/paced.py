"""A camera that goes on whether anybody reads or not, for measuring a live loop without one.

`timeline.py` measures with it. Its pictures are the demo's, or any others.

Notebook: 03_threads
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from ..pictures.image import encode_jpeg
from ._base import Source
from .demo import Demo

STAMP = 255
"""The red of the top left pixel that says: the green and blue beside it are a number."""


class PacedCamera(Source):
    """Plays pictures as a camera would: it goes on whether anybody reads or not.

    Picture n is taken n / pace seconds after `open`. Like a camera with a buffer of one it
    keeps the newest only: who comes late gets that one at once, and those between are lost;
    who comes early waits. Pictures are kept as JPEG and decoded when read, as those of most
    webcams are. The top left pixel carries the number, so that a window knows what it shows.

    Args:
        pictures: JPEG bytes, shown again and again; None for three seconds of the demo.
        pace: Pictures a second.

    Attributes:
        number: That of the last picture read, from 0; -1 before the first.
        missed: Pictures that were lost because nobody came for them in time.
    """

    description = "a paced camera"

    def __init__(self, pictures: Sequence[bytes] | None = None, pace: float = 30.0):
        self.pictures, self.pace = pictures or _demo_pictures(), pace
        self.number, self.missed = -1, 0

    def open(self) -> None:
        """Starts the clock."""
        self.number, self.missed, self._opened = -1, 0, time.monotonic()

    def read(self) -> np.ndarray:
        """Returns the newest picture that was not read yet, waiting for it if need be."""
        newest = int((time.monotonic() - self._opened) * self.pace)
        number = max(newest, self.number + 1)
        self.missed += number - self.number - 1
        self.number, self.captured = number, self._opened + number / self.pace
        time.sleep(max(0.0, self.captured - time.monotonic()))
        return self.decode()

    def decode(self) -> np.ndarray:
        """Returns the picture of the current number, (height, width, 3) uint8 RGB."""
        jpeg = self.pictures[self.number % len(self.pictures)]
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        image[0, 0] = STAMP, self.number >> 8 & 255, self.number & 255
        return image


def stamp_of(image: np.ndarray) -> int | None:
    """Returns the number that the camera left in a picture, drawn on or not; None without one.

    Example:
        >>> camera = PacedCamera(pace=200)
        >>> camera.open(); picture = camera.read()
        >>> stamp_of(picture) == camera.number
        True
    """
    mark, high, low = (int(value) for value in image[0, 0])
    return high * 256 + low if mark == STAMP else None


@cache
def _demo_pictures() -> tuple[bytes, ...]:
    """Returns the first three seconds of the demo, as JPEG."""
    demo = Demo()
    demo.open()
    pictures = tuple(encode_jpeg(demo.read(), 85) for _ in range(75))
    demo.close()
    return pictures
