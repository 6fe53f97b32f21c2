"""A camera of this computer, read with OpenCV.

`open_source("0")` creates a `Webcam`; `cameras` lists the cameras for it and for `cli/check.py`.

Notebook: 03_threads
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, SourceError, SourceLostError
from ._base import Source
from ._opencv import no_warnings, wait_for_picture

WIDTH, HEIGHT = 640, 480
DEVICES, SYSTEM = Path("/dev"), Path("/sys/class/video4linux")
"""The folders in which Linux has its cameras, as files video0, video1, ..., and data about them."""

NO_CAMERA = re.compile("bcm2835-(codec|isp)|pispbe|rp1-cfe|rpi-|rpivid")
"""Video devices of a Raspberry Pi that OpenCV cannot use as cameras: codecs and image processors."""

MOST = 100
"""Camera numbers from here on are not tried; no computer has so many cameras."""

FIRST_PICTURE, LOST_AFTER = 4.0, 2.0
"""Seconds to wait for the first frame of a camera, and for each later one."""


class Webcam(Source):
    """A camera at 640x480, if supported; always returns the newest frame.

    Args:
        index: The number of the camera, from 0.

    Raises:
        BadInputError: The index is negative.
    """

    mirror = True
    rests = True

    def __init__(self, index: int = 0):
        if index < 0:
            raise BadInputError(
                f"The camera number is {index}.",
                "Expected 0 or more.",
                "Choose 0, or another source, such as demo.",
            )
        self.index = index
        self.description = f"camera {index}"
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """Opens the camera and waits for its first frame.

        Raises:
            SourceError: It is missing, busy or sends no frames; the message says which.
        """
        if sys.platform.startswith("linux") and not (DEVICES / f"video{self.index}").exists():
            raise _missing(self.index)
        self._capture = _connect(self.index)
        if not self._capture.isOpened() or wait_for_picture(self._capture, FIRST_PICTURE) is None:
            self.close()
            raise _no_picture(self.index)

    def read(self) -> np.ndarray:
        """Waits for the next frame, (height, width, 3) uint8 RGB.

        Raises:
            SourceLostError: No frame came for two seconds; plug the camera in again.
        """
        image = wait_for_picture(self._capture, LOST_AFTER)
        if image is None:
            raise SourceLostError(
                f"Camera {self.index} stopped sending frames.",
                "Expected it to stay connected.",
                "Plug it in again, close other programs that use it, and restart.",
            )
        return image

    def close(self) -> None:
        """Releases the camera."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    @staticmethod
    def probe(index: int) -> bool:
        """Whether a camera opens; its light may blink. For systems without /dev/video."""
        capture = _connect(index)
        try:
            return capture.isOpened()
        finally:
            capture.release()


@dataclass(frozen=True)
class Camera:
    """A connected camera.

    Attributes:
        index: Its number for `Webcam`.
        name: Its name given by the manufacturer; empty if the system does not report one.
        usable: Whether this user has permission to read it.
    """

    index: int
    name: str = ""
    usable: bool = True


def is_there(index: int) -> bool:
    """Whether there is a camera with this number; systems other than Linux open it briefly."""
    if sys.platform.startswith("linux"):
        return (DEVICES / f"video{index}").exists()
    return 0 <= index < MOST and Webcam.probe(index)


def cameras() -> list[Camera]:
    """Lists the cameras by number; Linux opens none for this, other systems only try the first."""
    if not sys.platform.startswith("linux"):
        return [Camera(0)] if Webcam.probe(0) else []
    found = []
    for index in sorted(int(p.name[5:]) for p in DEVICES.glob("video*") if p.name[5:].isdecimal()):
        name, first = _about(index, "name"), _about(index, "index") in ("", "0")
        if first and not NO_CAMERA.match(name):  # further ones have the metadata of the camera
            usable = os.access(DEVICES / f"video{index}", os.R_OK | os.W_OK)
            found.append(Camera(index, name, usable))
    return found


def _about(index: int, what: str) -> str:
    """Returns an attribute of a video device from Linux; empty if it is unknown."""
    path = SYSTEM / f"video{index}" / what
    return path.read_text(errors="replace").strip() if path.is_file() else ""


def _connect(index: int) -> cv2.VideoCapture:
    """Returns the capture of a camera, opened if possible.

    On Windows DirectShow is tried first: Media Foundation, OpenCV's default there, can take
    many seconds to open (github.com/opencv/opencv/issues/17687).
    """
    windows = sys.platform == "win32"
    with no_warnings:
        capture = cv2.VideoCapture(index, cv2.CAP_DSHOW if windows else cv2.CAP_ANY)
        if windows and not capture.isOpened():
            capture.release()
            capture = cv2.VideoCapture(index, cv2.CAP_MSMF)
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def _missing(index: int) -> SourceError:
    """Returns the error for a camera that is not connected, on Linux."""
    there = [camera.index for camera in cameras()]
    found = f"Found {', '.join(map(str, there))}" if there else "No camera was found"
    return SourceError(
        f"Camera {index} was not found (no {DEVICES}/video{index}).",
        f"Expected the number of a connected camera; {found[0].lower()}{found[1:]}.",
        "Plug one in, or choose another source, such as demo.",
    )


def _no_picture(index: int) -> SourceError:
    """Returns the error for a connected camera that sends no frames."""
    if sys.platform.startswith("linux"):
        remedy = "Close other programs that use it, or join the group video: sudo usermod -aG video $USER"
    elif sys.platform == "darwin":
        remedy = "Close other programs that use it, and allow it in System Settings, Privacy, Camera."
    else:
        remedy = "Plug it in, close other programs that use it, and allow it in Settings, Privacy, Camera."
    return SourceError(
        f"Camera {index} sends no frames.",
        "Expected it to be free, and this program to be allowed to use it.",
        remedy,
    )
