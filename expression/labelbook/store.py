"""The files of a user's own set; each change is atomic.

A change is first written to `Images/.book/`: its new pictures, the list of labels if that changes, and
last the table. Once the table is written, the change is committed and is applied by moving files. If the
program is killed before that, the change is discarded; if it is killed later, the next program that opens
the set completes it. If a file cannot be moved because another program has it open, the files moved so far
are moved back. Removed pictures and rows go to a dated folder in `Images/.trash/`. `book.py` decides on the
changes.

Notebook: 08_your_face
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np

from ..errors import BadInputError, MissingFileError, RunError
from ..files import PRIVATE, as_output_error, write_bytes, write_text
from ..labels import LIST, Labels, label_list, listed_labels, names_in
from ..pictures.image import write_picture
from . import wiping
from .folder import (
    OPEN,
    checked,
    free_path,
    highest_number,
    hold_set,
    number_of,
    private_folder,
    remove_empty,
    tighten,
)
from .pictures import BOOK, TRASH, Pictures, walk
from .rows import FILE, IMAGES, Row, Table, read_table


class LabelStore:
    """labelList.csv, faceLabels.csv and Images of a folder, locked by one program at a time.

    Args:
        folder: The folder that has them, or will have them.

    Attributes:
        images: The folder of pictures.
        labels: The labels in labelList.csv or the labelConfig.csv of an older labeler, or FER2013's seven.
        table: The contents of faceLabels.csv.
        trash: The folder for whatever is removed while the set is open.

    Raises:
        BadInputError: A table is damaged, another program has the set open, or there is a link in Images.
        OutputError: The folder cannot be written.
    """

    def __init__(self, folder: Path):
        self.images = folder / IMAGES
        self._folder = folder
        self._table_file, self._list_file = folder / FILE, folder / LIST
        book = self.images / BOOK
        self._new, self._highest_file = book / "new", book / "highest"
        self._former_list = book / "former.csv"
        self._next_table, self._next_list = book / FILE, book / LIST
        self._removed: dict[str, Row] = {}
        files = checked(folder)
        self.trash = free_path(self.images / TRASH / f"{datetime.now():%Y-%m-%dT%H%M%S}")
        with as_output_error(self.images):
            private_folder(self._new)
            for place in (self.images, book, self.images / TRASH):
                tighten(place)
            self._lock = hold_set(self.images)
            OPEN[self.images.resolve()] = self
            self._former_trash(book / "gone")
            if self._next_table.is_file():
                self._use_edited_table()
                self._finish()
            self._forget()
        self._highest = highest_number(self.images, files)
        self._read()

    def read_again(self) -> None:
        """Reads the files again if they were edited."""
        if self._stamp() != self._seen:
            self._read()

    def next_number(self, above: int = 0) -> int:
        """Returns a number above the given one and above any that a picture ever had."""
        number = max(above, self._highest) + 1
        while os.path.lexists(self.images / f"face{number}.png"):
            number += 1
        return number

    def change(
        self,
        table: Table,
        labels: Labels | None = None,
        pictures: Mapping[str, np.ndarray | Path] | None = None,
    ) -> None:
        """Replaces the table.

        Args:
            table: The new table. Pictures without a row are moved to the trash; pictures in the trash whose
                row is back are restored.
            labels: The new list; None to leave it unchanged.
            pictures: New pictures by their paths relative to Images, as for `image.write_picture`, or files
                to copy.

        Raises:
            OutputError: There is no room, or the folder is locked; nothing has changed then.
            MissingFileError: A file to copy no longer exists; nothing has changed then.
            BadInputError: A file to copy cannot be read; nothing has changed then.
            RunError: The set was closed.
        """
        if not self._lock.is_locked:
            raise RunError("The label book is closed.", "Expected an open label book.", "Open it again.")
        try:
            with as_output_error(self.images):
                if self._next_table.is_file():  # an earlier change could not be reverted
                    self._finish()
                for name, picture in (pictures or {}).items():
                    self._write_picture(name, picture)
                if labels or self._names != list(self.labels):
                    (labels or self.labels).write(self._next_list)
                write_text(self._next_table, table.text(labels or self.labels), PRIVATE)
        except BaseException:
            self._forget()
            raise
        with as_output_error(self.images):
            self._settle_or_go_back(table.rows)
        self._read()

    def keep_tables(self) -> None:
        """Copies the current tables to the trash, before a repair rewrites them."""
        with as_output_error(self.trash):
            private_folder(self.trash)
            for path in filter(Path.is_file, (self._table_file, self._list_file)):
                write_bytes(free_path(self.trash / f"{path.stem}.before.csv"), path.read_bytes(), PRIVATE)

    def wipe(self) -> dict[str, str]:
        """Deletes all pictures and rows, and the trash; the highest number is remembered.

        Returns:
            What could not be deleted, with the reason.
        """
        failed = wiping.delete(wiping.survey(self._folder))
        self._removed.clear()
        private_folder(self._new)
        self._read()
        return failed

    def close(self) -> None:
        """Releases the set. Closing twice does no harm."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                remove_empty(self.trash)
                (self.images / TRASH).rmdir()
            self._lock.release()

    def _write_picture(self, name: str, picture: np.ndarray | Path) -> None:
        """Writes a new picture to the folder of the change, and notes its number."""
        place = self._new / name
        private_folder(place.parent)
        if isinstance(picture, Path):
            write_bytes(place, _content(picture), PRIVATE)
        else:
            write_picture(place, picture)
        if number := number_of(name):
            self._highest = max(self._highest, number)
            write_text(self._highest_file, str(self._highest), PRIVATE)

    def _settle_or_go_back(self, after: list[Row]) -> None:
        """Applies a change, or moves back the files moved so far."""
        moved: list[tuple[Path, Path]] = []
        removed = dict(self._removed)
        try:
            self._settle(self.table.rows, after, moved)
        except OSError:
            for source, target in reversed(moved):
                os.replace(target, source)
            self._removed = removed
            self._forget()
            with contextlib.suppress(OSError):
                self._write_removed()
            raise

    def _finish(self) -> None:
        """Completes an interrupted change, however much of it was done."""
        former = self._former_list if self._former_list.is_file() else label_list(self._folder)
        before = read_table(self._table_file, names_in(former)).rows
        listed = self._next_list if self._next_list.is_file() else label_list(self._folder)
        after = read_table(self._next_table, names_in(listed)).rows
        self._settle(before, after, [])

    def _settle(self, before: list[Row], after: list[Row], moved: list[tuple[Path, Path]]) -> None:
        """Applies a committed change.

        Args:
            before: The rows before the change.
            after: The rows after it.
            moved: Collects each move, from and to.
        """

        def move(source: Path, target: Path) -> None:
            private_folder(target.parent)
            os.replace(source, target)
            moved.append((source, target))

        if self._next_list.is_file():
            if self._list_file.is_file():
                move(self._list_file, self._former_list)
            move(self._next_list, self._list_file)
        kept, known = {row.image for row in after}, {row.image for row in before}
        self._remove([row for row in before if row.image not in kept], after, move)
        came = set(walk(self._new))
        for path in sorted(came):
            if (self.images / path).is_file():
                move(self.images / path, free_path(self.trash / path))
            move(self._new / path, self.images / path)
        self._bring_back([row for row in after if row.image not in known | came], move)
        os.replace(self._next_table, self._table_file)
        self._former_list.unlink(missing_ok=True)

    def _remove(self, rows: list[Row], others: list[Row], move) -> None:
        """Moves rows to the trash, and their pictures unless other rows have them."""
        if not rows:
            return
        self._removed |= {row.image: row for row in rows}
        self._write_removed()
        pictures = Pictures(self.images)
        kept = {pictures.find(row.image) for row in others}
        for path in dict.fromkeys(pictures.find(row.image) for row in rows):
            if path and path not in kept:
                move(self.images / path, free_path(self.trash / path))

    def _bring_back(self, rows: list[Row], move) -> None:
        """Restores the pictures of rows that are back from the trash."""
        trash = self.images / TRASH
        if not rows or not trash.is_dir():
            return
        pictures = Pictures(self.images)
        missing = {row.image for row in rows if not pictures.find(row.image)}
        for place in sorted(trash.iterdir(), reverse=True) if missing else ():
            removed = Pictures(place)
            found = {image: path for image in missing if (path := removed.find(image))}
            for path in sorted(set(found.values())):
                move(place / path, free_path(self.images / path))
            missing -= found.keys()
        if self._removed.keys() & {row.image for row in rows}:
            self._removed = {image: row for image, row in self._removed.items() if row not in rows}
            self._write_removed()

    def _write_removed(self) -> None:
        """Writes the removed rows beside their pictures."""
        private_folder(self.trash)
        if self._removed:
            write_text(self.trash / FILE, Table(list(self._removed.values())).text(()), PRIVATE)
        else:
            (self.trash / FILE).unlink(missing_ok=True)

    def _use_edited_table(self) -> None:
        """Uses a table that was edited after the interruption instead of the one in the change."""
        table = self._table_file
        if table.is_file() and table.stat().st_mtime_ns > self._next_table.stat().st_mtime_ns:
            write_bytes(self._next_table, table.read_bytes(), PRIVATE)

    def _former_trash(self, gone: Path) -> None:
        """Moves what an earlier version of the program had removed to the trash."""
        if gone.is_dir():
            for path in sorted(walk(gone)):
                private_folder((self.trash / path).parent)
                os.replace(gone / path, self.trash / path)
            remove_empty(gone)

    def _forget(self) -> None:
        """Removes the remains of an uncommitted change."""
        parts = self._next_table.parent.glob(".part-*")  # of unfinished files
        for path in (self._next_table, self._next_list, self._former_list, *parts):
            path.unlink(missing_ok=True)
        shutil.rmtree(self._new)
        private_folder(self._new)

    def _read(self) -> None:
        self._listed = label_list(self._folder)
        before = self._stamp()  # taken before reading: a file that changes meanwhile is read again
        names = names_in(self._listed)
        self._names = names if self._listed == self._list_file else None
        self.labels = listed_labels(self._folder)
        self.table = read_table(self._table_file, names)
        self._seen = before
        numbers = [number_of(row.image) or 0 for row in self.table.rows]
        self._highest = max([self._highest, *numbers])

    def _stamp(self) -> list[tuple[int, int] | None]:
        """Returns the modification times and sizes of the table and of the lists of labels."""
        paths = (self._table_file, self._list_file, self._listed or self._list_file)
        found = [path.stat() if path.is_file() else None for path in paths]
        return [file and (file.st_mtime_ns, file.st_size) for file in found]


def _content(picture: Path) -> bytes:
    """Returns the bytes of a picture to copy."""
    try:
        return picture.read_bytes()
    except OSError as error:
        raise (MissingFileError if isinstance(error, FileNotFoundError) else BadInputError)(
            f"{picture} cannot be read ({error.strerror}).",
            "Expected the picture to stay where it was found.",
            "Check that it exists and can be read, then try again.",
        ) from error
