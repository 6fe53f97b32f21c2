"""Pictures: files of every kind, crops beyond the edge, and the preprocessing of a network's input."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from expression.errors import BadInputError, MissingFileError, OutputError
from expression.pictures.image import (
    DEVIATION_FLOOR,
    SIZE,
    crop,
    encode_jpeg,
    face_pixels,
    fit,
    grey,
    jittered,
    preprocess,
    read_picture,
    resize,
    square,
    standardise,
    write_picture,
)
from expression.types import Box

RED = np.full((30, 40, 3), (255, 0, 0), np.uint8)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", ["face.png", "Gesicht ä ñ 顔 🙂.png", "a b/c.d.PNG", "plain.bmp"])
@pytest.mark.parametrize("shape", [(30, 40, 3), (30, 40)], ids=["RGB", "grey"])
def test_a_picture_that_is_written_is_read_again(tmp_path, name, shape):
    path, image = tmp_path / name, noise(*shape)
    path.parent.mkdir(exist_ok=True)
    write_picture(path, image)
    got = read_picture(str(path))
    assert (got.shape, got.dtype) == ((30, 40, 3), np.uint8)
    assert np.array_equal(got, image if image.ndim == 3 else np.dstack([image] * 3))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "LA"])
def test_every_kind_of_picture_is_read_as_rgb(tmp_path, mode):
    path = tmp_path / "red.png"
    Image.fromarray(RED).convert(mode).save(path)
    got = read_picture(path)
    assert got.shape == (30, 40, 3)
    wanted = np.asarray(Image.open(path).convert("RGB"))
    assert np.array_equal(got, wanted)


def test_a_photo_of_a_phone_on_its_side_is_read_upright(tmp_path):
    photo, exif = Image.fromarray(RED), Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "photo.jpg", exif=exif)
    assert read_picture(tmp_path / "photo.jpg").shape == (40, 30, 3)


def test_jpeg_keeps_red_red():
    data = encode_jpeg(RED)
    got = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(got.astype(int) - RED).max() < 10
    assert len(encode_jpeg(noise(99, 99, 3), 10)) < len(encode_jpeg(noise(99, 99, 3), 95))


@pytest.mark.parametrize("name", ["missing.png", "."])
def test_a_picture_that_is_not_there_is_told(tmp_path, name):
    with pytest.raises(MissingFileError, match=r"There is no picture .* Check the name and the folder"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("missing/a.png", r"a\.png cannot be written \(No such file", id="folder"),
        pytest.param("a.docx", r"has the extension \.docx\. .* Use the extension \.png", id="ending"),
    ],
)
def test_a_picture_that_cannot_be_written_is_told(tmp_path, name, said):
    with pytest.raises(OutputError, match=said):
        write_picture(tmp_path / name, RED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "image"),
    [
        pytest.param("a.png", np.empty((0, 5, 3), np.uint8), id="empty"),
        pytest.param("a.jpg", np.zeros((1, 70_000, 3), np.uint8), id="too wide for JPEG"),
        pytest.param("a.webp", np.zeros((20_000, 1), np.uint8), id="too high for WebP"),
        pytest.param("a.png", np.zeros((3, 4, 3)), id="float64"),
        pytest.param("a.png", np.zeros((3, 4, 2), np.uint8), id="two channels"),
    ],
)
def test_a_picture_that_no_file_can_hold_is_told_by_its_shape(tmp_path, name, image):
    said = rf"shape {re.escape(str(image.shape))} .* cannot be written as \{name[1:]}\. .* Make it smaller"
    with pytest.raises(BadInputError, match=said):
        write_picture(tmp_path / name, image)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    def locked(*_, **__):
        raise PermissionError(13, "Permission denied")  # chmod does not stop root, nor Windows

    write_picture(tmp_path / "face.png", RED)
    monkeypatch.setattr("pathlib.Path.open", locked)
    with pytest.raises(
        BadInputError, match=r"face\.png cannot be read \(Permission denied\)\. .* permissions"
    ):
        read_picture(tmp_path / "face.png")


def test_grey_levels_weigh_the_colours_as_the_eye_does():
    assert grey(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)).tolist() == [[76, 150, 29]]
    picture = noise(5, 6)
    assert grey(picture) is picture


def test_shrinking_averages_and_growing_interpolates():
    stripes = np.tile(np.array([0, 200], np.uint8), (48, 24))
    assert set(resize(stripes, 24, 24).ravel()) == {100}
    assert resize(np.full((4, 4), 7, np.uint8), 48, 48).shape == (48, 48)


@pytest.mark.parametrize(
    ("shape", "longest", "wanted"),
    [
        pytest.param((480, 640, 3), 320, (240, 320, 3), id="wide"),
        pytest.param((640, 480), 320, (320, 240), id="high and grey"),
        pytest.param((1, 5000, 3), 320, (1, 320, 3), id="a line"),
    ],
)
def test_a_picture_is_shrunk_to_fit(shape, longest, wanted):
    image, factor = fit(noise(*shape), longest)
    assert image.shape == wanted
    assert factor == max(shape[:2]) / longest


def test_a_picture_that_fits_is_not_copied():
    image = noise(10, 20, 3)
    assert fit(image, 20)[0] is image
    assert fit(image, 20)[1] == 1.0


@given(st.builds(Box, *[st.integers(-99, 99)] * 2, *[st.integers(0, 99)] * 2), st.floats(0, 3))
def test_a_square_keeps_the_middle(box, scale):
    found = square(box, scale)
    assert found.width == found.height == max(1, round(max(box.width, box.height) * scale))
    assert np.abs(np.subtract(found.centre, box.centre)).max() <= 1


def test_a_crop_inside_the_picture_is_a_view():
    image = noise(30, 40, 3)
    part = crop(image, Box(5, 6, 7, 8))
    assert np.shares_memory(part, image)
    assert np.array_equal(part, image[6:14, 5:12])


BOXES = st.builds(Box, *[st.integers(-60, 60)] * 2, *[st.integers(1, 80)] * 2)


@given(BOXES, st.sampled_from([(30, 40, 3), (30, 40)]))
def test_a_crop_over_the_edge_repeats_the_edge(box, shape):
    image = noise(*shape)
    pad = ((140, 140), (140, 140), (0, 0))[: len(shape)]
    padded = np.pad(image, pad, mode="edge")
    wanted = padded[box.y + 140 : box.bottom + 140, box.x + 140 : box.right + 140]
    got = crop(image, box)
    assert got.shape[:2] == (box.height, box.width)
    assert np.array_equal(got, wanted)


@given(BOXES)
def test_every_path_to_the_network_is_the_same(box):
    image = noise(30, 40, 3)
    pixels = face_pixels(image, box)
    assert (pixels.shape, pixels.dtype) == ((SIZE, SIZE), np.uint8)
    live, saved = preprocess(image, box), standardise(pixels)
    assert np.array_equal(live, saved)
    assert np.array_equal(live, preprocess(pixels)), "a face that was saved is read like a live one"
    assert np.allclose(live, standardise(np.stack([pixels] * 3))[2], atol=1e-6), "alone or among others"


def test_a_grey_picture_becomes_the_same_input_as_its_colour_copy():
    picture = noise(60, 50)
    box = Box(10, 10, 30, 30)
    assert np.array_equal(preprocess(picture, box), preprocess(np.dstack([picture] * 3), box))


@pytest.mark.parametrize("size", [24, 48, 64])
def test_the_input_has_the_size_of_the_network(size):
    result = preprocess(noise(100, 90, 3), None, size)
    assert (result.shape, result.dtype) == ((size, size, 1), np.float32)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_blank_picture_stays_zero(level):
    result = preprocess(np.full((100, 100, 3), level, np.uint8))
    assert np.all(result == 0)


def test_light_and_contrast_are_taken_out():
    pixels = noise(2, SIZE, SIZE)
    result = standardise(pixels)
    deviation = pixels.std((1, 2))
    assert np.allclose(result.mean((1, 2, 3)), 0, atol=1e-5)
    assert np.allclose(result.std((1, 2, 3)), deviation / (deviation + DEVIATION_FLOOR), rtol=1e-4)
    dark = standardise((pixels // 2).astype(np.uint8))
    assert np.abs(dark - result).max() < 0.25, "half the light is nearly the same input"


def test_faint_noise_is_not_blown_up():
    faint = 100 + noise(SIZE, SIZE) % 3
    assert np.abs(standardise(faint)).max() < 0.2


def test_a_face_is_cut_square_and_not_squeezed():
    image = np.zeros((100, 100, 3), np.uint8)
    cv2.circle(image, (50, 50), 20, (255, 255, 255), -1)
    pixels = face_pixels(image, Box(40, 20, 20, 60))
    wide, high = (pixels > 127).any(0).sum(), (pixels > 127).any(1).sum()
    assert wide == high == pytest.approx(48 * 41 / 60, abs=2)


MARK = np.zeros((1, 9, 9), np.uint8)
MARK[0, 1, 4] = 255  # in the middle of the upper edge
MOVES = {
    "a box moved right shows the face further left": ({"shift": (2 / 9, 0)}, (1, 2)),
    "a box moved up shows the face lower": ({"shift": (0, -2 / 9)}, (3, 4)),
    "a box three times as large shows a face a third as large": ({"scale": 3}, (3, 4)),
    "a head tilted to the right": ({"tilt": 90}, (4, 7)),
    "a head tilted to the left": ({"tilt": -90}, (4, 1)),
}


@pytest.mark.parametrize(("how", "place"), MOVES.values(), ids=MOVES)
def test_a_box_that_sits_off_moves_the_face(how, place):
    moved = jittered(MARK, **how)[0]
    assert np.unravel_index(moved.argmax(), moved.shape) == place


def test_a_box_that_sits_right_changes_nothing():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 48), np.uint8)
    np.testing.assert_array_equal(jittered(pictures), pictures)
    assert jittered(pictures[:0]).shape == (0, 48, 48)
