"""Rows: readings as rows of a CSV file, one for each face, by live runs and by `expression analyze`.

Only `columns` and `row` define the format; everything that writes readings to a file calls them.
`read_rows` reads such a file back, also after a spreadsheet program saved it.

Notebook: 10_reactions
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BadInputError, MissingFileError, as_bad_input
from ..files import csv_cell, read_start
from ..pictures.skipped import Skipped
from ..tables import MARKS, marked_encoding, separator_of
from ..types import Box, Reading
from . import parquet

COLUMNS = ("frame", "time", "person", "x", "y", "width", "height", "label", "score")
"""The first columns: time in seconds into the recording, the box in pixels, score 0 to 1.
A column for each label follows, with the score of that label."""

FILE = "file"
"""The last column if the source is a folder of pictures: the name of the picture."""


def columns(labels: Iterable[str], files: bool = False) -> list[str]:
    """Returns the header of the rows.

    Args:
        labels: The labels, in order.
        files: Whether the rows name a picture.
    """
    return [csv_cell(name) for name in (*COLUMNS, *labels, *([FILE] if files else []))]


def row(reading: Reading, files: bool = False) -> list:
    """Returns a reading as a row; `files` tells whether it names the picture.

    Example:
        >>> from expression.types import Box
        >>> row(Reading(1, Box(2, 3, 4, 5), "Sad", 0.75, {"Sad": 0.75, "Happy": 0.25}, 6))
        [6, 0.0, 1, 2, 3, 4, 5, 'Sad', 0.75, 0.75, 0.25]
    """
    box, scores = reading.box, reading.scores.values()
    place = [reading.frame, round(reading.position, 3), reading.person, box.x, box.y, box.width, box.height]
    read = [csv_cell(reading.label), round(reading.score, 4), *(round(score, 4) for score in scores)]
    return [*place, *read, *([csv_cell(reading.file)] if files else [])]


SAMPLE = 20_000
"""Characters from which the separator is recognised."""

EXPECTED = f"Expected rows that begin with {','.join(COLUMNS)}, as `analyze` and csvfile write them."

SAVE_IT = "Choose another file, or if a spreadsheet program wrote it, save it again as CSV in UTF-8."


def read_rows(path: Path, skipped: Skipped) -> Iterator[Reading]:
    """Yields the readings in a file.

    Args:
        path: The file.
        skipped: Counts the rows that cannot be used.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is something else, or most of its rows cannot be used.
    """
    if not path.is_file():
        raise MissingFileError(f"There is no file {path}.", EXPECTED, "Check the name, or run analyze first.")
    total = 0
    with (
        as_bad_input(f"{path} cannot be read as rows of readings", EXPECTED, SAVE_IT),
        _opened(path) as table,
    ):
        _, header = next(table, ("", []))
        if header[: len(COLUMNS)] != list(COLUMNS):
            raise BadInputError(
                f"{path} begins with {','.join(header)[:60]!r}.", EXPECTED, "Choose another file."
            )
        labels = [name for name in header[len(COLUMNS) :] if name != FILE]
        for place, cells in table:
            if not cells:
                continue
            total += 1
            try:
                yield _reading(dict(zip(header, cells, strict=True)), labels)
            except (ValueError, KeyError):
                skipped.add(place, "not a reading")
    skipped.check(total, path, "rows")


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[tuple[str, list[str]]]]:
    """Opens a file, and gives its header and its rows, each with the place where it stands."""
    if path.suffix == parquet.SUFFIX:
        yield ((f"row {number}", cells) for number, cells in enumerate(parquet.table(path)))
        return
    start = read_start(path, max(map(len, MARKS)))
    encoding = marked_encoding(start) or "utf-8"
    with path.open(encoding=encoding, newline="") as file:
        separator = separator_of(file.read(SAMPLE))
        file.seek(0)
        table = csv.reader(file, delimiter=separator)
        yield ((f"line {table.line_num}", cells) for cells in table)


def _reading(cells: dict[str, str], labels: list[str]) -> Reading:
    """Returns the reading of a row; raises a ValueError if it is damaged."""
    frame, person, *sides = (int(cells[name]) for name in ("frame", "person", "x", "y", "width", "height"))
    position, score, *scores = (float(cells[name].replace(",", ".")) for name in ("time", "score", *labels))
    shares_right = all(0 <= each <= 1 for each in (score, *scores))
    if frame < 0 or not math.isfinite(position) or sides[2] < 1 or sides[3] < 1 or not shares_right:
        raise ValueError("out of range")
    by_label = dict(zip(labels, scores, strict=True))
    box, file = Box(*sides), cells.get(FILE, "")
    return Reading(person, box, cells["label"], score, by_label, frame, 0.0, position, file)
