"""Statistics of a live run: how many, how quick, how old; in constant memory.

`prediction.py` adds to it, `session.py` reads it at the end, `expression live --stats`
writes it as JSON.

Notebook: 06_live
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from . import STARTED


class Milliseconds:
    """Percentiles of any number of durations, to the millisecond, in 40 kB.

    Durations of five seconds and more share the last bin; the maximum is exact.

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
        """Returns the duration that `percent` of all do not exceed; None when there is none."""
        total = self._counts.sum()
        if not total:
            return None
        return float(np.searchsorted(np.cumsum(self._counts), total * percent / 100))

    def summary(self) -> dict[str, float | None]:
        """Returns p50, p95 and max in milliseconds; None where nothing was counted."""
        largest = round(self._largest, 1) if self._counts.any() else None
        return {"p50": self.percentile(50), "p95": self.percentile(95), "max": largest}


def process_seconds() -> float:
    """Returns how many seconds ago this process began.

    Linux tells it (to 10 ms); elsewhere it is counted from the import of this package.

    Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, field 22.
    """
    if not sys.platform.startswith("linux"):
        return time.monotonic() - STARTED
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
