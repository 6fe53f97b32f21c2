"""Two loops over the same parts: what a stutter does to each, and who worked when."""

from __future__ import annotations

import _thread
import math
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from parts import PATIENCE
from readings import Recorder

from expression.labels import Labels
from expression.live import sink_loop
from expression.models import Runtime
from expression.models.metadata import Card
from expression.pictures.image import encode_jpeg
from expression.sinks._base import Sink
from expression.sources.paced import PacedCamera, stamp_of
from expression.teaching.timeline import (
    COLOURS,
    Parts,
    Timeline,
    UnseenWindow,
    linear_loop,
    make_parts,
    threaded_loop,
)
from expression.types import Box, Face
from expression.vision.detectors import Detector

PICTURES = [encode_jpeg(np.full((120, 160, 3), grey, np.uint8)) for grey in (60, 120, 180)]
LOOPS = [pytest.param(linear_loop, id="linear"), pytest.param(threaded_loop, id="threaded")]


class Slow(Detector):
    """Finds one face, and lets the processor go while it looks for it, as OpenCV does."""

    name = "slow"

    def __init__(self, seconds: float = 0.0, breaks_after: int | None = None):
        super().__init__()
        self.seconds, self.left = seconds, breaks_after

    def detect(self, image: np.ndarray) -> list[Face]:
        if self.left == 0:
            raise ZeroDivisionError("the detector broke")
        self.left = None if self.left is None else self.left - 1
        time.sleep(self.seconds)
        return [Face(Box(20, 20, 60, 60))]


class Even(Runtime):
    """Scores both labels alike."""

    def __init__(self):
        super().__init__(Path("even"), Card(Labels(("Happy", "Sad"))))

    def scores(self, pictures: np.ndarray) -> np.ndarray:
        return np.full((len(pictures), 2), 0.5, np.float32)


class Lamp(Sink):
    min_interval = 0.6

    def __init__(self, seconds: float):
        self.seconds, self.sent = seconds, 0

    def send(self, reading) -> None:
        self.sent += 1
        time.sleep(self.seconds)


def parts(detector: Detector | None = None, *sinks: Sink, pace: float = 50.0) -> Parts:
    return Parts(PacedCamera(PICTURES, pace=pace), detector or Slow(), Even(), UnseenWindow(), sinks)


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_with_quick_parts_either_loop_shows_every_picture(loop):
    made = parts(pace=10.0)
    result = loop(made, seconds=2.0)
    assert 7 < result.shown < 12
    assert 6 < result.readings < 12
    assert result.age_p50 <= result.age_p95 < 1000


@pytest.mark.slow
def test_a_slow_detector_holds_up_one_loop_and_not_the_threads():
    linear, threaded = linear_loop(parts(Slow(0.3)), 2.0), threaded_loop(parts(Slow(0.3)), 2.0)
    assert linear.shown < 4
    assert threaded.shown > 2 * linear.shown
    assert linear.longest_gap >= 300
    assert max(linear.readings, threaded.readings) < 4, "a thread makes no detector quicker"
    assert min(linear.age_p50, threaded.age_p50) >= 300


@pytest.mark.slow
def test_a_sink_that_stutters_holds_up_one_loop_and_not_the_threads():
    linear, threaded = (loop(parts(None, Lamp(1.0)), 2.5) for loop in (linear_loop, threaded_loop))
    assert linear.longest_gap >= 1000 > threaded.longest_gap


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_a_sink_is_called_no_oftener_than_it_wants(loop):
    lamp = Lamp(0.0)
    loop(parts(None, lamp), 1.5)
    assert 1 <= lamp.sent <= 3 + 1, "every 0.6 s, and at the end"


class Two(Slow):
    """Finds two faces."""

    def detect(self, image: np.ndarray) -> list[Face]:
        return [Face(Box(5, 20, 50, 50)), Face(Box(100, 20, 50, 50))]


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_a_sink_is_opened_fed_person_by_person_and_closed(loop):
    sink = Recorder()
    sink.min_interval = 30.0
    loop(parts(Two(), sink), 0.6)
    assert (sink.calls[0], sink.calls[-1]) == ("open", "close")
    assert sorted(call[:2] for call in sink.calls[1:-1]) == ["1 ", "2 "]


def test_the_end_of_one_loop_waits_for_no_more_readings(monkeypatch):
    monkeypatch.setattr(sink_loop, "LAST_SECONDS", PATIENCE)
    began = time.monotonic()
    linear_loop(parts(None, Recorder(), Recorder()), 0.3)
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize("loop", LOOPS)
def test_a_sink_that_nobody_listens_to_ends_either_loop(loop):
    sink = Recorder()
    sink.finished = True
    began = time.monotonic()
    loop(parts(None, sink), 30.0)
    assert time.monotonic() - began < 30


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_ctrl_c_ends_either_loop(loop):
    sink = Recorder()
    press = threading.Thread(target=lambda: sink.called.wait(PATIENCE) and _thread.interrupt_main())
    press.start()
    with pytest.raises(KeyboardInterrupt):
        loop(parts(None, sink), 30.0)
    press.join()
    assert sink.calls[-1] == "close"


@pytest.mark.parametrize("loop", LOOPS)
def test_what_a_part_raises_comes_out_and_every_thread_is_joined(loop):
    before, made = threading.active_count(), parts(Slow(breaks_after=3))
    with pytest.raises(ZeroDivisionError, match="the detector broke"):
        loop(made, seconds=30.0)
    assert threading.active_count() == before


def test_a_camera_goes_on_while_nobody_reads():
    camera = PacedCamera(PICTURES, pace=100.0)
    camera.open()
    camera.read()
    time.sleep(0.1)  # the camera's clock is what is tested
    before = time.monotonic()
    late = camera.read()
    assert camera.missed >= 8
    assert stamp_of(late) == camera.number >= 10
    assert before - 1 / 100 <= camera.captured <= time.monotonic(), "the newest"


def test_a_camera_gives_no_picture_before_it_is_due():
    camera = PacedCamera(PICTURES, pace=50.0)
    camera.open()
    began = time.monotonic()
    numbers = [stamp_of(camera.read()) for _ in range(6)]
    assert numbers == sorted(set(numbers))
    assert time.monotonic() - began >= (numbers[-1] - numbers[0]) / 50 - 0.02


def test_a_window_counts_a_picture_that_is_drawn_anew_only_once():
    camera, window = PacedCamera(PICTURES, pace=200.0), UnseenWindow()
    camera.open()
    one, other = camera.read(), camera.read()
    for image in (np.zeros_like(one), one, one, other):
        assert window.show(image)
    assert window.shown == 2
    assert window.fps > 0


@pytest.mark.slow
def test_a_timeline_tells_one_loop_from_threads():
    one, several = Timeline(), Timeline()
    linear_loop(parts(None, Lamp(0.01)), 0.5, one)
    threaded_loop(parts(None, Lamp(0.01)), 0.5, several)
    assert {span.thread for span in one.spans} == {"MainThread"}
    assert {span.kind for span in one.spans} == {span.kind for span in several.spans} == set(COLOURS)
    assert len({(span.kind, span.thread) for span in several.spans}) == len(COLOURS)
    assert {span.thread for span in several.spans} >= {"capture", "faces", "prediction", "display"}


def test_a_timeline_notes_work_that_fails_and_lets_go_of_the_parts():
    timeline, made = Timeline(), parts(Slow(breaks_after=0))
    with pytest.raises(ZeroDivisionError), timeline.watch(made):
        made.detector.detect(np.zeros((9, 9, 3), np.uint8))
    assert [span.kind for span in timeline.spans] == ["find"]
    assert "detect" not in vars(made.detector)


def test_a_timeline_keeps_the_last_and_stays_bounded():
    timeline = Timeline(most=3)
    for kind in ("read", "find", "score", "show"):
        with timeline.note(kind):
            pass
    assert [span.kind for span in timeline.spans] == ["find", "score", "show"]
    assert set(timeline.busy()) == {"find", "score", "show"}


@pytest.mark.slow
def test_a_picture_has_a_row_a_thread():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    timeline = Timeline()
    threaded_loop(parts(), 0.5, timeline)
    axes = timeline.picture(start=0.1, seconds=0.3, title="threads")
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "capture",
        "faces",
        "prediction",
        "display",
    ]
    assert axes.get_xlim() == (0, 300)
    plt.close("all")


def test_a_picture_of_nothing_is_empty():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    assert not Timeline().picture().get_yticklabels()
    plt.close("all")


@pytest.mark.slow
def test_parts_are_ready_made_and_a_detector_of_your_own_is_taken():
    own = Slow()
    made = make_parts(own, sinks=[Lamp(0)])
    assert made.detector is own
    assert made.camera.read().shape == (480, 640, 3)
    assert [kind for kind, _, _ in made.work()] == list(COLOURS)
    assert make_parts("haar", 20).detector.longest >= 640


@pytest.mark.slow
def test_a_loop_that_read_nothing_has_no_age():
    result = threaded_loop(parts(Slow(1.0)), 0.1)
    assert (result.readings, math.isnan(result.age_p50), f"{result.age_p95:.0f}") == (0, True, "nan")
