"""A camera of this computer, read with OpenCV.

`open_source("0")` makes a `Webcam`; `camera_is_there` asks its `probe` on macOS and Windows.

Notebook: 03_threads
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, SourceError, SourceLostError
from . import Source
from ._opencv import quiet, wait_for_picture

WIDTH, HEIGHT = 640, 480
DEVICES = Path("/dev")
"""Where Linux keeps its cameras, as files named video0, video1, ..."""

FIRST_PICTURE, LOST_AFTER = 4.0, 2.0
"""Seconds that a camera may take to its first picture, and between two later ones."""


class Webcam(Source):
    """A camera, 640x480 where it can, always its newest picture.

    Args:
        index: Which camera, from 0.

    Raises:
        BadInputError: The index is negative.
    """

    mirror = True

    def __init__(self, index: int = 0):
        if index < 0:
            raise BadInputError(
                f"The camera's number is {index}.", "Expected 0 or more.", "Try --source 0, or --source demo."
            )
        self.index = index
        self.description = f"camera {index}"
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """Takes the camera and waits for its first picture.

        Raises:
            SourceError: It is missing, busy or gives no picture; the message says which.
        """
        if sys.platform.startswith("linux") and not (DEVICES / f"video{self.index}").exists():
            raise _missing(self.index)
        self._capture = _connect(self.index)
        if not self._capture.isOpened() or wait_for_picture(self._capture, FIRST_PICTURE) is None:
            self.close()
            raise _no_picture(self.index)

    def read(self) -> np.ndarray:
        """Waits for the next picture, (height, width, 3) uint8 RGB.

        Raises:
            SourceLostError: None came for two seconds; plug the camera in again.
        """
        image = wait_for_picture(self._capture, LOST_AFTER)
        if image is None:
            raise SourceLostError(
                f"Camera {self.index} gives no more pictures.",
                "Expected it to stay connected.",
                "Plug it in again, close other programs that use it, and start again.",
            )
        return image

    def close(self) -> None:
        """Gives the camera back."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    @staticmethod
    def probe(index: int) -> bool:
        """Whether a camera opens; its light may blink. For systems without a /dev/video to look at."""
        capture = _connect(index)
        try:
            return capture.isOpened()
        finally:
            capture.release()


def _connect(index: int) -> cv2.VideoCapture:
    """Returns the capture of a camera, opened where that works.

    On Windows DirectShow is asked first: Media Foundation, OpenCV's default there, can take
    many seconds to open (github.com/opencv/opencv/issues/17687).
    """
    windows = sys.platform == "win32"
    with quiet():
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
    there = sorted(int(p.name[5:]) for p in DEVICES.glob("video*") if p.name[5:].isdecimal())
    found = f"Found {', '.join(map(str, there))}" if there else "No camera was found"
    return SourceError(
        f"There is no camera {index} (no {DEVICES}/video{index}).",
        f"Expected the number of a connected camera; {found[0].lower()}{found[1:]}.",
        "Plug one in, choose another --source, or try --source demo.",
    )


def _no_picture(index: int) -> SourceError:
    """Returns the error for a camera that is there and gives no picture."""
    if sys.platform.startswith("linux"):
        remedy = "Close other programs that use it, or join the group video: sudo usermod -aG video $USER"
    elif sys.platform == "darwin":
        remedy = "Close other programs that use it, and allow it in System Settings, Privacy, Camera."
    else:
        remedy = "Plug it in, close other programs that use it, and allow it in Settings, Privacy, Camera."
    return SourceError(
        f"Camera {index} gives no picture.", "Expected it to be free and allowed for this program.", remedy
    )
