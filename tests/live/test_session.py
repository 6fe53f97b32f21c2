"""A session: every way it ends, and that nothing is left behind."""

from __future__ import annotations

import _thread
import gc
import json
import shutil
import threading
import time

import pytest
from parts import PATIENCE, Pictures

from expression import displays
from expression.errors import BadInputError, OutputError, RunError, SourceLostError
from expression.live import display_loop, ending, session
from expression.live.capture import CaptureLoop
from expression.live.detection import FaceLoop
from expression.live.prediction import PredictLoop
from expression.live.session import Session
from expression.live.stats import MEANINGS
from expression.settings import Settings
from expression.sinks._base import Sink
from expression.types import Frame

KEYS = {
    "frames_read",
    "frames_shown",
    "frames_with_faces",
    "faces_skipped_frames",
    "frames_unreadable",
    "predictions",
    "seconds",
    "display_fps",
    "predictions_per_second",
    "first_reading_seconds",
    "reading_age_ms",
    "labels",
    "threads_left",
    "stop_seconds",
    "error",
}


def quiet(source, **arguments) -> Session:
    return Session(source, display="none", detector="whole", **arguments)


class Keep(Sink):
    def __init__(self):
        self.readings, self.closed = [], False

    def send(self, reading):
        self.readings.append(reading)

    def close(self):
        self.closed = True


def test_a_session_ends_with_its_source_and_counts_every_frame():
    source = Pictures(30)
    run = quiet(source)
    run.run()
    statistics = run.statistics()
    assert list(statistics) == list(MEANINGS), "the reference explains each"
    assert set(statistics) == KEYS
    assert statistics["frames_read"] == 30
    assert statistics["frames_with_faces"] + statistics["faces_skipped_frames"] == 30
    assert statistics["predictions"] == sum(statistics["labels"].values()) > 0
    assert statistics["threads_left"] == 0
    assert statistics["error"] is None
    assert source.opened == source.closed == 1


def test_what_a_source_could_not_read_is_counted():
    source = Pictures(3)
    source.skipped = ("one", "two")
    run = quiet(source)
    run.run()
    assert run.statistics()["frames_unreadable"] == 2


def test_the_last_frame_is_read_and_reaches_the_sink():
    keep = Keep()
    quiet(Pictures(20), sinks=(keep,)).run()
    assert keep.readings[-1].frame == 19
    assert keep.closed


def test_readings_come_as_they_are_made_and_end_with_the_run():
    with quiet(Pictures(20)) as run:
        frames = [reading.frame for reading in run.readings()]
    assert frames == sorted(set(frames))
    assert frames[-1] == 19


def test_leaving_the_with_block_stops_everything():
    source = Pictures()
    with quiet(source) as run:
        assert source.read_once.wait(PATIENCE)
    assert run.data.done
    assert source.closed == 1
    assert run.statistics()["threads_left"] == 0


@pytest.mark.parametrize("mirror", [True, False])
def test_a_source_knows_whether_it_is_shown_like_a_mirror(mirror):
    source = Pictures(3)
    source.mirror = True
    Session(source, display="none", mirror=mirror).run()
    assert source.mirror is mirror


def test_a_duration_ends_the_run():
    run = quiet(Pictures(), duration=0.2)
    run.run()
    assert run.statistics()["seconds"] >= 0.2


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(CaptureLoop, "capture", id="capture"),
        pytest.param(FaceLoop, "faces", id="faces"),
        pytest.param(PredictLoop, "prediction", id="prediction"),
        pytest.param(display_loop.DisplayLoop, "display", id="display"),
    ],
)
@pytest.mark.parametrize("method", ["setup", "step", "teardown"])
def test_an_exception_in_a_thread_ends_the_run_and_is_raised_again(monkeypatch, kind, name, method):
    original = getattr(kind, method)

    def broken(worker):
        if method == "teardown":
            original(worker)
        raise ZeroDivisionError(f"{name} broke")

    monkeypatch.setattr(kind, method, broken)
    source = Pictures(5 if method == "teardown" else None)
    run = quiet(source)
    with pytest.raises(ZeroDivisionError, match=f"{name} broke"):
        run.run()
    assert run.error[0] == name
    assert run.statistics()["error"] == f"{name}: {name} broke"
    assert run.statistics()["threads_left"] == 0
    assert source.closed == 1


def test_a_source_that_dies_half_way_says_so():
    source = Pictures(5, raises=SourceLostError("The camera is gone.", "Expected it there.", "Plug it in."))
    run = quiet(source)
    with pytest.raises(SourceLostError, match=r"The camera is gone\."):
        run.run()
    assert source.closed == 1
    assert run.statistics()["frames_read"] == 5


class MainThreadDisplay(displays.Display):
    """Needs the main thread, as a window does, and shows nothing."""

    needs_main_thread = True


@pytest.mark.parametrize("shown", [displays.NoDisplay, MainThreadDisplay])
def test_ctrl_c_in_the_main_thread_stops_and_is_raised(monkeypatch, shown):
    monkeypatch.setattr(session, "make_display", lambda name, **_: shown())
    source = Pictures()
    run = quiet(source)
    run.start()
    assert source.read_once.wait(PATIENCE)
    press = threading.Timer(0.1, _thread.interrupt_main)
    press.start()
    with pytest.raises(KeyboardInterrupt):
        run.run()
    press.join()
    assert source.closed == 1
    assert run.error is None
    assert run.statistics()["threads_left"] == 0


GONE = SourceLostError("The camera is gone.", "Expected it there.", "Plug it in.")


def test_who_reads_the_readings_hears_of_a_failure():
    with pytest.raises(SourceLostError, match="The camera is gone"), quiet(Pictures(0, raises=GONE)) as run:
        list(run.readings())


class Slow(Keep):
    """Takes its time over the first reading."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.busy, self.wakes = seconds, threading.Event(), threading.Event()

    def send(self, reading):
        self.busy.set()
        self.wakes.wait(self.seconds)


@pytest.mark.slow
def test_ctrl_c_while_stopping_does_not_hide_the_failure():
    slow = Slow(1.0)

    class Unplugged(Pictures):
        def read(self):
            if slow.busy.is_set():
                raise GONE
            return super().read()

    run = quiet(Unplugged(), sinks=(slow,))
    press = threading.Thread(
        target=lambda: slow.busy.wait(PATIENCE) and time.sleep(0.3) is None and _thread.interrupt_main()
    )
    press.start()
    with pytest.raises(SourceLostError, match="The camera is gone"):
        run.run()
    press.join()
    assert run.statistics()["threads_left"] == 0


def test_a_start_that_breaks_half_way_leaves_no_thread(monkeypatch):
    monkeypatch.setattr(CaptureLoop, "start", lambda self: _thread.interrupt_main() or time.sleep(1))
    run = quiet(Pictures())
    with pytest.raises(KeyboardInterrupt), run:
        pass
    assert run.data.done
    run.stop()
    assert run.statistics()["threads_left"] == 0


def test_a_thread_that_does_not_end_is_named_and_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(ending, "JOIN_SECONDS", 0.1)
    slow, path = Slow(PATIENCE), tmp_path / "s.json"
    said = r"The thread Slow did not end within 0\.\d s\. Expected it to end with the run\. Check the device"
    with pytest.raises(RunError, match=said), quiet(Pictures(), sinks=(slow,), stats=str(path)) as run:
        assert slow.busy.wait(PATIENCE)
    written = json.loads(path.read_text("utf-8"))
    assert run.statistics()["threads_left"] == written["threads_left"] == 1
    assert written["error"].startswith("Slow: The thread Slow did not end")
    slow.wakes.set()
    for worker in run._workers:
        worker.join(PATIENCE)


def test_a_thread_that_does_not_end_does_not_hide_what_ended_the_run(monkeypatch, caplog):
    monkeypatch.setattr(ending, "JOIN_SECONDS", 0.1)
    slow = Slow(PATIENCE)
    with pytest.raises(KeyError, match="mine"), quiet(Pictures(), sinks=(slow,)) as run:
        assert slow.busy.wait(PATIENCE)
        raise KeyError("mine")
    assert "The thread Slow did not end" in caplog.text
    slow.wakes.set()
    for worker in run._workers:
        worker.join(PATIENCE)


class Leisurely(Keep):
    """Needs longer than the usual to close, and may notice that it is of no use."""

    def __init__(self, asks):
        super().__init__()
        self.asks, self.closing, self.may_close = asks, threading.Event(), threading.Event()

    @property
    def close_seconds(self):
        self.closing.set()
        return self.asks if not self.may_close.is_set() else 0.0

    def close(self):
        self.closing.wait(PATIENCE)
        self.may_close.wait(self.asks)
        super().close()


@pytest.mark.slow
def test_a_sink_that_asks_for_longer_is_waited_for(monkeypatch):
    monkeypatch.setattr(ending, "JOIN_SECONDS", 0.1)
    sink = Leisurely(1.0)
    quiet(Pictures(5), sinks=(sink,)).run()
    assert sink.closed


def test_a_sink_that_asks_for_longer_is_waited_for_no_longer_than_it_needs(monkeypatch):
    monkeypatch.setattr(ending, "JOIN_SECONDS", 2.0)
    sink = Leisurely(60.0)
    release = threading.Thread(target=lambda: sink.closing.wait(PATIENCE) and sink.may_close.set())
    release.start()
    run = quiet(Pictures(5), sinks=(sink,))
    run.run()
    release.join()
    assert sink.closed
    assert run.statistics()["stop_seconds"] < 60


def test_a_session_started_in_a_cell_stops_itself_and_tells_its_failure(caplog, tmp_path):
    path = tmp_path / "s.json"
    run = quiet(Pictures(3, raises=GONE), stats=str(path))
    run.start()
    for thread in threading.enumerate():
        if thread.name == "end":
            thread.join(PATIENCE)
    assert "The capture thread failed. The camera is gone." in caplog.text
    assert json.loads(path.read_text())["threads_left"] == 0


def test_settings_and_single_settings_together_are_refused():
    with pytest.raises(BadInputError, match="was given settings and also detector"):
        Session("demo", settings=Settings(), detector="haar")


@pytest.mark.parametrize("use", [lambda run: next(run.readings()), lambda run: run.statistics()])
def test_a_session_that_was_not_started_says_so(use):
    with pytest.raises(BadInputError, match="has not been started"):
        use(quiet(Pictures()))


def test_statistics_that_cannot_be_written_at_the_end_are_told(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with (
        pytest.raises(OutputError, match="The statistics cannot be written"),
        quiet(Pictures(), stats=str(folder / "s.json")) as run,
    ):
        shutil.rmtree(folder)
    assert run.statistics()["threads_left"] == 0


@pytest.mark.parametrize("content", [b"my,own\nnotes,1\n", b"\xff\xd8\xff a photo", b'{"my": "json"}'])
def test_statistics_never_replace_anything_but_statistics(tmp_path, content):
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(OutputError, match="already exists and does not contain statistics"):
        quiet(Pictures(3), stats=str(path)).run()
    assert path.read_bytes() == content


def test_statistics_of_an_earlier_run_are_replaced(tmp_path):
    path = tmp_path / "s.json"
    for count in (3, 5):
        quiet(Pictures(count), stats=str(path)).run()
        assert json.loads(path.read_text())["frames_read"] == count


def test_a_sink_that_is_named_twice_is_refused(tmp_path):
    sinks = [f"csvfile:{tmp_path}/a.csv"] * 2
    with pytest.raises(BadInputError, match=r"csvfile:.*a\.csv is given twice"):
        quiet(Pictures(3), sinks=sinks).run()


def test_an_error_of_the_caller_is_not_hidden_by_statistics_that_cannot_be_written(tmp_path):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "s.json"
    with pytest.raises(KeyError, match="mine"), quiet(Pictures(), stats=str(path)):
        shutil.rmtree(path.parent)
        raise KeyError("mine")


def test_a_sink_may_stop_the_session():
    class Enough(Keep):
        def send(self, reading):
            run.stop()

    run = quiet(Pictures(), sinks=(Enough(),))
    run.run()
    assert run.statistics()["error"] is None


def test_a_part_that_cannot_be_had_starts_no_thread(tmp_path):
    before = threading.active_count()
    with pytest.raises(OutputError, match="The statistics cannot be written"):
        quiet(Pictures(), stats=str(tmp_path / "missing" / "s.json")).start()
    assert threading.active_count() == before


def test_statistics_are_written_also_after_a_failure(tmp_path):
    path = tmp_path / "s.json"
    error = SourceLostError("The camera is gone.", "Expected it there.", "Plug it in.")
    with pytest.raises(SourceLostError):
        quiet(Pictures(3, raises=error), stats=str(path)).run()
    assert json.loads(path.read_text())["error"].startswith("capture: The camera is gone.")


def test_in_a_notebook_a_new_session_stops_the_one_still_running(monkeypatch, capsys):
    monkeypatch.setattr(session, "in_notebook", lambda: True)
    first, second = Pictures(), Pictures(5)
    earlier = quiet(first)
    earlier.start()
    quiet(second).run()
    assert "still running" in capsys.readouterr().out
    assert first.closed == second.closed == 1
    assert earlier.statistics()["threads_left"] == 0


@pytest.mark.slow
def test_a_cell_that_is_run_again_stops_the_session_of_its_first_run(monkeypatch, capsys):
    monkeypatch.setattr(session, "in_notebook", lambda: True)
    first, second = Pictures(), Pictures(5)
    variable = quiet(first)
    variable.start()
    variable = quiet(second)
    gc.collect()
    variable.run()
    assert first.closed == second.closed == 1


def test_a_session_that_could_not_start_does_not_hinder_the_next(monkeypatch):
    monkeypatch.setattr(session, "in_notebook", lambda: True)
    with pytest.raises(BadInputError, match="no sink"):
        quiet(Pictures(), sinks=("nonsense",)).start()
    quiet(Pictures(3)).run()


def test_a_session_runs_once():
    run = quiet(Pictures(3))
    run.run()
    for again in (run.start, run.run):
        with pytest.raises(BadInputError, match="has already run"):
            again()


def test_stopping_twice_does_no_harm():
    run = quiet(Pictures())
    run.start()
    run.stop()
    seconds = run.statistics()["seconds"]
    run.stop()
    assert run.statistics()["seconds"] == seconds


@pytest.mark.slow
def test_nothing_grows_from_session_to_session():
    def objects() -> int:
        gc.collect()
        return sum(isinstance(thing, (Frame, threading.Thread)) for thing in gc.get_objects())

    quiet(Pictures(3)).run()
    before = objects()
    for _ in range(5):
        quiet(Pictures(3)).run()
    assert objects() <= before + 2
