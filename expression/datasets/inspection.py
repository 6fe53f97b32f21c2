"""Examines data before training.

`look` counts what there is and what is wrong with it: duplicate pictures,
identical pictures with different labels, blank ones. `leaked` finds the test
pictures that are also in the training data.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..labels import Labels
from ..pictures.hashes import content_hashes
from ..sanitize import counted, printable
from .dataset import SPLITS, Dataset, Split
from .ferplus import COLUMNS


@dataclass(frozen=True)
class DatasetSummary:
    """What a dataset holds; `print(look(dataset))` shows it as a table.

    Attributes:
        labels: The labels.
        counts: For each split, (labels,) int64, how many pictures each label has.
        distinct: Number of different pictures in all splits together.
        repeated: For each split, how many of its pictures repeat another one in it.
        leaked: For validation and test, how many of their pictures are also in training.
        conflicting: Number of groups of identical pictures with different labels.
        blank: Number of pictures of one grey level.
        agreement: The share of pictures with votes whose label got the most votes; None without votes.
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
            counted(self.distinct, "different picture"),
            f"{counted(self.blank, 'picture')} of one grey level",
            f"{counted(self.conflicting, 'group')} of identical pictures with different labels",
        ]
        if self.agreement is not None:
            lines.append(f"{self.agreement:.1%} of the labels agree with the majority vote")
        return "\n".join(lines)


def look(dataset: Dataset) -> DatasetSummary:
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
        1 different picture
        4 pictures of one grey level
        1 group of identical pictures with different labels
    """
    splits = {name: getattr(dataset, name) for name in SPLITS}
    pictures = np.concatenate([split.pictures for split in splits.values()])
    indexes = np.concatenate([split.indexes for split in splits.values()])
    return DatasetSummary(
        labels=dataset.labels,
        counts={n: np.bincount(split.indexes, minlength=len(dataset.labels)) for n, split in splits.items()},
        distinct=len(np.unique(content_hashes(pictures))),
        repeated={
            n: len(split) - len(np.unique(content_hashes(split.pictures))) for n, split in splits.items()
        },
        leaked={n: int(leaked(splits[n], dataset.training).sum()) for n in SPLITS[1:]},
        conflicting=sum(len(set(indexes[group])) > 1 for group in copies(pictures)),
        blank=int((np.ptp(pictures.reshape(len(pictures), -1), axis=1) == 0).sum()) if len(pictures) else 0,
        agreement=_agreement(list(splits.values()), dataset.labels),
    )


def leaked(split: Split, training: Split) -> np.ndarray:
    """Returns which pictures of a split are also in training, pixel for pixel.

    Returns:
        (n,) bool.
    """
    return np.isin(content_hashes(split.pictures), content_hashes(training.pictures))


def report(dataset: Dataset) -> list[str]:
    """Returns what the user should know about data: how they were read and what is wrong, one line each."""
    return [*dataset.remarks(), *contradictions(dataset)]


def contradictions(dataset: Dataset) -> list[str]:
    """Returns a line with the number of pictures that appear under more than one label, if there are any.

    Example:
        >>> files = np.array(["a.png", "b.png"])
        >>> split = Split(np.zeros((2, 48, 48), np.uint8), np.array([0, 1]), files=files)
        >>> contradictions(Dataset(Labels(["Happy", "Sad"]), split, split.first(0), split.first(0)))
        ['1 picture appears under more than one label: a.png is Happy and b.png is Sad.']
    """
    splits = [getattr(dataset, name) for name in SPLITS]
    indexes = np.concatenate([split.indexes for split in splits])
    equal = copies(np.concatenate([split.pictures for split in splits]))
    groups = [group for group in equal if len(set(indexes[group])) > 1]
    if not groups:
        return []
    first = groups[0]
    other = first[indexes[first] != indexes[first[0]]][0]
    told = counted(len(groups), "picture appears", "pictures appear")
    if any(split.files is None for split in splits if len(split)):
        return [f"{told} under more than one label."]
    files = np.concatenate([split.files for split in splits if len(split)])
    example = " and ".join(
        f"{printable(files[n])} is {dataset.labels[indexes[n]]}" for n in (first[0], other)
    )
    return [f"{told} under more than one label{', such as' if len(groups) > 1 else ':'} {example}."]


def copies(pictures: np.ndarray) -> list[np.ndarray]:
    """Returns the groups of identical pictures, as indexes, in the order of their first picture.

    Args:
        pictures: (n, 48, 48) uint8 grey levels.

    Example:
        >>> copies(np.stack([np.full((48, 48), grey, np.uint8) for grey in (1, 2, 1, 3)]))
        [array([0, 2])]
    """
    numbers = np.unique(content_hashes(pictures), return_inverse=True)[1]
    order = np.argsort(numbers, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    return sorted((group for group in groups if len(group) > 1), key=lambda group: group[0])


def average_faces(split: Split, labels: Labels) -> np.ndarray:
    """Returns the mean of each label's pictures, (labels, 48, 48) uint8; black for labels without any."""
    faces = np.zeros((len(labels), *split.pictures.shape[1:]), np.uint8)
    for index in set(split.indexes):
        faces[index] = split.pictures[split.indexes == index].mean(0).round()
    return faces


def grid(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Arranges pictures in rows, to be shown as one.

    Args:
        pictures: (n, height, width) uint8 grey levels.
        columns: Number of pictures in a row; the end of the last row stays black.

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
    """Returns how often the label agrees with the majority vote."""
    asked = [split.take(split.votes.any(1)) for split in splits if split.votes is not None]
    if not sum(map(len, asked)):
        return None
    said = np.concatenate([np.take(COLUMNS, split.votes.argmax(1)) for split in asked])
    own = np.concatenate([np.take(list(labels), split.indexes) for split in asked])
    return float((said == own).mean())
