"""The version of a database's schema: read quickly, and brought up to date by Alembic where it is old.

`Database.prepare` calls it. Alembic is imported only if there is something to do.

Source: https://alembic.sqlalchemy.org/en/latest/api/runtime.html

Notebook: 16_records
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInputError
from .schema import VERSION_TABLE, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER = Path(__file__).parent / "migrations"
NEWEST = "1"
"""The version that this program reads and writes."""

LOCK = 742_306_118
"""The number of the lock on PostgreSQL, chosen at random."""

_alembic = threading.Lock()  # Alembic keeps what it is doing in module variables


def version(connection: Connection) -> str:
    """Returns the version of the schema; empty for a database without tables of ours."""
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return str(found or "")


def upgrade(connection: Connection, shown: str) -> None:
    """Creates the tables, or brings them up to date, unless they are already.

    Args:
        connection: A connection in a transaction; the caller commits.
        shown: What messages call the database.

    Raises:
        BadInputError: A newer version of this program has written it.
    """
    if _is_current(connection, shown):
        return
    with _alembic, _alone(connection):
        if not _is_current(connection, shown):
            _run(connection)


def _is_current(connection: Connection, shown: str) -> bool:
    """Returns whether there is nothing to do; raises a BadInputError if a newer program has been here."""
    found = version(connection)
    if found and (not found.isdecimal() or int(found) > int(NEWEST)):
        raise BadInputError(
            f"The database {shown} has version {found[:20]} of the tables.",
            f"Expected version {NEWEST} at most, which this program knows.",
            "Update this program, or choose another database.",
        )
    return found == NEWEST


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Keeps other programs from changing the tables at the same time, until the transaction ends.

    MySQL commits each change of a table by itself, so its lock ends with the block.
    """
    kind = connection.dialect.name
    if kind == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif kind == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    else:
        held = connection.exec_driver_sql(f"SELECT GET_LOCK('{VERSION_TABLE}', 10)").scalar()
        if held != 1:
            raise OSError("another program is changing its tables")
    try:
        yield
    finally:
        if kind not in ("sqlite", "postgresql"):
            connection.exec_driver_sql(f"SELECT RELEASE_LOCK('{VERSION_TABLE}')")


def _run(connection: Connection) -> None:
    """Runs the migrations that are missing."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER)])
    with EnvironmentContext(
        config, scripts, fn=lambda before, _context: scripts._upgrade_revs("head", before)
    ) as environment:
        environment.configure(connection, target_metadata=metadata, version_table=VERSION_TABLE)
        with environment.begin_transaction():
            environment.run_migrations()
