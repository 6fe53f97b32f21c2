"""Files and pipes for FFmpeg, opened here so that no name is interpreted as an address or a pattern.

`video.py` opens one. Errors while reading are kept in `error`, because PyAV prints a second exception.

Notebook: 03_threads
"""

from __future__ import annotations

import io
import os
import select
import time
from collections.abc import Callable
from pathlib import Path

SLICE = 0.2
"""Seconds between two checks, while waiting for a pipe, whether the run is over."""


BOXES = 1000
"""The boxes of an mp4 that are examined, at most."""


class FileInput:
    """A file that is read from any position.

    Args:
        path: A file.

    Attributes:
        error: The error raised by reading, after which the file seems to end; None if there was none.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path):
        self.name, self.error = hint(path), None
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  closed in close

    def read(self, size: int) -> bytes:
        """Returns the next bytes; none at the end."""
        try:
            return self._file.read(size) or b""
        except OSError as error:
            self.error = error
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a position in the file and returns it; does not move if the position is invalid."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):  # a damaged video may contain any offset
            return self._file.tell()

    def tell(self) -> int:
        """Returns the position of the next bytes."""
        return self._file.tell()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class PipeInput:
    """A named pipe, into which another program writes a video.

    Args:
        path: The pipe.
        patience: The longest time without data, in seconds.
        stopped: Returns whether the run is over.

    Attributes:
        error: A TimeoutError once no data came for too long; None until then.
    """

    def __init__(self, path: Path, patience: float, stopped: Callable[[], bool]):
        self.name, self.error = hint(path), None
        self._patience, self._stopped = patience, stopped
        self._began = False  # whether data has come yet: before that a pipe seems to be at its end
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self, size: int) -> bytes:
        """Waits for the next bytes and returns them; none at the end."""
        give_up = time.monotonic() + self._patience
        while not self._stopped():
            if select.select([self._descriptor], [], [], SLICE)[0]:
                data = os.read(self._descriptor, size)
                if data or self._began:
                    self._began = True
                    return data
                time.sleep(SLICE)
            if time.monotonic() > give_up:
                self.error = TimeoutError(f"no data came for {self._patience:g} s")
                break
        return b""

    def close(self) -> None:
        """Closes the pipe."""
        os.close(self._descriptor)


def is_unfinished(path: Path) -> bool:
    """Returns whether a file is an mp4 whose index is missing, because writing it was interrupted.

    Source: ISO/IEC 14496-12, 4.2: a file is a sequence of boxes, each with its size and a name.
    """
    names: list[bytes] = []
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            while len(names) < BOXES and len(head := file.read(16)) >= 8:
                size, name = int.from_bytes(head[:4], "big"), head[4:8]
                size = int.from_bytes(head[8:], "big") if size == 1 else size
                names.append(name)
                if size < 8:  # 0: it goes on to the end of the file
                    break
                file.seek(size - len(head), os.SEEK_CUR)
    except (OSError, ValueError, OverflowError):
        return False
    return names[:1] == [b"ftyp"] and b"mdat" in names and not {b"moov", b"moof"} & set(names)


def hint(path: Path) -> str:
    """Returns the name passed to FFmpeg: its extension may identify the format, its folder locate a playlist.

    A percent sign would make it a pattern for many pictures.
    """
    return str(path).replace("%", "_")
