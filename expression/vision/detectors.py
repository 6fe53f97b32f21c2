"""Detectors that find faces in a picture.

A detector has one method, `detect`, which returns boxes cropped like FER2013's faces, whatever
it finds them with. `make_detector` creates one from a name (auto, haar, yunet ...).
`live/session.py` uses them. The measurements behind the constants are in benchmarks/README.md,
section Detection.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, MissingFileError, did_you_mean, user_path
from ..models import registry
from ..pictures.image import face_pixels, fit, grey, square
from ..settings import CHOICES
from ..types import Box, Face
from .cascades import CASCADES, find, find_near, read_cascade, two_eyes

REFERENCE = 640
"""Width in pixels to which larger pictures are scaled before the search, so that it takes no longer."""

LOWER = 0.03
"""A face's square is shifted down by this share of its side, so that the mouth is not cut off.

Source: with this and `side`, boxes found in 1,500 pictures of FER2013 match the edges of the pictures.
"""

INSIDE = 0.5
"""If this share of a box is inside another, only the one with the higher confidence is kept."""


PHOTO, CUT, SQUARE = 400, 192, 1.1
"""What a cropped face rarely is: this many pixels on its shorter side, or larger than those that the
labeler crops and this many times longer than wide."""


class Detector:
    """Finds faces in pictures; each subclass implements one method.

    Args:
        smallest_face: Side of the smallest face to find, in pixels of the picture. A picture
            wider than 640 is searched as if it were that wide, so small faces may be missed.
        eyes: Drop faces in which two eyes are not found.

    Attributes:
        name: Its name in messages, such as "YuNet".
        description: The name, and why it was chosen.
        window: Side of the smallest face in the picture that is searched, in pixels.
        side: The side of a face's square as a multiple of the longer side found by `search`.
        quick_near: Whether it finds known faces faster than new ones.
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
            near: The boxes of faces in the previous frame, in pixels of the image.
            everywhere: Search the whole picture; otherwise only near those boxes, unless
                no face is left there or the detector does not support it.

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
            replace(
                face,
                box=_framed(face.box.scaled(factor), self.side),
                points=tuple((x * factor, y * factor) for x, y in face.points),
            )
            for face in _without_doubles(found)
            if max(face.box.width, face.box.height) * factor > 0.95 * self.smallest_face
        ]
        return [face for face in faces if two_eyes(image, face.box)] if self.eyes else faces

    def search(self, image: np.ndarray, smallest: int, near: Sequence[Box], everywhere: bool) -> list[Face]:
        """Finds boxes in a scaled-down picture; sizes and boxes are in its pixels."""
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
        """Runs the cascade over parts of the grey picture, and over the whole picture if needed."""
        pixels = cv2.equalizeHist(grey(image))
        found = [face for box in near for face in find_near(self._classifier, pixels, box)]
        if everywhere or not found:
            found += find(self._classifier, pixels, self._cascade.step, self._cascade.neighbours, smallest)
        return found


class YuNet(Detector):
    """Finds faces with YuNet, a small convolutional network; see `Detector`.

    Args:
        path: The ONNX file; None for the one found by `registry.require`.

    Raises:
        MissingFileError: The file does not exist; download it.
        BadInputError: It is not a detector for OpenCV; download it again.

    Source: Wu et al., YuNet: A Tiny Millisecond-level Face Detector, 2023,
        https://doi.org/10.1007/s11633-023-1423-y
    """

    name = "YuNet"
    window = 20
    side = 1.0
    threshold = 0.6
    """Faces in the clips score 0.7 or more, everything else below 0.4."""
    overlap = 0.3
    """Of two boxes that overlap more than this, the one with the higher confidence is kept."""
    least = 33
    """Smallest side of a picture in pixels; below it YuNet finds faces of infinite size."""

    def __init__(self, path: str | Path | None = None, smallest_face: int = 40, eyes: bool = False):
        super().__init__(smallest_face, eyes)
        path = user_path(path) if path else registry.require("yunet")
        if not path.is_file():
            raise MissingFileError(
                f"{path} was not found.", "Expected the file of YuNet.", "Run: expression models get yunet"
            )
        network = np.fromfile(path, np.uint8)  # a buffer, because any path works then
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
        """Runs the network over the whole picture; its boxes extend from the forehead to the chin."""
        lower, right = (max(0, self.least - side) for side in image.shape[:2])
        image = cv2.copyMakeBorder(image, 0, lower, 0, right, cv2.BORDER_REPLICATE)
        size = image.shape[1::-1]
        if size != self._size:
            self._network.setInputSize(size)
            self._size = size
        rows = self._network.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        # None if there is no face; the boxes stay unrounded until they are scaled up.
        return [] if rows is None else [_face(row.tolist()) for row in rows]


def _face(row: list[float]) -> Face:
    """Returns a face from a row of YuNet: the box, five points and the confidence."""
    points = tuple(zip(row[4:14:2], row[5:14:2], strict=True))
    return Face(Box(*row[:4]), min(row[14], 1.0), points=points)


class WholeFrame(Detector):
    """Treats every picture as one face, for pictures that are already cropped."""

    name = "whole frame"

    def detect(self, image: np.ndarray, near: Sequence[Box] = (), everywhere: bool = True) -> list[Face]:
        """Returns one face as large as the picture."""
        return [Face(Box(0, 0, image.shape[1], image.shape[0]))]


def make_detector(name: str = "auto", smallest_face: int = 40, eyes: bool = False) -> Detector:
    """Returns a detector by its name.

    Args:
        name: haar, haar-alt2, lbp, yunet, whole, or auto for YuNet if its file is
            found and Haar otherwise.
        smallest_face: See `Detector`.
        eyes: See `Detector`.

    Raises:
        BadInputError: There is no such name.
        MissingFileError: YuNet's file was not found; run: expression models get yunet

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
    raise BadInputError(
        f"There is no detector {name!r}.",
        f"Expected one of {', '.join(CHOICES['detector'])}.",
        did_you_mean(name, CHOICES["detector"]),
    )


def _yunet_or_haar(smallest_face: int, eyes: bool) -> Detector:
    """Returns the better available detector; its description says why it was chosen."""
    try:
        return YuNet(None, smallest_face, eyes)
    except MissingFileError as error:
        detector = CascadeDetector("haar", smallest_face, eyes)
        detector.description = f"Haar, since {error.happened} {error.remedy}"
        return detector


def _framed(box: Box, side: float) -> Box:
    """Returns the square that FER2013 would crop; `side` is a multiple of the box's longer side."""
    frame = square(box, side)
    return Box(frame.x, frame.y + round(LOWER * frame.height), frame.width, frame.height)


def _without_doubles(faces: list[Face]) -> list[Face]:
    """Keeps the most confident of overlapping faces; returns them by size.

    Of equals, the one further left comes first: OpenCV's threads return them in any order.
    """
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: (-face.confidence, face.box.x, face.box.y)):
        if not any(_cover(face.box, surer.box) > INSIDE for surer in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: (-face.box.area, face.box.x, face.box.y))


def _cover(one: Box, other: Box) -> float:
    """Returns the share of the smaller box that is inside the larger, 0 to 1."""
    return one.shared(other) / max(1, min(one.area, other.area))


class FaceCutter:
    """Turns each picture it is called with into a face; `dataset.read` takes one as its `crop`.

    Args:
        detector: Finds the largest face; None treats the whole picture as the face.
        cut: Crops a face from a picture, like `image.face_pixels`.

    Attributes:
        pictures: Number of pictures it was called with.
        missed: Number of those without a detected face, which are used whole.
        photos: Number of those that are larger than cropped faces usually are.
    """

    def __init__(self, detector: Detector | None, cut: Callable[..., np.ndarray] = face_pixels):
        self._detector, self._cut = detector, cut
        self.pictures = self.missed = self.photos = 0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns the face of a picture, (height, width, 3) uint8 RGB, like `cut`: (48, 48) uint8 grey."""
        faces = self._detector.detect(image) if self._detector else []
        self.pictures += 1
        self.missed += not faces
        self.photos += is_photo(image)
        return self._cut(image, faces[0].box if faces else None)


def is_photo(image: np.ndarray) -> bool:
    """Returns whether a picture is larger than cropped faces usually are, or not square."""
    short, long = sorted(image.shape[:2])
    return short >= PHOTO or (long > CUT and long > SQUARE * short)
