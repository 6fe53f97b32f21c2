"""A user's own set of labelled pictures: the changes that can be made to it, and undone.

`labeler/labeler.py` lets people change a LabelBook, `integrity.py` checks it. The pictures are in `Images/`,
their rows in `faceLabels.csv`, the labels in `labelList.csv`; `store.py` writes them.

Notebook: 08_your_face
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import BadInputError, user_path
from ..labels import Labels, folded_label
from ..pictures.image import read_picture
from ..sanitize import printable
from .pictures import Finder, Pictures, missing
from .rows import FILE, Row, Table
from .store import LabelStore


def _one_at_a_time(method):
    """Runs a method in one thread at a time."""

    @functools.wraps(method)
    def turn(book: LabelBook, *words, **options):
        with book._turn:
            return method(book, *words, **options)

    return turn


class _Step(NamedTuple):
    """What is needed to undo a change.

    Attributes:
        told: Description of the change, for people.
        images: The pictures whose rows it changed.
        before: These rows before the change, each with its place.
        labels: The labels before the change, if it changed them.
    """

    told: str
    images: set[str]
    before: list[tuple[int, Row]]
    labels: Labels | None


class LabelBook:
    """A set of labelled pictures in a folder.

    Every change is on the disk when its call returns. If the program is killed, the power fails or the disk
    is full, no picture and no row is lost, and at most the change in progress. Several threads may use it.

    Args:
        folder: The folder that has, or will have, labelList.csv, faceLabels.csv and Images.

    Raises:
        BadInputError: A table is damaged, another program has the set open, or there is a link in Images.
        OutputError: The folder cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, LabelBook(folder) as book:
        ...     row = book.add(np.zeros((48, 48), np.uint8), "Happy", session="monday")
        ...     print(book.counts["Happy"], book.undo(), book.counts["Happy"])
        1 face1.png saved as Happy 0
    """

    def __init__(self, folder: str | Path = "."):
        self.folder = user_path(folder)
        self._turn = threading.RLock()
        self._store = LabelStore(self.folder)
        self._steps: list[_Step] = []
        self._finder = Finder(self._store.images)

    def __enter__(self) -> LabelBook:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @property
    def images(self) -> Path:
        """The folder of pictures."""
        return self._store.images

    @property
    @_one_at_a_time
    def labels(self) -> Labels:
        """The labels, in order."""
        self._store.read_again()
        return self._store.labels

    @property
    @_one_at_a_time
    def table(self) -> Table:
        """The rows, in the order of the file, and their format, even if their meaning is ambiguous."""
        self._store.read_again()
        return self._store.table

    @property
    def rows(self) -> list[Row]:
        """The rows, in the order of the file; a copy.

        Raises:
            BadInputError: Their labels are ambiguous numbers.
        """
        return list(self.table.settled(self.folder / FILE).rows)

    @property
    def counts(self) -> dict[str, int]:
        """The number of pictures of each label."""
        said = Counter(folded_label(row.label) for row in self.rows)
        return {label: said[folded_label(label)] for label in self.labels}

    @property
    def trash(self) -> Path:
        """The folder to which removed pictures and rows are moved."""
        return self._store.trash

    @property
    @_one_at_a_time
    def pictures(self) -> Pictures:
        """The files now in the folder of pictures.

        Raises:
            BadInputError: It contains a link.
        """
        return self._finder.look()

    @_one_at_a_time
    def path(self, row: Row) -> Path | None:
        """Returns the file of a row's picture, or None if it is not found."""
        return self._finder.path(row.image)

    def picture(self, row: Row) -> np.ndarray:
        """Reads a picture: (height, width, 3) uint8 RGB.

        Raises:
            MissingFileError: It is not found.
            BadInputError: It cannot be read.
        """
        path = self.path(row)
        if not path:
            raise missing(row.image, self._store.images)
        return read_picture(path)

    def add(self, picture: np.ndarray, label: str, session: str = "") -> Row:
        """Saves a picture under a number that was never used before.

        Args:
            picture: (height, width, 3) uint8 RGB, or (height, width) uint8 grey levels.
            label: One of the labels.
            session: A text that all pictures of one session share.

        Raises:
            BadInputError: There is no such label.
            OutputError: There is no room, or the folder is locked.
        """
        return self.add_all([(picture, label, session)])[0]

    @_one_at_a_time
    def add_all(self, pictures: Iterable[tuple[np.ndarray, str, str]]) -> list[Row]:
        """Saves several pictures in one change, all of them or none.

        Args:
            pictures: The picture, label and session of each, as for `add`.

        Raises:
            BadInputError: There is no such label.
            OutputError: There is no room, or the folder is locked.
        """
        rows, kept, number = self.rows, {}, 0
        for picture, label, session in pictures:
            number = self._store.next_number(number)
            row = Row(f"face{number}.png", self._known(label), session)
            rows.append(row)
            kept[row.image] = picture
        added = rows[len(rows) - len(kept) :]
        if kept:
            told = f"{added[0].image} saved as {added[0].label}"
            told = told if len(kept) == 1 else f"{len(kept)} pictures saved"
            self._change(told, set(kept), rows, pictures=kept)
        return added

    @_one_at_a_time
    def relabel(self, images: Iterable[str], label: str) -> None:
        """Gives pictures another label.

        Args:
            images: The pictures, as in `Row.image`.
            label: One of the labels.

        Raises:
            BadInputError: There is no such label, or no such picture.
        """
        label, images = self._known(label), self._listed(images)
        if all(row.label == label for row in self.rows if row.image in images):
            return
        rows = [row._replace(label=label) if row.image in images else row for row in self.rows]
        self._change(f"{_pictures(images)} relabelled as {label}", images, rows)

    @_one_at_a_time
    def delete(self, images: Iterable[str]) -> None:
        """Moves pictures and their rows to a folder in `Images/.trash`; `undo` restores them.

        Raises:
            BadInputError: There is no such picture.
        """
        images = self._listed(images)
        rows = [row for row in self.rows if row.image not in images]
        self._change(f"{_pictures(images)} deleted", images, rows)

    @_one_at_a_time
    def keep_tables(self) -> None:
        """Copies the current tables to the trash, before a repair."""
        self._store.keep_tables()

    @_one_at_a_time
    def set_rows(self, rows: Iterable[Row], pictures: Mapping[str, Path] | None = None) -> None:
        """Replaces all rows, as a repair does; earlier changes can no longer be undone.

        Args:
            rows: All rows, in order. Pictures that no row names any more are moved to the trash.
            pictures: Files to copy into the set, by their paths relative to Images.
        """
        self._put(list(rows), None, pictures)
        self._steps.clear()

    @_one_at_a_time
    def set_labels(self, labels: Iterable[str]) -> None:
        """Replaces the list of labels: adds, reorders or removes labels; removed ones must be unused.

        Raises:
            BadInputError: A label that pictures have is missing, or a label is empty or a duplicate.
        """
        found = Labels(labels)
        kept = set(map(folded_label, found))
        lost = [label for label, count in self.counts.items() if count and folded_label(label) not in kept]
        if lost:
            raise BadInputError(
                f"The set still has pictures labelled {', '.join(lost)}.",
                "Expected a label to stay in the list while pictures have it.",
                "Relabel or delete these pictures first.",
            )
        if found != self.labels:
            self._change("the change to the list of labels", set(), self.rows, found)

    @_one_at_a_time
    def rename_label(self, old: str, new: str) -> None:
        """Renames a label in the list and in every row.

        Raises:
            BadInputError: There is no such label, or the new name is empty or already in the list.
        """
        old = self._known(old)
        found = Labels([new if label == old else label for label in self.labels])
        new = found[self.labels.index(old)]
        its = folded_label(old)
        rows = [row._replace(label=new) if folded_label(row.label) == its else row for row in self.rows]
        images = {row.image for row in self.rows if folded_label(row.label) == its}
        self._change(f"{old} renamed to {new}", images, rows, found)

    @_one_at_a_time
    def undo(self) -> str | None:
        """Undoes the last change.

        Returns:
            Its description, such as "face7.png saved as Happy", or None if there is nothing to undo.

        Raises:
            OutputError: There is no room, or the folder is locked; the change can still be undone later.
        """
        if not self._steps:
            return None
        step = self._steps[-1]
        rows = [row for row in self.rows if row.image not in step.images]
        for place, row in step.before:
            rows.insert(place, row)
        self._put(rows, step.labels)
        self._steps.pop()
        return step.told

    @_one_at_a_time
    def wipe(self) -> dict[str, str]:
        """Permanently deletes all pictures, rows and trash; returns what could not be, with the reason."""
        self._steps.clear()
        self._finder.forget()
        return self._store.wipe()

    @_one_at_a_time
    def close(self) -> None:
        """Releases the set; nothing can be undone any more. Closing twice does no harm."""
        self._steps.clear()
        self._store.close()

    def _change(
        self,
        told: str,
        images: set[str],
        rows: list[Row],
        labels: Labels | None = None,
        pictures: Mapping[str, np.ndarray | Path] | None = None,
    ) -> None:
        """Replaces the rows, and notes how to undo that."""
        before = [(place, row) for place, row in enumerate(self.table.rows) if row.image in images]
        step = _Step(told, images, before, labels and self.labels)
        self._put(rows, labels, pictures)
        self._steps.append(step)

    def _put(
        self,
        rows: list[Row],
        labels: Labels | None,
        pictures: Mapping[str, np.ndarray | Path] | None = None,
    ) -> None:
        self._finder.forget()
        self._store.change(replace(self._store.table, rows=rows, meanings={}), labels, pictures)

    def _known(self, label: str) -> str:
        """Returns a label as it is written in the list."""
        return self.labels[self.labels.index(label)]

    def _listed(self, images: Iterable[str]) -> set[str]:
        """Returns the names of pictures as a set; each must have a row."""
        images = set(images)
        strange = images - {row.image for row in self.rows}
        if strange:
            raise BadInputError(
                f"{FILE} has no row for {printable(', '.join(sorted(strange)))}.",
                "Expected names of pictures as they are written in the rows.",
                "Check the names.",
            )
        return images


def _pictures(images: set[str]) -> str:
    """Names one picture, or counts several."""
    return next(iter(images)) if len(images) == 1 else f"{len(images)} pictures"
