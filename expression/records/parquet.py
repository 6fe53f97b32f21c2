"""Parquet: rows of readings in a file that pandas, Polars and DuckDB read quickly and with types.

`analysis/outputs.py` writes it for `expression analyze --out FILE.parquet`, and `rows.py` reads it.

Source: https://arrow.apache.org/docs/python/parquet.html

Notebook: 13_video
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import missing_package

SUFFIX = ".parquet"

ROWS = 50_000
"""Rows that are written together: a file of many small groups is large, and slow to read."""

TYPES = dict.fromkeys(("frame", "person", "x", "y", "width", "height"), "int64")
TYPES |= {"label": "string", "file": "string"}
"""The types of columns; all others are float64."""


def check_installed() -> None:
    """Raises a MissingPackageError unless Parquet files can be written and read."""
    _packages()


def write(path: Path, header: Sequence[str], parts: Iterable[Path]) -> None:
    """Writes rows, a few thousand at a time.

    Args:
        path: The file to write.
        header: The names of the columns, as `rows.columns` returns them.
        parts: CSV files without a header, whose rows are written one after the other.
    """
    arrow, csv, parquet = _packages()
    schema = arrow.schema([(name, getattr(arrow, TYPES.get(name, "float64"))()) for name in header])
    read = csv.ReadOptions(column_names=list(header))
    convert = csv.ConvertOptions(column_types=schema, strings_can_be_null=False)
    parse = csv.ParseOptions(newlines_in_values=True)
    waiting: list = []
    with parquet.ParquetWriter(path, schema) as writer:
        for part in parts:
            if not part.stat().st_size:
                continue
            with csv.open_csv(part, read, parse, convert) as batches:
                for batch in batches:
                    waiting.append(batch)
                    if sum(map(len, waiting)) >= ROWS:
                        writer.write_table(arrow.Table.from_batches(waiting))
                        waiting.clear()
        if waiting:
            writer.write_table(arrow.Table.from_batches(waiting))


def table(path: Path) -> Iterator[list[str]]:
    """Yields the header of a file, and then its rows, each cell as text.

    Raises:
        MissingPackageError: The package that reads it is not installed.
        Exception: Others of pyarrow, for a file that is damaged or something else.
    """
    _, _, parquet = _packages()
    with parquet.ParquetFile(path) as file:
        yield list(file.schema_arrow.names)
        for batch in file.iter_batches():
            columns = [column.to_pylist() for column in batch.columns]
            yield from (
                ["" if cell is None else str(cell) for cell in cells] for cells in zip(*columns, strict=True)
            )


def _packages() -> tuple[Any, Any, Any]:
    """Imports pyarrow."""
    try:
        import pyarrow
        from pyarrow import csv, parquet
    except ImportError as error:
        raise missing_package("Parquet", "pyarrow", "parquet") from error
    return pyarrow, csv, parquet
