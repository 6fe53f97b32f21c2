"""Schema: the tables of the database, for SQLAlchemy; `migrations/` creates and updates them.

`database.py` and `queries.py` use it. A change here needs a new file in `migrations/`.

Notebook: 16_records
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

VERSION_TABLE = "expression_schema"
"""The table with the version of the schema; its own name, beside programs that use Alembic too."""

EXACT = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
EXACT |= {name.replace("mysql", "mariadb"): value for name, value in EXACT.items()}
"""Options of tables in MySQL and MariaDB: any letter, compared exactly, and transactions."""

PICTURE_BYTES = 1 << 20
"""Most bytes of a picture."""


class UtcTime(TypeDecorator):
    """A time in UTC, to the microsecond, which Python gets and gives with its time zone.

    PostgreSQL stores the zone; in SQLite and MySQL the column holds UTC without saying so.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Returns the type of the column in this kind of database."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Returns a time as the database takes it."""
        if value is None:
            return None
        utc = value.astimezone(timezone.utc)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Returns a time from the database, in UTC."""
        if value is None:
            return None
        return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)


metadata = MetaData()

devices = Table(
    "devices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    **EXACT,
)

readings = Table(
    "readings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("time", UtcTime, nullable=False),
    Column("device", Integer, ForeignKey("devices.id"), nullable=False),
    Column("run", String(32), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("person", Integer, nullable=False),
    Column("label", String(100), nullable=False),
    Column("previous", String(100)),
    Column("score", Double, nullable=False),
    Column("scores", JSON, nullable=False),
    Column("x", Integer, nullable=False),
    Column("y", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("file", String(255), nullable=False),
    Index("readings_by_time", "time", "id"),
    Index("readings_by_device", "device", "time"),
    **EXACT,
)

pictures = Table(
    "pictures",
    metadata,
    Column("reading", String(32), ForeignKey("readings.id", ondelete="CASCADE"), primary_key=True),
    Column("jpeg", LargeBinary(PICTURE_BYTES), nullable=False),
    **EXACT,
)
