"""Engine: how SQLAlchemy connects to each kind of database, with short waits and, for SQLite, safe settings.

`database.py` calls `make_engine`.

Source: https://docs.sqlalchemy.org/en/20/core/engines.html, https://www.sqlite.org/pragma.html

Notebook: 16_records
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import BadInputError, missing_package
from .address import Address

if TYPE_CHECKING:
    from sqlalchemy import Engine

CONNECT_SECONDS, ANSWER_SECONDS = 3, 10
"""How long a server may take to accept a connection, and to answer."""

BUSY_SECONDS = 5.0
"""How long to wait for another program that is writing the SQLite file."""


def make_engine(address: Address, password: str | None) -> Engine:
    """Returns an engine with short timeouts and, for SQLite, safe settings; it is not connected yet.

    Args:
        address: The database.
        password: The password, if it is not in the URL.

    Raises:
        MissingPackageError: SQLAlchemy or the driver is not installed.
        BadInputError: The URL cannot be read.
    """
    try:
        from sqlalchemy import create_engine, event, make_url
        from sqlalchemy.engine import URL
        from sqlalchemy.exc import ArgumentError
    except ImportError as error:
        raise missing_package("The database", "SQLAlchemy", "database") from error
    if address.path:
        url = URL.create("sqlite", database=str(address.path))
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
        event.listen(engine, "connect", _set_pragmas)
        return engine
    try:
        url = make_url(address.url)
    except (ArgumentError, ValueError):
        raise BadInputError(
            f"The address of the database {address.shown} cannot be read.",
            "Expected a URL such as mysql://user@host/database.",
            "In user and password, write special characters as %XX, such as %40 for @.",
        ) from None
    if password and not url.password:
        url = url.set(password=password)
    options = _connect_options(url.get_backend_name())
    try:
        return create_engine(
            url,
            connect_args=options,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_recycle=3600,
            isolation_level="READ COMMITTED",
        )
    except ImportError as error:
        package = {"pymysql": "PyMySQL", "psycopg": "psycopg[binary]"}[url.get_driver_name()]
        raise missing_package(f"The database {address.shown}", package, "database") from error


def _connect_options(backend: str) -> dict[str, Any]:
    """Returns the options that keep a driver from waiting for long."""
    if backend == "postgresql":
        alive = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
        patience = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": ANSWER_SECONDS * 1000}
        return {**patience, **alive, "options": f"-c statement_timeout={ANSWER_SECONDS}s"}
    waits = {"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS}
    return {"connect_timeout": CONNECT_SECONDS, **waits}


def _set_pragmas(connection: Any, _record: Any) -> None:
    """Sets what every connection to an SQLite file needs: a log, nothing left of deleted rows, no copies."""
    cursor = connection.cursor()
    for pragma in (
        *("secure_delete = ON", "journal_mode = WAL", "synchronous = NORMAL"),
        *("foreign_keys = ON", "temp_store = MEMORY"),
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
