"""Thumbnails: small pictures of some moments of a recording, within a budget of bytes.

The page of a report shows them where the video itself cannot be played. `report.py` makes them.

Notebook: 13_video
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..pictures.image import encode_jpeg, fit
from ..types import Frame, Reading

MOST_REGULAR, MOST_HELD = 150, 150
"""How many moments have a picture at most: regular ones, and those in the middle of a label that is held."""

SPACING = 0.2
"""Seconds between two regular moments, at least."""

APART = 1.0
"""A label that comes back after so many seconds starts a new segment."""

SIZES = ((480, 78), (400, 72), (320, 68), (256, 62), (192, 55), (128, 50), (80, 40), (48, 25))
"""The longer side in pixels and the JPEG quality: the first that is small enough is taken."""


class Thumbnails:
    """Collects pictures of moments while a recording is read.

    Args:
        wanted: The frames that get one in any case.
        most: How many bytes all pictures may have together.
    """

    def __init__(self, wanted: Iterable[int], most: int):
        self._wanted = set(wanted)
        self._share = most // (MOST_REGULAR + len(self._wanted))
        self._pictures: dict[int, bytes] = {}
        self._regular: list[int] = []
        self._step, self._next = SPACING, 0.0

    def add(self, frame: Frame) -> None:
        """Keeps a picture of a frame if it is one of the moments."""
        due = frame.position >= self._next - 1e-6
        if not due and frame.number not in self._wanted:
            return
        picture = thumbnail(frame.image, self._share)
        if picture is None:
            return
        self._pictures[frame.number] = picture
        if due:
            self._regular.append(frame.number)
            self._next = frame.position + self._step
        if len(self._regular) > MOST_REGULAR:
            self._thin_out()

    def all(self) -> list[tuple[int, bytes]]:
        """Returns the pictures with the numbers of their frames, in order."""
        return sorted(self._pictures.items())

    def _thin_out(self) -> None:
        """Keeps every second of the regular moments, and doubles the time between them."""
        for number in set(self._regular[1::2]) - self._wanted:
            self._pictures.pop(number, None)
        self._regular, self._step = self._regular[::2], 2 * self._step


def middles(readings: Iterable[Reading]) -> list[int]:
    """Returns the frames in the middle of what people hold, the longest first.

    Args:
        readings: Those of the recording, in any order.

    Example:
        >>> from expression.types import Box
        >>> read = [Reading(1, Box(0, 0, 9, 9), "Sad" * (n < 2), 1.0, {}, n) for n in range(10)]
        >>> middles(read)
        [6, 1]
    """
    held: list[list[Reading]] = []
    before: Reading | None = None
    for reading in sorted(readings, key=lambda each: (each.person, each.frame)):
        same = before and (before.person, before.label) == (reading.person, reading.label)
        if not same or reading.position - before.position > APART:
            held.append([])
        held[-1].append(reading)
        before = reading
    held.sort(key=len, reverse=True)
    return [readings[len(readings) // 2].frame for readings in held[:MOST_HELD]]


def thumbnail(image: np.ndarray, most: float) -> bytes | None:
    """Returns a picture as a JPEG of at most so many bytes, as large as that allows; None if it is too many.

    Args:
        image: (height, width, 3) uint8, RGB.
        most: How many bytes it may have.
    """
    for longest, quality in SIZES:
        encoded = encode_jpeg(fit(image, longest)[0], quality)
        if len(encoded) <= most:
            return encoded
    return None
