"""The switches of a run reach every part of it at once."""

from __future__ import annotations

import numpy as np
import pytest
from readings import Patient, Recorder, feed, seen

from expression.control import Control
from expression.errors import BadInputError
from expression.live.data import Data
from expression.live.detection import FaceLoop
from expression.live.sink_loop import SinkLoop
from expression.types import Box, Face, Frame
from expression.vision.tracking import Tracker


@pytest.mark.parametrize(
    ("name", "value"), [("on", False), ("paused", True), ("heat_map", True), ("override", "Sad")]
)
def test_whoever_watches_hears_of_each_change_once(name, value):
    control, heard = Control(), []
    control.watch(lambda: heard.append(getattr(control, name)))
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


@pytest.mark.parametrize(
    ("label", "remedy"),
    [
        ("Hapy", "Did you mean Happy?"),
        ("sad", "Did you mean Sad?"),
        ("Joy", "Choose one of these, or None to follow the readings."),
        (3, "Choose one of these, or None to follow the readings."),
    ],
)
def test_an_override_that_is_no_label_is_told_and_nothing_is_turned(label, remedy):
    control, heard = Control(["Happy", "Sad"]), []
    control.override = "Sad"
    control.watch(lambda: heard.append(1))
    with pytest.raises(BadInputError) as caught:
        control.override = label
    assert str(caught.value) == f"The override is {label!r}. Expected one of Happy, Sad, or None. {remedy}"
    assert (control.override, heard) == ("Sad", [])


def test_any_label_is_taken_where_the_labels_are_not_known():
    control = Control()
    control.override = "Joy"
    assert control.override == "Joy"


def test_a_watcher_that_raises_keeps_nobody_from_hearing_and_is_warned_of_once(caplog):
    control, heard = Control(), []

    def raises():
        raise ZeroDivisionError("by 0")

    control.watch(raises)
    control.watch(lambda: heard.append(control.on))
    control.on = False
    control.on = True
    assert heard == [False, True]
    (message,) = caplog.messages
    assert message.startswith(
        "A function that watches the switches failed: ZeroDivisionError: by 0. Expected it"
    )
    assert message.endswith("raises.")


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


@pytest.mark.parametrize(
    ("overrides", "calls"),
    [
        pytest.param("-SS-", ["1 Happy 0", "0 Sad 1", "1 Happy 3"], id="lifted"),
        pytest.param("-SH-", ["1 Happy 0", "0 Sad 1", "0 Happy 2", "1 Happy 3"], id="changed, then lifted"),
        pytest.param("-S-S", ["1 Happy 0", "0 Sad 1", "1 Happy 2", "0 Sad 3"], id="again"),
    ],
)
def test_what_is_read_is_taken_again_once_an_override_is_lifted(overrides, calls):
    data, sink = Patient(), reacting(reacts=True, only_changes=True)
    loop = SinkLoop(data, sink)
    loop.setup()
    for time, override in enumerate(overrides):
        data.control.override = {"S": "Sad", "H": "Happy"}.get(override)
        data.readings.publish(seen(time, p1="Happy"))
        loop.step()
    data.readings.close()
    loop.teardown()
    assert sink.calls[1:-1] == calls


def test_after_an_override_a_label_settles_anew():
    data, sink = Patient(), reacting(reacts=True, only_changes=True, dwell=1.0)
    loop = SinkLoop(data, sink)
    loop.setup()
    for number in range(8):
        data.control.override = "Sad" if 2 < number < 5 else None
        data.readings.publish(seen(number / 2, p1="Happy"))
        loop.step()
    data.readings.close()
    loop.teardown()
    assert sink.calls[1:-1] == ["1 Happy 1", "1 Happy 3.5"]


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
        pytest.param("p2", "paused · Sad (override)", id="paused, and a mood by hand"),
        pytest.param("20", "", id="the mood is read again"),
        pytest.param("9x", "", id="keys that stand for nothing"),
        pytest.param(
            "\uff11\uff13\uff14\u0661", "", id="Pause and Scroll Lock, as X numbers them; other digits"
        ),
    ],
)
def test_keys_turn_the_switches(keys, told):
    control = Control(["Happy", "Sad"])
    assert [control.press(key) for key in keys] == [key in "op012" for key in keys]
    assert control.told() == told
