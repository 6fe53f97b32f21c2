"""Csvfile: writes every reading as a row of a CSV file.

`--sink csvfile:PATH` creates it. `records/rows.py` defines the format of the rows.

Notebook: 10_reactions
"""

from __future__ import annotations

import csv
import errno
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInputError, OutputError, user_path
from ..files import as_output_error, hold_output, let_go, private
from ..records.rows import COLUMNS, FILE, columns, row
from ..sanitize import counted, printable, say
from ..tables import write_cells
from ..types import Reading
from ._base import Sink

if TYPE_CHECKING:
    from filelock import FileLock


class Csvfile(Sink):
    """Writes each row to a file immediately, so that a killed run loses nothing.

    Rows are appended to a file that was written this way before. A file with other content is left unchanged.
    Only one run at a time writes a file, which only its owner may read unless it existed before.

    Args:
        path: The file; its folder must exist.
    """

    option = place = "path"
    keeps = "every reading, in a file on this computer"

    def __init__(self, path: str):
        self.path = user_path(path)
        self._file: io.RawIOBase | None = None
        self._lock: FileLock | None = None
        self._rows = 0
        self._header: list[str] | None = None
        self._start = b""  # what has to follow an unfinished last line first

    def open(self) -> None:
        """Opens the file, or creates it.

        Raises:
            OutputError: It cannot be written, or has other content; choose another.
            BadInputError: Another run is writing it.
        """
        self._rows = 0
        try:
            self._file = open(self.path, "ab", buffering=0, opener=private)  # noqa: SIM115  closed in close
        except OSError as error:
            raise OutputError(
                f"The readings cannot be written to {self.path} ({error.strerror or error}).",
                "Expected a file in an existing, writable folder.",
                "Create the folder, or choose another file.",
            ) from error
        try:
            self._resume()
        except BaseException:
            self._give_back()
            raise

    def _resume(self) -> None:
        """Makes sure that no other run writes the file, and that its rows have the right columns."""
        if self.path.is_file():  # not /dev/stdout or a pipe
            other = f"{self.path.stem}-2{self.path.suffix}"
            self._lock = hold_output(self.path, f"Stop it, or choose another file, such as {other}.")
        first, torn = _ends(self.path)
        if first and first[: len(COLUMNS)] != list(COLUMNS):
            raise OutputError(
                f"{self.path} begins with {','.join(first)[:60]!r}.",
                f"Expected a new or empty file, or rows that begin with {','.join(COLUMNS)}.",
                "Choose another file, or move that one away.",
            )
        self._header, self._start = first or None, b"\n" if torn else b""

    def send(self, reading: Reading) -> None:
        """Adds a row, after the header if the file is new.

        Raises:
            BadInputError: The existing rows have other columns; choose another file.
            OutputError: The disk is full; no part of the row is written then.
        """
        named = bool(reading.file)
        if self._header is None:
            header = columns(reading.scores, named)
            self._write(header)
            self._header = header
        files = self._header == columns(reading.scores, True)
        if not files and (named or self._header != columns(reading.scores)):
            raise self._other_columns(reading)
        self._write(row(reading, files))
        self._rows += 1

    def _other_columns(self, reading: Reading) -> BadInputError:
        """Returns the error for rows that do not match those in the file."""
        remedy = "Choose another file, or move that one away."
        if self._header == columns(reading.scores):
            return BadInputError(
                f"{self.path} has no column {FILE}.",
                f"Expected one for the names of the pictures, such as {printable(reading.file)}.",
                remedy,
            )
        there = [name for name in self._header[len(COLUMNS) :] if name != FILE]
        return BadInputError(
            f"{self.path} has the labels {', '.join(there)}.",
            f"Expected the labels of this network: {', '.join(reading.scores)}.",
            remedy,
        )

    def close(self) -> None:
        """Closes the file and prints how many rows were added."""
        if self._file is not None:
            self._give_back()
            say(f"{self.path}: {counted(self._rows, 'row')} added.")

    def _give_back(self) -> None:
        """Closes the file and releases it for other runs."""
        self._file.close()
        self._file = None
        let_go(self._lock)

    def _write(self, cells: list) -> None:
        """Writes a whole row or, if the disk is full, nothing of it."""
        row = write_cells([cells]).encode("utf-8", "backslashreplace")  # names may contain any byte
        line = self._start + row
        with as_output_error(self.path):
            written = self._file.write(line)
            if written != len(line):
                self._file.truncate(os.fstat(self._file.fileno()).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._start = b""


def _ends(path: Path) -> tuple[list[str], bool]:
    """Returns a file's first row, and whether its last line is unfinished."""
    if not path.is_file() or path.stat().st_size == 0:
        return [], False
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        start = file.read(10_000).replace("\0", " ")  # Python 3.10 fails on null characters
    try:
        first = next(csv.reader(io.StringIO(start, newline="")), [])
    except csv.Error:
        first = [start[:60]]
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return first or ["an empty line"], file.read(1) != b"\n"
