"""Migrations: one file for each version of the schema, for Alembic; `records/schema_version.py` runs them.

A new version is a new file here with `revision` one higher and `down_revision` the one before. A file that
was released is never changed.

Source: https://alembic.sqlalchemy.org/en/latest/ops.html

Notebook: 16_records
"""
