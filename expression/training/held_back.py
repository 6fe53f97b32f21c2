"""Which of a user's pictures a network is tested with, and what the test says.

Pictures of one session resemble each other, so a fair test uses another one. `personalise.py` calls it.

Notebook: 08_your_face
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..datasets.dataset import Split, parts_by_group, split_by_group
from ..labelbook.session_times import in_order
from ..pictures.hashes import difference_hashes

SHARE = 0.25
"""Share of the pictures for testing: about this share of a single session; of several, the last one and
those before it as long as they do not exceed it together."""

FEWEST_TESTED = 5
"""Fewest test pictures of a label for a meaningful result."""

PARTS = 4
"""Number of parts of which cross-validation leaves out one at a time."""

DRAWS, INTERVAL = 2000, (2.5, 97.5)
"""How often the test pictures are drawn again for the interval of the gain, and its ends in percent."""


@dataclass(frozen=True)
class Accuracy:
    """How often the highest score was for the right label, 0 to 1.

    Attributes:
        plain: Of all pictures.
        balanced: The mean over labels, so that rare ones count as much as common ones.
    """

    plain: float
    balanced: float


def held_back(pictures: Split) -> tuple[Split, Split, tuple[str, ...]]:
    """Returns training pictures, test pictures, and the sessions of the latter.

    The last session is held back, and those before it as long as they are at most a quarter of the pictures
    together. Their times, or else the order of the pictures, say which is the last. Pictures with a
    near-duplicate there are on neither side. If there is only one session, a quarter of each label is held
    back, and no picture has a near-duplicate on the other side.
    """
    groups = pictures.groups
    # A session that was continued counts as late as its last picture.
    backwards = [] if groups is None else dict.fromkeys(groups[::-1].tolist())
    sessions = in_order(name for name in reversed(backwards) if name)
    if len(sessions) < 2:
        alone = Split(pictures.pictures, pictures.indexes)
        return (*split_by_group(alone, [SHARE]), ())
    first = len(sessions) - 1
    while first > 1 and np.isin(groups, sessions[first - 1 :]).sum() <= SHARE * len(pictures):
        first -= 1
    last = np.isin(groups, sessions[first:])
    sketched = difference_hashes(pictures.pictures)
    twins = ~last & np.isin(sketched, sketched[last])
    return pictures.take(~last & ~twins), pictures.take(last), tuple(sessions[first:])


def parts_of(learned: Split, seed: int = 0) -> np.ndarray:
    """Returns (n,), the part of each training picture in cross-validation.

    Sessions stay whole if that leaves every label to learn from; near-duplicates are never apart.
    """
    alone = Split(learned.pictures, learned.indexes)
    for split in (learned, alone) if learned.groups is not None else (alone,):
        parts = parts_by_group(split, [1 / PARTS] * (PARTS - 1), seed)
        used = np.unique(parts)
        if len(used) > 1 and all(_has_all(learned.indexes[parts != part], learned.indexes) for part in used):
            return parts
    return np.random.default_rng(seed).permutation(len(learned)) % PARTS


def _has_all(some: np.ndarray, every: np.ndarray) -> bool:
    """Whether each label is among some of the pictures."""
    return set(every.tolist()) == set(some.tolist())


def accuracy(logits: np.ndarray, right: np.ndarray) -> Accuracy:
    """Returns how often the highest is for the right label."""
    hits = logits.argmax(1) == right
    return Accuracy(float(hits.mean()), _balanced(hits, right))


def _balanced(hits: np.ndarray, right: np.ndarray) -> float:
    """Returns the mean over labels of the share of hits."""
    return float(np.mean([hits[right == label].mean() for label in np.unique(right)]))


def gain_interval(before: np.ndarray, after: np.ndarray, right: np.ndarray, seed: int) -> tuple[float, float]:
    """Returns the 95% interval of the gain in balanced accuracy, by drawing the pictures again.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993
    """
    generator, gain = np.random.default_rng(seed), after.astype(float) - before
    draws = [
        gain[right == label][generator.integers(0, count, (DRAWS, count))].mean(1)
        for label, count in zip(*np.unique(right, return_counts=True), strict=True)
    ]
    low, high = np.percentile(np.mean(draws, 0), INTERVAL)
    return float(low), float(high)
