"""Windows on a virtual screen: they show what is drawn, and every way to close them ends the run."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from parts import PATIENCE
from screen import Screen, virtual_screen

from expression.control import Control
from expression.displays.window import Window
from expression.errors import DisplayError

DRIVER = Path(__file__).parents[1] / "live_window.py"


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with virtual_screen() as screen:
        yield screen


class Live:
    """A run in a process of its own, with its window."""

    def __init__(self, screen: Screen, process: subprocess.Popen):
        self.process = process
        self.window = screen.window("A live test")

    def wait_for_frames(self, count: int, least: int = 0) -> None:
        """Waits until so many more frames were shown, and that many in all."""
        first = self._shown()
        while self._shown() < max(first + count, least):
            pass

    def report(self) -> dict:
        """Waits for the end and returns what the process reports."""
        rest, errors = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, errors
        return json.loads(rest.splitlines()[-1])

    def _shown(self) -> int:
        word, number = self.process.stdout.readline().split()
        assert word == "shown"
        return int(number)


def start(screen: Screen, mode: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(DRIVER), mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=screen.environment,
    )


@contextmanager
def live(screen: Screen, mode: str) -> Iterator[Live]:
    with start(screen, mode) as process:
        try:
            run = Live(screen, process)
            yield run
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Escape", "q", "shift+q"])
def test_a_key_closes_the_window_and_ends_the_run(screen, key):
    with live(screen, "moving") as run:
        run.wait_for_frames(5)
        screen.press(run.window, key)
        report = run.report()
    assert report["ended"] == "closed"
    assert report["done"] is True
    assert report["error"] is None
    assert report["frames"] > 5
    assert report["fps"] > 0


@pytest.mark.slow
def test_the_close_button_ends_the_run(screen):
    with live(screen, "moving") as run:
        run.wait_for_frames(5)
        screen.close(run.window)
        report = run.report()
    assert report["done"] is True
    assert report["error"] is None


@pytest.mark.slow
@pytest.mark.parametrize("how", ["key", "button"])
def test_a_window_can_be_closed_while_the_camera_is_frozen(screen, how):
    with live(screen, "frozen") as run:
        run.wait_for_frames(0, least=1)
        if how == "key":
            screen.press(run.window, "Escape")
        else:
            screen.close(run.window)
        report = run.report()
    assert report["done"] is True
    assert report["frames"] == 1


@pytest.mark.slow
def test_an_arrow_key_does_not_close_the_window(screen):
    with live(screen, "moving") as run:
        for key in ("Left", "Up", "Shift_L"):
            screen.press(run.window, key)
        run.wait_for_frames(10)
        screen.press(run.window, "Escape")
        assert run.report()["done"] is True


@pytest.mark.slow
def test_the_window_closes_at_the_end_of_the_source(screen):
    with start(screen, "ending") as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    report = json.loads(output.splitlines()[-1])
    assert report["done"] is True
    assert report["error"] is None
    assert 1 <= report["frames"] <= 30


@pytest.mark.slow
def test_ctrl_c_comes_out_of_the_loop_and_leaves_no_error(screen):
    with live(screen, "moving") as run:
        run.wait_for_frames(5)
        run.process.send_signal(signal.SIGINT)
        report = run.report()
    assert report["ended"] == "interrupted"
    assert report["done"] is True
    assert report["error"] is None


@pytest.mark.slow
def test_red_is_red_on_the_screen(screen, tmp_path):
    if shutil.which("import") is None:
        pytest.skip("needs import (Debian: apt install imagemagick)")
    with live(screen, "red") as run:
        middle, end = np.zeros(3), time.monotonic() + PATIENCE
        while middle[0] < 100 and time.monotonic() < end:  # the server may be many frames behind
            middle = screen_pixel(screen, run.window, tmp_path / "screen.png")
        screen.press(run.window, "Escape")
        run.report()
    np.testing.assert_allclose(middle, (200, 30, 20), atol=2)


def screen_pixel(screen: Screen, window: str, path: Path) -> np.ndarray:
    """The colour in the middle of a window, RGB."""
    subprocess.run(["import", "-window", window, str(path)], env=screen.environment, check=True)
    shown = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    return shown[shown.shape[0] // 2, shown.shape[1] // 2]


def test_a_window_in_another_thread_is_refused_instead_of_hanging(screen):
    with start(screen, "thread") as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    report = json.loads(output.splitlines()[-1])
    assert report["done"] is True
    assert report["error"].startswith("The window was opened in the thread ")
    assert "Call Session.run() from the main thread" in report["error"]


@pytest.mark.parametrize("display", [None, ":987"], ids=["no DISPLAY", "nobody at DISPLAY"])
def test_without_a_screen_the_window_raises_and_does_not_abort(display):
    reason = "neither DISPLAY nor" if display is None else "no X server answers at DISPLAY=:987"
    if sys.platform in ("win32", "darwin"):
        pytest.skip("this system always has a screen")
    code = "from expression.displays.window import Window; Window().open()"
    environment = {"PATH": "", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment | ({"DISPLAY": display} if display else {}),
    )
    assert done.returncode == 1, "an abort would be -6"
    assert f"A window cannot be shown: {reason}" in done.stderr
    assert "Run it on the desktop, or choose the display none." in done.stderr


def test_closing_a_window_that_was_never_open_does_nothing():
    window = Window()
    window.close()
    assert window.needs_main_thread


def test_opening_outside_the_main_thread_says_which_thread():
    caught = []

    def open_window():
        try:
            Window().open()
        except DisplayError as error:
            caught.append(str(error))

    thread = threading.Thread(target=open_window, name="helper")
    thread.start()
    thread.join()
    assert caught == [
        "The window was opened in the thread helper. "
        "Expected the main thread, the only one that can own a window. "
        "Call Session.run() from the main thread, or choose the display none."
    ]


@pytest.mark.parametrize(
    ("told", "key"),
    [
        pytest.param(-1, None, id="no key"),
        pytest.param(0x10000 | ord("b"), "b", id="a letter with Num Lock on"),
        pytest.param(ord("B"), "B", id="a capital"),
        pytest.param(-0x3C, "ä", id="a letter beyond English, as Qt gives it"),
        pytest.param(0xE4, "ä", id="a letter beyond English, as GTK gives it"),
        pytest.param(0xFFE1, "\uffe1", id="Shift"),
    ],
)
def test_keys_are_handed_on_as_characters(monkeypatch, told, key):
    pressed = []
    window = Window("keys", on_key=lambda code: pressed.append(chr(code)))
    monkeypatch.setattr(cv2, "waitKeyEx", lambda _: told)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1)
    assert window.is_open()
    assert pressed == ([] if key is None else [key])


@pytest.mark.parametrize("key", [27, ord("q"), ord("Q")])
def test_a_key_that_somebody_types_closes_nothing(monkeypatch, key):
    monkeypatch.setattr(cv2, "waitKeyEx", lambda _: key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1)
    assert Window("typing", on_key=lambda _: True).is_open()
    assert not Window("not typing", on_key=lambda _: False).is_open()


def test_keys_of_a_live_view_turn_the_switches_of_its_run(monkeypatch):
    window = Window("switches")
    window.control = Control(["Happy", "Sad"])
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1)
    for key in "p2hx":
        monkeypatch.setattr(cv2, "waitKeyEx", lambda _, key=key: ord(key))
        assert window.is_open()
    assert window.control.told() == "paused · heat map · Sad (override)"
