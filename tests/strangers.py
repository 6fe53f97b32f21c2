"""Networks as other people make them, small and with random weights, and their own way to make an input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SEVEN = "Angry,Disgust,Fear,Happy,Sad,Surprise,Neutral"
EIGHT = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt"
FACE = np.random.default_rng(5).integers(0, 256, (50, 40, 3), np.uint8)
"""A picture, (50, 40, 3) uint8 RGB, smaller than some networks' input and larger than others'."""


@dataclass(frozen=True)
class Stranger:
    """A network of somebody else.

    Attributes:
        build: Makes it, with Keras.
        labels: What its scores stand for.
        input: What `--input` has to say.
        by_hand: From a picture, (height, width, 3) uint8 RGB, to its input without the axis of the faces.
        scores: From its answers to scores, by hand.
    """

    build: Callable[[Any], Any]
    labels: str
    input: str
    by_hand: Callable[[np.ndarray], np.ndarray]
    scores: Callable[[Any], np.ndarray] = lambda answer: answer

    @property
    def count(self) -> int:
        return self.labels.count(",") + 1


def resized(picture: np.ndarray, size: int) -> np.ndarray:
    """As most programs do it: averaging where it shrinks, straight lines where it grows."""
    shrinks = size * size < picture.shape[0] * picture.shape[1]
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def grey(size: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda picture: resized(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size)[..., None].astype(
        np.float32
    )


def rgb(size: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda picture: resized(picture, size).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(np.float64(logits) - np.max(logits, -1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def simple(keras, shape, count, activation="softmax", before=(), batch=None, dtype="float32"):
    """Convolutions and a dense layer, as in most lessons."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(batch_shape=(batch, *shape), dtype=dtype),
            *before,
            layers.Conv2D(4, 5, strides=3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten() if None not in shape else layers.GlobalAveragePooling2D(),
            layers.Dense(count, activation=activation, kernel_initializer="he_normal"),
        ]
    )


def mini_xception(keras):
    """The network that many programs use for FER2013: no dense layer at its end.

    Source: Arriaga et al., Real-time Convolutional Neural Networks, 2017, https://arxiv.org/abs/1710.07557
    """
    keras.utils.set_random_seed(3)
    layers = keras.layers
    face = keras.Input((64, 64, 1))
    x = layers.Conv2D(8, 3, use_bias=False)(face)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    beside = layers.BatchNormalization()(layers.Conv2D(16, 1, strides=2, padding="same")(x))
    x = layers.SeparableConv2D(16, 3, padding="same", use_bias=False)(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization()(x))
    x = layers.Conv2D(7, 3, padding="same")(layers.add([x, beside]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(face, layers.Activation("softmax", name="predictions")(x))


def nested(keras):
    """A network for other pictures with its own preparation and a new head, as in transfer learning."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    base = keras.Sequential(
        [
            keras.Input((224, 224, 3)),
            layers.DepthwiseConv2D(7, strides=7),
            layers.Conv2D(6, 4, strides=4, activation="relu"),
        ]
    )
    face = keras.Input((224, 224, 3))
    x = layers.RandomFlip()(face)
    x = keras.applications.mobilenet_v2.preprocess_input(x)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(base(x, training=False)))
    return keras.Model(face, layers.Dense(7, kernel_initializer="he_normal")(x))


def two_answers(keras):
    """Mood and age at once."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    face = keras.Input((48, 48, 1))
    x = layers.Flatten()(layers.Conv2D(4, 5, strides=4, activation="relu")(face))
    age = layers.Dense(5, activation="softmax", name="age")(x)
    return keras.Model(face, [age, layers.Dense(7, activation="softmax", name="mood")(x)])


def flat(keras):
    keras.utils.set_random_seed(3)
    face = keras.Input((2304,))
    return keras.Model(face, keras.layers.Dense(7, activation="softmax")(face))


def channels_first(keras):
    """As PyTorch has it."""
    return simple(keras, (3, 32, 32), 7, None, [keras.layers.Permute((2, 3, 1))])


IMAGENET = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])

STRANGERS = {
    "64 rgb 0..1": Stranger(lambda k: simple(k, (64, 64, 3), 7), SEVEN, "0..1", lambda p: rgb(64)(p) / 255),
    "mini_XCEPTION, 64 grey -1..1": Stranger(
        mini_xception, SEVEN, "-1..1", lambda p: (grey(64)(p) / 255 - 0.5) * 2
    ),
    "48 grey 0..255, logits, eight labels": Stranger(
        lambda k: simple(k, (48, 48, 1), 8, None, [k.layers.Rescaling(1 / 255)]),
        *(EIGHT, "0..255", grey(48), softmax),
    ),
    "224 rgb, wrapped, with its own preparation": Stranger(nested, SEVEN, "rgb,0..255", rgb(224), softmax),
    "40 bgr by means": Stranger(
        lambda k: simple(k, (40, 40, 3), 3, before=[k.layers.Rescaling(1 / 64)]),
        *("Happy,Sad,Dull", "bgr,103.939:116.779:123.68/1"),
        lambda p: rgb(40)(p)[..., ::-1] - np.float32([103.939, 116.779, 123.68]),
    ),
    "grey three times, ImageNet's scaling": Stranger(
        lambda k: simple(k, (44, 44, 3), 7),
        *(SEVEN, "grey,imagenet"),
        lambda p: (np.repeat(grey(44)(p), 3, 2) / 255 - IMAGENET[0]) / IMAGENET[1],
    ),
    "each picture by its own mean": Stranger(
        lambda k: simple(k, (48, 48, 1), 7),
        *(SEVEN, "per-image"),
        lambda p: (grey(48)(p) - grey(48)(p).mean()) / grey(48)(p).std(),
    ),
    "any size": Stranger(
        lambda k: simple(k, (None, None, 1), 7), SEVEN, "56,0..1", lambda p: grey(56)(p) / 255
    ),
    "channels first": Stranger(
        channels_first, SEVEN, "-1..1", lambda p: rgb(32)(p).transpose(2, 0, 1) / 127.5 - 1, softmax
    ),
    "one long row": Stranger(flat, SEVEN, "0..1", lambda p: grey(48)(p).ravel() / 255),
    "one face at a time": Stranger(
        lambda k: simple(k, (48, 48, 1), 7, batch=1), SEVEN, "0..1", lambda p: grey(48)(p) / 255
    ),
    "whole numbers in": Stranger(
        lambda k: simple(k, (48, 48, 1), 7, None, [k.layers.Rescaling(1 / 255)], dtype="uint8"),
        *(SEVEN, "0..255", lambda p: grey(48)(p).astype(np.uint8), softmax),
    ),
    "two answers": Stranger(two_answers, SEVEN, "0..1", lambda p: grey(48)(p) / 255, lambda both: both[1]),
    "a sigmoid for each label": Stranger(
        lambda k: simple(k, (48, 48, 1), 4, "sigmoid"),
        *(
            "Happy,Sad,Angry,Dull",
            "0..1",
            lambda p: grey(48)(p) / 255,
            lambda each: each / each.sum(-1)[:, None],
        ),
    ),
    "one sigmoid": Stranger(
        lambda k: simple(k, (48, 48, 1), 1, "sigmoid"),
        *(
            "Grave,Smiling",
            "0..1",
            lambda p: grey(48)(p) / 255,
            lambda one: np.concatenate([1 - one, one], -1),
        ),
    ),
}
"""By what is special about them."""


def save(network: Any, path: Path) -> Path:
    """Saves a network as other people do; the ending says how, none stands for a SavedModel folder."""
    if path.suffix == ".tflite":
        import tensorflow

        path.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(network).convert())
    elif path.suffix:
        network.save(path)
    else:
        network.export(path, verbose=False)
    return path
