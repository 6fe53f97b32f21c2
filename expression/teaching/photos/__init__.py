"""Photos for lessons: people of different age, sex and skin colour, under licences that allow sharing.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...pictures.image import read_picture

FOLDER = Path(__file__).parent
"""Where the photos are; `LICENCES.md` there says whose they are."""

PORTRAITS = ("man_a", "woman_b", "man_d", "woman_c", "man_b", "woman_a", "man_c")
"""The photos that show one smiling person each, every person once."""

EXPRESSIONS = {
    "angry": "Angry",
    "happy_baby": "Happy",
    "neutral": "Neutral",
    "sad_baby": "Sad",
    "surprised": "Surprise",
}
"""Photos of other expressions, each with the label that its publisher gave it."""


def path(name: str) -> Path:
    """Returns the path of a photo.

    Args:
        name: One of `names`, such as "man_d".

    Raises:
        ValueError: There is no such photo.
    """
    if name not in names():
        raise ValueError(
            f'There is no photo called "{name}". The photos are {", ".join(names())}. Choose one of these.'
        )
    return FOLDER / f"{name}.jpg"


def names() -> list[str]:
    """Returns the names of all photos, in alphabetical order; "group" shows several people."""
    return sorted(found.stem for found in FOLDER.glob("*.jpg"))


def photo(name: str) -> np.ndarray:
    """Reads a photo: (height, width, 3) uint8 RGB, its longer side at most 640 pixels.

    Args:
        name: One of `names`, such as "man_d".

    Raises:
        ValueError: There is no such photo.

    Example:
        >>> photo("man_d").shape
        (427, 640, 3)
    """
    return read_picture(path(name))
