"""Statistics of a live run: counts, rates and ages; in constant memory, and in a file.

`prediction.py` adds to it; `session.py` reads it, and writes it as JSON for `expression live --stats`.

Notebook: 07_live
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import STARTED
from ..errors import OutputError
from ..files import hold_output, let_go, write_text
from .data import Data
from .worker import Worker

MEANINGS = {
    "frames_read": "frames from the source",
    "frames_shown": "frames on the display",
    "frames_with_faces": "frames in which a face was found",
    "faces_skipped_frames": "frames that a newer one replaced before the detector was free",
    "frames_unreadable": "frames or files of the source that could not be read",
    "predictions": "faces scored",
    "seconds": "how long the run took",
    "display_fps": "frames shown per second",
    "predictions_per_second": "faces scored per second",
    "first_reading_seconds": "seconds from the start of the process to the first reading; null without one",
    "reading_age_ms": "p50, p95 and max, in milliseconds: from the capture of a frame to its reading",
    "labels": "how often each label was read, the most frequent first",
    "threads_left": "threads still alive after the stop; 0 is normal",
    "stop_seconds": "how long the stop took",
    "error": "null, or what ended the run",
}
"""What each key of `Session.statistics` means; docs/reference/statistics.md is written from it."""


if TYPE_CHECKING:
    from filelock import FileLock

MOST_BYTES = 4096
"""Bytes of an existing file that are checked before statistics replace it."""

WRITE_SECONDS = 10.0
"""How often the file is written during a run, in case it is cut off."""

CUT_OFF = "the run has not ended, or was cut off"
"""The error in the file until the run has ended."""


class Milliseconds:
    """Percentiles of any number of durations, to the millisecond, in 40 kB.

    Durations of five seconds or more share the last bin; the maximum is exact.

    Example:
        >>> ages = Milliseconds()
        >>> for seconds in (0.010, 0.020, 0.030):
        ...     ages.add(seconds)
        >>> ages.summary()
        {'p50': 20.0, 'p95': 30.0, 'max': 30.0}
    """

    _BINS = 5000

    def __init__(self):
        self._counts = np.zeros(self._BINS, np.int64)
        self._largest = 0.0

    def add(self, seconds: float) -> None:
        """Counts one duration, in seconds."""
        milliseconds = seconds * 1000
        self._counts[min(round(milliseconds), self._BINS - 1)] += 1
        self._largest = max(self._largest, milliseconds)

    def percentile(self, percent: float) -> float | None:
        """Returns the duration that `percent` of all do not exceed; None if there are none."""
        total = self._counts.sum()
        if not total:
            return None
        return float(np.searchsorted(np.cumsum(self._counts), total * percent / 100))

    def summary(self) -> dict[str, float | None]:
        """Returns p50, p95 and max in milliseconds; None if nothing was counted."""
        largest = round(self._largest, 1) if self._counts.any() else None
        return {"p50": self.percentile(50), "p95": self.percentile(95), "max": largest}


def process_seconds() -> float:
    """Returns how many seconds ago this process started.

    Linux reports it in /proc (to 10 ms); elsewhere it is measured from the import of this package.

    Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, field 22.
    """
    if not sys.platform.startswith("linux"):
        return time.monotonic() - STARTED
    try:
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
            began = int(file.read().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):  # a jail without /proc, or with a different one
        return time.monotonic() - STARTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")


class StatisticsFile:
    """The file for the statistics of a run: always complete, even if the run is cut off.

    Args:
        path: The path that the user gave; a pipe or a device is written once, at the end.
    """

    def __init__(self, path: str):
        self.path = Path(path)
        self._is_file = True
        self._lock: FileLock | None = None

    def check(self) -> None:
        """Makes sure that the statistics can be written and replace nothing else; locks the file.

        Raises:
            OutputError: They cannot be written, or would replace something else; choose another file.
            BadInputError: Another run is writing the file.
        """
        if self.path.is_dir():
            raise self._cannot(IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
        self._is_file = self.path.is_file() or not self.path.exists()
        if not self._is_file:
            return
        try:
            content = b""
            if self.path.exists():
                with self.path.open("r+b") as file:  # which also needs permission to write
                    content = file.read(MOST_BYTES)
            tempfile.TemporaryFile(dir=self.path.resolve().parent).close()
        except (OSError, ValueError, RuntimeError) as error:  # a null character in the name, a link to itself
            raise self._cannot(error) from error
        if content and b'"frames_read"' not in content:
            raise OutputError(
                f"{self.path} already exists and does not contain statistics.",
                "Expected a new file, or one that an earlier run wrote.",
                "Choose another file for --stats.",
            )
        self._lock = hold_output(self.path, "Stop it, or choose another file for --stats.")

    def let_go(self) -> None:
        """Releases the file for other runs."""
        let_go(self._lock)

    def write(self, statistics: dict[str, Any]) -> None:
        """Writes the statistics at the end.

        Raises:
            OutputError: They cannot be written.
        """
        text = json.dumps(statistics, indent=2) + "\n"
        try:
            write_text(self.path, text)
        except OSError as error:
            raise self._cannot(error.__cause__ or error) from error

    def write_meanwhile(self, statistics: dict[str, Any]) -> None:
        """Writes the statistics of a run in progress, as if it had been cut off."""
        if self._is_file:
            with contextlib.suppress(OutputError):  # the final write reports it
                self.write({**statistics, "error": CUT_OFF})

    def _cannot(self, error: BaseException) -> OutputError:
        """Returns the error for statistics that cannot be written."""
        return OutputError(
            f"The statistics cannot be written to {self.path} ({getattr(error, 'strerror', None) or error}).",
            "Expected a file in a folder that exists and is writable, and enough space on the disk.",
            "Choose another file for --stats, create the folder, or free some space.",
        )


class StatisticsLoop(Worker):
    """Writes the statistics every few seconds, until the run is over.

    Args:
        data: The shared object.
        file: Where to write them.
        statistics: Returns them.
    """

    def __init__(self, data: Data, file: StatisticsFile, statistics: Callable[[], dict[str, Any]]):
        super().__init__(data, "statistics")
        self._file, self._statistics = file, statistics

    def step(self) -> None:
        """Sleeps for a while, and writes them unless the run is over by then."""
        if not self.data.wait_done(WRITE_SECONDS):
            self._file.write_meanwhile(self._statistics())
