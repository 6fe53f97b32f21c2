"""DisplayLoop: shows the frames of a run with the newest readings, in the main thread or in one of its own.

Notebook: 07_live
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..displays import WAITING
from ..displays._base import Display
from ..types import Face, Frame, Reading, Seen
from ..vision.drawing import blank, draw, inset_size, text_size
from ..vision.heat import draw_heat, heat_legend, top_of
from .data import Data
from .worker import Worker

PUMP_SECONDS = 0.04
"""How long the loop waits for a frame before it checks the keys again."""

Inset = Callable[[int, int], np.ndarray | None]
"""Returns a small picture with a width and height."""


HOLD_SECONDS = 0.3
"""How long a person whom the detector misses stays in the picture, to avoid flicker."""


class DisplayLoop(Worker):
    """Shows every new frame with the newest readings; the run ends with it.

    Call `run` in the main thread, or `start` it as a thread where the display allows that.
    It sets `data.done` when the user closes the display, and when the last reading of a
    source that has ended was shown.

    Args:
        data: The shared object.
        display: A display that is not yet open.
        mirror: Whether frames are shown like a mirror.
        stale: A face is no longer drawn after this many seconds without a reading.
        insets: Each is called with width and height and returns a small picture, (height, width, 3) uint8,
            RGB, for the bottom right corner, or None.

    Attributes:
        display: The display.
        frames: Number of frames shown; 0 without a display.
    """

    def __init__(
        self,
        data: Data,
        display: Display,
        mirror: bool = False,
        stale: float = 0.7,
        insets: Sequence[Inset] = (),
    ):
        super().__init__(data, "display")
        self.display, self.frames = display, 0
        self._mirror, self._stale, self._insets = mirror, stale, insets
        self._people = _People(stale)
        self._status = _Status()
        self._frames, self._readings = data.frame.follow(), data.readings.follow()
        self._frame: Frame | None = None
        self._first = self._latest = 0.0
        self._opened = False
        self._waiting = ""  # the last text shown about what the capture is waiting for

    @property
    def fps(self) -> float:
        """Frames shown per second, from the first to the last."""
        seconds = self._latest - self._first
        return (self.frames - 1) / seconds if seconds else 0.0

    def start(self) -> None:
        """Opens the display here, so that the running cell shows a widget, and starts."""
        self._guard(self._open)
        super().start()

    def run(self) -> None:
        """Shows frames until the run is over.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed while it ran in the main thread.
        """
        super().run()
        self.data.done = True
        if self.data.error and isinstance(self.data.error[1], KeyboardInterrupt):
            interrupt, self.data.error = self.data.error[1], None
            raise interrupt

    def setup(self) -> None:
        """Opens the display and says that it is waiting for a frame."""
        self._open()
        if not self.display.draws or self.data.done:
            return
        if not self.display.show(blank(640, 480, WAITING)):
            self.data.done = True

    def step(self) -> None:
        """Waits for a frame, shows it with the newest readings, and handles keys."""
        if not self.display.draws:
            return self._wait()
        frame = self._frames.next(PUMP_SECONDS)
        over = frame is None and self._frames.ended
        seen = self._readings.next(PUMP_SECONDS if over else 0)
        if seen is not None:
            self._people.update(seen)
        if frame is not None:
            self._frame = frame
            self._count()
        waiting = self.data.waiting
        news = frame is not None or seen is not None or waiting != self._waiting
        self._waiting = waiting
        still_open = self._show() if news else self.display.is_open()
        if not still_open or (over and self._readings.ended):
            self.data.done = True

    def teardown(self) -> None:
        """Closes the display."""
        self.display.close()

    def _open(self) -> None:
        """Opens the display once, unless the run is over already."""
        if not (self._opened or self.data.done):
            self._opened = True
            self.display.control = self.data.control
            self.display.open()

    def _wait(self) -> None:
        """Does nothing until the last reading has arrived."""
        if self._readings.next() is None:
            self.data.done = True

    def _count(self) -> None:
        """Adds a frame to the statistics."""
        self._latest = time.monotonic()
        self._first = self._first or self._latest
        self.frames += 1
        self._status.add(self._latest)

    def _show(self) -> bool:
        """Draws and shows the newest frame; returns False if the user has closed the display."""
        frame, waiting = self._frame, self._waiting
        if frame is None:
            return (
                self.display.show(blank(640, 480, waiting), status=waiting)
                if waiting
                else self.display.is_open()
            )
        image, readings = frame.image, self._people.on(frame, self.data.faces.latest)
        if self._mirror:
            width = image.shape[1]
            image = cv2.flip(image, 1)
            readings = [replace(reading, box=reading.box.mirrored(width)) for reading in readings]
        told = self.data.control.told()
        status = " · ".join(filter(None, (waiting or self._status.text(self._people.newest), told)))
        size = inset_size(image)
        insets = [picture for inset in self._insets if (picture := inset(*size)) is not None]
        image = self._heated(image, readings, insets)
        return self.display.show(draw(image, readings, status, insets), readings, status)

    def _heated(self, image: np.ndarray, readings: Sequence[Reading], insets: list[np.ndarray]) -> np.ndarray:
        """Returns the picture with the newest heat map over its face; adds the legend to the insets."""
        heat = self.data.heat.latest if self.data.control.heat_map else None
        current = [
            reading
            for reading in readings
            if heat and (reading.person, reading.best) == (heat.person, heat.label)
            if reading.time - heat.time <= self._stale
        ]
        if not current:
            return image
        insets.append(heat_legend(top_of(heat.drops), round(text_size(image) * 0.8)))
        return draw_heat(image, current[0].box, heat.drops[:, ::-1] if self._mirror else heat.drops)


class _People:
    """The people in the picture: their newest readings, until they are stale.

    Attributes:
        newest: The newest readings, None before the first.
    """

    def __init__(self, stale: float):
        self._stale, self._hold = stale, min(stale, HOLD_SECONDS)
        self._readings: dict[int, Reading] = {}
        self.newest: Seen[Reading] | None = None

    def update(self, seen: Seen[Reading]) -> None:
        """Stores newer readings; keeps people who are missing from them for a moment."""
        self._leave(seen.frame.scene)
        boxes = [reading.box for reading in seen.items]
        kept = {
            person: reading
            for person, reading in self._readings.items()
            if not any(box.overlap(reading.box) > 0.1 for box in boxes)
        }
        self._readings = kept | {reading.person: reading for reading in seen.items}
        self.newest = seen

    def _leave(self, scene: int) -> None:
        """Forgets everybody when a new scene begins, since they are not in it."""
        if self.newest is not None and self.newest.frame.scene != scene:
            self._readings, self.newest = {}, None

    def on(self, frame: Frame, faces: Seen[Face] | None) -> list[Reading]:
        """Returns the readings to draw on a frame, each where its face was found last."""
        self._leave(frame.scene)
        current = {reading.person for reading in self.newest.items} if self.newest else set()
        self._readings = {
            person: reading
            for person, reading in self._readings.items()
            if frame.time - reading.time <= (self._stale if person in current else self._hold)
        }
        boxes = {face.person: face.box for face in faces.items} if faces else {}
        return [replace(each, box=boxes.get(each.person, each.box)) for each in self._readings.values()]


class _Status:
    """The line with the frames per second and the age of the readings."""

    def __init__(self):
        self._times: deque[float] = deque()
        self._text, self._written = "", 0.0

    def add(self, now: float) -> None:
        """Counts a frame; those of the last second are kept, and at least two."""
        self._times.append(now)
        while len(self._times) > 2 and now - self._times[0] > 1.0:
            self._times.popleft()

    def text(self, newest: Seen[Reading] | None) -> str:
        """Returns the line; it changes twice a second, so that it can be read."""
        now = time.monotonic()
        if now - self._written >= 0.5:
            self._written = now
            seconds = self._times[-1] - self._times[0]
            parts = [f"{(len(self._times) - 1) / seconds:.0f} fps"] if seconds else []
            if newest and newest.items:
                parts.append(f"{(now - newest.frame.time) * 1000:.0f} ms")
            self._text = " · ".join(parts)
        return self._text
