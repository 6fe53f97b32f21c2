"""Turns a trained .keras network into a .tflite file for small machines.

`scripts/train.py` and `expression export` call `export`. The converter belongs to TensorFlow,
so this step needs it whatever backend Keras runs on otherwise.

Notebook: 14_small_and_fast
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from .card import Card, read_card, write_card
from .errors import BadInputError, OutputError, RunError, damage_told, missing_package

QUANTIZE = ("none", "float16", "int8")
"""How weights are kept. int8 is "dynamic range": weights of one byte, sums in float32 at the end.

Source: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_quantization
"""


def export(keras_path: str | Path, tflite_path: str | Path, quantize: str = "int8") -> Card:
    """Writes a .keras network as .tflite, with the same card.

    Args:
        keras_path: A network that `training.save` wrote.
        tflite_path: The file to write.
        quantize: none, float16 (half the size) or int8 (a quarter, and several times quicker).

    Returns:
        The card that is now in the file.

    Raises:
        BadInputError: Another word for quantize, or the file is not such a network.
        OutputError: The new file is not called .tflite, or cannot be written.
        MissingPackageError: TensorFlow is not installed.
        RunError: Keras runs on another backend.
    """
    if quantize not in QUANTIZE:
        raise BadInputError(
            f"--quantize is {quantize!r}.", f"Expected {', '.join(QUANTIZE)}.", "Try --quantize int8."
        )
    keras_path, tflite_path = Path(keras_path), Path(tflite_path)
    if tflite_path.suffix != ".tflite":
        raise OutputError(
            f"{tflite_path} does not end in .tflite.",
            "Expected that ending, by which runtimes know the format.",
            f"Try {tflite_path.with_suffix('.tflite').name}.",
        )
    card = read_card(keras_path)
    card = Card(card.labels, card.size, card.preprocessing, {**card.facts, "weights": quantize})
    part = tflite_path.with_name(f"part-{tflite_path.name}")
    try:
        part.touch()  # Tells of a folder that is missing or locked before the work.
        part.write_bytes(_convert(keras_path, quantize))
        write_card(part, card)
        os.replace(part, tflite_path)
    except OSError as error:
        raise OutputError(
            f"{tflite_path} cannot be written ({error.strerror or error}).",
            "Expected a folder that is there and writable.",
            "Make the folder, or choose another.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return card


def _convert(path: Path, quantize: str) -> bytes:
    """Returns a .keras network as the bytes of a .tflite file."""
    from .network import in_float32, keras

    if keras.backend.backend() != "tensorflow":
        raise RunError(
            f"Keras runs on {keras.backend.backend()}.",
            "Expected tensorflow, whose converter is used.",
            "Set KERAS_BACKEND=tensorflow for this step.",
        )
    try:
        import tensorflow
    except ImportError as error:
        raise missing_package("Export to .tflite", "tensorflow", "lessons") from error
    with damage_told(
        f"{path} cannot be read",
        "Expected a .keras file that is whole.",
        "Train it again, or fetch it again.",
    ):
        network = in_float32(keras.models.load_model(path, compile=False))
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(network)
    if quantize != "none":
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tensorflow.float16]
    # The converter prints a page about signatures; errors are exceptions and still come through.
    with contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()
