"""An analysis: recordings in, one file of rows out; safe to stop at any moment and to start again.

`expression analyze` calls `analyze`. What is known of a recording is kept in a folder beside the output until
all are done. The output always has whole recordings.

Notebook: 13_video
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ..errors import BadInputError, MissingFileError, SourceError, SourceLostError, user_path
from ..files import PRIVATE_FOLDER, as_output_error, hold_output, let_go
from ..settings import Settings
from ..types import Reading, Seen
from .analyzer import FOUND_WITH, Analyzer, Faces
from .annotation import annotate
from .cluster import Cluster
from .outputs import Output, check_output
from .progress import Progress
from .recordings import Recording, find

AdvanceIn = Callable[[Path, int, "int | None"], None]
"""Called as an `Advance`, with the recording first."""

UNREADABLE = (BadInputError, MissingFileError, SourceError, SourceLostError)
"""The errors that cost only the recording; others, such as a full disk, end the analysis."""


@dataclass
class Result:
    """What an analysis did.

    Attributes:
        rows: Number of rows in the output.
        frames: Number of frames analysed, in this run and earlier ones.
        done: The recordings that are in the output.
        copies: The annotated copies.
        failed: The recordings that could not be read, each with the message.
        uncopied: Those of which there is no copy because they could not be read again, each with the message.
    """

    rows: int = 0
    frames: int = 0
    done: list[Path] = field(default_factory=list)
    copies: list[Path] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)
    uncopied: list[tuple[Path, str]] = field(default_factory=list)


def analyze(
    paths: Sequence[Path],
    out: Path,
    settings: Settings | None = None,
    *,
    workers: int | None = None,
    every: int = 1,
    form: str = "rows",
    copies: Path | None = None,
    cluster: str | None = None,
    advance: AdvanceIn | None = None,
) -> Result:
    """Writes a row for every face in every frame of some recordings.

    Args:
        paths: Videos, pictures, and folders with them.
        out: The CSV or Parquet file to write. A last column `file` names the recording if there are several.
        settings: As for a live run; None collects them.
        workers: Number of threads; None for one per core. Without effect on a cluster.
        every: Analyses every n-th frame.
        form: "rows" for a row for each face; "counts" for a row for each frame, with the number of faces of
            each label.
        copies: A folder for copies of the recordings with the readings drawn on them.
        cluster: The address of a Dask scheduler, whose workers do the work.
        advance: Called after each frame, to show progress.

    Raises:
        MissingFileError: A path does not exist.
        BadInputError: None of the recordings can be read, or another run writes the file.
        OutputError: The file cannot be written.
        MissingPackageError: The package for Parquet or Dask is not installed.
        RunError: The cluster does not answer, or lost a worker again and again.
    """
    check_output(out, form)
    recordings, settings = find(paths), settings or Settings.load()
    named = len(recordings) > 1 or any(path.is_dir() for path in paths)
    lock = hold_output(out, "Stop it, or choose another file for --out.")
    with contextlib.ExitStack() as ending:
        ending.callback(let_go, lock)
        run = _Run(Analyzer(settings, workers or os.cpu_count() or 1), out, every, copies, advance)
        ending.callback(run.tidy)
        run.output = Output(out, form, run.analyzer.labels, recordings, named)
        if cluster is not None:
            run.cluster = ending.enter_context(Cluster(cluster, run.analyzer, every))
            run.cluster.expect(recordings, run.progress)
        return run.follow(recordings, named)


class _Run:
    """One analysis.

    Args:
        analyzer: Finds and follows faces.
        out: The file to write.
        every: Analyses every n-th frame.
        copies: A folder for annotated copies, or None.
        advance: Called after each frame, or None.
    """

    output: Output
    cluster: Cluster | None = None

    def __init__(
        self, analyzer: Analyzer, out: Path, every: int, copies: Path | None, advance: AdvanceIn | None
    ):
        self.analyzer, self._every, self._copies, self._advance = analyzer, every, copies, advance
        neutral = analyzer.settings.neutral
        self._resting = user_path(neutral) if neutral else None
        if self._resting:
            analyzer.resting(self._resting)  # reports now what is wrong with it
        self._folder = out.with_name(f"{out.name}.unfinished")
        with as_output_error(self._folder):
            self._folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
        self._result = Result()

    def tidy(self) -> None:
        """Removes the folder of what is unfinished unless something in it is worth keeping."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def follow(self, recordings: list[Path], named: bool) -> Result:
        """Analyses the recordings, and returns what was done."""
        result, lost = self._result, False  # whether one might be readable again later
        self._taken = {path.resolve() for path in recordings}
        for path in recordings:
            try:
                self._analyze(path, str(path) if named else "")
            except UNREADABLE as error:
                if len(recordings) == 1:
                    raise
                result.failed.append((path, str(error)))
                lost = lost or not isinstance(error, BadInputError)
        if not result.done:
            raise BadInputError(
                f"None of the {len(recordings)} files can be read. The first: {result.failed[0][1]}",
                "Expected videos or pictures.",
                "Choose others.",
            )
        self.output.write()
        result.rows = self.output.rows
        if not lost:
            shutil.rmtree(self._folder, ignore_errors=True)
        return result

    def progress(self, path: Path) -> Progress:
        """Returns what is known of a recording; not yet open.

        Raises:
            MissingFileError: The recording is gone.
        """
        words = f"{path.absolute()}".encode("utf-8", "surrogateescape")
        try:
            facts, settings = path.stat(), self.analyzer.settings
        except OSError as error:
            raise MissingFileError(
                f"{path} is gone ({error.strerror or error}).",
                "Expected it to stay until it has been analysed.",
                "Put it back, and run the same command again.",
            ) from error
        key = {"size": facts.st_size, "changed": facts.st_mtime_ns, "every": self._every}
        key |= {"network": self.analyzer.network} | {name: getattr(settings, name) for name in FOUND_WITH}
        return Progress(self._folder / f"{sha256(words).hexdigest()[:16]}.faces", key)

    def _analyze(self, path: Path, name: str) -> None:
        """Analyses a recording, or what is left of it."""
        progress = self.progress(path)
        try:
            progress.open()
            if not progress.complete:
                for faces, count in self._faces(path, progress.last + 1):
                    progress.add(faces)
                    if self._advance:
                        self._advance(path, faces.number + 1, count)
                progress.finish()
        finally:
            progress.close()
        self.output.add(path, self._readings(progress, name), progress.path.with_suffix(".rows"))
        self._result.frames += progress.count
        self._result.done.append(path)
        if self._copies:
            self._copy(path, self._readings(progress, name))

    def _copy(self, path: Path, seen: Iterator[Seen[Reading]]) -> None:
        """Writes an annotated copy of a recording."""
        try:
            copy = annotate(path, seen, self._copies, self._taken)
        except UNREADABLE as error:
            self._result.uncopied.append((path, str(error)))
            return
        self._taken.add(copy.resolve())
        self._result.copies.append(copy)

    def _readings(self, progress: Progress, name: str) -> Iterator[Seen[Reading]]:
        """Yields the readings of each frame of a recording."""
        resting = self.analyzer.resting(self._resting) if self._resting else None
        return self.analyzer.readings(progress.frames(), name, resting)

    def _faces(self, path: Path, first: int) -> Iterator[tuple[Faces, int | None]]:
        """Yields the faces of the frames from the first one, each with the number of all frames if known."""
        if self.cluster:
            yield from self.cluster.faces(path)
            return
        recording = Recording(path, self._every)
        recording.open()
        try:
            for faces in self.analyzer.faces(recording.frames(first)):
                yield faces, recording.count
        finally:
            recording.close()
