"""A saved network that scores faces: LiteRT for .tflite, Keras for .keras, the same call.

    runtime = load()
    runtime.scores(np.stack([image.preprocess(picture, box)]))

A network may have several heads: one look at a face, several answers over the same labels.
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
from .errors import BadInputError, damage_told, did_you_mean, missing_package, user_path
from .labels import Labels
from .models import SHIPPED
from .quiet import without_lines

PREPROCESSING = {"standardise"}
"""The ways to make a network's input that this package knows, as a card calls them."""

LIVE_HEAD = "ferplus"
"""The head that learned what ten people saw in each picture: how a face before a camera is read."""

STEP = 1 / 256
"""The step in which an int8 network gives scores, so those of a face may miss a sum of 1.

Source: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec
"""

CHATTER = "Created TensorFlow Lite XNNPACK delegate"
"""Part of the line that LiteRT prints when all is well and that no setting of its own stops."""


class Runtime:
    """A network, ready to score faces. Use `load` to make one.

    Attributes:
        path: The file it came from.
        labels: What the scores stand for, in order.
        size: Pixels on a side of its input.
        heads: The names of its answers, in order.
        facts: What else its card says, such as its accuracy.
        engine: What runs it.
    """

    engine = "?"

    def __init__(self, path: Path, card: Card):
        self.path, self.facts = path, card.facts
        self.labels, self.size, self.heads = card.labels, card.size, card.heads
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.name

    @property
    def description(self) -> str:
        """One line for people: the file, what runs it, what it knows."""
        heads = f", heads {' and '.join(self.heads)}" if len(self.heads) > 1 else ""
        size = f"{self.size} x {self.size} pixels"
        return f"{self.name} ({self.engine}, {len(self.labels)} labels, {size}{heads})"

    def scores(self, pictures: np.ndarray, head: str | None = None) -> np.ndarray:
        """Scores faces; safe to call from several threads, which then take turns.

        Args:
            pictures: (n, size, size, 1) float32 as `image.preprocess` makes them; n may be 0.
            head: Whose answer; None for "ferplus" where the network has it, else its first.

        Returns:
            (n, len(labels)) float32, 0 to 1; each row sums to 1, that of an int8 file within 0.02.

        Raises:
            BadInputError: The pictures have another shape; stack what `preprocess` returns. Or
                there is no such head.
        """
        row = self._row(head)
        return self.all_scores(pictures)[:, row]

    def _row(self, head: str | None) -> int:
        """Returns the place of a head."""
        if head is None:
            return self.heads.index(LIVE_HEAD) if LIVE_HEAD in self.heads else 0
        if head not in self.heads:
            raise BadInputError(
                f"{self.name} has no head {head!r}.",
                f"Expected {' or '.join(self.heads)}.",
                did_you_mean(head, self.heads, "Name one of them, or none for the usual one."),
            )
        return self.heads.index(head)

    def all_scores(self, pictures: np.ndarray) -> np.ndarray:
        """Scores faces with all heads at once, which costs no more than one.

        Returns:
            (n, len(heads), len(labels)) float32; else as `scores`.
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

    def _check(self, shape: Sequence[int]) -> None:
        """Raises a ValueError unless scores of this shape, (n, heads, labels), fit the card.

        A network with one head may give (n, labels).
        """
        expected = (len(self.heads), len(self.labels))
        given = (1, *shape[1:]) if len(shape) == 2 else tuple(shape[1:])
        if given != expected:
            raise ValueError("it gives " + " x ".join(map(str, given)))


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
        output = self._interpreter.get_output_details()[0]
        self._output = output["index"]
        self._check(output["shape"].tolist())

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        rows = np.empty((len(pictures), len(self.heads), len(self.labels)), np.float32)
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
        self._check(self._network.output_shape)

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        rows = np.empty((len(pictures), len(self.heads), len(self.labels)), np.float32)
        for start in range(0, len(pictures), self.batch):
            part = slice(start, start + self.batch)
            # Not network.predict: that takes 40 ms for one face, this 13.
            scores = self._keras.ops.convert_to_numpy(self._network(pictures[part], training=False))
            rows[part] = scores.reshape(rows[part].shape)
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
        f"Expected a network that turns {card.size} x {card.size} pixels into scores of "
        f"{len(card.heads)} x {len(card.labels)} (heads x labels).",
        "Export it again, or fetch it again.",
    ):
        runtime = KerasRuntime(path, card) if path.suffix == ".keras" else LiteRuntime(path, card, threads)
        sums = runtime.all_scores(np.zeros((1, card.size, card.size, 1), np.float32)).sum(-1)[0]
    if not np.allclose(sums, 1, atol=STEP * len(card.labels)):
        raise BadInputError(
            f"{path} gives scores that sum to {', '.join(f'{found:.3g}' for found in sums)}.",
            "Expected 1 in each head.",
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
