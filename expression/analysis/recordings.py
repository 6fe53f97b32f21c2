"""Recordings: videos and pictures as frames with their own numbers and times, every n-th of them.

`analyzer.py` reads one at a time. Unlike the sources of a live run, nothing waits for the clock.

Notebook: 13_video
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from ..errors import BadInputError, MissingFileError
from ..files import is_housekeeping, natural
from ..pictures.image import as_picture, read_picture
from ..pictures.kinds import is_still
from ..pictures.skipped import Skipped
from ..sanitize import printable
from ..sources.video import Video
from ..types import Frame, Reading

logger = logging.getLogger("expression")

LATE = 0.1
"""Seconds by which the time of a row may differ from its frame's; else it is of another recording."""

Advance = Callable[[int, "int | None"], None]
"""Called after each frame with the number of frames done, and the number of all if known."""


def find(paths: Iterable[Path]) -> list[Path]:
    """Returns the files to analyse: those named, and all in the folders named, in natural order.

    Raises:
        MissingFileError: One does not exist.
        BadInputError: A folder has no files.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise MissingFileError(
                f"There is no file or folder {path}.",
                "Expected a video, a picture or a folder.",
                "Check the name.",
            )
        inside = _inside(path) if path.is_dir() else [path]
        if not inside:
            raise BadInputError(
                f"The folder {path} has no files.", "Expected videos or pictures.", "Choose another folder."
            )
        found += [each for each in inside if each not in found]
    return found


def _inside(folder: Path) -> list[Path]:
    """Returns the files of a folder and its subfolders, without what systems leave there.

    What is neither a file nor searched, such as a broken link or a link to a folder, is logged in one line.
    """
    files, skipped = [], Skipped()
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if any(map(is_housekeeping, place.parts)):
            continue
        if path.is_file():
            files.append(path)
        elif path.is_symlink() or not path.is_dir():
            to_folder = "a link to a folder, which is not searched"
            skipped.add(place.as_posix(), to_folder if path.is_dir() else "not a file")
    if skipped:
        logger.warning(
            "%s: %s", printable(folder), skipped.summary(len(files) + len(skipped), "files and links")
        )
    return sorted(files, key=lambda path: natural(str(path)))


class Recording:
    """A video, or a picture as a video of one frame.

    Args:
        path: The file.
        every: Returns every n-th frame, from the first.

    Attributes:
        count: The number of frames that the file announces; None if it does not.
        fps: Average frames per second.
        start: The timestamp in the file at which the recording starts, in seconds.
        skipped: Frames that could not be decoded.
    """

    def __init__(self, path: Path, every: int = 1):
        self.path, self.every = path, every
        self.count: int | None = None
        self.fps, self.start = 25.0, 0.0
        self.skipped = Skipped()
        self._video: Video | None = None

    def open(self) -> None:
        """Opens the file.

        Raises:
            BadInputError: It is neither a video nor a picture, or damaged.
        """
        if is_still(self.path):
            self.count = 1
            return
        self._video = Video(self.path)
        self._video.open()
        self.count, self.skipped = self._video.count, self._video.skipped
        self.fps, self.start = self._video.fps, self._video.start

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """Yields the frames, numbered from 0 as in the file.

        Args:
            first: Frames before this one are left out.

        Raises:
            SourceLostError: The disk failed.
        """
        if self._video is None:
            if first == 0:
                yield Frame(read_picture(self.path), file=self.path.name)
            return
        number = 0
        while (image := self._video.read()) is not None:
            if number >= first and number % self.every == 0:
                position = self._video.position or 0.0
                yield Frame(as_picture(image, self.path.name), number, position=position)
            number += 1

    def close(self) -> None:
        """Closes the file, and reports what was skipped."""
        if self._video is not None:
            self._video.close()


def picked(path: Path, numbers: Collection[int], advance: Advance | None = None) -> Iterator[Frame]:
    """Yields the frames of a recording that have these numbers, and reads no further than the last one.

    Args:
        path: The recording.
        numbers: Numbers of frames.
        advance: Called after each frame that is read, to show progress.

    Raises:
        BadInputError: The file is neither a video nor a picture, or damaged.
        SourceLostError: The disk failed.
    """
    if not numbers:
        return
    recording, last = Recording(path), max(numbers)
    recording.open()
    try:
        for frame in recording.frames():
            if frame.number in numbers:
                yield frame
            if advance:
                advance(frame.number + 1, last + 1)
            if frame.number >= last:
                return
    finally:
        recording.close()


def fault(reading: Reading, position: float | None) -> str:
    """Returns why a row cannot be of a frame of a recording, or "".

    Args:
        reading: The row.
        position: The time of the frame with its number, in seconds; None if there is no such frame.
    """
    if position is None:
        return "after the end of the recording"
    return "" if abs(reading.position - position) <= LATE else "of a frame at a different time"


def check_is_same(path: Path, unusable: Skipped, total: int, what: str) -> None:
    """Checks that a recording can be the one of some rows.

    Args:
        path: The recording.
        unusable: Counts the rows that cannot be of it.
        total: How many there are in all.
        what: What they are, in the plural.

    Raises:
        BadInputError: More than half cannot be of it.
    """
    if 2 * len(unusable) > total:
        raise other_recording(path, unusable.summary(total, what))


def other_recording(path: Path, why: str = "") -> BadInputError:
    """Returns the error for a recording that cannot be the one of the rows."""
    return BadInputError(
        f"{path} is not the recording of these rows.{why and f' {why}'}",
        "Expected the recording that was analysed.",
        "Choose the recording of these rows, or analyse this one.",
    )
