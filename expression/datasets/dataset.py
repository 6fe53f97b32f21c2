"""Data to learn from: pictures with labels, in three splits.

`read` is the one way in: it takes FER2013 in all its forms (`fer2013.py`), other sets of
faces and folders of pictures (`folders.py`). `trainer.py` and `evaluation.py` are given
the Dataset that comes out, and `inspection.py` looks at it.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import BadInputError, MissingFileError, user_path
from ..labels import Labels
from ..pictures.hashes import difference_hashes
from ..pictures.image import face_pixels
from ..pictures.skipped import Skipped

SPLITS = ("training", "validation", "test")
"""The splits of a Dataset, in the order of their use."""

SHARE = 0.1
"""What part of the pictures goes to validation, and as much to the test, where the data do not say."""


@dataclass(frozen=True)
class Split:
    """Pictures with their labels.

    Attributes:
        pictures: (n, 48, 48) uint8, grey levels 0 to 255; as a network from elsewhere sees them where it
            is to be evaluated: of another size, or (n, size, size, 3) uint8 RGB.
        indexes: (n,) int64, the row of the labels each picture belongs to.
        votes: (n, 10) uint8, what people said of each as `votes.COLUMNS` tells; None where nobody was asked.
        groups: (n,) str, whose face or which capture session each is, "" where that is not known;
            None where nothing is. A group is never parted.
        files: (n,) str, the file of each below its folder; None where they have none.
    """

    pictures: np.ndarray = field(repr=False)
    indexes: np.ndarray = field(repr=False)
    votes: np.ndarray | None = field(default=None, repr=False)
    groups: np.ndarray | None = field(default=None, repr=False)
    files: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indexes)

    def first(self, count: int) -> Split:
        """Returns the first pictures only, for a quick try."""
        return self.take(slice(count))

    def take(self, chosen: np.ndarray | slice) -> Split:
        """Returns some of the pictures: (n,) bool, or their numbers, or a slice."""
        more = (
            None if values is None else values[chosen] for values in (self.votes, self.groups, self.files)
        )
        return Split(self.pictures[chosen], self.indexes[chosen], *more)


@dataclass(frozen=True)
class Dataset:
    """Three splits over one set of labels.

    Attributes:
        labels: What the indexes stand for.
        training: What a network learns from.
        validation: What choices are made by: the epoch, the rate, the network.
        test: Looked at once, for the figure that is reported.
        skipped: What was left out when it was read, and why.
        notes: What a user should know about how it was read, a sentence each.
        has_splits: Whether it came with splits of its own, which are kept as they are.
        unused: Labels that could be used as well, such as Contempt; their pictures were left out.

    Example:
        >>> part = Split(np.zeros((3, 48, 48), np.uint8), np.array([0, 1, 1]))
        >>> Dataset(Labels(["Happy", "Sad"]), part, part.first(1), part.first(2)).sizes
        {'training': 3, 'validation': 1, 'test': 2}
    """

    labels: Labels
    training: Split
    validation: Split
    test: Split
    skipped: Skipped = field(default_factory=Skipped, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    has_splits: bool = False
    unused: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[str, int]:
        """How many pictures each split has."""
        return {name: len(getattr(self, name)) for name in SPLITS}

    def remarks(self) -> list[str]:
        """Returns what a user should know about how it was read, and what was left out, a line each."""
        summary = self.skipped.summary(sum(self.sizes.values()) + len(self.skipped), "pictures")
        return [*self.notes, *([summary] if summary else [])]

    def divided(self, seed: int = 0) -> Dataset:
        """Makes three splits of data that came without any and so are a test set as a whole.

        A tenth goes to validation, a tenth stays for the test; `split_by_group` has the rule.
        Data that have splits are returned as they are.

        Args:
            seed: Another one draws other splits.
        """
        if self.has_splits or len(self.training) or len(self.validation):
            return self
        training, validation, test = split_by_group(self.test, [SHARE, SHARE], seed)
        return replace(self, training=training, validation=validation, test=test)

    def with_validation(self) -> Dataset:
        """Sets a tenth of the training pictures aside to choose by, where there are none for that."""
        if len(self.validation) or not len(self.training):
            return self
        training, validation = split_by_group(self.training, [SHARE])
        return replace(self, training=training, validation=validation)

    def narrowed(self) -> Dataset:
        """Returns the data with only those labels of which there are pictures to learn from.

        Raises:
            BadInputError: There are less than two.
        """
        there = np.bincount(self.training.indexes, minlength=len(self.labels)) > 0
        if there.all():
            return self
        kept = [label for label, some in zip(self.labels, there, strict=True) if some]
        if len(kept) < 2:
            named = ",".join([*kept, *self.unused])
            raise BadInputError(
                f"There are training pictures of {f'{kept[0]} only' if kept else 'no label'}.",
                "Expected two or more labels.",
                f"Include {' and '.join(self.unused)} as well: --labels {named}"
                if kept and self.unused
                else "Add pictures of another label, or choose another dataset.",
            )
        lacking = [label for label, some in zip(self.labels, there, strict=True) if not some]
        note = f"Trains on {', '.join(kept)}; there are no training pictures of {', '.join(lacking)}."
        numbers, skipped = np.cumsum(there) - 1, Skipped()
        skipped.extend(self.skipped)
        splits = []
        for name in SPLITS:
            split = getattr(self, name)
            for index in np.unique(split.indexes[~there[split.indexes]]):
                count = int((split.indexes == index).sum())
                skipped.add(f"in {name}", f"of {self.labels[index]}, which has no training pictures", count)
            split = split.take(there[split.indexes])
            splits.append(replace(split, indexes=numbers[split.indexes]))
        notes = (*self.notes, note)
        return Dataset(Labels(kept), *splits, skipped, notes, self.has_splits, self.unused)


def read(
    path: str | Path,
    labels: Labels | None = None,
    crop: Callable[[np.ndarray], np.ndarray] = face_pixels,
    also: Sequence[str] = (),
) -> Dataset:
    """Reads data in any form that is known here.

    That is FER2013 as a csv file, in the folder of its competition, in an archive or as picture
    sheets; other tables of pixels; CK+, KDEF, JAFFE, RAF-DB and AffectNet; a list of picture files; a
    reader's own set with its faceLabels.csv; and a folder of pictures for each label, also below
    train, validation and test and in further folders around them. What comes without splits is a
    test set as a whole; `Dataset.divided` makes it one to learn from. `Dataset.remarks` says how
    names were matched with labels, and what was left out.

    Args:
        path: A file or folder.
        labels: The labels that count; pictures of others are left out. None takes those of the folder's
            labelList.csv, or else FER2013's seven.
        crop: Turns a picture of a folder, (height, width, 3) uint8 RGB, into a face, (48, 48) uint8 or what
            a network from elsewhere sees; the default takes the whole picture for the face.
        also: Labels that count beside FER2013's seven, where no others are given.

    Raises:
        MissingFileError: Nothing is there, or a part is missing; check the name.
        BadInputError: It is something else, or most of it is damaged; the message says where.
    """
    from .fer2013 import in_folder, is_table, read_fer2013
    from .folders import read_folder, read_listed

    path = user_path(path)
    if path.is_dir():
        file = in_folder(path)
        return read_fer2013(file, labels) if file else read_folder(path, labels, crop, also)
    if path.is_file():
        return read_fer2013(path, labels) if is_table(path) else read_listed(path, labels, crop, also)
    raise MissingFileError(
        f"{path} was not found.",
        "Expected fer2013.csv, a folder that contains it, or one with a subfolder of pictures per label.",
        "Check the path, or download FER2013 from the Kaggle challenge of 2013.",
    )


def split_by_group(split: Split, shares: Sequence[float], seed: int = 0) -> list[Split]:
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
        >>> [len(part) for part in split_by_group(Split(pictures, np.arange(20) % 2), [0.1, 0.2])]
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


def _bundles(split: Split) -> np.ndarray:
    """Returns (n,) int64, one number for all pictures that must stay together."""
    keys = [np.unique(difference_hashes(split.pictures), return_inverse=True)[1]]
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
