"""Csvfile: writes every reading as a row of a CSV file.

`--sink csvfile:PATH` makes it. `columns` and `row` are the one place that knows the
form of the rows; whatever else writes them calls these.

Notebook: 09_reactions
"""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Iterable
from pathlib import Path

from ..data import Reading
from ..errors import BadInputError, OutputError, user_path
from . import Sink

COLUMNS = ("frame", "time", "person", "x", "y", "width", "height", "label", "score")
"""The first columns: time in seconds into the recording, the box in pixels, score 0 to 1.
A column for each label follows, with the score of that label."""


def columns(labels: Iterable[str]) -> list[str]:
    """Returns the header of the rows."""
    return [*COLUMNS, *labels]


def row(reading: Reading) -> list:
    """Returns a reading as a row.

    Example:
        >>> from expression.data import Box
        >>> row(Reading(1, Box(2, 3, 4, 5), "Sad", 0.75, {"Sad": 0.75, "Happy": 0.25}, 6))
        [6, 0.0, 1, 2, 3, 4, 5, 'Sad', 0.75, 0.75, 0.25]
    """
    box, scores = reading.box, reading.scores.values()
    place = [reading.frame, round(reading.position, 3), reading.person, box.x, box.y, box.width, box.height]
    return [*place, reading.label, round(reading.score, 4), *(round(score, 4) for score in scores)]


class Csvfile(Sink):
    """Writes rows to a file, each at once, so that a run that is killed loses nothing.

    Rows are added to a file that was written like this before. A file with anything else
    in it is left as it is.

    Args:
        path: The file; its folder has to be there.
    """

    option = "path"

    def __init__(self, path: str):
        self.path = user_path(path)
        self._file: io.RawIOBase | None = None
        self._rows = 0
        self._header: list[str] | None = None
        self._start = b""  # what a last line that was not finished needs first

    def open(self) -> None:
        """Opens the file, or makes it.

        Raises:
            OutputError: It cannot be written, or holds something else; choose another.
        """
        try:
            first, torn = _ends(self.path)
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  closed in close
        except OSError as error:
            raise OutputError(
                f"The readings cannot be written to {self.path} ({error.strerror or error}).",
                "Expected a file in a folder that is there and writable.",
                "Make the folder, or choose another file.",
            ) from error
        if first and first[: len(COLUMNS)] != list(COLUMNS):
            self.close()
            raise OutputError(
                f"{self.path} begins with {','.join(first)[:60]!r}.",
                f"Expected a new or empty file, or rows that begin with {','.join(COLUMNS)}.",
                "Choose another file, or move that one away.",
            )
        self._header, self._start = first or None, b"\n" if torn else b""

    def send(self, reading: Reading) -> None:
        """Adds a row, after the header where the file is new.

        Raises:
            BadInputError: The rows that are there have other labels; choose another file.
        """
        header = columns(reading.scores)
        if self._header is None:
            self._write(header)
            self._header = header
        if self._header != header:
            raise BadInputError(
                f"{self.path} has the labels {', '.join(self._header[len(COLUMNS) :])}.",
                f"Expected {', '.join(reading.scores)}, which this network knows.",
                "Choose another file, or move that one away.",
            )
        self._write(row(reading))
        self._rows += 1

    def close(self) -> None:
        """Closes the file and says what was added."""
        if self._file is not None:
            self._file.close()
            self._file = None
            print(f"{self.path}: {self._rows} rows added.", flush=True)

    def _write(self, cells: list) -> None:
        """Writes a whole row or, where the disk is full, nothing of it."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        line = self._start + text.getvalue().encode()
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(os.fstat(self._file.fileno()).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._start = b""


def _ends(path: Path) -> tuple[list[str], bool]:
    """Returns a file's first row, and whether its last line was not finished."""
    if not path.is_file() or path.stat().st_size == 0:
        return [], False
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline(10_000).replace("\0", " ")  # Python 3.10 stumbles over zeros
        first = next(csv.reader([line]), [])
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return first or ["an empty line"], file.read(1) != b"\n"
