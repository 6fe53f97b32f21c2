"""Reading a camera through OpenCV: without warnings, with retries, in RGB.

`camera.py` uses it.

Notebook: 03_threads
"""

from __future__ import annotations

import os
import threading
import time

import cv2
import numpy as np

PAUSE = 0.05
"""Seconds between two attempts to read from a device that returns nothing."""

DEFAULTS = {"OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "1"}
"""Environment variables that OpenCV reads at its first capture: a stalled camera on Linux blocks a read for
one second, not ten. Values set by the user are left unchanged.

Source: https://github.com/opencv/opencv/blob/4.x/modules/videoio/src/cap_v4l.cpp
"""


class _NoWarnings:
    """Silences OpenCV's own warnings while any thread is inside; our errors are clearer."""

    def __init__(self):
        self._lock, self._within, self._level = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self._lock:
            self._within += 1
            if self._within == 1:
                for name, value in DEFAULTS.items():
                    os.environ.setdefault(name, value)
                self._level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                cv2.utils.logging.setLogLevel(self._level)


no_warnings = _NoWarnings()


def wait_for_picture(capture: cv2.VideoCapture, seconds: float) -> np.ndarray | None:
    """Reads until a frame comes.

    Args:
        capture: An open capture.
        seconds: How long to keep trying after a read that returned nothing.

    Returns:
        (height, width, 3) uint8 RGB, or None if none came in time.
    """
    give_up = time.monotonic() + seconds
    with no_warnings:
        while True:
            there, image = capture.read()
            if there and image is not None and image.size:
                return rgb(image)
            if time.monotonic() + PAUSE > give_up:
                return None
            time.sleep(PAUSE)


def rgb(image: np.ndarray) -> np.ndarray:
    """Converts a picture of OpenCV, BGR or grey, to RGB."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)
