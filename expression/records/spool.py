"""Spool: rows that wait on disk while their database cannot be reached.

`writer.py` fills and empties it. It is a small SQLite file in the user's own folder, one for each database,
so it survives a killed program, and several runs can share it. At the limit, the oldest rows are dropped.

Notebook: 16_records
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error, own_folder
from .record import Record

logger = logging.getLogger("expression")

MOST_BYTES = 64_000_000
"""Most bytes of rows that wait: some 140,000 rows without pictures, a week of one person."""

BATCH_BYTES = 2_000_000
"""Most bytes of rows that are sent together, below what servers accept."""

ENDINGS = "", "-wal", "-shm", "-journal"
"""What SQLite may add to the name of a file."""

TABLES = """
    PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY;
    CREATE TABLE IF NOT EXISTS waiting (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, time TEXT, line TEXT, bytes INTEGER);
"""


def folder() -> Path:
    """Returns the folder of all spools; it may not exist."""
    return own_folder("state") / "waiting"


def spools() -> list[Path]:
    """Returns the files of all spools."""
    return sorted(folder().glob("*.sqlite"))


class Spool:
    """The rows that wait for one database. All methods can be called from any thread.

    Args:
        path: Its file; created, with its folder, when the first row is kept.
        most: Most bytes of rows.

    Attributes:
        path: Its file.
        dropped: How many rows were dropped since this object was made, because there were too many.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES):
        self.path, self._most = path, most
        self.dropped = 0
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None

    @classmethod
    def of(cls, identity: str) -> Spool:
        """Returns the spool for a database; see `Address.identity`."""
        return cls(folder() / f"{identity}.sqlite")

    @property
    def count(self) -> int:
        """How many rows wait."""
        with self._lock:
            if self._file is None and not self.path.exists():
                return 0
            return self._open().execute("SELECT count(*) FROM waiting").fetchone()[0]

    def add(self, records: Sequence[Record]) -> None:
        """Keeps rows, all or none; those that are there already are not kept twice.

        Raises:
            OutputError: The folder cannot be written.
            sqlite3.Error: The disk is full.
        """
        lines = [(each.id, each.time.isoformat(), each.to_json()) for each in records]
        with self._lock:
            file = self._open()
            with file:
                file.executemany(
                    "INSERT OR IGNORE INTO waiting (id, time, line, bytes) VALUES (?, ?, ?, ?)",
                    [(*line, len(line[2])) for line in lines],
                )
                self._drop_oldest(file)

    def first(self, most: int = 500) -> list[tuple[int, str]]:
        """Returns the oldest rows, as number and text, as many as may be sent together."""
        with self._lock:
            rows = self._open().execute(
                "SELECT number, line, bytes FROM waiting ORDER BY number LIMIT ?", (most,)
            )
            found, size = [], 0
            for number, line, length in rows:
                size += length
                if found and size > BATCH_BYTES:
                    break
                found.append((number, line))
            rows.close()
            return found

    def remove(self, numbers: Sequence[int]) -> None:
        """Removes rows that were sent."""
        with self._lock:
            file = self._open()
            with file:
                file.executemany("DELETE FROM waiting WHERE number = ?", [(n,) for n in numbers])

    def delete_before(self, time: datetime) -> int:
        """Deletes rows from before a time, so that nothing of them remains; returns how many."""
        with self._lock:
            if self._file is None and not self.path.exists():
                return 0
            file = self._open()
            with file:
                deleted = file.execute("DELETE FROM waiting WHERE time < ?", (time.isoformat(),)).rowcount
        if deleted:
            self.compact()
        return deleted

    def compact(self) -> None:
        """Rewrites the file without free space, and empties its log."""
        with self._lock, contextlib.suppress(sqlite3.OperationalError):  # another run uses it: next time
            file = self._open()
            file.execute("VACUUM")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None

    def _open(self) -> sqlite3.Connection:
        """Returns the open file; a damaged one is replaced."""
        if self._file is None:
            with as_output_error(self.path):
                self.path.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE))
            try:
                self._file = _opened(self.path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                logger.warning(
                    "The readings that waited in %s are lost, because the file is damaged (%s). Expected "
                    "it as this program wrote it. Check the disk if it happens again.",
                    self.path,
                    error,
                )
                for ending in ENDINGS:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(f"{self.path}{ending}")
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE))
                self._file = _opened(self.path)
        return self._file

    def _drop_oldest(self, file: sqlite3.Connection) -> None:
        """Drops the oldest rows until the rest fits."""
        size = file.execute("SELECT coalesce(sum(bytes), 0) FROM waiting").fetchone()[0]
        while size > self._most:
            number, length = file.execute(
                "SELECT number, bytes FROM waiting ORDER BY number LIMIT 1"
            ).fetchone()
            file.execute("DELETE FROM waiting WHERE number = ?", (number,))
            size -= length
            self.dropped += 1


def _opened(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        file.executescript(TABLES)
    except BaseException:
        file.close()
        raise
    return file
