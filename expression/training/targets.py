"""Training targets from a dataset: the pictures, and the right answers of each head.

`trainer.py` creates them, and `augmentation.py` turns them into batches.

Notebook: 06_train
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..datasets.dataset import Dataset, Split
from ..datasets.ferplus import COLUMNS, CONTEMPT, soft_labels
from ..errors import BadInputError
from ..labels import Labels
from .recipe import Recipe

LEAST_SHARE = 0.01
"""The lowest share of a label; a rarer one would be read into every other face at a high sensitivity."""


@dataclass(frozen=True)
class TrainingTargets:
    """What a network should learn: pictures, and the right answers of each head.

    Attributes:
        pictures: (n, 48, 48) uint8 grey levels.
        targets: (n, heads, labels) float32, the share of each label.
        weights: (n, heads) float32, how much an answer counts; 0 where it is unknown.
    """

    pictures: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def check_dataset(dataset: Dataset) -> None:
    """Raises a BadInputError unless the data can be used for training."""
    labels, training, validation = dataset.labels, dataset.training, dataset.validation
    if not (len(training) and len(validation)):
        raise BadInputError(
            f"There are {len(training)} training pictures and {len(validation)} validation pictures.",
            "Expected some of both; from a folder, a tenth of each label is set aside for validation.",
            "Add pictures, at least ten of each label, or check whether the file is incomplete.",
        )
    used = np.concatenate([training.indexes, validation.indexes])
    if used.min() < 0 or used.max() >= len(labels):
        raise BadInputError(
            f"The data have labels from {used.min()} to {used.max()}.",
            f"Expected 0 to {len(labels) - 1}, for {', '.join(labels)}.",
            "Correct the data, or the list of labels.",
        )
    missing = [labels[index] for index in range(len(labels)) if index not in training.indexes]
    if missing:
        raise BadInputError(
            f"There are no training pictures of {', '.join(missing)}.",
            "Expected some of each label.",
            "Add pictures, or leave these labels out with Dataset.narrowed().",
        )
    _check_votes(dataset)


def _check_votes(dataset: Dataset) -> None:
    """Raises a BadInputError unless both splits have votes for the labels, or neither has votes."""
    voted = [split.votes is not None for split in (dataset.training, dataset.validation)]
    strange = [label for label in dataset.labels if label not in COLUMNS]
    if voted[0] != voted[1] or (voted[0] and strange):
        raise BadInputError(
            f"There are votes, but none for {', '.join(strange)}."
            if all(voted)
            else "Only one of the training and validation splits has votes.",
            f"Expected votes in both, and labels among {', '.join(COLUMNS[:7])}.",
            "Leave the votes out, or read the data again.",
        )


def training_targets(
    split: Split, labels: Labels, smoothing: float = 0.0, balance: float = 0.0
) -> TrainingTargets:
    """Returns the targets of a split: one head for its labels, and one for its votes if it has any.

    Args:
        split: The pictures.
        labels: The labels to distinguish.
        smoothing: Share of a label that is spread over all labels.
        balance: How much more rare labels count, 0 to 1.

    Example:
        >>> split = Split(np.zeros((2, 48, 48), np.uint8), np.array([0, 1]))
        >>> training_targets(split, Labels(["Happy", "Sad"]), smoothing=0.1).targets[0]
        array([[0.95, 0.05]], dtype=float32)
    """
    given = np.eye(len(labels), dtype=np.float32)[split.indexes] * (1 - smoothing) + smoothing / len(labels)
    counts = np.maximum(np.bincount(split.indexes, minlength=len(labels)), 1)
    rarity = (counts.max() / counts)[split.indexes] ** balance
    targets, weights = [given], [rarity / rarity.mean()]
    if split.votes is not None:
        targets.append(soft_labels(split.votes, labels))
        weights.append(targets[1].sum(1))  # 1, or 0 if no votes are left
    # Keras averages over the heads; each should count as if it were alone.
    answers = np.stack(weights, 1).astype(np.float32) * len(targets)
    return TrainingTargets(split.pictures, np.stack(targets, 1).astype(np.float32), answers)


def priors(learned: TrainingTargets) -> np.ndarray:
    """Returns (heads, labels), the share of each label in what is learned, at least LEAST_SHARE."""
    shares = (learned.targets * learned.weights[..., None]).sum(0, dtype=np.float64)
    return np.maximum(shares / shares.sum(1, keepdims=True), LEAST_SHARE)


def learned_labels(dataset: Dataset, recipe: Recipe) -> Labels:
    """Returns the data's labels, and contempt if its votes are learned too."""
    if recipe.contempt and dataset.training.votes is not None and CONTEMPT not in dataset.labels:
        return Labels([*dataset.labels, CONTEMPT])
    return dataset.labels
