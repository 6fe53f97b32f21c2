"""Faces: detectors that find them in a picture, and the thread that feeds one.

A detector has one call, `detect`, and gives boxes as FER2013 cuts its faces, whatever
it finds them with. `make_detector` turns a name (auto, haar, yunet ...) into one.
`session.py` uses them. The figures behind the constants are in benchmarks/README.md,
section Detection.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, MissingFileError, did_you_mean, user_path
from ..models import registry
from ..pictures.image import face_pixels, fit, grey, square
from ..types import Box, Face
from .cascades import CASCADES, find, find_near, read_cascade, two_eyes

REFERENCE = 640
"""A larger picture is searched as if it were this wide, so that no camera takes longer, pixels."""

LOWER = 0.03
"""A face's square is moved down by this share of its side, so that no mouth is cut off.

Source: this and `side` put boxes found in 1,500 pictures of FER2013 where their edges are.
"""

INSIDE = 0.5
"""Of two boxes, one of which lies by this share inside the other, the surer one stays."""


PHOTO, CUT, SQUARE = 400, 192, 1.1
"""What a face that was cut out hardly is: so many pixels on its shorter side, or larger than those that the
labeler cuts out, and so many times longer than wide."""


class Detector:
    """Finds faces in pictures; a subclass is one way to do so.

    Args:
        smallest_face: Side of the smallest face wanted, in pixels of the picture. One
            wider than 640 is searched as if it were that wide, so small faces may be missed.
        eyes: Drop a face in which no two eyes are found.

    Attributes:
        name: What messages call it, such as "YuNet".
        description: The name, and why it was chosen.
        window: Pixels that the smallest face keeps in the picture that is searched.
        side: The square of a face as a multiple of the longer side that `search` finds.
        quick_near: Whether it finds faces again more quickly than it finds new ones.
    """

    name = ""
    window = 24
    side = 1.05
    quick_near = False

    def __init__(self, smallest_face: int = 40, eyes: bool = False):
        self.smallest_face, self.eyes = smallest_face, eyes
        self.longest = round(REFERENCE * self.window / smallest_face)
        self.description = self.name

    def detect(self, image: np.ndarray, near: Sequence[Box] = (), everywhere: bool = True) -> list[Face]:
        """Finds the faces of a picture.

        Args:
            image: (height, width, 3) uint8 RGB.
            near: Where faces were in the frame before, in pixels of the image.
            everywhere: Look in the whole picture; if not, near those boxes only, unless
                nobody is there any more or the detector cannot.

        Returns:
            Faces without a person, the largest first. A box is in pixels of the image, may
            reach outside, and is square unless it is the whole picture.
        """
        small, factor = fit(image, self.longest)
        if min(small.shape[:2]) < self.window:
            return []
        smallest = max(self.window, round(self.smallest_face / factor))
        found = self.search(small, smallest, [box.scaled(1 / factor) for box in near], everywhere)
        faces = [
            Face(_framed(face.box.scaled(factor), self.side), face.confidence)
            for face in _without_doubles(found)
            if max(face.box.width, face.box.height) * factor > 0.95 * self.smallest_face
        ]
        return [face for face in faces if two_eyes(image, face.box)] if self.eyes else faces

    def search(self, image: np.ndarray, smallest: int, near: Sequence[Box], everywhere: bool) -> list[Face]:
        """Finds boxes in a picture that was made small; sizes and boxes are in its pixels."""
        raise RuntimeError(f"{type(self).__name__} has no search")


class CascadeDetector(Detector):
    """Finds faces with one of OpenCV's cascades; see `Detector`.

    Args:
        kind: A key of `cascades.CASCADES`.
    """

    quick_near = True

    def __init__(self, kind: str = "haar", smallest_face: int = 40, eyes: bool = False):
        self._cascade = CASCADES[kind]
        self.name, self.window = self._cascade.name, self._cascade.window
        super().__init__(smallest_face, eyes)
        self._classifier = read_cascade(self._cascade.path)

    def search(self, image: np.ndarray, smallest: int, near: Sequence[Box], everywhere: bool) -> list[Face]:
        """Runs the cascade over parts of the grey picture, and over all of it where that is needed."""
        pixels = cv2.equalizeHist(grey(image))
        found = [face for box in near for face in find_near(self._classifier, pixels, box)]
        if everywhere or not found:
            found += find(self._classifier, pixels, self._cascade.step, self._cascade.neighbours, smallest)
        return found


class YuNet(Detector):
    """Finds faces with YuNet, a small convolutional network; see `Detector`.

    Args:
        path: The ONNX file; None for the one that `registry.require` finds.

    Raises:
        MissingFileError: The file is not there; fetch it.
        BadInputError: It is no detector of OpenCV's; fetch it again.

    Source: Wu et al., YuNet: A Tiny Millisecond-level Face Detector, 2023,
        https://doi.org/10.1007/s11633-023-1423-y
    """

    name = "YuNet"
    window = 20
    side = 1.0
    threshold = 0.6
    """Faces of the clips score 0.7 and more, everything else below 0.4."""
    overlap = 0.3
    """Of two boxes that overlap more than this, the surer one stays."""
    least = 33
    """Pixels on a side below which it finds faces of infinite size."""

    def __init__(self, path: str | Path | None = None, smallest_face: int = 40, eyes: bool = False):
        super().__init__(smallest_face, eyes)
        path = user_path(path) if path else registry.require("yunet")
        if not path.is_file():
            raise MissingFileError(
                f"{path} was not found.", "Expected the file of YuNet.", "Run: expression models get yunet"
            )
        network = np.fromfile(path, np.uint8)  # a buffer: any path will do
        self._size = (320, 320)
        try:
            self._network = cv2.FaceDetectorYN.create(
                "onnx", network, np.empty(0, np.uint8), self._size, self.threshold, self.overlap, 100
            )
            self._network.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise BadInputError(
                f"{path} is not a YuNet file.",
                "Expected an ONNX file of a face detector.",
                "Run: expression models get yunet",
            ) from error

    def search(self, image: np.ndarray, smallest: int, near: Sequence[Box], everywhere: bool) -> list[Face]:
        """Runs the network over the whole picture; its boxes reach from the forehead to the chin."""
        lower, right = (max(0, self.least - side) for side in image.shape[:2])
        image = cv2.copyMakeBorder(image, 0, lower, 0, right, cv2.BORDER_REPLICATE)
        size = image.shape[1::-1]
        if size != self._size:
            self._network.setInputSize(size)
            self._size = size
        rows = self._network.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        # None when there is no face; the boxes stay unrounded until they are scaled up.
        return [] if rows is None else [Face(Box(*row[:4].tolist()), float(min(row[14], 1))) for row in rows]


class WholeFrame(Detector):
    """Takes every picture for one face, for pictures that are already cut."""

    name = "whole frame"

    def detect(self, image: np.ndarray, near: Sequence[Box] = (), everywhere: bool = True) -> list[Face]:
        """Returns one face as large as the picture."""
        return [Face(Box(0, 0, image.shape[1], image.shape[0]))]


def make_detector(name: str = "auto", smallest_face: int = 40, eyes: bool = False) -> Detector:
    """Returns a detector by its name.

    Args:
        name: haar, haar-alt2, lbp, yunet, whole, or auto for YuNet where its file is
            found and Haar elsewhere.
        smallest_face: See `Detector`.
        eyes: See `Detector`.

    Raises:
        BadInputError: There is no such name.
        MissingFileError: YuNet's file is not there; run: expression models get yunet

    Example:
        >>> make_detector("haar").detect(np.zeros((480, 640, 3), np.uint8))
        []
    """
    if name in CASCADES:
        return CascadeDetector(name, smallest_face, eyes)
    if name == "auto":
        return _yunet_or_haar(smallest_face, eyes)
    if name == "yunet":
        return YuNet(None, smallest_face, eyes)
    if name == "whole":
        return WholeFrame()
    names = ("auto", *CASCADES, "yunet", "whole")
    raise BadInputError(
        f"There is no detector {name!r}.",
        f"Expected one of {', '.join(names)}.",
        did_you_mean(name, names),
    )


def _yunet_or_haar(smallest_face: int, eyes: bool) -> Detector:
    """Returns the better detector that can be had here, and lets it say why."""
    try:
        return YuNet(None, smallest_face, eyes)
    except MissingFileError as error:
        detector = CascadeDetector("haar", smallest_face, eyes)
        detector.description = f"Haar, since {error.happened} {error.remedy}"
        return detector


def _framed(box: Box, side: float) -> Box:
    """Returns the square that FER2013 would cut; `side` is a multiple of the box's longer side."""
    frame = square(box, side)
    return Box(frame.x, frame.y + round(LOWER * frame.height), frame.width, frame.height)


def _without_doubles(faces: list[Face]) -> list[Face]:
    """Of faces that cover each other keeps the surest; returns them by size."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.confidence):
        if not any(_cover(face.box, surer.box) > INSIDE for surer in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.box.area)


def _cover(one: Box, other: Box) -> float:
    """Returns which share of the smaller box lies in the larger, 0 to 1."""
    return one.shared(other) / max(1, min(one.area, other.area))


class FaceCutter:
    """Turns each picture it is called with into a face; `dataset.read` takes one as its `crop`.

    Args:
        detector: Finds the largest face; None takes the whole picture for it.
        cut: Cuts a face out of a picture, as `image.face_pixels` does.

    Attributes:
        pictures: How many it was called with.
        missed: In how many of them no face was found; those are taken for faces as they are.
        photos: How many of them are larger than faces that were cut out usually are.
    """

    def __init__(self, detector: Detector | None, cut: Callable[..., np.ndarray] = face_pixels):
        self._detector, self._cut = detector, cut
        self.pictures = self.missed = self.photos = 0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns the face of a picture, (height, width, 3) uint8 RGB, as `cut` does: (48, 48) uint8 grey."""
        faces = self._detector.detect(image) if self._detector else []
        self.pictures += 1
        self.missed += not faces
        self.photos += is_photo(image)
        return self._cut(image, faces[0].box if faces else None)


def is_photo(image: np.ndarray) -> bool:
    """Returns whether a picture is larger than faces that were cut out usually are, or not square."""
    short, long = sorted(image.shape[:2])
    return short >= PHOTO or (long > CUT and long > SQUARE * short)
