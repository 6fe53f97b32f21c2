"""Training data: labelled pictures in three splits.

`read` is the only entry point: it reads FER2013 in all its forms (`fer2013.py`), other sets of
faces and folders of pictures (`folders.py`). `training/trainer.py` and `training/evaluation.py` take
the resulting Dataset, and `inspection.py` examines it.

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
"""Share of the pictures for validation, and the same for the test, if the data have no splits."""


@dataclass(frozen=True)
class Split:
    """Pictures with their labels.

    Attributes:
        pictures: (n, 48, 48) uint8, grey levels 0 to 255; in the format of an imported network when that
            is evaluated: another size, or (n, size, size, 3) uint8 RGB.
        indexes: (n,) int64, the index of each picture's label.
        votes: (n, 10) uint8, people's votes on each, in the order of `ferplus.COLUMNS`; None without votes.
        groups: (n,) str, the person or capture session of each picture, "" where that is not known;
            None if no picture has one. A group is never divided.
        files: (n,) str, the path of each relative to its folder; None if they have none.
    """

    pictures: np.ndarray = field(repr=False)
    indexes: np.ndarray = field(repr=False)
    votes: np.ndarray | None = field(default=None, repr=False)
    groups: np.ndarray | None = field(default=None, repr=False)
    files: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indexes)

    def first(self, count: int) -> Split:
        """Returns only the first pictures, for a quick trial."""
        return self.take(slice(count))

    def take(self, chosen: np.ndarray | slice) -> Split:
        """Returns the chosen pictures, given as (n,) bool, as indexes or as a slice."""
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
        validation: Used to choose the epoch, the rate and the network.
        test: Used once, for the reported accuracy.
        skipped: What was left out when it was read, and why.
        notes: What the user should know about how it was read, one sentence each.
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
        """Returns what the user should know about how it was read and what was left out, one line each."""
        summary = self.skipped.summary(sum(self.sizes.values()) + len(self.skipped), "pictures")
        return [*self.notes, *([summary] if summary else [])]

    def divided(self, seed: int = 0) -> Dataset:
        """Divides data without splits, which are a single test set, into three splits.

        A tenth goes to validation, and a tenth stays for the test; see `split_by_group` for the rule.
        Data that already have splits are returned unchanged.

        Args:
            seed: Seed of the random choice.
        """
        if self.has_splits or len(self.training) or len(self.validation):
            return self
        training, validation, test = split_by_group(self.test, [SHARE, SHARE], seed)
        return replace(self, training=training, validation=validation, test=test)

    def with_validation(self) -> Dataset:
        """Sets a tenth of the training pictures aside for validation, if there is no validation split."""
        if len(self.validation) or not len(self.training):
            return self
        training, validation = split_by_group(self.training, [SHARE])
        return replace(self, training=training, validation=validation)

    def narrowed(self) -> Dataset:
        """Returns the data with only those labels that have training pictures.

        Raises:
            BadInputError: There are fewer than two.
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
    """Reads data in any supported form.

    These are FER2013 as a csv file, in the folder of its competition, in an archive or as picture
    sheets; other tables of pixels; CK+, KDEF, JAFFE, RAF-DB and AffectNet; a list of picture files; a
    user's own set with its faceLabels.csv; and a folder of pictures for each label, also inside
    train, validation and test folders and other folders around them. Data without splits are a
    single test set; `Dataset.divided` turns it into training data. `Dataset.remarks` says how
    names were matched with labels, and what was left out.

    Args:
        path: A file or folder.
        labels: The labels to use; pictures of others are left out. None means those in the folder's
            labelList.csv, or else FER2013's seven.
        crop: Turns a picture of a folder, (height, width, 3) uint8 RGB, into a face, (48, 48) uint8 or the
            format of an imported network; the default treats the whole picture as the face.
        also: Labels to use besides FER2013's seven, if `labels` is None.

    Raises:
        MissingFileError: The path does not exist, or a part is missing.
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
    """Divides pictures so that identical and near-identical ones and those of one group stay together.

    Args:
        split: The pictures.
        shares: As for `parts_by_group`, like `seed`.
        seed: Seed of the shuffling.

    Returns:
        The remaining pictures, and then a Split for each share; pictures keep their order.

    Example:
        >>> pictures = np.random.default_rng(0).integers(0, 256, (20, 48, 48), np.uint8)
        >>> [len(part) for part in split_by_group(Split(pictures, np.arange(20) % 2), [0.1, 0.2])]
        [14, 2, 4]
    """
    parts = parts_by_group(split, shares, seed)
    return [split.take(parts == part) for part in range(len(shares) + 1)]


def parts_by_group(split: Split, shares: Sequence[float], seed: int = 0) -> np.ndarray:
    """Assigns pictures to parts: identical and near-identical ones and those of one group stay together.

    Label by label, starting with the rarest, the bundles that belong together are taken in shuffled
    order: the first one stays, the next ones go to the parts until each has its share of the
    label, and the rest stay.

    Args:
        split: The pictures.
        shares: The share of each label's pictures that goes to each part; less than 1 in total.
        seed: Seed of the shuffling.

    Returns:
        (n,) int64, the part of each picture: 0 for those that remain, 1 for the first share.
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
    return sides[bundles]


def _bundles(split: Split) -> np.ndarray:
    """Returns (n,) int64, the same number for all pictures that must stay together."""
    keys = [np.unique(difference_hashes(split.pictures), return_inverse=True)[1]]
    if split.groups is not None:
        alone = np.char.add("#", np.arange(len(split)).astype(str))
        keys.append(np.unique(np.where(split.groups == "", alone, split.groups), return_inverse=True)[1])
    numbers, before = np.arange(len(split)), None
    while before is None or (numbers != before).any():  # a chain of similar pictures takes several rounds
        before = numbers
        for key in keys:
            lowest = np.full(len(split), len(split))
            np.minimum.at(lowest, key, numbers)
            numbers = lowest[key]
    return numbers
