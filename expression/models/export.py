"""Converts a trained .keras network to a .tflite file for small machines.

`scripts/train.py` and `expression export` call `export`; `expression evaluate --compare` measures what
each form costs and loses. The converter is part of TensorFlow, so this step needs it
whichever backend Keras uses otherwise.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInputError, OutputError, RunError, did_you_mean, missing_package
from ..files import replacing
from ..pictures.image import preprocess
from ..pictures.scaling import COLOURS, STANDARDISE, factors
from .metadata import Card, read_card, write_card
from .shapes import answering, face_shape
from .stderr_filter import without_lines

QUANTIZE = ("none", "float16", "dynamic", "int8")
"""How the numbers of a network are stored.

none: float32 throughout. float16: two-byte weights, computation in float32. dynamic: one-byte
weights; activations are quantised for each face by their own range ("dynamic range").
int8: everything in bytes, by ranges measured beforehand on representative faces; pictures
and scores are float32 all the same.
Source: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_quantization
"""

CHATTER = "fully_quantize:"
"""Part of the line in which the converter reports that it writes an int8 file."""


def export(
    keras_path: str | Path,
    tflite_path: str | Path,
    quantize: str = "dynamic",
    faces: np.ndarray | None = None,
) -> Card:
    """Exports a .keras network as .tflite, with the same card.

    Args:
        keras_path: A network that `architectures.save` wrote.
        tflite_path: The file to write.
        quantize: none, float16 (half the size), dynamic (a quarter, and several times faster)
            or int8 (as small, for chips that only support integers).
        faces: (n, size, size, channels) float32 from `Runtime.preprocess`, a few hundred like those
            that the network will be used on; int8 takes its ranges from them. None for `common_faces`.

    Returns:
        The card written to the file.

    Raises:
        BadInputError: quantize has an unknown value, the faces have another scale or shape,
            or the file is not such a network.
        OutputError: The new file does not end in .tflite, or cannot be written.
        MissingPackageError: TensorFlow is not installed, or scikit-image if its faces are used.
        RunError: Keras uses another backend.
    """
    keras_path, tflite_path = Path(keras_path), Path(tflite_path)
    check_words(quantize, tflite_path)
    card = read_card(keras_path)
    if quantize == "int8":
        faces = faces_of(card) if faces is None else _checked(faces, card)
    card = replace(card, facts={**card.facts, "weights": quantize})
    with replacing(tflite_path) as part:
        part.write_bytes(_convert(keras_path, card, faces))
        write_card(part, card)
    return card


def common_faces(size: int, colour: str = "grey", scaling: str = STANDARDISE) -> np.ndarray:
    """Returns faces that come with scikit-image, for use when no others are at hand.

    They are 100 faces of Labeled Faces in the Wild, 25 x 25 pixels, and their mirror images: softer
    than those from a camera, so the sharpest faces exceed their ranges and single scores deviate
    more (by 0.35 at most instead of 0.20). Most scores are better: an int8 network made with them had the
    float32 label for 97.9% of 1,500 pictures of PublicTest, one made with 300 training pictures of
    FER2013 for 96.3%. A few odd pictures in those stretch the ranges, which makes every step coarser.

    Args:
        size: Pixels on a side.
        colour: As for `image.preprocess`; the faces are grey.
        scaling: As for `image.preprocess`.

    Returns:
        (200, size, size, channels) float32 as returned by `image.preprocess`.

    Raises:
        MissingPackageError: scikit-image is not installed.
    """
    try:
        from skimage.data import lfw_subset
    except ImportError as error:
        raise missing_package(
            "Exporting to int8 without your own faces", "scikit-image", "lessons"
        ) from error
    # The first half of the dataset are faces, the other half are not.
    pictures = [np.uint8(255 * picture) for picture in lfw_subset()[:100]]
    both = [side for picture in pictures for side in (picture, picture[:, ::-1])]
    return np.stack([preprocess(side, None, size, colour, scaling) for side in both])


def faces_of(card: Card, pictures: np.ndarray = ()) -> np.ndarray:
    """Returns faces in the format of a network's input, for measuring ranges.

    Args:
        card: The network's.
        pictures: (n, 48, 48) uint8; empty for `common_faces`.

    Returns:
        (n, size, size, channels) float32.
    """
    if not len(pictures):
        return common_faces(card.size, card.colour, card.preprocessing)
    ways = (None, card.size, card.colour, card.preprocessing)
    return np.stack([preprocess(picture, *ways) for picture in pictures])


def check_words(quantize: str, path: Path) -> None:
    """Raises an error for an unknown value of quantize, or another extension."""
    if quantize not in QUANTIZE:
        raise BadInputError(
            f"--quantize is {quantize!r}.",
            f"Expected {', '.join(QUANTIZE)}.",
            did_you_mean(quantize, QUANTIZE, "Try --quantize dynamic."),
        )
    if path.suffix != ".tflite":
        raise OutputError(
            f"{path} does not end in .tflite.",
            "Expected this ending, by which runtimes recognise the format.",
            f"Try {path.with_suffix('.tflite').name}.",
        )


def _checked(faces: np.ndarray, card: Card) -> np.ndarray:
    """Returns the faces as float32, or raises a BadInputError for another shape or scale.

    Faces of a very different scale would give ranges that crash LiteRT, and Python with it.
    """
    faces, shape = np.asarray(faces, np.float32), (card.size, card.size, COLOURS[card.colour])
    if faces.shape[1:] != shape or not len(faces):
        raise BadInputError(
            f"The representative faces have shape {faces.shape}.",
            f"Expected (n, {', '.join(map(str, shape))}), where n is a few hundred.",
            "Pass image.standardise(pictures), the result of Runtime.preprocess, or no faces.",
        )
    both = factors(card.preprocessing, shape[-1])  # None for standardising by each picture's own mean
    means, deviations = (0.1, (0.3, 1.1)) if both is None else (110, (10, 120))
    levels = faces if both is None else (faces - both[1]) / both[0] - 127.5
    mean, deviation = levels.mean(), levels.std()
    if not (abs(mean) < means and deviations[0] < deviation < deviations[1]):
        raise BadInputError(
            f"The representative faces have mean {faces.mean():.3g}, standard deviation {faces.std():.3g}.",
            "Expected a mean of about 0 and a standard deviation just under 1."
            if both is None
            else f"Expected pixels scaled as {card.preprocessing}.",
            "Pass image.standardise(pictures), the result of Runtime.preprocess, or no faces.",
        )
    return faces


def _convert(path: Path, card: Card, faces: np.ndarray | None) -> bytes:
    """Returns a .keras network as the bytes of a .tflite file, in the form given in its card."""
    network = _network(path)
    from tensorflow import TensorSpec, errors

    from .architectures import keras

    (taken,) = network.inputs
    shape = face_shape(taken.shape[1:])
    # One face at a time, as the runtime uses it: with an open batch size, the file would compute its
    # shapes for every face and LiteRT could not run all layers in one go.
    one_face = TensorSpec((1, *shape.dims(card.size, COLOURS[card.colour])), taken.dtype, name="face")
    with tempfile.TemporaryDirectory() as folder, _noise_held_back():
        archive = keras.export.ExportArchive()
        archive.track(network)
        archive.add_endpoint("read", _reading(network, card), input_signature=[one_face])
        try:
            # Not from_keras_model, which does the same and hides it when the disk is full.
            archive.write_out(folder, verbose=False)
        except errors.ResourceExhaustedError as error:
            raise OSError(errno.ENOSPC, f"no space left in {tempfile.gettempdir()}") from error
        return lite_bytes(folder, card, faces)


def _reading(network: Any, card: Card) -> Callable[[Any], Any]:
    """Returns a function from faces to the network's outputs for its labels, and nothing else."""
    from .architectures import keras

    shapes = [output.shape[1:] for output in network.outputs]
    chosen = answering(shapes, len(card.heads), 1 if card.answers in ("chance", "odds") else len(card.labels))

    def read(face: Any) -> Any:
        # Explicit, because layers that distort pictures would otherwise continue to do so.
        answers = keras.tree.flatten(network(face, training=False))
        heads = [answers[index] for index in chosen]
        return heads[0] if len(heads) == 1 else keras.ops.stack(heads, 1)

    return read


def lite_bytes(folder: str, card: Card, faces: np.ndarray | None) -> bytes:
    """Returns a SavedModel as the bytes of a .tflite file.

    Args:
        folder: Its location; it takes a fixed number of faces.
        card: Its fact "weights" says how the numbers are to be stored.
        faces: (n, size, size, channels) float32, for int8.
    """
    from tensorflow import float16, lite, saved_model

    # One signature: with all of them, the file would contain the network several times.
    converter = lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
    form = card.facts["weights"]
    if form != "none":
        converter.optimizations = [lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [float16]
    if form == "int8":
        (taken,) = (
            saved_model.load(folder).signatures["serving_default"].structured_input_signature[1].values()
        )
        fitted = face_shape(taken.shape[1:]).fitted(faces).astype(taken.dtype.as_numpy_dtype)
        batch = taken.shape[0]
        converter.representative_dataset = lambda: ([np.repeat(face[None], batch, 0)] for face in fitted)
        converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
    with _noise_held_back(), _as_layer_error():
        return converter.convert()


@contextlib.contextmanager
def _as_layer_error() -> Iterator[None]:
    """Reports layers that LiteRT does not support."""
    from tensorflow.lite.python.convert_phase import ConverterError

    try:
        yield
    except ConverterError as error:
        steps = re.search(r"(?:TF Select|Custom) ops: (.*)", str(error))
        raise BadInputError(
            f"The network cannot be converted to .tflite: {steps[1] if steps else 'unsupported layers'}.",
            "Expected layers that LiteRT supports.",
            "Export it as .keras, which TensorFlow runs, or remove those layers where it was made.",
        ) from error


def _network(path: Path):
    """Returns a saved network, in float32."""
    from .architectures import keras, plain, read_network

    if keras.backend.backend() != "tensorflow":
        raise RunError(
            f"Keras runs on {keras.backend.backend()}.",
            "Expected tensorflow, whose converter is needed.",
            "Set KERAS_BACKEND=tensorflow for this step.",
        )
    return plain(read_network(path))


@contextlib.contextmanager
def _noise_held_back():
    """Suppresses the converter's harmless output; errors are exceptions and still get through."""
    with contextlib.redirect_stdout(io.StringIO()), without_lines(CHATTER), warnings.catch_warnings():
        # They come from the faces, which the warning does not take into account.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        logger = logging.getLogger("tensorflow")
        level = logger.level
        logger.setLevel(logging.WARNING)  # in a notebook it tells which temporary files it writes
        try:
            yield
        finally:
            logger.setLevel(level)
