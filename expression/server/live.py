"""Hub: hands what a run shows to everybody who watches it, without ever waiting for them.

`displays/web.py` feeds one from the thread of the display; `streams.py` has a `Viewer` for each connection. A
picture is encoded once for all of them, by a thread of its own, and only while somebody watches. There is
only ever a newest one, so a slow viewer misses pictures, and nobody waits for it.

Notebook: 16_records
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..control import Control
from ..labels import NOT_SURE
from ..pictures.image import encode_jpeg, fit
from ..types import Reading, largest
from .day import Day

LONGEST_SIDE = 1280
"""Larger pictures are shrunk to this many pixels before they are sent."""


class Viewer:
    """One connection that watches a hub; made and used in the server's own thread.

    Attributes:
        pictures: Whether it wants pictures, or only readings.
    """

    def __init__(self, pictures: bool):
        self.pictures = pictures
        self.news = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Waits for news, at most some seconds.

        Not with `asyncio.wait_for`, which until Python 3.12 loses a cancellation that comes together with the
        news, so that the stream of somebody who has left would go on: https://github.com/python/cpython/issues/81839
        """
        alarm = asyncio.get_running_loop().call_later(seconds, self.news.set)
        try:
            await self.news.wait()
        finally:
            alarm.cancel()
        self.news.clear()


class Hub:
    """The newest picture and readings of a run, for any number of viewers.

    Args:
        control: The switches of the run, which viewers may change.
        about: Returns what a page has to know about the run, as JSON allows; `displays/web.py` says what.

    Attributes:
        control: As given.
        ended: Whether the run is over.
        shown: Number of pictures so far.
        encoded: Number of those that were encoded.
    """

    def __init__(self, control: Control, about: Callable[[], Mapping[str, Any]]):
        self.control = control
        self._run, self._about = secrets.token_hex(8), about
        self.ended = False
        self.shown = self.encoded = 0
        self._changed = threading.Condition()
        self._image: np.ndarray | None = None
        self._jpeg_version = 0
        self._jpeg = b""
        self._readings: tuple[Reading, ...] = ()
        self._status, self._lamp = "", None
        self._day = Day()
        self._viewers: set[Viewer] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = False
        self._encoder = threading.Thread(target=self._encode, name="live page", daemon=True)

    def open(self) -> None:
        """Starts the thread that encodes pictures, and follows the switches."""
        self.control.watch(self._switched)
        self._encoder.start()

    def show(self, image: np.ndarray, readings: Sequence[Reading] | None, status: str) -> None:
        """Replaces the newest picture and readings; takes microseconds, whoever watches.

        Args:
            image: (height, width, 3) uint8, RGB; must not be changed afterwards.
            readings: The readings that are drawn on it; None before the first frame.
            status: A short line, such as "24 fps · 31 ms".
        """
        with self._changed:
            self._image, self._status = image, status
            self.shown += 1
            self._readings = tuple(sorted(readings or (), key=lambda each: -each.box.area))
            self._lamp = self._follow()
            if readings is not None:
                self._day.add(self._room(), time.time())
            self._changed.notify_all()
        self._ring()

    def close(self) -> None:
        """Ends the run for all viewers, and waits for the thread of the pictures."""
        self.control.unwatch(self._switched)
        with self._changed:
            self.ended = True
            self._changed.notify_all()
        if self._encoder.ident is not None:
            self._encoder.join()
        self._ring()

    @contextlib.contextmanager
    def viewer(self, pictures: bool = False) -> Iterator[Viewer]:
        """Counts a connection as a viewer while it lasts; for the server's own thread."""
        viewer = Viewer(pictures)
        with self._changed:
            self._loop = asyncio.get_running_loop()
            self._viewers.add(viewer)
            if pictures and self._jpeg_version < self.shown:
                self._jpeg = b""  # from when somebody watched last
            self._changed.notify_all()
        try:
            yield viewer
        finally:
            with self._changed:
                self._viewers.discard(viewer)
                self._changed.notify_all()

    def viewers(self) -> int:
        """Returns how many connections there are, two for each page."""
        return len(self._viewers)

    def wait_for_viewers(self, count: int, seconds: float) -> bool:
        """Waits until there are exactly so many connections, and returns whether there are."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._viewers) == count, seconds)

    def picture(self, seen: int) -> tuple[int, bytes]:
        """Returns the newest encoded picture with its number.

        Args:
            seen: The number of the one that the viewer has; 0 for none.

        Returns:
            No bytes if there is none that is newer.
        """
        with self._changed:
            fresh = self._jpeg and self._jpeg_version > seen
            return (self._jpeg_version, self._jpeg) if fresh else (seen, b"")

    def about(self) -> dict[str, Any]:
        """Returns what a page has to know about the run, with a name that no other run has."""
        return {"run": self._run, **self._about()}

    def state(self) -> dict[str, Any]:
        """Returns what is read now, and the switches, as JSON allows."""
        with self._changed:
            readings, status, lamp, room = self._readings, self._status, self._lamp, self._room()
        return {
            "people": [_described(reading) for reading in readings],
            "room": room,
            "lamp": lamp,
            "switches": self.switches(),
            "status": status,
        }

    def switches(self) -> dict[str, Any]:
        """Returns the switches of the run."""
        names = ("on", "paused", "neutral", "learning", "heat_map", "override")
        return {name: getattr(self.control, name) for name in names}

    def day(self, since: int = 0) -> list[list[Any]]:
        """Returns the minutes of the run from one on, each as minute and label."""
        with self._changed:
            return [list(minute) for minute in self._day.since(since)]

    def _room(self) -> str | None:
        """Returns the label of the largest face; None if nobody is there."""
        nearest = largest(self._readings)
        return nearest.label if nearest else None

    def _follow(self) -> str | None:
        """Returns the label whose light the lamp shows, as the lamps of sinks do; None for nobody's light."""
        if self.control.paused:
            return self._lamp
        if self.control.override:
            return self.control.override
        room = self._room() if self.control.on else None
        return self._lamp if room == NOT_SURE else room

    def _switched(self) -> None:
        """Tells the viewers of a switch at once, even if no frame comes."""
        with self._changed:
            self._lamp = self._follow()
        self._ring()

    def _ring(self) -> None:
        """Wakes the viewers, from any thread; several calls before they have woken count as one."""
        with self._changed:
            loop, wanted = self._loop, bool(self._viewers) and not self._rung
            self._rung = self._rung or wanted
        if not wanted:
            return
        try:
            loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the server has ended
            self._rung = False

    def _wake(self) -> None:
        """Wakes the viewers; runs in the server's own thread."""
        with self._changed:
            self._rung = False
            viewers = list(self._viewers)
        for viewer in viewers:
            viewer.news.set()

    def _encode(self) -> None:
        """Encodes the newest picture again and again, while somebody watches; the work of the thread."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.ended or self._wanted())
                if self.ended:
                    return
                image, version = self._image, self.shown
            jpeg = encode_jpeg(fit(image, LONGEST_SIDE)[0])
            with self._changed:
                self._jpeg, self._jpeg_version = jpeg, version
                self.encoded += 1
            self._ring()

    def _wanted(self) -> bool:
        """Whether somebody watches, and there is a picture that is not encoded yet."""
        stale = self.shown > self._jpeg_version
        return stale and any(viewer.pictures for viewer in self._viewers)


def _described(reading: Reading) -> dict[str, Any]:
    """Returns a reading as JSON allows."""
    scores = {label: round(float(score), 3) for label, score in reading.scores.items()}
    score = round(float(reading.score), 3)
    return {"person": reading.person, "label": reading.label, "score": score, "scores": scores}
