"""Inputs and outputs of networks from any source: layouts, several outputs, logits.

`runtime.py` uses it to fit faces to a network and to turn its output into scores; `external.py` to find
out about imported networks.

Notebook: 06_train
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STEP = 1 / 256
"""The resolution of an int8 network's scores, because of which they may not sum to exactly 1.

Source: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec
"""


@dataclass(frozen=True)
class FaceShape:
    """The shape in which a network takes one face.

    Attributes:
        size: Pixels on a side; None if any size is accepted.
        channels: 1 or 3; None if either is accepted.
        channels_first: Whether channels come before rows, as in PyTorch.
        rank: Number of axes of the network's input, without the batch axis.
    """

    size: int | None
    channels: int | None
    channels_first: bool = False
    rank: int = 3

    def dims(self, size: int, channels: int) -> tuple[int, ...]:
        """Returns the shape of one face, with all open dimensions filled in."""
        if self.rank == 1:
            return (size * size * channels,)
        if self.rank == 2:
            return (size, size)
        return (channels, size, size) if self.channels_first else (size, size, channels)

    def fitted(self, pictures: np.ndarray) -> np.ndarray:
        """Returns (n, size, size, channels) pictures in the network's own layout."""
        dims = self.dims(*pictures.shape[2:])
        if self.channels_first:
            pictures = pictures.transpose(0, 3, 1, 2)
        return pictures.reshape(len(pictures), *dims)


def face_shape(dims: Sequence[int | None]) -> FaceShape:
    """Returns the shape in which a network takes one face, from the shape of its input.

    Args:
        dims: The shape without the batch axis; None for open dimensions.

    Raises:
        ValueError: A face does not fit; the message gives the shape.

    Example:
        >>> face_shape((3, 224, 224))
        FaceShape(size=224, channels=3, channels_first=True, rank=3)
    """
    if len(dims) == 3:
        first = dims[2] not in (1, 3) and dims[0] in (1, 3)
        height, width, channels = (*dims[1:], dims[0]) if first else dims
        if channels in (1, 3, None) and height == width:
            return FaceShape(height, channels, first)
    elif len(dims) == 2 and dims[0] == dims[1]:
        return FaceShape(dims[0], 1, rank=2)
    elif len(dims) == 1 and dims[0]:
        for channels in (1, 3):
            size = math.isqrt(dims[0] // channels)
            if size * size * channels == dims[0]:
                return FaceShape(size, channels, rank=1)
    shape = " x ".join(str(dim or "any") for dim in dims) or "a single number"
    raise ValueError(f"its input is {shape}, which is not a square picture of 1 or 3 colours")


def for_one_face(shape: Sequence[int], faces: int) -> list[int]:
    """Returns the shape of an output without the batch axis, which some files lack.

    Example:
        >>> for_one_face([1, 7], 1), for_one_face([7], 1)
        ([7], [7])
    """
    return list(shape[1:] if len(shape) and shape[0] == faces and len(shape) > 1 else shape)


def answering(shapes: Sequence[Sequence[int | None]], heads: int, labels: int) -> list[int]:
    """Returns which of a network's outputs contain its scores: one for all heads, or one for each.

    Args:
        shapes: The shapes of all outputs, without the batch axis.
        heads: The number of heads.
        labels: The number of values of each head.

    Raises:
        ValueError: They do not fit; the message gives the shapes.

    Example:
        >>> answering([(2,), (7,)], heads=1, labels=7), answering([(2, 7)], heads=2, labels=7)
        ([1], [0])
    """
    sizes = [math.prod(dim or 0 for dim in shape) for shape in shapes]
    together, each = ([i for i, size in enumerate(sizes) if size == n] for n in (heads * labels, labels))
    if len(each) == heads:
        return each
    if len(together) == 1 and (heads == 1 or tuple(shapes[together[0]])[-2:] == (heads, labels)):
        return together
    told = [" x ".join(map(str, (1, *shape) if len(shape) == 1 else shape)) for shape in shapes]
    raise ValueError(f"it returns {' and '.join(told) or 'nothing'}")


def as_scores(numbers: np.ndarray, answers: str) -> np.ndarray:
    """Returns a network's output as scores.

    Args:
        numbers: (..., labels) float32; of "chance" and "odds" (..., 1).
        answers: "scores": already scores. "logits": without a softmax. "shares": a sigmoid for each label.
            "chance": the score of the second of two labels; "odds": the same before its sigmoid.

    Returns:
        (..., labels) float32; each row sums to 1.

    Example:
        >>> as_scores(np.float32([[0, np.log(3)]]), "logits").round(2).tolist()
        [[0.25, 0.75]]
    """
    if answers == "scores":
        return numbers
    if answers in ("chance", "odds"):
        second = 1 / (1 + np.exp(-np.clip(numbers, -80, 80))) if answers == "odds" else numbers
        return np.concatenate([1 - second, second], -1)
    if answers == "logits":
        numbers = np.exp(numbers - numbers.max(-1, keepdims=True))
    sums = numbers.sum(-1, keepdims=True)
    nothing = sums == 0  # a face for which every sigmoid is 0
    return np.where(nothing, np.float32(1 / numbers.shape[-1]), numbers / np.where(nothing, 1, sums))


def kind_of_answers(numbers: np.ndarray) -> str:
    """Returns the kind of a network's output, for `as_scores`, judged by its output for some pictures.

    Args:
        numbers: (pictures, heads, labels) float32; one label stands for a network with a single sigmoid.
    """
    shares = bool((numbers > -STEP).all() and (numbers < 1 + STEP).all())
    if numbers.shape[-1] == 1:
        return "chance" if shares else "odds"
    sums = numbers.sum(-1)
    if shares and np.allclose(sums, 1, atol=STEP * numbers.shape[-1]):
        return "scores"
    return "shares" if shares and (sums > STEP).all() else "logits"
