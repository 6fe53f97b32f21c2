"""What the sources share that read through OpenCV: silence, patience, and RGB.

`webcam.py`, `video.py` and `stream.py` use it.

Notebook: 03_threads
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

import cv2
import numpy as np

PAUSE = 0.05
"""Seconds between two tries to read from a device that gives nothing."""

DEFAULTS = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "1",
}
"""What OpenCV reads from the environment at its first capture: FFmpeg prints nothing, and a
camera of Linux that stalls holds a read for one second, not ten. What the user set stays.

Source: https://github.com/opencv/opencv/blob/4.x/modules/videoio/src/cap_v4l.cpp
"""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps OpenCV's own warnings off stderr meanwhile; our errors say it better."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def wait_for_picture(capture: cv2.VideoCapture, seconds: float) -> np.ndarray | None:
    """Reads until a picture comes.

    Args:
        capture: A capture that is open.
        seconds: How long to go on trying after a read that gave nothing.

    Returns:
        (height, width, 3) uint8 RGB, or None when none came in time.
    """
    give_up = time.monotonic() + seconds
    with quiet():
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


def usual_fps(capture: cv2.VideoCapture) -> float:
    """Returns frames a second as the file says, or 25 where it says nothing that can be."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return float(fps) if 1 <= fps <= 240 else 25.0
