"""A second look: whether there is a face where the rows say so, to notice rows of another recording.

`extraction.py` looks at the first pictures that it writes.

Notebook: 13_video
"""

from __future__ import annotations

import numpy as np

from ..pictures.image import crop, square
from ..types import Box
from ..vision.detectors import Detector

MOST = 20
"""Pictures that are looked at; more would only cost time."""

CONTEXT = 2.0
"""What is looked at: a square this many times as large as the face, so that all of it is in there."""

OVERLAP = 0.3
"""Intersection over union from which a face that is found counts as the one of the rows."""


class SecondLook:
    """Counts faces that are not there.

    Args:
        detector: Finds faces; None to look at nothing.

    Attributes:
        looked: How many pictures were looked at.
        without: How many of them show no face where there should be one.
    """

    def __init__(self, detector: Detector | None):
        self._detector = detector
        self.looked = self.without = 0

    @property
    def doubtful(self) -> bool:
        """Whether half of the faces or more are missing."""
        return self.looked > 0 and 2 * self.without >= self.looked

    def add(self, image: np.ndarray, box: Box) -> None:
        """Looks for the face of a row, unless enough were looked at.

        Args:
            image: (height, width, 3) uint8, RGB.
            box: The face.
        """
        if self._detector is None or self.looked >= MOST:
            return
        around = square(box, CONTEXT)
        inside = Box(box.x - around.x, box.y - around.y, box.width, box.height)
        found = self._detector.detect(np.ascontiguousarray(crop(image, around)))
        self.looked += 1
        self.without += not any(face.box.overlap(inside) >= OVERLAP for face in found)
