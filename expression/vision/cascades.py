"""Cascades: OpenCV's classifiers that slide a window over a picture, for faces and eyes.

A cascade applies one cheap test after another to every window and drops it at the first
failure, so that the many windows without a face cost little. `detectors.py` builds detectors from
them. The measurements behind the constants are in benchmarks/README.md, section Detection.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, MissingFileError
from ..models import registry
from ..pictures.image import crop, grey, resize, square
from ..types import Box, Face

NEAR_STEP, NEAR_NEIGHBOURS = 1.1, 4
"""How a known face is searched for again: in finer steps than in a search of the whole picture."""

NEAR_REACH = 1.6
"""It is searched for in a square this many times as wide as its box ..."""

NEAR_SMALLEST, NEAR_LARGEST = 0.75, 1.3
"""... at sizes between these multiples of its previous size."""

EYES_WIDTH = 160
"""Width to which a face is scaled before searching for eyes, in pixels; an eye is then 24 to 72 wide."""

_FOLDER = Path(cv2.data.haarcascades)
_own = threading.local()


@dataclass(frozen=True)
class Cascade:
    """A cascade file and its parameters.

    Attributes:
        name: Its name in messages.
        path: The file.
        window: Pixels on a side of the smallest face in the picture that is searched.
        step: Factor by which the size of the faces increases from one search to the next.
        neighbours: Number of hits at nearly the same place that make a face.
    """

    name: str
    path: Path
    window: int
    step: float
    neighbours: int


CASCADES = {
    "haar": Cascade("Haar", _FOLDER / "haarcascade_frontalface_default.xml", 26, 1.25, 3),
    "haar-alt2": Cascade("Haar alt2", _FOLDER / "haarcascade_frontalface_alt2.xml", 24, 1.2, 3),
    "lbp": Cascade("LBP", registry.FOLDER / "lbpcascade_frontalface.xml", 30, 1.1, 4),
}
"""The cascades by their names for `--detector`.

Source: Viola and Jones, Rapid Object Detection using a Boosted Cascade of Simple Features,
2001; Liao et al., Learning Multi-scale Block Local Binary Patterns for Face Recognition,
2007; window, step and neighbours as measured in benchmarks/README.md.
"""


def read_cascade(path: str | Path) -> cv2.CascadeClassifier:
    """Reads a cascade; OpenCV itself fails for paths that are not plain ASCII.

    Raises:
        MissingFileError: The file does not exist.
        BadInputError: It is not a cascade.
    """
    path = Path(path)
    if not path.is_file():
        remedy = 'Run: pip install --force-reinstall "opencv-python<5"'
        raise MissingFileError(
            f"The cascade {path} was not found.", "Expected it in OpenCV's folder.", remedy
        )
    mode = cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY
    classifier = cv2.CascadeClassifier()
    try:
        storage = cv2.FileStorage(path.read_text(encoding="utf-8"), mode)
        good = classifier.read(storage.getFirstTopLevelNode())
    except (cv2.error, SystemError, UnicodeDecodeError):  # the second hides the first if it is not XML
        good = False
    if not good:
        raise BadInputError(
            f"{path} is not a cascade.", "Expected an OpenCV cascade.", "Choose another file."
        )
    return classifier


def find(
    classifier: cv2.CascadeClassifier,
    pixels: np.ndarray,
    step: float,
    neighbours: int,
    smallest: int,
    largest: int = 10_000,
) -> list[Face]:
    """Finds the objects of a classifier; the more hits a place has, the higher its confidence.

    Args:
        classifier: See `read_cascade`; may only be used by one thread at a time.
        pixels: (height, width) uint8 grey levels.
        step: See `Cascade`.
        neighbours: See `Cascade`.
        smallest: Side of the smallest object, in pixels.
        largest: Side of the largest object, in pixels.
    """
    boxes, hits = classifier.detectMultiScale2(
        pixels, step, neighbours, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    # Both are () if nothing is found, otherwise arrays.
    return [Face(Box(*map(int, b)), float(n / (n + neighbours))) for b, n in zip(boxes, hits, strict=True)]


def find_near(classifier: cv2.CascadeClassifier, pixels: np.ndarray, box: Box) -> list[Face]:
    """Finds a face again, near where it was; takes a fraction of the time of `find`.

    Args:
        classifier: See `find`.
        pixels: (height, width) uint8 grey levels.
        box: The box of the face in the previous picture, in pixels.
    """
    area = square(box, NEAR_REACH)
    x, y = max(0, area.x), max(0, area.y)
    part = pixels[y : max(y, area.bottom), x : max(x, area.right)]
    smallest, largest = round(NEAR_SMALLEST * box.width), round(NEAR_LARGEST * box.width)
    if min(part.shape) < smallest:
        return []
    faces = find(classifier, part, NEAR_STEP, NEAR_NEIGHBOURS, smallest, largest)
    return [replace(face, box=replace(face.box, x=face.box.x + x, y=face.box.y + y)) for face in faces]


def two_eyes(image: np.ndarray, box: Box) -> bool:
    """Whether an eye is found on each side of a face's upper half.

    A patch of wall that looks like a face does not have eyes. But eyes that are shut, small,
    behind glasses or seen from the side are not found either: half of the real faces in the
    clips are lost with the false ones. Use it if a false face is worse than a missed one.

    Args:
        image: (height, width, 3) uint8 RGB.
        box: The box of the face, in pixels.
    """
    upper = Box(box.x, box.y, box.width, max(1, round(box.height * 0.6)))
    height = max(1, round(EYES_WIDTH * upper.height / upper.width))
    pixels = cv2.equalizeHist(resize(grey(crop(image, upper)), EYES_WIDTH, height))
    eyes = find(_eye_cascade(), pixels, 1.1, 2, 24, 72)
    middles = [eye.box.centre[0] for eye in eyes]
    return any(x < EYES_WIDTH / 2 for x in middles) and any(x > EYES_WIDTH / 2 for x in middles)


def _eye_cascade() -> cv2.CascadeClassifier:
    """Returns the eye cascade, read once in each thread."""
    if not hasattr(_own, "eyes"):
        _own.eyes = read_cascade(_FOLDER / "haarcascade_eye.xml")
    return _own.eyes
