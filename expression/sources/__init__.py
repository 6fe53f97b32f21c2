"""Sources: where frames come from; one file each, found by its name.

A source is a class with `open`, `read` and `close`. `open_source` turns what a user
wrote (0, a file, a folder, an address, demo, browser) into one, and `CaptureLoop` is the
thread that reads it at its own pace. `session.py` calls both. To add a source, add a file.

Notebook: 03_threads
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time

import numpy as np

from ..data import Data, Frame
from ..errors import BadInputError, MissingFileError, did_you_mean, user_path
from ..image import PICTURES
from ..worker import Worker

EXPECTED = (
    "Expected a camera's number, a file, a folder, an rtsp or http address, demo, or, in a notebook, browser."
)
"""What a source can be, for whoever wrote something else."""


class Source:
    """Where frames come from. A subclass is one file of this folder, or a notebook cell.

    Attributes:
        fps: Frames a second of a recording, which `CaptureLoop` keeps to; None for a
            live source, whose `read` waits for the next picture by itself.
        captured: When the last picture was taken, in seconds of `time.monotonic()`, for a
            source that knows; None takes the moment in which it was read.
        mirror: Whether people see themselves in it, so that it is shown like a mirror.
        description: How messages call it, known once it is open.
        named: Whether `--source NAME` with the name of its file is enough to open it, as
            for demo.
    """

    fps: float | None = None
    captured: float | None = None
    mirror: bool = False
    description: str = "source"
    named: bool = False

    def open(self) -> None:
        """Takes the device or file.

        Raises:
            SourceError: It is missing, busy or not readable.
        """

    def read(self) -> np.ndarray | None:
        """Returns the next picture, (height, width, 3) uint8 RGB, or None at the end.

        Raises:
            SourceLostError: A live source stopped giving pictures.
        """
        return None

    def close(self) -> None:
        """Gives the device or file back; called once, also after an error."""


def open_source(text: str | int | Source | None, repeat: bool = True) -> Source:
    """Turns what a user wrote into a source that is not yet open.

    Args:
        text: A camera's index, a video file, a picture or folder of pictures, an rtsp
            or http address, demo or another file of this folder whose class is `named`,
            a Source, or None for the camera if there is one, else the demo.
        repeat: Whether the demo starts again when it is through, and a single picture stays.

    Raises:
        MissingFileError: It looks like a file and is not there.
        BadInputError: It is none of these.
    """
    if isinstance(text, Source):
        return text
    if text is None:
        index = first_camera()
        return open_source("demo", repeat) if index is None else _load("webcam", "Webcam")(index)
    text = str(text).strip()
    if not text:
        raise BadInputError(
            "The source is empty.",
            EXPECTED,
            "Leave it out for the camera.",
        )
    if text == "demo":
        return _load("demo", "Demo")(repeat=repeat)
    if re.fullmatch(r"-?[0-9]+", text):
        camera = _load("webcam", "Webcam")(int(text))
        if sys.platform == "darwin":
            # macOS asks its user here, in the main thread: the capture thread's request would
            # be refused unseen (github.com/opencv/opencv/issues/16427).
            camera.probe(camera.index)
        return camera
    if "://" in text:
        return _open_address(text)
    return _open_named(text) or _open_path(text, repeat)


def first_camera() -> int | None:
    """Returns the number of the first camera, of one that may be used if there is any."""
    from .webcam import cameras

    found = sorted(cameras(), key=lambda camera: not camera.usable)
    return found[0].index if found else None


def _open_address(text: str) -> Source:
    """Returns the source for an address; an error never shows it, for it may hold a password."""
    scheme = text.partition("://")[0].lower()
    if scheme not in ("rtsp", "rtsps", "http", "https"):
        raise BadInputError(
            f"The source is an address that begins with {scheme}://.",
            "Expected rtsp://, rtsps://, http:// or https://.",
            "Choose such an address, or save the video and name the file.",
        )
    return _load("stream", "Stream")(text)


def _open_named(text: str) -> Source | None:
    """Returns the source whose file has this name, if there is one that needs nothing else."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text) or not importlib.util.find_spec(f"{__name__}.{text}"):
        return None
    module = importlib.import_module(f".{text}", __name__)
    kinds = [k for k in vars(module).values() if isinstance(k, type) and issubclass(k, Source)]
    return next((kind() for kind in kinds if kind.named and kind.__module__ == module.__name__), None)


def _open_path(text: str, repeat: bool) -> Source:
    """Returns the source for a file or folder."""
    path = user_path(text)
    if path.is_dir():
        return _load("folder", "Folder")(path)
    if path.suffix.lower() in PICTURES and path.is_file():
        return _load("folder", "Folder")(path, stay=repeat)
    if path.is_file():
        return _load("video", "Video")(path)
    if path.suffix or os.sep in text or "/" in text:
        raise MissingFileError(
            f"There is no file or folder {text}.",
            "Expected a video, a picture or a folder of pictures.",
            "Check the name and the folder.",
        )
    raise BadInputError(
        f"There is no source {text!r}.",
        EXPECTED,
        did_you_mean(text, ("demo", "browser"), "Choose another source, such as demo."),
    )


def _load(module: str, name: str) -> type[Source]:
    """Imports a file of this folder only when it is asked for."""
    return getattr(importlib.import_module(f".{module}", __name__), name)


def told_of(chosen: object, source: Source) -> str:
    """Returns a sentence where the demo runs and nobody asked for it, else nothing."""
    if chosen is None and source.description == "the demo":
        return "No camera was found, so the bundled demo runs."
    return ""


class CaptureLoop(Worker):
    """The thread that reads a source and publishes `data.frame`.

    Args:
        data: The shared object.
        source: A source that is not yet open.

    Attributes:
        frames: How many frames were read.
    """

    def __init__(self, data: Data, source: Source):
        super().__init__(data, "capture", output=data.frame)
        self.source = source
        self.frames = 0
        self._opened = 0.0

    def setup(self) -> None:
        """Opens the source."""
        self.source.open()
        self._opened = time.monotonic()

    def step(self) -> None:
        """Waits until the next frame is due, reads it and publishes it."""
        due = self._opened + (self.frames / self.source.fps if self.source.fps else 0.0)
        if self.data.wait_done(max(0.0, due - time.monotonic())):
            return
        image = self.source.read()
        if image is None:
            return self.finish()
        now = self.source.captured or time.monotonic()
        position = self.frames / self.source.fps if self.source.fps else now - self._opened
        self.data.frame.publish(Frame(image, self.frames, now, position))
        self.frames += 1

    def teardown(self) -> None:
        """Gives the source back."""
        self.source.close()
