"""The pictures of a dataset and their labels as written there: the result of the readers.

`folders.py`, `known_sets.py` and `file_lists.py` build a Listing; `folders.read_folder` reads its
pictures, and `labeler/importer.py` looks for faces in them.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..pictures.skipped import Skipped
from .synonyms import split_meant

OFFICIAL = {"Training": "training", "PublicTest": "validation", "PrivateTest": "test"}
"""How the names of FER2013's picture files begin, as in PrivateTest_10131363.jpg.

Source: https://www.kaggle.com/datasets/msambare/fer2013
"""


class Entry(NamedTuple):
    """A picture to be read.

    Attributes:
        path: Its file.
        word: The dataset's word for its label, or what a number of the dataset stands for.
        origin: The file or folder that gives the label.
        group: The person or the capture session; empty if not known.
        split: The split given by the dataset; empty if it does not say.
        written: What is written there if it is not the word itself, such as a number.
        box: The position of the face, as (x, y, width, height); in pixels, or up to 1 as shares of the
            picture. None if the picture is the face.
    """

    path: Path
    word: str
    origin: Path
    group: str = ""
    split: str = ""
    written: str = ""
    box: tuple[float, float, float, float] | None = None


@dataclass
class Listing:
    """The pictures of a dataset.

    Attributes:
        entries: The pictures with a label.
        skipped: Files that were left out, such as pictures without a label.
        notes: What the user should know about how the dataset was read, one sentence each.
    """

    entries: list[Entry] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)
    notes: list[str] = field(default_factory=list)

    def settle_splits(self) -> bool:
        """Assigns every picture to a split, and returns whether the dataset says which.

        The folders decide if they are named as splits; otherwise FER2013's file names; otherwise all
        pictures are "test". Folders override file names, except where one folder holds both tests.
        """
        named = {entry.split for entry in self.entries} - {""}
        by_name = [_split_of_name(entry.path.name) for entry in self.entries]
        if named:
            self._leave_out_strays(named)
            if self._is_official():
                self._take([_split_of_name(entry.path.name) for entry in self.entries])
            return True
        if self.entries and all(by_name) and (len(set(by_name)) > 1 or self._has_official_names()):
            self._take(by_name)
            self.notes.append("Splits are taken from the file names, which begin with train or test.")
            return True
        self._take(["test"] * len(self.entries))
        return False

    def _leave_out_strays(self, named: set[str]) -> None:
        """Leaves out pictures that are not in a split, if others are."""
        strays = [entry for entry in self.entries if not entry.split]
        for entry in strays:
            place = "/".join(entry.path.parts[-3:])  # its folders tell which one is not known
            self.skipped.add(place, f"outside the folders for {', '.join(sorted(named))}")
        self.entries = [entry for entry in self.entries if entry.split]

    def _has_official_names(self) -> bool:
        return all(entry.path.name.partition("_")[0] in OFFICIAL for entry in self.entries)

    def _is_official(self) -> bool:
        """Whether these are FER2013's folders train and test, of which the second holds both of its tests."""
        expected = {("training", "training"), ("test", "validation"), ("test", "test")}
        pairs = {(entry.split, _split_of_name(entry.path.name)) for entry in self.entries}
        return self._has_official_names() and {("test", "test")} <= pairs <= expected

    def _take(self, splits: list[str]) -> None:
        self.entries = [
            entry._replace(split=split) for entry, split in zip(self.entries, splits, strict=True)
        ]


def _split_of_name(name: str) -> str:
    """Returns the split that the first word of a file name stands for, or an empty string."""
    first = re.match(r"[A-Za-z]+(?=[_\-.]?\d)|[A-Za-z]+(?=_)", name)
    return (first and split_meant(first[0])) or ""
