"""A video file, played at its own pace.

`open_source` makes a `Video` of a file's name.

Notebook: 03_threads
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, MissingFileError
from . import Source
from ._opencv import no_warnings, usual_fps, wait_for_picture


class Video(Source):
    """A video file. Films that a phone took upright are turned as the file says.

    Args:
        path: The file, in any format that OpenCV's FFmpeg reads.

    Attributes:
        fps: Frames a second as the file says, once open; 25 where it says nothing usable.
        count: How many frames there are, once open; None where the file does not say.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.description = self.path.name
        self.fps = 25.0
        self.count: int | None = None
        self._capture: cv2.VideoCapture | None = None
        self._first: np.ndarray | None = None

    def open(self) -> None:
        """Opens the file and decodes its first picture, so that a broken file fails here.

        Raises:
            MissingFileError: There is no such file.
            BadInputError: It is not a video; convert it, for instance to mp4.
        """
        if not self.path.is_file():
            raise MissingFileError(
                f"There is no video {self.path}.", "Expected a file.", "Check the name and the folder."
            )
        with no_warnings:
            # The whole path: FFmpeg takes 12:30.mp4 for an address.
            self._capture = cv2.VideoCapture(str(self.path.absolute()), cv2.CAP_FFMPEG)
        self._first = wait_for_picture(self._capture, 0) if self._capture.isOpened() else None
        if self._first is None:
            self.close()
            raise BadInputError(
                f"{self.path} {'is empty' if not self.path.stat().st_size else 'cannot be read as a video'}.",
                "Expected a video such as mp4, avi or webm with at least one picture.",
                "Play it in a viewer, or convert it to mp4.",
            )
        self.fps = usual_fps(self._capture)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.count = int(count) if count > 0 else None

    def read(self) -> np.ndarray | None:
        """Returns the next picture, (height, width, 3) uint8 RGB, or None at the end."""
        image, self._first = self._first, None
        return wait_for_picture(self._capture, 0) if image is None else image

    def close(self) -> None:
        """Closes the file."""
        self._first = None
        if self._capture is not None:
            self._capture.release()
            self._capture = None
