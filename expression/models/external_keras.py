"""Imports networks that need TensorFlow: Keras's .keras and .h5 files, and SavedModel folders.

`external.adopt` calls these functions in a separate process. Python code inside a file, as in
Lambda and custom layers, is never run.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInputError, as_bad_input, missing_package
from ..pictures.scaling import COLOURS
from .export import export, faces_of, lite_bytes
from .external import tried
from .external_facts import Found, command_line
from .formats import GRAPH, H5, KERAS, SAVED_MODEL, network_format, opened_zip
from .isolation import watched
from .metadata import write_card
from .runtime import KerasRuntime, LiteRuntime
from .shapes import face_shape

OLD = {
    "DepthwiseConv2D": {"groups"},
    "Conv2DTranspose": {"groups"},
    "SeparableConv2D": {"groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"},
}
"""Arguments that Keras 2 wrote for some layers without using them, and that Keras 3 rejects.

Source: https://github.com/keras-team/keras/issues/19441
"""

SCALING = {"Rescaling", "Normalization", "TrueDivide", "Divide", "Subtract"}
"""Layers and operations that scale pixels, if a network begins with them."""

FORBIDDEN = {"ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "PyFuncStateless", "EagerPyFunc"}
"""Operations of a graph that access files or Python."""


def examined(path: str, labels: str | None, text: str | None, out: str) -> str:
    """Returns the card of a network as JSON, without trying it; raises an error if something is missing."""
    return _found(Path(path), _opened(Path(path)), out).card(labels, text).to_json()


def tidied(
    path: str, labels: str | None, text: str | None, out: str, made: str, quantize: str, faces: str
) -> str:
    """Writes a .keras or .h5 network with a card, in float32, and returns the card as JSON.

    Args:
        path: The file.
        labels: As for `external.adopt`.
        text: What `--input` says.
        out: The file that the user asked for.
        made: The .keras or .tflite file to write.
        quantize: As for `export.export`, if it is .tflite.
        faces: A .npy file of (n, 48, 48) uint8 faces for int8; an empty one for the default faces.
    """
    network = _opened(Path(path))
    from .architectures import plain, save

    found = _found(Path(path), network, out)
    card = found.card(labels, text)
    kept = Path(made).with_suffix(KERAS)
    with _as_run_error(path, found):
        save(plain(network), kept, card)
        card = tried(KerasRuntime(kept, card))
        write_card(kept, card)
    if kept != Path(made):
        card = export(kept, made, quantize, faces_of(card, np.load(faces)) if quantize == "int8" else None)
    return card.to_json()


def converted(
    path: str, labels: str | None, text: str | None, out: str, made: str, quantize: str, faces: str
) -> str:
    """Writes a SavedModel as a .tflite file with a card, and returns the card as JSON; see `tidied`."""
    module = _opened(Path(path))
    found = _found(Path(path), module, out)
    card = found.card(labels, text)
    card = replace(card, facts={**card.facts, "weights": quantize})
    pictures = faces_of(card, np.load(faces)) if quantize == "int8" else None
    with _as_run_error(path, found), tempfile.TemporaryDirectory() as folder:
        _save_for_one_face(module, found.shape.dims(card.size, COLOURS[card.colour]), folder)
        Path(made).write_bytes(lite_bytes(folder, card, pictures))
        card = tried(LiteRuntime(Path(made), card))
        write_card(made, card)
    return card.to_json()


def _as_run_error(path: str, found: Found) -> contextlib.AbstractContextManager:
    """Reports errors of a network that can be read but does not run."""
    return as_bad_input(
        f"{path} does not run", f"Expected {found.told}.", "Save it again with the program that made it."
    )


def _opened(path: Path) -> Any:
    """Reads a network: a Keras model, or the module of a SavedModel."""
    try:
        import tensorflow
    except ImportError as error:
        raise missing_package(f"Reading {path.name}", "tensorflow", "lessons") from error
    kind = network_format(path)
    with watched(), tempfile.TemporaryDirectory() as folder:
        if kind == SAVED_MODEL:
            with as_bad_input(f"{path} cannot be read", *_WHOLE_FOLDER):
                _check_graph(path)
                return tensorflow.saved_model.load(path)
        from .architectures import keras, open_network

        config, version = (_h5_config if kind == H5 else _zip_config)(path)
        with as_bad_input(
            f"{path} cannot be read by Keras {keras.__version__}", *_way_out(path, config, version)
        ):
            return open_network(_modern(path, config, Path(folder)) if kind == H5 else path)


_WHOLE_FOLDER = (
    "Expected a complete SavedModel folder.",
    "Save it again with the program that made it.",
)


def _h5_config(path: Path) -> tuple[str, str]:
    """Returns the layers of an .h5 file as JSON, and the version of Keras that wrote it."""
    import h5py

    with (
        as_bad_input(f"{path} cannot be read", "Expected a complete .h5 file.", "Download it again."),
        h5py.File(path) as file,
    ):
        texts = [file.attrs.get(name, "") for name in ("model_config", "keras_version")]
    config, version = (text.decode() if isinstance(text, bytes) else str(text) for text in texts)
    if not config:
        raise BadInputError(
            f"{path} has weights but no layers.",
            "Expected both, as model.save writes them.",
            "In the program that made it, load the weights and run: model.save('whole.keras').",
        )
    return config, version


def _zip_config(path: Path) -> tuple[str, str]:
    """Returns the layers of a .keras file as JSON, and the version of Keras that wrote it."""
    with opened_zip(path) as file:
        about = json.loads(file.read("metadata.json")) if "metadata.json" in file.namelist() else {}
        return file.read("config.json").decode(), str(about.get("keras_version", ""))


def _modern(path: Path, config: str, folder: Path) -> Path:
    """Returns an .h5 file that Keras 3 can read: the same, or a copy without Keras 2's unused arguments."""
    before = json.loads(config)
    layers = _tidied(before)
    if layers == before:
        return path
    import h5py

    copy = folder / "network.h5"
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["model_config"] = json.dumps(layers)
    return copy


def _tidied(config: Any) -> Any:
    """Returns a configuration without the arguments that Keras 3 rejects."""
    if isinstance(config, list):
        return [_tidied(part) for part in config]
    if not isinstance(config, dict):
        return config
    found = {name: _tidied(part) for name, part in config.items()}
    old = OLD.get(str(config.get("class_name")))
    if old and isinstance(found.get("config"), dict):
        found["config"] = {name: part for name, part in found["config"].items() if name not in old}
    return found


def _way_out(path: Path, config: str, version: str) -> tuple[str, str]:
    """Returns what is expected of a Keras file, and the remedy for one that this Keras cannot read."""
    from tensorflow import __version__ as tensorflow

    expected = "Expected only built-in Keras layers, and no Python code such as a Lambda layer."
    file, folder = (json.dumps(text, ensure_ascii=False) for text in (str(path), f"{path.stem}-saved"))
    if version.startswith("2."):
        package = f'pip install "tf_keras~={tensorflow.rpartition(".")[0]}.0", then '
        code = f"import tf_keras; tf_keras.models.load_model({file}, compile=False).export({folder})"
    else:
        package = ""
        code = (
            f"import keras; keras.models.load_model({file}, compile=False, safe_mode=False).export({folder})"
        )
    return expected, (
        "If you trust whoever made it, save it as a SavedModel folder, in the program that has its layers "
        f"or with: {package}{command_line(['python', '-c', code])}. Then use {folder}."
    )


def _check_graph(path: Path) -> None:
    """Raises a ValueError for a SavedModel that would access files or Python."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel()
    saved.ParseFromString((path / GRAPH).read_bytes())
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        steps = {node.op for node in graph.node}
        steps |= {node.op for function in graph.library.function for node in function.node_def}
        if steps & FORBIDDEN:
            raise ValueError(f"it would run {', '.join(sorted(steps & FORBIDDEN))}")


def _signature(module: Any) -> Any:
    """Returns the signature of a SavedModel."""
    signatures = dict(module.signatures)
    return signatures.get("serving_default") or next(iter(signatures.values()))


def _found(path: Path, network: Any, out: str) -> Found:
    """Returns the facts about a network that was read."""
    with as_bad_input(
        f"{path} cannot read faces", "Expected one input, a picture.", "Choose another network."
    ):
        if hasattr(network, "signatures"):
            signature = _signature(network)
            inputs = list(signature.structured_input_signature[1].values())
            outputs = signature.structured_outputs.items()
        else:
            inputs = network.inputs or []
            made = network.outputs or []  # each named after the layer that made it
            outputs = [(output._keras_history.operation.name, output) for output in made]
        if len(inputs) != 1:
            raise ValueError(f"it takes {len(inputs)} inputs")
        sizes = [(_short(name), math.prod(dim or 0 for dim in output.shape[1:])) for name, output in outputs]
        scaling = "0..255" if _scales_itself(network) or "int" in str(inputs[0].dtype) else "0..1"
        return Found(path, face_shape(tuple(inputs[0].shape[1:])), sizes, out, scaling)


def _short(name: str) -> str:
    """Returns the last part of a tensor's name."""
    return name.partition(":")[0].rpartition("/")[2] or name


def _scales_itself(network: Any) -> bool:
    """Returns whether a Keras network begins with a layer that scales pixels."""
    first = list(getattr(network, "operations", []))[:5]
    first += [part for layer in first for part in getattr(layer, "operations", [])[:5]]
    return any(type(step).__name__ in SCALING for step in first)


def _save_for_one_face(module: Any, dims: tuple[int, ...], folder: str) -> None:
    """Writes a SavedModel again with a fixed input shape, as the converter requires."""
    import tensorflow

    signature = _signature(module)
    ((name, taken),) = signature.structured_input_signature[1].items()
    one_face = tensorflow.TensorSpec((taken.shape[0] or 1, *dims), taken.dtype, name="face")
    fixed = tensorflow.Module()
    fixed.module = module  # keeps its variables
    fixed.read = tensorflow.function(lambda face: signature(**{name: face}), input_signature=[one_face])
    tensorflow.saved_model.save(fixed, folder, signatures=fixed.read)
