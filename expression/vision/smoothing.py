"""Smoothing: turns the scores of a person into a label that does not flicker.

Notebook: 07_live
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import BadInputError, did_you_mean
from ..labels import NOT_SURE, Labels
from .tracking import _share

AVERAGE_SECONDS = 0.4
"""Time constant of a person's scores in `average`."""

HOLD_SECONDS = 0.25
"""A new label must lead for this many seconds before it is shown, in `average` ..."""

HOLD_MARGIN = 0.2
"""... unless its score leads by this much."""

STREAK = 5
"""A new label must win this many times in a row, in `streak`."""

FORGET_SECONDS = 5.0
"""A person without scores for this many seconds is forgotten."""


def best_label(labels: Labels | Sequence[str], scores: np.ndarray, threshold: float) -> str:
    """Returns the label with the highest score, or "not sure" if that is below the threshold.

    Example:
        >>> scores = np.array([0.6, 0.4])
        >>> best_label(["Happy", "Sad"], scores, 0.35), best_label(["Happy", "Sad"], scores, 0.7)
        ('Happy', 'not sure')
    """
    index = int(scores.argmax())
    return labels[index] if scores[index] >= threshold else NOT_SURE


@dataclass
class _Memory:
    """The state of one person: smoothed scores, the label shown, and its challenger."""

    scores: np.ndarray
    time: float
    shown: str = NOT_SURE
    challenger: str = NOT_SURE
    since: float = 0.0
    wins: int = 0


class Smoother:
    """Turns the scores of people over time into labels.

    Args:
        kind: average (scores are averaged over 0.4 s, and a label is held until another
            leads clearly or for a while), streak (a label is shown once it has won five
            times in a row) or none.
        labels: The labels of the scores, in the same order.
        threshold: A label with a lower score becomes "not sure", 0 to 1.

    Raises:
        BadInputError: There is no such kind.

    Example:
        >>> smoother = Smoother("average", ["Happy", "Sad"], 0.35)
        >>> label, scores = smoother.update(1, np.array([0.9, 0.1], np.float32), 0.0)
        >>> label
        'Happy'
    """

    def __init__(self, kind: str, labels: Labels | Sequence[str], threshold: float = 0.35):
        rules = {"average": self._average, "streak": self._streak, "none": self._none}
        if kind not in rules:
            raise BadInputError(
                f"There is no smoothing {kind!r}.",
                f"Expected one of {', '.join(rules)}.",
                did_you_mean(kind, rules),
            )
        self.kind, self.labels, self.threshold = kind, labels, threshold
        self._rule = rules[kind]
        self._memories: dict[int, _Memory] = {}

    def __len__(self) -> int:
        return len(self._memories)

    def update(self, person: int, scores: np.ndarray, time: float) -> tuple[str, np.ndarray]:
        """Adds the scores of one face.

        Args:
            person: The person's number.
            scores: (labels,) float32, 0 to 1, summing to 1.
            time: When the frame was captured, in seconds.

        Returns:
            The label to show, and the (labels,) float32 scores, smoothed in `average`.
        """
        scores = np.asarray(scores, np.float32)
        self._forget(time)
        memory = self._memories.get(person)
        if memory is None:
            memory = self._memories[person] = _Memory(scores, time, since=time)
            if self.kind != "streak":
                memory.shown = memory.challenger = self._best(scores)
        self._rule(memory, scores, time)
        memory.time = time
        return memory.shown, memory.scores

    def _average(self, memory: _Memory, scores: np.ndarray, time: float) -> None:
        """Updates the moving average; a new label must lead clearly or for a while before it is shown."""
        memory.scores = memory.scores + _share(time - memory.time, AVERAGE_SECONDS) * (scores - memory.scores)
        best = self._best(memory.scores)
        if best != memory.challenger:
            memory.challenger, memory.since = best, time
        held = self._score(memory.scores, memory.shown)
        clear = self._score(memory.scores, best) - held > HOLD_MARGIN
        if clear or held < self.threshold or time - memory.since >= HOLD_SECONDS:
            memory.shown = best

    def _streak(self, memory: _Memory, scores: np.ndarray, time: float) -> None:
        """Shows a label that has won several times in a row."""
        memory.scores, best = scores, self._best(scores)
        memory.wins = memory.wins + 1 if best == memory.challenger else 1
        memory.challenger = best
        if memory.wins >= STREAK:
            memory.shown = best

    def _none(self, memory: _Memory, scores: np.ndarray, time: float) -> None:
        """Shows the label of this frame's scores."""
        memory.scores, memory.shown = scores, self._best(scores)

    def _best(self, scores: np.ndarray) -> str:
        return best_label(self.labels, scores, self.threshold)

    def _score(self, scores: np.ndarray, label: str) -> float:
        """Returns the score of a label; that of "not sure" is the threshold."""
        return self.threshold if label == NOT_SURE else float(scores[self.labels.index(label)])

    def _forget(self, time: float) -> None:
        """Forgets people without recent scores, to limit memory."""
        gone = [person for person, memory in self._memories.items() if time - memory.time > FORGET_SECONDS]
        for person in gone:
            del self._memories[person]
