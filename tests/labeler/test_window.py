"""The labeler's window on a virtual screen: keys and clicks, and the files on disk after each."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from parts import PATIENCE, disk
from parts import wait_for as wait_until
from screen import Screen, virtual_screen

from expression.cli import app
from expression.labelbook.rows import read_table
from expression.labeler.canvas import HEIGHT, HOLD, PLATE, WIDTH
from expression.labeler.review_page import CELL
from expression.labels import FER2013
from expression.pictures.image import write_picture


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with virtual_screen() as screen:
        yield screen


WATCHED = Path(__file__).parents[1] / "watched.py"

LABEL = ("label", "--source", "demo", "--detector", "haar")
"""The labeler with the demo."""


class Labeler:
    """A command that shows the labeler's window, in a process of its own."""

    def __init__(self, screen: Screen, folder: Path, *command: str):
        self.screen, self.folder = screen, folder
        self._log, self._pressed = folder.parent / f"{folder.name}.log", 0.0
        self._log.touch()
        words = [sys.executable, str(WATCHED), str(self._log), *(command or LABEL)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(words, cwd=folder, env=screen.environment, **pipes)
        self.window = screen.window("Label")
        self._wait_for_picture()
        screen.move(self.window)

    def _wait_for_picture(self) -> None:
        """Waits for the first picture: a window that is moved while it is being resized may stay white."""
        end, size = time.monotonic() + PATIENCE, None
        while time.monotonic() < end:
            picture, before = self.screen.grab(self.window), size
            size = picture.shape
            if size == before and len(np.unique(picture)) > 2:
                return
            time.sleep(0.1)

    def press(self, *keys: str) -> None:
        """Types keys, each after the previous one was handled."""
        for key in keys:
            with self._taken("key"):
                self.screen.press(self.window, key)

    def shift(self, down: bool) -> None:
        """Holds Shift until the window has handled it, or releases it, which no window reports."""
        with self._taken("key") if down else nullcontext():
            self.screen.hold(self.window, "shift", down=down)

    def click(self, x: int, y: int) -> None:
        """Clicks on a place of the picture."""
        with self._taken("click"):
            self.screen.click(self.window, x / WIDTH, y / HEIGHT)

    @contextmanager
    def _taken(self, what: str) -> Iterator[None]:
        """Waits until the window has handled one more of these, or is closed."""
        before = self._log.read_text().count(what)
        yield
        wait_until(lambda: self._log.read_text().count(what) > before or self.process.poll() is not None)

    def agree(self, x: int = 975, y: int = 560) -> None:
        """Presses Enter until a button appears at a place of the picture, by default the one for undo."""
        end = time.monotonic() + PATIENCE
        while self.pixel(x, y).tolist() != list(PLATE):
            assert time.monotonic() < end, (self.process.poll(), self.pixel(x, y))
            self.screen.move(self.window)  # a window that stayed white is redrawn
            self.screen.press(self.window, "Return")  # lost if the window does not have the keyboard yet
            time.sleep(0.3)

    def pixel(self, x: int, y: int) -> np.ndarray:
        """The RGB at a place of the picture."""
        picture = self.screen.grab(self.window)
        high, wide = picture.shape[:2]
        return picture[round(y * high / HEIGHT), round(x * wide / WIDTH)]

    def rows(self) -> list[tuple[str, str]]:
        return [(row.image, row.label) for row in read_table(self.folder / "faceLabels.csv", FER2013).rows]

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "Images").glob("*.png"))

    def wait_for(self, wanted) -> None:
        """Waits until rows and files are as wanted."""
        end = time.monotonic() + PATIENCE
        while not wanted():
            assert time.monotonic() < end, (self.rows(), self.files())
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def space(self) -> None:
        """Presses space, late enough after the last time not to count as a held key."""
        time.sleep(max(0.0, self._pressed + 2 * HOLD - time.monotonic()))
        self.press("space")
        self._pressed = time.monotonic()

    def keep(self, do: Callable[[], None] | None = None) -> None:
        """Presses space until a picture is saved: the demo sometimes shows no face."""
        before = len(self.rows())
        for _ in range(20):
            (do or self.space)()
            if len(self.rows()) > before:
                return
        raise AssertionError(self.process.poll())

    def leave(self) -> str:
        self.press("Escape")
        out, err = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, err.replace("QFontDatabase", "")) == (0, err)
        return out


@pytest.fixture
def labeler(screen, tmp_path) -> Iterator[Labeler]:
    labeler = Labeler(screen, tmp_path)
    try:
        yield labeler
    finally:
        labeler.process.kill()
        with labeler.process:  # closes its pipes
            pass


@pytest.mark.slow
def test_keys_agree_choose_keep_and_undo(labeler):
    labeler.press("space", "4")
    assert labeler.rows() == []  # consent has not been given yet
    labeler.agree()
    labeler.press("4")
    labeler.keep()
    assert labeler.rows() == [("face1.png", "Happy")]
    assert labeler.files() == ["face1.png"]
    labeler.press("u")
    labeler.wait_for(lambda: labeler.rows() == [])
    assert labeler.files() == []
    labeler.press("5")
    labeler.keep()
    assert labeler.rows() == [("face2.png", "Sad")]
    assert "Sad: 1" in labeler.leave().splitlines()


@pytest.mark.slow
def test_clicks_agree_choose_keep_and_undo(labeler):
    while labeler.pixel(975, 560).tolist() != list(PLATE):
        labeler.click(280, 448)
    labeler.click(900, 24 + 40 * 3 + 18)  # the fourth label
    labeler.keep(lambda: labeler.click(1030, 430))
    assert labeler.rows() == [("face1.png", "Happy")]
    labeler.click(1030, 490)
    labeler.wait_for(lambda: labeler.rows() == [])
    labeler.leave()


@pytest.mark.slow
def test_pictures_are_looked_through_relabelled_deleted_and_brought_back(labeler):
    labeler.agree()
    labeler.press("4")
    labeler.keep()
    labeler.keep()
    labeler.press("e", "5")  # nothing is selected yet
    assert labeler.rows() == [("face1.png", "Happy"), ("face2.png", "Happy")]

    labeler.click(60, 70)  # the newest
    labeler.press("5")
    labeler.wait_for(lambda: labeler.rows() == [("face1.png", "Happy"), ("face2.png", "Sad")])
    labeler.click(60 + CELL, 70)
    labeler.press("x")
    labeler.wait_for(lambda: labeler.rows() == [("face2.png", "Sad")])
    assert labeler.files() == ["face2.png"]
    labeler.press("u")
    labeler.wait_for(lambda: labeler.files() == ["face1.png", "face2.png"])
    labeler.press("u")
    labeler.wait_for(lambda: labeler.rows() == [("face1.png", "Happy"), ("face2.png", "Happy")])
    labeler.press("e", "6")
    labeler.keep()
    assert labeler.rows()[-1] == ("face3.png", "Surprise")
    labeler.leave()


@pytest.mark.slow
def test_a_key_that_is_held_keeps_one_picture_after_the_other(labeler):
    labeler.agree()
    labeler.press("1")
    labeler.screen.hold(labeler.window, "space", down=True)
    labeler.wait_for(lambda: len(labeler.rows()) >= 3)
    labeler.screen.hold(labeler.window, "space", down=False)
    labeler.leave()
    assert labeler.files() == sorted(image for image, _ in labeler.rows())


@pytest.mark.slow
def test_a_label_is_typed_with_any_letters_and_q_closes_only_when_nobody_types(labeler):
    labeler.agree()
    labeler.press("l", "a", *"quiet", "space", "j", "Return")
    listed = labeler.folder / "labelList.csv"
    labeler.wait_for(lambda: listed.is_file() and "7,quiet j\n" in listed.read_text("utf-8"))
    labeler.press("l", "8")
    labeler.keep()
    assert labeler.rows() == [("face1.png", "quiet j")]
    labeler.press("q")
    labeler.process.communicate(timeout=PATIENCE)
    assert labeler.process.returncode == 0


@pytest.mark.slow
def test_capitals_are_typed_with_shift_held_or_tapped(labeler):
    labeler.agree()
    labeler.press("l", "a")
    labeler.shift(down=True)
    labeler.press("t", "v")
    labeler.shift(down=False)
    labeler.press("x", "Return")
    listed = labeler.folder / "labelList.csv"
    labeler.wait_for(lambda: listed.is_file() and "7,TVx\n" in listed.read_text("utf-8"))
    labeler.press("a", "m")
    labeler.shift(down=True)
    labeler.shift(down=False)  # released before the letter is handled, as in fast typing
    labeler.press("c", "d", "Return")
    labeler.wait_for(lambda: "8,mCd\n" in listed.read_text("utf-8"))
    labeler.press("l")
    labeler.leave()


@pytest.mark.slow
def test_imported_faces_count_once_they_are_kept_by_keys_and_clicks(screen, tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(4):
        face = np.random.default_rng(number).integers(0, 256, (48, 48), np.uint8)
        write_picture(tmp_path / "photos" / f"{number}.png", face)
    labeler = Labeler(screen, tmp_path, "dataset", "import", "photos", "--detector", "whole")
    labeler.agree(774, 454)  # "Skip"

    def face_is_up() -> bool:
        return screen.grab(labeler.window)[100:400, 100:400].std() > 20  # keys have no effect before

    wait_until(face_is_up)
    labeler.press("4")
    labeler.wait_for(lambda: labeler.rows() == [("face1.png", "Happy")])
    wait_until(face_is_up)
    labeler.press("x")
    wait_until(face_is_up)
    labeler.press("5")
    labeler.wait_for(lambda: labeler.rows()[1:] == [("face2.png", "Sad")])
    labeler.press("u")
    labeler.wait_for(lambda: labeler.files() == ["face1.png"])
    wait_until(face_is_up)
    labeler.click(900, 40)  # the first label
    labeler.wait_for(lambda: labeler.rows()[1:] == [("face3.png", "Angry")])
    assert "2 saved, 1 left out by you." in labeler.leave().splitlines()


@pytest.mark.slow
def test_killed_in_the_middle_of_a_burst_rows_and_pictures_are_in_step(screen, tmp_path):
    for number in range(3):
        labeler = Labeler(screen, tmp_path)
        before = len(labeler.rows())
        labeler.agree()
        labeler.press("2")
        labeler.keep()
        screen.hold(labeler.window, "space", down=True)
        time.sleep(0.3 + 0.2 * number)  # any moment will do
        labeler.process.kill()
        labeler.process.communicate()
        screen.hold(labeler.window, "space", down=False)
        assert len(labeler.rows()) > before
    again = Labeler(screen, tmp_path)
    again.agree()
    again.wait_for(lambda: again.files() == sorted(image for image, _ in again.rows()))
    again.leave()
    assert len(set(again.files())) == len(again.rows()) >= 3


@pytest.mark.slow
def test_a_full_disk_is_told_in_the_window_which_stays_open(screen, tmp_path):
    with disk(tmp_path / "small", "size=200k"):
        labeler = Labeler(screen, tmp_path / "small")
        labeler.agree()
        labeler.press("3")
        labeler.keep()
        filling = tmp_path / "small" / "film"
        with filling.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(1024)):
                    pass
            except OSError:
                pass
        labeler.space()
        assert (len(labeler.rows()), labeler.files()) == (1, ["face1.png"])
        filling.unlink()
        labeler.keep()
        assert len(labeler.rows()) == 2
        labeler.leave()


def test_without_a_screen_that_is_told(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform != "linux":
        pytest.skip("a desktop is always there")
    assert app.main(["label", "--source", "demo"]) == 2
    assert "Expected" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
