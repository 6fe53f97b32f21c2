"""Networks and detectors as files: those that come with the package, and those to download.

`vision/detectors.py` gets YuNet's file from `require`, `loading.py` and `live/session.py` use `SHIPPED`;
`expression models list|get` calls the others. A file is searched for in the folder that
EXPRESSION_MODELS names, then in the user's cache folder, then in this folder. A file of
the catalogue is used only if its SHA-256 is correct.

Notebook: 01_start_here
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import (
    BadInputError,
    MissingFileError,
    OutputError,
    RunError,
    did_you_mean,
    missing_package,
    user_path,
)
from ..files import own_folder

FOLDER = Path(__file__).parent
"""The folder of the files that come with the package."""

SHIPPED = FOLDER / "expression.tflite"
"""The network that live runs use by default."""

LARGEST = 50_000_000
"""Largest size of an optional model in bytes; a server that sends more sends something else."""

TIMEOUT = 8.0
"""Seconds that a server may take to answer before `get` gives up."""


@dataclass(frozen=True)
class Model:
    """An optional model that anyone can download.

    Attributes:
        file_name: The name of the file in every folder.
        address: The address from which it is downloaded.
        sha256: The required checksum of its content.
        purpose: Its purpose, in a few words.
        licence: Its licence.
    """

    file_name: str
    address: str
    sha256: str
    purpose: str
    licence: str


CATALOGUE = {
    "yunet": Model(
        file_name="face_detection_yunet_2023mar.onnx",
        address="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
        "face_detection_yunet_2023mar.onnx",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        purpose="face detector, faster and more accurate than Haar (0.2 MB)",
        licence="MIT",
    ),
}
"""Optional models by name.

Source: https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet
"""


def folders() -> list[Path]:
    """Returns the folders to search, in order."""
    named = os.environ.get("EXPRESSION_MODELS")
    return ([user_path(named)] if named else []) + [cache_folder(), FOLDER]


def cache_folder() -> Path:
    """Returns the folder for downloaded files; it may not exist yet."""
    return own_folder("cache") / "models"


def find(file_name: str) -> Path | None:
    """Returns the path of a file, or None.

    A file of the catalogue with the wrong content is skipped.
    """
    return next((path for path in _places(file_name) if _is_right(path)), None)


def require(name: str) -> Path:
    """Returns the path of a model of the catalogue.

    Raises:
        BadInputError: The catalogue has no such name.
        MissingFileError: It is not found, or only with the wrong content; download it.
    """
    model = _model(name)
    path = find(model.file_name)
    if path is None:
        raise _missing(name, model)
    return path


def get(name: str) -> Path:
    """Downloads a model of the catalogue into the cache folder, unless it is there already.

    Args:
        name: A name of the catalogue, such as "yunet".

    Returns:
        The path of the file; its checksum is correct.

    Raises:
        BadInputError: The catalogue has no such name.
        RunError: The server cannot be reached, refuses the request, or sends something else.
        OutputError: The cache folder cannot be written.
    """
    model = _model(name)
    return find(model.file_name) or _fetch(name, model)


def listing() -> list[str]:
    """Returns a line for each model: name, licence, purpose and path."""
    lines = []
    for name, model in CATALOGUE.items():
        place = find(model.file_name) or f"not downloaded: expression models get {name}"
        lines.append(f"{name:8} {model.licence:10} {model.purpose:55} {place}")
    return lines


def _places(file_name: str) -> list[Path]:
    """Returns the files with that name in the folders to search."""
    return [folder / file_name for folder in folders() if (folder / file_name).is_file()]


def _is_right(path: Path) -> bool:
    """Whether a file of the catalogue has the right checksum; other files are always accepted."""
    wanted = {model.file_name: model.sha256 for model in CATALOGUE.values()}.get(path.name)
    return wanted is None or hashlib.sha256(path.read_bytes()).hexdigest() == wanted


def _model(name: str) -> Model:
    """Returns a model of the catalogue, or raises a BadInputError."""
    if name not in CATALOGUE:
        raise BadInputError(
            f"There is no model {name!r}.",
            f"Expected one of {', '.join(CATALOGUE)}.",
            did_you_mean(name, CATALOGUE, "Run: expression models list"),
        )
    return CATALOGUE[name]


def _missing(name: str, model: Model) -> MissingFileError:
    """Returns the error for a model that is not found, or only with the wrong content."""
    wrong = _places(model.file_name)
    happened = f"{name}'s file {model.file_name} was not found."
    if wrong:
        happened = f"{wrong[0]} is not the file of {name}: its SHA-256 is different."
    return MissingFileError(
        happened,
        "Expected it in the folder set by EXPRESSION_MODELS, or in the cache folder.",
        f"Run: expression models get {name}",
    )


def _fetch(name: str, model: Model) -> Path:
    """Downloads to a temporary file next to the target, checks it and moves it there."""
    try:
        import pooch
        import requests
    except ImportError as error:
        raise missing_package("Downloading a model", "pooch") from error
    pooch.get_logger().setLevel("WARNING")
    try:
        file = pooch.retrieve(
            model.address,
            known_hash=f"sha256:{model.sha256}",
            fname=model.file_name,
            path=cache_folder(),
            downloader=_download,
        )
    except requests.HTTPError as error:
        error.response.close()
        raise _not_fetched(name, model, f"answered {error.response.status_code}") from error
    except requests.Timeout as error:
        raise _not_fetched(name, model, f"did not answer for {TIMEOUT:g} s") from error
    except requests.RequestException as error:  # before OSError, of which it is a subclass
        raise _not_fetched(name, model, "cannot be reached") from error
    except ValueError as error:
        raise _not_fetched(name, model, "sent a file with a different SHA-256, which was deleted") from error
    except OSError as error:
        raise OutputError(
            f"{cache_folder()} cannot be written ({error.strerror or error}).",
            "Expected a writable folder.",
            "Free some space, check its permissions, or put the file in the folder of EXPRESSION_MODELS.",
        ) from error
    return Path(file)


def _download(address: str, path: str, _: object) -> None:
    """Writes what a server sends into a file, `LARGEST` bytes at most."""
    import requests

    with requests.get(address, stream=True, timeout=TIMEOUT) as answer, open(path, "wb") as file:
        answer.raise_for_status()
        for piece in answer.iter_content(65_536):
            if file.write(piece) and file.tell() > LARGEST:
                raise ValueError("too large")


def _not_fetched(name: str, model: Model, what: str) -> RunError:
    """Returns the error for a download that failed."""
    return RunError(
        f"{name} could not be downloaded: {model.address} {what}.",
        f"Expected the file with the SHA-256 {model.sha256[:12]}....",
        f"Try again later, or save {model.file_name} in the folder set by EXPRESSION_MODELS.",
    )
