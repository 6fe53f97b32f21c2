"""Queries: what `expression serve` answers with: pages of readings, totals, days and devices.

`server/rest.py` calls these functions. They get values that were checked, and return plain dictionaries.

Notebook: 16_records
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .database import Database
from .record import CHANGE

if TYPE_CHECKING:
    from sqlalchemy import RowMapping
    from sqlalchemy.sql import ColumnElement

Group = Literal["label", "person", "device"]
"""What totals can be grouped by."""


@dataclass(frozen=True)
class Selection:
    """Which readings; None means any.

    Attributes:
        since: The first time.
        until: The time up to which, without it.
        device: The name of a device.
        person: The number of a person.
        labels: Some labels.
        kind: change, present or left.
        run: The id of a run.
    """

    since: datetime | None = None
    until: datetime | None = None
    device: str | None = None
    person: int | None = None
    labels: Collection[str] | None = None
    kind: str | None = None
    run: str | None = None

    def conditions(self, past: bool = False) -> list[ColumnElement[bool]]:
        """Returns the conditions for SQLAlchemy.

        Args:
            past: Compare the label that a row's seconds belong to, which for a change is the previous one.
        """
        from sqlalchemy import func, select

        from .schema import devices, readings

        columns = readings.c
        label = func.coalesce(columns.previous, columns.label) if past else columns.label
        device = select(devices.c.id).where(devices.c.name == self.device).scalar_subquery()
        makers = (
            (self.since, lambda time: columns.time >= time),
            (self.until, lambda time: columns.time < time),
            (self.device, lambda _name: columns.device == device),
            (self.person, lambda person: columns.person == person),
            (self.labels, lambda labels: label.in_(labels)),
            (self.kind, lambda kind: columns.kind == kind),
            (self.run, lambda run: columns.run == run),
        )
        return [make(value) for value, make in makers if value is not None]


class Position(NamedTuple):
    """Where a page begins: after the reading with this time and id."""

    time: datetime
    id: str


def page(
    database: Database, selection: Selection, newest: bool, limit: int, after: Position | None
) -> list[dict[str, Any]]:
    """Returns readings in the order of their times.

    Args:
        database: The database.
        selection: Which readings.
        newest: Whether the newest come first.
        limit: Most readings.
        after: The last reading of the page before; None for the first page.
    """
    from sqlalchemy import and_, or_, select

    from .schema import devices, pictures, readings

    columns = readings.c
    query = (
        select(readings, devices.c.name.label("device_name"), pictures.c.reading.label("has_picture"))
        .join(devices)
        .outerjoin(pictures)
        .where(*selection.conditions())
    )
    if after is not None:
        later = columns.time < after.time if newest else columns.time > after.time
        beyond = columns.id < after.id if newest else columns.id > after.id
        query = query.where(or_(later, and_(columns.time == after.time, beyond)))
    order = (columns.time.desc(), columns.id.desc()) if newest else (columns.time, columns.id)
    with database.begin() as connection:
        rows = connection.execute(query.order_by(*order).limit(limit)).mappings().all()
    return [_reading(row) for row in rows]


def picture(database: Database, id: str) -> bytes | None:
    """Returns the picture of a reading as JPEG; None if there is none."""
    from sqlalchemy import select

    from .schema import pictures

    with database.begin() as connection:
        return connection.execute(select(pictures.c.jpeg).where(pictures.c.reading == id)).scalar()


def totals(database: Database, selection: Selection, by: Group) -> list[dict[str, Any]]:
    """Returns for how many seconds people were seen, and how many rows and changes there are, the most first.

    Args:
        database: The database.
        selection: Which readings.
        by: What they are grouped by. Seconds belong to the settled label; see `Moments`.
    """
    from sqlalchemy import case, func, select

    from .schema import devices, readings

    columns = readings.c
    shown = func.coalesce(columns.previous, columns.label)
    name = {"label": shown, "person": columns.person, "device": devices.c.name}[by]
    seconds = func.sum(columns.seconds).label("seconds")
    changes = func.sum(case((columns.kind == CHANGE, 1), else_=0)).label("changes")
    query = (
        select(name.label("name"), seconds, func.count().label("readings"), changes)
        .join(devices)
        .where(*selection.conditions(past=True))
        .group_by(name)
        .order_by(seconds.desc(), name)
    )
    with database.begin() as connection:
        rows = connection.execute(query.limit(1000)).mappings().all()
    return [
        {
            "name": str(row["name"]),
            "seconds": round(float(row["seconds"]), 3),
            "readings": row["readings"],
            "changes": int(row["changes"]),
        }
        for row in rows
    ]


def days(
    database: Database, first: date, last: date, zone: tzinfo, device: str | None
) -> Iterator[dict[str, Any]]:
    """Yields a summary of each day.

    Args:
        database: The database.
        first: The first day.
        last: The last day.
        zone: The time zone in which a day begins and ends.
        device: The name of a device; None for all.
    """
    from sqlalchemy import func, select

    from .schema import devices, readings

    columns = readings.c
    day = first
    while day <= last:
        midnights = [datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1))]
        selection = Selection(*midnights, device)
        labels = totals(database, selection, "label")
        people = select(columns.run, columns.person).join(devices).where(*selection.conditions()).distinct()
        with database.begin() as connection:
            count = connection.execute(select(func.count()).select_from(people.subquery())).scalar_one()
        yield {
            "date": day,
            "people": count,
            "seconds": round(sum(each["seconds"] for each in labels), 3),
            "changes": sum(each["changes"] for each in labels),
            "labels": {each["name"]: each["seconds"] for each in labels},
        }
        day += timedelta(days=1)


def all_devices(database: Database) -> list[dict[str, Any]]:
    """Returns every device with the number of its readings, and when the first and the last was."""
    from sqlalchemy import func, select

    from .schema import devices, readings

    time = readings.c.time
    query = (
        select(
            devices.c.name,
            func.count(readings.c.id).label("readings"),
            func.min(time).label("first"),
            func.max(time).label("last"),
        )
        .outerjoin(readings)
        .group_by(devices.c.name)
        .order_by(devices.c.name)
    )
    with database.begin() as connection:
        return [dict(row) for row in connection.execute(query.limit(1000)).mappings()]


def all_labels(database: Database) -> list[str]:
    """Returns the labels of all readings, and those for which the newest of each device has a score."""
    from sqlalchemy import func, select

    from .schema import readings

    columns = readings.c
    newest = select(columns.device, func.max(columns.time).label("time")).group_by(columns.device).subquery()
    is_newest = (columns.device == newest.c.device) & (columns.time == newest.c.time)
    held = select(columns.label, columns.previous).distinct()
    with database.begin() as connection:
        scored = connection.execute(select(columns.scores).join(newest, is_newest)).scalars().all()
        found = set().union(*scored, *connection.execute(held))
    return sorted(label for label in found if label is not None)


def _reading(row: RowMapping) -> dict[str, Any]:
    """Returns a row as the interface gives it."""
    names = ("id", "time", "run", "kind", "person", "label", "previous", "score", "scores", "seconds", "file")
    return {name: row[name] for name in names} | {
        "device": row["device_name"],
        "box": {name: row[name] for name in ("x", "y", "width", "height")},
        "picture": row["has_picture"] is not None,
    }
