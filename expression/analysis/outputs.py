"""Outputs: what an analysis writes, as CSV or Parquet, with a row for each face or for each frame.

`run.py` writes the rows of each recording into a part of its own, and joins the parts.

Notebook: 13_video
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import BadInputError
from ..files import PRIVATE, check_folder, replacing
from ..records import counts, parquet, rows
from ..tables import write_cells
from ..types import Reading, Seen

FORMATS = ("rows", "counts")
"""A row for each face, or a row for each frame with the number of faces of each label."""

PATIENCE = 20
"""The output is written again when so many times as long has passed as writing it took."""


class Output:
    """The file that an analysis writes.

    Args:
        path: The file; its suffix decides between CSV and Parquet.
        form: One of FORMATS.
        labels: The labels of the network.
        recordings: The recordings.
        named: Whether each row names its recording.

    Attributes:
        rows: Number of rows of the finished recordings.
    """

    def __init__(self, path: Path, form: str, labels: Sequence[str], recordings: Sequence[Path], named: bool):
        self.path, self.rows = path, 0
        self._form, self._labels, self._recordings, self._named = form, list(labels), recordings, named
        self._parts: list[Path] = []
        self._next = 0.0  # when to write again

    def add(self, recording: Path, seen: Iterable[Seen[Reading]], part: Path) -> None:
        """Adds the rows of a recording; the file has them soon, and has only whole recordings.

        Args:
            recording: One of the recordings.
            seen: Its frames.
            part: A file for its rows, which has to stay until the last `write`.

        Raises:
            OutputError: A file cannot be written.
        """
        index = self._recordings.index(recording)
        with (
            replacing(part, PRIVATE) as path,
            path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
        ):
            for frame in seen:
                for cells in self._cells(frame, index):
                    file.write(write_cells([cells]))
                    self.rows += 1
        self._parts.append(part)
        if time.monotonic() >= self._next:
            began = time.monotonic()
            self.write()
            self._next = time.monotonic() + PATIENCE * (time.monotonic() - began)

    def write(self) -> None:
        """Replaces the file by the rows of all recordings added so far.

        Raises:
            OutputError: It cannot be written.
        """
        with replacing(self.path, PRIVATE) as path:
            if self.path.suffix == parquet.SUFFIX:
                parquet.write(path, self._header(), self._parts)
                return
            with path.open("wb") as file:
                file.write(write_cells([self._header()]).encode("utf-8", "backslashreplace"))
                for part in self._parts:
                    with part.open("rb") as content:
                        shutil.copyfileobj(content, file)

    def _header(self) -> list[str]:
        """Returns the names of the columns."""
        if self._form == "counts":
            return counts.columns(self._labels, [path.name for path in self._recordings])
        return rows.columns(self._labels, self._named)

    def _cells(self, seen: Seen[Reading], index: int) -> list[list]:
        """Returns the rows of a frame."""
        if self._form == "counts":
            return [counts.row(seen, self._labels, index, len(self._recordings))]
        return [rows.row(reading, self._named) for reading in seen.items]


def check_output(path: Path, form: str) -> None:
    """Raises an error unless such a file can be written.

    Raises:
        BadInputError: Its suffix does not fit, or there is no such format.
        OutputError: There is no such folder.
        MissingPackageError: The package for Parquet is not installed.
    """
    if form not in FORMATS:
        raise BadInputError(
            f"--format is {form}.", f"Expected {' or '.join(FORMATS)}.", "Choose one of them."
        )
    suffixes = (".csv",) if form == "counts" else (".csv", parquet.SUFFIX)
    if path.suffix not in suffixes:
        raise BadInputError(
            f"--out is {path}.", f"Expected a file name that ends in {' or '.join(suffixes)}.", "Choose one."
        )
    check_folder(path, "--out")
    if path.suffix == parquet.SUFFIX:
        parquet.check_installed()
