"""A saved network that scores faces: LiteRT for .tflite, Keras for .keras, the same call.

    runtime = load()
    runtime.scores(np.stack([image.preprocess(picture, box)]))

LiteRT gives its first score in a twentieth of a second and needs no TensorFlow, so live runs use it.
`session.py` and `cli.py` load a runtime, `prediction.py` is given one.

Notebook: 06_live
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .card import Card, read_card
from .errors import BadInputError, damage_told, missing_package, user_path
from .labels import Labels
from .models import SHIPPED
from .quiet import without_lines

PREPROCESSING = {"standardise"}
"""The ways to make a network's input that this package knows, as a card calls them."""

CHATTER = "Created TensorFlow Lite XNNPACK delegate"
"""Part of the line that LiteRT prints when all is well and that no setting of its own stops."""


class Runtime:
    """A network, ready to score faces. Use `load` to make one.

    Attributes:
        path: The file it came from.
        labels: What the scores stand for, in order.
        size: Pixels on a side of its input.
        facts: What else its card says, such as its accuracy.
        engine: What runs it.
    """

    engine = "?"

    def __init__(self, path: Path, card: Card):
        self.path, self.facts = path, card.facts
        self.labels, self.size = card.labels, card.size
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.name

    @property
    def description(self) -> str:
        """One line for people: the file, what runs it, what it knows."""
        return f"{self.name} ({self.engine}, {len(self.labels)} labels, {self.size} x {self.size} pixels)"

    def scores(self, pictures: np.ndarray) -> np.ndarray:
        """Scores faces; safe to call from several threads, which then take turns.

        Args:
            pictures: (n, size, size, 1) float32 as `image.preprocess` makes them; n may be 0.

        Returns:
            (n, len(labels)) float32, 0 to 1; each row sums to 1.

        Raises:
            BadInputError: The pictures have another shape; stack what `preprocess` returns.
        """
        pictures = np.ascontiguousarray(pictures, np.float32)
        if pictures.shape[1:] != (self.size, self.size, 1):
            raise BadInputError(
                f"The pictures have the shape {pictures.shape}.",
                f"Expected (n, {self.size}, {self.size}, 1).",
                "Stack what image.preprocess returns: np.stack([face, face]).",
            )
        with self._one_at_a_time:
            return self._run(pictures)

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        raise RuntimeError(f"{type(self).__name__} has no _run")


class LiteRuntime(Runtime):
    """A .tflite network in LiteRT.

    Faces go through one by one: a batch would have to be resized whenever somebody comes
    or goes, which costs more than it saves and grows in memory.
    """

    engine = "LiteRT"

    def __init__(self, path: Path, card: Card, threads: int):
        super().__init__(path, card)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise missing_package("The network", "ai-edge-litert") from error
        with without_lines(CHATTER):
            # The content, not the path: the latter fails on Windows where it is not ASCII.
            self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        rows = np.empty((len(pictures), len(self.labels)), np.float32)
        for row, picture in zip(rows, pictures, strict=True):
            self._interpreter.set_tensor(self._input, picture[None])
            self._interpreter.invoke()
            row[:] = self._interpreter.get_tensor(self._output)[0]
        return rows


class KerasRuntime(Runtime):
    """A .keras network in Keras: slower to start and to run, and the same scores."""

    engine = "Keras"
    batch = 256

    def __init__(self, path: Path, card: Card):
        super().__init__(path, card)
        from .network import keras

        self._keras = keras
        self._network = keras.models.load_model(path, compile=False)

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        rows = np.empty((len(pictures), len(self.labels)), np.float32)
        for start in range(0, len(pictures), self.batch):
            part = slice(start, start + self.batch)
            # Not network.predict: that takes 40 ms for one face, this 13.
            rows[part] = self._keras.ops.convert_to_numpy(self._network(pictures[part], training=False))
        return rows


def load(
    path: str | Path | None = None, labels: Labels | Sequence[str] | None = None, threads: int = 1
) -> Runtime:
    """Opens a saved network and tries it once.

    Args:
        path: A .tflite or .keras file; None for the one that comes with the package.
        labels: What it must know, in this order; None takes what it knows.
        threads: How many LiteRT uses; more than one rarely pays for one small face.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is not a network, has no card, knows other labels, or wants its
            input made in a way that this package does not know.
        MissingPackageError: What runs it is not installed.
    """
    path = user_path(path) if path else SHIPPED
    card = read_card(path)
    _check_card(path, card, labels)
    with damage_told(
        f"{path} does not run",
        f"Expected a network that scores {len(card.labels)} labels of {card.size} x {card.size} pixels.",
        "Export it again, or fetch it again.",
    ):
        runtime = KerasRuntime(path, card) if path.suffix == ".keras" else LiteRuntime(path, card, threads)
        scores = runtime.scores(np.zeros((1, card.size, card.size, 1), np.float32))
    if not np.isclose(scores.sum(), 1, atol=1e-3):
        raise BadInputError(
            f"{path} gives scores that sum to {scores.sum():.3g}.",
            "Expected 1.",
            "Let the network end in a softmax, and export it again.",
        )
    return runtime


def _check_card(path: Path, card: Card, labels: Sequence[str] | None) -> None:
    """Raises a BadInputError unless the card fits this package and the labels asked for."""
    if labels is not None and tuple(labels) != tuple(card.labels):
        raise BadInputError(
            f"{path} knows the labels {', '.join(card.labels)}.",
            f"Expected {', '.join(labels)}.",
            "Mend labelList.csv, or train a network for these labels.",
        )
    if card.preprocessing not in PREPROCESSING:
        raise BadInputError(
            f"{path} wants its pictures made by {card.preprocessing!r}.",
            f"Expected {' or '.join(PREPROCESSING)}.",
            "Update this package, or export the network again.",
        )
