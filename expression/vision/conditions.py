"""Conditions: what hinders reading a face in front of a camera, measured over some frames.

`check --camera` collects ten seconds of frames and prints what `Conditions.hindrances` returns. Each
measurement is of the largest face; its median over the frames counts.

Notebook: 07_live
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..pictures.image import SIZE, crop, grey, square
from ..types import Box, Face
from .detectors import Detector

PRESENT = 0.5
"""The share of frames in which a face must be found."""

DARK = 60
"""The lowest mean grey level of a face, 0 to 255. Of 423 press photos, one in a hundred is below 73."""

BACKLIT, BEHIND = 90, 80
"""A face below the first grey level with a background brighter by the second is against the light."""

BLURRED = 0.06
"""The lowest sharpness of a face, see `_sharpness`. Sharp portraits have 0.2 or more; blurred by 3% of the
face's side, 95 in a hundred have 0.06 or less."""

SMALL = 64
"""The smallest side of a face in pixels: the network reads 48, and boxes are not exact."""

TILTED = 15
"""The largest tilt in degrees; the network was trained with no more."""

ANGLES = range(-60, 61, 10)
"""The angles in degrees by which a picture is turned to find the one at which its face is upright."""

UPRIGHT = 0.05
"""The detector's confidence falls by this much when an upright face is turned by about 30 degrees."""

TILT_EVERY = 10
"""The tilt is measured in every tenth frame with a face, since it takes a dozen searches."""

LOW = 0.44
"""The lowest position of the tip of the nose between eyes (0) and mouth (1). Photos have 0.49 to 0.64; seen
from below, the nose moves towards the eyes."""

TOP = 0.2
"""A face whose centre is in this upper part of the picture is seen by a camera that points too low."""


class Hindrance(NamedTuple):
    """Something that hinders reading.

    Attributes:
        name: One or two words.
        found: What was measured, a sentence.
        remedy: What to do about it, a sentence.
    """

    name: str
    found: str
    remedy: str


class Measured(NamedTuple):
    """Measurements of one face; NaN for what could not be measured.

    Attributes:
        side: The side of its box in pixels.
        light: The mean grey level of the face, 0 to 255.
        behind: The mean grey level around it; NaN if the face fills the picture.
        sharpness: See `_sharpness`.
        tilt: Degrees by which it is tilted; see `tilt`.
        nose: The position of the tip of the nose between eyes (0) and mouth (1).
        height: The position of the face's centre from the top (0) to the bottom (1) of the picture.
    """

    side: float
    light: float
    behind: float
    sharpness: float
    tilt: float
    nose: float
    height: float


class Conditions:
    """Collects measurements, frame by frame.

    Args:
        detector: Finds the faces.

    Attributes:
        frames: Number of frames.
        faces: The measurements of those in which a face was found.

    Example:
        >>> from expression.vision.detectors import make_detector
        >>> conditions = Conditions(make_detector("haar"))
        >>> conditions.look(np.zeros((480, 640, 3), np.uint8))
        >>> conditions.hindrances()[0].name
        'nobody'
    """

    def __init__(self, detector: Detector):
        self._detector = detector
        self.frames = 0
        self.faces: list[Measured] = []

    def look(self, image: np.ndarray) -> None:
        """Finds and measures the largest face of a frame, (height, width, 3) uint8 RGB."""
        faces = self._detector.detect(image)
        self.frames += 1
        if faces:
            found = measure(image, faces[0])
            if not len(self.faces) % TILT_EVERY:
                found = found._replace(tilt=tilt(image, faces[0], self._detector))
            self.faces.append(found)

    def hindrances(self) -> list[Hindrance]:
        """Returns what hinders reading in most frames, the worst first; nothing if it looks good."""
        if not self.frames or len(self.faces) < PRESENT * self.frames:
            seen = f"A face was found in {len(self.faces)} of {self.frames} frames."
            remedy = "Sit in front of the camera with the light on, and look into it."
            return [Hindrance("nobody", seen, remedy)]
        usual = Measured(*map(_median, zip(*self.faces, strict=True)))
        return [Hindrance(*texts) for there, *texts in _table(usual) if there]


def _median(values: Sequence[float]) -> float:
    """Returns the median of the numbers among some values, NaN if there are none."""
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def _table(usual: Measured) -> Iterator[tuple[bool, str, str, str]]:
    """Yields each hindrance, and first whether it is there."""
    backlit = usual.light < BACKLIT and usual.behind - usual.light > BEHIND
    light, behind = f"{usual.light:.0f} of 255", f"{usual.behind:.0f}"
    yield (
        backlit,
        "backlit",
        f"The light comes from behind you: your face is darker ({light}) than what is behind you ({behind}).",
        "Turn around, so that the window or lamp is behind the camera, or light your face.",
    )
    dark = usual.light < DARK and not backlit
    yield dark, "dark", f"Your face is too dark ({light}).", "Turn on a light in front of you."
    small = usual.side < SMALL
    yield (
        small,
        "far",
        f"Your face is small: {usual.side:.0f} pixels wide, and {SMALL} are needed.",
        "Come closer, or choose a higher resolution for the camera.",
    )
    yield (
        usual.sharpness < BLURRED and not small,  # a face of few pixels looks blurred anyway
        "blurred",
        "Your face is blurred.",
        "Wipe the lens, focus the camera, or add light, so that the exposure can be shorter.",
    )
    yield (
        abs(usual.tilt) > TILTED,
        "tilted",
        f"Your head or the camera is tilted by {abs(usual.tilt):.0f} degrees.",
        "Straighten the camera, or hold your head upright.",
    )
    yield (
        usual.nose < LOW or usual.height < TOP,
        "low",
        "The camera looks up at you from below." if usual.nose < LOW else "Your face is at the top edge.",
        "Raise the camera to eye level.",
    )


def measure(image: np.ndarray, face: Face) -> Measured:
    """Measures a face, all but its tilt.

    Args:
        image: (height, width, 3) uint8 RGB.
        face: One of the faces in it.
    """
    box, levels = face.box, grey(image)
    return Measured(
        max(box.width, box.height),
        float(crop(levels, square(box, 0.7)).mean()),
        _behind(levels, square(box, 1.6)),
        _sharpness(crop(levels, square(box, 0.9))),
        math.nan,
        _nose(face),
        box.centre[1] / len(levels),
    )


def _behind(levels: np.ndarray, box: Box) -> float:
    """Returns the mean grey level outside a box; NaN if little is outside."""
    outside = np.ones(levels.shape, bool)
    outside[max(0, box.y) : max(0, box.bottom), max(0, box.x) : max(0, box.right)] = False
    return float(levels[outside].mean()) if outside.mean() > 0.05 else math.nan


def _sharpness(face: np.ndarray) -> float:
    """Returns how much detail a face has at the size that the network reads, relative to its contrast."""
    small = cv2.resize(face, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return float(cv2.Laplacian(small, cv2.CV_32F).var() / max(float(small.var()), 1.0))


def _nose(face: Face) -> float:
    """Returns the position of the tip of the nose between eyes (0) and mouth (1); NaN without points."""
    if len(face.points) != 5:
        return math.nan
    right, left, nose, mouth_right, mouth_left = np.array(face.points)
    eyes, mouth = (right + left) / 2, (mouth_right + mouth_left) / 2
    down = mouth - eyes
    return float((nose - eyes) @ down / max(down @ down, 1))


def tilt(image: np.ndarray, face: Face, detector: Detector) -> float:
    """Returns by how many degrees a face is tilted: turned back by them, the detector is surest of it.

    The eyes that YuNet finds say less: of a tilted face, they come out almost level.

    Args:
        image: (height, width, 3) uint8 RGB.
        face: One of the faces in it.
        detector: Finds it again in the turned pictures.

    Returns:
        Positive if the head leans towards the right of the picture; NaN if the detector gives no confidence.
    """
    (x, y), side, surest = face.box.centre, max(face.box.width, face.box.height), []
    for angle in ANGLES:
        matrix = cv2.getRotationMatrix2D((x, y), angle, 1)
        turned = cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        there = [found for found in detector.detect(turned) if math.dist(found.box.centre, (x, y)) < side / 2]
        surest.append(max((found.confidence for found in there), default=0.0))
    if max(surest) == 1 or not any(surest):  # a cascade does not say how sure it is
        return math.nan
    weights = np.maximum(np.array(surest) - max(surest) + UPRIGHT, 0)
    return float(weights @ np.array(ANGLES) / weights.sum())
