"""Version 1: devices, readings and pictures.

Every step can be repeated, for MySQL keeps a half-made schema if the program is killed, and several devices
may start at the same moment.

Notebook: 11_records
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from expression.records.schema import EXACT, UtcTime

revision, down_revision = "1", None
branch_labels = depends_on = None


def upgrade() -> None:
    """Creates the tables that are not there."""
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        if_not_exists=True,
        **EXACT,
    )
    whole = [sa.Column(name, sa.Integer, nullable=False) for name in ("x", "y", "width", "height")]
    op.create_table(
        "readings",
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
        sa.Index("readings_by_time", "time", "id"),
        sa.Index("readings_by_device", "device", "time"),
        if_not_exists=True,
        **EXACT,
    )
    op.create_table(
        "pictures",
        sa.Column(
            "reading", sa.String(32), sa.ForeignKey("readings.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("jpeg", sa.LargeBinary(1 << 20), nullable=False),
        if_not_exists=True,
        **EXACT,
    )


def downgrade() -> None:
    """Removes the tables, and all that is in them."""
    for name in ("pictures", "readings", "devices"):
        op.drop_table(name)
