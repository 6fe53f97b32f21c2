"""The rows of one recording in a file that `expression analyze` may have written for several.

Pictures and reports of one recording are made of them.

Notebook: 13_video
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from ..errors import BadInputError
from ..files import csv_cell, is_housekeeping, natural
from ..pictures.skipped import Skipped
from ..records.rows import read_rows
from ..types import Reading


class RecordingRows(NamedTuple):
    """The rows of a recording.

    Attributes:
        readings: Its readings.
        total: Number of rows in the file, of all recordings.
        labels: The labels of the readings; empty if there are none.
    """

    readings: list[Reading]
    total: int
    labels: list[str]


def recording_rows(rows: Path, video: Path, skipped: Skipped, scores: bool = True) -> RecordingRows:
    """Returns the readings of a recording.

    Args:
        rows: The rows of an analysis. Without a column `file`, all are of this recording.
        video: The recording that was analysed.
        skipped: Counts the rows that cannot be used.
        scores: Whether the scores of all labels are needed; those of two hours take hundreds of megabytes.

    Raises:
        MissingFileError: There is no such file of rows.
        BadInputError: It is something else, most of its rows cannot be used, or the recording is a folder.
    """
    readings, labels = [], []
    for reading in read_rows(rows, skipped):
        labels = labels or list(reading.scores)
        readings.append(reading if scores else _light(reading))
    names = {reading.file for reading in readings}
    if video.is_dir():
        raise _folder(video, sorted(names - {""}, key=natural))
    own = recording_name(names, video)
    mine = [each for each in readings if each.file in ("", own)]
    return RecordingRows(mine, len(readings) + len(skipped), labels if mine else [])


def _folder(folder: Path, names: list[str]) -> BadInputError:
    """Returns the error for a folder in place of one of its recordings."""
    named = [path for path in (folder / _parts(name)[-1] for name in names) if path.is_file()]
    others = sorted(path for path in folder.iterdir() if path.is_file() and not is_housekeeping(path.name))
    example = next(iter([*named, *others]), folder / "NAME")
    return BadInputError(
        f"{folder} is a folder.",
        "Expected one recording, even if the rows cover several.",
        f"Choose one, such as {example}.",
    )


def _light(reading: Reading) -> Reading:
    """Returns a reading without scores, whose texts take no memory of their own."""
    label, file = sys.intern(reading.label), sys.intern(reading.file)
    place = (reading.frame, 0.0, reading.position, file)
    return Reading(reading.person, reading.box, label, reading.score, _NO_SCORES, *place)


_NO_SCORES: dict[str, float] = {}


def recording_name(names: set[str], video: Path) -> str:
    """Returns the one of some names that means a recording; "" if none does.

    Folders may have been moved since, so only the last part has to agree. If several files have the same
    name, it is the one with the most folders in common.

    Example:
        >>> recording_name({"a/clip.mp4", "b/clip.mp4", "b/other.mp4"}, Path("films/b/clip.mp4"))
        'b/clip.mp4'
    """
    wanted = _parts(str(video.absolute()))

    def shared(name: str) -> int:
        ends = zip(reversed(_parts(name)), reversed(wanted), strict=False)
        return next((count for count, (one, other) in enumerate(ends) if one != other), len(wanted))

    last = {wanted[-1], csv_cell(wanted[-1])}  # a name that begins like a formula is written with a quote
    own = [name for name in sorted(names) if name and _parts(name)[-1] in last]
    return max(own, key=shared, default="")


def _parts(name: str) -> list[str]:
    """Returns the folders and the name of a path as rows spell them, whichever system wrote them."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\\", "/").split("/")
