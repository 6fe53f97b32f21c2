"""Cluster: the faces of recordings, found by the workers of a Dask cluster.

A recording is split into pieces of a few hundred frames, and each worker takes the next piece that is
waiting. If a worker is lost, Dask gives its pieces to others. Any number of workers finds the same faces,
because each frame is looked at alone; people are followed afterwards, in `run.py`.

Every worker needs this package and the recordings, under the same paths. It decodes a recording from the
start to its piece, and continues from there if it gets a later one. So many workers help most with many
recordings.

Source: https://distributed.dask.org/en/stable/

Notebook: 13_video
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadInputError, ExpressionError, RunError, missing_package
from .analyzer import FOUND_WITH, Analyzer, Faces
from .cluster_worker import Piece, piece
from .progress import Progress
from .recordings import Recording

logger = logging.getLogger("expression")

ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?(\[[0-9a-fA-F:.%]+\]|[\w.-]+):\d{1,5}")
"""An address of a scheduler: protocol, host and port."""

LENGTH = 250
"""Analysed frames in a piece: about a second of work, so a lost worker costs little."""

WAITING = 3
"""Pieces for each thread of the cluster that are submitted ahead."""

SECONDS = 5
"""How long the scheduler and a first worker are waited for."""


@dataclass
class _Job:
    """A recording whose pieces are computed.

    Attributes:
        path: The recording.
        count: The number of frames that it announces; None if it does not.
        submitted: The end of the last piece submitted; at first, of what is known already.
        pieces: Those submitted and not yet used, in order.
    """

    path: Path
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
        self._later: Iterator[Path] = iter(())
        self._there = True  # whether the cluster has workers
        self._waiting = WAITING * max(1, sum(self._client.nthreads().values()))

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error) -> None:
        self._client.close()

    def expect(self, recordings: Iterable[Path], progress: Callable[[Path], Progress]) -> None:
        """Says which recordings `faces` will be called for, in order, so that workers can begin earlier.

        Args:
            recordings: The recordings.
            progress: Returns what is known of one.
        """
        self._later, self._progress = iter(recordings), progress

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
        for path in self._later:
            try:
                progress = self._progress(path)
            except ExpressionError:  # reported when its turn comes
                continue
            progress.read()
            if not progress.complete:
                first = progress.last // self._every + 1 if progress.count else 0
                self._jobs.append(_Job(path, submitted=first))
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
                    f"Several workers of the cluster {self._address} were lost on the same frames.",
                    "Expected them to have enough memory.",
                    "Look at their logs. Run the same command again to continue.",
                ) from error
            except (OSError, CancelledError, RuntimeError) as error:
                raise RunError(
                    f"The cluster {self._address} was lost ({error or type(error).__name__}).",
                    "Expected its scheduler to run until the end.",
                    "Start it again, and run the same command to continue.",
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
        from dask.distributed import TimeoutError as DaskTimeoutError
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
        asyncio.run(asyncio.wait_for(_check_scheduler(address), SECONDS))
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except Exception as error:  # another kind of server may answer with anything
        raise RunError(
            f"No cluster answers at {address}.", "Expected the address of a Dask scheduler.", remedy
        ) from error
    try:
        client.wait_for_workers(1, SECONDS)
    except (TimeoutError, DaskTimeoutError) as error:
        client.close()
        raise RunError(f"The cluster {address} has no workers.", "Expected one or more.", remedy) from error
    return client


async def _check_scheduler(address: str) -> None:
    """Raises some exception unless a Dask scheduler answers; a client would wait for ever for a wrong answer.

    Source: https://distributed.dask.org/en/stable/foundations.html
    """
    from dask.distributed import Security
    from distributed.comm import connect

    options = Security().get_connection_args("client")
    comm = await connect(address, SECONDS, deserialize=False, **options)
    try:
        await comm.write({"op": "identity", "reply": True})
        kind = (await comm.read())["type"]
    finally:
        comm.abort()
    if kind != "Scheduler":
        raise ValueError(f"a {kind}")


def _announced(path: Path) -> int | None:
    """Returns the number of frames that a recording announces."""
    recording = Recording(path)
    recording.open()
    recording.close()
    return recording.count
