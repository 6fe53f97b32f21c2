"""A user's own set as training data: its rows with their pictures, and what is left out.

`folders.py`, `labeler/importer.py` and `expression personalise` list one. Nothing is changed here, and links
are not followed.

Notebook: 08_your_face
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import BadInputError, ExpressionError, MissingFileError
from ..labelbook.folder import number_of
from ..labelbook.pictures import Pictures
from ..labelbook.relinking import look_for
from ..labelbook.rows import FILE, IMAGES, Row, read_table
from ..labelbook.session_times import sessions_by_time
from ..labels import Labels, folded_label, label_list, listed_labels, names_in
from ..pictures.image import SIZE, read_picture
from ..pictures.skipped import Skipped
from ..sanitize import printable
from .dataset import Split

REPAIR = "expression dataset check --repair"
"""The command that repairs a set."""

FACELESS = "without a face"
"""Why a photo is left out."""


class OwnPicture(NamedTuple):
    """A labelled picture.

    Attributes:
        path: Its file.
        image: Its name in its row.
        label: Its label, as written in its row.
        session: Its capture session; "" if not known.
    """

    path: Path
    image: str
    label: str
    session: str


@dataclass
class OwnSet:
    """A user's own set.

    Attributes:
        table: Its faceLabels.csv.
        labels: The labels that it lists, or that were asked for.
        pictures: The usable pictures, in the order in which they were taken if that is known.
        skipped: Rows that were left out.
        rows: The number of rows.
        notes: What the user should know, as sentences.
    """

    table: Path
    labels: Labels
    pictures: list[OwnPicture] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)
    rows: int = 0
    notes: list[str] = field(default_factory=list)

    def told(self, looked: int = 0) -> list[str]:
        """Returns what the user should know about how it was read, as sentences.

        Args:
            looked: The number of pictures that were searched for a face.
        """
        photos = f"{looked} large pictures were searched for a face." if looked else ""
        better = "YuNet finds more faces: expression models get yunet" * bool(self.skipped.reasons[FACELESS])
        lines = (*self.notes, photos, self.skipped.summary(self.rows, "rows"), better)
        return [line for line in lines if line]


def tables_folder(folder: Path) -> Path | None:
    """Returns where the tables of a user's own set are: in a folder, in its folder `data`, or None."""
    return next((place for place in (folder, folder / "data") if (place / FILE).is_file()), None)


def list_own(folder: Path, labels: Labels | None = None) -> OwnSet:
    """Lists the pictures of a set that exist.

    Those that are not in Images are taken from an Images next to it, as some programs store them. A picture
    with two rows is used once, or not at all if the rows disagree.

    Args:
        folder: The folder of faceLabels.csv.
        labels: The labels to use; None for those that the set lists.

    Raises:
        BadInputError: A table is damaged, most rows have no picture, or there is a link in Images.
    """
    table = folder / FILE
    rows = read_table(table, names_in(label_list(folder))).settled(table).rows
    found = OwnSet(table, labels or listed_labels(folder), rows=len(rows))
    places = _places(rows, folder, found)
    by_path: dict[Path, list[Row]] = defaultdict(list)
    for row, session in zip(rows, sessions_by_time([row.session for row in rows]), strict=True):
        if not row.label:
            found.skipped.add(row.image, "without a label")
        elif row.image not in places:
            found.skipped.add(row.image, f"without a picture; in its folder, run: {REPAIR}")
        else:
            by_path[places[row.image]].append(row._replace(session=session))
    for path, said in by_path.items():
        if len({folded_label(row.label) for row in said}) > 1:
            for row in said:
                found.skipped.add(row.image, "with two different labels")
        else:
            found.pictures.append(OwnPicture(path, *said[0][:3]))
    numbers = [number_of(picture.image) for picture in found.pictures]
    if None not in numbers:
        found.pictures.sort(key=lambda picture: number_of(picture.image))
    return found


def read_own(folder: Path, crop: Callable[[np.ndarray], np.ndarray]) -> tuple[Split, OwnSet]:
    """Reads a set.

    Args:
        folder: The folder of faceLabels.csv.
        crop: Turns a picture, (height, width, 3) uint8 RGB, into a face, (48, 48) uint8; it raises a
            BadInputError if there is no face.

    Returns:
        The pictures, with sessions as groups, and the set they come from, with everything that was left out.

    Raises:
        BadInputError: A table is damaged, a label is not listed, most pictures are unusable, or there is a
            link in Images.
    """
    found = list_own(folder)
    faces, indexes, groups = [], [], []
    for picture in found.pictures:
        index = _index(picture, found)
        try:
            image = read_picture(picture.path)
        except ExpressionError as error:
            found.skipped.add(picture.image, getattr(error, "reason", "not readable"))
            continue
        try:
            faces.append(crop(image))
        except BadInputError:
            found.skipped.add(picture.image, FACELESS)
            continue
        indexes.append(index)
        groups.append(picture.session)
    found.skipped.check(found.rows, found.table, "rows")
    pictures = np.stack(faces) if faces else np.empty((0, SIZE, SIZE), np.uint8)
    named = np.array(groups, str) if any(groups) else None
    return Split(pictures, np.array(indexes, np.int64), groups=named), found


def _places(rows: list[Row], folder: Path, found: OwnSet) -> dict[str, Path]:
    """Returns the files of the rows that have one."""
    pictures = Pictures(folder / IMAGES)
    search = look_for(rows, pictures)
    near = {folder.resolve(), (folder.resolve().parent / IMAGES)}
    beside = {
        image: path
        for image, path in search.elsewhere.items()
        if near & {path.resolve().parent, *path.resolve().parents}
    }
    inside = {row.image: pictures.folder / path for row in rows if (path := pictures.find(row.image))}
    lost = sum(row.image not in inside and row.image not in beside for row in rows)
    if 2 * lost > len(rows):
        raise MissingFileError(
            f"{lost} of the {len(rows)} rows of {found.table} have no picture in {pictures.folder}.",
            "Expected the files that the rows name.",
            f"In {folder.resolve()}, run: {REPAIR}.",
        )
    if beside:
        folders = {path.parent for path in beside.values()}
        places = sorted(str(place) for place in folders if not folders & set(place.parents))
        found.notes.append(
            f"{len(beside)} pictures are not in Images and were read from {', '.join(places[:3])}."
        )
    return inside | beside


def _index(picture: OwnPicture, found: OwnSet) -> int:
    """Returns the index of a picture's label."""
    if found.labels.find(picture.label) is not None:
        return found.labels.index(picture.label)
    raise BadInputError(
        f"{found.table} has the unknown label '{printable(picture.label)}'.",
        f"Expected {', '.join(found.labels)}.",
        f"In its folder, run: {REPAIR}.",
    )
