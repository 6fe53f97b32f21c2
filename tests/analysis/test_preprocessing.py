"""A face picture for each second of a video, or each photo: 48 x 48 grey levels, the face in the middle."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from media import write_clip

from expression.analysis.preprocessing import preprocess
from expression.cli import app
from expression.errors import BadInputError
from expression.pictures.image import read_picture, resize, write_picture
from expression.sources import open_source
from expression.sources._base import Source
from expression.sources.demo import Demo
from expression.types import Box, Face
from expression.vision.detectors import Detector, make_detector


class Scripted(Source):
    """A camera of ten frames a second whose frames tell their number."""

    fps = 10.0

    def __init__(self, frames: int):
        self._left, self.closed = iter(range(frames)), 0

    def read(self):
        number = next(self._left, None)
        return None if number is None else np.full((120, 160, 3), number % 250, np.uint8)

    def close(self):
        self.closed += 1


class Seconds(Detector):
    """Finds a face in all frames but those of some seconds."""

    def __init__(self, *without: int):
        super().__init__()
        self.without = without

    def detect(self, image, near=(), everywhere=True):
        return [] if int(image[0, 0, 0]) // 10 in self.without else [Face(Box(40, 30, 60, 60))]


def test_twenty_seconds_are_twenty_pictures(tmp_path):
    source = Scripted(205)
    made = preprocess(source, Seconds(), tmp_path / "out")
    assert [path.name for path in made.pictures] == [f"image{number}.png" for number in range(20)]
    assert made.seconds == pytest.approx(range(20))
    assert made.missed == []
    assert source.closed == 1
    with open(made.pictures[0], "rb") as file:
        picture = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    assert (picture.shape, picture.dtype) == ((48, 48), np.uint8)


def test_a_second_without_a_face_is_counted_and_named(tmp_path):
    made = preprocess(Scripted(100), Seconds(3, 4), tmp_path, count=10)
    assert made.missed == [3, 4]
    assert made.seconds == pytest.approx([0, 1, 2, 5, 6, 7, 8, 9])


def test_it_goes_on_until_so_many_were_found(tmp_path):
    made = preprocess(Scripted(240), Seconds(*range(5)), tmp_path, count=6, until_found=True)
    assert made.seconds == pytest.approx([5, 6, 7, 8, 9, 10])


def test_a_video_that_is_short_gives_what_there_is(tmp_path):
    made = preprocess(Scripted(35), Seconds(), tmp_path)
    assert len(made.pictures) == 4


def test_pictures_of_an_earlier_run_do_not_stay(tmp_path):
    preprocess(Scripted(60), Seconds(), tmp_path)
    (tmp_path / "input_video.mp4").write_bytes(b"mine")
    preprocess(Scripted(30), Seconds(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "image0.png",
        "image1.png",
        "image2.png",
        "input_video.mp4",
    ]


def test_a_video_without_a_face_is_refused_and_nothing_is_deleted(tmp_path):
    preprocess(Scripted(30), Seconds(), tmp_path)
    with pytest.raises(
        BadInputError, match=r"No face was found in .*\. Expected one that looks into the camera"
    ):
        preprocess(Scripted(30), Seconds(0, 1, 2), tmp_path)
    assert (tmp_path / "image2.png").is_file()


@pytest.mark.slow
def test_the_face_is_in_the_middle_for_another_detector_too(tmp_path, yunet, monkeypatch):
    monkeypatch.setenv("EXPRESSION_MODELS", str(yunet.parent))
    made = preprocess(open_source("demo", repeat=False), make_detector("haar"), tmp_path)
    assert len(made.pictures) in (20, 21)
    other, centred = make_detector("yunet"), 0
    for path in made.pictures:
        large = resize(read_picture(path), 240, 240)
        framed = cv2.copyMakeBorder(large, *[80] * 4, cv2.BORDER_REPLICATE)
        faces = other.detect(framed)
        centred += bool(faces) and np.abs(np.subtract(faces[0].box.centre, 200)).max() < 40
    assert centred >= len(made.pictures) - 1


@pytest.mark.slow
def test_the_command_reads_a_video_at_once_and_says_what_it_did(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo = Demo()
    demo.open()
    pictures = [demo.picture(number) for number in range(0, 100, 4)]
    write_clip(tmp_path / "me.mp4", 25, fps=5, pictures=pictures)
    assert app.main(["preprocess", "me.mp4", "--out", "faces", "--detector", "haar", "--count", "4"]) == 0
    assert capsys.readouterr().out == "faces: 4 pictures of 48 x 48 pixels, 0.0 to 3.0 s.\n"


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder `photos` beside the current one, with two faces, a wall, and a text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    demo = Demo()
    demo.open()
    for number, name in ((25, "2.png"), (30, "10.png")):
        write_picture(tmp_path / "photos" / name, demo.picture(number))
    write_picture(tmp_path / "photos" / "wall.png", np.full((240, 320, 3), 128, np.uint8))
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            (),
            "faces: 2 pictures of 48 x 48 pixels, from 3 photos.\nNo face was found in 1 photo: wall.png.\n",
        ),
        (("--count", "1"), "faces: 1 picture of 48 x 48 pixels, from 1 photo.\n"),
        (("--count", "2", "--found"), "faces: 2 pictures of 48 x 48 pixels, from 2 photos.\n"),
    ],
    ids=["all", "one", "until two are found"],
)
def test_each_photo_of_a_folder_counts_once(photos, capsys, options, said):
    assert app.main(["preprocess", "photos", "--out", "faces", "--detector", "haar", *options]) == 0
    assert capsys.readouterr().out == said


def test_an_animation_counts_as_one_photo(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    frames = [Image.fromarray(np.full((120, 160, 3), level, np.uint8)) for level in (5, 15, 25)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=900)
    made = preprocess(open_source(str(tmp_path / "a.gif"), repeat=False), Seconds(0), tmp_path / "out")
    assert (len(made.pictures), made.photos, made.missed) == (1, 1, [])
