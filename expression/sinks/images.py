"""Images: saves the face when its label has changed and settled, apart from pictures that a person labelled.

    expression live --sink images
    expression live --sink images:folder=Guesses,limit=200

    Guesses/guesses.csv                               time,person,label,score,file
    Guesses/2026-11-26/153012-person1-Happy-73.png    a face that the network read as Happy, with 73%

The labels are guesses of a network. They are never saved among labels given by people, and the oldest are
deleted first. Only one run at a time uses a folder.

Notebook: 10_reactions
"""

from __future__ import annotations

import contextlib
import csv
import os
import re
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInputError, OutputError, as_bad_input, user_path
from ..files import (
    PRIVATE,
    PRIVATE_FOLDER,
    as_output_error,
    csv_cell,
    hold,
    let_go,
    private,
    write_text,
)
from ..labelbook.pictures import is_link
from ..labelbook.rows import FILE
from ..labels import NOT_SURE
from ..pictures.image import write_picture
from ..sanitize import say
from ..tables import write_cells
from ..types import Reading
from ._base import Sink
from ._face_crop import face_of, taken

if TYPE_CHECKING:
    from filelock import FileLock

TABLE = "guesses.csv"
COLUMNS = ["time", "person", "label", "score", "file"]

DAY = re.compile(r"\d{4}-\d\d-\d\d")
NAME = re.compile(r"\d{6}-person\d+-.+-\d+(-\d+)?\.png")
"""The names of folders and pictures that may be deleted; all others are left alone."""

SHARE = 100
"""Once the folder is full, one in this many pictures is deleted at a time, since the table is rewritten."""


class Images(Sink):
    """Saves pictures of faces, with a table row for each.

    Args:
        folder: The folder for the pictures; created if missing.
        limit: Maximum number of pictures; the oldest are deleted.
        settle: Seconds that a label must stay the same before a picture is saved.

    Raises:
        BadInputError: An option is out of range, or the folder is one for labelled pictures.
    """

    only_changes = True
    option = place = "folder"
    keeps = "pictures of faces, in a folder on this computer"

    def __init__(self, folder: str = "Guesses", limit: int = 1000, settle: float = 1.0):
        if not 1 <= limit <= 100_000:
            raise BadInputError(
                f"The limit of the sink images is {limit}.", "Expected 1 to 100000.", "Try limit=1000."
            )
        if not 0 <= settle <= 3600:
            raise BadInputError(
                f"The option settle of the sink images is {settle}.",
                "Expected 0 to 3600 seconds.",
                "Try settle=1.",
            )
        if not folder.strip():
            raise BadInputError(
                "The folder of the sink images has no name.", "Expected a name.", "Try folder=Guesses."
            )
        self.folder, self.dwell, self._limit = user_path(folder), settle, limit
        self._check_apart()
        self._lock: FileLock | None = None
        self._kept: deque[Path] = deque()  # the oldest first
        self._stale = False  # whether the table has rows of deleted pictures
        self._added = 0

    def open(self) -> None:
        """Creates the folder, and prints that faces are saved there.

        Raises:
            OutputError: The folder cannot be written, or a different table has the same name.
            BadInputError: The folder is one for labelled pictures, or another run saves pictures there.
        """
        self._check_apart()
        self._added = 0
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(
                f"{self.folder} is a file.", "Expected a folder for pictures.", "Choose another name."
            )
        with as_output_error(self.folder):
            self.folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        self._lock = hold(
            self.folder / ".lock",
            BadInputError(
                f"Another run is saving pictures in {self.folder}.",
                "Expected one run at a time.",
                "Stop the other one, or choose another folder, such as images:Guesses2.",
            ),
        )
        try:
            self._resume()
        except BaseException:
            let_go(self._lock)
            raise
        say(f"Pictures of faces are saved in {self.folder}, {self._limit} at most.")

    def _resume(self) -> None:
        """Lists the existing pictures, and removes the rows of missing ones from the table."""
        with as_output_error(self.folder):
            days = sorted(day for day in self.folder.iterdir() if DAY.fullmatch(day.name) and _is_own(day))
            self._kept = deque(p for day in days for p in sorted(day.iterdir()) if NAME.fullmatch(p.name))
            rows = self._rows()
        if rows[0] != COLUMNS:
            raise OutputError(
                f"{self._table} begins with {','.join(rows[0])[:60]!r}.",
                f"Expected {','.join(COLUMNS)}.",
                "Choose another folder, or move that file away.",
            )
        self._make_room(0)
        self._rewrite()

    def wants(self, reading: Reading) -> bool:
        """Whether there is a label."""
        return reading.label != NOT_SURE

    def send(self, reading: Reading) -> None:
        """Saves the face, and adds its row.

        Raises:
            OutputError: The disk is full or the folder is locked; neither picture nor row is written then.
        """
        time = taken(reading)
        path = self._free(time.strftime("%Y-%m-%d/%H%M%S"), reading)
        if len(self._kept) >= self._limit:
            self._make_room(max(1, self._limit // SHARE))
        if self._stale:
            self._rewrite()
        try:
            with as_output_error(path):
                path.parent.mkdir(PRIVATE_FOLDER, exist_ok=True)
            write_picture(path, face_of(self.frame, reading))
            file = path.relative_to(self.folder).as_posix()
            when = time.isoformat(timespec="milliseconds")
            row = [when, reading.person, csv_cell(reading.label), f"{reading.score:.4f}", file]
            self._append(row)
        except BaseException:
            self._delete(path)
            raise
        self._kept.append(path)
        self._added += 1

    def close(self) -> None:
        """Releases the folder for other runs, and prints how many pictures were added."""
        let_go(self._lock)
        added = f"{self._added} picture{'s' * (self._added != 1)} added"
        say(f"{self.folder}: {added}, {len(self._kept)} in total.")

    @property
    def _table(self) -> Path:
        return self.folder / TABLE

    def _check_apart(self) -> None:
        """Raises if the folder contains, or may come to contain, pictures that a person labelled."""
        place = self.folder.resolve()
        sets = [p for p in (place, *place.parents) if p.name.lower() == "images"]
        inside = place in sets or any((p.parent / FILE).exists() for p in sets)
        if inside or (place / FILE).exists():
            raise BadInputError(
                f"Guesses cannot be saved in {self.folder}, which is for labelled pictures.",
                "Expected a separate folder, apart from pictures that a person labelled.",
                "Choose another, such as images:Guesses.",
            )

    def _free(self, start: str, reading: Reading) -> Path:
        """Returns an unused name for a picture."""
        label = re.sub(r"[^\w-]+", "_", reading.label)[:40]
        stem = f"{start}-person{reading.person}-{label}-{round(100 * reading.score)}"
        path, number = self.folder / f"{stem}.png", 1
        while os.path.lexists(path):
            number += 1
            path = self.folder / f"{stem}-{number}.png"
        return path

    def _make_room(self, wanted: int) -> None:
        """Deletes the oldest pictures until there is room for the given number."""
        while len(self._kept) > self._limit - wanted:
            self._stale = True
            self._delete(self._kept[0])
            self._kept.popleft()

    def _delete(self, path: Path) -> None:
        """Deletes a picture, and its folder once that is empty."""
        with as_output_error(path, "Close the program that has it open."):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()

    def _rows(self) -> list[list[str]]:
        """Returns the header and the rows whose pictures exist, without incomplete rows."""
        if not self._table.is_file() or not self._table.stat().st_size:
            return [COLUMNS]
        expected = f"Expected {','.join(COLUMNS)}, with one line per picture."
        remedy = "Choose another folder, or move that file away."
        with as_bad_input(f"{self._table} is not readable", expected, remedy):
            text = self._table.read_text("utf-8-sig", "replace").replace("\0", " ")  # for Python 3.10
            header, *rows = [next(csv.reader([line]), []) for line in text.splitlines()] or [COLUMNS]
        kept = {path.relative_to(self.folder).as_posix() for path in self._kept}
        return [header, *(row for row in rows if len(row) == len(COLUMNS) and row[-1] in kept)]

    def _rewrite(self) -> None:
        """Writes the table without the rows of deleted pictures, completely or not at all."""
        write_text(self._table, write_cells(self._rows()), PRIVATE)
        self._stale = False

    def _append(self, row: list) -> None:
        """Adds a row, completely or not at all."""
        with as_output_error(self._table), open(self._table, "a+b", opener=private) as file:
            size = file.seek(0, os.SEEK_END)
            text = write_cells([row] if size else [COLUMNS, row])  # the table may have been deleted
            if size:
                file.seek(-1, os.SEEK_END)
                text = text if file.read() == b"\n" else f"\n{text}"  # or edited
            try:
                file.write(text.encode())
                file.flush()
            except BaseException:
                file.truncate(size)
                raise


def _is_own(day: Path) -> bool:
    """Whether it is a folder and not a link, whose target must not be deleted."""
    return day.is_dir() and not is_link(day.lstat())
