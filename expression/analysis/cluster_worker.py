"""What a worker of a Dask cluster does: it finds the faces in a piece of a recording.

`cluster.py` submits `piece`.

Notebook: 13_video
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import BadInputError, ExpressionError, MissingFileError, RunError
from ..settings import Settings
from ..types import Frame
from .analyzer import Analyzer, Faces
from .recordings import Recording

logger = logging.getLogger("expression")

Pairs = tuple[tuple[str, Any], ...]
"""Names and values of settings."""


@dataclass(frozen=True)
class Piece:
    """What a worker returns.

    Attributes:
        faces: The faces of the frames.
        ended: Whether the recording has no further frames.
        warnings: What was reported about the recording while it was read to its end.
    """

    faces: list[Faces]
    ended: bool
    warnings: list[str]


def piece(path: str, settings: Pairs, network: str, every: int, first: int, last: int) -> Piece:
    """Finds the faces in a piece of a recording; called on a worker.

    Args:
        path: The recording, on the worker's disk.
        settings: The names and values of those that an `Analyzer` needs to find faces.
        network: The name of the network that is expected.
        every: Every n-th frame is analysed.
        first: Analysed frames before this one are left out.
        last: The first analysed frame that is left out again.

    Raises:
        MissingFileError: The worker has no such file.
        BadInputError: The worker has another network, or the recording cannot be read.
    """
    analyzer = _analyzer(settings)
    if analyzer.network != network:
        raise BadInputError(
            f"A worker of the cluster has the network {analyzer.network}.",
            f"Expected {network}, as on the machine where the command was run.",
            "Install the same version of this package, and the same file for --model, on every machine.",
        )
    if not Path(path).exists():
        raise MissingFileError(
            f"A worker of the cluster has no file {path}.",
            "Expected the recordings under the same absolute paths on every machine.",
            "Put them into a shared folder, and name it by its absolute path.",
        )
    try:
        reader = _Reader.at(Path(path), every, first)
        return reader.piece(analyzer, last - first)
    except ExpressionError:
        raise
    except Exception as error:
        raise RunError(
            f"A worker of the cluster failed on {path} ({type(error).__name__}: {error}).",
            "Expected it to read the recording as this machine does.",
            "Look at its log. Run the same command again to continue.",
        ) from error


@lru_cache(maxsize=1)
def _analyzer(settings: Pairs) -> Analyzer:
    """Returns the analyzer of this worker."""
    return Analyzer(Settings(**dict(settings)))


class _Reader:
    """A recording that a thread of a worker has open, so that it can go on with a later piece.

    Args:
        path: The recording.
        every: Every n-th frame is analysed.
    """

    _open = threading.local()

    def __init__(self, path: Path, every: int):
        self._key, self._next = _key(path, every), 0
        self._recording = Recording(path, every)
        self._recording.open()
        self._frames: Iterator[Frame] = self._recording.frames()

    @classmethod
    def at(cls, path: Path, every: int, first: int) -> _Reader:
        """Returns one whose next frame is the analysed frame `first`, or which is at the end."""
        reader, cls._open.reader = getattr(cls._open, "reader", None), None
        if reader is not None and (reader._key != _key(path, every) or reader._next > first):
            reader._recording.close()
            reader = None
        reader = reader or cls(path, every)
        for _ in itertools.islice(reader._frames, first - reader._next):
            pass
        reader._next = first
        return reader

    def piece(self, analyzer: Analyzer, length: int) -> Piece:
        """Returns the next frames, and closes the recording if it ends."""
        with _reported() as warnings:
            faces = list(analyzer.faces(itertools.islice(self._frames, length)))
            self._next += length
            ended = len(faces) < length
            if ended:
                self._recording.close()
            else:
                self._open.reader = self
        return Piece(faces, ended, warnings)


def _key(path: Path, every: int) -> tuple:
    """Returns what changes if a recording is another one."""
    facts = path.stat()
    return path, facts.st_size, facts.st_mtime_ns, every


@contextlib.contextmanager
def _reported() -> Iterator[list[str]]:
    """Collects what this thread reports about a recording."""
    messages, thread = [], threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                messages.append(record.getMessage())

    collector = Collector(logging.WARNING)
    logger.addHandler(collector)
    try:
        yield messages
    finally:
        logger.removeHandler(collector)
