"""Readings and a sink to try things with: what was seen when, and who was told."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
from parts import PATIENCE

from expression.live.data import Data
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.sinks._base import Sink
from expression.sinks.memory import Memory
from expression.types import Box, Frame, Reading, Seen

IMAGE = np.zeros((9, 9, 3), np.uint8)


def reading(person=1, label="Happy", frame=0, time=0.0, score=0.75) -> Reading:
    scores = {"Happy": score, "Sad": 1 - score}
    return Reading(person, Box(2, 3, 4, 5), label, score, scores, frame, time, time)


def seen(time: float, **people: str) -> Seen[Reading]:
    """What was seen at a time: seen(0.5, p1="Happy", p2="Sad")."""
    frame = Frame(IMAGE, round(time * 100), time, time)
    items = (reading(int(p[1:]), label, frame.number, time) for p, label in people.items())
    return Seen(frame, tuple(items))


def views(*labels: str, people: tuple[int, ...] = (1,), step: float = 1.0) -> list[Seen]:
    """Frames, each of another grey, with everybody showing a label in each."""
    frames = []
    now = time.monotonic()
    for number, label in enumerate(labels):
        image = np.full((90, 120, 3), (200, 10 + number, 30), np.uint8)
        image[:, 60:, 2] += 3  # so that no two people look the same
        frame = Frame(image, number, now + number * step, number * step)
        items = []
        for person in people:
            scores = {"Happy": 0.75, "Sad": 0.25}
            box = Box(10 * person, 20, 30, 40)
            score, when = scores.get(label, 0.3), (number, frame.time, frame.position)
            items.append(Reading(person, box, label, score, scores, *when))
        frames.append(Seen(frame, tuple(items)))
    return frames


class Recorder(Sink):
    """Notes every call; raises what `raises` gives next, if that is not None."""

    def __init__(self, raises=()):
        self.calls, self.raises = [], list(raises)
        self.called, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def _note(self, what):
        assert self.gate.wait(PATIENCE)
        self.calls.append(what)
        self.called.set()
        error = self.raises.pop(0) if self.raises else None
        if error is not None:
            raise error

    def open(self):
        self._note("open")

    def send(self, reading):
        self._note(f"{reading.person} {reading.label} {reading.time:g}")

    def empty(self):
        self._note("empty")

    def close(self):
        self._note("close")


class Patient(Data):
    """Notes the pauses in place of sleeping; knows the labels, as a session does."""

    def __init__(self):
        super().__init__()
        self.control.labels = ("Happy", "Sad")
        self.pauses = []

    def wait_done(self, timeout=None):
        self.pauses.append(timeout)
        return self.done


def check_not_delayed(run: Session, memory: Memory, seconds: float) -> None:
    """Readings went on, and the run stopped, while a sink waited for an answer for so many seconds."""
    figures, times = run.statistics(), [reading.time for reading in memory.readings]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < seconds, "readings go on"
    assert figures["reading_age_ms"]["p95"] < 1000 * seconds
    assert figures["stop_seconds"] < 2 * seconds
    assert figures["threads_left"] == 0


def feed(sink: Sink, *frames: Seen, data: Data | None = None) -> SinkLoop:
    """Runs the loop of a sink manually, with a step for each frame."""
    data = data or Patient()
    loop = SinkLoop(data, sink)
    loop.setup()
    for frame in frames:
        data.readings.publish(frame)
        loop.step()
    data.readings.close()
    loop.teardown()
    return loop
