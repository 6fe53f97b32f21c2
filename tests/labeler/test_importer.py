"""Faces are found in photos, videos and sets, each once, and what is skipped is reported."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from media import write_clip

from expression.errors import BadInputError, MissingFileError
from expression.labelbook.book import LabelBook
from expression.labeler.importer import Candidate, Importer
from expression.pictures.image import read_picture, write_picture
from expression.types import Box, Face
from expression.vision.detectors import make_detector

NOISE = np.random.default_rng(5)


class Finds:
    """A detector that finds a box in every picture that is not black."""

    def __init__(self, *boxes: Box):
        self.boxes = boxes

    def detect(self, image, near=(), everywhere=True):
        return [Face(box, 1.0) for box in self.boxes if image.any()]


BOTH = Finds(Box(10, 10, 60, 60), Box(90, 20, 100, 100))


def photo(path: Path, black: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    blotches = NOISE.integers(0, 256, (15, 20, 3), np.uint8).repeat(10, 0).repeat(10, 1)
    write_picture(path, blotches * (not black))
    return path


@pytest.fixture
def book(tmp_path):
    with LabelBook(tmp_path / "mine") as book:
        yield book


def found(importer: Importer, *paths: Path) -> list[Candidate]:
    return [candidate for candidate in importer.candidates(*paths) if candidate]


def test_every_face_of_a_photo_comes_the_largest_first(book, tmp_path):
    faces = found(Importer(book, BOTH), photo(tmp_path / "a.png"))
    assert [face.picture.shape for face in faces] == [(100, 100), (60, 60)]
    assert {(face.label, face.origin) for face in faces} == {(None, "a.png")}


def test_a_folder_is_searched_to_its_bottom_and_what_is_no_picture_is_told(book, tmp_path):
    folder = tmp_path / "holiday"
    for name in ("b10.png", "b2.png", "below/c.png", ".hidden/d.png"):
        photo(folder / name)
    photo(folder / "dark.png", black=True)
    (folder / "e.psd").write_bytes(b"x")
    (folder / "broken.jpg").write_bytes(b"x")
    (folder / "film.mp4").write_bytes(b"x")
    importer = Importer(book, BOTH, colour=True, label="happy")
    faces = found(importer, folder)
    assert [face.origin for face in faces[::2]] == ["b2.png", "b10.png", "below/c.png"]
    assert {face.label for face in faces} == {"Happy"}
    assert faces[0].picture.shape == (100, 100, 3)
    assert importer.told() == [
        "3 skipped, neither a picture nor a video that can be read: broken.jpg, e.psd, film.mp4.",
        "1 skipped, no face found: dark.png.",
    ]


def test_what_the_set_has_already_is_left_out(book, tmp_path):
    path = photo(tmp_path / "a.png")
    for face in found(Importer(book, BOTH), path):
        book.add(face.picture, "Sad", face.session)
    again = Importer(book, BOTH)
    assert found(again, path, path) == []
    assert again.told() == ["4 skipped, already in the set: a.png, a.png, a.png and 1 more."]


def test_a_folder_for_each_label_gives_the_largest_face_and_its_label(book, tmp_path):
    photo(tmp_path / "set" / "happiness" / "a.png")
    photo(tmp_path / "set" / "sad" / "b.png")
    photo(tmp_path / "set" / "contempt" / "c.png")
    importer = Importer(book, BOTH)
    faces = found(importer, tmp_path / "set")
    assert [(face.label, face.origin, len(face.picture)) for face in faces] == [
        (None, "c.png, labelled contempt, which is not in your list", 100),
        ("Happy", "a.png", 100),
        ("Sad", "b.png", 100),
    ]
    assert importer.told() == ["Folder names matched: happiness → Happy."]


def test_people_of_kdef_stay_together(book, tmp_path):
    for name in ("AF01HAS", "BF01SAS", "AM07NES"):
        photo(tmp_path / f"{name}.JPG".replace("JPG", "jpg"))
    faces = found(Importer(book, BOTH), tmp_path)
    assert [face.session.partition(" ")[2] for face in faces] == ["F01", "M07", "F01"]
    assert [face.label for face in faces] == ["Happy", "Neutral", "Sad"]


def test_a_film_is_looked_at_now_and_then_and_gives_no_face_twice(book, tmp_path):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (200, 150))
    scenes = NOISE.integers(0, 256, (3, 15, 20, 3), np.uint8).repeat(10, 1).repeat(10, 2)
    for scene in (0, 0, 1, 2, 0):
        for _ in range(10):
            writer.write(scenes[scene])
    writer.release()
    faces = found(Importer(book, Finds(Box(90, 20, 100, 100))), path)
    assert [face.origin for face in faces] == ["film.avi at 0:00", "film.avi at 0:02", "film.avi at 0:03"]
    assert {face.session.endswith(" film.avi") for face in faces} == {True}
    assert len(found(Importer(book, Finds(Box(90, 20, 100, 100)), every=3), path)) == 2


def test_the_set_of_an_older_labeler_comes_without_loss(book, tmp_path):
    """It has data/Images, two columns in data/faceLabels.csv, data/labelConfig.csv, and counts from 0."""
    data = tmp_path / "older" / "data"
    (data / "Images").mkdir(parents=True)
    for number in range(3):
        write_picture(data / "Images" / f"face{number}.png", NOISE.integers(0, 256, (250, 250, 3), np.uint8))
    (data / "faceLabels.csv").write_text("face0.png,Happy\nface1.png,1\nface2.png,|Sad, a bit|\n")
    (data / "labelConfig.csv").write_text("0,Happy\n1,Sad\n2,Angry\n3,|Sad, a bit|".replace("|", '"'))
    book.set_labels(["Angry", "Sad", "Happy", "Sad, a bit"])
    faces = found(Importer(book, BOTH), tmp_path / "older")
    assert [face.label for face in faces] == ["Happy", "Sad", "Sad, a bit"]
    for number, face in enumerate(faces):
        assert np.array_equal(face.picture, read_picture(data / "Images" / f"face{number}.png"))


def test_pictures_beside_the_tables_of_an_older_program_are_found_and_photos_cut(book, tmp_path):
    """It has Images beside data, and whole photos in it."""
    place = tmp_path / "program"
    photo(place / "Images" / "sub" / "face0.png")
    write_picture(place / "Images" / "FACE1.png", NOISE.integers(0, 256, (90, 90), np.uint8))
    (place / "data").mkdir()
    (place / "data" / "faceLabels.csv").write_text(
        "label;image\nHappy;sub/face0\nSad;face1.png\nSad;gone.png\n"
    )
    importer = Importer(book, BOTH)
    faces = found(importer, place)
    assert [(face.label, face.origin, face.picture.shape[:2]) for face in faces] == [
        ("Happy", "sub/face0", (100, 100)),
        ("Sad", "face1.png", (90, 90)),
    ]
    assert importer.told() == [
        f"2 pictures are not in Images and were read from {place / 'Images'}.",
        "1 skipped, without a picture; in its folder, run: expression dataset check --repair: gone.png.",
    ]


def test_a_picture_without_its_ending_is_known_by_its_content(book, tmp_path):
    photo(tmp_path / "set" / "a.png").rename(tmp_path / "set" / "a.photo")
    assert len(found(Importer(book, BOTH), tmp_path / "set")) == 2
    assert len(found(Importer(book, BOTH), tmp_path / "set" / "a.photo")) == 2


def test_the_folder_of_an_older_labeler_is_opened_as_it_is_and_goes_on(tmp_path):
    data = tmp_path / "data"
    for number in range(2):
        photo(data / "Images" / f"face{number}.png")
    before = {path.name: path.read_bytes() for path in (data / "Images").iterdir()}
    (data / "faceLabels.csv").write_text("face0.png,Happy\nface1.png,Wink\n")
    (data / "labelConfig.csv").write_text("0,Happy\n1,Wink")
    with LabelBook(data) as book:
        assert list(book.labels) == ["Happy", "Wink"]
        book.add(np.zeros((48, 48), np.uint8), "Wink", "monday")
    assert (data / "faceLabels.csv").read_text() == (
        "face0.png,Happy\nface1.png,Wink\nface2.png,Wink,monday\n"
    )
    assert (data / "labelList.csv").read_text() == "0,Happy\n1,Wink\n"
    assert {name: (data / "Images" / name).read_bytes() for name in before} == before


def test_another_readers_set_keeps_its_sessions_and_colours(book, tmp_path):
    with LabelBook(tmp_path / "other") as other:
        other.add(NOISE.integers(0, 256, (30, 30, 3), np.uint8), "Sad", "monday")
        other.add(NOISE.integers(0, 256, (30, 30), np.uint8), "Fear")
    first, second = found(Importer(book, BOTH), tmp_path / "other")
    assert (first.label, first.session, first.picture.shape) == ("Sad", "monday", (30, 30, 3))
    assert second.session
    with LabelBook(tmp_path / "other") as other:
        assert np.array_equal(first.picture, other.picture(other.rows[0]))


def test_fer2013_comes_row_by_row_with_the_labels_that_are_listed(book, tmp_path):
    pixels = [" ".join(map(str, NOISE.integers(0, 256, 48 * 48))) for _ in range(3)]
    rows = [f"{label},{text},Training" for label, text in zip((3, 4, 0), pixels, strict=True)]
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "\n".join(rows))
    book.set_labels(["Happy", "Sad"])
    importer = Importer(book, BOTH)
    faces = found(importer, tmp_path / "fer2013.csv")
    assert [(face.label, face.origin) for face in faces] == [("Happy", "training 0"), ("Sad", "training 1")]
    assert importer.told() == ["1 skipped, the label Angry is not in your list."]


def test_a_picture_that_is_a_face_already_is_taken_as_it_is(book, tmp_path):
    faces = NOISE.integers(0, 256, (1, 48, 48), np.uint8)
    write_picture(tmp_path / "face.png", faces[0])
    (only,) = found(Importer(book, make_detector("haar")), tmp_path / "face.png")
    assert np.array_equal(only.picture, faces[0])


def test_what_a_file_has_in_it_decides_how_it_is_read_and_not_its_name(book, tmp_path):
    folder = tmp_path / "holiday"
    photo(folder / "photo.mp4.png").rename(folder / "photo.mp4")
    shown = NOISE.integers(0, 256, (1, 15, 20, 3), np.uint8).repeat(10, 1).repeat(10, 2).repeat(3, 0)
    for number, name in enumerate(("film.jpg", "film.wmv", "film")):
        clip = write_clip(tmp_path / "film.avi", 3, codec="mpeg4", pictures=np.roll(shown, 40 * number, 2))
        clip.rename(folder / name)
    faces = found(Importer(book, Finds(Box(90, 20, 100, 100))), folder)
    assert [face.origin for face in faces] == [
        "film at 0:00",
        "film.jpg at 0:00",
        "film.wmv at 0:00",
        "photo.mp4",
    ]
    for name in ("photo.mp4", "film.jpg", "film"):
        importer = Importer(book, Finds(Box(90, 20, 100, 100)))
        assert len(found(importer, folder / name)) == 1
        assert not importer.failed


def test_what_is_left_out_of_a_folder_is_called_by_its_name(book, tmp_path):
    folder = tmp_path / "holiday"
    photo(folder / "good.png")
    contents = {
        "a/a.csv": b"emotion,pixels\n",
        "b.zip": b"PK\x03\x04" + bytes(40),
        "c.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "d.mp4": b"<html></html>",
        "e.jpg": (folder / "good.png").read_bytes()[:500],
        "f.png": b"",
        "Thumbs.db": b"x",
        "@eaDir/good.png/THUMB.png": (folder / "good.png").read_bytes(),
    }
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "g.png").symlink_to("gone.png")
    importer = Importer(book, BOTH)
    assert {face.origin for face in found(importer, folder)} == {"good.png"}
    assert importer.told() == [
        "1 skipped, a table, which must be given by itself: a/a.csv.",
        "1 skipped, an archive, which must be unpacked first: b.zip.",
        "1 skipped, a Git LFS pointer, not the file itself: c.jpg.",
        "1 skipped, a web page: d.mp4.",
        "1 skipped, damaged: e.jpg.",
        "1 skipped, empty: f.png.",
        "1 skipped, missing, or not a file: g.png.",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.heic", "neither a picture nor a video", id="no picture"),
        pytest.param("film.mp4", "cannot be read as a video", id="no film"),
        pytest.param("empty", "is empty", id="nothing in it"),
        pytest.param("fer2013.csv", "cannot be used: ", id="no table"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_next_path_is_looked_at(book, tmp_path, name, text):
    (tmp_path / "empty").mkdir()
    for file in ("a.heic", "film.mp4"):
        (tmp_path / file).write_bytes(b"x")
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\nx,y,z\n")
    importer = Importer(book, BOTH)
    assert len(found(importer, tmp_path / name, photo(tmp_path / "good.png"))) == 2
    (error,) = importer.failed
    assert isinstance(error, BadInputError)
    assert text in str(error)


def test_a_path_that_is_not_there_is_told_before_anything_is_looked_at(book, tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no file or folder .*nix\. Expected photos"):
        Importer(book, BOTH).candidates(photo(tmp_path / "good.png"), tmp_path / "nix")


def test_photos_beside_the_folders_of_labels_are_told(book, tmp_path):
    for name in ("Sad/a.png", "b.png", "c.png"):
        photo(tmp_path / "set" / name)
    (tmp_path / "set" / "Sad" / "film.mp4").write_bytes(b"x")
    importer = Importer(book, BOTH)
    assert [face.origin for face in found(importer, tmp_path / "set")] == ["a.png"]
    assert importer.told() == ["3 skipped, not in a label's folder: b.png, c.png, Sad/film.mp4."]


def copied(path: Path, *places: Path) -> None:
    """Copies the picture to another place."""
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())


def test_a_valid_face_is_kept_though_its_copy_was_left_out_before(book, tmp_path):
    """Contempt, which is not in the list, comes before happy, and some pictures are in both."""
    for name in ("1.png", "2.png", "3.png"):
        happy = photo(tmp_path / "set" / "happy" / name)
        copied(happy, tmp_path / "set" / "contempt" / name)
    importer = Importer(book, BOTH)
    faces = found(importer, tmp_path / "set")
    assert [face.label for face in faces] == [None] * 3 + ["Happy"] * 3
    assert importer.told() == []


def test_a_picture_under_two_labels_is_kept_once_and_the_contradiction_is_told(book, tmp_path):
    copied(photo(tmp_path / "set" / "angry" / "1.png"), tmp_path / "set" / "surprise" / "2.png")
    photo(tmp_path / "set" / "surprise" / "3.png")
    importer = Importer(book, BOTH)
    assert [face.label for face in found(importer, tmp_path / "set")] == ["Angry", "Surprise"]
    assert importer.told() == [
        "1 skipped, the same picture as one with a different label: "
        "2.png is Surprise here and Angry in 1.png."
    ]


def test_a_picture_that_lies_there_twice_comes_once(book, tmp_path):
    copied(photo(tmp_path / "set" / "happy" / "1.png"), tmp_path / "set" / "happy" / "2.png")
    importer = Importer(book, BOTH)
    assert len(found(importer, tmp_path / "set")) == 1
    assert importer.told() == ["1 skipped, already seen in this import: 2.png."]


def test_a_face_that_got_its_label_by_hand_is_not_put_up_again_under_another(book, tmp_path):
    copied(photo(tmp_path / "set" / "contempt" / "1.png"), tmp_path / "set" / "happy" / "1.png")
    importer = Importer(book, BOTH)
    labels = []
    for face in importer.candidates(tmp_path / "set"):
        if face:
            labels.append(face.label)
            importer.keep(face, "Sad")
    assert labels == [None]
    (told,) = importer.told()
    assert "1.png is Happy here and Sad in 1.png" in told


def test_a_set_in_further_folders_and_with_other_files_is_found(book, tmp_path):
    for name in ("train/happiness/1.png", "train/sad/2.png", "test/sad/3.png", "train/sad/.hidden.png"):
        photo(tmp_path / "archive" / "set" / name)
    (tmp_path / "archive" / "set" / "train" / "sad" / "empty.jpg").write_bytes(b"")
    importer = Importer(book, BOTH)
    assert sorted(face.label for face in found(importer, tmp_path / "archive")) == ["Happy", "Sad", "Sad"]
    assert importer.told() == [
        "Ignored hidden and system files and folders: 1 (set/train/sad/.hidden.png).",
        "Folder names matched: happiness → Happy.",
        "1 skipped, empty: empty.jpg.",
    ]


def test_an_album_in_numbered_folders_is_an_album(book, tmp_path):
    for month in (1, 2):
        photo(tmp_path / "album" / str(month) / "a.png")
    faces = found(Importer(book, BOTH), tmp_path / "album")
    assert {face.label for face in faces} == {None}
    assert len(faces) == 4
