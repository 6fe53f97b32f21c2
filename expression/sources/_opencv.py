"""Reading a camera through OpenCV: silence, patience, and RGB.

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
"""Seconds between two tries to read from a device that gives nothing."""

DEFAULTS = {"OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "1"}
"""What OpenCV reads from the environment at its first capture: a camera of Linux that stalls holds a read
for one second, not ten. What the user set stays.

Source: https://github.com/opencv/opencv/blob/4.x/modules/videoio/src/cap_v4l.cpp
"""


class _NoWarnings:
    """Keeps OpenCV's own warnings off stderr while any thread is within; our errors say it better."""

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
    """Reads until a picture comes.

    Args:
        capture: A capture that is open.
        seconds: How long to go on trying after a read that gave nothing.

    Returns:
        (height, width, 3) uint8 RGB, or None when none came in time.
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
    """Returns a picture of OpenCV's, BGR or grey, as RGB."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)
