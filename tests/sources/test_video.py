"""Video files: whole, broken, empty, turned; and pictures shown like slides."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from media import number_of, picture, write_clip

from expression.errors import BadInputError, MissingFileError
from expression.image import write_picture
from expression.sources._opencv import no_warnings, rgb, usual_fps
from expression.sources.folder import Folder
from expression.sources.video import Video


def read_all(source) -> list[np.ndarray]:
    """Opens, reads to the end and closes."""
    source.open()
    try:
        images = []
        while (image := source.read()) is not None:
            images.append(image)
        return images
    finally:
        source.close()


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "mp4v"), ("avi", "MJPG"), ("webm", "VP80")])
def test_a_video_gives_every_picture_in_rgb_and_then_ends(tmp_path, ending, codec):
    video = Video(write_clip(tmp_path / f"clip.{ending}", 5, fps=20, codec=codec))
    assert [number_of(image) for image in read_all(video)] == [0, 1, 2, 3, 4]
    assert (video.fps, video.count, video.description) == (20, 5, f"clip.{ending}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no colon in names")
def test_a_video_with_a_colon_in_its_name_is_no_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", 2).rename("2024-01-01T12:30.mp4")
    assert len(read_all(Video("2024-01-01T12:30.mp4"))) == 2


def test_a_video_can_be_opened_again_from_its_beginning(tmp_path):
    video = Video(write_clip(tmp_path / "clip.mp4", 3))
    assert len(read_all(video)) == len(read_all(video)) == 3


def test_a_film_that_was_taken_upright_is_turned(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", 2)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # after version, times, track, length and volume
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = quarter
    path.write_bytes(data)
    assert read_all(Video(path))[0].shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"this is only text, whatever its name says\n" * 50, "cannot be read as a video"),
        ("cut", "cannot be read as a video"),
    ],
    ids=["empty", "text", "cut off"],
)
def test_a_file_that_is_no_video_fails_when_it_is_opened(tmp_path, content, words):
    path = tmp_path / "clip.mp4"
    if content == "cut":
        content = write_clip(path, 20).read_bytes()[:400]
    path.write_bytes(content)
    video = Video(path)
    with pytest.raises(BadInputError) as caught:
        video.open()
    video.close()
    assert str(caught.value) == (
        f"{path} {words}. Expected a video such as mp4, avi or webm with at least one picture. "
        "Play it in a viewer, or convert it to mp4."
    )


def test_a_missing_video_is_told_so(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no video .*gone\.mp4"):
        Video(tmp_path / "gone.mp4").open()


def test_opencv_and_ffmpeg_print_nothing_about_a_broken_video(tmp_path):
    """In a process of its own, since FFmpeg asks only once how much it may print."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(path, 20).read_bytes()[:400])
    code = (
        "import sys\n"
        "from expression.errors import BadInputError\n"
        "from expression.sources.video import Video\n"
        "try: Video(sys.argv[1]).open()\n"
        "except BadInputError: print('told')\n"
    )
    root = Path(__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, cwd=root)
    assert (ran.stdout.strip(), ran.stderr) == ("told", "")


def test_opencv_s_warnings_come_back_when_the_last_reader_is_through():
    before = cv2.utils.logging.getLogLevel()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with no_warnings:
            entered.set()
            leave.wait(5)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(5)
    with no_warnings:
        leave.set()
        thread.join(5)
        assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_SILENT
    assert cv2.utils.logging.getLogLevel() == before != cv2.utils.logging.LOG_LEVEL_SILENT


@pytest.mark.parametrize(
    ("says", "used"),
    [(30, 30), (0, 25), (float("nan"), 25), (90000, 25), (-1, 25), (12.5, 12.5)],
)
def test_a_file_without_a_sane_pace_gets_a_usual_one(says, used):
    class Capture:
        def get(self, _):
            return says

    assert usual_fps(Capture()) == used


def test_a_grey_camera_gives_rgb_too():
    assert rgb(np.full((4, 6), 7, np.uint8)).tolist() == np.full((4, 6, 3), 7).tolist()


def test_pictures_are_shown_in_natural_order_and_each_for_a_while(tmp_path):
    for number in (10, 2, 1):
        write_picture(tmp_path / f"face{number}.png", picture(number))
    folder = Folder(tmp_path, seconds=0.3)
    assert [number_of(image) for image in read_all(folder)] == [1] * 3 + [2] * 3 + [10] * 3
    assert folder.fps == 10
    assert Folder(tmp_path).seconds >= 1


def test_pictures_may_differ_in_size_and_large_ones_are_shrunk(tmp_path):
    write_picture(tmp_path / "a.png", picture(1, 64, 48))
    write_picture(tmp_path / "b.jpg", picture(2, 2560, 1280))
    shapes = [image.shape for image in read_all(Folder(tmp_path, seconds=0))]
    assert shapes == [(48, 64, 3), (640, 1280, 3)]


def test_an_unreadable_picture_is_skipped_and_named(tmp_path):
    write_picture(tmp_path / "2.png", picture(2))
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "3.jpg").write_bytes(b"")
    (tmp_path / "._2.png").write_bytes(b"what macOS leaves on foreign disks")
    (tmp_path / "notes.txt").write_text("not for showing")
    folder = Folder(tmp_path, seconds=0)
    assert [number_of(image) for image in read_all(folder)] == [2]
    assert folder.skipped == ["1.png", "3.jpg"]


def test_a_single_picture_is_a_source(tmp_path):
    write_picture(tmp_path / "face.png", picture(4))
    assert [number_of(image) for image in read_all(Folder(tmp_path / "face.png", seconds=0.2))] == [4, 4]


@pytest.mark.parametrize(
    ("files", "words"),
    [([], " holds no picture. Expected"), (["1.png"], " holds no picture; not readable: 1.png. Expected")],
    ids=["empty", "unreadable"],
)
def test_a_folder_without_a_picture_is_told_so(tmp_path, files, words):
    for name in files:
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(BadInputError) as caught:
        Folder(tmp_path).open()
    assert f"{tmp_path}{words}" in str(caught.value)
    assert str(caught.value).endswith("Choose another folder, or put pictures into it.")


def test_a_missing_folder_is_told_so(tmp_path):
    with pytest.raises(MissingFileError, match="There is no file or folder"):
        Folder(tmp_path / "gone").open()
