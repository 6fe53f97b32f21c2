"""Cuts: where a recording changes from one shot to the next.

`analysis/analyzer.py`, `analysis/known_people.py` and, for a recording that is played live, `live/capture.py`
ask whether a frame starts a new shot, since a tracker follows a face across a cut if the next shot has one in
the same place.

Notebook: 07_live
"""

from __future__ import annotations

import cv2
import numpy as np

from ..pictures.image import grey

SIDE = 16
"""Pixels on a side of the small pictures that are compared."""

SAMPLED = 128
"""Pixels on a side that are looked at, whatever the size of the frame: large ones would take milliseconds."""

LEAST, TIMES = 6.0, 4.0
"""A frame starts a new shot if it differs from the one before by this many grey levels on average, and this
many times as much as frames did lately, so that neither noise nor a moving camera counts."""

LATELY = 0.2
"""Weight of a new difference in the average of those before."""


def sketch(image: np.ndarray) -> np.ndarray:
    """Returns what `Cuts` compares of a frame.

    Args:
        image: (height, width, 3) uint8 RGB.

    Returns:
        (SIDE, SIDE) uint8 grey levels.
    """
    sampled = cv2.resize(image, (SAMPLED, SAMPLED), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(grey(sampled), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


class Cuts:
    """Finds the first frames of shots.

    Example:
        >>> cuts = Cuts()
        >>> [cuts.starts(np.full((16, 16), level, np.uint8)) for level in (0, 1, 2, 99, 98)]
        [True, False, False, True, False]
    """

    def __init__(self):
        self._small: np.ndarray | None = None
        self._average = 0.0

    def starts(self, drawn: np.ndarray) -> bool:
        """Returns whether a frame starts a new shot; call it with each frame in order.

        Args:
            drawn: The frame's `sketch`.
        """
        small = np.float32(drawn)
        before, self._small = self._small, small
        if before is None:
            return True
        change = float(np.abs(small - before).mean())
        cut = change > max(LEAST, TIMES * self._average)
        # A cut says little about the new shot, but a camera that moves all the time is no row of cuts.
        self._average += LATELY * (min(change, 2 * max(LEAST, self._average)) - self._average)
        return cut
