"""Sets of faces that are folders of picture files.

`dataset.read` calls `read_folder` for a folder without one of FER2013's files. It reads
CK+, KDEF, a reader's own set, and a folder of pictures for each label. Where a set names
its people or its capture sessions, each picture keeps that as its group, so that nobody's
face is learned from and tested on at once.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .dataset import SHARE, SPLITS, Dataset, Split, parted
from .errors import BadInputError, MissingFileError, damage_told
from .fer2013 import USAGES
from .image import PICTURES, SIZE, read_picture
from .labelrows import FILE as OWN_TABLE
from .labelrows import read_table
from .labels import Labels, listed_labels

WORDS = {
    **{"anger": "angry", "disgusted": "disgust", "afraid": "fear", "fearful": "fear", "happiness": "happy"},
    **{"sadness": "sad", "surprised": "surprise"},
}
"""Usual words for labels, and what FER2013 and FER+ call the same."""

FOLDERS = {
    **{"train": "training", "training": "training"},
    **{"validation": "validation", "valid": "validation", "val": "validation", "publictest": "validation"},
    **{"test": "test", "testing": "test", "privatetest": "test"},
}
"""Names of folders that are splits, in small letters without anything between."""

BY_FILE_NAME = dict(zip(USAGES, SPLITS, strict=True))
"""FER2013 in folders has names as PrivateTest_10131363.jpg; its folder `test` holds both tests.

Source: https://www.kaggle.com/datasets/msambare/fer2013
"""

CK_CODES = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""What the numbers in the emotion files of CK+ stand for.

Source: the read-me of its distribution of 2010; Lucey et al., The Extended Cohn-Kanade Dataset (CK+), 2010,
https://doi.org/10.1109/CVPRW.2010.5543262
"""

CK_NAME = re.compile(r"(?P<person>S\d{3})_\d{3}_\d{8}")
"""Person, sequence and frame."""

KDEF_NAME = re.compile(r"[AB](?P<person>[FM]\d\d)(?P<label>AF|AN|DI|HA|NE|SA|SU)(?P<angle>S|H[LR]|F[LR])")
"""Session, sex and number of the person, expression and angle. Two of its 4,900 files lack the expression.

Source: Lundqvist, Flykt and Öhman, The Karolinska Directed Emotional Faces, 1998, https://kdef.se
"""

KDEF_CODES = {
    **{"AF": "fear", "AN": "angry", "DI": "disgust", "HA": "happy", "NE": "neutral", "SA": "sad"},
    **{"SU": "surprise"},
}
"""What the letters of an expression stand for."""

KDEF_ANGLES = ("S", "HL", "HR")
"""Straight and half profile. In full profile half of the face is hidden; those are left out."""


class Entry(NamedTuple):
    """A picture to be read.

    Attributes:
        path: Its file.
        word: What the set calls its label.
        origin: The file or folder that says so.
        group: Whose face it is, or which capture session; nothing where that is not known.
        split: The part that it belongs to.
    """

    path: Path
    word: str
    origin: Path
    group: str = ""
    split: str = "test"


def read_folder(folder: Path, labels: Labels | None, crop: Callable[[np.ndarray], np.ndarray]) -> Dataset:
    """Reads a folder; see `dataset.read` for its forms and what is handed in.

    Pictures of contempt, which CK+ has and FER2013 has not, are left out where no label stands for it.

    Raises:
        MissingFileError: A picture that is listed is not there.
        BadInputError: A name is no label, a picture cannot be read, or there is none.
    """
    labels = labels or listed_labels(folder)
    entries = [entry for entry in list_folder(folder, labels) if _index(entry, labels) is not None]
    if not entries:
        raise BadInputError(
            f"{folder} has no pictures with labels.",
            f"Expected a folder of pictures for each label: {', '.join(labels)}.",
            "Name another folder, or put pictures there.",
        )
    splits = {
        name: _load([entry for entry in entries if entry.split == name], labels, crop) for name in SPLITS
    }
    if len(splits["training"]) and not len(splits["validation"]):
        splits["training"], splits["validation"] = parted(splits["training"], [SHARE])
    return Dataset(labels, **splits)


def list_folder(folder: Path, labels: Labels) -> list[Entry]:
    """Lists the pictures of a folder in any form that `read_folder` knows.

    Args:
        folder: Where they are.
        labels: What numbers in a reader's own set stand for.

    Raises:
        MissingFileError: CK+ lacks a picture.
        BadInputError: A table is damaged.
    """
    if (folder / OWN_TABLE).is_file():
        return _own(folder, labels)
    return _ck(folder) or _kdef(folder) or _by_folder(folder)


@lru_cache  # asked for each of thousands of pictures
def label_meant(word: str, labels: Labels) -> str | None:
    """Returns the label that a word of some set means, or None.

    Example:
        >>> label_meant("3_happiness", Labels(["Happy", "Sad"]))
        'Happy'
    """
    exactly = {label.casefold(): label for label in labels}
    meant = {_meaning(label): label for label in reversed(labels)}
    return exactly.get(word.strip().casefold()) or meant.get(_meaning(word))


def _by_folder(folder: Path) -> list[Entry]:
    """Lists a folder of pictures for each label, or such folders below folders named as splits."""
    below = _folders(folder)
    parts = {part: FOLDERS[_letters(part.name)] for part in below if _letters(part.name) in FOLDERS}
    entries = []
    for part, split in (parts or {folder: "test"}).items():
        for place in _folders(part):
            for path in _pictures(place.rglob("*")):
                by_name = BY_FILE_NAME.get(path.name.partition("_")[0], split)
                entries.append(Entry(path, place.name, place, _person(path), by_name))
    return entries


def _ck(folder: Path) -> list[Entry]:
    """Lists the peak frames of CK+, the last of each sequence, for which there is an emotion file."""
    emotions = sorted(folder.rglob("S*_emotion.txt"))
    frames = {path.stem: path for path in _pictures(folder.rglob("S*_*"))} if emotions else {}
    entries = []
    for file in emotions:
        name = file.stem.removesuffix("_emotion")
        if name not in frames:
            raise MissingFileError(
                f"{folder} has {file.name} and no picture {name}.png.",
                "Expected the frames of CK+ in the same folder, as cohn-kanade-images.",
                "Unpack both archives into one folder.",
            )
        with damage_told(f"{file} is no emotion of CK+", "Expected a number from 0 to 7.", "Fetch it again."):
            word = dict(enumerate(CK_CODES))[int(float(file.read_text(encoding="ascii")))]
        entries.append(Entry(frames[name], word, file, _person(frames[name])))
    return entries


def _kdef(folder: Path) -> list[Entry]:
    """Lists the pictures of KDEF, which lie in a folder a session, such as AF01, or all in one."""
    places = [folder, *(place for place in _folders(folder) if re.fullmatch(r"[AB][FM]\d\d", place.name))]
    entries = []
    for path in (path for place in places for path in _pictures(place.iterdir())):
        found = KDEF_NAME.fullmatch(path.stem.upper())
        if found and found["angle"] in KDEF_ANGLES:
            entries.append(Entry(path, KDEF_CODES[found["label"]], path, found["person"]))
    return entries


def _own(folder: Path, labels: Labels) -> list[Entry]:
    """Lists the rows of a reader's own set."""
    table = folder / OWN_TABLE
    return [
        Entry(folder / "Images" / row.file, row.label, table, row.session)
        for row in read_table(table, labels).rows
    ]


def _index(entry: Entry, labels: Labels) -> int | None:
    """Returns the index of an entry's label; None for contempt where no label stands for it."""
    if entry.origin.name == OWN_TABLE:  # its words are the reader's own: Sad 1 is not Sad 2
        label = next((known for known in labels if known.casefold() == entry.word.casefold()), None)
    else:
        label = label_meant(entry.word, labels)
    if label is None and _meaning(entry.word) != "contempt":
        raise BadInputError(
            f"{entry.origin} has the label {entry.word!r}."
            if entry.origin.name == OWN_TABLE
            else f"{entry.origin} would be the label {entry.word!r}.",
            f"Expected {', '.join(labels)}, or a usual word for one.",
            "Run there: expression dataset check --repair."
            if entry.origin.name == OWN_TABLE
            else "Rename it, move it away, or list your own labels in a labelList.csv there.",
        )
    return None if label is None else labels.index(label)


def _meaning(name: str) -> str:
    """Returns what a name stands for, without regard to case and to numbers before a usual word.

    Example:
        >>> [_meaning(name) for name in ("Happiness", "3_sad", "Wink 2")]
        ['happy', 'sad', 'wink 2']
    """
    letters = _letters(name)
    usual = {*WORDS.values(), *CK_CODES}
    word = WORDS.get(letters, letters)
    return word if word in usual else name.strip().casefold()


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def _person(path: Path) -> str:
    """Returns whom a picture of CK+ or KDEF shows, or nothing; also for copies sorted into other folders."""
    found = CK_NAME.match(path.stem) or KDEF_NAME.fullmatch(path.stem.upper())
    return found["person"] if found else ""


def _folders(folder: Path) -> list[Path]:
    return sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))


def _pictures(paths: Iterator[Path]) -> list[Path]:
    """Returns the picture files among paths, in order."""
    return sorted(path for path in paths if path.suffix.lower() in PICTURES and not path.name.startswith("."))


def _load(entries: list[Entry], labels: Labels, crop: Callable[[np.ndarray], np.ndarray]) -> Split:
    """Reads the pictures of a split."""
    pictures = np.empty((len(entries), SIZE, SIZE), np.uint8)
    for number, entry in enumerate(entries):
        pictures[number] = crop(read_picture(entry.path))
    groups = np.array([entry.group for entry in entries], str)
    indexes = np.array([_index(entry, labels) for entry in entries], np.int64)
    return Split(pictures, indexes, groups=groups if groups.astype(bool).any() else None)
