"""The loop that feeds a display, and the choice of one."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from parts import PATIENCE

from expression import displays as module
from expression.displays import make_display
from expression.displays._base import Display, NoDisplay
from expression.displays.widget import in_words
from expression.errors import BadInputError, DisplayError
from expression.labels import NOT_SURE
from expression.live import display_loop
from expression.live.data import Data
from expression.live.display_loop import DisplayLoop
from expression.types import Box, Face, Frame, HeatMap, Reading, Seen


class Recorder(Display):
    """Keeps what is shown, and can be closed by the test as by a user."""

    name = "recorder"

    def __init__(self):
        self.pictures: list[tuple[np.ndarray, str]] = []
        self.changed = threading.Condition()
        self.opened = self.closed = 0
        self.opened_in = ""
        self.user_closes = False
        self.raises: Exception | None = None

    def open(self) -> None:
        self.opened += 1
        self.opened_in = threading.current_thread().name

    def show(self, image: np.ndarray, readings=None, status: str = "") -> bool:
        if self.raises and self.pictures:
            raise self.raises
        with self.changed:
            self.pictures.append((image, in_words(readings, status)))
            self.changed.notify_all()
        return self.is_open()

    def is_open(self) -> bool:
        return not self.user_closes

    def close(self) -> None:
        self.closed += 1

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.pictures) >= count, 5), "nothing was shown"


class Run:
    """A loop in a thread, with frames and readings given by the test."""

    def __init__(self, display: Display | None = None, **options):
        self.data, self.display = Data(), display or Recorder()
        self.loop = DisplayLoop(self.data, self.display, **options)
        self.drawn: list[list[Reading]] = []

    def frame(self, time: float = 100.0, shade: int = 50) -> Frame:
        return Frame(np.full((240, 320, 3), shade, np.uint8), time=time)

    def publish(self, frame: Frame, *readings: Reading) -> None:
        """Publishes readings, then the frame, so that one picture shows both."""
        with self.data.changed:
            self.data.readings.publish(Seen(frame, readings))
            self.data.frame.publish(frame)

    def shown(self) -> str:
        """The text of the newest picture, without the numbers in brackets."""
        return self.display.pictures[-1][1].split(" (")[0]

    def end(self) -> None:
        """Ends the source, as the loops before this one do, and waits for the loop."""
        self.data.frame.close()
        self.data.readings.close()
        self.join()

    def join(self) -> None:
        self.loop.join(PATIENCE)
        assert not self.loop.is_alive()

    def __enter__(self) -> Run:
        self.loop.start()
        return self

    def __exit__(self, *_) -> None:
        self.data.done = True
        self.join()


def reading(person: int = 1, time: float = 100.0, x: int = 40, label: str = "Happy") -> Reading:
    return Reading(person, Box(x, 60, 80, 90), label, 0.7, {"Happy": 0.7, "Sad": 0.3}, time=time)


def step(run: Run, frame: Frame, *readings: Reading) -> str:
    """Publishes a frame with its readings and returns the words that were shown."""
    count = len(run.display.pictures)
    run.publish(frame, *readings)
    run.display.wait_for(count + 1)
    return run.shown()


def test_a_picture_to_wait_with_is_shown_before_the_first_frame():
    with Run() as run:
        run.display.wait_for(1)
    assert run.display.pictures[0][0].shape == (480, 640, 3)
    assert run.loop.frames == 0
    assert run.loop.fps == 0


def test_a_frame_is_shown_with_the_newest_reading():
    with Run() as run:
        run.display.wait_for(1)
        assert step(run, run.frame(), reading()) == "Happy 70%"
        assert run.loop.frames == 1


def test_a_display_is_opened_in_the_calling_thread_once_and_closed_once():
    with Run() as run:
        run.display.wait_for(1)
    assert (run.display.opened, run.display.closed) == (1, 1)
    assert run.display.opened_in == threading.current_thread().name


def test_what_the_capture_waits_for_is_shown_before_the_first_frame():
    with Run() as run:
        run.display.wait_for(1)
        run.data.waiting = "Waiting for the first picture: 4 s"
        run.display.wait_for(2)
    assert run.display.pictures[1][1] == "Waiting for the first picture: 4 s"
    assert not np.array_equal(run.display.pictures[0][0], run.display.pictures[1][0])


def test_what_the_capture_waits_for_is_shown_on_the_last_frame_until_a_picture_comes():
    with Run() as run:
        run.display.wait_for(1)
        step(run, run.frame())
        for number, waiting in enumerate(("Waiting for the camera: 2 s", "Waiting for the camera: 3 s")):
            run.data.waiting = waiting
            run.display.wait_for(3 + number)
            assert run.display.pictures[-1][1] == f"no face ({waiting})"
        assert run.loop.frames == 1
        run.data.waiting = ""
        step(run, run.frame())
    assert "Waiting" not in run.display.pictures[-1][1]


def test_a_reading_that_comes_after_a_still_picture_is_drawn_too():
    with Run() as run:
        run.display.wait_for(1)
        frame = run.frame()
        run.data.frame.publish(frame)
        run.display.wait_for(2)
        assert run.shown() == "no face"
        run.data.readings.publish(Seen(frame, (reading(),)))
        run.display.wait_for(3)
    assert run.shown() == "Happy 70%"
    assert run.loop.frames == 1


@pytest.mark.parametrize(
    ("age", "words"),
    [(0.0, "Happy 70%"), (0.6, "Happy 70%"), (0.8, "no face")],
    ids=["new", "older", "stale"],
)
def test_a_reading_is_drawn_until_it_is_stale(age, words):
    with Run(stale=0.7) as run:
        run.display.wait_for(1)
        step(run, run.frame(100.0), reading())
        count = len(run.display.pictures)
        run.data.frame.publish(run.frame(100.0 + age))
        run.display.wait_for(count + 1)
        assert run.shown() == words


@pytest.mark.parametrize(("later", "words"), [(0.2, "Happy 70%"), (0.4, "no face")], ids=["held", "gone"])
def test_a_face_that_is_missed_stays_for_a_moment_only(later, words):
    with Run() as run:
        run.display.wait_for(1)
        step(run, run.frame(100.0), reading())
        assert step(run, run.frame(100.0 + later)) == words


def test_who_was_in_one_photo_is_not_drawn_over_the_next():
    with Run() as run:
        run.display.wait_for(1)
        first, second = run.frame(100.0), replace(run.frame(100.1), scene=1)
        assert step(run, first, reading()) == "Happy 70%"
        count = len(run.display.pictures)
        run.data.frame.publish(second)
        run.display.wait_for(count + 1)
        assert run.shown() == "no face"
        run.data.readings.publish(Seen(first, (reading(),)))  # late
        run.display.wait_for(count + 2)
        assert run.shown() == "no face"
        run.data.readings.publish(Seen(second, (reading(2, 100.1, label="Sad"),)))
        run.display.wait_for(count + 3)
        assert run.shown() == "Sad 70%"


def test_a_missed_face_makes_room_for_another_at_its_place():
    with Run() as run:
        run.display.wait_for(1)
        step(run, run.frame(100.0), reading(1, x=40), reading(2, x=200))
        words = step(run, run.frame(100.1), reading(3, time=100.1, x=50, label="Sad"))
    assert words == "person 2: Happy 70%, person 3: Sad 70%"


def test_boxes_are_where_the_faces_were_found_last(monkeypatch):
    drawn = []
    monkeypatch.setattr(display_loop, "draw", lambda image, readings, *_: drawn.append(readings) or image)
    with Run() as run:
        run.display.wait_for(1)
        run.data.faces.publish(Seen(run.frame(), (Face(Box(70, 61, 80, 90), 1.0, 1), Face(Box(0, 0, 9, 9)))))
        step(run, run.frame(), reading(1, x=40), reading(2, x=200))
    assert {each.person: each.box.x for each in drawn[-1]} == {1: 70, 2: 200}


def test_a_mirrored_display_mirrors_the_picture_and_the_boxes_but_no_text(monkeypatch):
    drawn = []
    monkeypatch.setattr(display_loop, "draw", lambda *drawing: drawn.append(drawing[:2]) or drawing[0])
    with Run(mirror=True) as run:
        run.display.wait_for(1)
        frame = run.frame()
        frame.image[:, :10] = 255
        step(run, frame, reading(x=40))
    image, readings = drawn[-1]
    assert image[:, -10:].min() == 255
    assert image[:, :-10].max() == 50
    assert readings[0].box == Box(200, 60, 80, 90)


def test_the_frame_of_the_source_is_left_as_it_was():
    with Run() as run:
        run.display.wait_for(1)
        frame = run.frame()
        step(run, frame, reading())
        assert (frame.image == 50).all()


def test_closing_the_display_ends_the_run_even_when_no_frame_comes():
    with Run() as run:
        run.display.wait_for(1)
        run.display.user_closes = True
        assert run.data.wait_done(5)


def test_the_last_reading_is_shown_before_the_end_of_the_source_ends_the_run():
    with Run() as run:
        run.display.wait_for(1)
        frame = run.frame()
        run.data.frame.publish(frame)
        run.data.frame.close()
        run.display.wait_for(2)
        assert not run.data.wait_done(0.1), "the readings are still to come"
        run.data.readings.publish(Seen(frame, (reading(label="Sad"),)))
        run.data.readings.close()
        run.join()
    assert run.data.done
    assert run.shown() == "Sad 70%"


def test_a_display_that_fails_ends_the_run_and_is_closed():
    run = Run()
    run.display.raises = ValueError("broken")
    with run:
        run.display.wait_for(1)
        run.data.frame.publish(run.frame())
        assert run.data.wait_done(5)
    assert run.data.error[0] == "display"
    assert str(run.data.error[1]) == "broken"
    assert run.display.closed == 1


def test_a_display_that_cannot_open_ends_the_run():
    class Broken(Recorder):
        def open(self):
            raise DisplayError("It is broken.", "Expected it whole.", "Mend it.")

    with Run(Broken()) as run:
        assert run.data.wait_done(5)
    assert str(run.data.error[1]) == "It is broken. Expected it whole. Mend it."


def test_frames_a_second_are_counted_between_the_first_frame_and_the_last():
    with Run() as run:
        run.display.wait_for(1)
        for number in range(4):
            step(run, run.frame(100 + number))
            run.data.wait_done(0.02)
    assert run.loop.frames == 4
    assert 0 < run.loop.fps < 51


def test_the_loop_runs_in_the_calling_thread_too():
    data, display = Data(), Recorder()
    data.frame.publish(Frame(np.zeros((240, 320, 3), np.uint8)))
    data.frame.close()
    data.readings.close()
    loop = DisplayLoop(data, display)
    loop.run()
    assert data.done
    assert loop.frames == 1
    assert (display.opened, display.closed) == (1, 1)


def test_ctrl_c_in_the_calling_thread_comes_out_and_is_no_error():
    data, display = Data(), Recorder()
    display.raises = KeyboardInterrupt()
    data.frame.publish(Frame(np.zeros((240, 320, 3), np.uint8)))
    with pytest.raises(KeyboardInterrupt):
        DisplayLoop(data, display).run()
    assert data.done
    assert data.error is None
    assert display.closed == 1


def test_no_display_shows_nothing_and_ends_with_the_readings():
    with Run(NoDisplay()) as run:
        run.publish(run.frame(), reading())
        run.data.frame.close()
        assert not run.data.wait_done(0.1), "the readings are still to come"
        run.data.readings.close()
        run.join()
    assert run.data.done
    assert run.loop.frames == 0
    assert run.loop.fps == 0


def test_small_pictures_go_into_the_corner_in_a_size_that_suits_the_frame():
    asked = []

    def inset(width, height):
        asked.append((width, height))
        return np.full((height, width, 3), (255, 0, 0), np.uint8)

    with Run(insets=[inset, lambda *_: None]) as run:
        run.publish(run.frame())
        run.display.wait_for(2)
        run.end()
    assert set(asked) == {(66, 88)}
    picture = run.display.pictures[-1][0]
    assert tuple(picture[180, 280]) == (255, 0, 0)
    assert tuple(picture[180, 200]) == tuple(picture[100, 280]) == (50, 50, 50)


def heated(run: Run, heat: HeatMap, shown: Reading) -> np.ndarray:
    """Returns how far from grey each pixel is, once a reading is drawn with a heat map, without texts."""
    run.display.wait_for(1)
    run.data.control.heat_map = True
    run.data.heat.publish(heat)
    assert step(run, run.frame(), shown).endswith("%")
    return np.ptp(run.display.pictures[-1][0][60:150, 40:280].astype(int), axis=2)


LEFT_EYE = HeatMap(1, "Happy", np.pad(np.full((1, 1), 0.5, np.float32), ((1, 4), (1, 4))), time=100.0)
"""A label that depends on one patch, the second in the second row."""


@pytest.mark.parametrize(("mirror", "column"), [(False, 1), (True, 4)])
def test_a_heat_map_is_drawn_over_its_face_and_mirrored_with_it(monkeypatch, mirror, column):
    monkeypatch.setattr(display_loop, "draw", lambda image, *_: image)
    with Run(mirror=mirror) as run:
        colours = heated(run, LEFT_EYE, reading(x=120))
    y, x = np.unravel_index(colours.argmax(), colours.shape)
    assert (y // 15, (x - 75) // 15) == (1, column)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(reading(2), id="another person"),
        pytest.param(reading(label="Sad"), id="another label"),
        pytest.param(reading(time=101.0), id="an old map"),
    ],
)
def test_a_heat_map_is_never_drawn_over_what_it_is_not_of(monkeypatch, shown):
    monkeypatch.setattr(display_loop, "draw", lambda image, *_: image)
    with Run() as run:
        assert heated(run, LEFT_EYE, shown).max() == 0


def test_the_heat_map_has_a_legend_in_the_corner_and_the_status_says_so():
    with Run() as run:
        heated(run, LEFT_EYE, reading(x=120))
        picture, words = run.display.pictures[-1]
        run.data.control.heat_map = False
        step(run, run.frame(), reading(x=115))
    assert words.endswith("heat map)")
    without = run.display.pictures[-1][0]
    assert "heat map" not in run.display.pictures[-1][1]
    assert not np.array_equal(picture[190:, 200:], without[190:, 200:])


def test_no_display_draws_nothing(monkeypatch):
    monkeypatch.setattr(display_loop, "draw", lambda *_: pytest.fail("it drew"))
    with Run(NoDisplay()) as run:
        run.publish(run.frame(), reading())
        run.end()
    assert run.data.error is None


def test_a_reading_that_is_not_sure_is_told_without_a_figure():
    with Run() as run:
        run.display.wait_for(1)
        assert step(run, run.frame(), reading(label=NOT_SURE)) == "not sure"


@pytest.mark.parametrize("name", ["none", "widget"])
def test_a_display_is_made_by_its_name(monkeypatch, name):
    monkeypatch.setattr(module, "in_notebook", lambda: True)
    display = make_display(name)
    assert display.name == name
    assert display.needs_main_thread is False


def test_a_widget_outside_a_notebook_is_refused():
    with pytest.raises(DisplayError) as error:
        make_display("widget")
    assert str(error.value) == (
        "A widget cannot be shown: this is not a notebook. "
        "Expected a notebook cell in Jupyter. Choose the display window or none."
    )


def test_an_unknown_display_is_refused():
    with pytest.raises(BadInputError) as error:
        make_display("cinema")
    assert str(error.value) == (
        "There is no display 'cinema'. Expected one of auto, window, widget, web, none. Choose one of these."
    )
    with pytest.raises(BadInputError, match=r"'widgit'.* Did you mean widget\?"):
        make_display("widgit")


@pytest.mark.parametrize(
    ("notebook", "there", "name"),
    [(True, True, "widget"), (False, True, "window"), (False, False, "none")],
    ids=["notebook", "desktop", "server"],
)
def test_auto_takes_what_works_here(monkeypatch, notebook, there, name):
    monkeypatch.setattr(module, "in_notebook", lambda: notebook)
    monkeypatch.setattr(module, "screen_is_there", lambda: (there, "so"))
    monkeypatch.setattr(module, "check_screen", lambda: None)
    assert make_display("auto").name == name


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this system always has a screen")
def test_a_window_without_a_screen_is_refused_in_three_sentences(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(DisplayError) as error:
        make_display("window")
    assert str(error.value) == (
        "A window cannot be shown: neither DISPLAY nor WAYLAND_DISPLAY is set. "
        "Expected a screen that OpenCV can open a window on. "
        "Run it on the desktop, or choose the display none."
    )
    assert make_display("auto").name == "none"
