"""Preprocessing: a video, camera, stream or folder of photos to pictures of the largest face, for a network.

`expression preprocess` and `scripts/preprocess.py` call `preprocess`.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import BadInputError
from ..files import PRIVATE_FOLDER, as_output_error
from ..pictures.image import as_picture, face_pixels, write_picture
from ..sources._base import Source
from ..sources.folder import Folder
from ..types import largest
from ..vision.detectors import Detector

EVERY = 1.0
"""Seconds from one picture to the next."""

COUNT = 20
"""How many seconds of a video or camera are looked at by default."""


@dataclass
class Collected:
    """What was collected.

    Attributes:
        pictures: The files written, in order.
        seconds: The time of each in the video, in seconds; no meaning for photos.
        missed: The seconds, or the names of the photos, in which no face was found.
        photos: How many photos were looked at; None for a video or camera.
    """

    pictures: list[Path] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    missed: list[int | str] = field(default_factory=list)
    photos: int | None = None


class _Shown(NamedTuple):
    """A frame: its image, its time in seconds, the number of its second or photo, and the photo's name."""

    image: np.ndarray
    position: float
    slot: int
    file: str


def preprocess(
    source: Source, detector: Detector, out: Path, count: int | None = None, until_found: bool = False
) -> Collected:
    """Writes the largest face of each second as a picture of 48 x 48 grey levels, the face in the middle.

    In each second, the first frame with a face counts. In a folder of photos, each photo counts once; of an
    animation, the first frame with a face.

    Args:
        source: A source that is not yet open.
        detector: Finds the faces.
        out: The folder for the pictures, image0.png, image1.png and so on; created if necessary. Pictures
            with such names from an earlier run are replaced, and those beyond the new ones deleted.
        count: Number of seconds, or of photos, to look at; by default 20 seconds, or all photos.
        until_found: Go on until this many faces were found, or the source ends.

    Raises:
        BadInputError: No face was found.
        OutputError: A picture cannot be written.
    """
    with as_output_error(out):
        out.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    found = Collected(photos=0 if isinstance(source, Folder) else None)
    limit = count or (COUNT if found.photos is None else math.inf)
    next_slot = 0
    with contextlib.closing(_frames(source)) as frames:
        for slot, shown in itertools.groupby(frames, key=lambda each: each.slot):
            found.missed += range(next_slot, slot)  # seconds without any frame
            if (len(found.pictures) if until_found else slot) >= limit:
                break
            _keep_first(shown, detector, out, found)
            next_slot = slot + 1
    if not found.pictures:
        raise BadInputError(
            f"No face was found in {source.description}.",
            "Expected one that looks into the camera.",
            "Choose another source, or turn on a light.",
        )
    _forget_later(out, len(found.pictures))
    return found


def _keep_first(shown: Iterator[_Shown], detector: Detector, out: Path, found: Collected) -> None:
    """Writes the largest face of the first of some frames that has one, or notes that there is none."""
    if found.photos is not None:
        found.photos += 1
    for each in shown:
        face = largest(detector.detect(each.image))
        if face is not None:
            path = out / f"image{len(found.pictures)}.png"
            write_picture(path, face_pixels(each.image, face.box))
            found.pictures.append(path)
            found.seconds.append(each.position)
            return
    found.missed.append(each.slot if found.photos is None else each.file)


def _frames(source: Source) -> Iterator[_Shown]:
    """Yields the frames of a source, with their times: those of the recording, or since the first frame."""
    photos = isinstance(source, Folder)
    if photos:
        source.seconds = 0.0  # returns each photo once
    source.open()
    try:
        began, number = None, 0
        while (image := source.read()) is not None:
            began = time.monotonic() if began is None else began
            position = source.position
            if position is None:
                position = number / source.fps if source.fps else time.monotonic() - began
            slot = source.scene - 1 if photos else int(position / EVERY + 1e-6)
            yield _Shown(as_picture(image, source.description), position, slot, source.file)
            number += 1
    finally:
        source.close()


def _forget_later(folder: Path, count: int) -> None:
    """Deletes the pictures of an earlier run beyond the new ones."""
    while (path := folder / f"image{count}.png").is_file():
        with as_output_error(path):
            path.unlink()
        count += 1
