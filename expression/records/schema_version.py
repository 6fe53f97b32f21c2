"""The version of a database's schema: read quickly, and brought up to date by Alembic where it is old.

`Database.prepare` calls it. Alembic is imported only if there is something to do.

Source: https://alembic.sqlalchemy.org/en/latest/api/runtime.html

Notebook: 11_records
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInputError
from .schema import VERSION_TABLE, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER = Path(__file__).parent / "migrations"
NEWEST = "1"
"""The version that this program reads and writes."""


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
    found = version(connection)
    if found == NEWEST:
        return
    if found and (not found.isdecimal() or int(found) > int(NEWEST)):
        raise BadInputError(
            f"The database {shown} has version {found[:20]} of the tables.",
            f"Expected version {NEWEST} at most, which this program knows.",
            "Update this program, or choose another database.",
        )
    _run(connection)


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
