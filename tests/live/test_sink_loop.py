"""The loop of a sink: what it is sent, and that its failures harm nothing."""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import replace

import numpy as np
import pytest
from parts import PATIENCE, Pictures
from readings import IMAGE, Patient, Recorder, feed, reading, seen

from expression.errors import BadInputError, MissingFileError, MissingPackageError, OutputError, RunError
from expression.live import sink_loop
from expression.live.data import Data
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.sinks._base import Sink
from expression.sinks.memory import Memory
from expression.types import Frame, Seen


def test_a_sink_gets_every_reading_in_order_and_is_closed():
    sink = Recorder()
    loop = feed(sink, seen(0.0, p1="Happy", p2="Sad"), seen(0.1, p1="Happy"))
    assert sink.calls == ["open", "1 Happy 0", "2 Sad 0", "1 Happy 0.1", "close"]
    assert (loop.name, loop.sent, loop.failed, loop.skipped) == ("Recorder", 3, 0, 0)


def test_only_changes_are_sent_to_a_sink_that_wants_no_more():
    sink = Recorder()
    sink.only_changes = True
    labels = ["Happy", "Happy", "Sad", "Sad", "Happy"]
    feed(sink, *(seen(i / 10, p1=label, p2="Sad") for i, label in enumerate(labels)))
    assert sink.calls[1:-1] == ["1 Happy 0", "2 Sad 0", "1 Sad 0.2", "1 Happy 0.4"]


def test_between_two_readings_of_a_person_lies_the_least_time():
    sink = Recorder()
    sink.min_interval = 0.5
    feed(sink, *(seen(i / 4, p1="Happy", **({"p2": "Sad"} if i > 0 else {})) for i in range(5)))
    assert sink.calls[1:-1] == ["1 Happy 0", "2 Sad 0.25", "1 Happy 0.5", "2 Sad 0.75", "1 Happy 1"]


def test_a_change_that_came_too_soon_is_sent_once_the_time_is_up():
    sink = Recorder()
    sink.only_changes, sink.min_interval = True, 1.0
    feed(sink, seen(0, p1="Happy"), seen(0.5, p1="Sad"), seen(0.9, p1="Sad"), seen(1.0, p1="Sad"))
    assert sink.calls[1:-1] == ["1 Happy 0", "1 Sad 1"]


def test_a_person_who_left_is_forgotten_and_one_who_was_missed_for_a_moment_is_not():
    sink = Recorder()
    sink.only_changes = True
    feed(sink, seen(0, p1="Sad"), seen(1), seen(2, p1="Sad"), seen(3), seen(4.1), seen(5, p1="Sad"))
    assert sink.calls[1:-1] == ["1 Sad 0", "empty", "1 Sad 5"]


def test_that_nobody_is_there_is_said_once():
    sink = Recorder()
    feed(sink, *(seen(t) for t in range(3)), seen(3, p1="Sad", p2="Sad"), *(seen(t) for t in range(4, 9)))
    assert sink.calls[1:-1] == ["1 Sad 3", "2 Sad 3", "empty"]


def test_that_nobody_is_there_is_said_again_until_the_sink_took_it(caplog):
    sink = Recorder([None, None, OSError("bridge"), OSError("bridge")])
    feed(sink, seen(0, p1="Sad"), *(seen(t) for t in range(3, 9)))
    assert sink.calls == ["open", "1 Sad 0", "empty", "empty", "empty", "close"]


def test_that_nobody_is_there_is_said_no_more_once_somebody_is(caplog):
    sink = Recorder([None, None, OSError("bridge")])
    feed(sink, seen(0, p1="Sad"), seen(3), seen(4, p1="Sad"), seen(5))
    assert sink.calls == ["open", "1 Sad 0", "empty", "1 Sad 4", "close"]


def test_while_somebody_is_there_the_room_is_not_empty():
    sink = Recorder()
    feed(sink, seen(0, p1="Sad", p2="Sad"), *(seen(t, p1="Sad") for t in range(1, 6)))
    assert "empty" not in sink.calls


def played(*moments: tuple[float, float, str]) -> list[Seen]:
    """What is seen of person 1: the moment of the run, the position in the recording, the label or ""."""
    frames = []
    for number, (moment, position, label) in enumerate(moments):
        frame = Frame(IMAGE, number, moment, position)
        items = (replace(reading(1, label, number, moment), position=position),) if label else ()
        frames.append(Seen(frame, items))
    return frames


@pytest.mark.parametrize("pace", [0.1, 10], ids=["quickly", "slowly"])
def test_a_label_settles_by_the_time_of_the_recording_however_it_is_played(pace):
    sink = Recorder()
    sink.dwell = 1.0
    feed(sink, *played(*((second * pace, second, "Sad") for second in (0.0, 0.5, 0.9, 1.0))))
    assert sink.calls[1:-1] == [f"1 Sad {pace:g}"]


def test_somebody_has_not_left_while_the_laptop_slept():
    sink = Recorder()
    feed(sink, *played((0, 0, "Sad"), (8, 0.04, ""), (8.04, 0.08, "Sad")))
    assert "empty" not in sink.calls


def test_nothing_grows_when_people_come_and_go():
    loop = feed(Recorder(), *(seen(t, **{f"p{t + 1}": "Sad"}) for t in range(100)))
    assert len(loop._last) == len(loop._present) <= 4


def test_the_last_reading_reaches_a_slow_sink_though_the_run_is_done():
    data, sink = Data(), Recorder()
    loop = SinkLoop(data, sink)
    loop.start()
    assert sink.called.wait(PATIENCE)
    sink.gate.clear()
    data.readings.publish(seen(0, p1="Happy"))
    while loop._follower.taken == 0:  # the sink is at the first and stays there
        time.sleep(0.001)
    for number in range(1, 4):
        data.readings.publish(seen(number, p1="Happy"))
    data.readings.close()
    data.done = True
    sink.gate.set()
    loop.join(PATIENCE)
    assert not loop.is_alive()
    assert sink.calls == ["open", "1 Happy 0", "1 Happy 3", "close"]


def test_the_reading_that_was_being_made_when_the_run_ended_is_waited_for(monkeypatch):
    monkeypatch.setattr(sink_loop, "LAST_SECONDS", PATIENCE)
    data, sink = Data(), Recorder()
    loop = SinkLoop(data, sink)
    loop.start()
    assert sink.called.wait(PATIENCE)
    data.done = True
    time.sleep(0.1)  # the network is at its last face
    data.readings.publish(seen(0, p1="Happy"))
    data.readings.close()
    loop.join(PATIENCE)
    assert sink.calls == ["open", "1 Happy 0", "close"]


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_the_end_waits_for_the_last_reading_but_not_for_ever(fails, monkeypatch):
    monkeypatch.setattr(sink_loop, "LAST_SECONDS", PATIENCE if fails else 0.5)
    data, sink = Data(), Recorder()
    loop = SinkLoop(data, sink)
    loop.start()
    assert sink.called.wait(PATIENCE)
    began = time.monotonic()
    if fails:
        data.fail("prediction", ZeroDivisionError())
    data.done = True
    loop.join(PATIENCE)
    seconds = time.monotonic() - began
    assert seconds < PATIENCE if fails else seconds > 0.45
    assert not loop.is_alive()


@pytest.mark.parametrize(
    ("most", "sent"), [(60.0, ["1 Happy 0", "2 Sad 0", "1 Sad 1"]), (-1.0, ["1 Happy 0"])]
)
def test_once_the_run_is_done_a_sink_that_takes_long_is_sent_no_more(monkeypatch, most, sent):
    data, sink = Patient(), Recorder()
    loop = SinkLoop(data, sink)
    loop.setup()
    sent_before = loop._send

    def ends_the_run(reading):
        sent_before(reading)
        monkeypatch.setattr(sink_loop, "SLOW_SECONDS", most)
        data.done = True

    monkeypatch.setattr(loop, "_send", ends_the_run)
    data.readings.publish(seen(0, p1="Happy", p2="Sad"))
    loop.step()
    data.readings.publish(seen(1, p1="Sad"))
    data.readings.close()
    loop.teardown()
    assert sink.calls[1:-1] == sent


def test_an_error_that_the_sink_has_told_of_by_itself_is_not_warned_of(caplog):
    error = RunError("It rains.", "Expected sun.", "Wait.")
    error.told = True
    loop = feed(Recorder([None, error]), seen(0, p1="Sad"), seen(1, p1="Sad"))
    assert (loop.failed, loop.sent) == (1, 1)
    assert not caplog.messages


def test_a_sink_that_nobody_listens_to_ends_the_run():
    sink, data = Recorder(), Patient()
    sink.finished = True
    feed(sink, seen(0, p1="Sad"), data=data)
    assert data.done
    assert data.error is None


def test_a_failing_sink_is_warned_of_once_and_tried_again_with_growing_pauses(caplog, monkeypatch):
    monkeypatch.setattr(sink_loop.time, "monotonic", itertools.count(step=16).__next__)
    data = Patient()
    sink = Recorder([None, *[OSError(28, "No space left")] * 9])
    loop = feed(sink, *(seen(t, p1="Sad") for t in range(13)), data=data)
    assert data.pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [record.message for record in caplog.records] == [
        "The sink Recorder failed. OSError: [Errno 28] No space left. Fix it, or leave it out. "
        "(The run continues without it, and tries it again at least every 30 s.)",
        "The sink Recorder works again.",
    ]
    assert {(record.name, record.levelno) for record in caplog.records} == {("expression", logging.WARNING)}
    assert (loop.sent, loop.failed, data.done, data.error) == (4, 9, False, None)
    assert sink.calls[-1] == "close"


def test_a_sink_that_fails_long_after_is_warned_of_again_and_paused_shortly(caplog, monkeypatch):
    monkeypatch.setattr(sink_loop.time, "monotonic", itertools.count(step=31).__next__)
    data = Patient()
    sink = Recorder([None, ValueError("a"), ValueError("b"), None, None, ValueError("c")])
    feed(sink, *(seen(t, p1="Sad") for t in range(7)), data=data)
    assert data.pauses == [0.5, 1, 0.5]
    assert [record.message.split(" ValueError")[0] for record in caplog.records] == [
        "The sink Recorder failed.",
        "The sink Recorder works again.",
        "The sink Recorder failed.",
        "The sink Recorder works again.",
    ]


def test_a_sink_that_fails_every_second_time_is_warned_of_once_and_paused_longer_and_longer(caplog):
    data = Patient()
    sink = Recorder([None, *[OSError("x"), None] * 50])
    loop = feed(sink, *(seen(t, p1="Sad") for t in range(100)), data=data)
    assert data.pauses == [0.5, 1, 2, 4, 8, 16, *[30] * 44]
    assert (loop.sent, loop.failed, len(caplog.records)) == (50, 50, 1)


def test_what_a_sink_does_not_want_now_is_offered_again_as_long_as_it_is_read():
    class Choosy(Recorder):
        def wants(self, reading):
            return reading.time >= 2

    sink = Choosy()
    sink.only_changes = True
    feed(sink, seen(0, p1="Sad"), *(seen(t, p1="Happy") for t in (1, 2, 3)))
    assert sink.calls[1:-1] == ["1 Happy 2"]


def test_a_sink_has_the_picture_of_the_reading_that_is_sent():
    class Looker(Recorder):
        def send(self, reading):
            self.calls.append((reading.frame, self.frame.number, self.frame.image.shape))

    sink = Looker()
    feed(sink, seen(0, p1="Sad"), seen(1, p1="Sad"))
    assert sink.calls[1:-1] == [(0, 0, (9, 9, 3)), (100, 100, (9, 9, 3))]


def test_of_a_frame_that_fails_the_rest_is_left_out(caplog):
    sink = Recorder([None, OSError("x")])
    loop = feed(sink, seen(0, p1="Sad", p2="Sad"), seen(1, p1="Sad", p2="Sad"))
    assert sink.calls == ["open", "1 Sad 0", "1 Sad 1", "2 Sad 1", "close"]
    assert (loop.sent, loop.failed) == (2, 1)


def test_a_change_that_could_not_be_sent_is_sent_when_the_sink_works_again(caplog):
    sink = Recorder([None, None, OSError("x")])
    sink.only_changes = True
    feed(sink, seen(0, p1="Sad"), seen(1, p1="Happy"), seen(2, p1="Happy"), seen(3, p1="Happy"))
    assert sink.calls[1:-1] == ["1 Sad 0", "1 Happy 1", "1 Happy 2"]


def test_a_sink_that_does_not_open_is_tried_again(caplog):
    sink = Recorder([ConnectionRefusedError("no bridge"), TimeoutError(), None])
    data = Patient()
    feed(sink, *(seen(t, p1="Sad") for t in range(3)), data=data)
    assert sink.calls == ["open", "open", "open", "1 Sad 1", "1 Sad 2", "close"]
    assert data.pauses == [0.5, 1]
    assert "ConnectionRefusedError: no bridge. Fix it, or leave it out. (The" in caplog.messages[0]


def test_a_sink_that_never_opened_is_not_closed(caplog):
    sink = Recorder([OSError("x")] * 9)
    feed(sink, seen(0, p1="Sad"))
    assert set(sink.calls) == {"open"}


SENTENCES = ("It is bad.", "Expected good.", "Mend it.")


@pytest.mark.parametrize(
    ("where", "error", "ends"),
    [
        pytest.param("open", BadInputError(*SENTENCES), True, id="bad input at open"),
        pytest.param("open", MissingFileError(*SENTENCES), True, id="missing file at open"),
        pytest.param("open", OutputError(*SENTENCES), True, id="output at open"),
        pytest.param("open", MissingPackageError(*SENTENCES), True, id="missing package at open"),
        pytest.param("open", FileNotFoundError("x"), False, id="a builtin error at open"),
        pytest.param("send", BadInputError(*SENTENCES), True, id="bad input at send"),
        pytest.param("send", MissingPackageError(*SENTENCES), True, id="missing package at send"),
        pytest.param("send", OutputError(*SENTENCES), False, id="output at send"),
        pytest.param("send", ValueError("x"), False, id="a builtin error at send"),
        pytest.param("send", SystemExit(3), True, id="the end of the program"),
    ],
)
def test_what_trying_again_cannot_mend_ends_the_run(where, error, ends, caplog, monkeypatch):
    monkeypatch.setattr(sink_loop, "FIRST_PAUSE", 0.01)
    data = Data()
    sink = Recorder([error] if where == "open" else [None, error])
    loop = SinkLoop(data, sink)
    loop.start()
    data.readings.publish(seen(0, p1="Sad"))
    if ends:
        loop.join(PATIENCE)
        assert data.error == ("Recorder", error)
        assert not caplog.records
    else:
        while not sink.called.wait(PATIENCE) or loop.sent + loop.failed == 0:
            time.sleep(0.001)
        assert not data.done
    data.readings.close()
    data.done = True
    loop.join(PATIENCE)
    assert not loop.is_alive()
    assert (sink.calls[-1] == "close") == (where == "send" or not ends)


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        pytest.param("lights", 'Run in the project\'s folder: pip install -e ".[lights]"', id="with extra"),
        pytest.param(None, "Run: pip install no-such-package", id="without"),
    ],
)
def test_a_package_that_is_missing_ends_the_run_with_the_line_that_installs_it(extra, line):
    class Lamp(Sink):
        def open(self):
            import no_such_package  # noqa: F401

    Lamp.extra = extra
    loop = SinkLoop(Data(), Lamp())
    loop.start()
    loop.join(PATIENCE)
    name, error = loop.data.error
    assert (name, type(error)) == ("Lamp", MissingPackageError)
    assert error.happened == "The sink Lamp needs the package no-such-package, which is not installed."
    assert error.remedy == line


def test_a_sink_that_does_not_close_well_hides_nothing(caplog):
    class Stuck(Recorder):
        def close(self):
            raise OSError("lost")

    data = Data()
    first = ZeroDivisionError("first")
    data.fail("faces", first)
    loop = SinkLoop(data, Stuck())
    loop.start()
    loop.join(PATIENCE)
    assert data.error == ("faces", first)
    assert caplog.messages == [
        "The sink Stuck did not close properly: OSError: lost. Expected it to close without an error. "
        "Check whether its last readings arrived."
    ]


def test_an_error_of_ours_says_itself_what_to_do(caplog):
    away = RunError("Nobody answers.", "Expected somebody.", "Ring again.")
    feed(Recorder([None, away]), seen(0, p1="Sad"), data=Patient())
    assert caplog.messages == [
        "The sink Recorder failed. Nobody answers. Expected somebody. Ring again. "
        "(The run continues without it, and tries it again at least every 30 s.)"
    ]


def test_stopping_does_not_wait_for_the_pause(caplog):
    data = Data()
    sink = Recorder([OSError("x")] * 99)
    loop = SinkLoop(data, sink)
    loop._failing, loop._pause = True, PATIENCE
    loop.start()
    assert sink.called.wait(PATIENCE)
    began = time.monotonic()
    data.done = True
    loop.join(PATIENCE)
    assert time.monotonic() - began < PATIENCE
    assert not loop.is_alive()


def test_readings_that_came_during_a_pause_are_skipped_and_counted(caplog):
    data = Data()
    sink = Recorder([None, OSError("x")])
    loop = SinkLoop(data, sink)
    loop.setup()
    data.readings.publish(seen(0, p1="Sad"))
    loop.step()
    for number in range(1, 6):
        data.readings.publish(seen(number, p1="Sad"))
    loop._pause = 0.01
    loop.step()
    data.readings.close()
    loop.teardown()
    assert sink.calls[1:-1] == ["1 Sad 0", "1 Sad 5"]
    assert (loop.sent, loop.failed, loop.skipped) == (1, 1, 4)


def test_a_failing_sink_harms_neither_the_run_nor_another_sink(caplog):
    class Broken(Sink):
        def send(self, reading):
            raise ConnectionResetError("gone")

    memory = Memory()
    run = Session(Pictures(20), display="none", detector="whole", sinks=(Broken(), memory))
    run.run()
    assert run.statistics()["frames_read"] == 20
    assert memory.readings[-1].frame == 19
    assert sum("Broken failed" in message for message in caplog.messages) == 1


def test_a_sink_without_send_says_so(caplog):
    feed(Sink(), seen(0, p1="Sad"))
    assert "RuntimeError: Sink does not define send" in caplog.messages[0]


class Drawn(Sink):
    """Shows a picture, but for the time when it fails at it."""

    shows = None

    def send(self, reading) -> None:
        pass

    def picture(self, width, height):
        return self.shows[:height, :width]


def test_the_picture_of_a_sink_is_handed_on_and_most_have_none():
    sink = Drawn()
    sink.shows = np.zeros((99, 99, 3), np.uint8)
    assert SinkLoop(Data(), sink).picture(30, 40).shape == (40, 30, 3)
    assert SinkLoop(Data(), Recorder()).picture(30, 40) is None


def test_a_sink_that_fails_at_its_picture_is_warned_of_once_and_not_asked_again(caplog):
    loop = SinkLoop(Data(), Drawn())
    assert loop.picture(30, 40) is None
    loop.sink.shows = np.zeros((99, 99, 3), np.uint8)
    assert loop.picture(30, 40) is None
    (record,) = caplog.records
    assert record.getMessage() == (
        "The sink Drawn cannot be drawn: TypeError: 'NoneType' object is not subscriptable. "
        "The run continues without its picture."
    )
