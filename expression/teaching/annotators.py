"""Ten invented people who label faces: they stand in for FER+'s votes where those are missing.

`with_votes` gives a dataset such votes if it has none. Each invented person says the word that the face
is labelled with or, the harder the face, one that real people confuse with it. How hard a face is and
who slips is drawn at random, so the votes show how to measure agreement, and nothing about people.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..datasets.dataset import SPLITS, Dataset, Split
from ..datasets.ferplus import COLUMNS
from ..labels import Labels

PEOPLE = 10
"""Votes for each picture, as in FER+."""

CONFUSED = {
    "Angry": ("Neutral", "Disgust", "Sad"),
    "Disgust": ("Angry", "Contempt", "Neutral"),
    "Fear": ("Surprise", "Sad", "Neutral"),
    "Happy": ("Surprise", "Neutral"),
    "Sad": ("Neutral", "Angry", "Fear"),
    "Surprise": ("Fear", "Happy"),
    "Neutral": ("Sad", "Angry", "Contempt"),
}
"""Words that an invented person may say instead of a label."""


def with_votes(dataset: Dataset, seed: int = 0) -> tuple[Dataset, str]:
    """Returns a dataset that has votes, and who gave them.

    Args:
        dataset: With the votes of FER+, which are kept, or without; its labels are among FER2013's.
        seed: The random seed.

    Example:
        >>> split = Split(np.zeros((2, 48, 48), np.uint8), np.array([0, 1]))
        >>> data, who = with_votes(Dataset(Labels(["Happy", "Sad"]), split, split, split))
        >>> data.test.votes.sum(axis=1).tolist(), who
        ([10, 10], 'ten invented people')
    """
    splits = [getattr(dataset, name) for name in SPLITS]
    if any(split.votes is not None for split in splits):
        return dataset, "the votes of FER+"
    random = np.random.default_rng(seed)
    asked = {name: _asked(getattr(dataset, name), dataset.labels, random) for name in SPLITS}
    return replace(dataset, **asked), "ten invented people"


def _asked(split: Split, labels: Labels, random: np.random.Generator) -> Split:
    """Returns a split with invented votes."""
    votes = np.zeros((len(split), len(COLUMNS)), np.uint8)
    for row, index in zip(votes, split.indexes, strict=True):
        hard = random.beta(1, 1.5)
        for _ in range(PEOPLE):
            word = labels[index]
            said = random.choice(CONFUSED[word]) if random.random() < hard else word
            row[COLUMNS.index(said)] += 1
    return replace(split, votes=votes)
