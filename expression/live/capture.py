"""CaptureLoop: the thread that reads a source and publishes its frames.

Notebook: 03_threads
"""

from __future__ import annotations

import time

import numpy as np

from ..pictures.image import as_picture
from ..sources._base import Source
from ..types import Frame
from ..vision.cuts import Cuts, sketch
from .data import Data
from .worker import Worker

LATE = 1.0
"""Seconds that a recording may be late and still catch up; if later, its clock restarts."""

REST_SECONDS = 0.2
"""Seconds between two dark frames while the run is switched off and its camera is closed."""

RESTING = "the camera is closed"
"""What the display says meanwhile."""


class CaptureLoop(Worker):
    """The thread that reads a source and publishes `data.frame`.

    Each frame of a recording is published when it is due by the recording's own time. A run that was delayed
    catches up, unless by too much: a laptop that slept, or is too slow, continues from where it is. A cut
    starts a new scene, as in `expression analyze`.

    While the run is switched off, a camera is closed and dark frames are published in place of its own, so
    that everybody who follows them notices that nobody is there.

    Args:
        data: The shared object.
        source: A source that is not yet open.

    Attributes:
        frames: Number of frames read.
    """

    def __init__(self, data: Data, source: Source):
        super().__init__(data, "capture", output=data.frame)
        self.source = source
        self.frames = 0
        source.stopped = lambda: data.done
        source.say_waiting = lambda text: setattr(data, "waiting", text)
        self._start: float | None = None  # the `time.monotonic()` of position 0
        self._position = 0.0
        self._scene, self._scene_of_source, self._cuts = 0, source.scene, Cuts()
        self._resting = False  # whether the camera is closed, because the run is switched off
        self._dark = np.zeros((480, 640, 3), np.uint8)

    def setup(self) -> None:
        """Opens the source."""
        self.source.open()

    def step(self) -> None:
        """Reads the next frame, waits until it is due and publishes it.

        If it is known beforehand when the frame is due, it is read only then: reading ahead would
        compete with detection in the previous frame.
        """
        if self.source.rests and not self.data.control.on:
            return self._rest()
        known = self.source.fps and self.source.position is None and self.frames
        if known and self._wait_until(self._next_position()):
            return
        image = self.source.read()
        if image is None:
            return self._end()
        image = as_picture(image, self.source.description)
        if self.source.fps and not known and self._wait_until(self._next_position()):
            return
        now = self.source.captured or time.monotonic()
        if self._start is None:
            self._start = now
        position = self._next_position() if self.source.fps else now - self._start
        self._position = max(position, self._position)
        self.data.frame.publish(
            Frame(image, self.frames, now, self._position, self.source.file, self._scene_of(image))
        )
        self.frames += 1

    def teardown(self) -> None:
        """Closes the source."""
        if not self._resting:
            self.source.close()

    def _rest(self) -> None:
        """Closes the camera until the run is switched on again."""
        self._resting = True
        self.source.close()
        self.data.waiting = RESTING
        latest = self.data.frame.latest
        dark = self._dark if latest is None else np.zeros_like(latest.image)
        while not (self.data.control.on or self.data.done):
            now = time.monotonic()
            self._start = now if self._start is None else self._start
            self._position = max(self._position, now - self._start)
            self.data.frame.publish(Frame(dark, self.frames, now, self._position, scene=self._scene))
            self.data.wait_done(REST_SECONDS)
        self.data.waiting = ""
        if not self.data.done:
            self._resting = False
            self.source.open()

    def _scene_of(self, image: np.ndarray) -> int:
        """Returns the number of a frame's scene: a new one if the source says so, or after a cut."""
        cut = bool(self.source.fps) and self._cuts.starts(sketch(image))
        if cut or self.source.scene != self._scene_of_source:
            self._scene, self._scene_of_source = self._scene + 1, self.source.scene
        return self._scene

    def _next_position(self) -> float:
        """Returns the time in the recording of the frame that was just read, in seconds."""
        position = self.source.position
        return self.frames / self.source.fps if position is None else position

    def _wait_until(self, position: float) -> bool:
        """Waits until a position of a recording is due; returns True if the run is over."""
        now = time.monotonic()
        if self._start is None or now - self._start - position > LATE:
            self._start = now - position
        return self.data.wait_done(max(0.0, self._start + position - now))

    def _end(self) -> None:
        """Gives the last frame of a recording its time, and ends."""
        if self.frames and self.source.fps:
            self._wait_until(self._position + 1 / self.source.fps)
        self.finish()
