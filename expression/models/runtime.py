"""Runs saved networks: LiteRT for .tflite and Keras for .keras, with the same interface.

`load` in `loading.py` creates one after checking the file. LiteRT returns its first score in a
twentieth of a second and does not need TensorFlow, so live runs use it.

Notebook: 07_live
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInputError, did_you_mean, missing_package
from ..pictures.image import face_colours, face_pixels, preprocess
from ..pictures.scaling import COLOURS
from ..settings import Settings
from ..types import Box
from .metadata import Card
from .sensitivity import adjusted
from .shapes import FaceShape, answering, as_scores, face_shape, for_one_face
from .stderr_filter import without_lines

LIVE = "live"
"""The name for what a live run says: the scores of `live_head` at the network's sensitivity."""

AT_ONCE = 64
"""Number of pictures prepared at a time; a thousand of 224 x 224 in colour take 600 MB."""

CHATTER = "Created TensorFlow Lite XNNPACK delegate"
"""Part of a harmless line that LiteRT prints and that no setting of its own suppresses."""


class Runtime:
    """A network, ready to score faces. Use `load` to create one.

    Attributes:
        path: Its file.
        card: Its description.
        labels: What the scores stand for, in order.
        size: Pixels on a side of its input.
        channels: Channels of its input, 1 or 3.
        heads: The names of its outputs, in order.
        facts: Further facts from its card, such as its accuracy.
        sensitivity: 0 to 1; see `sensitivity.py`. Without effect if the card has no priors.
        engine: The library that runs it.
    """

    engine = "?"
    sensitivity = Settings.sensitivity

    def __init__(self, path: Path, card: Card):
        self.path, self.card, self.facts = path, card, card.facts
        self.labels, self.size, self.heads = card.labels, card.size, card.heads
        self.channels = COLOURS[card.colour]
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.name

    @property
    def identity(self) -> str:
        """A name that another network does not have: that of its file, and the start of its checksum."""
        return f"{self.name} {self.card.sha256[:12]}".strip()

    @property
    def description(self) -> str:
        """One line for people: the file, the engine, the labels and the input."""
        heads = f", heads {' and '.join(self.heads)}" if len(self.heads) > 1 else ""
        colour = "" if self.card.colour == "grey" else f" {self.card.colour.removesuffix('3')}"
        size = f"{self.size} x {self.size} pixels{colour}"
        return f"{self.name} ({self.engine}, {len(self.labels)} labels, {size}{heads})"

    def preprocess(self, image: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Turns a face into this network's input, with `image.preprocess` and the values of its card.

        Args:
            image: (height, width, 3) uint8 RGB or (height, width) uint8 grey.
            box: The box of the face, in pixels; None if the picture is the face.

        Returns:
            (size, size, channels) float32.
        """
        return preprocess(image, box, self.size, self.card.colour, self.card.preprocessing)

    def cut(self, image: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Crops a face to the size of this network's input; `preprocess` gives the same result for both.

        Args:
            image: As for `preprocess`.
            box: As for `preprocess`.

        Returns:
            (size, size) uint8 grey levels, or (size, size, 3) uint8 RGB.
        """
        cut = face_colours if self.card.colour in ("rgb", "bgr") else face_pixels
        return cut(image, box, self.size)

    def scores_of(self, images: Iterable[np.ndarray], head: str | None = None) -> np.ndarray:
        """Prepares and scores pictures of faces, a few at a time to save memory.

        Args:
            images: Each as for `preprocess`.
            head: The head, as for `scores`.
        """
        parts, images = [np.empty((0, len(self.labels)), np.float32)], iter(images)
        while faces := [self.preprocess(image) for image in islice(images, AT_ONCE)]:
            parts.append(self.scores(np.stack(faces), head))
        return np.concatenate(parts)

    def scores(self, pictures: np.ndarray, head: str | None = None) -> np.ndarray:
        """Scores faces; may be called from several threads, which then take turns.

        Args:
            pictures: (n, size, size, channels) float32 from `preprocess`; n may be 0.
            head: The head; None or "live" for what a live run says: that of the votes if the network has
                it, otherwise its first, at its sensitivity.

        Returns:
            (n, len(labels)) float32, 0 to 1; each row sums to 1, or for an int8 file to within 0.02 of it.

        Raises:
            BadInputError: The pictures have another shape; stack the results of `preprocess`. Or
                there is no such head.
        """
        self.check_head(head)
        scores = self.all_scores(pictures)
        if head not in (None, LIVE):
            return scores[:, self.heads.index(head)]
        return self._as_live(scores)

    def _as_live(self, scores: np.ndarray) -> np.ndarray:
        """Returns what a live run says, from (n, heads, labels) scores."""
        card = self.card
        if not card.priors:
            return scores[:, self.live_head]
        return adjusted(scores, card.priors, self.live_head, self.sensitivity, card.temperatures)

    @property
    def resting(self) -> np.ndarray | None:
        """(labels,), what a live run says of an average neutral face; None if that is not known."""
        return self._as_live(np.array([self.card.resting]))[0] if self.card.resting else None

    @property
    def live_head(self) -> int:
        """The index of the head used for faces from a camera."""
        return self.card.live_head

    def check_head(self, head: str | None) -> None:
        """Raises a BadInputError unless there is such a head; None and "live" are always there."""
        names = (*self.heads, LIVE)
        if head is not None and head not in names:
            raise BadInputError(
                f"{self.name} has no head {head!r}.",
                f"Expected {', '.join(names[:-1])} or {names[-1]}.",
                did_you_mean(head, names, "Choose one of them, or leave it out for the default."),
            )

    def all_scores(self, pictures: np.ndarray) -> np.ndarray:
        """Scores faces with all heads at once, which costs no more than with one.

        Returns:
            (n, len(heads), len(labels)) float32; otherwise as `scores`.
        """
        return as_scores(self.numbers(pictures), self.card.answers)

    def numbers(self, pictures: np.ndarray) -> np.ndarray:
        """Returns the network's raw output, before it is turned into scores; otherwise as `all_scores`."""
        pictures = np.ascontiguousarray(pictures, np.float32)
        if pictures.shape[1:] != (self.size, self.size, self.channels):
            raise BadInputError(
                f"The pictures have shape {pictures.shape}.",
                f"Expected (n, {self.size}, {self.size}, {self.channels}).",
                "Stack the results of preprocess: np.stack([face, face]).",
            )
        with self._one_at_a_time:
            return self._run(pictures)

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        raise RuntimeError(f"{type(self).__name__} has no _run")

    def _shape_of(self, dims: Sequence[int | None]) -> FaceShape:
        """Returns the shape of the network's input; raises a ValueError if its card contradicts it."""
        shape = face_shape(dims)
        if shape.size not in (None, self.size) or shape.channels not in (None, self.channels):
            raise ValueError(f"it takes {shape.size} x {shape.size} pixels in {shape.channels} channels")
        return shape

    @property
    def _row_shape(self) -> tuple[int, int]:
        """The number of heads, and of values in each."""
        return len(self.heads), 1 if self.card.answers in ("chance", "odds") else len(self.labels)


class LiteRuntime(Runtime):
    """A .tflite network in LiteRT.

    Faces are processed one by one: a batch would have to be resized whenever somebody comes
    or goes, which costs more than it saves and uses more and more memory.
    """

    engine = "LiteRT"

    def __init__(self, path: Path, card: Card, threads: int = 1):
        super().__init__(path, card)
        self._interpreter = opened(path, threads)
        (taken,) = self._interpreter.get_input_details()
        batch, *dims = lite_shape(taken)
        self._shape = self._shape_of(dims)
        dims = self._shape.dims(self.size, self.channels)
        if taken["shape"].tolist() != [batch or 1, *dims]:
            self._interpreter.resize_tensor_input(taken["index"], [batch or 1, *dims])
        with without_lines(CHATTER):
            self._interpreter.allocate_tensors()
        self._input, self._batch, self._plain = taken, batch or 1, taken["dtype"] == np.float32
        outputs = self._interpreter.get_output_details()
        shapes = [for_one_face(output["shape"].tolist(), self._batch) for output in outputs]
        self._outputs = [outputs[index] for index in answering(shapes, *self._row_shape)]

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        rows = np.empty((len(pictures), *self._row_shape), np.float32)
        for row, face in zip(rows, self._shape.fitted(pictures), strict=True):
            self._interpreter.set_tensor(self._input["index"], self._taken(face))
            self._interpreter.invoke()
            row[:] = np.reshape([self._given(output) for output in self._outputs], row.shape)
        return rows

    def _taken(self, face: np.ndarray) -> np.ndarray:
        """Returns a face in the data type of the network's input."""
        if not self._plain:
            face = quantised(face, self._input)
        if self._batch == 1:
            return face[None]
        faces = np.zeros((self._batch, *face.shape), face.dtype)  # a network with a fixed batch size
        faces[0] = face
        return faces

    def _given(self, output: dict[str, Any]) -> np.ndarray:
        """Returns an output for the first face as float32."""
        numbers = self._interpreter.get_tensor(output["index"]).reshape(self._batch, -1)[0]
        scale, zero = output["quantization"]
        return numbers if numbers.dtype.kind == "f" or not scale else (np.float32(numbers) - zero) * scale


def opened(path: Path, threads: int = 1) -> Any:
    """Returns LiteRT's interpreter of a .tflite file.

    Raises:
        MissingPackageError: LiteRT is not installed.
        ValueError: The file is damaged.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise missing_package("The network", "ai-edge-litert") from error
    with without_lines(CHATTER):
        # The content, not the path: the latter fails on Windows where it is not ASCII.
        return Interpreter(model_content=path.read_bytes(), num_threads=threads)


def lite_shape(details: dict[str, Any]) -> list[int | None]:
    """Returns the shape of an input; None for dimensions that the file leaves open."""
    signature = details.get("shape_signature", details["shape"])
    shape = signature if len(signature) else details["shape"]
    return [None if dim < 0 else int(dim) for dim in shape]


def quantised(face: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    """Returns a face for a network whose input is not float32."""
    kind, (scale, zero) = np.dtype(details["dtype"]), details["quantization"]
    if kind.kind == "f":
        return face.astype(kind)
    if scale:
        face = face / scale + zero
    limits = np.iinfo(kind)
    return np.clip(np.rint(face), limits.min, limits.max).astype(kind)


class KerasRuntime(Runtime):
    """A .keras network in Keras: slower to start and to run, with the same scores.

    Attributes:
        network: The Keras model.
        outputs: The indexes of the outputs with the heads: one for all, or one for each.
    """

    engine = "Keras"
    batch = 256
    """Batch size."""

    def __init__(self, path: Path, card: Card):
        super().__init__(path, card)
        from .architectures import keras, open_network

        self._keras, self.network = keras, open_network(path)
        (face,) = self.network.inputs
        self._shape = self._shape_of(face.shape[1:])
        self._whole = None if "float" in face.dtype else {"dtype": face.dtype, "quantization": (0, 0)}
        shapes = [output.shape[1:] for output in self.network.outputs]
        self.outputs = answering(shapes, *self._row_shape)

    def taken(self, pictures: np.ndarray) -> np.ndarray:
        """Returns pictures in the layout and data type of the network's input."""
        faces = self._shape.fitted(pictures)
        return quantised(faces, self._whole) if self._whole else faces

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        rows = np.empty((len(pictures), *self._row_shape), np.float32)
        for start in range(0, len(pictures), self.batch):
            part = slice(start, start + self.batch)
            # Not network.predict: that takes 40 ms for one face, this 13.
            answers = self._keras.tree.flatten(self.network(self.taken(pictures[part]), training=False))
            given = [self._keras.ops.convert_to_numpy(answers[index]) for index in self.outputs]
            rows[part] = np.concatenate([answer.reshape(len(answer), -1) for answer in given], 1).reshape(
                rows[part].shape
            )
        return rows
