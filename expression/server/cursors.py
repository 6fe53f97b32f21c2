"""Cursors: where the next page begins, as a text that only this server needs to understand.

`rest.py` writes and reads them.

Notebook: 16_records
"""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from ..records.queries import Position
from .problems import Problem

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def written(reading: dict[str, Any], order: str) -> str:
    """Returns the cursor of the page after a reading.

    Example:
        >>> cursor = written({"time": EPOCH, "id": "a" * 32}, "newest")
        >>> position(cursor, "newest").id == "a" * 32
        True
    """
    microseconds = (reading["time"] - EPOCH) // timedelta(microseconds=1)
    text = f"{order[0]}{microseconds}-{reading['id']}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(cursor: str, order: str) -> Position:
    """Returns what a cursor says; raises a Problem for one that `written` did not make for this order."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode("ascii")
    except ValueError:
        text = ""
    found = re.fullmatch(rf"{order[0]}(\d{{1,17}})-([0-9a-f]{{32}})", text, re.ASCII)
    if not found or int(found[1]) > 7_258_118_400_000_000:  # the year 2200
        raise Problem(
            422,
            "The cursor does not fit.",
            "Expected the value of next on the previous page, with the same order.",
            "Use that one, or leave it out for the first page.",
        )
    return Position(EPOCH + timedelta(microseconds=int(found[1])), found[2])
