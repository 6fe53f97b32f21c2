"""Data to learn from: pictures with labels, in three splits.

`read` is the one way in: it takes FER2013 in all its forms (`fer2013.py`), other sets of
faces and folders of pictures (`folders.py`). `training.py` and `evaluation.py` are given
the Dataset that comes out, and `inspection.py` looks at it.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import MissingFileError, user_path
from .image import face_pixels, resize
from .labels import Labels

SPLITS = ("training", "validation", "test")
"""The splits of a Dataset, in the order of their use."""

SHARE = 0.1
"""What part of the pictures goes to validation, and as much to the test, where the data do not say."""


@dataclass(frozen=True)
class Split:
    """Pictures with their labels.

    Attributes:
        pictures: (n, 48, 48) uint8, grey levels 0 to 255.
        indexes: (n,) int64, the row of the labels each picture belongs to.
        votes: (n, 10) uint8, what people said of each as `votes.COLUMNS` tells; None where nobody was asked.
        groups: (n,) str, whose face or which capture session each is, "" where that is not known;
            None where nothing is. A group is never parted.
    """

    pictures: np.ndarray = field(repr=False)
    indexes: np.ndarray = field(repr=False)
    votes: np.ndarray | None = field(default=None, repr=False)
    groups: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indexes)

    def first(self, count: int) -> Split:
        """Returns the first pictures only, for a quick try."""
        return self.take(slice(count))

    def take(self, chosen: np.ndarray | slice) -> Split:
        """Returns some of the pictures: (n,) bool, or their numbers, or a slice."""
        votes = None if self.votes is None else self.votes[chosen]
        groups = None if self.groups is None else self.groups[chosen]
        return Split(self.pictures[chosen], self.indexes[chosen], votes, groups)


@dataclass(frozen=True)
class Dataset:
    """Three splits over one set of labels.

    Attributes:
        labels: What the indexes stand for.
        training: What a network learns from.
        validation: What choices are made by: the epoch, the rate, the network.
        test: Looked at once, for the figure that is reported.

    Example:
        >>> part = Split(np.zeros((3, 48, 48), np.uint8), np.array([0, 1, 1]))
        >>> Dataset(Labels(["Happy", "Sad"]), part, part.first(1), part.first(2)).sizes
        {'training': 3, 'validation': 1, 'test': 2}
    """

    labels: Labels
    training: Split
    validation: Split
    test: Split

    @property
    def sizes(self) -> dict[str, int]:
        """How many pictures each split has."""
        return {name: len(getattr(self, name)) for name in SPLITS}

    def divided(self, seed: int = 0) -> Dataset:
        """Makes three splits of data that came without any and so are a test set as a whole.

        A tenth goes to validation, a tenth stays for the test; `parted` has the rule.
        Data that have splits are returned as they are.

        Args:
            seed: Another one draws other splits.
        """
        if len(self.training) or len(self.validation):
            return self
        return Dataset(self.labels, *parted(self.test, [SHARE, SHARE], seed))


def read(
    path: str | Path, labels: Labels | None = None, crop: Callable[[np.ndarray], np.ndarray] = face_pixels
) -> Dataset:
    """Reads data in any form that is known here.

    That is FER2013 as a csv file, in the folder of its competition or as picture sheets; CK+
    and KDEF; a reader's own set with its faceLabels.csv; and a folder with a folder of
    pictures for each label, or with such folders below train, validation and test. What
    comes without splits is a test set as a whole; `Dataset.divided` makes it one to learn from.

    Args:
        path: A file or folder.
        labels: What the pictures of a folder are to be called; None takes its labelList.csv, or else
            FER2013's seven. FER2013's files have their own.
        crop: Turns a picture of a folder, (height, width, 3) uint8 RGB, into a face, (48, 48) uint8; the
            default takes the whole picture for the face.

    Raises:
        MissingFileError: Nothing is there, or a part is missing; check the name.
        BadInputError: It is something else, or damaged; the message says where.
    """
    from .fer2013 import in_folder, read_fer2013
    from .folders import read_folder

    path = user_path(path)
    if path.is_dir():
        file = in_folder(path)
        return read_fer2013(file) if file else read_folder(path, labels, crop)
    if path.is_file():
        return read_fer2013(path)
    raise MissingFileError(
        f"There is no data at {path}.",
        "Expected fer2013.csv, or a folder with it or with one folder of pictures a label.",
        "Check the name, or get FER2013 from the Kaggle challenge of 2013.",
    )


def parted(split: Split, shares: Sequence[float], seed: int = 0) -> list[Split]:
    """Parts pictures so that equal ones, near-equal ones and those of one group stay together.

    Label by label, the rarest first, what belongs together is gone through in a shuffled
    order: the first stays, the next ones go to the parts until each has its share of the
    label, and the rest stays.

    Args:
        split: The pictures.
        shares: What part of each label's pictures is taken away, for each part; below 1 in all.
        seed: Another one shuffles otherwise.

    Returns:
        What stays, and then a Split for each share; their pictures are in the order they had.

    Example:
        >>> pictures = np.random.default_rng(0).integers(0, 256, (20, 48, 48), np.uint8)
        >>> [len(part) for part in parted(Split(pictures, np.arange(20) % 2), [0.1, 0.2])]
        [14, 2, 4]
    """
    bundles = _bundles(split)
    sides = np.full(len(bundles), -1)
    order = np.random.default_rng(seed).permutation(len(bundles))
    for index in np.argsort(np.bincount(split.indexes), kind="stable"):
        sizes = np.bincount(bundles[split.indexes == index], minlength=len(bundles))
        waiting = [bundle for bundle in order if sizes[bundle] and sides[bundle] < 0]
        if not sizes[sides == 0].any():
            sides[waiting[:1]] = 0
            waiting = waiting[1:]
        for part, share in enumerate(shares, 1):
            have, wanted = sizes[sides == part].sum(), share * sizes.sum()
            while waiting and have < wanted:
                bundle = waiting.pop(0)
                sides[bundle] = part
                have += sizes[bundle]
        sides[waiting] = 0
    return [split.take(sides[bundles] == part) for part in range(len(shares) + 1)]


def sketches(pictures: np.ndarray) -> np.ndarray:
    """Returns a number for each picture that most near-equal pictures share, as of other light or format.

    Each picture is shrunk to 9 x 8 pixels; a bit says whether a pixel is brighter than its left
    neighbour. In FER2013 it brings together what equal pixels do, and 130 groups more, most of them rightly.

    Args:
        pictures: (n, 48, 48) uint8 grey levels.

    Returns:
        (n,) uint64.

    Source: N. Krawetz, Kind of Like That, 2013,
    http://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    small = np.array([resize(picture, 9, 8) for picture in pictures], np.uint8).reshape(-1, 8, 9)
    brighter = small[:, :, 1:] > small[:, :, :-1]
    return np.packbits(brighter.reshape(-1, 64), axis=1).view(np.uint64).ravel()


def _bundles(split: Split) -> np.ndarray:
    """Returns (n,) int64, one number for all pictures that must stay together."""
    keys = [np.unique(sketches(split.pictures), return_inverse=True)[1]]
    if split.groups is not None:
        alone = np.char.add("#", np.arange(len(split)).astype(str))
        keys.append(np.unique(np.where(split.groups == "", alone, split.groups), return_inverse=True)[1])
    numbers, before = np.arange(len(split)), None
    while before is None or (numbers != before).any():  # a chain of likenesses takes some rounds
        before = numbers
        for key in keys:
            lowest = np.full(len(split), len(split))
            np.minimum.at(lowest, key, numbers)
            numbers = lowest[key]
    return numbers
