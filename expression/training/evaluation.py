"""Evaluates a network: compares its answers with the labels of a dataset, or with FER+'s votes.

    evaluation = evaluate(load(), dataset.validation)
    print(evaluation.text("validation set"))

`expression evaluate` and `scripts/predict.py` print it, `charts.py` draws it.

Notebook: 06_train
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..datasets.dataset import Split
from ..datasets.ferplus import COLUMNS, NONE, UNCOUNTED, majority, over_half
from ..datasets.synonyms import label_meant
from ..errors import BadInputError, did_you_mean
from ..labels import Labels
from ..models import Runtime
from .calibration import expected_calibration_error

TIMED = 200
"""Number of faces scored one by one to measure the time, enough for a stable median."""

PROTOCOLS = {
    "fer2013": "the data's own label of every picture",
    "ferplus": "FER+'s official protocol: votes that only one person gave are dropped, and a picture counts "
    "if one of eight labels has over half of the votes that are left. accuracy_by_code: without Fear and "
    "Contempt, which FER+'s published code leaves out. accuracy_over_half: over half of all votes.",
}
"""What the answers are compared with, by the name passed to `evaluate`.

FER+ has eight labels. A network without Contempt is wrong about each picture of it.

Source: Barsoum et al., 2016, https://arxiv.org/abs/1608.01041 and https://github.com/microsoft/FERPlus
"""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A network's scores for some pictures, and the right labels.

    Attributes:
        labels: The labels of the indexes: those of the network, then those it does not have.
        scores: (pictures, labels of the network) float32, its scores.
        indexes: (pictures,) int64, the right labels.
        leaked: (pictures,) bool, those that are also in Training; None if this was not checked.
        over_half: (pictures,) bool, those that also count in FER+'s softer protocol; None for other labels.
        head: The head of the network that was used.
        protocol: A description of what counts as right.
        milliseconds_per_face: Time per face, one at a time.

    Example:
        >>> scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
        >>> evaluation = Evaluation(("Happy", "Sad"), scores, np.array([0, 1, 1, 1]))
        >>> evaluation.accuracy, evaluation.recall
        (0.75, {'Happy': 1.0, 'Sad': 0.6666666666666666})
        >>> evaluation.confusion.tolist()
        [[1, 0], [1, 2]]
    """

    labels: tuple[str, ...]
    scores: np.ndarray = field(repr=False)
    indexes: np.ndarray = field(repr=False)
    leaked: np.ndarray | None = field(default=None, repr=False)
    over_half: np.ndarray | None = field(default=None, repr=False)
    head: str = "labels"
    protocol: str = PROTOCOLS["fer2013"]
    milliseconds_per_face: float = 0.0

    @property
    def right(self) -> np.ndarray:
        """(pictures,) bool: whether the highest score was for the right label."""
        return self.scores.argmax(1) == self.indexes

    @property
    def accuracy(self) -> float:
        """Share of the pictures that were classified correctly."""
        return float(self.right.mean())

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean recall of the labels that the network has: rare ones count as much as common ones."""
        found = [self.recall[label] for label in self.labels[: self.scores.shape[1]]]
        found = [recall for recall in found if recall is not None]
        return statistics.mean(found) if found else None

    @property
    def accuracy_without_leaked(self) -> float | None:
        """The same without pictures that are also in Training; None if that is not known."""
        return None if self.leaked is None else _share(self.right, ~self.leaked)

    @property
    def accuracy_over_half(self) -> float | None:
        """The same for the pictures that count in FER+'s softer protocol."""
        return None if self.over_half is None else _share(self.right, self.over_half)

    @property
    def by_code(self) -> np.ndarray | None:
        """(pictures,) bool, those that FER+'s published code also counts; None for other labels."""
        if self.over_half is None:
            return None
        uncounted = Labels(UNCOUNTED)
        counted = [uncounted.find(label) is None for label in self.labels]
        return np.take(counted, self.indexes)

    @property
    def accuracy_by_code(self) -> float | None:
        """The same as counted by that code, which leaves out two labels; see `ferplus.UNCOUNTED`."""
        return None if self.by_code is None else _share(self.right, self.by_code)

    @property
    def confusion(self) -> np.ndarray:
        """(labels, labels) int64: number of pictures with the row's label that were read as the column's."""
        count = len(self.labels)
        cells = self.indexes * count + self.scores.argmax(1)
        return np.bincount(cells, minlength=count * count).reshape(count, count)

    @property
    def recall(self) -> dict[str, float | None]:
        """Share of a label's pictures that were read as it; None if it has no pictures."""
        return self._by_label(self.confusion.sum(1))

    @property
    def precision(self) -> dict[str, float | None]:
        """Share of the pictures read as a label that really have it; None if none were."""
        return self._by_label(self.confusion.sum(0))

    @property
    def f1(self) -> dict[str, float | None]:
        """Harmonic mean of recall and precision; None if a label has no pictures."""
        confusion = self.confusion
        found = self._by_label((confusion.sum(0) + confusion.sum(1)) / 2)
        return {label: found[label] if recall is not None else None for label, recall in self.recall.items()}

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels that have pictures: rare ones count as much as common ones."""
        return statistics.mean(value for value in self.f1.values() if value is not None)

    @property
    def ece(self) -> float:
        """How far scores are from the accuracy; see `calibration.py`."""
        return expected_calibration_error(self.scores, self.indexes)

    def _by_label(self, of: np.ndarray) -> dict[str, float | None]:
        """Returns the number of right answers for each label, divided by the given counts."""
        right = self.confusion.diagonal()
        return {
            label: float(part / whole) if whole else None
            for label, part, whole in zip(self.labels, right, of, strict=True)
        }

    def to_json(self) -> dict:
        """Returns plain values, with shares from 0 to 1 and None instead of a division by 0."""
        found = {
            "accuracy": _rounded(self.accuracy),
            "balanced_accuracy": _rounded(self.balanced_accuracy),
            "accuracy_without_leaked": _rounded(self.accuracy_without_leaked),
            "macro_f1": _rounded(self.macro_f1),
            "recall": {label: _rounded(value) for label, value in self.recall.items()},
            "precision": {label: _rounded(value) for label, value in self.precision.items()},
            "ece": _rounded(self.ece),
            "confusion": self.confusion.tolist(),
            "labels": list(self.labels),
            "pictures": len(self.indexes),
            "milliseconds_per_face": round(self.milliseconds_per_face, 3),
            "head": self.head,
            "protocol": self.protocol,
        }
        if self.over_half is not None:
            found["accuracy_by_code"] = _rounded(self.accuracy_by_code)
            found["accuracy_over_half"] = _rounded(self.accuracy_over_half)
            found["pictures_over_half"] = int(self.over_half.sum())
        return found

    def text(self, split_name: str = "test set", words: Sequence[str] = ()) -> str:
        """Returns a table for the terminal; its last line is the accuracy.

        Args:
            split_name: The name of the pictures in the table, such as "validation set".
            words: The labels with a row, in any words; all if left out.
        """
        last = f"Accuracy on {split_name}: {self.accuracy:.1%}"
        return "\n".join([*self._table(words or self.labels), "", *self._notes(), last])

    def _table(self, words: Sequence[str]) -> list[str]:
        """Returns a row for each of these labels, with these words."""
        known, width = Labels(self.labels), max(map(len, words))
        counts = dict(zip(self.labels, self.confusion.sum(1), strict=True))
        rows = [f"{'':{width}}  pictures  recall  precision      F1"]
        for word in words:
            label = label_meant(word, known)
            found = (by.get(label) for by in (self.recall, self.precision, self.f1))
            recall, precision, f1 = map(_percent, found)
            rows.append(f"{word:{width}}  {counts.get(label, 0):8,}  {recall:>6}  {precision:>9}  {f1:>6}")
        return rows

    def _notes(self) -> list[str]:
        """Returns further notes, one line each."""
        notes = [
            f"Balanced accuracy {_percent(self.balanced_accuracy)}, macro F1 {self.macro_f1:.1%}, "
            f"calibration error {self.ece:.1%}, "
            f"{self.milliseconds_per_face:.2f} ms per face, head {self.head}."
        ]
        if self.leaked is not None and self.leaked.any():
            count, share = int(self.leaked.sum()), _percent(self.accuracy_without_leaked)
            notes.append(
                f"Without pictures that are also in Training ({count:,} of {len(self.leaked):,}): {share}."
            )
        if self.over_half is not None:
            count, share = int(self.over_half.sum()), _percent(self.accuracy_over_half)
            notes.append("FER+'s official protocol: drop single votes, then require over half of the rest.")
            without = _percent(self.accuracy_by_code)
            notes.append(f"Counted as in its published code, without {' and '.join(UNCOUNTED)}: {without}.")
            notes.append(f"With over half of all votes, {count:,} pictures count: {share}.")
        unsaid = [label for label in self.labels[self.scores.shape[1] :] if self.recall[label] is not None]
        if unsaid:
            notes.append(f"The network has no label {', '.join(unsaid)}: always wrong.")
        return notes


def evaluate(
    runtime: Runtime,
    split: Split,
    labels: str = "fer2013",
    leaked: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    head: str | None = None,
) -> Evaluation:
    """Evaluates a network on pictures.

    Args:
        runtime: The network.
        split: The pictures.
        labels: "fer2013" for the labels of the data, whichever data these are, "ferplus" for FER+'s votes;
            see PROTOCOLS.
        leaked: (n,) bool, which pictures are also in Training.
        names: The labels of the indexes of the split; None for the labels of the network. Another
            order, or only some of the network's labels, is fine.
        head: The head that answers, or "live" for exactly what a live run says; None for the one that
            learned these labels, if the network has one, otherwise its first.

    Raises:
        BadInputError: There are no pictures, or no votes although they are needed, or a label of
            the pictures is unknown to the network; or it has no such head.
    """
    if labels not in PROTOCOLS:
        raise BadInputError(
            f"There are no labels {labels!r}.",
            f"Expected {' or '.join(PROTOCOLS)}.",
            did_you_mean(labels, PROTOCOLS),
        )
    softer, every = None, runtime.labels
    if labels == "ferplus":
        split, leaked, softer = _counted(split, leaked)
        unsaid = [label for label in COLUMNS[:8] if label_meant(label, runtime.labels) is None]
        every, names = Labels([*every, *unsaid]), COLUMNS
    _check_not_empty(split)
    indexes = _in_order_of(every, split.indexes, names or every, runtime)
    head = head or next((name for name in runtime.heads if name == labels), runtime.heads[0])
    return Evaluation(
        tuple(every),
        runtime.scores_of(split.pictures, head),
        indexes,
        leaked,
        softer,
        head,
        PROTOCOLS[labels],
        milliseconds(runtime, split.pictures),
    )


def _counted(split: Split, leaked: np.ndarray | None) -> tuple[Split, np.ndarray | None, np.ndarray]:
    """Returns the pictures that count officially, which leaked, and which count in the softer protocol."""
    if split.votes is None:
        raise BadInputError(
            "The data have no votes.",
            "Expected fer2013new.csv of FER+ next to FER2013.",
            "Download it from https://github.com/microsoft/FERPlus, or use --labels fer2013.",
        )
    right = majority(split.votes)
    counts = right != NONE
    chosen = Split(split.pictures[counts], right[counts], split.votes[counts])
    softer = over_half(chosen.votes) != NONE
    return chosen, None if leaked is None else leaked[counts], softer


def _check_not_empty(split: Split) -> None:
    if not len(split):
        raise BadInputError(
            "The split has no pictures to evaluate.",
            "Expected at least one.",
            "Check the data, or choose the other split.",
        )


def _in_order_of(labels: Labels, indexes: np.ndarray, names: Sequence[str], runtime: Runtime) -> np.ndarray:
    """Converts indexes of `names` to indexes of the known labels, which may use other words."""
    used = {int(index): names[index].strip() for index in np.unique(indexes)}
    meant = {index: label_meant(name, labels) for index, name in used.items()}
    strange = [name for index, name in used.items() if meant[index] is None]
    there = [name for index, name in used.items() if meant[index] is not None]
    if strange:
        raise BadInputError(
            f"The data have pictures of {', '.join(strange)}, which {runtime.name} does not know.",
            f"Expected only {', '.join(runtime.labels)}.",
            f"Leave them out with --labels {','.join(there)}, or train a network for them."
            if len(there) > 1
            else "Choose other pictures, or train a network for these.",
        )
    order = np.zeros(len(names), np.int64)
    for index, label in meant.items():
        order[index] = labels.index(label)
    return order[indexes]


def milliseconds(runtime: Runtime, pictures: np.ndarray) -> float:
    """Returns the median time that a network takes for one of some faces, one at a time."""
    times = []
    for face in (runtime.preprocess(picture)[None] for picture in pictures[:TIMED]):
        began = time.perf_counter()
        runtime.scores(face)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _share(right: np.ndarray, among: np.ndarray) -> float | None:
    return float(right[among].mean()) if among.any() else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
