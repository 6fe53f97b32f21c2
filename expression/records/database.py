"""Database: stores readings in an SQLite file, or on a MySQL, MariaDB or PostgreSQL server, by SQLAlchemy.

    database = Database(Address("records.sqlite"))
    database.add(records)

`writer.py` adds rows in a thread of its own, and `expression serve` reads them (`queries.py`). A row that is
added twice is stored once.

Source: https://docs.sqlalchemy.org/en/20/core/, https://www.sqlite.org/wal.html

Notebook: 16_records
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import BadInputError, OutputError, missing_package
from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error
from .address import Address, default_file
from .engine import make_engine
from .record import Record

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql import ColumnElement

T = TypeVar("T")

DELETED_TOGETHER = 5000
"""Most rows that are deleted in one transaction."""

TRIES = 5
"""How often a transaction is tried that other programs are in the way of."""

COLLISIONS = {1205, 1213, "40001", "40P01"}
"""Codes of transactions that have to be tried again: deadlocks, and two that do not go together."""

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
                self._engine = make_engine(self.address, self._password)
                weakref.finalize(self, self._engine.dispose)  # in case nobody calls close
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
        if records:
            self._retried(lambda: self._add(records))

    def _add(self, records: Sequence[Record]) -> None:
        """Does the work of `add`, once."""
        from .schema import pictures, readings

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
        deleted = part = self._retried(lambda: self._delete_some(conditions))
        while part:
            part = self._retried(lambda: self._delete_some(conditions))
            deleted += part
        if deleted:
            self._delete_unused_devices()
        if deleted or self._unclean:
            self._unclean = not self.compact()
        return deleted

    def _delete_some(self, conditions: Sequence[ColumnElement[bool]]) -> int:
        """Deletes as many readings as a server can within its time; returns how many."""
        from sqlalchemy import delete, select

        from .schema import pictures, readings

        with self.begin() as connection:
            chosen = select(readings.c.id).where(*conditions).limit(DELETED_TOGETHER)
            ids = connection.execute(chosen).scalars().all()
            if not ids:
                return 0
            connection.execute(delete(pictures).where(pictures.c.reading.in_(ids)))
            return connection.execute(delete(readings).where(readings.c.id.in_(ids))).rowcount

    def _delete_unused_devices(self) -> None:
        """Deletes devices without readings, unless they store one at this moment."""
        from sqlalchemy import delete, select
        from sqlalchemy.exc import IntegrityError

        from .schema import devices, readings

        def forget() -> None:
            with self.begin() as connection:
                connection.execute(delete(devices).where(devices.c.id.not_in(select(readings.c.device))))

        with contextlib.suppress(IntegrityError):
            self._retried(forget)

    def _retried(self, call: Callable[[], T]) -> T:
        """Returns what a transaction returns; one that got in another's way is tried again."""
        from sqlalchemy.exc import DBAPIError, IntegrityError

        for left in reversed(range(TRIES)):
            try:
                return call()
            except DBAPIError as error:
                if not left or not (isinstance(error, IntegrityError) or _code(error) in COLLISIONS):
                    raise
                time.sleep(random.uniform(0.01, 0.05))
        raise RuntimeError("unreachable")

    def delete_before(self, time: datetime) -> int:
        """Deletes the readings before a time, as `delete` does; returns how many."""
        from .schema import readings

        return self.delete(readings.c.time < time)

    def compact(self) -> bool:
        """Rewrites an SQLite file without free space and empties its log; does nothing on a server.

        The new file is put together on disk, for it may not fit into memory.

        Returns:
            Whether that worked. While another program uses the file it may not; `delete` then tries again.
        """
        from sqlalchemy.exc import OperationalError

        if not self.address.path:
            return True
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA temp_store = FILE")
                try:
                    connection.exec_driver_sql("VACUUM")
                finally:
                    connection.exec_driver_sql("PRAGMA temp_store = MEMORY")
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
        for secret in (self._password, self.engine.url.password, self.engine.url.username):
            said = said.replace(str(secret), "...") if secret else said
        return said[:200].rstrip(". ") or type(error).__name__

    def refusal(self, error: BaseException) -> BadInputError | None:
        """Returns what to tell the user about an error that trying again does not fix, or None."""
        cause = getattr(error, "orig", None)
        if cause is None:
            return None
        if self.address.path:
            if "not a database" not in str(cause) and "malformed" not in str(cause):
                return None
            return BadInputError(
                f"{self.address.shown} is not an SQLite database, or is damaged.",
                "Expected a new name, or a file that was written by this program.",
                "Choose another file, or move that one away.",
            )
        told = self.reason(error)  # psycopg has no code for a failed login
        if _code(error) not in REFUSALS and not any(word in told for word in _PHRASES):
            return None
        return BadInputError(
            f"The database server at {self.address.shown} refuses the connection ({told}).",
            "Expected an existing database, and a user who may create and change tables in it.",
            "Check the URL. The password may also come from EXPRESSION_DATABASE_PASSWORD.",
        )

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


def _code(error: BaseException) -> object:
    """Returns the code of a server's answer: a number of MySQL, or five characters of PostgreSQL."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) or next(iter(getattr(cause, "args", ())), None)


def _row(record: Record, device: int) -> dict[str, Any]:
    """Returns a record as the columns of `readings`."""
    names = ("id", "time", "run", "kind", "person", "label", "previous", "score", "scores", "seconds", "file")
    box = dict(zip(("x", "y", "width", "height"), record.box, strict=True))
    return {name: getattr(record, name) for name in names} | {"device": device} | box
