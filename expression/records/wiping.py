"""What `expression dataset wipe` deletes of stored readings: rows and pictures, down to the bytes on disk.

It needs only Python's own sqlite3, so it also works where the extra `database` is not installed any more.
On a server nothing is deleted; `expression serve` can do that.

Source: https://www.sqlite.org/pragma.html#pragma_secure_delete

Notebook: 16_records
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .address import default_file
from .spool import ENDINGS, spools

OURS = "expression_schema"
"""The table that every database of this package has; see `schema.py`."""

TABLES = "pictures", "readings", "devices", "waiting"
"""The tables that are emptied, those that rows refer to last."""

PATIENCE = 10.0
"""Seconds to wait for a run that is storing something."""


@dataclass
class Stored:
    """The files with readings.

    Attributes:
        rows: Each file and the number of its readings; None for one that is damaged.
        uncounted: Those of them that cannot be opened, or are busy.
        left: Files that are named as a database but are something else, and stay.
    """

    rows: dict[Path, int | None] = field(default_factory=dict)
    uncounted: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete, also not in a log."""
        logs = [Path(f"{path}-wal") for path in self.rows]
        return not (
            self.uncounted
            or any(count or count is None for count in self.rows.values())
            or any(log.exists() and log.stat().st_size for log in logs)
        )

    def told(self) -> str:
        """Returns a description of what is deleted."""
        parts = []
        for path, count in self.rows.items():
            if path in self.uncounted:
                parts.append(f"the readings in {path}")
            elif count is None:
                parts.append(f"the damaged readings in {path}")
            elif count or not parts:
                parts.append(f"{count:,} stored {'reading' if count == 1 else 'readings'} in {path}")
        *most, last = parts
        return f"{', '.join(most)} and {last}" if most else last


def survey(named: Iterable[Path] = ()) -> Stored:
    """Lists the readings in the user's own file, in those that wait for a server, and in further files.

    Args:
        named: Further files.
    """
    found = Stored()
    own = [default_file(), *spools()]
    for path in dict.fromkeys([*own, *named]):
        if not os.path.isfile(path):
            continue
        try:
            count = _count(path)
        except sqlite3.OperationalError:  # busy, or locked; `delete` reports it
            count = 0
            found.uncounted.append(path)
        except sqlite3.DatabaseError:
            count = None if path in own else -1
        if count == -1:
            found.left.append(path)
        else:
            found.rows[path] = count
    return found


def delete(found: Stored) -> dict[str, str]:
    """Permanently deletes what a survey found; the empty files stay, for a run may have them open.

    Returns:
        The files in which something is left, and why.
    """
    failed = {}
    for path, count in found.rows.items():
        try:
            if count is None:
                for ending in ENDINGS:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(f"{path}{ending}")
            else:
                _empty(path)
        except (OSError, sqlite3.Error) as error:
            failed[str(path)] = getattr(error, "strerror", None) or str(error)
    return failed


def _count(path: Path) -> int:
    """Returns the number of readings in a file; -1 if it is a database of something else."""
    with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as file:
        tables = _tables(file)
        if "waiting" in tables and path in spools():
            return file.execute("SELECT count(*) FROM waiting").fetchone()[0]
        if OURS not in tables:
            return -1 if tables else 0
        return file.execute("SELECT count(*) FROM readings").fetchone()[0] if "readings" in tables else 0


def _empty(path: Path) -> None:
    """Deletes all rows, and rewrites the file so that nothing of them is left in it and in its log."""
    with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as file:
        for pragma in ("secure_delete = ON", "temp_store = MEMORY"):
            file.execute(f"PRAGMA {pragma}")
        file.execute("BEGIN IMMEDIATE")
        tables = _tables(file)
        if tables and OURS not in tables and path not in spools():
            raise sqlite3.DatabaseError("it is not a database of this program")
        for table in TABLES:
            if table in tables:
                file.execute(f"DELETE FROM {table}")
        file.execute("COMMIT")
        file.execute("VACUUM")
        busy, *_ = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("another program is reading its log; stop it, and try again")


def _tables(file: sqlite3.Connection) -> set[str]:
    return {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
