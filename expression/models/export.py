"""Turns a trained .keras network into a .tflite file for small machines.

`scripts/train.py` and `expression export` call `export`; `benchmarks/network.py` measures what
each form costs and what it loses. The converter belongs to TensorFlow, so this step needs it
whatever backend Keras runs on otherwise.

Notebook: 05_train
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from .card import Card, read_card, write_card
from .errors import BadInputError, OutputError, RunError, did_you_mean, missing_package
from .image import preprocess
from .quiet import without_lines
from .runtime import Runtime

QUANTIZE = ("none", "float16", "dynamic", "int8")
"""How the numbers of a network are kept.

none: float32 throughout. float16: weights of two bytes, sums in float32. dynamic: weights of one
byte; what flows between layers is put into bytes face by face, by its own range ("dynamic range").
int8: everything in bytes, by ranges that were found beforehand on representative faces; pictures
go in and scores come out as float32 all the same.
Source: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_quantization
"""

CHATTER = "fully_quantize:"
"""Part of the line in which the converter tells that it makes an int8 file."""


def export(
    keras_path: str | Path,
    tflite_path: str | Path,
    quantize: str = "dynamic",
    faces: np.ndarray | None = None,
) -> Card:
    """Writes a .keras network as .tflite, with the same card.

    Args:
        keras_path: A network that `network.save` wrote.
        tflite_path: The file to write.
        quantize: none, float16 (half the size), dynamic (a quarter, and several times quicker)
            or int8 (as small, for chips that know whole numbers only).
        faces: (n, size, size, 1) float32 as `image.standardise` makes them, a few hundred such as
            the network will meet; int8 takes its ranges from them. None for `common_faces`.

    Returns:
        The card that is now in the file.

    Raises:
        BadInputError: Another word for quantize, faces that are not standardised or of another shape,
            or the file is not such a network.
        OutputError: The new file is not called .tflite, or cannot be written.
        MissingPackageError: TensorFlow is not installed, or scikit-image where its faces are used.
        RunError: Keras runs on another backend.
    """
    keras_path, tflite_path = Path(keras_path), Path(tflite_path)
    _check_words(quantize, tflite_path)
    card = read_card(keras_path)
    if quantize == "int8":
        faces = common_faces(card.size) if faces is None else _checked(faces, card.size)
    card = replace(card, facts={**card.facts, "weights": quantize})
    part = tflite_path.with_name(f"part-{tflite_path.name}")
    try:
        part.touch()  # Tells of a folder that is missing or locked before the work.
        part.write_bytes(_convert(keras_path, card, faces))
        write_card(part, card)
        os.replace(part, tflite_path)
    except OSError as error:
        raise OutputError(
            f"{tflite_path} cannot be written ({error.strerror or error}).",
            "Expected a folder that is there and writable, with room for it.",
            "Make the folder, or room, or choose another.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return card


def agreement(first: Runtime, second: Runtime, pictures: np.ndarray, head: str | None = None) -> float:
    """Returns the share of pictures for which two networks have the same label first.

    Args:
        first: A network.
        second: Another of the same input and labels, such as the same one exported.
        pictures: (n, size, size, 1) float32 as `image.standardise` makes them, at least one.
        head: Whose answers, as for `Runtime.scores`.

    Example:
        >>> from expression.runtime import load
        >>> agreement(load(), load(), np.zeros((2, 48, 48, 1), np.float32))
        1.0
    """
    labels = [runtime.scores(pictures, head).argmax(1) for runtime in (first, second)]
    return float((labels[0] == labels[1]).mean())


def common_faces(size: int) -> np.ndarray:
    """Returns faces that come with scikit-image, for who has no others at hand.

    They are 100 faces of Labeled Faces in the Wild, 25 x 25 pixels, and their mirror images: softer
    than what a camera gives, so the sharpest faces exceed their ranges and single scores stray
    further (by 0.35 at most, not 0.20). Most are kept better: an int8 network made with them had the
    label of float32 for 97.9% of 1,500 pictures of PublicTest, one made with 300 training pictures of
    FER2013 for 96.3%. A few odd pictures there stretch the ranges, which makes every step coarser.

    Args:
        size: Pixels on a side.

    Returns:
        (200, size, size, 1) float32 as `image.standardise` makes them.

    Raises:
        MissingPackageError: scikit-image is not installed.
    """
    try:
        from skimage.data import lfw_subset
    except ImportError as error:
        raise missing_package(
            "Export to int8 without faces of your own", "scikit-image", "lessons"
        ) from error
    # The first half of the set are faces, the other half are not.
    pictures = [np.uint8(255 * picture) for picture in lfw_subset()[:100]]
    return np.stack(
        [preprocess(side, size=size) for picture in pictures for side in (picture, picture[:, ::-1])]
    )


def _check_words(quantize: str, path: Path) -> None:
    """Raises an error for another word for quantize, or another ending."""
    if quantize not in QUANTIZE:
        raise BadInputError(
            f"--quantize is {quantize!r}.",
            f"Expected {', '.join(QUANTIZE)}.",
            did_you_mean(quantize, QUANTIZE, "Try --quantize dynamic."),
        )
    if path.suffix != ".tflite":
        raise OutputError(
            f"{path} does not end in .tflite.",
            "Expected that ending, by which runtimes know the format.",
            f"Try {path.with_suffix('.tflite').name}.",
        )


def _checked(faces: np.ndarray, size: int) -> np.ndarray:
    """Returns the faces as float32, or raises a BadInputError for another shape or scale.

    From faces far off their scale ranges would come that end LiteRT, and Python with it.
    """
    faces = np.asarray(faces, np.float32)
    if faces.shape[1:] != (size, size, 1) or not len(faces):
        raise BadInputError(
            f"The representative faces have the shape {faces.shape}.",
            f"Expected (n, {size}, {size}, 1), with a few hundred of them.",
            "Give image.standardise(pictures), or none.",
        )
    mean, deviation = faces.mean(), faces.std()
    if not (abs(mean) < 0.1 and 0.3 < deviation < 1.1):
        raise BadInputError(
            f"The representative faces have the mean {mean:.3g} and the deviation {deviation:.3g}.",
            "Expected about 0 and just under 1.",
            "Give image.standardise(pictures), or none.",
        )
    return faces


def _convert(path: Path, card: Card, faces: np.ndarray | None) -> bytes:
    """Returns a .keras network as the bytes of a .tflite file, in the form that its card tells."""
    network = _network(path)
    from tensorflow import TensorSpec, errors, float16, float32, lite

    # One face at a time, as the runtime asks: with an open number, the file would compute its
    # shapes at every face and LiteRT could not take all layers in one go.
    one_face = TensorSpec((1, card.size, card.size, 1), float32, name="face")
    with tempfile.TemporaryDirectory() as folder, _noise_held_back():
        try:
            # Not from_keras_model, which does the same and hides it when the disk is full.
            network.export(folder, verbose=False, input_signature=[one_face])
        except errors.ResourceExhaustedError as error:
            raise OSError(errno.ENOSPC, f"no room in {tempfile.gettempdir()}") from error
        converter = lite.TFLiteConverter.from_saved_model(folder)
        form = card.facts["weights"]
        if form != "none":
            converter.optimizations = [lite.Optimize.DEFAULT]
        if form == "float16":
            converter.target_spec.supported_types = [float16]
        if form == "int8":
            converter.representative_dataset = lambda: ([face[None]] for face in faces)
            converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
        return converter.convert()


def _network(path: Path):
    """Returns a saved network, in float32."""
    from .network import keras, plain, read_network

    if keras.backend.backend() != "tensorflow":
        raise RunError(
            f"Keras runs on {keras.backend.backend()}.",
            "Expected tensorflow, whose converter is used.",
            "Set KERAS_BACKEND=tensorflow for this step.",
        )
    return plain(read_network(path))


@contextlib.contextmanager
def _noise_held_back():
    """Holds back what the converter prints when all is well; errors are exceptions and come through."""
    with contextlib.redirect_stdout(io.StringIO()), without_lines(CHATTER), warnings.catch_warnings():
        # They come from the faces, which the warning does not know of.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        yield
