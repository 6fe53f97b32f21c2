"""Sinks: how they are named, what they are sent, and that their failures harm nothing."""

from __future__ import annotations

import csv
import logging
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from parts import ROOT, Pictures, expression_process

from expression import sinks
from expression.data import Box, Data, Frame, Reading, Seen
from expression.errors import BadInputError, MissingFileError, MissingPackageError, OutputError
from expression.session import Session
from expression.sinks import Sink, SinkLoop, make_sink, names
from expression.sinks._options import options_of
from expression.sinks.console import Console
from expression.sinks.csvfile import Csvfile
from expression.sinks.memory import Memory

IMAGE = np.zeros((9, 9, 3), np.uint8)


def reading(person=1, label="Happy", frame=0, time=0.0, score=0.75) -> Reading:
    scores = {"Happy": score, "Sad": 1 - score}
    return Reading(person, Box(2, 3, 4, 5), label, score, scores, frame, time, time)


def seen(time: float, **people: str) -> Seen[Reading]:
    """What was seen at a time: seen(0.5, p1="Happy", p2="Sad")."""
    frame = Frame(IMAGE, round(time * 100), time, time)
    items = (reading(int(p[1:]), label, frame.number, time) for p, label in people.items())
    return Seen(frame, tuple(items))


class Recorder(Sink):
    """Notes every call; raises what `raises` gives next, if that is not None."""

    def __init__(self, raises=()):
        self.calls, self.raises = [], list(raises)
        self.called, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def _note(self, what):
        assert self.gate.wait(10)
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
    """Notes the pauses in place of sleeping."""

    def __init__(self):
        super().__init__()
        self.pauses = []

    def wait_done(self, timeout=None):
        self.pauses.append(timeout)
        return self.done


def feed(sink: Sink, *frames: Seen, data: Data | None = None) -> SinkLoop:
    """Runs the loop of a sink by hand, a step for each frame."""
    data = data or Patient()
    loop = SinkLoop(data, sink)
    loop.setup()
    for frame in frames:
        data.readings.publish(frame)
        loop.step()
    loop.teardown()
    return loop


# How sinks are named


def test_the_sinks_of_the_folder_are_listed():
    assert {"console", "csvfile", "memory"} <= set(names())
    assert not any(name.startswith("_") for name in names())


@pytest.mark.parametrize(
    ("text", "kind", "name", "value"),
    [
        pytest.param("memory", Memory, "limit", 10_000, id="name"),
        pytest.param(" memory:7 ", Memory, "limit", 7, id="value, brought into its type"),
        pytest.param("memory:", Memory, "limit", 10_000, id="colon and nothing"),
        pytest.param("memory:limit=7", Memory, "limit", 7, id="keyword"),
        pytest.param("csvfile:a.csv", Csvfile, "path", Path("a.csv"), id="path"),
        pytest.param("csvfile:path=a.csv", Csvfile, "path", Path("a.csv"), id="path as keyword"),
        pytest.param("csvfile:path=a,b=.csv", None, "no option 'b'", None, id="comma and a word"),
        pytest.param("csvfile:path=a, b.csv", Csvfile, "path", Path("a, b.csv"), id="comma in a value"),
        pytest.param(r"csvfile:C:\a b\c.csv", Csvfile, "path", Path(r"C:\a b\c.csv"), id="drive letter"),
        pytest.param("csvfile:/a/b=c.csv", Csvfile, "path", Path("/a/b=c.csv"), id="= in a path"),
        pytest.param("csvfile:path=b=c.csv", Csvfile, "path", Path("b=c.csv"), id="= in a value"),
        pytest.param("console", Console, "finished", False, id="no options"),
    ],
)
def test_a_sink_is_made_from_words(text, kind, name, value):
    if kind is None:
        with pytest.raises(BadInputError, match=name):
            make_sink(text)
        return
    sink = make_sink(text)
    assert type(sink) is kind
    assert getattr(sink, name, None) == value or sink.readings.maxlen == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("consol", r"There is no sink 'consol'\. Expected one of .*console.*\. Did you mean console\?"),
        ("Console", r"Did you mean console\?"),
        ("qqq", r"There is no sink 'qqq'\. .* Choose one of these\."),
        ("", r"There is no sink ''"),
        ("_options", r"There is no sink '_options'"),
        ("../check", r"There is no sink '\.\./check'"),
        ("csvfile", r"csvfile was given no path\. Expected csvfile:PATH\. Write it after the colon\."),
        ("csvfile:", r"csvfile was given no path"),
        ("csvfile:paht=a.csv", r"csvfile has no option 'paht'\. Expected path\. Did you mean path\?"),
        ("csvfile:colour=red", r"has no option 'colour'\. Expected path\. Check the spelling"),
        ("console:x", r"console takes no value, found 'x'\. Expected console\. Leave out"),
        ("console:x=1", r"console has no option 'x'\. Expected no options"),
        ("memory:many", r"limit of the sink memory is 'many'\. Expected a whole number\. Give one, or"),
        ("memory:limit=2.5", r"limit of the sink memory is '2\.5'"),
        ("memory:0", r"limit of the sink memory is 0\. Expected 1 or more"),
        (Console, r"Console'> is no sink\. .* Write it as Console\(\)"),
        (3, r"3 is no sink"),
    ],
    ids=str,
)
def test_a_sink_that_cannot_be_made_is_told(text, said):
    with pytest.raises(BadInputError, match=said):
        make_sink(text)


def test_an_instance_is_taken_as_it_is():
    sink = Recorder()
    assert make_sink(sink) is sink
    assert sink.name == "Recorder"
    assert make_sink("memory").name == "memory"


class Lamp(Sink):
    option = "address"

    def __init__(
        self, address: str, port: int = 80, bright: float | None = None, on: bool = True, note: Path = Path()
    ):
        pass


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("host", {"address": "host"}),
        ("host:80", {"address": "host:80"}),
        ("mysql://u:p@h/x?a=b", {"address": "mysql://u:p@h/x?a=b"}),
        ("address=h,port=8,bright=0.5", {"address": "h", "port": 8, "bright": 0.5}),
        ("address=h,on=no,note=x", {"address": "h", "on": False, "note": "x"}),
        ("address=h,on=TRUE", {"address": "h", "on": True}),
        ("address=", {"address": ""}),
    ],
)
def test_options_are_brought_into_the_types_of_the_class(text, options):
    got = options_of("lamp", Lamp, text)
    assert got == options
    assert [type(v) for v in got.values()] == [type(v) for v in options.values()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port=8", r"lamp was given no address\. Expected lamp:ADDRESS or lamp:address=\.\.\.,port=\.\.\.,"),
        ("address=h,on=perhaps", r"on of the sink lamp is 'perhaps'\. Expected true or false"),
        ("address=h,bright=x", r"bright of the sink lamp is 'x'\. Expected a number"),
    ],
)
def test_options_that_do_not_fit_are_told(text, said):
    with pytest.raises(BadInputError, match=said):
        options_of("lamp", Lamp, text)


def test_only_the_sink_that_is_asked_for_is_imported():
    code = (
        "import sys; from expression.sinks import make_sink, names; names(); make_sink('memory');"
        "print([n for n in names() if f'expression.sinks.{n}' in sys.modules], 'cv2' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout
    assert out.strip() == "['memory'] False"


# What sinks are sent


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


def test_while_somebody_is_there_the_room_is_not_empty():
    sink = Recorder()
    feed(sink, seen(0, p1="Sad", p2="Sad"), *(seen(t, p1="Sad") for t in range(1, 6)))
    assert "empty" not in sink.calls


def test_nothing_grows_when_people_come_and_go():
    loop = feed(Recorder(), *(seen(t, **{f"p{t + 1}": "Sad"}) for t in range(100)))
    assert len(loop._last) == len(loop._present) <= 4


def test_the_last_reading_reaches_a_slow_sink_though_the_run_is_done():
    data, sink = Data(), Recorder()
    loop = SinkLoop(data, sink)
    loop.start()
    assert sink.called.wait(5)
    sink.gate.clear()
    data.readings.publish(seen(0, p1="Happy"))
    while loop._follower.taken == 0:  # the sink is at the first and stays there
        time.sleep(0.001)
    for number in range(1, 4):
        data.readings.publish(seen(number, p1="Happy"))
    data.readings.close()
    data.done = True
    sink.gate.set()
    loop.join(5)
    assert not loop.is_alive()
    assert sink.calls == ["open", "1 Happy 0", "1 Happy 3", "close"]


def test_a_sink_that_nobody_listens_to_ends_the_run():
    sink, data = Recorder(), Patient()
    sink.finished = True
    feed(sink, seen(0, p1="Sad"), data=data)
    assert data.done
    assert data.error is None


# What happens when sinks fail


def test_a_failing_sink_is_warned_of_once_and_tried_again_with_growing_pauses(caplog):
    data = Patient()
    sink = Recorder([None, *[OSError(28, "No space left")] * 9])
    loop = feed(sink, *(seen(t, p1="Sad") for t in range(11)), data=data)
    assert data.pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [record.message for record in caplog.records] == [
        "The sink Recorder failed: OSError: [Errno 28] No space left. The run goes on without it. "
        "It is tried again with pauses of up to 30 s; mend it, or leave it out.",
        "The sink Recorder works again.",
    ]
    assert {(record.name, record.levelno) for record in caplog.records} == {("expression", logging.WARNING)}
    assert (loop.sent, loop.failed, data.done, data.error) == (2, 9, False, None)
    assert sink.calls[-1] == "close"


def test_a_sink_that_fails_again_later_is_warned_of_again_and_paused_shortly(caplog):
    data = Patient()
    sink = Recorder([None, ValueError("a"), ValueError("b"), None, ValueError("c")])
    feed(sink, *(seen(t, p1="Sad") for t in range(5)), data=data)
    assert data.pauses == [0.5, 1, 0.5]
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "The sink Recorder failed",
        "The sink Recorder works again.",
        "The sink Recorder failed",
        "The sink Recorder works again.",
    ]


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
    assert "ConnectionRefusedError: no bridge. The run goes on" in caplog.messages[0]


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
    monkeypatch.setattr(sinks, "FIRST_PAUSE", 0.01)
    data = Data()
    sink = Recorder([error] if where == "open" else [None, error])
    loop = SinkLoop(data, sink)
    loop.start()
    data.readings.publish(seen(0, p1="Sad"))
    if ends:
        loop.join(5)
        assert data.error == ("Recorder", error)
        assert not caplog.records
    else:
        while not sink.called.wait(5) or loop.sent + loop.failed == 0:
            time.sleep(0.001)
        assert not data.done
    data.done = True
    loop.join(5)
    assert not loop.is_alive()
    assert (sink.calls[-1] == "close") == (where == "send" or not ends)


def test_a_sink_that_does_not_close_well_hides_nothing(caplog):
    class Stuck(Recorder):
        def close(self):
            raise OSError("lost")

    data = Data()
    first = ZeroDivisionError("first")
    data.fail("faces", first)
    loop = SinkLoop(data, Stuck())
    loop.start()
    loop.join(5)
    assert data.error == ("faces", first)
    assert caplog.messages == [
        "The sink Stuck did not close well: OSError: lost. Expected it to give everything back. "
        "Look whether its last readings arrived."
    ]


def test_stopping_does_not_wait_for_the_pause(caplog):
    data = Data()
    sink = Recorder([OSError("x")] * 99)
    loop = SinkLoop(data, sink)
    loop._pause = 30.0
    loop.start()
    assert sink.called.wait(5)
    began = time.monotonic()
    data.done = True
    loop.join(5)
    assert time.monotonic() - began < 0.5
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
    assert "RuntimeError: Sink has no send" in caplog.messages[0]


# memory


def test_memory_keeps_the_last_readings():
    memory = Memory(limit=3)
    feed(memory, *(seen(t, p1="Sad") for t in range(5)))
    assert [reading.time for reading in memory.readings] == [2, 3, 4]


# csvfile

HEADER = "frame,time,person,x,y,width,height,label,score,Happy,Sad"


def write(path, *readings) -> None:
    """Opens a csvfile, sends the readings and closes it."""
    sink = Csvfile(str(path))
    sink.open()
    try:
        for each in readings:
            sink.send(each)
    finally:
        sink.close()


def test_a_csv_file_has_a_header_and_a_row_a_face(tmp_path):
    write(tmp_path / "a.csv", reading(1, frame=7, time=0.28), reading(2, "not sure", 7, 0.28, 1 / 3))
    lines = (tmp_path / "a.csv").read_bytes().decode().split("\n")
    assert lines == [
        HEADER,
        "7,0.28,1,2,3,4,5,Happy,0.75,0.75,0.25",
        "7,0.28,2,2,3,4,5,not sure,0.3333,0.3333,0.6667",
        "",
    ]


def test_a_row_is_in_the_file_at_once(tmp_path):
    sink = Csvfile(str(tmp_path / "a.csv"))
    sink.open()
    sink.send(reading())
    rows = (tmp_path / "a.csv").read_text().splitlines()
    sink.close()
    assert len(rows) == 2, "a run that is killed has lost nothing"


def test_labels_with_commas_and_umlauts_are_read_again(tmp_path):
    path = tmp_path / "ä ö.csv"
    scores = {'Fröhlich, "sehr"': 0.6, "悲しい": 0.4}
    write(path, Reading(1, Box(0, 0, 1, 1), "悲しい", 0.6, scores))
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == "悲しい"
    assert row['Fröhlich, "sehr"'] == "0.6"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(f"{HEADER}\n1,2\n".encode(), id="rows"),
        pytest.param(f"{HEADER}\r\n1,2\r\n".encode(), id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + f"{HEADER}\n".encode(), id="BOM"),
        pytest.param(f"{HEADER}\n1,2,cut of".encode(), id="a last line that was not finished"),
        pytest.param(b"", id="empty"),
    ],
)
def test_rows_are_added_to_a_file_of_the_same_kind(tmp_path, before):
    path = tmp_path / "a.csv"
    path.write_bytes(before)
    write(path, reading())
    after = path.read_bytes()
    assert after.startswith(before)
    assert after.decode("utf-8-sig").count(HEADER) == 1
    assert after.splitlines()[-1] == b"0,0.0,1,2,3,4,5,Happy,0.75,0.75,0.25"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            b"my,own\nnotes,1\n", r"begins with 'my,own'\. Expected a new or empty", id="other rows"
        ),
        pytest.param(b"a\xff\x00b", r"begins with", id="no text"),
        pytest.param(b"\n\nmy,own\n", r"begins with 'an empty line'", id="an empty line first"),
    ],
)
def test_a_file_with_something_else_in_it_is_left_as_it_is(tmp_path, content, said):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=f"{said}.*Choose another file, or move that one away"):
        Csvfile(str(path)).open()
    assert path.read_bytes() == content


def test_rows_of_other_labels_are_not_mixed_in(tmp_path):
    path = tmp_path / "a.csv"
    content = HEADER.replace("Happy", "Joy") + "\n"
    path.write_text(content)
    with pytest.raises(BadInputError, match=r"a\.csv has the labels Joy, Sad\. Expected Happy, Sad, which"):
        write(path, reading())
    assert path.read_text() == content


@pytest.mark.parametrize("name", ["missing/a.csv", "."])
def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path, name):
    with pytest.raises(OutputError, match=r"cannot be written to .* Make the folder, or choose another file"):
        Csvfile(str(tmp_path / name)).open()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit on the size of files")
def test_where_the_disk_is_full_no_half_row_is_left_and_rows_go_on_when_there_is_room(tmp_path):
    code = """if True:
        import resource, sys
        from expression.data import Box, Reading
        from expression.sinks.csvfile import Csvfile
        sink, full = Csvfile(sys.argv[1]), 0
        one = Reading(1, Box(2, 3, 4, 5), "Happy", 0.75, {"Happy": 0.75, "Sad": 0.25})
        sink.open()
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, 10_000))
        for _ in range(5):
            try:
                sink.send(one)
            except OSError:
                full += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        sink.send(one)
        sink.close()
        print(full)
        """
    path = tmp_path / "a.csv"
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=ROOT)
    assert out.stdout.strip() == "3", out.stderr
    row = "0,0.0,1,2,3,4,5,Happy,0.75,0.75,0.25"
    assert path.read_text() == "\n".join([HEADER, row, row, row, ""])


def test_a_file_that_was_never_opened_closes_without_harm(tmp_path):
    Csvfile(str(tmp_path / "a.csv")).close()
    assert list(tmp_path.iterdir()) == []


# console

CLOCK = r"\d\d:\d\d:\d\d   "


def test_the_console_prints_the_people_of_a_frame_in_one_line(capsys):
    feed(Console(), seen(0, p2="Sad", p1="Happy"), seen(0.1, p1="not sure"))
    out = capsys.readouterr().out
    assert re.fullmatch(CLOCK + r"1 Happy     75%   2 Sad       75%\n", out), out


def test_the_console_prints_a_line_a_second_at_most(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("expression.sinks.console.time.monotonic", lambda: now[0])
    console = Console()
    for number in range(40):
        now[0] = 100 + number / 10
        console.send(reading(1, "Happy", number))
    console.close()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(re.fullmatch(CLOCK + "1 Happy     75%", line) for line in lines)


def test_the_console_prints_a_single_reading_too(capsys):
    feed(Console(), seen(0, p1="Happy"))
    assert capsys.readouterr().out.count("\n") == 1


def test_the_console_says_once_that_nobody_is_there(capsys):
    feed(Console(), seen(0, p1="Happy"), *(seen(t) for t in range(1, 9)))
    assert re.fullmatch(CLOCK + "1 Happy     75%\n" + CLOCK + "nobody\n", capsys.readouterr().out)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe as they are on Unix")
def test_a_live_run_ends_without_a_word_when_nobody_reads_it_any_more():
    process = expression_process("live", "--source", "demo", "--display", "none")
    while not re.match(CLOCK, process.stdout.readline()):
        pass
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=20) == 0, err
    assert err == ""


def test_other_errors_of_the_console_are_not_hidden(monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(28, os.strerror(28))

        def flush(self):
            """There is nothing to flush."""

    monkeypatch.setattr(sys, "stdout", Full())
    console = Console()
    console.send(reading())
    with pytest.raises(OSError, match="No space"):
        console.close()
    assert not console.finished
