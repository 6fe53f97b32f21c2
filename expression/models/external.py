"""Imports networks made elsewhere: finds out about them and writes them in this package's form.

    adopt("theirs.h5", "mine.tflite", labels="Angry,Disgust,Happy", wanted="0..1")

Somebody else's network does not say what its numbers stand for and how its pictures are scaled.
Its user says so once; everything else is found in the file. The resulting file has a
card like our own, so `live`, `evaluate`, `personalise` and the others can use it as it is.
`expression export` calls `adopt`; `load` calls `inspect` for a network without a card.
Such files are read in a separate process (`isolation.py`), those of Keras by `external_keras.py`.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInputError, OutputError, as_bad_input
from ..files import replacing
from .export import check_words
from .external_facts import Found
from .formats import GRAPH, SAVED_MODEL, TFLITE, network_format, opened_zip
from .isolation import call, watched
from .metadata import Card, is_name, write_card
from .runtime import LiteRuntime, Runtime, lite_shape, opened
from .shapes import face_shape, for_one_face, kind_of_answers

TRIALS = 12
"""Number of pictures used to find out what a network's numbers are."""


def adopt(
    path: str | Path,
    out: str | Path,
    labels: str | None = None,
    wanted: str | None = None,
    quantize: str | None = None,
    pictures: np.ndarray | None = None,
) -> Card:
    """Writes a network that was made elsewhere in this package's form.

    Args:
        path: A .tflite, .keras or .h5 file or a SavedModel folder.
        out: The .tflite file to write, or a .keras file, which `personalise` can train.
        labels: The names of its labels, in the order of its scores, separated by commas.
        wanted: The format of its input, as for `--input`: "0..1", "64,rgb,-1..1" ...
        quantize: As for `export.export`; None leaves the network's numbers unchanged.
        pictures: (n, 48, 48) uint8 faces for int8.

    Returns:
        The card that is now in the file.

    Raises:
        MissingFileError: The network does not exist.
        BadInputError: It cannot be read, something is missing or does not fit.
        OutputError: `out` cannot be written, or would replace the network.
        MissingPackageError: It needs TensorFlow, which is not installed.
    """
    path, out = _folder(Path(path)), Path(out)
    kind = network_format(path)
    check_words(quantize or "none", out.with_suffix(TFLITE))
    _check_out(path, kind, out, quantize)
    if kind == TFLITE:
        card = _asked("models.external:lite_card", path, labels, wanted, str(out))
        with replacing(out) as part:
            shutil.copyfile(path, part)
            write_card(part, card)
        return card
    function = "models.external_keras:converted" if kind == SAVED_MODEL else "models.external_keras:tidied"
    with tempfile.TemporaryDirectory() as folder:
        faces, made = Path(folder) / "pictures.npy", Path(folder) / f"made{out.suffix}"
        np.save(faces, np.empty(0) if pictures is None else pictures)
        words = (labels, wanted, str(out), str(made), quantize or "none", str(faces))
        card = _asked(function, path, *words)
        with replacing(out) as part:
            shutil.copyfile(made, part)
    return card


def inspect(path: str | Path, ending: str = TFLITE) -> None:
    """Raises the error that says what is known about a network without a card, and what is not.

    Args:
        path: The network.
        ending: The extension of a file that the caller can use.
    """
    path = _folder(Path(path))
    function = (
        "models.external:lite_card" if network_format(path) == TFLITE else "models.external_keras:examined"
    )
    _asked(function, path, None, None, f"{path.stem}-labelled{ending}")


def _asked(function: str, path: Path, *words: str | None) -> Card:
    """Returns the card of a network, found by another process."""
    text = call(function, str(path), *words, happened=f"{path} cannot be read")
    return Card.from_json(text)


def _folder(path: Path) -> Path:
    """Returns the folder of a SavedModel that was given as its file."""
    return path.parent if path.name == GRAPH and path.is_file() else path


def _check_out(path: Path, kind: str, out: Path, quantize: str | None) -> None:
    """Raises an error if a network cannot be written that way."""
    if out.suffix not in (TFLITE, ".keras"):
        raise OutputError(
            f"{out} does not end in .tflite or .keras.",
            "Expected .tflite to run it, or .keras to personalise it.",
            f"Try {out.with_suffix(TFLITE).name}.",
        )
    if out.exists() and path.exists() and out.samefile(path):
        raise OutputError(
            f"{out} is the network itself.",
            "Expected another file, so that yours stays unchanged.",
            "Choose a new name.",
        )
    if kind in (TFLITE, SAVED_MODEL) and out.suffix != TFLITE:
        raise BadInputError(
            f"{path} cannot be converted to {out.name}.",
            "Expected a .keras or .h5 file; the layers of other files are not known.",
            "Choose an --out that ends in .tflite.",
        )
    if quantize and (kind == TFLITE or out.suffix != TFLITE):
        raise BadInputError(
            f"--quantize is {quantize}, but {path} is written as {out.name}.",
            "Expected it only when a .keras, .h5 or SavedModel network is converted to .tflite.",
            "Leave it out.",
        )


def lite_card(path: str, labels: str | None, text: str | None, out: str) -> str:
    """Returns the card of a .tflite file as JSON; called in another process, which damage may crash."""
    with (
        watched(),
        as_bad_input(f"{path} does not run", "Expected a complete .tflite file.", "Download it again."),
    ):
        interpreter = opened(Path(path))
        taken, *others = interpreter.get_input_details()
        if others:
            raise ValueError(f"it takes {1 + len(others)} inputs instead of one picture")
        batch, *dims = lite_shape(taken)
        shape = face_shape(dims)
        example = shape.dims(shape.size or 48, shape.channels or 1)
        interpreter.resize_tensor_input(taken["index"], [batch or 1, *example])
        interpreter.allocate_tensors()
        outputs = [
            (output["name"], math.prod(for_one_face(output["shape"].tolist(), batch or 1)))
            for output in interpreter.get_output_details()
        ]
        likely = _likely_scaling(taken), _packed_labels(Path(path), outputs)
        found = Found(Path(path), shape, outputs, out, *likely)
    card = found.card(labels, text)
    with watched(), as_bad_input(f"{path} does not run", f"Expected {found.told}.", "Export it again."):
        return tried(LiteRuntime(Path(path), card)).to_json()


def tried(runtime: Runtime) -> Card:
    """Returns the card of a network after trying it on some pictures, to find out what its numbers are."""
    generator = np.random.default_rng(0)
    size, noise = runtime.size, [generator.integers(0, 256, (12, 12), np.uint8) for _ in range(TRIALS)]
    numbers = runtime.numbers(np.stack([runtime.preprocess(picture) for picture in noise]))
    if not np.isfinite(numbers).all():
        raise ValueError(f"it gives numbers that are not finite for pictures of {size} x {size} pixels")
    return replace(runtime.card, answers=kind_of_answers(numbers))


def _likely_scaling(details: dict[str, Any]) -> str:
    """Returns the scaling that an integer input was made for, judged by its range."""
    scale, zero = details["quantization"]
    kind = np.dtype(details["dtype"])
    if kind.kind == "f" or not scale:
        return "0..1" if kind.kind == "f" else "0..255"
    low, high = ((limit - zero) * scale for limit in (np.iinfo(kind).min, np.iinfo(kind).max))
    fits = [text for text, ends in _RANGES.items() if np.allclose((low, high), ends, atol=0.02 * ends[1])]
    return fits[0] if fits else "0..1"


def _packed_labels(path: Path, outputs: Sequence[tuple[str, int]]) -> list[str]:
    """Returns the labels in TensorFlow's "associated files", which are in a zip appended to the network."""
    if not zipfile.is_zipfile(path):
        return []
    with contextlib.suppress(BadInputError), opened_zip(path) as file:
        texts = [
            info for info in file.infolist() if info.filename.endswith(".txt") and info.file_size < 2**16
        ]
        for info in texts:
            names = [line.strip() for line in file.read(info).decode(errors="replace").splitlines()]
            if len(names) in [size for _, size in outputs] and all(map(is_name, names)):
                return names
    return []


_RANGES = {"0..1": (0, 1), "-1..1": (-1, 1), "0..255": (0, 255)}
"""Common scalings, and the values of black and white."""
