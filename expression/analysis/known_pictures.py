"""Pictures of known people: a folder for each person, or one picture with their name, to descriptors.

`expression extract --who` calls `read_person`; `known_people.py` compares faces with the result.

Notebook: 13_video
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np

from ..errors import BadInputError, MissingFileError, did_you_mean
from ..files import is_housekeeping, natural
from ..labelbook.columns import PICTURE
from ..labels import folded_label
from ..pictures.decoding import PictureError
from ..pictures.image import fit, is_picture, read_picture
from ..pictures.skipped import Skipped
from ..sanitize import some
from ..types import Box, Face
from ..vision.descriptors import Describer
from ..vision.detectors import Detector

FOLDER = "known"
"""The folder of known people, unless another is named."""

MOST = 20
"""Pictures of a person that are read; more hardly help, and each takes a moment."""

CLEARLY = 2.0
"""In a picture with several faces, the largest counts if its area is this many times that of the next one."""

SIDE = 1600
"""Pixels; larger photos are shrunk to this on their longer side, which faces do not need."""

SEVERAL, NOBODY = "with several faces of similar size", "without a face"
"""Why a picture is skipped, for `Skipped`."""

NAMES = 10
"""How many names an error lists."""

EXPECTED = "Expected a folder of pictures for each person, or a picture with the person's name."


@dataclass
class Person:
    """Somebody who is known by pictures.

    Attributes:
        name: The name, as the folder or file spells it.
        own: (m, n) float32, the descriptors of their pictures.
        others: (k, n) float32, those of all other known people.
        describer: What described them, and describes the faces to compare.
        files: How many files there are in the folder of known people.
        skipped: Those that could not be used.
    """

    name: str
    own: np.ndarray
    others: np.ndarray
    describer: Describer
    files: int = 0
    skipped: Skipped = field(default_factory=Skipped)

    def is_shown(self, image: np.ndarray, box: Box) -> bool:
        """Returns whether a face is this person's: close enough, and no other known person is closer."""
        return self.is_like(self.describer.describe(image, box))

    def is_like(self, descriptor: np.ndarray) -> bool:
        """Returns the same for the descriptor of a face, (n,) float32."""
        nearest = self.describer.distances(self.own, descriptor).min()
        other = self.describer.distances(self.others, descriptor).min(initial=np.inf)
        return bool(nearest < self.describer.limit and nearest <= other)


def read_person(folder: Path, name: str, describer: Describer, detector: Detector) -> Person:
    """Reads the pictures of a person, and those of the other known people, to tell them apart.

    Args:
        folder: The folder of known people: `known/Ada/*.jpg`, or `known/Ada.jpg`.
        name: The name; case does not matter.
        describer: What describes the faces.
        detector: What finds them.

    Raises:
        MissingFileError: There is no such folder.
        BadInputError: It is a file, has nobody of that name, or no usable picture of them.
    """
    people, skipped, files = _listed(folder)
    names = {folded_label(each): each for each in people}
    found = names.get(folded_label(name))
    if found is None:
        raise _unknown(folder, name, list(people))
    described = {}
    for each, paths in people.items():
        left_out = Skipped()
        described[each] = list(_described(paths, folder, describer, detector, left_out))
        skipped.extend(left_out)
        if each == found and not described[each]:
            raise _without_picture(folder, found, len(paths), left_out)
    own = np.stack(described.pop(found))
    others = [descriptor for each in described.values() for descriptor in each]
    return Person(found, own, np.stack(others) if others else own[:0], describer, files, skipped)


def _listed(folder: Path) -> tuple[dict[str, list[Path]], Skipped, int]:
    """Returns the files of each person, by name; what was skipped; and how many files there are in all."""
    people: dict[str, tuple[str, list[Path]]] = {}
    skipped, files = Skipped(), 0
    for entry in _entries(folder):
        inside = os.path.isdir(entry) and not is_housekeeping(entry.name)
        name = entry.name if inside else entry.stem
        paths = _entries(entry) if inside else [entry]
        files += len(paths)
        good = [path for path in paths if not _is_left_out(path, folder, skipped)]
        if good or inside:
            people.setdefault(folded_label(name), (name, []))[1].extend(good)
    return dict(people.values()), skipped, files


def _entries(folder: Path) -> list[Path]:
    """Returns what is in a folder, in natural order."""
    if not os.path.lexists(folder):
        raise MissingFileError(
            f"There is no folder {folder}.",
            EXPECTED,
            f"Put a few pictures of the person into {folder / 'NAME'}, or name another folder with --known.",
        )
    try:
        return sorted(folder.iterdir(), key=lambda path: natural(path.name))
    except NotADirectoryError as error:
        raise BadInputError(
            f"{folder} is not a folder.", EXPECTED, "Use --known to name the folder that contains it."
        ) from error
    except OSError as error:
        raise BadInputError(
            f"{folder} cannot be read ({error.strerror}).", EXPECTED, "Check its permissions."
        ) from error


def _is_left_out(path: Path, folder: Path, skipped: Skipped) -> bool:
    """Whether a file cannot be a picture of a person; counts it then."""
    reason = ""
    if is_housekeeping(path.name):
        reason = "hidden or left by the system"
    elif not os.path.isfile(path):
        reason = "folder(s), which are not searched" if os.path.isdir(path) else "not a file"
    elif path.parent == folder and not (PICTURE.search(path.name) or is_picture(path)):
        reason = "not a picture"  # and its name is not that of a person
    if reason:
        skipped.add(path.relative_to(folder).as_posix(), reason)
    return bool(reason)


def _described(
    paths: list[Path], folder: Path, describer: Describer, detector: Detector, skipped: Skipped
) -> Iterator[np.ndarray]:
    """Yields the descriptors of a person's pictures, and counts those that cannot be used."""
    for number, path in enumerate(paths):
        name = path.relative_to(folder).as_posix()
        if number >= MOST:
            skipped.add(name, f"beyond the first {MOST} of a person", len(paths) - MOST)
            return
        try:
            image = fit(read_picture(path), SIDE)[0]
        except PictureError as error:
            skipped.add(name, error.reason)
            continue
        except MissingFileError:
            skipped.add(name, "no longer there")
            continue
        face, reason = _face(detector.detect(image), describer)
        if face is None:
            skipped.add(name, reason)
        else:
            yield describer.describe(image, face.box)


def _face(faces: list[Face], describer: Describer) -> tuple[Face | None, str]:
    """Returns the person's face among those of a picture, the largest first; or None, and why."""
    if not faces:
        return None, NOBODY
    if len(faces) > 1 and faces[0].box.area < CLEARLY * faces[1].box.area:
        return None, SEVERAL
    if faces[0].box.width < describer.smallest:
        return None, f"with a face of less than {describer.smallest} pixels"
    return faces[0], ""


def _unknown(folder: Path, name: str, names: list[str]) -> BadInputError:
    """Returns the error for a name that is not in the folder of known people."""
    expected = f"Expected one of {some(names, NAMES)}." if names else EXPECTED
    remedy = "Choose one of these, or add a folder of pictures with that name."
    if not names:
        remedy = f"Put a few pictures of the person into {folder / 'NAME'}."
    return BadInputError(
        f"{folder} has no pictures of {name!r}.",
        expected,
        did_you_mean(PurePath(name).name, names, remedy),
    )


def _without_picture(folder: Path, name: str, files: int, skipped: Skipped) -> BadInputError:
    """Returns the error for a person of whom no picture can be used."""
    happened = f"No picture of {name} in {folder} can be used. {skipped.summary(files, 'pictures')}"
    return BadInputError(
        happened if files else f"{folder / name} has no pictures.",
        "Expected pictures that show the person's face alone, or much larger than others.",
        f"Add a few to {folder / name}.",
    )
