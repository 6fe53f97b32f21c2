"""A simulated camera that runs at a fixed rate, for measuring a live loop without a real one.

`teaching/timeline.py` measures with it. Its frames are those of the demo, or any others.

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
"""The red value of the top left pixel that marks its green and blue values as a number."""


class PacedCamera(Source):
    """Plays frames like a camera, at a fixed rate whether they are read or not.

    Frame n is taken n / pace seconds after `open`. Like a camera with a buffer of one it
    keeps only the newest: a late read returns that one at once, and those between are lost;
    an early read waits. Frames are stored as JPEG and decoded when read, as with most
    webcams. The top left pixel carries the number, so that a window knows what it shows.

    Args:
        pictures: JPEG bytes, played in a loop; None for three seconds of the demo.
        pace: Frames per second.

    Attributes:
        number: The number of the last frame read, from 0; -1 before the first.
        missed: The number of frames lost because they were not read in time.
    """

    description = "a paced camera"

    def __init__(self, pictures: Sequence[bytes] | None = None, pace: float = 30.0):
        self.pictures, self.pace = pictures or _demo_pictures(), pace
        self.number, self.missed = -1, 0

    def open(self) -> None:
        """Starts the clock."""
        self.number, self.missed, self._opened = -1, 0, time.monotonic()

    def read(self) -> np.ndarray:
        """Returns the newest frame that was not read yet, waiting for it if necessary."""
        newest = int((time.monotonic() - self._opened) * self.pace)
        number = max(newest, self.number + 1)
        self.missed += number - self.number - 1
        self.number, self.captured = number, self._opened + number / self.pace
        time.sleep(max(0.0, self.captured - time.monotonic()))
        return self.decode()

    def decode(self) -> np.ndarray:
        """Returns the frame of the current number, (height, width, 3) uint8 RGB."""
        jpeg = self.pictures[self.number % len(self.pictures)]
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        image[0, 0] = STAMP, self.number >> 8 & 255, self.number & 255
        return image


def stamp_of(image: np.ndarray) -> int | None:
    """Returns the number that the camera put into a frame, even one drawn on; None without one.

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
