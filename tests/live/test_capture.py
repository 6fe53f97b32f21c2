"""Capture while the run is switched off: a camera is closed, a recording plays on."""

from __future__ import annotations

import pytest
from parts import Pictures, wait_for

from expression.live.capture import RESTING
from expression.live.session import Session
from expression.sinks._base import Sink


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
