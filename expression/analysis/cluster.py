"""Cluster: the faces of recordings, found by the workers of a Dask cluster.

A recording is split into pieces of a few hundred frames, and each worker takes the next piece that is
waiting. If a worker is lost, Dask gives its pieces to others. Any number of workers finds the same faces,
because each frame is looked at alone; people are followed afterwards, in `run.py`.

Every worker needs this package and the recordings, under the same paths. It decodes a recording from the
start to its piece, and continues from there if it gets a later one. So many workers help most with many
recordings.

Source: https://distributed.dask.org/en/stable/

Notebook: 10_video
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import logging
import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import BadInputError, ExpressionError, MissingFileError, RunError, missing_package
from ..settings import Settings
from ..types import Frame
from .analyzer import FOUND_WITH, Analyzer, Faces
from .progress import Progress
from .recordings import Recording

logger = logging.getLogger("expression")

Pairs = tuple[tuple[str, Any], ...]

ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?(\[[0-9a-fA-F:.%]+\]|[\w.-]+):\d{1,5}")
"""An address of a scheduler: protocol, host and port."""

LENGTH = 250
"""Analysed frames in a piece: about a second of work, so a lost worker costs little."""

WAITING = 3
"""Pieces for each thread of the cluster that are submitted ahead."""

SECONDS = 10
"""How long the scheduler and a first worker are waited for."""


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


@dataclass
class _Job:
    """A recording whose pieces are computed.

    Attributes:
        path: The recording.
        first: The analysed frames known already, which no worker looks at again.
        frames: The number of analysed frames that it announces; None if it does not.
        submitted: The end of the last piece submitted.
        pieces: Those submitted and not yet used, in order.
    """

    path: Path
    first: int
    count: int | None = None
    submitted: int = 0
    pieces: collections.deque = field(default_factory=collections.deque)

    def wants(self, every: int) -> bool:
        """Whether another piece may be submitted before the results of earlier ones are known."""
        if self.count is None:
            return not self.pieces
        return self.submitted * every < self.count or not self.pieces


class Cluster:
    """A Dask cluster; a context manager.

    Args:
        address: That of the scheduler, such as tcp://10.0.0.5:8786.
        analyzer: Its settings and network are used on the workers.
        every: Every n-th frame is analysed.

    Raises:
        MissingPackageError: Dask is not installed.
        RunError: There is no such cluster, or it has no workers.
    """

    def __init__(self, address: str, analyzer: Analyzer, every: int):
        self._client = _connected(address)
        self._address, self._analyzer, self._every = address, analyzer, every
        # Not the others: they include passwords.
        self._settings = tuple((name, getattr(analyzer.settings, name)) for name in ("model", *FOUND_WITH))
        self._jobs: collections.deque[_Job] = collections.deque()
        self._later: Iterator[tuple[Path, Progress]] = iter(())
        self._there = True  # whether the cluster has workers
        self._waiting = WAITING * max(1, sum(self._client.nthreads().values()))

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error) -> None:
        self._client.close()

    def expect(self, recordings: Iterable[tuple[Path, Progress]]) -> None:
        """Says which recordings `faces` will be called for, in order, so that workers can begin earlier.

        Args:
            recordings: Each with what is known of it.
        """
        self._later = iter(recordings)

    def faces(self, path: Path) -> Iterator[tuple[Faces, int | None]]:
        """Yields the faces of the next expected recording, each with the number of all frames if known.

        Raises:
            ExpressionError: As reading it on this machine does.
            RunError: The cluster was lost.
        """
        job = self._job(path)
        try:
            while True:
                self._submit(job)
                piece = self._result(job.pieces.popleft())
                for faces in piece.faces:
                    yield faces, job.count
                if piece.ended:
                    for warning in piece.warnings:
                        logger.warning("%s", warning)
                    return
        finally:
            self._jobs.remove(job)

    def _job(self, path: Path) -> _Job:
        """Returns the job of a recording, and leaves out those before it."""
        while not self._jobs or self._jobs[0].path != path:
            if self._jobs:
                self._jobs.popleft()
            elif not self._begin():
                raise ValueError(f"{path} was not expected")
        job = self._jobs[0]
        if job.count is None:
            job.count = _announced(path)  # fails now if it cannot be read
        return job

    def _begin(self) -> bool:
        """Begins with the next recording that is not complete; returns whether there is one."""
        for path, progress in self._later:
            progress.read()
            if not progress.complete:
                first = progress.last // self._every + 1 if progress.count else 0
                job = _Job(path, first, submitted=first)
                self._jobs.append(job)
                return True
        return False

    def _submit(self, current: _Job) -> None:
        """Submits pieces of this recording and of later ones, until enough are waiting."""
        while sum(len(job.pieces) for job in self._jobs) < self._waiting:
            job = next((job for job in self._jobs if job.wants(self._every)), None)
            if job is None:
                if not self._begin():
                    break
                job = self._jobs[-1]
                with contextlib.suppress(ExpressionError):  # reported when its turn comes
                    job.count = _announced(job.path)
            self._submit_piece(job)
        if not current.pieces:
            self._submit_piece(current)

    def _submit_piece(self, job: _Job) -> None:
        """Submits the next piece of a recording."""
        frames = (self._every, job.submitted, job.submitted + LENGTH)
        path = str(job.path.absolute())
        future = self._client.submit(piece, path, self._settings, self._analyzer.network, *frames, pure=False)
        job.pieces.append(future)
        job.submitted += LENGTH

    def _result(self, future: Any) -> Piece:
        """Waits for a piece."""
        from dask.distributed import KilledWorker, TimeoutError

        while True:
            try:
                return future.result(SECONDS)
            except TimeoutError:
                self._report_workers()
            except ExpressionError:
                raise
            except KilledWorker as error:
                raise RunError(
                    f"Several workers of the cluster {self._address} were lost at the same frames.",
                    "Expected them to have enough memory.",
                    "Look at their logs. Give the same command again to continue.",
                ) from error
            except (OSError, CancelledError, RuntimeError) as error:
                raise RunError(
                    f"The cluster {self._address} was lost ({error or type(error).__name__}).",
                    "Expected its scheduler to run until the end.",
                    "Start it again, and give the same command to continue.",
                ) from error

    def _report_workers(self) -> None:
        """Reports once that all workers are gone."""
        there = bool(self._client.nthreads())
        if self._there and not there:
            logger.warning("The cluster %s has no workers. Start one, or press Ctrl-C.", self._address)
        self._there = there


def _connected(address: str) -> Any:
    """Returns the client of a cluster that has workers."""
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise missing_package("--dask", "dask[distributed]", "cluster") from error
    if not ADDRESS.fullmatch(address):
        raise BadInputError(
            f"--dask is {address}.",
            "Expected the address of a Dask scheduler, such as tcp://10.0.0.5:8786.",
            "Copy the one that dask scheduler prints when it starts.",
        )
    remedy = "Start one with dask scheduler, and workers with dask worker ADDRESS; then use that address."
    try:
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise RunError(
            f"No cluster answers at {address}.", "Expected the address of a Dask scheduler.", remedy
        ) from error
    try:
        client.wait_for_workers(1, SECONDS)
    except TimeoutError as error:
        client.close()
        raise RunError(f"The cluster {address} has no workers.", "Expected one or more.", remedy) from error
    return client


def _announced(path: Path) -> int | None:
    """Returns the number of frames that a recording announces."""
    recording = Recording(path)
    recording.open()
    recording.close()
    return recording.count


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
            f"Expected {network}, as on the machine that gave the command.",
            "Install the same version of this package, and the same file for --model, on every machine.",
        )
    if not Path(path).exists():
        raise MissingFileError(
            f"A worker of the cluster has no file {path}.",
            "Expected the recordings under the same absolute paths on every machine.",
            "Put them into a shared folder, and name it by its absolute path.",
        )
    reader = _Reader.at(Path(path), every, first)
    return reader.piece(analyzer, last - first)


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
