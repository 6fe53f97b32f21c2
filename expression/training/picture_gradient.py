"""The gradient with respect to the picture: how each pixel of a face raises or lowers the score of a label.

Training asks how the loss changes with each weight; here the weights stay, and the question is about pixels.
`adversarial.py` changes faces with the answer.

Source: Simonyan et al., Deep Inside Convolutional Networks, 2013, https://arxiv.org/abs/1312.6034

Notebook: 14_fool_it
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from ..errors import BadInputError, RunError, as_bad_input, user_path
from ..labels import Labels
from ..models import load
from ..models.architectures import keras
from ..models.features import split_at_head
from ..models.registry import SHIPPED
from ..models.runtime import KerasRuntime
from ..models.shapes import face_shape
from ..pictures.scaling import COLOURS, DEVIATION_FLOOR, STANDARDISE, factors
from ..settings import Settings
from .personalise import live_layer

TINY = 1e-6
"""Added to variances, since the slope of a square root is infinite at 0, as in a blank picture."""


class LiveNetwork:
    """A network as a live run uses it, with the gradient of its scores.

    The scores are those of the file that a live run uses, with its head and sensitivity; the gradient comes
    from the .keras file from which a .tflite file was exported.

    Args:
        settings: The settings of the live run: its model, sensitivity and threshold count. None for the
            defaults.

    Attributes:
        runtime: What a live run asks.
        labels: Its labels.
        threshold: Faces that score below this read "not sure".

    Raises:
        MissingFileError: There is no such network.
        BadInputError: It cannot be used, or not be differentiated.
    """

    def __init__(self, settings: Settings | None = None):
        settings = settings or Settings()
        path = user_path(settings.model) if settings.model else SHIPPED
        self.runtime, self.threshold = load(path), settings.threshold
        self.labels = self.runtime.labels
        begun = self.runtime if isinstance(self.runtime, KerasRuntime) else _begun(path, self.labels)
        self.runtime.sensitivity = begun.sensitivity = settings.sensitivity
        self.gradient = PictureGradient(begun)

    def scores(self, face: np.ndarray) -> np.ndarray:
        """Returns the (labels,) float32 scores of a face, 0 to 1, as in a live run."""
        return self.runtime.scores(self.runtime.preprocess(face)[None])[0]


def _begun(path: Path, labels: Labels) -> KerasRuntime:
    """Returns the .keras network from which a .tflite file was exported."""
    beside = path.with_suffix(".keras")
    if not beside.is_file():
        raise BadInputError(
            f"{path} cannot be differentiated, and there is no {beside.name} beside it.",
            "Expected a .keras file, or the one beside it from which it was exported.",
            "Choose such a file, or leave out --model for the shipped network.",
        )
    return load(beside, labels)


class PictureGradient:
    """The gradient of a network's live score; see `__call__`.

    Args:
        begun: The network, as a .keras file; its sensitivity counts.

    Raises:
        BadInputError: It cannot be differentiated: it takes whole numbers, or does not end in a dense layer.
        RunError: Keras uses another backend than TensorFlow.
    """

    def __init__(self, begun: KerasRuntime):
        _check_backend()
        self._begun = begun
        with self._as_error():
            if "float" not in begun.network.inputs[0].dtype:
                raise ValueError(f"its input is {begun.network.inputs[0].dtype}")
            output = begun.outputs[min(begun.live_head, len(begun.outputs) - 1)]
            self._eyes, judge = split_at_head(begun.network, output)
        layer = live_layer(begun, judge, begun.labels)
        self._kernel, self._bias = np.float32(layer.kernel), np.float32(layer.bias)
        self._slope = _compiled(self._lead)

    def __call__(self, face: np.ndarray, label: int) -> np.ndarray:
        """Returns how much the lead of a label grows when a pixel becomes a grey level brighter.

        The lead is the label's logit minus the highest one of the others: above 0, the label is what a live
        run says.

        Args:
            face: (size, size) grey or (size, size, 3) RGB, 0 to 255, as `Runtime.cut` returns it.
            label: The index of the label.

        Returns:
            The same shape, float32.
        """
        wanted = np.eye(len(self._bias), dtype=np.float32)[label]
        with self._as_error():
            slope = self._slope(np.float32(face), wanted)
            if slope is None:
                raise ValueError("a layer has no gradient")
        return slope.numpy()

    def _as_error(self) -> AbstractContextManager:
        """Reports errors of a network that cannot be differentiated."""
        return as_bad_input(
            f"{self._begun.path} cannot be differentiated",
            "Expected a network of floating-point layers, of which the last one with weights is dense.",
            "Choose another --model, or leave it out for the shipped network.",
        )

    def _lead(self, face, wanted):
        """Returns the lead of a label, from pixels: a tensor with one number."""
        ops = keras.ops
        logits = (self._eyes(self._input(face), training=False) @ self._kernel + self._bias)[0]
        return ops.sum(logits * wanted) - ops.max(logits - 1e9 * wanted)

    def _input(self, face):
        """Returns pixels as the network takes them: what `Runtime.preprocess` does, as a tensor."""
        ops, card = keras.ops, self._begun.card
        channels = COLOURS[card.colour]
        if len(face.shape) == 2:
            face = ops.repeat(face[..., None], channels, 2)
        pixels = scaled((face[..., ::-1] if card.colour == "bgr" else face)[None], card.preprocessing)
        shape = face_shape(self._begun.network.inputs[0].shape[1:])
        if shape.channels_first:
            pixels = ops.transpose(pixels, (0, 3, 1, 2))
        return ops.reshape(pixels, (1, *shape.dims(card.size, channels)))


def scaled(pixels, scaling: str):
    """Returns pictures scaled for a network, as `pictures.scaling.scaled` does, as a tensor with a gradient.

    Args:
        pixels: (n, size, size, channels) tensor, float32, 0 to 255.
        scaling: As there.
    """
    ops = keras.ops
    if both := factors(scaling, pixels.shape[-1]):
        return pixels * both[0] + both[1]
    axes = (-3, -2, -1)
    centred = pixels - ops.mean(pixels, axes, keepdims=True)
    deviation = ops.sqrt(ops.var(pixels, axes, keepdims=True) + TINY)
    if scaling == STANDARDISE:
        return centred / (deviation + DEVIATION_FLOOR)
    return centred / ops.maximum(deviation, float(np.prod(pixels.shape[-3:])) ** -0.5)


def _compiled(value):
    """Returns a function that differentiates another with respect to its first argument."""
    import tensorflow as tf

    @tf.function
    def slope(face, wanted):
        with tf.GradientTape() as tape:
            tape.watch(face)
            found = value(face, wanted)
        return tape.gradient(found, face)

    return lambda face, wanted: slope(tf.constant(face), tf.constant(wanted))


def _check_backend() -> None:
    """Raises an error unless Keras runs on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise RunError(
            f"Keras runs on {keras.backend.backend()}.",
            "Expected tensorflow, whose gradient is needed.",
            "Set KERAS_BACKEND=tensorflow for this step.",
        )
