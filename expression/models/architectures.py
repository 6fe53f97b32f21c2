"""The networks, as Keras layers that run on any of its backends.

`tutorial` is small enough to follow layer by layer, `quick` to train in twenty minutes; `shipped` comes with
the package. `training/trainer.py` trains them; live runs use the exported file and never import this module.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import BadInputError, as_bad_input, did_you_mean, missing_package
from ..files import replacing
from ..labels import Labels
from ..pictures.image import SIZE
from .formats import KERAS, network_format, opened_zip
from .metadata import Card, write_card
from .stderr_filter import without_lines

GREETINGS = ("absl::InitializeLog", "oneDNN custom operations are on", "cudart_stub.cc", "cuda_platform.cc")
"""Parts of the lines in which TensorFlow reports that it has no graphics card and what it does then."""

# TensorFlow prints lines about the processor at the start; its errors are still shown.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
try:
    with without_lines(*GREETINGS):
        import keras
        from keras import layers

        if keras.backend.backend() == "tensorflow":
            import tensorflow

            tensorflow.config.list_physical_devices()  # prints more lines here, where they are suppressed
except ImportError as error:
    raise missing_package("Training", "tensorflow", "lessons") from error

STEM = 32
"""Filters of the first convolution, which detects edges and spots."""

EDGE = 2
"""Pixels at each side that the network ignores: hair and wallpaper, and a quarter of the cost.

Training shifts every face, so no part of it is always cut off.
"""

STAGES = ((64, 1), (128, 2), (256, 2), (512, 1))
"""For each stage, its number of filters and of further convolutions.

A stage halves the picture and doubles the filters, so all stages cost about the same.
Source: Simonyan and Zisserman, Very Deep Convolutional Networks, 2014, https://arxiv.org/abs/1409.1556
"""

LOGITS = "logits"
"""The name of the layer whose outputs become scores."""


def tutorial(labels: Labels, heads: int = 1) -> keras.Model:
    """Builds the network of the lesson: two convolutional and two dense layers.

    Most of its 1.2 million weights connect the flattened picture to the first dense layer, which is why
    it soon memorises its pictures. Args, Returns: as for `shipped`.

    Example:
        >>> tutorial(Labels(["Happy", "Sad"])).output_shape
        (None, 1, 2)
    """
    face = keras.Input((SIZE, SIZE, 1), name="face")
    x = layers.Reshape((SIZE, SIZE, 1))(face)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    return keras.Model(face, _scores(x, labels, heads), name="tutorial")


def shipped(labels: Labels, heads: int = 1, edge: int = EDGE, width: float = 1.0) -> keras.Model:
    """Builds the network that comes with the package, with random weights.

    Args:
        labels: The labels that it distinguishes.
        heads: Number of outputs, such as FER2013's label and that of FER+'s votes.
        edge: Pixels at each side that it ignores.
        width: Factor for the number of filters.

    Returns:
        A network from (n, 48, 48, 1) float32 of `image.standardise` to
        (n, heads, len(labels)) float32 scores; each row of labels sums to 1.

    Example:
        >>> shipped(Labels(["Happy", "Sad"]), heads=2).output_shape
        (None, 2, 2)
    """
    face = keras.Input((SIZE, SIZE, 1), name="face")
    x = layers.ReLU()(_convolution(layers.Cropping2D(edge)(face), round(width * STEM)))
    for filters, further in ((round(width * filters), further) for filters, further in STAGES):
        # Keeps the strongest response of each 2 x 2 pixels: a mouth may be a little higher. What
        # follows costs a quarter.
        x = layers.ReLU()(_convolution(x, filters, layers.MaxPooling2D()))
        y = x
        for number in range(further):
            y = _convolution(layers.ReLU()(y) if number else y, filters)
        # A shortcut around the convolutions, so that untrained ones do no harm.
        # https://arxiv.org/abs/1512.03385
        x = layers.ReLU()(layers.Add()([x, y]))
    # One number per filter, wherever in the face it responded: few weights, little to memorise.
    x = layers.GlobalAveragePooling2D()(x)
    # The weights between the last filters and the labels are the most prone to overfitting.
    x = layers.Dropout(0.2)(x)
    return keras.Model(face, _scores(x, labels, heads), name="expression")


def quick(labels: Labels, heads: int = 1) -> keras.Model:
    """Builds a plain network that is trained in twenty minutes: seven convolutions, one after the other.

    Args, Returns: as for `shipped`.
    """
    face = keras.Input((SIZE, SIZE, 1), name="face")
    x = layers.ReLU()(_convolution(layers.Cropping2D(EDGE)(face), STEM, layers.MaxPooling2D()))
    for stage, filters in enumerate((64, 128, 256)):
        x = layers.ReLU()(_convolution(x, filters, layers.MaxPooling2D() if stage else None))
        x = layers.ReLU()(_convolution(x, filters))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(face, _scores(x, labels, heads), name="quick")


def whole(labels: Labels, heads: int = 1) -> keras.Model:
    """Builds the shipped network for all pixels, at a quarter more cost. A teacher for others."""
    return shipped(labels, heads, edge=0)


def wide(labels: Labels, heads: int = 1) -> keras.Model:
    """Builds the shipped network with half as many filters again, at twice the cost. A teacher for others."""
    return shipped(labels, heads, width=1.5)


def headed(eyes: keras.Model, labels: Labels, heads: int = 1) -> keras.Model:
    """Returns a network that ends in a new last layer, with random weights.

    Args:
        eyes: From faces to features, (n, numbers) float32; see `features.split_at_head`.
        labels, heads: As for `shipped`.

    Returns:
        A network with the input of `eyes` and the output of `shipped`.
    """
    return keras.Model(eyes.input, _scores(eyes.output, labels, heads), name="expression")


NETWORKS = {"tutorial": tutorial, "quick": quick, "shipped": shipped, "whole": whole, "wide": wide}
"""The networks by the names that a recipe's `network` accepts."""


def builder(name: str) -> Callable[..., keras.Model]:
    """Returns the function with a name, which takes labels and heads as `shipped` does.

    Raises:
        BadInputError: There is no such network.
    """
    if name not in NETWORKS:
        raise BadInputError(
            f"There is no network {name!r}.",
            f"Expected one of {', '.join(NETWORKS)}.",
            did_you_mean(name, NETWORKS, "Choose one of them, or add your own to architectures.NETWORKS."),
        )
    return NETWORKS[name]


def check_network(network: keras.Model, name: str, labels: Labels, heads: int) -> None:
    """Checks that a network can be trained and calibrated, before hours are spent on it.

    Raises:
        BadInputError: It takes or returns something else, or computes its scores in another way.
    """
    end = f"layers.Dense(heads * len(labels), name={LOGITS!r}), layers.Reshape((heads, len(labels)))"
    remedy = f"Start it with keras.Input({(SIZE, SIZE, 1)}), and end it with {end} and layers.Softmax()."
    wanted = [(SIZE, SIZE, 1), (heads, len(labels))]
    found = [tuple(part[0].shape[1:]) for part in (network.inputs, network.outputs)] if network.built else []
    if found != wanted:
        raise BadInputError(
            f"The network {name} goes from {' to '.join(map(str, found)) or 'an unknown shape'}.",
            f"Expected {' to '.join(map(str, wanted))}: from a face to one score per label for each head.",
            remedy,
        )
    sums = next((layer for layer in network.layers if layer.name == LOGITS), None)
    fits = isinstance(sums, layers.Dense) and sums.units == heads * len(labels)
    if not (fits and sums.activation is keras.activations.linear):
        raise BadInputError(
            f"The network {name} has no layer {LOGITS!r} with {heads * len(labels)} outputs.",
            "Expected a dense layer without an activation, which is where the network is calibrated.",
            remedy,
        )
    if not isinstance(network.layers[-1], layers.Softmax):
        raise BadInputError(
            f"The network {name} ends with the layer {network.layers[-1].name!r}.",
            "Expected a Softmax, which turns logits into scores.",
            remedy,
        )


def _convolution(x, filters: int, then: keras.Layer | None = None):
    """Convolves 3 x 3 pixels and normalises the results."""
    # No bias: the following normalisation subtracts the mean and adds its own offset.
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = then(x) if then else x
    # Allows a ten times higher learning rate. https://arxiv.org/abs/1502.03167
    return layers.BatchNormalization()(x)


def _scores(x, labels: Labels, heads: int):
    """Turns the features of a face into scores."""
    # float32 also under mixed precision: scores need more than 8 bits to sum to 1.
    x = layers.Dense(heads * len(labels), dtype="float32", name=LOGITS)(x)
    x = layers.Reshape((heads, len(labels)), dtype="float32")(x)
    return layers.Softmax(dtype="float32", name="scores")(x)


def with_temperature(network: keras.Model, temperatures: list[float]) -> None:
    """Divides the logits of each head by a temperature, so that the scores are calibrated.

    This is built into the weights of the last layer, so the saved network needs nothing more.
    Source: Guo et al., On Calibration of Modern Neural Networks, 2017, https://arxiv.org/abs/1706.04599

    Args:
        network: One of this module; changed in place.
        temperatures: One per head, above 0; above 1 for an overconfident network.
    """
    layer = network.get_layer(LOGITS)
    count = layer.units // len(temperatures)
    scale = [1 / temperature for temperature in temperatures for _ in range(count)]
    layer.set_weights([weights * scale for weights in layer.get_weights()])


def plain(network: keras.Model) -> keras.Model:
    """Returns a copy of a network in float32, without an optimizer, for any number of faces at once.

    One trained with `mixed_bfloat16` keeps that in its layers: it would be loaded as
    such, and the converter rejects it. The weights themselves are always float32.
    """

    # The configuration does not include the optimizer, which would triple the size of a file.
    with precision("float32"):
        copy = type(network).from_config(_plain_config(network.get_config()))
    copy.set_weights(network.get_weights())
    return copy


HALVES = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
"""Keras's names for computing with two bytes per number."""


def _plain_config(config: Any, key: str = "") -> Any:
    """Returns the configuration of a layer or network that computes in float32, for any number of faces."""
    if key == "batch_shape" and config:
        return (None, *config[1:])
    if key == "dtype":
        name = config.get("config", {}).get("name") if isinstance(config, dict) else config
        return "float32" if name in HALVES else config
    if isinstance(config, (list, tuple)):
        return type(config)(_plain_config(part) for part in config)
    if isinstance(config, dict):
        return {name: _plain_config(part, name) for name, part in config.items()}
    return config


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Makes layers created meanwhile compute in float32, or partly in bfloat16 with mixed_bfloat16.

    The latter is faster only on some processors; the weights are float32 in any case.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def narrowed(
    network: keras.Model, labels: Labels, heads: int, build: Callable[..., keras.Model]
) -> keras.Model:
    """Returns a copy of a network with fewer labels: the first ones of each head.

    The scores of those labels keep their ratios, as if the others had never been possible.

    Args:
        network: A trained network that `build` returned for more labels.
        labels: The labels of the copy.
        heads: Number of heads of both.
        build: A function of NETWORKS.

    Returns:
        A network in float32 and without an optimizer.
    """
    with precision("float32"):
        copy = build(labels, heads)
    for ours, theirs in zip(network.layers, copy.layers, strict=True):
        weights = ours.get_weights()
        if ours.name == LOGITS:
            weights = [
                values.reshape(*values.shape[:-1], heads, -1)[..., : len(labels)].reshape(
                    *values.shape[:-1], -1
                )
                for values in weights
            ]
        theirs.set_weights(weights)
    return copy


def open_network(path: Path) -> keras.Model:
    """Reads a .keras or .h5 file, whatever its extension; errors are Keras's own."""
    kind = network_format(path)
    if kind == KERAS:
        with opened_zip(path):
            pass  # checks that it does not unpack to far more than its size
    if path.suffix == kind:
        return keras.models.load_model(path, compile=False)
    with tempfile.TemporaryDirectory() as folder:  # Keras goes by the extension
        copy = shutil.copyfile(path, Path(folder) / f"network{kind}")
        return keras.models.load_model(copy, compile=False)


def read_network(path: str | Path) -> keras.Model:
    """Reads a .keras file that `save` wrote; its card has been checked before.

    Raises:
        BadInputError: It is damaged, or of another kind.
    """
    expected, remedy = "Expected a complete .keras file.", "Train it again, or download it again."
    with as_bad_input(f"{path} cannot be read", expected, remedy):
        return open_network(Path(path))


def save(network: keras.Model, path: str | Path, card: Card) -> None:
    """Saves a network as a .keras file with its card, all at once."""
    path = Path(path)
    with replacing(path) as part:
        network.save(part)
        write_card(part, card)
