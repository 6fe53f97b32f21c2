"""The camera of a Raspberry Pi, with a stand-in for picamera2 that has its interface."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from expression import sources
from expression.cli import check
from expression.errors import BadInputError, MissingPackageError, SourceError, SourceLostError
from expression.live.session import Session
from expression.settings import Settings
from expression.sinks.memory import Memory
from expression.sources import open_source
from expression.sources.demo import Demo
from expression.sources.picamera import FORMAT, PiCamera


class Picamera2:
    """Stands in for picamera2.Picamera2. Source: its manual, chapters 3 to 6 and 9.

    Class values say how cameras behave; `made` holds them.
    """

    connected = 1
    frames = 10**9  # after so many, none comes
    busy = False
    padding = 0
    made: list[Picamera2]

    @staticmethod
    def global_camera_info() -> list[dict]:
        return [{"Model": "imx708", "Num": number} for number in range(Picamera2.connected)]

    def __init__(self, camera_num: int = 0):
        if Picamera2.busy:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        self.number, self.started, self.closed = camera_num, False, False
        self.configuration, self.captured = None, 0
        self._demo = Demo()
        self._demo.open()
        Picamera2.made.append(self)

    def create_video_configuration(self, main: dict, controls: dict) -> dict:
        return {"main": main, "controls": controls}

    def configure(self, configuration: dict) -> None:
        self.configuration = configuration

    def start(self) -> None:
        self.started = True

    def capture_array(self, name: str = "main", wait: bool = True) -> object:
        assert (self.started, name, wait) == (True, "main", False)
        return object()

    def wait(self, job: object, timeout: float | None = None) -> np.ndarray:
        assert timeout is not None
        if self.captured >= Picamera2.frames:
            raise TimeoutError
        self.captured += 1
        width, height = self.configuration["main"]["size"]
        assert self.configuration["main"]["format"] == FORMAT == "BGR888"
        picture = self._demo.picture(self.captured % 100)
        assert picture.shape == (height, width, 3)
        return np.pad(picture, ((0, 0), (0, Picamera2.padding), (0, 0)))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def board(monkeypatch) -> type[Picamera2]:
    """A board with a camera."""
    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2
    module.__spec__ = types.SimpleNamespace(name="picamera2")
    monkeypatch.setitem(sys.modules, "picamera2", module)
    monkeypatch.setattr(Picamera2, "made", [], raising=False)
    for name, value in (("connected", 1), ("frames", 10**9), ("busy", False), ("padding", 0)):
        monkeypatch.setattr(Picamera2, name, value)
    return Picamera2


@pytest.mark.parametrize("padding", [0, 24])
def test_frames_are_rgb_and_of_the_size_of_other_cameras(board, padding):
    board.padding = padding
    source = open_source("picamera")
    source.open()
    image = source.read()
    assert (image.shape, image.dtype) == ((480, 640, 3), np.uint8)
    assert image.flags.c_contiguous
    assert np.array_equal(image, board.made[0]._demo.picture(2))
    assert source.mirror
    source.close()
    assert board.made[0].closed
    source.close()


def test_a_second_camera_has_a_number(board):
    board.connected = 2
    source = open_source("picamera:1")
    source.open()
    assert board.made[0].number == 1
    assert source.description == "Raspberry Pi camera 1"
    source.close()


@pytest.mark.parametrize("index", ["", "x", "-1", "1.5"])
def test_what_is_no_number_is_refused(index):
    with pytest.raises(BadInputError, match=r"Expected picamera, or picamera: followed by a number"):
        open_source(f"picamera:{index}")


def test_a_run_reads_it_and_gives_it_back(board):
    memory = Memory()
    with Session("picamera", display="none", sinks=[memory]) as session:
        while not memory.readings:
            assert not session.data.wait_done(0.05)
    assert board.made[0].closed
    assert session.statistics()["error"] is None


def test_without_another_camera_it_is_the_default(board, monkeypatch):
    monkeypatch.setattr(sources, "first_camera", lambda: None)
    assert isinstance(open_source(None), PiCamera)
    board.connected = 0
    assert isinstance(open_source(None), Demo)
    monkeypatch.setattr(sources, "first_camera", lambda: 3)
    assert open_source(None).description == "camera 3"


def test_check_finds_it(board, monkeypatch):
    monkeypatch.setattr("expression.sources.camera.cameras", list)
    (found,) = check._cameras(Settings())
    assert (found.name, found.ok) == ("Camera", True)


def test_without_the_package_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(MissingPackageError, match=r"sudo apt install python3-picamera2, and run make board"):
        PiCamera().open()


def test_without_a_camera_the_cable_is_named(board):
    board.connected = 0
    with pytest.raises(SourceError, match=r"no Raspberry Pi camera 0; 0 found.*check both ends of the cable"):
        PiCamera().open()


def test_a_busy_camera_is_reported(board):
    board.busy = True
    with pytest.raises(SourceError, match=r"does not start \(Camera __init__ .*Close rpicam-hello"):
        PiCamera().open()


def test_a_camera_that_sends_nothing_is_given_back(board):
    board.frames = 0
    with pytest.raises(SourceError, match=r"does not start \(no frame\)"):
        PiCamera().open()
    assert board.made[0].closed


def test_a_camera_that_stops_ends_the_run(board):
    board.frames = 3
    source = PiCamera()
    source.open()
    with pytest.raises(SourceLostError, match="stopped sending frames"):
        for _ in range(5):
            source.read()
    source.close()
