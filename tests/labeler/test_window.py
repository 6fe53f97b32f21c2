"""The labeler's window on a virtual screen: keys and clicks, and the files on disk after each."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from parts import disk
from screen import Screen, virtual_screen

from expression import cli
from expression.image import write_picture
from expression.labelrows import read_table
from expression.labels import FER2013
from expression.labelscreen import HEIGHT, PLATE, WIDTH
from expression.reviewscreen import CELL


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with virtual_screen() as screen:
        yield screen


LABEL = ("label", "--source", "demo", "--detector", "haar")
"""The labeler with the demo."""


class Labeler:
    """A command that shows the labeler's window, in a process of its own."""

    def __init__(self, screen: Screen, folder: Path, *command: str):
        self.screen, self.folder = screen, folder
        words = [sys.executable, "-m", "expression", *(command or LABEL)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(words, cwd=folder, env=screen.environment, **pipes)
        self.window = screen.window("Label")
        self._wait_for_picture()
        screen.move(self.window)

    def _wait_for_picture(self) -> None:
        """Waits for the first picture: a window that is moved while it takes its size may stay white."""
        end = time.monotonic() + 20
        while len(np.unique(self.screen.grab(self.window))) < 3 and time.monotonic() < end:
            time.sleep(0.1)

    def press(self, *keys: str, pause: float = 0.15) -> None:
        for key in keys:
            self.screen.press(self.window, key)
            time.sleep(pause)  # of keys that come within one picture, OpenCV tells the last alone

    def agree(self) -> None:
        """Presses Enter until the button of the undo is there."""
        end = time.monotonic() + 30
        while self.pixel(975, 560).tolist() != list(PLATE):
            assert time.monotonic() < end, (self.process.poll(), self.pixel(975, 560))
            self.press("Return")

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
        end = time.monotonic() + 20
        while not wanted():
            assert time.monotonic() < end, (self.rows(), self.files())
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def keep(self) -> None:
        """Presses space until a picture is kept: the demo has no face in it now and then."""
        before = len(self.rows())
        for _ in range(20):
            self.press("space")
            end = time.monotonic() + 1  # longer than a key that is held takes to come again
            while time.monotonic() < end:
                if len(self.rows()) > before:
                    return
                time.sleep(0.02)
        raise AssertionError(self.process.poll())

    def leave(self) -> str:
        self.press("Escape")
        out, err = self.process.communicate(timeout=20)
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


def test_keys_agree_choose_keep_and_undo(labeler):
    labeler.press("space", "4")
    assert labeler.rows() == []  # nobody has agreed yet
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


def test_clicks_agree_choose_keep_and_undo(labeler):
    def click(x: int, y: int) -> None:
        labeler.screen.click(labeler.window, x / WIDTH, y / HEIGHT)

    while labeler.pixel(975, 560).tolist() != list(PLATE):
        click(280, 448)
    click(900, 24 + 40 * 3 + 18)  # the fourth label
    for _ in range(20):
        click(1030, 430)
        time.sleep(0.5)
        if labeler.rows():
            break
    assert labeler.rows() == [("face1.png", "Happy")]
    click(1030, 490)
    labeler.wait_for(lambda: labeler.rows() == [])
    labeler.leave()


def test_pictures_are_looked_through_relabelled_deleted_and_brought_back(labeler):
    labeler.agree()
    labeler.press("4")
    labeler.keep()
    labeler.keep()
    labeler.press("e", "5")  # nothing is chosen yet
    assert labeler.rows() == [("face1.png", "Happy"), ("face2.png", "Happy")]

    def click(x: int, y: int) -> None:
        labeler.screen.click(labeler.window, x / WIDTH, y / HEIGHT)

    click(60, 70)  # the newest
    labeler.press("5")
    labeler.wait_for(lambda: labeler.rows() == [("face1.png", "Happy"), ("face2.png", "Sad")])
    click(60 + CELL, 70)
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
    labeler.press("l", "a", *"quiet", "space", "j", "Return", pause=0.4)
    listed = labeler.folder / "labelList.csv"
    labeler.wait_for(lambda: listed.is_file() and "7,Quiet j\n" in listed.read_text("utf-8"))
    labeler.press("l", "8")
    labeler.keep()
    assert labeler.rows() == [("face1.png", "Quiet j")]
    labeler.press("q")
    labeler.process.communicate(timeout=20)
    assert labeler.process.returncode == 0


@pytest.mark.slow
def test_imported_faces_count_once_they_are_kept_by_keys_and_clicks(screen, tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(4):
        face = np.random.default_rng(number).integers(0, 256, (48, 48), np.uint8)
        write_picture(tmp_path / "photos" / f"{number}.png", face)
    labeler = Labeler(screen, tmp_path, "dataset", "import", "photos", "--detector", "whole")
    for _ in range(50):
        labeler.press("Return")
        if labeler.pixel(900, 540).tolist() == list(PLATE):  # "Keep the rest as labelled"
            break
    labeler.press("4")
    labeler.wait_for(lambda: labeler.rows() == [("face1.png", "Happy")])
    labeler.press("x", "5")
    labeler.wait_for(lambda: labeler.rows()[1:] == [("face2.png", "Sad")])
    labeler.press("u")
    labeler.wait_for(lambda: labeler.files() == ["face1.png"])
    screen.click(labeler.window, 900 / WIDTH, 40 / HEIGHT)  # the first label
    labeler.wait_for(lambda: labeler.rows()[1:] == [("face3.png", "Angry")])
    assert "2 kept, 1 left out by you." in labeler.leave().splitlines()


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
        labeler.press("space")
        time.sleep(0.5)  # nothing happens that could be waited for
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
    assert cli.main(["label", "--source", "demo"]) == 2
    assert "Expected" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
