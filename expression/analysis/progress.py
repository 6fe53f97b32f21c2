"""Progress: what was found so far in a recording, in a file, so that an interrupted analysis continues.

Every frame is a line, written as soon as it is complete, and a last line says that there are no more. A
line that was cut off when the power failed is left out, and so is a whole file that was made with other
settings or for another version of the recording.

Notebook: 13_video
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..files import as_output_error, private
from ..vision.cuts import SIDE
from .analyzer import Faces

END = b"end\n"
"""The line after the last frame."""


class Progress:
    """The faces of a recording's frames, appended to a file.

    Args:
        path: The file.
        key: What the faces depend on, such as the network; plain JSON values.

    Attributes:
        last: The number of the last frame in the file; -1 if there is none.
        count: The number of frames in the file.
        complete: Whether these are all frames of the recording.
    """

    def __init__(self, path: Path, key: dict[str, Any]):
        self.path, self._key = path, key
        self.last, self.count, self.complete = -1, 0, False
        self._file = None

    def read(self) -> int:
        """Finds out how far an earlier run came, and returns how many bytes of the file are good."""
        good = 0
        if self.path.is_file() and self._is_same():
            with self.path.open("rb") as file:
                good = len(file.readline())
                for line in file:
                    self.complete = line == END
                    faces = _parsed(line)
                    if faces is None:
                        good += len(line) if self.complete else 0
                        break
                    self.last, good = faces.number, good + len(line)
                    self.count += 1
        return good

    def open(self) -> None:
        """Finds out how far an earlier run came, and prepares for more.

        Raises:
            OutputError: The file cannot be written.
        """
        good = self.read()
        with as_output_error(self.path):
            mode = "r+b" if good else "wb"
            self._file = open(self.path, mode, buffering=0, opener=private)  # noqa: SIM115  until close
            self._file.truncate(good)
            self._file.seek(good)
            if not good:
                self._file.write(json.dumps(self._key).encode() + b"\n")

    def _is_same(self) -> bool:
        """Whether the file was made for this recording and these settings."""
        with self.path.open("rb") as file:
            try:
                return json.loads(file.readline()) == json.loads(json.dumps(self._key))
            except ValueError:
                return False

    def add(self, faces: Faces) -> None:
        """Appends a frame.

        Raises:
            OutputError: The disk is full.
        """
        with as_output_error(self.path):
            self._file.write(_line(faces))
        self.last = faces.number
        self.count += 1

    def finish(self) -> None:
        """Says that there are no more frames."""
        with as_output_error(self.path):
            self._file.write(END)
        self.complete = True

    def close(self) -> None:
        """Closes the file, which is deleted if it has no frames."""
        if self._file is not None:
            with as_output_error(self.path):
                self._file.close()
                if not (self.count or self.complete):
                    self.path.unlink()
            self._file = None

    def frames(self) -> Iterator[Faces]:
        """Yields all frames in the file."""
        with self.path.open("rb") as file:
            file.readline()
            for line in file:
                faces = _parsed(line)
                if faces is None:
                    return
                yield faces


def _line(faces: Faces) -> bytes:
    """Returns a frame as a line; scores keep every bit, or a resumed run would give other rows."""
    scores = base64.b64encode(faces.scores.astype("<f4").tobytes()).decode()
    drawn = base64.b64encode(faces.sketch.tobytes()).decode()
    row = [faces.number, faces.position, faces.boxes.ravel().tolist(), scores, drawn]
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes) -> Faces | None:
    """Returns the frame of a line; None if it is incomplete."""
    if not line.endswith(b"\n"):
        return None
    try:
        number, position, boxes, scores, drawn = json.loads(line)
        boxes = np.array(boxes, np.int64).reshape(-1, 4)
        scores = np.frombuffer(base64.b64decode(scores), "<f4")
        drawn = np.frombuffer(base64.b64decode(drawn), np.uint8).reshape(SIDE, SIDE)
        scores = scores.reshape(len(boxes), -1) if len(boxes) else scores.reshape(0, 0)
        return Faces(number, position, boxes, scores, drawn)
    except (ValueError, TypeError):
        return None
