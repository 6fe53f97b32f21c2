"""A camera of the network (RTSP or MJPEG over HTTP), or a video on a web server.

`open_source` makes a `Stream` of an address. An address may hold a password, so messages
name the computer only.

Notebook: 03_threads
"""

from __future__ import annotations

import re

import cv2
import numpy as np

from ..errors import SourceError, SourceLostError
from . import Source
from ._opencv import no_warnings, usual_fps, wait_for_picture

OPEN_TIMEOUT, READ_TIMEOUT = 4.0, 2.5
"""Seconds after which FFmpeg gives up opening, and waiting for the next picture."""

LOST_AFTER = 0.3
"""Seconds for which a read that failed is tried again."""


class Stream(Source):
    """Pictures from the network.

    A live stream is read as fast as it comes, so the newest picture is never behind. A
    recording, which knows its number of frames, is played at its own pace and ends.

    Args:
        address: rtsp://..., rtsps://..., http://... or https://...
    """

    def __init__(self, address: str):
        self._address = address
        self.description = without_secrets(address)
        self._capture: cv2.VideoCapture | None = None
        self._first: np.ndarray | None = None

    def open(self) -> None:
        """Connects and waits for the first picture; takes a few seconds at most.

        Raises:
            SourceError: Nothing usable answers there; check the address.
        """
        timeouts = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(OPEN_TIMEOUT * 1000)),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(READ_TIMEOUT * 1000)),
        ]
        with no_warnings:
            self._capture = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, timeouts)
        self._first = wait_for_picture(self._capture, 0) if self._capture.isOpened() else None
        if self._first is None:
            self.close()
            raise SourceError(
                f"No pictures come from {self.description}.",
                "Expected an rtsp or http address that plays in a viewer such as VLC.",
                "Check the address, user and password, and that the camera is switched on.",
            )
        recorded = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        self.fps = usual_fps(self._capture) if recorded else None

    def read(self) -> np.ndarray | None:
        """Waits for the next picture, (height, width, 3) uint8 RGB; None at a recording's end.

        Raises:
            SourceLostError: A live stream stopped; check the network and start again.
        """
        image, self._first = self._first, None
        if image is None:
            image = wait_for_picture(self._capture, 0 if self.fps else LOST_AFTER)
        if image is None and not self.fps:
            raise SourceLostError(
                f"{self.description} gives no more pictures.",
                "Expected it to go on.",
                "Check the network and the camera, and start again.",
            )
        return image

    def close(self) -> None:
        """Ends the connection."""
        self._first = None
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def without_secrets(address: str) -> str:
    """Returns the address without user, password, path and query, any of which may be secret.

    Example:
        >>> without_secrets("rtsp://me:secret@192.168.0.7:554/cam?password=secret")
        'rtsp://192.168.0.7:554'
    """
    scheme, _, rest = address.partition("://")
    host, *path = re.split(r"[/?#]", rest, maxsplit=1)
    plain = re.fullmatch(r"([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d*)?", host.rpartition("@")[2])
    if not plain or "@" in "".join(path):  # A password with a slash would look like a host.
        return f"{scheme}://..."
    return f"{scheme}://{plain.group()}"
