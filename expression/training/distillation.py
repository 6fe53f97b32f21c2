"""Knowledge distillation: learning from teacher networks in addition to the data's own labels.

A label says "Fear"; a teacher also says how much a face looks like Surprise, which is most of what
there is to learn. `trainer.py` opens teachers and uses `TaughtLoss`, `augmentation.py` gets the answers.

Source: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015,
https://arxiv.org/abs/1503.02531

Notebook: 06_train
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..errors import BadInputError
from ..labels import Labels
from ..models import load
from ..models.architectures import keras
from ..models.metadata import Card

Teacher = Callable[[np.ndarray], np.ndarray]
"""From (n, 48, 48, 1) pictures to (n, heads, labels) scores, like `Runtime.all_scores`."""

LEAST = 1e-7
"""The lowest score for taking logarithms; lower ones are raised to it."""


class Teachers:
    """Networks that are asked about every picture.

    Args:
        asked: The teacher networks.
        temperatures: The divisor of the logits of each head.
        share: The weight of the teachers in training, 0 to 1.
    """

    def __init__(self, asked: Sequence[Teacher], temperatures: Sequence[float], share: float):
        self.asked, self.temperatures, self.share = asked, np.float32(temperatures), share
        self._said: np.ndarray | None = None

    def remember(self, path: Path, shape: tuple[int, ...], new: bool) -> None:
        """Saves answers in a file, so that nothing is computed twice, even after training was stopped.

        Args:
            path: The file; a few megabytes.
            shape: (views, pictures, heads, labels).
            new: Whether to discard the content of the file.
        """
        self._said = None if new else _kept(path, shape)
        if self._said is None:
            self._said = np.lib.format.open_memmap(path, "w+", np.float16, shape)
            self._said[:] = np.nan

    def answers(
        self, pictures: np.ndarray, targets: np.ndarray, weights: np.ndarray, place: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Adds the teachers' answers to those of the data.

        Args:
            pictures: (n, 48, 48, 1) standardised.
            targets: (n, heads, labels), the data's targets.
            weights: (n, heads), their weights; 0 where the data have no target.
            place: The view, and the index of the first picture in it.

        Returns:
            (n, 2 heads, labels) targets, (n, 2 heads) weights: the data's heads, then the teachers'.
            Labels that the teachers do not know are 0 there.
        """
        said = soften(self._asked(pictures, *place), self.temperatures)
        said = np.pad(said, ((0, 0), (0, 0), (0, targets.shape[2] - said.shape[2])))
        # Where the data have no target, the teachers' answer counts as much as a target usually does.
        theirs = np.where(weights > 0, self.share * weights, np.float32(weights.shape[1]))
        # Keras averages over the heads, of which there are now twice as many.
        both = 2 * np.concatenate([(1 - self.share) * weights, theirs], 1)
        return np.concatenate([targets, said], 1).astype(np.float32), both.astype(np.float32)

    def _asked(self, pictures: np.ndarray, view: int, first: int) -> np.ndarray:
        """Returns the mean of the networks' answers, computed now or saved earlier."""
        if self._said is None:
            return np.mean([teacher(pictures) for teacher in self.asked], axis=0)
        rows = self._said[view, first : first + len(pictures)]
        if np.isnan(rows).any():
            rows[:] = np.mean([teacher(pictures) for teacher in self.asked], axis=0)
        return rows.astype(np.float32)


def _kept(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Returns the answers in a file, or None if there are none of this shape."""
    try:
        said = np.lib.format.open_memmap(path, "r+")
    except (OSError, ValueError):
        return None
    return said if (said.shape, said.dtype) == (shape, np.float16) else None


def soften(scores: np.ndarray, temperatures: np.ndarray) -> np.ndarray:
    """Returns the scores for logits divided by a temperature for each head.

    Args:
        scores: (n, heads, labels), rows that sum to 1.
        temperatures: (heads,), above 0; above 1 raises low scores.

    Example:
        >>> soften(np.array([[[0.8, 0.2]]]), np.array([2.0])).round(2)
        array([[[0.67, 0.33]]])
    """
    powers = np.maximum(scores, LEAST) ** (1 / temperatures[:, None])
    return powers / powers.sum(2, keepdims=True)


class TaughtLoss(keras.losses.Loss):
    """The loss of scores against the data's targets, and of softened scores against the teachers'.

    Args:
        temperatures: The divisor of the logits of each head before they are compared with teachers.
        known: Number of labels, from the first, that the teachers know; scores of others are left out there.
    """

    def __init__(self, temperatures: Sequence[float], known: int):
        super().__init__(name="taught")
        self.temperatures, self.known = tuple(temperatures), known

    def call(self, y_true, y_pred):
        """Returns (n, 2 heads) losses for targets from `Teachers.answers`."""
        ops, heads = keras.ops, len(self.temperatures)
        temperatures = ops.convert_to_tensor(self.temperatures, y_pred.dtype)[:, None]
        logs = ops.log(ops.maximum(y_pred, LEAST))
        own = -ops.sum(y_true[:, :heads] * logs, 2)
        softened = ops.log_softmax(logs[..., : self.known] / temperatures)
        theirs = -ops.sum(y_true[:, heads:, : self.known] * softened, 2)
        # Softened answers have smaller gradients; the square compensates for it.
        return ops.concatenate([own, theirs * temperatures[:, 0] ** 2], 1)


def open_teacher(path: Path, labels: Labels, heads: Sequence[str]) -> Teacher:
    """Opens a network whose answers are to be learned.

    Raises:
        MissingFileError: The file does not exist.
        BadInputError: It is not a network, or has other labels, heads or sizes.
    """
    runtime = load(path, labels)
    card, usual = runtime.card, Card(labels)
    if card.input != usual.input or len(card.heads) != len(heads):
        raise BadInputError(
            f"The teacher {path} takes {card.input} and has the heads {', '.join(card.heads)}.",
            f"Expected {usual.input} and the heads {', '.join(heads)}.",
            "Choose one that was trained on the same kind of data.",
        )

    def answers(pictures: np.ndarray) -> np.ndarray:
        """Scores each face and its mirror image: the mean is right more often."""
        return (runtime.all_scores(pictures) + runtime.all_scores(pictures[:, :, ::-1])) / 2

    return answers
