"""The switches of a run reach every part of it at once."""

from __future__ import annotations

import numpy as np
import pytest
from readings import Patient, Recorder, feed, seen

from expression.control import Control
from expression.data import Box, Data, Face, Frame
from expression.faces import FaceLoop
from expression.tracking import Tracker


@pytest.mark.parametrize(("name", "value"), [("on", False), ("paused", True), ("override", "Sad")])
def test_whoever_watches_hears_of_each_change_once(name, value):
    control, heard = Control(), []
    control.watch(lambda: heard.append((control.on, control.paused, control.override)))
    setattr(control, name, value)
    setattr(control, name, value)
    assert len(heard) == 1
    assert getattr(control, name) == value


def test_who_watches_no_more_hears_nothing():
    control, heard = Control(), []

    def hear():
        heard.append(1)

    control.watch(hear)
    control.unwatch(hear)
    control.unwatch(hear)
    control.on = False
    assert heard == []


def test_an_empty_override_is_none():
    control = Control()
    control.override = ""
    assert control.override is None


class Everywhere:
    """Finds a face in every picture, and counts how often it looked."""

    looked = 0

    def detect(self, image):
        self.looked += 1
        return [Face(Box(0, 0, 9, 9))]


def test_while_it_is_off_no_face_is_looked_for():
    data, detector = Data(), Everywhere()
    loop = FaceLoop(data, detector, Tracker(stale=0.0))
    follower, found = data.faces.follow(), []
    for number, on in enumerate((True, False, True)):
        data.control.on = on
        data.frame.publish(Frame(np.zeros((9, 9, 3), np.uint8), number, float(number), float(number)))
        loop.step()
        found.append(len(follower.next(0).items))
    assert found == [1, 0, 1]
    assert detector.looked == 2


def reacting(**values) -> Recorder:
    sink = Recorder()
    for name, value in values.items():
        setattr(sink, name, value)
    return sink


def test_a_pause_holds_reactions_and_no_record():
    for reacts, calls in ((True, ["open", "close"]), (False, ["open", "1 Happy 0", "close"])):
        data, sink = Patient(), reacting(reacts=reacts)
        data.control.paused = True
        feed(sink, seen(0, p1="Happy"), data=data)
        assert sink.calls == calls


def test_an_override_is_what_reactions_take_also_when_nobody_is_there_and_no_record():
    for reacts, calls in ((True, ["0 Sad 0", "0 Sad 1"]), (False, ["1 Happy 0"])):
        data, sink = Patient(), reacting(reacts=reacts)
        data.control.override = "Sad"
        feed(sink, seen(0, p1="Happy"), seen(1), data=data)
        assert sink.calls[1:-1] == calls


def test_a_label_is_sent_once_it_has_been_the_same_for_long_enough():
    sink = reacting(dwell=1.0, only_changes=True)
    labels = ["Happy", "Happy", "Sad", "Happy", "Happy", "Happy", "Happy"]
    feed(sink, *(seen(i / 2, p1=label) for i, label in enumerate(labels)))
    assert sink.calls[1:-1] == ["1 Happy 2.5"]


def test_a_sink_knows_the_switches_and_may_turn_them():
    data, sink = Patient(), reacting()
    feed(sink, seen(0), data=data)
    assert sink.control is data.control


def test_a_room_is_sent_one_reading_for_all():
    sink = reacting(room="largest")
    feed(sink, seen(0, p1="Happy", p2="Sad"), seen(1), seen(4))
    assert sink.calls[1:-1] == ["0 Happy 0", "empty"]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        pytest.param("", "", id="as usual"),
        pytest.param("o", "off", id="off"),
        pytest.param("oo", "", id="on again"),
        pytest.param("p2", "paused · Sad by hand", id="paused, and a mood by hand"),
        pytest.param("20", "", id="the mood is read again"),
        pytest.param("9x", "", id="keys that stand for nothing"),
    ],
)
def test_keys_turn_the_switches(keys, told):
    control = Control(["Happy", "Sad"])
    assert [control.press(key) for key in keys] == [key in "op012" for key in keys]
    assert control.told() == told
