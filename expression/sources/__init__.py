"""Sources: where frames come from; one file each, or an entry point of another package, found by name.

A source is a class with `open`, `read` and `close`. `open_source` creates one from what the
user wrote (0, a file, a folder, an address, demo, browser), and `CaptureLoop` is the thread
that reads it at its own pace. `live/session.py` calls both. To add a source, add a file.

Notebook: 03_threads
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import sys
from pathlib import Path

from ..errors import BadInputError, MissingFileError, did_you_mean, user_path
from ..pictures.kinds import is_still
from ..plugins import installed, load_class
from ..sanitize import clean
from ._base import Source

logger = logging.getLogger("expression")


def _expected() -> str:
    """The possible sources, for messages."""
    others = "".join(f", {name}" for name in sorted(installed(GROUP)))
    return (
        "Expected a camera number, a file, a folder, an rtsp or http address, "
        f"picamera, demo{others}, or, in a notebook, browser."
    )


GROUP = "expression.sources"
"""The group of entry points with which another package declares sources."""

RECONNECT = 30.0
"""Seconds without a frame after which a stream is given up, by default."""


def open_source(text: str | int | Source | None, repeat: bool = True, reconnect: float = RECONNECT) -> Source:
    """Creates a source, not yet open, from what the user wrote.

    Args:
        text: The index or device of a camera, a video file, a picture or folder of pictures, an rtsp
            or http address, a name (see `names`), for a source of another package also NAME:VALUE,
            a Source, or None for the camera if there is one, else the demo.
        repeat: Whether the demo starts again at its end, and a single picture stays.
        reconnect: Seconds without a frame after which a stream is given up.

    Raises:
        MissingFileError: It looks like a file that does not exist.
        BadInputError: It is not one of these.
        RunError: It belongs to another package and cannot be loaded.
    """
    if isinstance(text, Source):
        return text
    if text is None:
        index = first_camera()
        if index is not None:
            return _load("camera", "Webcam")(index)
        return open_source("picamera" if _board_camera() else "demo", repeat)
    text = str(text).strip()
    if not text:
        raise BadInputError(
            "The source is empty.",
            _expected(),
            "Leave it out to use the camera.",
        )
    if text == "demo":
        return _load("demo", "Demo")(repeat=repeat)
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return _open_number(text, repeat)
    if text.casefold() in ("camera", "webcam") and not os.path.exists(text):
        return _open_number(str(first_camera() or 0), repeat)
    if text.startswith("picamera:"):
        return _load("picamera", "PiCamera")(text.partition(":")[2])
    if "://" in text:
        return _open_address(text, reconnect)
    return _open_named(text) or _open_plugin(text) or _open_path(text, repeat)


def names() -> list[str]:
    """Returns the named sources for `--source`: those of this package, and those of other packages."""
    return ["demo", "browser", "picamera", *sorted(installed(GROUP))]


def first_camera() -> int | None:
    """Returns the number of the first camera, preferably a usable one."""
    from .camera import cameras

    found = sorted(cameras(), key=lambda camera: not camera.usable)
    return found[0].index if found else None


def _board_camera() -> bool:
    """Whether this is a Raspberry Pi with a camera of its own."""
    from .picamera import is_there

    return is_there()


def _open_number(text: str, repeat: bool) -> Source:
    """Returns the camera with this number, or the file or folder of that name, such as a folder 2024."""
    from .camera import is_there

    if os.path.exists(text):
        if not is_there(int(text)):
            logger.warning("There is no camera %s, so the file or folder of that name is opened.", text)
            return _open_path(text, repeat)
        logger.warning("Camera %s is opened. To open the file or folder of that name, write ./%s", text, text)
    camera = _load("camera", "Webcam")(int(text))
    if sys.platform == "darwin":
        # macOS asks for permission here, in the main thread: a request of the capture thread would
        # be refused without a prompt (github.com/opencv/opencv/issues/16427).
        camera.probe(camera.index)
    return camera


def _open_address(text: str, reconnect: float) -> Source:
    """Returns the source for an address; errors never show it, because it may contain a password."""
    scheme = text.partition("://")[0].lower()
    if scheme not in ("rtsp", "rtsps", "http", "https"):
        raise BadInputError(
            f"The source is an address that begins with {scheme}://.",
            "Expected rtsp://, rtsps://, http:// or https://.",
            "Use such an address, or download the video and give its file name.",
        )
    return _load("stream", "Stream")(text, reconnect)


def _open_named(text: str) -> Source | None:
    """Returns the source whose file has this name, if it needs nothing else, or None."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text) or not importlib.util.find_spec(f"{__name__}.{text}"):
        return None
    module = importlib.import_module(f".{text}", __name__)
    kinds = [k for k in vars(module).values() if isinstance(k, type) and issubclass(k, Source)]
    return next((kind() for kind in kinds if kind.named and kind.__module__ == module.__name__), None)


def _open_plugin(text: str) -> Source | None:
    """Returns the source of another package, written as NAME or NAME:VALUE, or None."""
    name, colon, value = text.partition(":")
    if not re.fullmatch(r"[A-Za-z]\w+", name) or name not in installed(GROUP):
        return None
    kind = load_class(installed(GROUP)[name], Source)
    try:
        return kind(value) if colon else kind()
    except TypeError as error:
        raise BadInputError(
            f"The source {text!r} cannot be created: {clean(str(error))}.",
            f"Expected {name} alone, or {name}: followed by one value.",
            "See the documentation of the package that it comes from.",
        ) from error


def _open_path(text: str, repeat: bool) -> Source:
    """Returns the source for a file, a folder or a device."""
    path = user_path(text)
    if path.is_char_device() or re.fullmatch(r"/dev/video[0-9]+", text):  # which may not exist
        return _open_device(path)
    if path.is_dir() or is_still(path):
        return _load("folder", "Folder")(path, stay=repeat and path.is_file())
    if path.is_file() or path.is_fifo():
        return _load("video", "Video")(path)
    if path.suffix or os.sep in text or "/" in text:
        raise MissingFileError(
            f"There is no file or folder {text}.",
            "Expected a video, a picture or a folder of pictures.",
            "Check the name and the folder.",
        )
    raise BadInputError(
        f"There is no source {text!r}.",
        _expected(),
        did_you_mean(text, names(), "Choose another source, such as demo."),
    )


def _open_device(path: Path) -> Source:
    """Returns the camera of a device such as /dev/video0 or its link /dev/v4l/by-id/..."""
    camera = re.fullmatch(r"video([0-9]+)", path.resolve().name)
    if camera is None:
        raise BadInputError(
            f"{path} is a device, but not a camera.",
            _expected(),
            "Choose a camera, such as 0 or /dev/video0.",
        )
    source = _load("camera", "Webcam")(int(camera[1]))
    source.description = str(path)
    return source


def _load(module: str, name: str) -> type[Source]:
    """Imports a module of this folder only when it is needed."""
    return getattr(importlib.import_module(f".{module}", __name__), name)


def fallback_notice(chosen: object, source: Source) -> str:
    """Returns a notice if the demo runs in place of a camera, else an empty string."""
    if chosen is None and source.description == "the demo":
        return "No camera was found, so the bundled demo runs."
    return ""
