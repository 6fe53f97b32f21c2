"""Capture while the run is switched off: a camera is closed, a recording plays on. Cuts start new scenes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from parts import Pictures, wait_for

from expression.live.capture import RESTING, CaptureLoop
from expression.live.data import Data
from expression.live.detection import FaceLoop
from expression.live.session import Session
from expression.sinks._base import Sink
from expression.sources._base import Source
from expression.sources.demo import Demo
from expression.vision.detectors import make_detector
from expression.vision.tracking import Tracker


class Room(Sink):
    """Keeps the labels that a reaction gets, and counts how often the room was empty."""

    reacts = True

    def __init__(self):
        self.labels, self.emptied = [], 0

    def send(self, reading) -> None:
        self.labels.append(reading.label)

    def empty(self) -> None:
        self.emptied += 1


def camera(**values) -> Pictures:
    source = Pictures()
    source.fps, source.rests = None, True
    for name, value in values.items():
        setattr(source, name, value)
    return source


def run(source: Pictures, *sinks: Sink) -> Session:
    return Session(source, display="none", detector="whole", sinks=sinks)


def test_off_closes_a_camera_and_on_opens_it_again():
    source = camera()
    with run(source) as session:
        wait_for(source.read_once.is_set)
        session.control.on = False
        wait_for(lambda: source.closed)
        wait_for(lambda: session.data.frame.latest.image.max() == 0)
        assert session.data.frame.latest.image.shape == (120, 160, 3), "dark, and as large as before"
        assert session.data.waiting == RESTING
        frames = session.statistics()["frames_read"]
        source.read_once.clear()
        session.control.on = True
        wait_for(source.read_once.is_set)
        wait_for(lambda: session.data.frame.latest.image.max() > 0)
        assert session.data.waiting == ""
        assert (source.opened, source.closed) == (2, 1)
        assert session.statistics()["frames_read"] >= frames, "dark frames were not read"
    assert (source.opened, source.closed) == (2, 2)


def test_a_run_that_ends_while_off_opens_its_camera_no_more():
    source = camera()
    with run(source) as session:
        session.control.on = False
        wait_for(lambda: source.closed)
    assert (source.opened, source.closed) == (1, 1)
    assert session.statistics()["threads_left"] == 0


@pytest.mark.slow
def test_meanwhile_reactions_are_told_that_nobody_is_there_and_take_an_override():
    room = Room()
    with run(camera(), room) as session:
        wait_for(lambda: room.labels)
        session.control.on = False
        wait_for(lambda: room.emptied)
        session.control.override = "Surprise"
        wait_for(lambda: room.labels[-1] == "Surprise")


def test_a_recording_plays_on():
    source = Pictures()
    with run(source) as session:
        session.control.on = False
        number = session.data.frame.version
        wait_for(lambda: session.data.frame.version > number + 20)
        assert session.data.frame.latest.image.max() > 0
        assert source.closed == 0


def test_a_camera_that_cannot_be_opened_again_ends_the_run():
    source = camera()
    session = run(source)
    with pytest.raises(ZeroDivisionError), session:
        session.control.on = False
        wait_for(lambda: source.closed)
        source.open = lambda: 1 / 0
        session.control.on = True
        session.data.wait_done()
    assert source.closed == 2


class Shots(Source):
    """Frames of one grey level each, such as (10, 10, 200), as a recording or as a camera."""

    def __init__(self, levels: Sequence[int], fps: float | None = 1000.0, scenes: Sequence[int] = ()):
        self.fps, self._levels, self._scenes = fps, iter(levels), iter(scenes)

    def read(self) -> np.ndarray | None:
        self.scene = next(self._scenes, self.scene)
        level = next(self._levels, None)
        return None if level is None else np.full((120, 160, 3), level, np.uint8)


def followed(source: Source, frames: int) -> tuple[list[int], list[int]]:
    """Returns the scene of each frame, and the number of the person whose face fills it."""
    data = Data()
    capture = CaptureLoop(data, source)
    faces = FaceLoop(data, make_detector("whole"), Tracker())
    capture.setup()
    scenes, people = [], []
    for _ in range(frames):
        capture.step()
        faces.step()
        scenes.append(data.frame.latest.scene)
        people += [face.person for face in data.faces.latest.items]
    capture.teardown()
    return scenes, people


@pytest.mark.parametrize(
    ("source", "scenes"),
    [
        pytest.param(Shots([10, 11, 200, 201, 60]), [1, 1, 2, 2, 3], id="a recording with two cuts"),
        pytest.param(
            Shots([10, 11, 200], fps=None), [0, 0, 0], id="a camera in front of which a light goes on"
        ),
        pytest.param(Shots([10] * 4, scenes=[0, 0, 1, 1]), [1, 1, 2, 2], id="photos that look alike"),
        pytest.param(Shots([10, 10, 200, 200], scenes=[0, 0, 1, 1]), [1, 1, 2, 2], id="photos"),
        pytest.param(Shots([10, 200, 10], scenes=[5, 4, 5]), [1, 2, 3], id="scenes that return"),
    ],
)
def test_each_scene_has_a_number_and_its_people_are_new(source, scenes):
    found, people = followed(source, len(scenes))
    assert found == scenes
    assert people == [scene - scenes[0] + 1 for scene in scenes]


@pytest.mark.slow
def test_the_demo_has_no_cut_even_where_it_starts_again():
    demo = Demo()
    demo.open()
    loop = CaptureLoop(Data(), demo)
    assert {loop._scene_of(demo.picture(number % 750)) for number in range(760)} == {1}
