"""Recognises which kind of network a file is, by its content and not by its name.

`metadata.py`, `loading.py` and `external.py` use it. Zip files are opened only here, with limits on what they
may unpack to: a few kilobytes can claim to contain gigabytes.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInputError, MissingFileError, as_bad_input
from ..files import read_start
from ..pictures.kinds import NO_PICTURE, SNIFFED, no_picture

TFLITE, KERAS, H5, SAVED_MODEL = ".tflite", ".keras", ".h5", "SavedModel"
"""The kinds. .h5 is Keras's format until 2023, SavedModel is TensorFlow's own folder."""

KINDS = f"a network as {TFLITE}, {KERAS}, {H5} or a {SAVED_MODEL} folder"
"""The kinds, in words for people."""

GRAPH = "saved_model.pb"
"""The file by which a SavedModel folder is recognised."""

WHOLE = (
    "Expected a complete .tflite or .keras file.",
    "Choose another file, or download this one again.",
)
"""What is expected of a file that is not a network, and what to do."""

LARGEST_LITE = 2**31
"""Size of the largest .tflite file in bytes; its offsets cannot go further."""

UNPACKED, TIMES, LARGEST_CONFIG = 2**28, 20, 2**26
"""Limits in bytes, in multiples of its size and for its configuration, of what a zip may unpack to.

Weights can hardly be compressed, so a file that grows more contains something else.
"""

AGAIN = "Save the whole network in the program that made it: model.save('mine.keras')."
"""The remedy for a file that contains only a part."""

STRANGERS = {
    ".onnx": ("an ONNX file", 'Run: pip install onnx2tf, then: onnx2tf -i "{path}" -o converted'),
    ".pb": ("a graph without its variables", AGAIN),
    ".json": (
        "an architecture without weights",
        AGAIN,
    ),
    ".pt": (
        "a PyTorch file",
        "Convert it to .tflite in the program that made it, for example with litert-torch.",
    ),
    "pickle": (
        "a pickle, which can run any program",
        AGAIN,
    ),
    "archive": ("an archive", "Unpack it and choose the network inside."),
}
"""Other kinds of files, and the remedy for each."""


def network_format(path: Path) -> str:
    """Returns the kind of a network.

    Raises:
        MissingFileError: It does not exist.
        BadInputError: It is something else; the message says what, if that is known.
    """
    if path.name == GRAPH and path.is_file():
        return SAVED_MODEL
    if path.is_dir():
        if (path / GRAPH).is_file():
            return SAVED_MODEL
        raise BadInputError(
            f"{path} is a folder without {GRAPH}.",
            f"Expected {KINDS}.",
            "Choose the file or folder that holds the network.",
        )
    if not path.is_file():
        raise MissingFileError(
            f"The network {path} was not found.",
            "Expected a .tflite or .keras file.",
            "Check the path.",
        )
    head = read_start(path, 16)
    if head[4:8] == b"TFL3" and path.stat().st_size < LARGEST_LITE:
        return TFLITE
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return H5
    names = _names(path) if head.startswith(b"PK") and zipfile.is_zipfile(path) else []
    if "config.json" in names:
        return KERAS
    raise _not_a_network(path, head, names)


def _names(path: Path) -> list[str]:
    with as_bad_input(f"{path} is not a network", *WHOLE), zipfile.ZipFile(path) as file:
        return file.namelist()


def _not_a_network(path: Path, head: bytes, names: list[str]) -> BadInputError:
    """Returns the error for a file of another kind."""
    kind = {".pth": ".pt"}.get(path.suffix.lower(), path.suffix.lower())
    if any(name.endswith("data.pkl") for name in names):
        kind = ".pt"
    elif names:
        kind = "archive"
    elif kind != ".pt" and head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        kind = "pickle"
    what, remedy = no_picture(read_start(path, SNIFFED))  # such as a web page, or an archive
    if kind not in STRANGERS and what != NO_PICTURE:
        remedy = f"{remedy} Or choose another file." if head else WHOLE[1]
        return BadInputError(f"{path} is not a network: it is {what}.", WHOLE[0], remedy)
    if kind not in STRANGERS:
        return BadInputError(f"{path} is not a network.", *WHOLE)
    what, remedy = STRANGERS[kind]
    return BadInputError(
        f"{path} is not a network that can be read: it is {what}.",
        f"Expected {KINDS}.",
        remedy.format(path=path),
    )


@contextlib.contextmanager
def opened_zip(path: Path, expected: str = WHOLE[0], remedy: str = WHOLE[1]) -> Iterator[zipfile.ZipFile]:
    """Opens a zip of a network, unless it would unpack to far more than its size.

    Args:
        path: The file.
        expected: What was expected, for the message about a damaged file.
        remedy: What to do about it, for the same message.

    Raises:
        BadInputError: It is damaged, or too large unpacked; also for errors while the caller uses it.
    """
    with as_bad_input(f"{path} is not a network", expected, remedy), zipfile.ZipFile(path) as file:
        whole = sum(info.file_size for info in file.infolist())
        config = sum(info.file_size for info in file.infolist() if info.filename == "config.json")
        if whole > max(UNPACKED, TIMES * path.stat().st_size) or config > LARGEST_CONFIG:
            raise ValueError(f"it would unpack to {max(whole, config):,} bytes")
        yield file
