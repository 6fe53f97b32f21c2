"""Networks trained on the million photos of ImageNet, as the first part of networks for faces.

Edges, textures and shapes that tell dogs from cars also tell a smile from a frown. `read_base` builds such
a base with its weights, and `with_head` puts a head on it; `training/transfer.py` trains both.

Source: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792

Notebook: 12_transfer
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..errors import BadInputError, MissingFileError, as_bad_input, did_you_mean
from ..files import PRIVATE_FOLDER, as_output_error
from ..labels import Labels
from ..pictures.image import SIZE
from .architectures import headed, keras, layers
from .registry import cache_folder, find

DEVIATION = 64.0
"""Grey levels for which a standardised 1 stands: the usual deviation of a face's pixels."""

KERAS_FILES = "https://storage.googleapis.com/tensorflow/keras-applications/"
"""Where Keras keeps the weights of its applications."""


@dataclass(frozen=True)
class Base:
    """A network of `keras.applications`.

    Attributes:
        build: The function that builds it.
        fewest: Fewest pixels on a side that it accepts.
        scale: What a standardised 1 becomes in the scaling on which it was trained.
        offset: What a standardised 0, a middle grey, becomes: for all three colours, or for each.
        address: Where Keras keeps its weights, below KERAS_FILES.
        md5: The checksum of that file, if Keras names one.
    """

    build: Callable[..., keras.Model]
    fewest: int
    scale: float
    offset: float | tuple[float, ...]
    address: str
    md5: str | None = None

    @property
    def file_name(self) -> str:
        """The name of the file with its weights."""
        return self.address.rpartition("/")[2]


BASES = {
    # MobileNetV2 and InceptionV3 learned pixels from -1 to 1.
    "mobilenet": Base(
        keras.applications.MobileNetV2,
        32,
        DEVIATION / 127.5,
        0.0,
        "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top.h5",
    ),
    "inception": Base(
        keras.applications.InceptionV3,
        75,
        DEVIATION / 127.5,
        0.0,
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    # VGG16 learned blue, green and red from 0 to 255, each less its mean over ImageNet.
    "vgg16": Base(
        keras.applications.VGG16,
        32,
        DEVIATION,
        (127.5 - 103.939, 127.5 - 116.779, 127.5 - 123.68),
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
}
"""The bases by the names that `expression train --transfer` accepts.

Source: https://keras.io/api/applications/
"""


def read_base(name: str, side: int, weights: str | Path | None = None) -> keras.Model:
    """Builds a base with its weights.

    It takes faces like every other network here. Enlarging them and scaling them as the base learned pixels
    is part of the network, so a saved one needs nothing else.

    Args:
        name: A name in BASES.
        side: Pixels on a side to which faces are enlarged.
        weights: A file with its weights; None to use Keras's, which is downloaded once.

    Returns:
        A network from (n, 48, 48, 1) float32 of `image.standardise` to (n, features) float32; its name tells
        base and side.

    Raises:
        BadInputError: There is no such base, the side is too small, or the file is damaged or another base's.
        MissingFileError: The file does not exist, or cannot be downloaded.
    """
    if name not in BASES:
        raise BadInputError(
            f"--transfer is {name!r}.",
            f"Expected one of {', '.join(BASES)}.",
            did_you_mean(name, BASES, "Try --transfer mobilenet."),
        )
    base = BASES[name]
    if side < base.fewest:
        raise BadInputError(
            f"The recipe has side={side}.",
            f"Expected {base.fewest} or more for {name}.",
            "Leave it out to use the default.",
        )
    path = Path(weights) if weights else find(base.file_name) or _downloaded(name, base)
    inner = base.build(include_top=False, weights=None, input_shape=(side, side, 3))
    _load(inner, path, name)
    return wrapped(inner, base, f"{name}_{side}")


def wrapped(inner: keras.Model, base: Base, name: str) -> keras.Model:
    """Returns a network from standardised faces to what one of `keras.applications` finds in them.

    Args:
        inner: A network from (n, side, side, 3) to (n, rows, columns, features).
        base: How it scales its pixels.
        name: The name of the result.
    """
    face = keras.Input((SIZE, SIZE, 1), name="face")
    x = layers.Resizing(*inner.input_shape[1:3])(face)
    x = layers.Concatenate()([x, x, x])
    # Not in training mode: the statistics of its normalisations are those of a million photos.
    x = inner(layers.Rescaling(base.scale, base.offset)(x), training=False)
    return keras.Model(face, layers.GlobalAveragePooling2D()(x), name=name)


def with_head(base: keras.Model, labels: Labels, heads: int = 1) -> keras.Model:
    """Returns a base with a new head, which has random weights.

    Args:
        base: From `read_base`; the result has a copy of it.
        labels: The labels to distinguish.
        heads: Number of outputs, as for `architectures.shipped`.
    """
    base = copied(base)
    return headed(_evened(base.input, base.output), labels, heads)


def head_of(features: int, labels: Labels, heads: int = 1) -> keras.Model:
    """Returns the head of `with_head` alone: from (n, features) float32 to scores."""
    seen = keras.Input((features,), name="features")
    return headed(_evened(seen, seen), labels, heads)


def joined(base: keras.Model, head: keras.Model, labels: Labels, heads: int = 1) -> keras.Model:
    """Returns a base, which is not copied, with a trained head of `head_of`."""
    network = headed(_evened(base.input, base.output), labels, heads)
    own = head.layers[1:]
    for ours, theirs in zip(network.layers[-len(own) :], own, strict=True):
        ours.set_weights(theirs.get_weights())
    return network


def _evened(seen, features) -> keras.Model:
    """Returns a network from its input to features that vary equally."""
    # Bases differ in the size of their numbers; normalised, one learning rate suits them all.
    x = layers.BatchNormalization()(features)
    return keras.Model(seen, layers.Dropout(0.2)(x))


def copied(network: keras.Model) -> keras.Model:
    """Returns a copy that shares no weights, and learns the same ones."""
    copy = type(network).from_config(network.get_config())
    copy.set_weights(network.get_weights())
    return copy


def unfreeze(base: keras.Model, share: float) -> None:
    """Decides which layers of a base learn.

    Args:
        base: From `read_base`; changed in place.
        share: The share of its layers that learn, from the last one; 0 for none.
    """
    inner = next(layer for layer in base.layers if isinstance(layer, keras.Model))
    count = round(share * len(inner.layers))
    for number, layer in enumerate(reversed(inner.layers)):
        layer.trainable = number < count


def fingerprint(network: keras.Model) -> str:
    """Returns a network's name with the first digits of the SHA-256 of its weights."""
    found = sha256()
    for weights in network.get_weights():
        found.update(np.ascontiguousarray(weights).tobytes())
    return f"{network.name}_{found.hexdigest()[:16]}"


def _downloaded(name: str, base: Base) -> Path:
    """Downloads weights into the cache folder, or says how to get them."""
    folder = cache_folder()
    with as_output_error(folder):
        folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    address = KERAS_FILES + base.address
    try:
        file = keras.utils.get_file(
            base.file_name, address, file_hash=base.md5, cache_dir=folder.parent, cache_subdir=folder.name
        )
    except Exception as error:  # Keras raises this very class if there is no connection
        said = str(error).rpartition(": ")[2].removeprefix("None -- ")
        raise MissingFileError(
            f"The weights of {name} could not be downloaded ({said}).",
            f"Expected the file {address}",
            f"Download it on another computer, and name it: --weights {base.file_name}",
        ) from error
    return Path(file)


def _load(inner: keras.Model, path: Path, name: str) -> None:
    """Reads the weights of one of `keras.applications` from a file."""
    expected = f"Expected the weights of keras.applications.{BASES[name].build.__name__} without its top."
    remedy = f"Choose another file for --weights, or get this one: {KERAS_FILES}{BASES[name].address}"
    if not path.is_file():
        raise MissingFileError(f"There is no file {path}.", expected, remedy)
    if path.suffix != ".h5":
        raise BadInputError(f"{path} does not end in .h5.", expected, remedy)
    with as_bad_input(f"{path} cannot be used for {name}", expected, remedy):
        inner.load_weights(path)
    if not all(np.isfinite(weights).all() for weights in inner.get_weights()):
        raise BadInputError(f"{path} has weights that are not numbers.", expected, remedy)
