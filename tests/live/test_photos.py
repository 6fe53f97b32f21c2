"""A folder of photos: each is read, or counted and named, and nobody is carried over from one to the next."""

from __future__ import annotations

import csv
import io
import os
import sys
import threading

import numpy as np
import pytest
from media import picture, write_clip
from parts import PATIENCE, expression_process
from PIL import Image

from expression.errors import BadInputError, MissingFileError
from expression.live.capture import CaptureLoop
from expression.live.data import Data
from expression.live.session import Session
from expression.models import load
from expression.models.registry import SHIPPED
from expression.pictures.image import preprocess, read_picture, write_picture
from expression.sinks.csvfile import Csvfile
from expression.sources import camera, open_source
from expression.sources._base import Source
from expression.sources.demo import Demo
from expression.sources.folder import FOLDER, Folder
from expression.vision.detectors import make_detector


def shades(source: Source) -> list[tuple[int, str, int]]:
    """What a source shows: grey level, file and scene, each once as long as they stay the same."""
    source.open()
    found = []
    while (image := source.read()) is not None:
        now = (round(float(image.mean())), source.file, source.scene)
        if not found or found[-1] != now:
            found.append(now)
    source.close()
    return found


def grey(level: int) -> Image.Image:
    return Image.new("RGB", (64, 48), (level,) * 3)


@pytest.fixture
def mixed(tmp_path):
    """A folder as people have them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for level, (name, kind) in enumerate(
        {
            "1.jpg": "JPEG",
            "2.jfif": "JPEG",
            "3.tif": "TIFF",
            "4.avif": "AVIF",
            "5.gif": "GIF",
            "6.webp": "WEBP",
            "7": "PNG",
            "10.bmp": "BMP",
        }.items(),
        1,
    ):
        file = io.BytesIO()
        grey(20 * level).save(file, kind)
        (folder / name).write_bytes(file.getvalue())
    write_clip(folder / "8.mp4", 3)
    (folder / "9.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    (folder / "11.jpg").write_bytes((folder / "1.jpg").read_bytes()[:200])
    (folder / "12.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("from the holidays")
    (folder / "older").mkdir()
    for name in (".DS_Store", "._1.jpg", "Thumbs.db"):
        (folder / name).write_bytes(b"system")
    (folder / "@eaDir").mkdir()
    return folder


def test_a_folder_with_mixed_files_shows_every_picture_and_names_the_others(mixed, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    source = open_source(str(mixed))
    names = ["1.jpg", "2.jfif", "3.tif", "4.avif", "5.gif", "6.webp", "7", "10.bmp"]
    shown = shades(source)
    assert [name for _, name, _ in shown] == names
    assert [level for level, _, _ in shown] == pytest.approx([20 * n for n in range(1, 9)], abs=3)
    assert source.skipped.reasons == {
        "a hidden or system file": 4,
        "not a picture": 2,
        "HEIC without the package pillow-heif": 1,
        "damaged": 1,
        "empty": 1,
        FOLDER: 1,
    }
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("photos: Skipped 10 of 18 files: 4 a hidden or system file (._1.jpg, .DS_Store,")
    for part in ("2 not a picture (8.mp4, notes.txt)", "1 empty (12.jpg)", f"1 {FOLDER} (older)", "(9.heic)"):
        assert part in line


def test_a_folder_with_heic_files_counts_and_names_them(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    write_picture(tmp_path / "a.png", picture(1))
    for number in range(5):
        heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
        (tmp_path / f"IMG_{number}.HEIC").write_bytes(heic)
    shades(Folder(tmp_path, seconds=0))
    assert "5 HEIC without the package pillow-heif (IMG_0.HEIC, IMG_1.HEIC, IMG_2.HEIC, ...)" in caplog.text
    (tmp_path / "a.png").unlink()
    with pytest.raises(BadInputError, match=r"no readable picture\. Skipped 5 of 5 .* pip install -e .*heic"):
        Folder(tmp_path).open()


def test_a_folder_whose_pictures_are_all_in_folders_names_one(tmp_path):
    (tmp_path / "2023").mkdir()
    with pytest.raises(BadInputError, match=r"no readable picture.* Choose a folder in it, such as 2023\."):
        Folder(tmp_path).open()


def test_a_folder_that_may_be_listed_and_not_searched_is_an_error_message(tmp_path, monkeypatch):
    def locked(path):
        if path.parent == tmp_path:
            raise PermissionError(13, "Permission denied")  # as where a folder may be read and not entered
        return True

    write_picture(tmp_path / "a.png", picture(1))
    monkeypatch.setattr("pathlib.Path.is_file", locked)
    with pytest.raises(BadInputError, match=r"a\.png cannot be read \(Permission denied\)"):
        read_picture(tmp_path / "a.png")
    monkeypatch.setattr("pathlib.Path.is_file", lambda path: path.parent == tmp_path and locked(path))
    with pytest.raises(BadInputError, match=r"Skipped 1 of 1 file: 1 not accessible \(a\.png\)"):
        Folder(tmp_path).open()


def test_nothing_is_logged_about_a_folder_of_pictures_alone(tmp_path, caplog):
    write_picture(tmp_path / "a.png", picture(1))
    shades(Folder(tmp_path, seconds=0))
    assert not caplog.records


def test_each_photo_is_a_scene_of_its_own_and_tells_its_file(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        write_picture(tmp_path / name, picture(3))
    found = shades(Folder(tmp_path, seconds=0.3))
    assert [name for _, name, _ in found] == ["a.png", "b.png", "c.png"]
    assert len({scene for _, _, scene in found}) == 3


def gif(path, levels: list[int], duration: int) -> None:
    first, *rest = map(grey, levels)
    first.save(path, "GIF", save_all=True, append_images=rest, duration=duration)


def test_an_animation_is_played_at_its_own_pace_in_one_scene(tmp_path):
    gif(tmp_path / "party", [40, 80, 120], 400)
    source = open_source(str(tmp_path / "party"), repeat=False)
    source.open()
    frames = []
    while (image := source.read()) is not None:
        frames.append((int(image[0, 0, 0]), round(source.position, 3), source.scene))
    assert frames == [(40, 0, 1), (80, 0.4, 1), (120, 0.8, 1)]


def test_an_animation_among_photos_takes_its_own_time_and_the_photos_theirs(tmp_path):
    gif(tmp_path / "b", [40, 60] * 25, 20)
    for name in ("a.png", "c.png"):
        write_picture(tmp_path / name, picture(1))
    source = Folder(tmp_path, seconds=0.5)
    source.open()
    frames = []
    while source.read() is not None:
        frames.append((source.file, source.position))
    files, positions = zip(*frames, strict=True)
    assert [files.count(name) for name in ("a.png", "b", "c.png")] == [5, 50, 5]
    assert [positions[files.index(name)] for name in ("a.png", "b", "c.png")] == pytest.approx([0, 0.5, 1.5])
    assert sorted(positions) == list(positions)


def test_an_animation_that_ends_early_is_named(tmp_path, caplog):
    gif(tmp_path / "party.gif", [40, 80, 120], 400)
    data = (tmp_path / "party.gif").read_bytes()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8))
    noise.save(tmp_path / "party.gif", save_all=True, append_images=[noise.rotate(90), noise.rotate(180)])
    data = (tmp_path / "party.gif").read_bytes()
    (tmp_path / "party.gif").write_bytes(data[: len(data) // 2])
    assert shades(open_source(str(tmp_path / "party.gif"), repeat=False))
    assert "Skipped 1 of 1 file: 1 damaged after the first pictures (party.gif)" in caplog.text


def test_a_single_picture_that_is_damaged_is_an_error_that_says_what_it_is(tmp_path):
    write_picture(tmp_path / "a.png", picture(1))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    with pytest.raises(BadInputError, match=r"a\.png is damaged, incomplete"):
        open_source(str(tmp_path / "a.png")).open()


def test_a_hidden_picture_is_read_where_it_is_named(tmp_path):
    write_picture(tmp_path / ".a.png", picture(1))
    assert [name for _, name, _ in shades(Folder(tmp_path / ".a.png"))] == [".a.png"]


def test_a_video_of_jpegs_is_a_video_whatever_its_name(tmp_path):
    file = io.BytesIO()
    grey(50).save(file, "JPEG")
    (tmp_path / "clip.jpg").write_bytes(file.getvalue() * 4)
    assert type(open_source(str(tmp_path / "clip.jpg"))).__name__ == "Video"
    write_picture(tmp_path / "a.png", picture(1))
    folder = Folder(tmp_path, seconds=0)
    assert [name for _, name, _ in shades(folder)] == ["a.png"]
    assert folder.skipped.names == {"video": ["clip.jpg"]}


def test_a_picture_is_opened_as_one_whatever_its_name(tmp_path):
    write_picture(tmp_path / "a.png", picture(1))
    (tmp_path / "a.png").rename(tmp_path / "a.mp4")
    assert type(open_source(str(tmp_path / "a.mp4"))).__name__ == "Folder"
    assert (
        type(open_source(str(write_clip(tmp_path / "clip.mp4", 2).rename(tmp_path / "b.jpg")))).__name__
        == "Video"
    )


# ---- who is in them


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three photos of one face that looks another way in each, by their names."""
    folder, demo = tmp_path_factory.mktemp("people"), Demo()
    demo.open()
    for name, second in (("anna.jpg", 1), ("ben.jpg", 8), ("carl.jpg", 15)):
        write_picture(folder / name, demo.picture(25 * second))
    demo.close()
    return folder


@pytest.mark.slow
def test_in_a_folder_of_photos_everybody_is_new_and_every_row_is_of_its_own_photo(tmp_path, photos):
    path = tmp_path / "a.csv"
    with Session(
        Folder(photos, seconds=0.6), display="none", detector="haar", sinks=[Csvfile(str(path))]
    ) as session:
        session.run()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    people = {name: {row["person"] for row in rows if row["file"] == name} for name in os.listdir(photos)}
    assert all(people.values())
    assert sum(map(len, people.values())) == len(set.union(*people.values())), (
        "no number occurs in two photos"
    )
    network, detector = load(SHIPPED), make_detector("haar")
    for name in people:
        image = read_picture(photos / name)
        face = detector.detect(image)[0]
        scores = network.scores(preprocess(image, face.box, network.size)[None])[0]
        first = next(row for row in rows if row["file"] == name)
        assert [float(first[label]) for label in network.labels] == pytest.approx(scores, abs=0.02)


@pytest.mark.slow
def test_live_names_the_photos_in_the_rows_and_what_it_left_out(tmp_path, photos):
    (tmp_path / "photos").mkdir()
    for name in os.listdir(photos):
        (tmp_path / "photos" / f"{name}.dat").write_bytes((photos / name).read_bytes())
    (tmp_path / "photos" / "film.mp4").write_bytes(b"film")
    cut = tmp_path / "photos" / "cut.tif"  # of which Pillow warns
    Image.new("RGB", (64, 48), "red").save(cut, compression="tiff_lzw")
    cut.write_bytes(cut.read_bytes()[:-150])
    process = expression_process(
        *("live", "--source", "photos", "--display", "none", "--detector", "haar", "--sink", "csvfile:a.csv"),
        cwd=tmp_path,
    )
    _, errors = process.communicate(timeout=PATIENCE)
    told = "Skipped 2 of 5 files: 1 damaged (cut.tif); 1 not a picture (film.mp4)."
    assert (process.returncode, errors) == (0, f"photos: {told}\n")
    with (tmp_path / "a.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert list(dict.fromkeys(names)) == ["anna.jpg.dat", "ben.jpg.dat", "carl.jpg.dat"]


# ---- what else a name can mean


@pytest.fixture
def devices(tmp_path, monkeypatch):
    """A /dev of our own, on a Linux."""
    folder = tmp_path / "dev"
    folder.mkdir()
    monkeypatch.setattr(camera, "DEVICES", folder)
    monkeypatch.setattr(camera.sys, "platform", "linux")
    return folder


@pytest.mark.parametrize("name", ["2024", "0", "20240704"])
def test_a_folder_named_like_a_number_is_opened_where_there_is_no_such_camera(
    tmp_path, monkeypatch, devices, caplog, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    source = open_source(name)
    assert (type(source).__name__, source.path.name) == ("Folder", name)
    assert f"There is no camera {name}, so the file or folder of that name is opened." in caplog.text


def test_a_camera_goes_before_a_folder_of_its_number_and_says_so(tmp_path, monkeypatch, devices, caplog):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0").mkdir()
    (devices / "video0").touch()
    assert type(open_source("0")).__name__ == "Webcam"
    assert "Camera 0 is opened. To open the file or folder of that name, write ./0" in caplog.text
    assert type(open_source("./0")).__name__ == "Folder"


def test_a_number_that_is_neither_a_camera_nor_a_folder_is_a_camera_that_is_missing(
    tmp_path, monkeypatch, devices
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="Camera 2024 was not found"):
        open_source("2024").open()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices as Linux has them")
def test_a_camera_is_opened_by_the_name_of_its_device(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.is_char_device", lambda path: "video" in path.resolve().name)
    (tmp_path / "video3").touch()
    by_id = tmp_path / "by-id" / "usb-Logitech_C920-video-index0"
    by_id.parent.mkdir()
    by_id.symlink_to("../video3")
    for path in (tmp_path / "video3", by_id):
        source = open_source(str(path))
        assert (type(source).__name__, source.index, source.description) == ("Webcam", 3, str(path))


@pytest.mark.skipif(os.name != "posix", reason="needs /dev/null")
def test_a_device_that_is_not_a_camera_is_an_error_message():
    with pytest.raises(BadInputError, match="/dev/null is a device, but not a camera"):
        open_source("/dev/null")


def test_a_device_that_is_missing_is_an_error_message():
    with pytest.raises(MissingFileError, match="There is no file or folder /dev/v4l/by-id/usb-gone"):
        open_source("/dev/v4l/by-id/usb-gone")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe with a name")
def test_a_video_is_read_from_a_pipe_with_a_name(tmp_path):
    pipe, clip = tmp_path / "pipe", write_clip(tmp_path / "clip.avi", 5, codec="MJPG")
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(clip.read_bytes()), daemon=True)
    writer.start()
    source = open_source(str(pipe))
    source.open()
    count = 0
    while source.read() is not None:
        count += 1
    source.close()
    writer.join(PATIENCE)
    assert count == 5


# ---- what a source of one's own gives


class Own(Source):
    """Gives one thing, once."""

    description = "my own source"

    def __init__(self, thing):
        self.things = [thing]

    def read(self):
        return self.things.pop() if self.things else None


def captured(thing) -> tuple[np.ndarray | None, BaseException | None]:
    """What the capture thread makes of a thing: a picture, or the error that ends the run."""
    data = Data()
    loop = CaptureLoop(data, Own(thing))
    loop.start()
    loop.join(PATIENCE)
    frame = data.frame.latest
    return frame and frame.image, data.error and data.error[1]


COLOURS = np.zeros((4, 6, 3), np.uint8) + np.array([200, 100, 0], np.uint8)
CLEAR = {
    "uint8": COLOURS,
    "floats from 0 to 1": COLOURS / 255,
    "float32": (COLOURS / 255).astype(np.float32),
    "int64": COLOURS.astype(np.int64),
    "mirrored": COLOURS[:, ::-1],
    "BGR turned round": COLOURS[..., ::-1].copy()[..., ::-1],
}


@pytest.mark.parametrize("thing", CLEAR.values(), ids=CLEAR)
def test_what_is_clearly_a_picture_is_taken_for_one(thing):
    image, error = captured(thing)
    assert error is None
    assert np.array_equal(image, COLOURS)
    assert (image.dtype, image.flags.c_contiguous) == (np.uint8, True)


@pytest.mark.parametrize(
    "thing", [np.full((4, 6), 9, np.uint8), np.full((4, 6, 1), 9, np.uint8)], ids=["2", "3"]
)
def test_one_channel_is_grey(thing):
    image, _ = captured(thing)
    assert np.array_equal(image, np.full((4, 6, 3), 9))


UNCLEAR = {
    "16 bits": (COLOURS.astype(np.uint16) * 16, r"uint16 values\. .* for 16 bits; for 12 bits"),
    "BGRA": (np.zeros((4, 6, 4), np.uint8), r"shape \(4, 6, 4\) and uint8 .* cv2\.COLOR_BGRA2RGB"),
    "floats to 255": (COLOURS.astype(float), r"float64 values from 0 to 200\. .*clip\(0, 255\)\.astype"),
    "not a number": (COLOURS * np.nan, "float64 values from nan to nan"),
    "negative": (COLOURS.astype(int) - 128, "int64 values from -128 to 72"),
    "channels first": (np.zeros((3, 40, 60), np.uint8), r"shape \(3, 40, 60\)"),
    "one dimension": (np.zeros(9, np.uint8), r"shape \(9,\)"),
    "four dimensions": (np.zeros((1, 4, 6, 3), np.uint8), r"shape \(1, 4, 6, 3\)"),
    "empty": (np.zeros((0, 6, 3), np.uint8), r"shape \(0, 6, 3\)"),
    "complex": (COLOURS * 1j, "complex128"),
    "text": (np.array([["a"]]), "<U1"),
    "PIL": (Image.new("RGB", (4, 6)), r"returned a Image\. .* numpy\.asarray"),
    "bytes": (b"jpeg", "returned a bytes"),
}


@pytest.mark.parametrize(("thing", "said"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_is_no_picture_ends_the_run_with_an_error_that_says_how_to_convert_it(thing, said):
    image, error = captured(thing)
    assert image is None
    assert isinstance(error, BadInputError)
    assert str(error).startswith("my own source returned ")
    with pytest.raises(BadInputError, match=rf"{said}.*"):
        raise error
    assert "Expected a picture: (height, width, 3) uint8, RGB, 0 to 255." in str(error)
