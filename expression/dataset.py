"""Data to learn from: pictures with labels, in three splits.

`read_fer2013` reads FER2013 from the csv file of the challenge, or from a folder of
picture sheets. `training.py` is given the Dataset that comes out.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import BadInputError, MissingFileError, damage_told
from .image import SIZE, grey, read_picture
from .labels import FER2013, Labels
from .votes import read_votes

USAGES = ("Training", "PublicTest", "PrivateTest")
"""What FER2013 calls training, validation and test.

Source: Goodfellow et al., Challenges in Representation Learning, 2013, https://arxiv.org/abs/1307.0414
"""

SHEET_COLUMNS = 40
"""Faces side by side on a sheet, `faces_00.png` and so on, read row by row."""

VOTES_FILE = "fer2013new.csv"
"""What FER+ calls its file."""

CSV_FILES = ("fer2013.csv", "icml_face_data.csv")
"""Names under which the challenge's file is handed around."""


@dataclass(frozen=True)
class Split:
    """Pictures with their labels.

    Attributes:
        pictures: (n, 48, 48) uint8, grey levels 0 to 255.
        indexes: (n,) int64, the row of the labels each picture belongs to.
        votes: (n, 10) uint8, what people said of each as `votes.COLUMNS` tells; None where nobody was asked.
    """

    pictures: np.ndarray = field(repr=False)
    indexes: np.ndarray = field(repr=False)
    votes: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indexes)

    def first(self, count: int) -> Split:
        """Returns the first pictures only, for a quick try."""
        return self.take(slice(count))

    def take(self, chosen: np.ndarray | slice) -> Split:
        """Returns some of the pictures: (n,) bool, or their numbers, or a slice."""
        votes = None if self.votes is None else self.votes[chosen]
        return Split(self.pictures[chosen], self.indexes[chosen], votes)


@dataclass(frozen=True)
class Dataset:
    """Three splits over one set of labels.

    Attributes:
        labels: What the indexes stand for.
        training: What a network learns from.
        validation: What choices are made by: the epoch, the rate, the network.
        test: Looked at once, for the figure that is reported.

    Example:
        >>> part = Split(np.zeros((3, 48, 48), np.uint8), np.array([0, 1, 1]))
        >>> Dataset(Labels(["Happy", "Sad"]), part, part.first(1), part.first(2)).sizes
        {'training': 3, 'validation': 1, 'test': 2}
    """

    labels: Labels
    training: Split
    validation: Split
    test: Split

    @property
    def sizes(self) -> dict[str, int]:
        """How many pictures each split has."""
        return {name: len(getattr(self, name)) for name in ("training", "validation", "test")}


def read_fer2013(path: str | Path) -> Dataset:
    """Reads FER2013.

    Args:
        path: The csv file with the columns emotion, pixels and Usage, a folder that holds
            it, or a folder of sheets with a `fer2013_labels.npz` beside them.

    Raises:
        MissingFileError: Nothing is there, or a sheet is missing; check the name.
        BadInputError: The file is something else, or damaged; fetch it again.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        if (path / "fer2013_labels.npz").is_file():
            return _from_sheets(path)
        path = next((path / name for name in CSV_FILES if (path / name).is_file()), path)
    if not path.is_file():
        raise MissingFileError(
            f"There is no FER2013 at {path}.",
            "Expected fer2013.csv, a folder with it, or a folder with faces_00.png and fer2013_labels.npz.",
            "Check the name, or get the file from the Kaggle challenge of 2013.",
        )
    return _from_csv(path)


def _from_csv(path: Path) -> Dataset:
    """Reads the challenge's file, row by row: 287 MB in about 10 seconds."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(_csv_rows(file, path))
    if not rows:
        raise _no_pictures(path)
    indexes, usages, pictures = zip(*rows, strict=True)
    return _split(np.stack(pictures), np.array(indexes), np.array(usages), path)


def _csv_rows(file, path: Path) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yields (index, usage, picture) for every row."""
    try:
        reader = csv.DictReader(file, skipinitialspace=True)
        columns = {(name or "").strip().casefold(): name for name in reader.fieldnames or ()}
        emotion, pixels, usage = (columns[name] for name in ("emotion", "pixels", "usage"))
        for row in reader:
            picture = np.array(row[pixels].split(), np.uint8).reshape(SIZE, SIZE)
            yield int(row[emotion]), USAGES.index(row[usage].strip()), picture
    except (KeyError, ValueError, OverflowError, AttributeError, csv.Error) as error:
        line = getattr(locals().get("reader"), "line_num", 1)
        raise BadInputError(
            f"{path} is not readable as FER2013 at line {line}.",
            f"Expected the columns emotion, pixels and Usage, with {SIZE * SIZE} grey levels in each row.",
            "Fetch the file again, or name another.",
        ) from error


def _from_sheets(folder: Path) -> Dataset:
    """Reads the sheets and the table of labels beside them."""
    table = folder / "fer2013_labels.npz"
    told = damage_told(
        f"{table} is not readable", "Expected the arrays emotion and usage.", "Fetch the folder again."
    )
    # Opened here: np.load given a name leaves the file open when it is damaged.
    with told, table.open("rb") as file, np.load(file) as arrays:
        indexes, usages = arrays["emotion"].astype(int), arrays["usage"].astype(int)
    if indexes.shape != usages.shape or indexes.ndim != 1:
        raise BadInputError(
            f"{table} has emotions of the shape {indexes.shape} and usages of the shape {usages.shape}.",
            "Expected one of each for every picture.",
            "Fetch the folder again.",
        )
    sheets = [_cut(grey(read_picture(name)), name) for name in sorted(folder.glob("faces_*.png"))]
    pictures = np.concatenate(sheets)[: len(indexes)] if sheets else np.empty((0, SIZE, SIZE), np.uint8)
    if len(pictures) < len(indexes):
        raise MissingFileError(
            f"{folder} has {len(pictures)} pictures for {len(indexes)} labels.",
            "Expected all sheets, faces_00.png and so on.",
            "Fetch the folder again.",
        )
    return _split(pictures, indexes, usages, folder)


def _cut(sheet: np.ndarray, path: Path) -> np.ndarray:
    """Cuts a sheet into (n, 48, 48) pictures."""
    if sheet.shape[1] < SHEET_COLUMNS * SIZE:
        raise BadInputError(
            f"{path} is {sheet.shape[1]} pixels wide.",
            f"Expected {SHEET_COLUMNS * SIZE}: {SHEET_COLUMNS} faces of {SIZE} pixels.",
            "Fetch the folder again.",
        )
    rows = sheet.shape[0] // SIZE
    grid = sheet[: rows * SIZE, : SHEET_COLUMNS * SIZE].reshape(rows, SIZE, SHEET_COLUMNS, SIZE)
    return grid.swapaxes(1, 2).reshape(-1, SIZE, SIZE)


def _split(pictures: np.ndarray, indexes: np.ndarray, usages: np.ndarray, path: Path) -> Dataset:
    """Sorts pictures into their splits."""
    if not len(indexes):
        raise _no_pictures(path)
    for name, values, count in (("emotions", indexes, len(FER2013)), ("usages", usages, len(USAGES))):
        if values.min() < 0 or values.max() >= count:
            raise BadInputError(
                f"{path} has {name} from {values.min()} to {values.max()}.",
                f"Expected 0 to {count - 1}.",
                "Fetch the file again, or name another.",
            )
    everything = Split(pictures, indexes, _votes_beside(path, len(pictures)))
    return Dataset(FER2013, *(everything.take(usages == usage) for usage in range(len(USAGES))))


def _votes_beside(path: Path, count: int) -> np.ndarray | None:
    """Returns FER+'s votes if their file lies beside FER2013, or in a folder `ferplus` beside it."""
    folder = path if path.is_dir() else path.parent
    places = (folder / VOTES_FILE, folder.resolve().parent / "ferplus" / VOTES_FILE)
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        return None
    votes = read_votes(place)
    if len(votes) != count:
        raise BadInputError(
            f"{place} has {len(votes)} rows and {path} {count} pictures.",
            "Expected a row for each picture.",
            "Fetch both again, or move the votes elsewhere.",
        )
    return votes


def _no_pictures(path: Path) -> BadInputError:
    return BadInputError(f"{path} has no pictures.", "Expected a row for each.", "Fetch the file again.")
