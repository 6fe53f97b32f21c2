"""FER2013 as sheets of pictures, with its labels and usages in one file of arrays.

`fer2013.py` reads them like a table.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import BadInputError, MissingFileError, as_bad_input
from ..labels import FER2013
from ..pictures.image import SIZE, grey, read_picture
from ..pictures.skipped import Skipped
from .pixel_tables import Pixels

SHEETS_FILE = "fer2013_labels.npz"
"""The file with the labels and usages of the sheets."""

SHEET_COLUMNS = 40
"""Faces side by side on a sheet, `faces_00.png` and so on, read row by row."""

USAGES = ("Training", "PublicTest", "PrivateTest")
"""FER2013's names for training, validation and test.

Source: Goodfellow et al., Challenges in Representation Learning, 2013, https://arxiv.org/abs/1307.0414
"""

LARGEST = 100_000_000
"""Largest size of an unpacked array, in bytes; FER2013's have 36 thousand."""

REMEDY = "Download the folder again."


def read_sheets(table: Path) -> Pixels:
    """Reads the file of labels and the sheets next to it.

    Raises:
        MissingFileError: A sheet is missing.
        BadInputError: The file or a sheet is damaged.
    """
    indexes, usages = _arrays(table)
    sheets = [_cut(grey(read_picture(name)), name) for name in sorted(table.parent.glob("faces_*.png"))]
    pictures = np.concatenate(sheets)[: len(indexes)] if sheets else np.empty((0, SIZE, SIZE), np.uint8)
    if len(pictures) < len(indexes):
        raise MissingFileError(
            f"{table.parent} has {len(pictures)} pictures for {len(indexes)} labels.",
            "Expected all sheets, faces_00.png and so on.",
            REMEDY,
        )
    words, rows = tuple(map(str, range(len(FER2013)))), np.arange(len(indexes))
    return Pixels(pictures, rows, indexes, usages, words, USAGES, len(rows), Skipped())


def _arrays(table: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns the labels and usages of all pictures, as numbers."""
    told = as_bad_input(f"{table} cannot be read", "Expected the arrays emotion and usage.", REMEDY)
    with told, table.open("rb") as file, np.load(file) as arrays:
        if any(member.file_size > LARGEST for member in arrays.zip.infolist()):
            raise ValueError(f"an array of over {LARGEST:,} bytes")
        found = [arrays["emotion"], arrays["usage"]]
        indexes, usages = (values.astype(np.int64) for values in found)
    if indexes.shape != usages.shape or indexes.ndim != 1:
        raise BadInputError(
            f"{table} has emotions of shape {indexes.shape} and usages of shape {usages.shape}.",
            "Expected one emotion and one usage per picture.",
            REMEDY,
        )
    if not len(indexes):
        raise BadInputError(f"{table} has no pictures.", "Expected at least one.", REMEDY)
    for name, values, count in (("emotions", indexes, len(FER2013)), ("usages", usages, len(USAGES))):
        if values.min() < 0 or values.max() >= count:
            raise BadInputError(
                f"{table} has {name} from {values.min()} to {values.max()}.",
                f"Expected 0 to {count - 1}.",
                f"{REMEDY[:-1]}, or choose another.",
            )
    return indexes, usages


def _cut(sheet: np.ndarray, path: Path) -> np.ndarray:
    """Cuts a sheet into (n, 48, 48) pictures."""
    if sheet.shape[1] < SHEET_COLUMNS * SIZE:
        raise BadInputError(
            f"{path} is {sheet.shape[1]} pixels wide.",
            f"Expected {SHEET_COLUMNS * SIZE}: {SHEET_COLUMNS} faces of {SIZE} pixels.",
            REMEDY,
        )
    rows = sheet.shape[0] // SIZE
    grid = sheet[: rows * SIZE, : SHEET_COLUMNS * SIZE].reshape(rows, SIZE, SHEET_COLUMNS, SIZE)
    return grid.swapaxes(1, 2).reshape(-1, SIZE, SIZE)
