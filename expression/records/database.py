"""Database: stores readings in an SQLite file, or on a MySQL, MariaDB or PostgreSQL server, by SQLAlchemy.

    database = Database(Address("records.sqlite"))
    database.add(records)

`writer.py` adds rows in a thread of its own, and `expression serve` reads them (`queries.py`). A row that is
added twice is stored once.

Source: https://docs.sqlalchemy.org/en/20/core/, https://www.sqlite.org/wal.html

Notebook: 11_records
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import BadInputError, OutputError, missing_package
from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error
from .address import Address, default_file
from .record import Record

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql import ColumnElement

CONNECT_SECONDS, ANSWER_SECONDS = 3, 10
"""How long a server may take to accept a connection, and to answer."""

BUSY_SECONDS = 5.0
"""How long to wait for another program that is writing the SQLite file."""

DELETED_TOGETHER = 5000
"""Most rows that are deleted in one transaction."""

REFUSALS = {
    *(1044, 1045, 1049, 1698, 1142),  # MySQL and MariaDB: access, password, no such database, rights
    *("28000", "28P01", "3D000", "42501"),  # PostgreSQL: the same
}
"""Codes of answers that will be the same the next time: user, password, name of the database, rights."""


class Database:
    """The readings of one address. Nothing is opened before it is needed.

    Args:
        address: Which database.
        password: The password, if it is not in the URL.

    Attributes:
        address: Which database.
    """

    def __init__(self, address: Address, password: str | None = None):
        self.address = address
        self._password = password
        self._engine: Engine | None = None
        self._prepared = False
        self._unclean = False  # whether something deleted may still be in the file
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"Database({self.address.shown})"

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine, which is created but not connected."""
        with self._lock:
            if self._engine is None:
                self._engine = self._make_engine()
            return self._engine

    def check_installed(self) -> None:
        """Raises a MissingPackageError unless the packages for this kind of database are installed."""
        self.engine  # noqa: B018
        try:
            import alembic  # noqa: F401
        except ImportError as error:
            raise missing_package("The database", "alembic", "database") from error

    def prepare(self) -> None:
        """Creates what is missing: the file, readable only by its owner, and the tables.

        Raises:
            BadInputError: The server refuses user, password or database, or the file is something else.
            OutputError: The file cannot be created.
            sqlalchemy.exc.DBAPIError: The database cannot be reached now.
        """
        from .schema_version import upgrade

        with self._lock:
            if self._prepared:
                return
            if self.address.path:
                self._create_file()
            try:
                with self.engine.begin() as connection:
                    upgrade(connection, self.address.shown)
            except Exception as error:
                if refusal := self.refusal(error):
                    raise refusal from error
                raise
            self._prepared = True

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection in a transaction, after `prepare`; committed unless the block raises."""
        self.prepare()
        with self.engine.begin() as connection:
            yield connection

    def add(self, records: Sequence[Record]) -> None:
        """Stores rows, all or none; those that are there already stay as they are."""
        from .schema import pictures, readings

        if not records:
            return
        with self.begin() as connection:
            ids = {name: self._device(connection, name) for name in {each.device for each in records}}
            rows = [_row(each, ids[each.device]) for each in records]
            connection.execute(self._insert(readings, "id"), rows)
            taken = [{"reading": each.id, "jpeg": each.picture} for each in records if each.picture]
            if taken:
                connection.execute(self._insert(pictures, "reading"), taken)

    def delete(self, *conditions: ColumnElement[bool]) -> int:
        """Deletes the readings for which all conditions hold, and devices without any; returns how many.

        In an SQLite file nothing remains of them, also not in its free space and its write-ahead log.
        """
        from sqlalchemy import delete, select

        from .schema import devices, pictures, readings

        deleted, ids = 0, [""]
        while ids:  # in parts, each of which is done before a server's time is up
            with self.begin() as connection:
                chosen = select(readings.c.id).where(*conditions).limit(DELETED_TOGETHER)
                ids = connection.execute(chosen).scalars().all()
                if ids:
                    connection.execute(delete(pictures).where(pictures.c.reading.in_(ids)))
                    deleted += connection.execute(delete(readings).where(readings.c.id.in_(ids))).rowcount
                elif deleted:
                    used = select(readings.c.device)
                    connection.execute(delete(devices).where(devices.c.id.not_in(used)))
        if deleted or self._unclean:
            self._unclean = not self.compact()
        return deleted

    def delete_before(self, time: datetime) -> int:
        """Deletes the readings before a time, as `delete` does; returns how many."""
        from .schema import readings

        return self.delete(readings.c.time < time)

    def compact(self) -> bool:
        """Rewrites an SQLite file without free space and empties its log; does nothing on a server.

        Returns:
            Whether that worked. While another program uses the file it may not; `delete` then tries again.
        """
        from sqlalchemy.exc import OperationalError

        if not self.address.path:
            return True
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM")
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        except OperationalError:
            return False
        return not busy

    def close(self) -> None:
        """Closes all connections; the next use opens new ones."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._prepared = False

    def reason(self, error: BaseException) -> str:
        """Returns why something failed, in one line, without SQL, values, user and password."""
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        code = getattr(error, "orig", error)
        if len(getattr(code, "args", ())) > 1 and isinstance(code.args[0], int):  # PyMySQL: number, text
            said = " ".join(str(code.args[1]).split())
        for secret in (self._password, self.engine.url.password):
            said = said.replace(str(secret), "...") if secret else said
        return said[:200].rstrip(". ") or type(error).__name__

    def refusal(self, error: BaseException) -> BadInputError | None:
        """Returns what to tell the user about an error that trying again does not fix, or None."""
        cause = getattr(error, "orig", None)
        if cause is None:
            return None
        code = getattr(cause, "sqlstate", None) or (cause.args[0] if getattr(cause, "args", ()) else None)
        if self.address.path:
            if "not a database" not in str(cause) and "malformed" not in str(cause):
                return None
            return BadInputError(
                f"{self.address.shown} is not an SQLite database, or is damaged.",
                "Expected a new name, or a file that was written by this program.",
                "Choose another file, or move that one away.",
            )
        told = self.reason(error)  # psycopg has no code for a failed login
        if code not in REFUSALS and not any(word in told for word in _PHRASES):
            return None
        return BadInputError(
            f"The database server at {self.address.shown} refuses the connection ({told}).",
            "Expected an existing database, and a user who may create and change tables in it.",
            "Check the URL. The password may also come from EXPRESSION_DATABASE_PASSWORD.",
        )

    def _make_engine(self) -> Engine:
        """Returns an engine with short timeouts and, for SQLite, safe settings."""
        try:
            from sqlalchemy import create_engine, event, make_url
            from sqlalchemy.engine import URL
            from sqlalchemy.exc import ArgumentError
        except ImportError as error:
            raise missing_package("The database", "SQLAlchemy", "database") from error
        if self.address.path:
            url = URL.create("sqlite", database=str(self.address.path))
            engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
            event.listen(engine, "connect", _set_pragmas)
            return engine
        try:
            url = make_url(self.address.url)
        except (ArgumentError, ValueError):
            raise BadInputError(
                f"The address of the database {self.address.shown} cannot be read.",
                "Expected a URL such as mysql://user@host/database.",
                "In user and password, write special characters as %XX, such as %40 for @.",
            ) from None
        if self._password and not url.password:
            url = url.set(password=self._password)
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
            raise missing_package(f"The database {self.address.shown}", package, "database") from error

    def _create_file(self) -> None:
        """Creates the SQLite file, which only its owner may read, if it is not there."""
        path = self.address.path
        if path == default_file():
            with as_output_error(path.parent):
                path.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
        except OSError as error:
            raise OutputError(
                f"The readings cannot be written to {path} ({error.strerror or error}).",
                "Expected a file in an existing, writable folder.",
                "Create the folder, or choose another file.",
            ) from error

    def _device(self, connection: Connection, name: str) -> int:
        """Returns the number of a device, which is added if it is new."""
        from sqlalchemy import select

        from .schema import devices

        wanted = select(devices.c.id).where(devices.c.name == name)
        found = connection.execute(wanted).scalar()
        if found is None:
            connection.execute(self._insert(devices, "name"), [{"name": name}])
            found = connection.execute(wanted).scalar_one()
        return found

    def _insert(self, table: Any, unique: str) -> Any:
        """Returns an INSERT that leaves rows alone that are there already."""
        from sqlalchemy.dialects import mysql, postgresql, sqlite

        name = self.engine.dialect.name
        if name in ("mysql", "mariadb"):
            return mysql.insert(table).on_duplicate_key_update({unique: table.c[unique]})
        kind = postgresql if name == "postgresql" else sqlite
        return kind.insert(table).on_conflict_do_nothing(index_elements=[unique])


_PHRASES = ("password authentication failed", "does not exist", "no password supplied", "Access denied")
"""What servers say about a login that will fail the next time too."""


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


def _row(record: Record, device: int) -> dict[str, Any]:
    """Returns a record as the columns of `readings`."""
    names = ("id", "time", "run", "kind", "person", "label", "previous", "score", "scores", "seconds", "file")
    box = dict(zip(("x", "y", "width", "height"), record.box, strict=True))
    return {name: getattr(record, name) for name in names} | {"device": device} | box
