"""REST: what is stored, for other programs: readings, totals, days, devices, and how to delete them.

`app.py` mounts `router(database)`, and FastAPI writes its description for programs and people at /docs.

Source: https://fastapi.tiangolo.com/reference/apirouter/

Notebook: 16_records
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath

from .. import __version__
from ..errors import did_you_mean
from ..records import queries
from ..records.database import Database
from ..records.queries import Group, Selection
from . import names
from .cursors import position, written
from .models import (
    ID,
    MOST_DAYS,
    Date,
    Day,
    Days,
    Deleted,
    Device,
    DeviceName,
    Devices,
    Flag,
    Health,
    Kind,
    Label,
    Limit,
    Person,
    Reading,
    Readings,
    Run,
    Since,
    Total,
    Totals,
    Until,
    Zone,
)
from .problems import Problem, described

PREFIX = "/api/v1"
NO_STORE = {"Cache-Control": "no-store"}
"""The header of every answer: no browser and no proxy keeps readings."""


def router(database: Database) -> APIRouter:
    """Returns the routes below /api/v1.

    Args:
        database: The readings; it is opened by the first request.
    """
    routes = APIRouter(
        prefix=PREFIX,
        tags=["readings"],
        responses=described(422, 503),
        dependencies=[Depends(_check_names), Depends(_forbid_caches)],
    )
    _add_reading_routes(routes, database)
    _add_totals(routes, database)
    _add_days(routes, database)
    _add_devices(routes, database)
    _add_deletion(routes, database)
    return routes


def _add_reading_routes(routes: APIRouter, database: Database) -> None:
    """Adds what gives single readings."""

    @routes.get("/readings", summary="List readings")
    def readings(
        since: Since = None,
        until: Until = None,
        device: DeviceName = None,
        person: Person = None,
        label: Label = None,
        kind: Kind = None,
        run: Run = None,
        order: Annotated[
            Literal["newest", "oldest"], Query(description="Which readings come first.")
        ] = "newest",
        limit: Limit = 100,
        cursor: Annotated[
            str | None,
            Query(
                description="The value of `next` on the previous page; the other values stay the same.",
                max_length=200,
            ),
        ] = None,
    ) -> Readings:
        """Returns readings page by page, in the order of their times."""
        named = names.device(database, device), names.labels(database, label)
        chosen = Selection(since, until, named[0], person, named[1], kind, run)
        after = position(cursor, order) if cursor is not None else None
        found = queries.page(database, chosen, order == "newest", limit + 1, after)
        more = written(found[limit - 1], order) if len(found) > limit else None
        return Readings(items=[Reading(**each) for each in found[:limit]], next=more)

    @routes.get(
        "/readings/{id}/picture",
        summary="Get the picture of a reading",
        responses={200: {"content": {"image/jpeg": {}}, "description": "The face, as JPEG."}}
        | described(404),
        response_class=Response,
    )
    def picture(id: Annotated[str, InPath(description="The id of a reading.", pattern=ID)]) -> Response:
        """Returns the picture of the face, if pictures were asked for when it was stored."""
        jpeg = queries.picture(database, id)
        if jpeg is None:
            raise Problem(
                404,
                "This reading is not stored, or has no picture.",
                "Expected the id of a reading whose picture is true.",
                "Choose another reading.",
            )
        return Response(jpeg, media_type="image/jpeg", headers=NO_STORE)


def _add_totals(routes: APIRouter, database: Database) -> None:
    """Adds the totals."""

    @routes.get("/totals", summary="Add up seconds and readings")
    def totals(
        by: Annotated[
            Group,
            Query(description="What to add up by. People are numbered from 1 in each run."),
        ] = "label",
        since: Since = None,
        until: Until = None,
        device: DeviceName = None,
        person: Person = None,
        label: Label = None,
        run: Run = None,
    ) -> Totals:
        """Returns for how long people were seen, by label, person or device, the longest first."""
        named = names.device(database, device), names.labels(database, label)
        chosen = Selection(since, until, named[0], person, named[1], run=run)
        return Totals(by=by, items=[Total(**each) for each in queries.totals(database, chosen, by)])


def _add_days(routes: APIRouter, database: Database) -> None:
    """Adds the summaries of days."""

    @routes.get("/days", summary="Summarise each day")
    def days(
        first: Annotated[Date, Query(description="The first day.")],
        last: Annotated[
            Date | None,
            Query(description=f"The last day, by default the first; at most {MOST_DAYS} days in all."),
        ] = None,
        zone: Zone = "UTC",
        device: DeviceName = None,
    ) -> Days:
        """Returns a summary of each day: how many people were seen, and for how long with which label."""
        last = last or first
        if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
            raise Problem(
                422,
                f"{first} to {last} are {(last - first).days + 1} days.",
                f"Expected 1 to {MOST_DAYS} days.",
                f"Choose the same day as first or a later one, up to {MOST_DAYS} days in all.",
            )
        found = queries.days(database, first, last, _zone(zone), names.device(database, device))
        return Days(zone=zone, items=[Day(**each) for each in found])


def _add_devices(routes: APIRouter, database: Database) -> None:
    """Adds who stores readings, and whether they can be read."""

    @routes.get("/devices", summary="List devices")
    def devices() -> Devices:
        """Returns the machines that have stored readings."""
        return Devices(items=[Device(**each) for each in queries.all_devices(database)])

    @routes.get("/health", summary="Check whether the database answers")
    def health() -> Health:
        """Returns ok if the database answers, and status 503 otherwise."""
        with database.begin():
            return Health(version=__version__, database=database.engine.dialect.name)


def _add_deletion(routes: APIRouter, database: Database) -> None:
    """Adds what deletes."""

    @routes.delete("/readings", summary="Delete readings")
    def delete(
        since: Since = None,
        until: Until = None,
        device: DeviceName = None,
        everything: Annotated[
            Flag, Query(description="Delete all readings. Cannot be combined with the other values.")
        ] = False,
    ) -> Deleted:
        """Deletes the readings of a time, of a device, of both, or all, with their pictures, for good."""
        conditions = Selection(since, until, names.device(database, device)).conditions()
        if everything == bool(conditions):
            raise Problem(
                422,
                "everything=true was given with other values."
                if everything
                else "The request does not say what to delete.",
                "Expected since, until or device, or everything=true alone.",
                "Say what to delete.",
            )
        return Deleted(deleted=database.delete(*conditions))


def _check_names(request: Request) -> None:
    """Raises a Problem for a value that is unknown or given twice: a misspelt one would delete too much."""
    known = {each.alias for each in request.scope["route"].dependant.query_params}
    given = [name for name, _ in request.query_params.multi_items()]
    if set(given) - known:
        word = next(name for name in given if name not in known)
        expected = f"Expected {', '.join(sorted(known)) or 'no values'}."
        remedy = did_you_mean(word, known, "Check the spelling, or leave it out.")
        raise Problem(422, f"The query has an unknown value {word[:100]!r}.", expected, remedy)
    if len(given) > len(set(given)):
        twice = next(name for name in given if given.count(name) > 1)
        raise Problem(422, f"The query has {twice} twice.", "Expected each value once.", "Leave one out.")


def _forbid_caches(response: Response) -> None:
    """Adds the header that keeps answers out of caches."""
    response.headers.update(NO_STORE)


def _zone(name: str) -> ZoneInfo:
    """Returns a time zone; raises a Problem if no time zone has that name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise Problem(
            422,
            f"There is no time zone {name!r}.",
            "Expected a name such as Europe/Berlin, or UTC.",
            "Check the spelling, including capital letters.",
        ) from None
