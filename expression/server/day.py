"""Day: what was read in each minute of a run, as the ribbon of the live page shows it.

`live.py` adds what is read; nothing is written anywhere, and it is forgotten with the run.

Notebook: 16_records
"""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple

MOST = 24 * 60
"""Minutes that are kept: one day."""

LONGEST_GAP = 2.0
"""Seconds between two readings that still count; a computer that slept has read nothing."""


class Minute(NamedTuple):
    """One minute of the day.

    Attributes:
        minute: Minutes since 1970, as `time.time() // 60`.
        label: The label that was read for most of it; None if nobody was there for most of it.
    """

    minute: int
    label: str | None


class Day:
    """The minutes of a run with their labels, a day at most.

    Example:
        >>> day = Day()
        >>> for second in range(50, 70):
        ...     day.add("Happy" if second < 64 else "Sad", float(second))
        >>> day.since(0)
        [Minute(minute=0, label='Happy'), Minute(minute=1, label='Sad')]
    """

    def __init__(self, most: int = MOST):
        self._past: deque[Minute] = deque(maxlen=most - 1)
        self._seconds: Counter[str | None] = Counter()
        self._minute = self._last = 0.0

    def add(self, label: str | None, now: float) -> None:
        """Counts the time since the last call for a label.

        Args:
            label: What is read now; None if nobody is there.
            now: In seconds, as `time.time()` gives it.
        """
        minute = now // 60
        gap = min(max(0.0, now - self._last), LONGEST_GAP) if self._last else 0.0
        self._last = now
        if minute > self._minute:  # a clock that was set back adds to the minute that it left
            self._past.extend(self._now())
            self._seconds.clear()
            self._minute = minute
        self._seconds[label] += gap

    def since(self, minute: int) -> list[Minute]:
        """Returns the minutes from one on, the current one last."""
        return [each for each in (*self._past, *self._now()) if each.minute >= minute]

    def _now(self) -> list[Minute]:
        """Returns the current minute, or nothing before the first call."""
        if not self._seconds:
            return []
        return [Minute(int(self._minute), self._seconds.most_common(1)[0][0])]
