"""The face of a reading as a picture, and the time it was taken; for sinks that save pictures.

Notebook: 10_reactions
"""

from __future__ import annotations

import time
from datetime import datetime

import numpy as np

from ..pictures.image import crop, fit, square
from ..types import Frame, Reading

MARGIN = 1.3
"""Side of the picture as a multiple of the box's longer side, so that it includes hair and chin."""

LONGEST = 256
"""Maximum pixels on a side."""


def face_of(frame: Frame, reading: Reading) -> np.ndarray:
    """Returns the face, square, in colour: (side, side, 3) uint8 RGB."""
    return fit(crop(frame.image, square(reading.box, MARGIN)), LONGEST)[0]


def taken(reading: Reading) -> datetime:
    """Returns when the frame of a reading was captured, in this machine's time zone."""
    return datetime.fromtimestamp(time.time() - (time.monotonic() - reading.time)).astimezone()
