"""SinkLoop: the thread that feeds one sink.

A sink may fail: it is warned about once and tried again with growing pauses while the video continues.
`session.py` starts one for each sink.

Notebook: 10_reactions
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

import numpy as np

from ..errors import (
    BadInputError,
    ExpressionError,
    MissingFileError,
    MissingPackageError,
    OutputError,
    missing_package,
)
from ..sinks._base import GONE_SECONDS, Sink
from ..types import Reading, Seen
from .aggregation import aggregate
from .data import Data
from .worker import Worker

logger = logging.getLogger("expression")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between a failure and the next try: the first pause, which doubles, and the longest."""

LAST_SECONDS = 0.5
"""How long the end of a run waits for the readings of its last frame."""

SLOW_SECONDS = 1.0
"""A sink that took longer for a reading gets no more once the run is done, as the stop waits only 5."""

CLOSING = "Expected it to close without an error. Check whether its last readings arrived."
"""What to say if a sink from elsewhere fails when it is closed."""

FATAL = (BadInputError, MissingFileError, MissingPackageError)
"""Errors that trying again does not fix; from a sink they end the run."""


class SinkLoop(Worker):
    """Follows `data.readings` and feeds one sink; a sink that fails never stops the video.

    Args:
        data: The shared object.
        sink: A sink that is not yet open.

    Attributes:
        sink: The sink.
        sent: Number of readings sent.
        failed: Number of readings at which the sink raised an exception.
    """

    def __init__(self, data: Data, sink: Sink):
        super().__init__(data, sink.name)
        self.sink = sink
        sink.control = data.control
        self.sent = self.failed = 0
        self._follower = data.readings.follow()
        self._opened = False
        self._draws = True  # until drawing fails
        self._failing = False  # whether the last call failed
        self._pause = 0.0  # seconds until the next try; 0 after a long time without failures
        self._works_since = 0.0
        self._took = 0.0  # seconds that the last reading took
        self._owes_empty = False  # whether the sink must still be notified that nobody is there
        self._present: dict[int, float] = {}  # person: position of the last frame with them
        self._last: dict[int, Reading] = {}  # person: the reading that was sent last
        self._settling: dict[int, Reading] = {}  # person: the first reading with the current label
        self._overridden: str | None = None  # the last override

    @property
    def skipped(self) -> int:
        """Frames whose readings were replaced before the sink was free."""
        return self._follower.skipped

    def setup(self) -> None:
        """Opens the sink, for the first time."""
        self._try(self._open)

    def step(self) -> None:
        """Waits for the pause after a failure, then sends the newest readings."""
        if self._failing and self.data.wait_done(self._pause):
            return
        if not self._opened and not self._try(self._open):
            return
        seen = self._follower.next()
        if seen is None:
            return self.finish()
        self._deliver(seen)

    def teardown(self) -> None:
        """Sends the readings of the last frame, unless they take too long, and closes the sink."""
        try:
            if self._opened and not self._failing and self._took <= SLOW_SECONDS:
                self._deliver_last()
        finally:
            if self._opened:
                self._close()

    def picture(self, width: int, height: int) -> np.ndarray | None:
        """Returns the sink's picture for a corner of the display; None if it has none, or drawing failed."""
        if self._draws:
            try:
                return self.sink.picture(width, height)
            except Exception as error:  # noqa: BLE001  a sink is anybody's code
                self._draws = False
                told = _say(error, "The run continues without its picture.")
                logger.warning("The sink %s cannot be drawn: %s", self.name, told)
        return None

    def _open(self) -> None:
        try:
            self.sink.open()
        except MissingPackageError:
            raise
        except ImportError as error:
            name = (error.name or str(error)).replace("_", "-")  # as pip spells it
            raise missing_package(f"The sink {self.name}", name, self.sink.extra) from error
        self._opened = True

    def _close(self) -> None:
        """Closes the sink; an exception in it must not hide how the run ended."""
        try:
            self.sink.close()
        except Exception as error:  # noqa: BLE001  a sink is anybody's code
            logger.warning("The sink %s did not close properly: %s", self.name, _say(error, CLOSING))

    def _deliver_last(self) -> None:
        """Waits until no more readings can come, at most `LAST_SECONDS`, and sends the newest."""
        data = self.data
        with data.changed:
            data.changed.wait_for(lambda: data.readings.closed or data.error, LAST_SECONDS)
        seen = self._follower.next(timeout=0)
        if seen is not None and data.error is None:
            self._deliver(seen)

    def _deliver(self, seen: Seen[Reading]) -> None:
        """Sends the readings of one frame, until one fails."""
        control, sink = self.data.control, self.sink
        if sink.reacts and control.paused:
            return
        override = control.override if sink.reacts else None
        if override != self._overridden and not sink.room:  # a room stays the same, whoever it follows
            self._last.clear()
            self._settling.clear()
        self._overridden = override
        if sink.room or override:
            seen = aggregate(seen, sink.room or "largest", override)
        self._update_present(seen)
        sink.frame = seen.frame
        for reading in seen.items:
            if self.data.done and self._took > SLOW_SECONDS:
                return
            if self._is_due(reading) and not self._try(lambda reading=reading: self._send(reading)):
                return
        if self._owes_empty and self._try(self.sink.empty):
            self._owes_empty = False
        if self.sink.finished:
            self.data.done = True

    def _send(self, reading: Reading) -> None:
        began = time.perf_counter()
        try:
            self.sink.send(reading)
        except Exception:
            self.failed += 1
            raise
        finally:
            self._took = time.perf_counter() - began
        self.sent += 1
        self._last[reading.person] = reading

    def _update_present(self, seen: Seen[Reading]) -> None:
        """Records who is there, forgets who has left, and schedules `empty` once the last one has."""
        before, now = bool(self._present), seen.frame.position
        self._present.update((reading.person, now) for reading in seen.items)
        for person in [p for p, last in self._present.items() if now - last > GONE_SECONDS]:
            del self._present[person]
            self._last.pop(person, None)
            self._settling.pop(person, None)
        self._owes_empty = not self._present and (before or self._owes_empty)

    def _is_due(self, reading: Reading) -> bool:
        """Whether to send this reading, by `dwell`, `only_changes`, `min_interval` and `wants`."""
        first = self._settling.get(reading.person)
        if first is None or first.label != reading.label:
            first = self._settling[reading.person] = reading
        if reading.position - first.position < self.sink.dwell:
            return False
        last = self._last.get(reading.person)
        if last is not None:
            changed = reading.label != last.label
            soon = reading.time - last.time < self.sink.min_interval
            if soon or (self.sink.only_changes and not changed):
                return False
        return self.sink.wants(reading)

    def _try(self, call: Callable[[], None]) -> bool:
        """Calls the sink and returns whether it worked; warns once, until it has worked for long.

        A sink that fails now and then pauses longer each time, without another warning. There is none
        either for an error with the attribute `told`: the sink has already logged it.
        """
        try:
            call()
        except Exception as error:
            if isinstance(error, FATAL) or (isinstance(error, OutputError) and not self._opened):
                raise
            if not self._pause and not getattr(error, "told", False):
                self._warn(error)
            self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE)
            self._failing = True
            return False
        now = time.monotonic()
        if self._failing:
            self._failing, self._works_since = False, now
        elif self._pause and now - self._works_since >= LONGEST_PAUSE:
            self._pause = 0.0
            logger.warning("The sink %s works again.", self.name)
        return True

    def _warn(self, error: Exception) -> None:
        """Logs that a sink failed and what happens now."""
        logger.warning(
            "The sink %s failed. %s (The run continues without it, and tries it again at least every %g s.)",
            self.name,
            _say(error, "Fix it, or leave it out."),
            LONGEST_PAUSE,
            exc_info=error if os.environ.get("EXPRESSION_DEBUG") else None,
        )


def _say(error: Exception, remedy: str) -> str:
    """Returns an error in one line; one from elsewhere with its type and a remedy."""
    text = " ".join(str(error).split())
    if isinstance(error, ExpressionError):
        return text
    return f"{type(error).__name__}: {text}".rstrip(": .") + f". {remedy}"
