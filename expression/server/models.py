"""Models: the values that the REST interface takes and gives, with their limits, as it describes them.

`rest.py` uses them.

Notebook: 16_records
"""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from ..records import record
from ..records.queries import Group

ID = "^[0-9a-f]{32}$"
TEXT = r"^[^\x00]*$"
"""What an id and any other text look like; PostgreSQL takes no null characters."""

MOST_READINGS, MOST_DAYS = 1000, 92
"""Most readings and days in one answer."""

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=timezone.utc), datetime(2200, 1, 1, tzinfo=timezone.utc)


def _written(pattern: str, example: str) -> BeforeValidator:
    """Returns a check that a value is written as in an example; otherwise a bare number would be a time."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"expected a value such as {example}")
        return value

    return BeforeValidator(check)


Time = Annotated[
    AwareDatetime,
    _written(r"\d{4}-\d\d-\d\d[Tt ]\d\d:.{1,30}", "2026-11-30T09:00:00Z"),
    Field(ge=EARLIEST, le=LATEST),
]
Date = Annotated[
    date, _written(r"\d{4}-\d\d-\d\d", "2026-11-30"), Field(ge=EARLIEST.date(), le=LATEST.date())
]
Flag = Annotated[bool, _written("true|false", "true")]

_zoned = "With its time zone, such as 2026-11-30T09:00:00Z."
Since = Annotated[Time | None, Query(description=f"The earliest time. {_zoned}")]
Until = Annotated[Time | None, Query(description=f"The end of the period, which is not included. {_zoned}")]
_Name = Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT)]
DeviceName = Annotated[_Name | None, Query(description="The name of a device that has stored readings.")]
Person = Annotated[int | None, Query(description="The number of a person, from 1.", ge=0, le=2_147_483_647)]
Label = Annotated[
    _Name | None, Query(description="A label that is stored, such as Happy, in upper or lower case.")
]
Kind = Annotated[
    record.Kind | None,
    Query(description="A label has settled, a person is still there, or a person has left."),
]
Run = Annotated[str | None, Query(description="The id of a run.", pattern=ID)]
Limit = Annotated[int, Query(description="The largest number of readings on a page.", ge=1, le=MOST_READINGS)]
Zone = Annotated[
    str,
    Query(
        description="The time zone in which days begin, such as Europe/Berlin.",
        pattern=r"^[A-Za-z0-9_+/-]+$",
        max_length=64,
    ),
]


class Box(BaseModel):
    """Where the face is, in pixels of the camera's picture."""

    x: int = Field(description="Left edge.")
    y: int = Field(description="Top edge.")
    width: int
    height: int


class Reading(BaseModel):
    """One row."""

    id: str = Field(description="The unique id.")
    time: datetime = Field(description="The time, in UTC.")
    device: str = Field(description="The name of the machine.")
    run: str = Field(description="The id of the run.")
    kind: record.Kind = Field(description="Why the row was stored.")
    person: int = Field(description="The number of the person within the run.")
    label: str = Field(description="The label.")
    previous: str | None = Field(description="The previous label, for a change.")
    score: float = Field(description="The score of the label, 0 to 1.")
    scores: dict[str, float] = Field(description="The score of every label.")
    seconds: float = Field(
        description="Seconds since the person's last row, with the label `previous` or, without one, `label`."
    )
    box: Box
    file: str = Field(description="The name of the picture that was read; empty for a camera.")
    picture: bool = Field(description="Whether a picture of the face is stored.")


class Readings(BaseModel):
    """A page of readings."""

    items: list[Reading]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class Total(BaseModel):
    """What was added up for one label, person or device."""

    name: str = Field(description="The label, the number of the person, or the name of the device.")
    seconds: float = Field(description="For how many seconds people were seen.")
    readings: int = Field(description="How many rows there are.")
    changes: int = Field(description="How many of them are changes.")


class Totals(BaseModel):
    """Totals, the longest first."""

    by: Group
    items: list[Total]


class Day(BaseModel):
    """The summary of one day."""

    date: date
    people: int = Field(description="How many people were seen; somebody who comes back is counted again.")
    seconds: float = Field(description="For how many seconds people were seen, in total.")
    changes: int = Field(description="How often a label settled.")
    labels: dict[str, float] = Field(description="For how many seconds each label was seen.")


class Days(BaseModel):
    """Summaries of days, the first day first."""

    zone: str
    items: list[Day]


class Device(BaseModel):
    """A machine that has stored readings."""

    name: str
    readings: int
    first: datetime | None = Field(description="The time of its first reading.")
    last: datetime | None = Field(description="The time of its last reading.")


class Devices(BaseModel):
    """All machines."""

    items: list[Device]


class Deleted(BaseModel):
    """What was deleted."""

    deleted: int = Field(description="How many readings were deleted.")


class Health(BaseModel):
    """That everything works."""

    status: Literal["ok"] = "ok"
    version: str = Field(description="The version of this program.")
    database: str = Field(description="The kind of database, such as sqlite.")
