"""The networks, as Keras layers that run on any of its backends.

`shipped` is the one that comes with the package. `training.py` teaches it and exports
it; live runs use the exported file and never import this module.

Notebook: 05_train
"""

from __future__ import annotations

import os

from .errors import missing_package
from .image import SIZE
from .labels import Labels
from .quiet import without_lines

GREETINGS = ("absl::InitializeLog", "oneDNN custom operations are on", "cudart_stub.cc", "cuda_platform.cc")
"""Parts of the lines in which TensorFlow tells that it has no graphics card and what it does then."""

# TensorFlow greets with lines about the processor; its errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
try:
    with without_lines(*GREETINGS):
        import keras
        from keras import layers

        if keras.backend.backend() == "tensorflow":
            import tensorflow

            tensorflow.config.list_physical_devices()  # greets once more, here where it is held back
except ImportError as error:
    raise missing_package("Training", "tensorflow", "lessons") from error

STAGES = ((1, 32), (2, 64), (2, 128), (1, 256))
"""For each stage, how many convolutions and how many filters in each.

Halving the picture and doubling the filters keeps the work of the stages alike. The first
stage has one convolution only: at full size each costs most and sees least.
Source: Simonyan and Zisserman, Very Deep Convolutional Networks, 2014, https://arxiv.org/abs/1409.1556
"""


def shipped(labels: Labels, size: int = SIZE) -> keras.Model:
    """Builds the network that comes with the package, with random weights.

    Args:
        labels: What it tells apart.
        size: Pixels on a side of its input; a multiple of 16.

    Returns:
        A network from (n, size, size, 1) float32 of `image.standardise` to
        (n, len(labels)) float32 scores; each row sums to 1.

    Example:
        >>> shipped(Labels(["Happy", "Sad"])).output_shape
        (None, 2)
    """
    face = keras.Input((size, size, 1), name="face")
    x = face
    for convolutions, filters in STAGES:
        for _ in range(convolutions):
            x = _convolution(x, filters)
        # Keeps the strongest answer of each 2 x 2 pixels: a mouth may sit a little higher.
        x = layers.MaxPooling2D()(x)
    # One number a filter, wherever in the face it answered: few weights, little to learn by heart.
    x = layers.GlobalAveragePooling2D()(x)
    # The weights between the last filters and the labels are most of what could be overlearnt.
    x = layers.Dropout(0.2)(x)
    # float32 also under mixed precision: scores need more than 8 bits to sum to 1.
    scores = layers.Dense(len(labels), activation="softmax", dtype="float32", name="scores")(x)
    return keras.Model(face, scores, name="expression")


def _convolution(x, filters: int):
    """Looks at 3 x 3 pixels at a time, keeps the answers in one range, drops negative ones."""
    # No bias: the normalisation that follows subtracts the mean and adds an offset of its own.
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    # Lets the rate be ten times higher. https://arxiv.org/abs/1502.03167
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x)


def in_float32(network: keras.Model) -> keras.Model:
    """Returns the same network with every layer in float32, and without optimizer.

    One that was taught under `mixed_bfloat16` keeps that in its layers: it would reload as
    such, and the converter refuses it. The weights themselves are float32 all along.
    """

    def rebuild(layer: keras.Layer) -> keras.Layer:
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # What the input takes, which is not rebuilt.
    try:
        copy = keras.models.clone_model(network, clone_function=rebuild)
    finally:
        keras.config.set_dtype_policy(before)
    copy.set_weights(network.get_weights())
    # The copy has the optimizer too, which makes a file three times as large.
    return keras.Model(copy.input, copy.output, name=network.name)
