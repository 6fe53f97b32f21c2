"""FER2013 in the forms in which it is handed around.

`dataset.read` calls `read_fer2013` for a file, or for a folder in which `in_folder` finds
one: the whole data as `fer2013.csv` or `icml_face_data.csv`, the competition's `train.csv`
and `test.csv`, or sheets of pictures beside `fer2013_labels.npz`. FER+'s votes are read with
it where their file lies near. FER2013 as folders of pictures is read by `folders.py`.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from .dataset import SHARE, Dataset, Split, parted
from .errors import DAMAGE, BadInputError, MissingFileError, damage_told, user_path
from .image import SIZE, grey, read_picture
from .labels import FER2013
from .votes import read_votes

ROOT = Path(__file__).resolve().parents[1]
"""The checkout, where the package is used from one."""

USAGES = ("Training", "PublicTest", "PrivateTest")
"""What FER2013 calls training, validation and test.

Source: Goodfellow et al., Challenges in Representation Learning, 2013, https://arxiv.org/abs/1307.0414
"""

UNTOLD = -1
"""Stands for the usage of a row in a file that does not tell it."""

CSV_FILES = ("fer2013.csv", "icml_face_data.csv", "train.csv")
"""Names under which the table is handed around; the first two have all rows and their usage.

Source: https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge
"""

TEST_FILE = "test.csv"
"""The competition's test rows, which lack the labels unless somebody added them."""

SHEETS_FILE = "fer2013_labels.npz"
"""The labels and usages of sheets."""

SHEET_COLUMNS = 40
"""Faces side by side on a sheet, `faces_00.png` and so on, read row by row."""

VOTES_FILE = "fer2013new.csv"
"""What FER+ calls its file."""

GREYS = {str(level): level for level in range(256)}
"""Grey levels as they are written; looking one up is quicker than `int`, and checks it."""

CACHE_FORM = 1
"""Counted up when tables are read in another way, so that no older copy is taken."""

Table = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Pictures (n, 48, 48) uint8, indexes (n,) int64 and usages (n,) int64."""


def in_folder(folder: Path) -> Path | None:
    """Returns the file by which a folder is FER2013, or None."""
    places = (folder / name for name in (SHEETS_FILE, *CSV_FILES))
    return next((place for place in places if place.is_file()), None)


def find_fer2013() -> Path | None:
    """Returns where FER2013 lies, for `dataset.read`, or None.

    If the environment variable EXPRESSION_DATA is set, it names the file or folder, and no other
    place is looked at: a name where nothing is means to do without. Else the places are
    `fer2013.csv` and the folder `fer2013` in the current folder and in the checkout, and
    `shared/data/fer2013` beside it.
    """
    named = os.environ.get("EXPRESSION_DATA")
    here = Path()
    usual = (here, here / "fer2013", ROOT, ROOT / "fer2013", ROOT.parent / "shared" / "data" / "fer2013")
    for place in (user_path(named),) if named else usual:
        if place.is_file() or (place.is_dir() and in_folder(place)):
            return place
    return None


def read_fer2013(path: Path) -> Dataset:
    """Reads FER2013.

    Where the table has no column Usage, as the competition's train.csv, `parted` sets a
    tenth of its rows aside for validation. The test split then is `test.csv` beside it
    if that has labels, and empty else: the competition's own file has none.

    Args:
        path: A csv file with the columns emotion and pixels, or the `fer2013_labels.npz` of sheets.

    Raises:
        MissingFileError: A sheet is missing.
        BadInputError: The file is something else, or damaged; fetch it again.
    """
    if path.name == SHEETS_FILE:
        return _by_usage(*_sheets(path), path)
    pictures, indexes, usages = _table(path)
    if UNTOLD not in usages:
        return _by_usage(pictures, indexes, usages, path)
    whole = Split(pictures, indexes)
    if path.name == TEST_FILE:
        return Dataset(FER2013, whole.first(0), whole.first(0), whole)
    test = path.with_name(TEST_FILE)
    has_labels = test.is_file() and "emotion" in _columns(test)
    last = Split(*_table(test)[:2]) if has_labels else whole.first(0)
    return Dataset(FER2013, *parted(whole, [SHARE]), last)


def _by_usage(pictures: np.ndarray, indexes: np.ndarray, usages: np.ndarray, path: Path) -> Dataset:
    """Sorts pictures into their splits."""
    everything = Split(pictures, indexes, _votes_beside(path, usages))
    return Dataset(FER2013, *(everything.take(usages == usage) for usage in range(len(USAGES))))


def _check(name: str, values: np.ndarray, count: int, path: Path) -> None:
    """Raises a BadInputError unless there are values, all from 0 to below `count`."""
    if not len(values):
        raise BadInputError(f"{path} has no pictures.", "Expected a row for each.", "Fetch the file again.")
    if values.min() < 0 or values.max() >= count:
        raise BadInputError(
            f"{path} has {name} from {values.min()} to {values.max()}.",
            f"Expected 0 to {count - 1}.",
            "Fetch the file again, or name another.",
        )


def _table(path: Path) -> Table:
    """Reads a csv file: 287 MB in some seconds the first time, then a copy of its arrays in a moment."""
    state = path.stat()
    stamp = [CACHE_FORM, state.st_size, state.st_mtime_ns]
    name = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    cache = user_cache_path("expression", appauthor=False) / f"table-{name}.npz"
    # Opened here: np.load given a name leaves the file open when it is damaged.
    with contextlib.suppress(*DAMAGE), cache.open("rb") as file, np.load(file) as saved:
        if saved["stamp"].tolist() == stamp:
            return saved["pictures"], saved["indexes"], saved["usages"]
    table = _parsed(path)
    _check("emotions", table[1], len(FER2013), path)
    _keep(cache, stamp, table)
    return table


def _keep(cache: Path, stamp: list[int], table: Table) -> None:
    """Writes a copy, whole or not at all; without one the next reading only takes longer."""
    part = cache.with_suffix(f".{os.getpid()}.part")
    with contextlib.suppress(OSError):
        try:
            cache.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, stamp=stamp, pictures=table[0], indexes=table[1], usages=table[2])
            os.replace(part, cache)
        finally:
            part.unlink(missing_ok=True)


def _parsed(path: Path) -> Table:
    """Parses a csv file row by row into one growing block of bytes, so that little memory is needed."""
    columns = _columns(path)
    if "pixels" in columns and "emotion" not in columns:
        raise BadInputError(
            f"{path} has no column emotion: pictures without labels, as the competition's {TEST_FILE}.",
            "Expected the columns emotion, pixels and perhaps Usage.",
            f"Use {CSV_FILES[0]} or {CSV_FILES[1]}, which have the labels of all pictures.",
        )
    pixels, indexes, usages = bytearray(), [], []
    line = 1
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.reader(file, skipinitialspace=True)
            emotion_at, pixels_at = columns["emotion"], columns["pixels"]
            next(rows)
            for row in filter(None, rows):
                line = rows.line_num
                picture = bytes(map(GREYS.__getitem__, row[pixels_at].split()))
                if len(picture) != SIZE * SIZE:
                    raise ValueError("pixels")
                pixels += picture
                indexes.append(int(row[emotion_at]))
                usages.append(USAGES.index(row[columns["usage"]].strip()) if "usage" in columns else UNTOLD)
    except (KeyError, IndexError, ValueError, OverflowError, csv.Error) as error:
        raise BadInputError(
            f"{path} is not readable as FER2013 at line {line}.",
            f"Expected the columns emotion, pixels and Usage, with {SIZE * SIZE} grey levels in each row.",
            "Fetch the file again, or name another.",
        ) from error
    pictures = np.frombuffer(pixels, np.uint8).reshape(-1, SIZE, SIZE)
    return pictures, np.array(indexes, np.int64), np.array(usages, np.int64)


def _columns(path: Path) -> dict[str, int]:
    """Returns where each column of a csv file stands, by its name in small letters."""
    told = damage_told(f"{path} cannot be read", "Expected FER2013 as a csv file.", "Fetch the file again.")
    with told, path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        names = next(csv.reader(file, skipinitialspace=True), [])
    return {name.strip().casefold(): number for number, name in enumerate(names)}


def _sheets(table: Path) -> Table:
    """Reads the table of labels and the sheets beside it."""
    folder = table.parent
    told = damage_told(
        f"{table} is not readable", "Expected the arrays emotion and usage.", "Fetch the folder again."
    )
    with told, table.open("rb") as file, np.load(file) as arrays:
        indexes, usages = arrays["emotion"].astype(np.int64), arrays["usage"].astype(np.int64)
    if indexes.shape != usages.shape or indexes.ndim != 1:
        raise BadInputError(
            f"{table} has emotions of the shape {indexes.shape} and usages of the shape {usages.shape}.",
            "Expected one of each for every picture.",
            "Fetch the folder again.",
        )
    _check("emotions", indexes, len(FER2013), table)
    _check("usages", usages, len(USAGES), table)
    sheets = [_cut(grey(read_picture(name)), name) for name in sorted(folder.glob("faces_*.png"))]
    pictures = np.concatenate(sheets)[: len(indexes)] if sheets else np.empty((0, SIZE, SIZE), np.uint8)
    if len(pictures) < len(indexes):
        raise MissingFileError(
            f"{folder} has {len(pictures)} pictures for {len(indexes)} labels.",
            "Expected all sheets, faces_00.png and so on.",
            "Fetch the folder again.",
        )
    return pictures, indexes, usages


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


def _votes_beside(path: Path, usages: np.ndarray) -> np.ndarray | None:
    """Returns FER+'s votes if their file lies beside FER2013, or in a folder `ferplus` beside its folder."""
    folder = path.resolve().parent
    places = (folder / VOTES_FILE, folder.parent / "ferplus" / VOTES_FILE)
    place = next((place for place in places if place.is_file()), None)
    return None if place is None else read_votes(place, [USAGES[usage] for usage in usages])
