"""Preprocessing: a video, camera or stream to pictures of the largest face, one a second, for a network.

`expression preprocess` and `scripts/preprocess.py` call `preprocess`.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import BadInputError
from ..files import PRIVATE_FOLDER, as_output_error
from ..pictures.image import as_picture, face_pixels, write_picture
from ..sources._base import Source
from ..types import largest
from ..vision.detectors import Detector

EVERY = 1.0
"""Seconds from one picture to the next."""


@dataclass
class Collected:
    """What was collected.

    Attributes:
        pictures: The files written, in order.
        seconds: The time of each in the video, in seconds.
        missed: The seconds in which no face was found.
    """

    pictures: list[Path] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)


def preprocess(
    source: Source, detector: Detector, out: Path, count: int = 20, until_found: bool = False
) -> Collected:
    """Writes the largest face of each second as a picture of 48 x 48 grey levels, the face in the middle.

    In each second, the first frame with a face counts.

    Args:
        source: A source that is not yet open.
        detector: Finds the faces.
        out: The folder for the pictures, image0.png, image1.png and so on; created if necessary. Pictures
            with such names from an earlier run are replaced, and those beyond the new ones deleted.
        count: Number of seconds to look at.
        until_found: Go on until this many faces were found, or the source ends.

    Raises:
        BadInputError: No face was found.
        OutputError: A picture cannot be written.
    """
    with as_output_error(out):
        out.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    found, waiting = Collected(), 0  # the second for which a face is looked for
    for image, position in _frames(source):
        second = int(position / EVERY + 1e-6)
        if second > waiting:
            found.missed += range(waiting, second)
            waiting = second
        if (len(found.pictures) if until_found else second) >= count:
            break
        face = largest(detector.detect(image)) if second == waiting else None
        if face is not None:
            path = out / f"image{len(found.pictures)}.png"
            write_picture(path, face_pixels(image, face.box))
            found.pictures.append(path)
            found.seconds.append(position)
            waiting = second + 1
    if not found.pictures:
        raise BadInputError(
            f"No face was found in {source.description}.",
            "Expected one that looks into the camera.",
            "Choose another video, or turn on a light.",
        )
    _forget_later(out, len(found.pictures))
    return found


def _frames(source: Source) -> Iterator[tuple[np.ndarray, float]]:
    """Yields the frames of a source and their times: those of the recording, or since the first frame."""
    source.open()
    try:
        began, number = None, 0
        while (image := source.read()) is not None:
            began = time.monotonic() if began is None else began
            position = source.position
            if position is None:
                position = number / source.fps if source.fps else time.monotonic() - began
            yield as_picture(image, source.description), position
            number += 1
    finally:
        source.close()


def _forget_later(folder: Path, count: int) -> None:
    """Deletes the pictures of an earlier run beyond the new ones."""
    while (path := folder / f"image{count}.png").is_file():
        with as_output_error(path):
            path.unlink()
        count += 1
