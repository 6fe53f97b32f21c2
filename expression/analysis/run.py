"""An analysis: recordings in, one file of rows out; safe to stop at any moment and to start again.

`expression analyze` calls `analyze`. What is known of a recording is kept in a folder beside the output until
all are done. The output is replaced after each recording, so it always has whole recordings.

Notebook: 06_live
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ..errors import BadInputError, ExpressionError
from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error, hold_output, let_go, replacing
from ..records.rows import columns, row
from ..settings import Settings
from ..tables import write_cells
from .analyzer import Analyzer, Faces
from .progress import Progress
from .recordings import Recording, find

Advance = Callable[[Path, int, "int | None"], None]
"""Called after each frame with the recording, the number of frames done, and the number of all if known."""


@dataclass
class Result:
    """What an analysis did.

    Attributes:
        rows: Number of rows in the output.
        frames: Number of frames analysed, in this run and earlier ones.
        done: The recordings that are in the output.
        failed: Those that could not be read, each with the message.
    """

    rows: int = 0
    frames: int = 0
    done: list[Path] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)


def analyze(
    paths: Sequence[Path],
    out: Path,
    settings: Settings | None = None,
    workers: int | None = None,
    every: int = 1,
    advance: Advance | None = None,
) -> Result:
    """Writes a row for every face in every frame of some recordings.

    Args:
        paths: Videos, pictures, and folders with them.
        out: The CSV file to write. A last column `file` names the recording if there are several.
        settings: As for a live run; None collects them.
        workers: Number of threads; None for one per core.
        every: Analyses every n-th frame.
        advance: Called after each frame, to show progress.

    Raises:
        MissingFileError: A path does not exist.
        BadInputError: None of the recordings can be read, or another run writes the file.
        OutputError: The file cannot be written.
    """
    recordings, settings = find(paths), settings or Settings.load()
    named = len(recordings) > 1 or any(path.is_dir() for path in paths)
    folder = out.with_name(f"{out.name}.unfinished")
    lock = hold_output(out, "Stop it, or choose another file for --out.")
    try:
        analyzer = Analyzer(settings, workers or os.cpu_count() or 1)
        with as_output_error(folder):
            folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
        result, parts = Result(), []
        for path in recordings:
            try:
                part = _one(analyzer, path, every, folder, str(path) if named else "", result, advance)
            except ExpressionError as error:
                if len(recordings) == 1:
                    raise
                result.failed.append((path, str(error)))
                continue
            parts.append(part)
            result.done.append(path)
            _write(out, columns(analyzer.labels, named), parts)
        if not result.done:
            raise BadInputError(
                f"None of the {len(recordings)} files can be read. The first: {result.failed[0][1]}",
                "Expected videos or pictures.",
                "Choose others.",
            )
        shutil.rmtree(folder, ignore_errors=True)
        return result
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # unless something in it is worth keeping
        let_go(lock)


def _one(
    analyzer: Analyzer,
    path: Path,
    every: int,
    folder: Path,
    name: str,
    result: Result,
    advance: Advance | None,
) -> Path:
    """Analyses one recording, or what is left of it; returns the file with its rows."""
    facts, settings = path.stat(), analyzer.settings
    words = f"{path.absolute()}".encode("utf-8", "surrogateescape")
    progress = Progress(
        folder / f"{sha256(words).hexdigest()[:16]}.faces",
        {
            "size": facts.st_size,
            "changed": facts.st_mtime_ns,
            "every": every,
            "network": analyzer.network,
            **{
                key: getattr(settings, key)
                for key in ("detector", "people", "smallest_face", "eyes", "sensitivity")
            },
        },
    )
    recording = Recording(path, every)
    recording.open()
    try:
        progress.open()
        for faces in analyzer.faces(recording, progress.last):
            progress.add(faces)
            if advance:
                advance(path, faces.number + 1, recording.count)
    finally:
        recording.close()
        progress.close()
    rows = progress.path.with_suffix(".rows")
    with (
        replacing(rows, PRIVATE) as part,
        part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        for reading in analyzer.readings(_counted(progress, result), name):
            file.write(write_cells([row(reading, bool(name))]))
            result.rows += 1
    return rows


def _counted(progress: Progress, result: Result) -> Iterator[Faces]:
    """Yields the frames of a recording, and counts them."""
    for faces in progress.frames():
        result.frames += 1
        yield faces


def _write(out: Path, header: list[str], parts: Iterable[Path]) -> None:
    """Replaces the output by the rows of all finished recordings."""
    with replacing(out, PRIVATE) as part, part.open("wb") as file:
        file.write(write_cells([header]).encode("utf-8", "backslashreplace"))
        for each in parts:
            with each.open("rb") as rows:
                shutil.copyfileobj(rows, file)
