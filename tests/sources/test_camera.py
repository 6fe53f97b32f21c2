"""A camera that works, one that is missing, one that is busy, one that is unplugged."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from expression.errors import SourceError, SourceLostError
from expression.live import ending
from expression.sources import camera, open_source
from expression.sources.camera import Webcam


class Camera:
    """Stands in for cv2.VideoCapture.

    Class values say how the cameras made from now on behave; `made` holds them.
    """

    made: list[Camera]
    opens = True
    pictures = 10**9

    def __init__(self, index: int, backend: int):
        self.index, self.backend, self.released = index, backend, False
        self.opens, self.left, self.settings = type(self).opens, type(self).pictures, {}
        type(self).made.append(self)

    def isOpened(self) -> bool:
        return self.opens and not self.released

    def read(self):
        assert not self.released
        if not self.left:
            return False, None
        self.left -= 1
        return True, np.full((480, 640, 3), (10, 20, 30), np.uint8)  # blue, green, red

    def set(self, name: int, value: float) -> bool:
        self.settings[name] = value
        return True

    def release(self) -> None:
        self.released = True


@pytest.fixture
def cameras(monkeypatch) -> type[Camera]:
    """A camera at every number; its class defines its behaviour."""
    kind = type("Kind", (Camera,), {"made": []})
    monkeypatch.setattr(cv2, "VideoCapture", kind)
    monkeypatch.setattr(camera, "FIRST_PICTURE", 0.15)
    monkeypatch.setattr(camera, "LOST_AFTER", 0.15)
    monkeypatch.setattr(camera.sys, "platform", "darwin")  # where /dev/video is not checked
    return kind


def test_a_camera_gives_rgb_of_a_usual_size_and_its_newest_picture(cameras):
    source = Webcam(1)
    source.open()
    assert source.read()[0, 0].tolist() == [30, 20, 10]
    source.close()
    camera = cameras.made[0]
    assert (camera.index, camera.released) == (1, True)
    assert camera.settings[cv2.CAP_PROP_FRAME_WIDTH] == 640
    assert camera.settings[cv2.CAP_PROP_FRAME_HEIGHT] == 480
    assert camera.settings[cv2.CAP_PROP_BUFFERSIZE] == 1
    assert (source.mirror, source.fps, source.description) == (True, None, "camera 1")


@pytest.mark.parametrize(
    ("behaviour", "platform", "words"),
    [
        ({"opens": False}, "darwin", "allow it in System Settings"),
        ({"pictures": 0}, "darwin", "allow it in System Settings"),
        ({"opens": False}, "win32", "allow it in Settings, Privacy, Camera"),
        ({"pictures": 0}, "linux", "join the group video: sudo usermod -aG video $USER"),
    ],
    ids=["not opened", "no picture", "windows", "linux"],
)
def test_a_camera_that_gives_no_picture_says_what_to_do_and_is_released(
    cameras, monkeypatch, behaviour, platform, words
):
    for name, value in behaviour.items():
        setattr(cameras, name, value)
    monkeypatch.setattr(camera.sys, "platform", platform)
    monkeypatch.setattr(Path, "exists", lambda path: True)
    with pytest.raises(SourceError) as caught:
        Webcam(0).open()
    assert str(caught.value).startswith("Camera 0 sends no frames. Expected it to be free, and this program")
    assert words in str(caught.value)
    assert all(camera.released for camera in cameras.made)


def test_a_camera_that_is_pulled_out_is_lost(cameras):
    cameras.pictures = 3
    source = Webcam(0)
    source.open()  # reads the first frame to see whether one comes
    source.read()
    source.read()
    with pytest.raises(SourceLostError, match=r"Camera 0 stopped sending frames. .* Plug it in again"):
        source.read()
    source.close()
    assert cameras.made[0].released


def test_a_camera_that_stumbles_goes_on(cameras, monkeypatch):
    answers = iter([True, True, False, True])
    monkeypatch.setattr(cameras, "read", lambda self: (next(answers), np.zeros((4, 4, 3), np.uint8)))
    source = Webcam(0)
    source.open()
    source.read()
    assert source.read().shape == (4, 4, 3)
    source.close()


def test_closing_twice_or_before_opening_does_no_harm(cameras):
    source = Webcam(0)
    source.close()
    source.open()
    source.close()
    source.close()


def test_windows_is_asked_by_its_quick_way_first_and_then_by_the_other(cameras, monkeypatch):
    monkeypatch.setattr(camera.sys, "platform", "win32")
    cameras.opens = False
    assert not Webcam.probe(0)
    assert [camera.backend for camera in cameras.made] == [cv2.CAP_DSHOW, cv2.CAP_MSMF]
    assert all(camera.released for camera in cameras.made)


@pytest.mark.parametrize(
    ("platform", "text", "asked"),
    [("darwin", "3", [3]), ("darwin", None, [0]), ("linux", "3", []), ("win32", "3", [])],
)
def test_macos_is_asked_for_the_camera_where_its_dialog_can_show(cameras, monkeypatch, platform, text, asked):
    monkeypatch.setattr(camera.sys, "platform", platform)
    assert open_source(text).index == (asked or [3])[0]
    assert [camera.index for camera in cameras.made] == asked
    assert all(camera.released for camera in cameras.made)


def test_a_first_picture_is_not_waited_for_longer_than_a_session_waits_for_its_threads():
    assert camera.FIRST_PICTURE < ending.JOIN_SECONDS


def test_a_probe_releases_the_camera_that_it_found(cameras):
    assert Webcam.probe(0)
    assert cameras.made[0].released


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /dev/video, which Linux has")
@pytest.mark.parametrize(
    ("files", "words"),
    [([], "no camera was found"), (["video0", "video2", "video10", "video-x"], "found 0, 2, 10")],
    ids=["none", "others"],
)
def test_a_missing_camera_says_which_there_are(monkeypatch, tmp_path, files, words):
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(camera, "DEVICES", tmp_path)
    monkeypatch.setattr(camera, "SYSTEM", tmp_path / "nothing")
    with pytest.raises(SourceError) as caught:
        Webcam(7).open()
    assert str(caught.value) == (
        f"Camera 7 was not found (no {tmp_path}/video7). Expected the number of a connected camera; {words}. "
        "Plug one in, or choose another source, such as demo."
    )


def devices(monkeypatch, folder, *known: tuple[str, str, str]) -> None:
    """Creates folders as on Linux, from (device, name, index)."""
    (folder / "dev").mkdir()
    for device, name, index in known:
        (folder / "sys" / device).mkdir(parents=True)
        (folder / "sys" / device / "name").write_text(f"{name}\n")
        (folder / "sys" / device / "index").write_text(f"{index}\n")
        (folder / "dev" / device).touch()
    monkeypatch.setattr(camera, "DEVICES", folder / "dev")
    monkeypatch.setattr(camera, "SYSTEM", folder / "sys")
    monkeypatch.setattr(camera.sys, "platform", "linux")


def test_cameras_are_listed_by_number_and_what_is_no_camera_is_not(monkeypatch, tmp_path):
    devices(
        monkeypatch,
        tmp_path,
        ("video10", "USB Camera", "0"),
        ("video2", "HD Webcam: HD Webcam", "0"),
        ("video3", "HD Webcam: HD Webcam", "1"),
        ("video0", "bcm2835-codec-decode", "0"),
        ("video20", "pispbe-input", "0"),
        ("video1", "unplugged", "0"),
    )
    (tmp_path / "dev" / "video1").unlink()
    (tmp_path / "dev" / "video30").touch()  # unknown to the system, as in some containers
    assert camera.cameras() == [
        camera.Camera(2, "HD Webcam: HD Webcam"),
        camera.Camera(10, "USB Camera"),
        camera.Camera(30),
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_device_without_permission_is_listed_as_not_usable(monkeypatch, tmp_path):
    devices(monkeypatch, tmp_path, ("video0", "Cam", "0"))
    (tmp_path / "dev" / "video0").chmod(0)
    assert camera.cameras() == [camera.Camera(0, "Cam", usable=False)]


@pytest.mark.parametrize("opens", [True, False])
def test_on_other_systems_the_first_camera_is_tried(cameras, opens):
    cameras.opens = opens
    assert camera.cameras() == ([camera.Camera(0)] if opens else [])


@pytest.mark.skipif(Path("/dev/video63").exists(), reason="there is a camera 63 here")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the message is that of Linux")
def test_the_real_way_to_a_missing_camera_is_quiet(capfd):
    with pytest.raises(SourceError, match="Camera 63 was not found"):
        Webcam(63).open()
    assert not Webcam.probe(63)
    assert capfd.readouterr().err == ""
