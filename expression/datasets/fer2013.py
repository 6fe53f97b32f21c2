"""FER2013 in the forms in which it is distributed, and other tables whose rows are pictures.

`dataset.read` calls `read_fer2013` for a file, or for a folder in which `in_folder` finds
one: the whole data as `fer2013.csv` or `icml_face_data.csv`, the competition's `train.csv`
and `test.csv`, an assignment's `test_with_emotions.csv`, any of these in an archive, or sheets of
pictures next to `fer2013_labels.npz`. FER+'s votes are read too if their file is nearby.
FER2013 as folders of pictures is read by `folders.py`.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import contextlib
import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..errors import BadInputError, MissingFileError, user_path
from ..files import is_housekeeping
from ..labels import Labels
from .archives import TableFile, tables_in
from .dataset import SPLITS, Dataset
from .ferplus import VOTES_FILE
from .pixel_dataset import PixelDatasetReader
from .pixel_tables import Columns, find_columns
from .sheets import SHEETS_FILE, read_sheets
from .synonyms import split_meant
from .text_tables import Form, rows

ROOT = Path(__file__).resolve().parents[2]
"""The checkout, if the package is used from one."""

WHOLE = ("fer2013.csv", "icml_face_data.csv")
"""Names of files that contain all rows with their usage.

Source: https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge
"""

USUAL = (*WHOLE, "train.csv")
"""Names by which a folder is recognised without opening its files."""

TEST_WITH_LABELS = "test_with_emotions.csv"
"""An assignment's name for the competition's test rows with labels, which its `test.csv` lacks."""

ENDINGS = {".csv", ".tsv", ".txt"}
"""Extensions of files that may be tables of pictures."""

PACKED = {".gz", ".tgz", ".zip", ".tar", ".bz2", ".xz", ".tbz2", ".txz"}
"""Extensions of archives that are searched for tables."""


class Found(NamedTuple):
    """A table of pictures: its location and its format."""

    table: TableFile
    form: Form
    columns: Columns

    @property
    def split(self) -> str | None:
        """The split that its name indicates, such as "test" for test_with_emotions.csv."""
        return split_meant(Path(self.table.name).stem)


def in_folder(folder: Path, packed: bool = False, labelled: bool = True) -> Path | None:
    """Returns the file that makes a folder FER2013 or another set of pixel tables, or None.

    Args:
        folder: Where to look; its subfolders are not searched.
        packed: Search its archives instead of its tables.
        labelled: Leave out tables without labels.

    Raises:
        BadInputError: More than one file may be meant, or one with FER2013's name is damaged.
    """
    if (folder / SHEETS_FILE).is_file():
        return folder / SHEETS_FILE
    found = _tables_of(_files(folder, PACKED if packed else ENDINGS))
    found = [one for one in found if one.columns.label is not None or not labelled]
    return _first(found).table.path if found else None


def is_table(path: Path) -> bool:
    """Returns whether a file is FER2013 or another table of pixels, or an archive with one.

    Raises:
        BadInputError: It is damaged, or something that cannot be read here.
    """
    return path.name == SHEETS_FILE or bool(_tables(path))


def find_fer2013() -> Path | None:
    """Returns the location of FER2013, for `dataset.read`, or None.

    If the environment variable EXPRESSION_DATA is set, it names the file or folder, and no other
    place is searched: a path that does not exist means no FER2013. Otherwise the places are
    `fer2013.csv` and the folder `fer2013` in the current folder and in the checkout.
    """
    named = os.environ.get("EXPRESSION_DATA")
    if named:
        place = user_path(named)
        return place if place.exists() else None
    here = Path()
    for place in (here, here / "fer2013", ROOT, ROOT / "fer2013"):
        if place.is_file() or any((place / name).is_file() for name in (SHEETS_FILE, *USUAL)):
            return place
    return None


def assignment_data() -> Path:
    """Returns the folder `data` of the current folder, or else of the checkout, as assignments use it.

    Raises:
        MissingFileError: Neither exists or has files in it; the message says what belongs there.
    """
    for folder in (*_called_data(), ROOT / "data"):
        if folder.is_dir() and any(not is_housekeeping(path.name) for path in folder.iterdir()):
            return folder
    raise MissingFileError(
        f"No folder named data with files in it was found in {Path.cwd()}.",
        f"Expected data/train.csv and data/{TEST_WITH_LABELS}, or data/{WHOLE[0]}.",
        "Put the files there, or choose another location with --data PATH.",
    )


def _called_data() -> list[Path]:
    """Returns the folder `data` of the current folder, also if it is called Data or DATA."""
    names: list[str] = []
    with contextlib.suppress(OSError):  # such as a current folder that was deleted
        names = sorted(name for name in os.listdir() if name.casefold() == "data")
    return [Path(name) for name in dict.fromkeys(("data", *names))]


def read_fer2013(path: Path, labels: Labels | None = None) -> Dataset:
    """Reads FER2013, or another set in tables of pixels.

    A usage column says which split a row belongs to; without one the file names do, such as
    train.csv and test.csv. A table that says nothing about splits is a single test set.

    Args:
        path: A table, an archive with tables, or the `fer2013_labels.npz` of sheets.
        labels: The labels to use; None for FER2013's.

    Raises:
        MissingFileError: A sheet is missing.
        BadInputError: The file is something else, or damaged; the message says where.
    """
    reader = PixelDatasetReader(path, labels)
    if path.name == SHEETS_FILE:
        return reader.by_usage(read_sheets(path), path)
    own = _tables(path)
    if not own:
        raise BadInputError(
            f"{path} is not a table of pictures.",
            "Expected a column of grey levels, such as pixels, and a column of labels, such as emotion.",
            "Choose fer2013.csv, another table with such columns, or a folder of pictures.",
        )
    first = _first(own)
    if first.columns.usage is not None:
        return reader.by_usage(reader.pixels(*first), first.table)
    beside = own if len(own) > 1 else _tables_of(_files(path.parent, ENDINGS))
    chosen = {first.split or "test": first}
    for split in {"training": ("validation", "test"), "validation": ("test",)}.get(first.split, ()):
        others = [one for one in beside if one.split == split and one.columns.label is not None]
        chosen |= {split: _first(others)} if others else {}
    pixels = {split: reader.pixels(*one) for split, one in chosen.items()}
    splits = {split: reader.split(pixels[split], one.table, split) for split, one in chosen.items()}
    if "test" in chosen:
        reader.notes += _cut_off(chosen["test"], pixels["test"].count, beside)
    return reader.dataset(splits, first.split is not None)


def _cut_off(test: Found, count: int, beside: list[Found]) -> list[str]:
    """Returns a sentence if the same test set without labels has more rows than the one with them."""
    others = [one for one in beside if one.split == "test" and one.columns.label is None]
    for one in others if test.table.name == TEST_WITH_LABELS else ():
        total = sum(1 for _ in rows(one.table, one.form))
        if total > count:
            told = f"{test.table.name} has {count:,} rows, but {one.table.name} has {total:,}"
            return [f"{told}: it may be cut off. Download it again."]
    return []


def _files(folder: Path, endings: set[str]) -> list[Path]:
    """Returns the files in a folder with these extensions."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.casefold() in endings and not is_housekeeping(path.name) and path.is_file()
    )


def _tables_of(paths: list[Path]) -> list[Found]:
    """Returns the tables of pictures in some files of a folder.

    A damaged file is left out as if it were something else, unless it has one of FER2013's names.
    """
    found = []
    for path in paths:
        try:
            found += _tables(path)
        except BadInputError:
            if TableFile(path).name in USUAL:
                raise
    return found


def _tables(path: Path) -> list[Found]:
    """Returns the tables of pictures in a file."""
    facts = path.stat()
    return list(_tables_in(path, (facts.st_ino, facts.st_size, facts.st_mtime_ns)))


@lru_cache(maxsize=32)
def _tables_in(path: Path, version: tuple[int, ...]) -> list[Found]:
    """Returns the tables in a version of a file; kept, as an archive takes seconds to unpack."""
    tables = [table for table in tables_in(path) if table.name != VOTES_FILE]
    return [Found(table, *form) for table in tables if (form := find_columns(table))]


def _first(found: list[Found]) -> Found:
    """Returns the table to read first: with labels, with a known name, with all rows, for training.

    Raises:
        BadInputError: Several are equally suitable.
    """

    def rank(one: Found) -> tuple:
        name, split = one.table.name, one.split
        known = WHOLE.index(name) if name in WHOLE else len(WHOLE)
        order = SPLITS.index(split) if split else len(SPLITS)
        return one.columns.label is None, known, one.columns.usage is None, order, name != TEST_WITH_LABELS

    best = sorted(found, key=rank)
    if len(best) > 1 and rank(best[0]) == rank(best[1]):
        names = ", ".join(str(one.table) for one in best if rank(one) == rank(best[0]))
        raise BadInputError(
            f"There are several tables of pictures, and their names do not say which is which: {names}.",
            "Expected one table, or names such as train.csv and test.csv.",
            "Choose one of them.",
        )
    return best[0]
