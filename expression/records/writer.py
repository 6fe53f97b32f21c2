"""Writer: a thread that stores rows in batches, or keeps them on disk while the database is unreachable.

`sinks/database.py` puts rows into it, which never waits. Rows that may or may not have arrived are sent
again; their ids keep them from being stored twice.

Notebook: 16_records
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from ..errors import ExpressionError
from .database import Database
from .record import Record
from .spool import Spool

logger = logging.getLogger("expression")

BATCH_SECONDS = 1.0
"""How often rows are stored."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until an unreachable database is tried again: the first pause, which doubles, and the longest."""

HUNG_SECONDS = 15.0
"""After this long without an answer, new rows go to disk without waiting for it."""

AWAY_SECONDS = 0.5
"""How long the end of a run waits for an attempt to reach a database that did not answer before."""

KEEP_SECONDS = 24 * 3600.0
"""How often rows that are too old are looked for."""

MOST_IN_MEMORY = 10_000
"""Most rows in memory, should the disk not take them either."""


class Writer(threading.Thread):
    """Stores the rows that it is given, until `finish`.

    Args:
        database: Where to.
        spool: Where rows wait while it cannot be reached.
        keep: Days after which rows are deleted; 0 to keep them.

    Attributes:
        refusal: The error that ends the run, if the database refuses the first rows for good.
        stored: How many rows were stored.
        lost: How many rows could not be kept: they did not fit, or no database takes them.
    """

    def __init__(self, database: Database, spool: Spool, keep: float = 0.0):
        super().__init__(name="database writer", daemon=True)
        self.refusal: ExpressionError | None = None
        self.stored = self.lost = 0
        self._database, self._spool, self._keep = database, spool, keep
        self._queue: deque[Record] = deque()
        self._flight: list[Record] = []  # being stored
        self._began: float | None = None  # when that began
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._worked, self._failing, self._told = False, False, False
        self._away = not database.address.path  # rows go to disk first until a server has answered
        self._pause, self._next = 0.0, 0.0
        self._keep_next = 0.0
        self._told_lost = False

    def put(self, records: Sequence[Record]) -> None:
        """Takes rows; never waits for the database."""
        with self._lock:
            self._queue.extend(records)
            began = self._began
        if began is not None and time.monotonic() - began > HUNG_SECONDS:
            self._rescue()

    @property
    def waiting(self) -> int:
        """How many rows are not stored yet."""
        with self._lock:
            memory = len(self._queue) + len(self._flight)
        return memory + self._on_disk()

    def finish(self, seconds: float) -> int:
        """Stores what is left, within some seconds; returns how many rows wait on disk afterwards."""
        self._ended.set()
        self.join(min(seconds, AWAY_SECONDS) if self._failing else seconds)
        if self.is_alive():
            self._rescue()
        left = self._on_disk()
        self._tell_lost()
        self._spool.close()
        return left

    def run(self) -> None:
        """Stores rows once a second, from the moment when the database was looked for."""
        try:
            if self._away:
                self._send([])
            if self._on_disk():
                self._away = True
            ended = False
            while not ended:
                ended = self._ended.wait(BATCH_SECONDS)
                self._turn(ended)
        finally:
            self._database.close()
            self._spool.close()

    def _turn(self, last: bool) -> None:
        """Stores the rows of the last second, and then those that wait on disk."""
        with self._lock:
            self._flight = list(self._queue)
            self._queue.clear()
        batch = self._flight
        if batch and (self._away or not self._send(batch)):
            self._away = self._keep_on_disk(batch) or self._away
        self._flight = []
        due = time.monotonic() >= self._next
        if self._away and (due or (last and not self._failing)):
            self._catch_up()
        if self._keep and not last and time.monotonic() >= self._keep_next:
            self._forget_old()

    def _catch_up(self) -> None:
        """Sends what waits on disk, the oldest first."""
        sent = 0
        try:
            while rows := self._spool.first():
                records = [record for _, line in rows if (record := self._read(line))]
                if records and not self._send(records):
                    return
                sent += len(records)
                self._spool.remove([number for number, _ in rows])
        except (sqlite3.Error, ExpressionError) as error:
            self._fail(error)
            return
        if sent:
            self._spool.compact()
        self._away = False
        if self._told:
            self._told = False
            logger.warning(
                "The sink database reaches %s again. The %s that waited on disk %s stored.",
                self._database.address.shown,
                "reading" if sent == 1 else f"{sent:,} readings",
                "is" if sent == 1 else "are",
            )

    def _send(self, records: list[Record]) -> bool:
        """Stores rows; returns whether they are out of our hands."""
        with self._lock:
            self._began = time.monotonic()
        try:
            self._store(records)
        except Exception as error:  # noqa: BLE001  drivers raise whatever they like
            if isinstance(error, ExpressionError) and not self._worked:
                self.refusal = error
            self._fail(error)
            return False
        finally:
            with self._lock:
                self._began = None
        self._worked, self._failing, self._pause = True, False, 0.0
        return True

    def _store(self, records: list[Record]) -> None:
        """Stores rows together or, if one of them is not accepted, one by one without that one."""
        from sqlalchemy.exc import DataError, IntegrityError

        try:
            self._database.prepare()
            self._database.add(records)
            self.stored += len(records)
        except (DataError, IntegrityError):
            for each in records:
                try:
                    self._database.add([each])
                    self.stored += 1
                except (DataError, IntegrityError) as error:
                    self._lose(1, f"the database does not accept them ({self._database.reason(error)})")

    def _fail(self, error: Exception) -> None:
        """Notes that the database cannot be reached, and warns the first time."""
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        self._next, self._failing = time.monotonic() + self._pause, True
        if self._told or self.refusal:
            return
        self._told = True
        logger.warning(
            "The sink database cannot store readings in %s (%s). Expected it to answer. The run continues: "
            "readings wait in %s, and it is tried again at least every %g s.",
            self._database.address.shown,
            self._database.reason(error),
            self._spool.path,
            LONGEST_PAUSE,
        )

    def _keep_on_disk(self, records: list[Record]) -> bool:
        """Keeps rows on disk or, if that fails, in memory, without the oldest if there are too many."""
        try:
            self._spool.add(records)
        except (sqlite3.Error, ExpressionError, OSError) as error:
            with self._lock:
                self._queue.extendleft(reversed(records))
                dropped = max(0, len(self._queue) - MOST_IN_MEMORY)
                for _ in range(dropped):
                    self._queue.popleft()
            self._lose(dropped, f"{self._spool.path} cannot be written ({error})")
            return False
        self._tell_lost()
        return True

    def _rescue(self) -> None:
        """Keeps on disk what is in memory, for the database does not answer."""
        with self._lock:
            rows = [*self._flight, *self._queue]
            self._queue.clear()
        if rows:
            self._keep_on_disk(rows)
            self._away = True

    def _forget_old(self) -> None:
        """Deletes rows that are too old, in the database and on disk."""
        self._keep_next = time.monotonic() + KEEP_SECONDS
        limit = datetime.now(timezone.utc) - timedelta(days=self._keep)
        try:
            self._spool.delete_before(limit)
            if not self._away:
                self._database.delete_before(limit)
        except Exception as error:  # noqa: BLE001  as in _send
            logger.warning(
                "The sink database cannot delete old readings in %s (%s). Expected it to answer in time. The "
                "run continues, and it is tried again in a day.",
                self._database.address.shown,
                self._database.reason(error),
            )

    def _read(self, line: str) -> Record | None:
        """Returns a row from the disk; None for one that is damaged, which is counted."""
        try:
            return Record.from_json(line)
        except (ValueError, TypeError, KeyError):
            self._lose(1, "they were damaged on disk")
            return None

    def _on_disk(self) -> int:
        """How many rows wait on disk; 0 if that cannot be read."""
        try:
            return self._spool.count
        except (sqlite3.Error, ExpressionError):
            return 0

    def _tell_lost(self) -> None:
        """Counts the rows that did not fit on disk."""
        dropped, self._spool.dropped = self._spool.dropped, 0
        self._lose(dropped, f"more waited in {self._spool.path} than fit, so the oldest were dropped")

    def _lose(self, count: int, why: str) -> None:
        """Counts rows that are lost, and warns the first time."""
        self.lost += count
        if count and not self._told_lost:
            self._told_lost = True
            logger.warning(
                "The sink database has lost readings: %s. Expected every reading to be stored. Check %s; the "
                "end of the run says how many were lost.",
                why,
                self._database.address.shown,
            )
