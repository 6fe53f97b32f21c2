"""Version 1: devices, readings and pictures.

Every step can be repeated, for MySQL keeps a half-made schema if the program is killed, and several devices
may start at the same moment.

Notebook: 16_records
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from expression.records.schema import EXACT, UtcTime

revision, down_revision = "1", None
branch_labels = depends_on = None


INDEXES = {"readings_by_time": ["time", "id"], "readings_by_device": ["device", "time"]}


def upgrade() -> None:
    """Creates the tables that are not there, and their indexes."""
    there = sa.inspect(op.get_bind())
    for name, columns in _tables().items():
        if not there.has_table(name):
            op.create_table(name, *columns, **EXACT)
    known = {each["name"] for each in sa.inspect(op.get_bind()).get_indexes("readings")}
    for name, columns in INDEXES.items():
        if name not in known:
            op.create_index(name, "readings", columns)


def _tables() -> dict[str, list[sa.Column]]:
    """Returns the columns of each table, in an order in which they can be created."""
    whole = [sa.Column(name, sa.Integer, nullable=False) for name in ("x", "y", "width", "height")]
    return {
        "devices": [
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(100), nullable=False, unique=True),
        ],
        "readings": [
            sa.Column("id", sa.String(32), primary_key=True),
            sa.Column("time", UtcTime, nullable=False),
            sa.Column("device", sa.Integer, sa.ForeignKey("devices.id"), nullable=False),
            sa.Column("run", sa.String(32), nullable=False),
            sa.Column("kind", sa.String(10), nullable=False),
            sa.Column("person", sa.Integer, nullable=False),
            sa.Column("label", sa.String(100), nullable=False),
            sa.Column("previous", sa.String(100)),
            sa.Column("score", sa.Double, nullable=False),
            sa.Column("scores", sa.JSON, nullable=False),
            *whole,
            sa.Column("seconds", sa.Double, nullable=False),
            sa.Column("file", sa.String(255), nullable=False),
        ],
        "pictures": [
            sa.Column(
                "reading", sa.String(32), sa.ForeignKey("readings.id", ondelete="CASCADE"), primary_key=True
            ),
            sa.Column("jpeg", sa.LargeBinary(1 << 20), nullable=False),
        ],
    }


def downgrade() -> None:
    """Removes the tables, and all that is in them."""
    for name in ("pictures", "readings", "devices"):
        op.drop_table(name)
