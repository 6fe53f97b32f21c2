"""The files of a reader's own set, each change of which is whole or has not happened.

A change is first written into `Images/.book/`: the pictures that come with it, the list of labels
if that changes, and last the table. Once the table is there the change counts, and is put in place
by moving files. If the program is killed before, the change is forgotten; if it is killed later, the next
one that opens the set finishes it. Where a file cannot be moved, since another program has it open, those
that were moved go back. `labelbook.py` decides what is changed.

Notebook: 07_your_face
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import ClassVar
from weakref import WeakValueDictionary

import numpy as np
from filelock import FileLock, Timeout

from .errors import BadInputError, RunError
from .files import write_text, writing_told
from .image import PICTURES, write_picture
from .labelrows import FILE, Table, read_table
from .labels import LIST, Labels, listed_labels

NUMBERED = re.compile(r"face(\d+)\.\w+")
"""The name of a picture."""


class LabelStore:
    """labelList.csv, faceLabels.csv and Images of a folder, held by one program at a time.

    Args:
        folder: Where they are, or will be.

    Attributes:
        images: The folder of pictures.
        labels: What labelList.csv lists, or the labelConfig.csv of an older labeler, or else FER2013's seven.
        table: What faceLabels.csv says.

    Raises:
        BadInputError: A table is damaged, or another program has the set open.
        OutputError: The folder cannot be written.
    """

    _open: ClassVar[WeakValueDictionary[Path, LabelStore]] = WeakValueDictionary()

    def __init__(self, folder: Path):
        self.images = folder / "Images"
        self._folder = folder
        self._table_file, self._list_file = folder / FILE, folder / LIST
        book = self.images / ".book"
        self._new, self._gone, self._highest_file = book / "new", book / "gone", book / "highest"
        self._former_list = book / "former.csv"
        self._next_table, self._next_list = book / FILE, book / LIST
        with writing_told(self.images):
            for place in (self._new, self._gone):
                place.mkdir(parents=True, exist_ok=True)
            self._take_hold(FileLock(book / "lock", thread_local=False))  # a labeler has several threads
            if self._next_table.is_file():
                self._heed_hand()
                self._settle()
            self._forget()
            _empty(self._gone)
        self._read()

    def read_again(self) -> None:
        """Reads the files again where somebody has changed them by hand."""
        if self._stamp() != self._seen:
            self._read()

    def next_number(self) -> int:
        """Returns one above the highest number that a picture ever had, also one that is gone."""
        names = [row.file for row in self.table.rows]
        names += [path.name for place in (self.images, self._gone) for path in place.iterdir()]
        found = [int(match[1]) for name in names if (match := NUMBERED.fullmatch(name))]
        with contextlib.suppress(OSError, ValueError):
            found.append(int(self._highest_file.read_text(encoding="ascii")))
        return max(found, default=0) + 1

    def change(
        self, table: Table, labels: Labels | None = None, pictures: dict[str, np.ndarray] | None = None
    ) -> None:
        """Puts a table in place of the one there is.

        Args:
            table: The new one. Pictures that have no row any more are put aside; those put aside whose row is
                back come back.
            labels: The new list; None where it stays.
            pictures: New ones by their file names, as `image.write_picture` takes them.

        Raises:
            OutputError: There is no room, or the folder is locked; nothing has changed then.
            RunError: The set was closed.
        """
        if not self._lock.is_locked:
            raise RunError("The label book is closed.", "Expected an open one.", "Open it again.")
        try:
            with writing_told(self.images):
                if self._next_table.is_file():  # an earlier change could not go back
                    self._settle()
                for name, picture in (pictures or {}).items():
                    self._write_picture(name, picture)
                if labels or not self._list_file.is_file():
                    (labels or self.labels).write(self._next_list)
                    _sync(self._next_list)
                write_text(self._next_table, table.text(labels or self.labels))
        except BaseException:
            self._forget()
            raise
        with writing_told(self.images):
            self._settle_or_go_back()
        self._read()

    def wipe(self) -> None:
        """Deletes every picture, also those without a row; the highest number stays known."""
        with writing_told(self.images):
            self._forget()
            _empty(self._gone)
            for path in self.images.iterdir():
                if path.suffix.lower() in PICTURES:
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Deletes for good what was put aside, and lets others open the set. Twice does no harm."""
        if self._lock.is_locked:
            if not self._next_table.is_file():  # else the next one that opens the set needs them
                _empty(self._gone)
            self._lock.release()

    def _take_hold(self, lock: FileLock) -> None:
        """Makes sure that nobody else changes the set; what this program had open is closed."""
        place = self.images.resolve()
        former = self._open.get(place)
        if former:
            former.close()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise BadInputError(
                f"The pictures in {self.images} are open in another program.",
                "Expected one labeler at a time.",
                "Close the other one.",
            ) from None
        self._lock = lock
        self._open[place] = self

    def _write_picture(self, name: str, picture: np.ndarray) -> None:
        """Writes a new picture beside the others, to the disk itself, and notes its number."""
        write_picture(self._new / name, picture)
        _sync(self._new / name)
        self._highest_file.write_text(NUMBERED.fullmatch(name)[1], encoding="ascii")

    def _settle_or_go_back(self) -> None:
        """Puts a change in place, or moves back what was moved already."""
        moved: list[tuple[Path, Path]] = []
        try:
            self._settle(moved)
        except OSError:
            for source, target in reversed(moved):
                os.replace(target, source)
            self._forget()
            raise

    def _settle(self, moved: list[tuple[Path, Path]] | None = None) -> None:
        """Puts a change in place that counts. Whatever part of it was done before, the rest is done.

        Args:
            moved: Gets each move, from and to.
        """

        def move(source: Path, target: Path) -> None:
            os.replace(source, target)
            if moved is not None:
                moved.append((source, target))

        if self._next_list.is_file():
            if self._list_file.is_file():
                move(self._list_file, self._former_list)
            move(self._next_list, self._list_file)
        wanted = {row.file for row in read_table(self._next_table).rows}
        for row in read_table(self._table_file).rows:
            if row.file not in wanted and (self.images / row.file).is_file():
                move(self.images / row.file, self._gone / row.file)
        for path in [*self._new.iterdir(), *self._gone.iterdir()]:
            if path.name in wanted:
                move(path, self.images / path.name)
        os.replace(self._next_table, self._table_file)
        self._former_list.unlink(missing_ok=True)

    def _heed_hand(self) -> None:
        """Takes a table that was edited after the change was cut off in place of the change's own."""
        table = self._table_file
        if table.is_file() and table.stat().st_mtime_ns > self._next_table.stat().st_mtime_ns:
            write_text(self._next_table, table.read_text("utf-8-sig"))

    def _forget(self) -> None:
        """Removes what is left of a change that does not count."""
        for path in (self._next_table, self._next_list, self._former_list):
            path.unlink(missing_ok=True)
        _empty(self._new)

    def _read(self) -> None:
        before = self._stamp()  # what is written while it is read is read again
        self.labels = listed_labels(self._folder)
        self.table = read_table(self._table_file, self.labels)
        self._seen = before

    def _stamp(self) -> list[tuple[int, int] | None]:
        """Returns what changes when a file does."""
        found = [path.stat() if path.is_file() else None for path in (self._table_file, self._list_file)]
        return [file and (file.st_mtime_ns, file.st_size) for file in found]


def _sync(path: Path) -> None:
    """Waits until a file is on the disk itself, so that a power cut leaves it whole."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _empty(folder: Path) -> None:
    """Deletes the files in a folder."""
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
