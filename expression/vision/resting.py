"""The resting face: what a network says about a face that shows nothing, taken out of its readings.

The mouth of one person points down at rest, the brows of another are low, and a network reads that as
a little Sad or Angry all the time. So a person looks neutral for three seconds, and from then on a part of
the difference from an average neutral face is subtracted from what the network says about that person.
In a run, `Control.neutral` switches it; see `live/resting_switch.py`.

Notebook: 08_your_face
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..errors import as_bad_input
from ..files import read_small, write_text
from ..labels import Labels
from ..models.shapes import as_scores

SECONDS = 3.0
"""How long a person looks neutral."""

FEWEST = 5
"""The fewest scores of a person from which a resting face is learned."""

SHARE = 0.3
"""The part of the difference that is subtracted; benchmarks/README.md says how it was chosen."""

LEAST = 1e-6
"""The lowest score for taking logarithms; lower ones are raised to it."""

LARGEST = 2 * -np.log(LEAST)
"""The limit of a difference between two logits."""


class RestingFaces:
    """Learns the resting faces of the people in view, and takes them out of scores.

    Args:
        average: (labels,), the scores of an average neutral face.

    Attributes:
        learning: Whether people are to look neutral now.
        known: Whether a resting face is taken out of anybody's scores.

    Example:
        >>> resting = RestingFaces(np.array([0.1, 0.9]))  # Sad and Neutral
        >>> resting.learn()
        >>> for time in range(5):
        ...     scores = resting.update(1, np.array([0.4, 0.6]), time / 2)  # always a little sad
        >>> resting.tick(3.0)
        >>> print(resting.update(1, np.array([0.4, 0.6]), 4.0).round(2))
        [0.28 0.72]
    """

    def __init__(self, average: np.ndarray):
        self._average = _logits(np.asarray(average, np.float64))
        self._since: float | None = None  # when learning began; None before the first frame
        self._seen: dict[int, list[np.ndarray]] = {}
        self._faces: dict[int, np.ndarray] = {}  # the difference from the average, by person
        self._everybody: np.ndarray | None = None  # the same for people without one of their own
        self.learning = False

    @property
    def known(self) -> bool:
        """Whether a resting face is taken out of anybody's scores."""
        return bool(self._faces) or self._everybody is not None

    def learn(self) -> None:
        """Starts to learn, with the next frame; what was known is forgotten."""
        self.forget()
        self.learning = True

    def forget(self) -> None:
        """Forgets all resting faces, and stops learning."""
        self._since, self._seen, self._faces, self._everybody = None, {}, {}, None
        self.learning = False

    def tick(self, time: float) -> None:
        """Says that a frame was captured, in seconds; learning ends after three of them."""
        if not self.learning:
            return
        self._since = time if self._since is None else self._since
        if not 0 <= time - self._since < SECONDS:
            self.learning = False
            self._faces = {
                person: np.median(logits, 0) - self._average
                for person, logits in self._seen.items()
                if len(logits) >= FEWEST
            }
            self._seen = {}

    def update(self, person: int, scores: np.ndarray, time: float) -> np.ndarray:
        """Adds the scores of a face, and returns them without the resting face of that person.

        Args:
            person: The person's number.
            scores: (labels,), 0 to 1, summing to 1.
            time: When the frame was captured, in seconds.

        Returns:
            (labels,) float32, summing to 1.
        """
        self.tick(time)
        if self.learning:
            self._seen.setdefault(person, []).append(_logits(scores))
        face = self._faces.get(person, self._everybody)
        if face is None:
            return scores
        return as_scores(_logits(scores) - SHARE * face, "logits").astype(np.float32)

    def write(self, path: Path, labels: Labels, network: str) -> None:
        """Writes the resting face of the person learned first, for the next run: a number for each label.

        Raises:
            OutputError: The file cannot be written.
        """
        face = next(iter(self._faces.values()))
        content = {"network": network, "labels": list(labels), "face": face.round(4).tolist()}
        write_text(path, json.dumps(content, ensure_ascii=False) + "\n")

    def read(self, path: Path, labels: Labels, network: str) -> bool:
        """Reads what `write` wrote; it is used for everybody without a resting face of their own.

        Returns:
            Whether it was learned with this network; otherwise it is not used.

        Raises:
            BadInputError: It is something else.
        """
        expected = "Expected a file that a run with --neutral has written, with a number for each label."
        remedy = "Choose another file, or delete this one and learn it again: press n, and look neutral."
        with as_bad_input(f"{path} is not a resting face", expected, remedy):
            content = json.loads(read_small(path, expected, remedy))
            face = np.array(content["face"], np.float64)
            if face.ndim != 1 or face.size != len(content["labels"]) or not (abs(face) < LARGEST).all():
                raise ValueError("its numbers are damaged")
            same = content["network"] == network and content["labels"] == list(labels)
        if same:
            self._everybody = face
        return same


def _logits(scores: np.ndarray) -> np.ndarray:
    """Returns the logarithms of scores, centred on 0."""
    logits = np.log(np.maximum(scores, LEAST))
    return logits - logits.mean()
