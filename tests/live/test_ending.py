"""The end of a run: threads that hang are named, and Ctrl-C prints what is still to be done."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import pytest
from parts import PATIENCE, Pictures, wait_for

from expression.cli.app import main
from expression.errors import BadInputError, RunError
from expression.live import ending, stats
from expression.live.data import Data
from expression.live.session import Session
from expression.live.signals import interrupting_signals
from expression.live.stats import StatisticsFile, StatisticsLoop
from expression.live.worker import Worker
from expression.sinks._base import Sink
from expression.sinks.console import Console
from expression.sources.demo import Demo


class Hanging(Sink):
    """Does not close before it is let go."""

    later = "expression lights restore"

    def __init__(self, words=""):
        self.words = words
        self.closing, self.asked, self.release = (threading.Event() for _ in range(3))

    @property
    def unfinished(self):
        self.asked.set()
        return self.words

    def send(self, reading):
        pass

    def close(self):
        self.closing.set()
        self.release.wait(PATIENCE)


def press(sink: Hanging, times: int) -> threading.Thread:
    """Presses Ctrl-C while a sink closes."""

    def act():
        sink.closing.wait(PATIENCE)
        wait_for(lambda: signal.getsignal(signal.SIGINT) is not signal.default_int_handler)
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
            sink.asked.wait(PATIENCE)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def run_with(sink: Hanging) -> Session:
    return Session(Pictures(3), display="none", detector="whole", sinks=(sink,))


def finish(run: Session, sink: Hanging) -> None:
    sink.release.set()
    for worker in run._workers:
        worker.join(PATIENCE)


def test_ctrl_c_while_a_sink_closes_says_what_it_still_does_and_waits(capsys):
    sink = Hanging("7 lights have yet to be restored (Sofa)")
    run = run_with(sink)
    pressed = press(sink, 1)
    let_go = threading.Thread(target=lambda: (pressed.join(), sink.release.set()))
    let_go.start()
    run.run()
    let_go.join()
    said = "Shutting down: 7 lights have yet to be restored (Sofa). Press Ctrl-C again to quit now.\n"
    assert capsys.readouterr().out == said
    assert run.statistics()["threads_left"] == 0
    assert run.error is None


def test_who_presses_ctrl_c_again_hears_what_is_left_and_what_does_it_later(capsys):
    sink = Hanging("7 lights have yet to be restored (Sofa)")
    run = run_with(sink)
    pressed = press(sink, 2)
    with pytest.raises(RunError) as error:
        run.run()
    pressed.join()
    assert str(error.value) == (
        "The thread Hanging did not end before Ctrl-C was pressed again. 7 lights have yet to be restored "
        "(Sofa). Expected it to end with the run. Run: expression lights restore"
    )
    assert (run.statistics()["threads_left"], run.error[0]) == (1, "Hanging")
    finish(run, sink)


def test_a_sink_without_words_of_its_own_is_named(capsys):
    sink = Hanging()
    run = run_with(sink)
    pressed = press(sink, 2)
    with pytest.raises(
        RunError, match=r"^The thread Hanging did not end before .* Check the device or service"
    ):
        run.run()
    pressed.join()
    assert "Shutting down: waiting for Hanging. Press" in capsys.readouterr().out
    finish(run, sink)


def test_several_threads_that_hang_are_all_named(monkeypatch):
    monkeypatch.setattr(ending, "JOIN_SECONDS", 0.1)
    release, workers = threading.Event(), []
    for name in ("one", "two"):
        worker = Worker(Data(), name)
        worker.step = lambda worker=worker: (release.wait(PATIENCE), worker.finish())
        worker.start()
        workers.append(worker)
    end = ending.Ending(workers)
    end.wait()
    assert str(end.error).startswith("The threads one, two did not end within 0.1 s. Expected them to end ")
    release.set()
    for worker in workers:
        worker.join(PATIENCE)


def test_a_thread_that_ends_just_as_it_is_looked_at_is_no_failure():
    answers = iter([True])
    worker = Worker(Data(), "quick")
    worker.start()
    worker.data.done = True
    worker.join(PATIENCE)
    worker.is_alive = lambda: next(answers, False)
    end = ending.Ending([worker])
    end.wait()
    assert (end.left, end.error) == ([], None)


@pytest.mark.slow
def test_a_thread_that_hangs_ends_the_command_with_code_1(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ending, "JOIN_SECONDS", 8.0)  # in which the other threads end, however busy
    release, path = threading.Event(), tmp_path / "s.json"
    monkeypatch.setattr(Console, "close", lambda self: release.wait(PATIENCE))
    words = ["--source", "demo", "--display", "none", "--duration", "0.5", "--sink", "console"]
    assert main(["live", *words, "--stats", str(path)]) == 1
    release.set()
    assert capsys.readouterr().err.startswith("The thread console did not end within 8.")
    written = json.loads(path.read_text("utf-8"))
    assert written["threads_left"] == 1
    assert written["error"].startswith("console: The thread console did not end within 8.")
    for thread in threading.enumerate():
        if thread.name == "console":
            thread.join(PATIENCE)


BUSY = """
import sys
import cv2, numpy
from expression.live import ending
from expression.cli.app import program
from expression.sources.demo import Demo

def open_slowly(self):
    while True:
        cv2.GaussianBlur(numpy.zeros((400, 400), numpy.uint8), (0, 0), 5)

ending.JOIN_SECONDS, Demo.open = 0.5, open_slowly
sys.argv[1:] = ["live", "--source", "demo", "--display", "none", "--sink", "csvfile:missing/a.csv"]
program()
"""
"""A run that fails while its source is busy opening, in C++ code without the lock of Python."""


@pytest.mark.slow
def test_a_run_that_fails_while_its_source_is_busy_opening_ends_with_its_own_code(tmp_path):
    done = subprocess.run([sys.executable, "-c", BUSY], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    first, second = done.stderr.splitlines()
    assert first.startswith("The thread capture did not end within 0.5 s. ")
    assert second.startswith("The readings cannot be written to missing/a.csv (No such file or directory). ")


def test_the_demo_is_not_opened_to_its_end_once_the_run_is_over():
    demo = Demo()
    demo.stopped = lambda: True
    demo.open()
    assert demo._people == {}


def test_the_statistics_of_a_run_that_goes_on_are_whole_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(stats, "WRITE_SECONDS", 0.01)
    data, file, counts = Data(), StatisticsFile(str(tmp_path / "s.json")), iter(range(1000))
    file.check()
    done = threading.Event()

    def collect():
        count = next(counts)
        done.set() if count == 3 else None
        return {"frames_read": count, "error": None}

    loop = StatisticsLoop(data, file, collect)
    loop.start()
    assert done.wait(PATIENCE)
    data.done = True
    loop.join(PATIENCE)
    written = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert written["frames_read"] >= 2
    assert written["error"] == "the run has not ended, or was cut off"
    file.write({"frames_read": 9, "error": None})
    assert json.loads((tmp_path / "s.json").read_text("utf-8")) == {"frames_read": 9, "error": None}
    file.let_go()
    assert [each.name for each in tmp_path.iterdir()] == ["s.json"]


def test_two_runs_do_not_write_their_statistics_into_one_file(tmp_path):
    path = str(tmp_path / "s.json")
    with Session(Pictures(), display="none", detector="whole", stats=path) as first:
        second = Session(Pictures(3), display="none", detector="whole", stats=path)
        said = r"s\.json is being written by another .* Stop it, or choose another file for --stats\.$"
        with pytest.raises(BadInputError, match=said):
            second.run()
        assert json.loads((tmp_path / "s.json").read_text("utf-8"))["error"] == stats.CUT_OFF
    assert first.error is None
    Session(Pictures(3), display="none", detector="whole", stats=path).run()
    assert [each.name for each in tmp_path.iterdir()] == ["s.json"]


def test_rows_and_statistics_do_not_go_into_one_file(tmp_path):
    path = str(tmp_path / "s.json")
    sinks = (f"csvfile:{path}",)
    with pytest.raises(BadInputError, match="or by another part of this one"):
        Session(Pictures(), display="none", detector="whole", sinks=sinks, stats=path).run()
    assert json.loads((tmp_path / "s.json").read_text("utf-8"))["error"].startswith("csvfile: ")


def test_ctrl_c_does_not_break_off_the_statistics_at_the_end(tmp_path, monkeypatch, capsys):
    path, write = tmp_path / "s.json", StatisticsFile.write

    def interrupted(self, counts):
        if counts["error"] is None and threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGINT)
        write(self, counts)

    monkeypatch.setattr(StatisticsFile, "write", interrupted)
    with (
        interrupting_signals(),
        Session(Pictures(3), display="none", detector="whole", stats=str(path)) as run,
    ):
        run.run()
    assert "Shutting down: " in capsys.readouterr().out
    assert json.loads(path.read_text("utf-8"))["error"] is None


def test_statistics_go_to_a_device_at_the_end_only_and_a_link_stays_a_link(tmp_path):
    device = StatisticsFile("/dev/null")
    device.check()
    device.write_meanwhile({"frames_read": 1})
    device.write({"frames_read": 1})
    (tmp_path / "real.json").write_text('{"frames_read": 0}', "utf-8")
    link = tmp_path / "link.json"
    link.symlink_to("real.json")
    file = StatisticsFile(str(link))
    file.check()
    file.write({"frames_read": 5})
    assert link.is_symlink()
    assert json.loads((tmp_path / "real.json").read_text("utf-8")) == {"frames_read": 5}
