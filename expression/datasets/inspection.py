"""A look at data before anything is learned from them.

`look` counts what there is and what is wrong with it: pictures that stand there twice,
equal pictures with different labels, blank ones. `leaked` tells `evaluation.py` which
test pictures a network has learned from. Lesson 04 shows the rest.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from .dataset import SPLITS, Dataset, Split
from .labels import Labels
from .votes import COLUMNS


@dataclass(frozen=True)
class Look:
    """What a dataset holds; `print(look(dataset))` shows it as a table.

    Attributes:
        labels: The labels.
        counts: For each split, (labels,) int64, how many pictures each label has.
        distinct: Different pictures, all splits together.
        repeated: For each split, how many of its pictures are repetitions of another one in it.
        leaked: For validation and test, how many of their pictures also stand in training.
        conflicting: Groups of equal pictures with different labels.
        blank: Pictures of one grey level.
        agreement: The share of the pictures with votes whose label got the most; None without votes.
    """

    labels: Labels
    counts: dict[str, np.ndarray] = field(repr=False)
    distinct: int
    repeated: dict[str, int]
    leaked: dict[str, int]
    conflicting: int
    blank: int
    agreement: float | None

    def __str__(self) -> str:
        rows = [("", *SPLITS)]
        rows += zip(self.labels, *(map(str, self.counts[split]) for split in SPLITS), strict=True)
        rows.append(("all", *(str(self.counts[split].sum()) for split in SPLITS)))
        rows.append(("repetitions", *(str(self.repeated[split]) for split in SPLITS)))
        rows.append(("also in training", "", *(str(self.leaked[split]) for split in SPLITS[1:])))
        width = max(len(row[0]) for row in rows)
        lines = [f"{row[0]:{width}}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows]
        lines += [
            "",
            f"{self.distinct} different pictures",
            f"{self.blank} pictures of one grey level",
            f"{self.conflicting} groups of equal pictures with different labels",
        ]
        if self.agreement is not None:
            lines.append(f"{self.agreement:.1%} of the labels are what most people voted for")
        return "\n".join(lines)


def look(dataset: Dataset) -> Look:
    """Counts what a dataset holds.

    Example:
        >>> split = Split(np.zeros((3, 48, 48), np.uint8), np.array([0, 1, 1]))
        >>> print(look(Dataset(Labels(["Happy", "Sad"]), split, split.first(1), split.first(0))))
                            training  validation        test
        Happy                      1           1           0
        Sad                        2           0           0
        all                        3           1           0
        repetitions                2           0           0
        also in training                       1           0
        <BLANKLINE>
        1 different pictures
        4 pictures of one grey level
        1 groups of equal pictures with different labels
    """
    splits = {name: getattr(dataset, name) for name in SPLITS}
    pictures = np.concatenate([split.pictures for split in splits.values()])
    indexes = np.concatenate([split.indexes for split in splits.values()])
    return Look(
        labels=dataset.labels,
        counts={n: np.bincount(split.indexes, minlength=len(dataset.labels)) for n, split in splits.items()},
        distinct=len(np.unique(prints(pictures))),
        repeated={n: len(split) - len(np.unique(prints(split.pictures))) for n, split in splits.items()},
        leaked={n: int(leaked(splits[n], dataset.training).sum()) for n in SPLITS[1:]},
        conflicting=sum(len(set(indexes[group])) > 1 for group in copies(pictures)),
        blank=int((np.ptp(pictures, axis=(1, 2)) == 0).sum()) if len(pictures) else 0,
        agreement=_agreement(list(splits.values()), dataset.labels),
    )


def leaked(split: Split, training: Split) -> np.ndarray:
    """Returns which pictures of a split also stand in training, pixel for pixel.

    Returns:
        (n,) bool.
    """
    return np.isin(prints(split.pictures), prints(training.pictures))


def copies(pictures: np.ndarray) -> list[np.ndarray]:
    """Returns the groups of equal pictures, as the numbers of their pictures, in the order of the first.

    Args:
        pictures: (n, 48, 48) uint8 grey levels.

    Example:
        >>> copies(np.stack([np.full((48, 48), grey, np.uint8) for grey in (1, 2, 1, 3)]))
        [array([0, 2])]
    """
    numbers = np.unique(prints(pictures), return_inverse=True)[1]
    order = np.argsort(numbers, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    return sorted((group for group in groups if len(group) > 1), key=lambda group: group[0])


def prints(pictures: np.ndarray) -> np.ndarray:
    """Returns a number for each picture that only equal pictures share.

    Args:
        pictures: (n, 48, 48) uint8 grey levels.

    Returns:
        (n,) uint64; two different ones of 36,000 pictures meet by chance once in 28 billion times.
    """
    digests = [hashlib.blake2b(picture.tobytes(), digest_size=8).digest() for picture in pictures]
    return np.frombuffer(b"".join(digests), np.uint64)


def average_faces(split: Split, labels: Labels) -> np.ndarray:
    """Returns the mean of each label's pictures, (labels, 48, 48) uint8; black where there are none."""
    faces = np.zeros((len(labels), *split.pictures.shape[1:]), np.uint8)
    for index in set(split.indexes):
        faces[index] = split.pictures[split.indexes == index].mean(0).round()
    return faces


def grid(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Lays pictures out in rows, to be shown as one.

    Args:
        pictures: (n, height, width) uint8 grey levels.
        columns: How many stand side by side; the end of the last row stays black.

    Returns:
        (rows * height, columns * width) uint8.

    Example:
        >>> grid(np.zeros((5, 48, 48), np.uint8), 3).shape
        (96, 144)
    """
    height, width = pictures.shape[1:]
    rows = -(-len(pictures) // columns)
    places = np.zeros((rows * columns, height, width), np.uint8)
    places[: len(pictures)] = pictures
    return places.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)


def _agreement(splits: list[Split], labels: Labels) -> float | None:
    """Returns how often a label is the one that most people voted for."""
    asked = [split.take(split.votes.any(1)) for split in splits if split.votes is not None]
    if not sum(map(len, asked)):
        return None
    said = np.concatenate([np.take(COLUMNS, split.votes.argmax(1)) for split in asked])
    own = np.concatenate([np.take(list(labels), split.indexes) for split in asked])
    return float((said == own).mean())
