"""The routes of a live run: its picture, its readings as events, and its switches.

`app.py` includes them. A stream ends when its reader goes away, when the run ends, and when its reader takes
nothing for `STUCK` seconds.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, and RFC 2046, section 5.1

Notebook: 16_records
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, StrictBool

from ..errors import BadInputError, did_you_mean
from .live import Hub, Viewer
from .problems import problem

OFTEN, CALM, STUCK = 0.25, 5.0, 30.0
"""Seconds between two events with new scores, between two signs of life while nothing changes, and until a
reader that takes nothing counts as gone. What matters, such as a label, is sent at once."""

BOUNDARY = "picture"


class Stream(Response):
    """A response that never ends by itself, and is sent only as fast as its reader takes it.

    Args:
        hub: What is watched.
        make: Makes the parts that are sent, for a viewer.
        media_type: The type of the whole.
        pictures: Whether they are pictures.
    """

    def __init__(
        self, hub: Hub, make: Callable[[Hub, Viewer], AsyncIterator[bytes]], media_type: str, pictures: bool
    ):
        super().__init__(media_type=media_type, headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._make, self._pictures = hub, make, pictures

    async def __call__(self, scope, receive, send) -> None:
        """Sends parts until the reader goes away or the run ends."""
        with self._hub.viewer(self._pictures) as viewer:
            tasks = {asyncio.create_task(self._send(viewer, send)), asyncio.create_task(_left(receive))}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, viewer: Viewer, send) -> None:
        """Sends the head, and then the parts; fails if one is not taken."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async for part in self._make(self._hub, viewer):
            body = {"type": "http.response.body", "body": part, "more_body": True}
            alarm = asyncio.get_running_loop().call_later(STUCK, asyncio.current_task().cancel)
            await send(body)
            alarm.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive) -> None:
    """Returns when the reader has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def pictures(hub: Hub, viewer: Viewer) -> AsyncIterator[bytes]:
    """Yields each picture as a part of multipart/x-mixed-replace.

    A browser shows a part once the next boundary has come, so each part ends with one.
    """
    yield f"--{BOUNDARY}\r\n".encode()
    seen, last = 0, b""
    while not hub.ended:
        seen, jpeg = hub.picture(seen)
        last = jpeg or last
        if last:
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(last)}\r\n\r\n"
            yield head.encode() + last + f"\r\n--{BOUNDARY}\r\n".encode()
        await _newer(hub, viewer, seen)


async def _newer(hub: Hub, viewer: Viewer, seen: int) -> None:
    """Waits for a newer picture, for the end, or for so long that a sign of life is due."""
    ends = time.monotonic() + CALM
    while not hub.ended and not hub.picture(seen)[1] and time.monotonic() < ends:
        await viewer.wait(ends - time.monotonic())


async def events(hub: Hub, viewer: Viewer) -> AsyncIterator[bytes]:
    """Yields the run as server-sent events: about, day and now, and ended as the last one."""
    told: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    day: list[list[Any]] = []
    at = 0.0
    while not hub.ended:
        if (about := hub.about()) != told:
            told = about
            yield event("about", told)
        minutes = hub.day(day[-1][0] if day else 0)
        if minutes and minutes != day[-1:]:
            day = minutes
            yield event("day", minutes)
        state, now = hub.state(), time.monotonic()
        quiet = OFTEN if state != sent else CALM
        if _matters(state) != _matters(sent) or now - at >= quiet:
            sent, at = state, now
            yield event("now", state)
        await viewer.wait(max(0.02, at + (CALM if hub.state() == sent else OFTEN) - time.monotonic()))
    yield event("ended", {})


def _matters(state: dict[str, Any]) -> Any:
    """Returns what is sent at once when it changes: who is there with which label, and the switches."""
    people = [(each["person"], each["label"]) for each in state.get("people", ())]
    return people, state.get("lamp"), state.get("switches")


def event(name: str, content: Any) -> bytes:
    """Returns a server-sent event.

    Example:
        >>> event("now", {"a": 1})
        b'event: now\\ndata: {"a": 1}\\n\\n'
    """
    return f"event: {name}\ndata: {json.dumps(content)}\n\n".encode()


class Switches(BaseModel):
    """The switches to change; those that are missing stay as they are."""

    model_config = ConfigDict(extra="forbid")

    on: StrictBool = True
    paused: StrictBool = False
    neutral: StrictBool = False
    heat_map: StrictBool = False
    override: str | None = None


def router(hub: Hub) -> APIRouter:
    """Returns the routes of a run."""
    routes = APIRouter(prefix="/live", tags=["live"])

    @routes.get("/about")
    async def about() -> dict[str, Any]:
        """What the run is: its labels, its source, and what is kept of it."""
        return hub.about()

    @routes.get("/now")
    async def now() -> dict[str, Any]:
        """Who is read at the moment, with all scores, and the switches."""
        return hub.state()

    @routes.get("/picture", response_class=Response)
    async def picture() -> Response:
        """The picture, as JPEG after JPEG."""
        return Stream(hub, pictures, f"multipart/x-mixed-replace; boundary={BOUNDARY}", pictures=True)

    @routes.get("/events", response_class=Response)
    async def readings() -> Response:
        """The readings and switches as server-sent events."""
        return Stream(hub, events, "text/event-stream", pictures=False)

    @routes.post("/switches")
    async def switch(wanted: Switches) -> Any:
        """Changes switches of the run, and returns them all."""
        # The override, which alone may be refused, is first.
        names = sorted(wanted.model_fields_set, key=lambda name: name != "override")
        try:
            for name in names:
                setattr(hub.control, name, getattr(wanted, name))
        except BadInputError as error:
            return _refused(error.happened, wanted.override, hub.control.labels)
        return hub.switches()

    return routes


def _refused(happened: str, override: str | None, labels: Sequence[str]) -> JSONResponse:
    """Returns the answer for an override that is not one of the labels; in JSON, null means no override."""
    remedy = did_you_mean(override, labels, "Choose one of these, or null to follow the readings.")
    return problem(400, happened, f"Expected one of {', '.join(labels)}, or null.", remedy)
