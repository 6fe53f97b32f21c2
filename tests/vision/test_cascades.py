"""Tests of the cascades: reading them, finding faces anywhere and near, finding eyes."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from expression.errors import BadInputError, MissingFileError
from expression.pictures.image import grey
from expression.types import Box
from expression.vision.cascades import CASCADES, find, find_near, read_cascade, two_eyes


@pytest.fixture(scope="module")
def haar():
    return read_cascade(CASCADES["haar"].path)


@pytest.fixture(scope="module")
def pixels(portrait):
    return cv2.equalizeHist(grey(portrait))


@pytest.fixture(scope="module")
def face(haar, pixels):
    (face,) = find(haar, pixels, 1.2, 4, 60)
    return face.box


def test_a_cascade_is_read_from_a_folder_that_is_not_ascii(tmp_path):
    path = tmp_path / "каскад.xml"
    path.write_bytes(CASCADES["lbp"].path.read_bytes())
    assert not read_cascade(path).empty()


@pytest.mark.parametrize(
    "text", ["", "no xml", '<?xml version="1.0"?><opencv_storage><a>1</a></opencv_storage>']
)
def test_what_is_no_cascade_is_said_to_be_none(tmp_path, text):
    path = tmp_path / "bad.xml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"bad\.xml is not a cascade"):
        read_cascade(path)


def test_a_missing_cascade_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"The cascade .*gone\.xml was not found"):
        read_cascade(tmp_path / "gone.xml")


def test_eyes_are_seen_on_a_face_and_not_beside_it(portrait, face):
    assert two_eyes(portrait, face)
    assert not two_eyes(portrait, Box(20, 20, 130, 130))
    assert not two_eyes(portrait, Box(face.x + face.width // 2, face.y, 130, 130))
    assert not two_eyes(portrait, Box(-30, 450, 80, 80))


def test_two_threads_look_for_eyes_at_once(portrait, face):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(two_eyes(portrait, face))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4


@pytest.mark.parametrize(
    "was",
    [(0, 0, 1), (15, -10, 1), (0, 0, 1.2), (0, 0, 0.85)],
    ids=["the same place", "moved", "was larger", "was smaller"],
)
def test_a_face_is_found_again_near_where_it_was(haar, pixels, face, was):
    x, y, scale = was
    before = Box(face.x + x, face.y + y, round(face.width * scale), round(face.width * scale))
    found = max(find_near(haar, pixels, before), key=lambda face: face.confidence)
    assert found.box.overlap(face) > 0.75


@pytest.mark.parametrize(
    "box",
    [
        Box(10, 10, 90, 90),
        Box(-80, -80, 90, 90),
        Box(600, 440, 200, 200),
        Box(2000, 10, 90, 90),
        Box(9, 9, 2, 2),
    ],
    ids=["on the wall", "above", "below", "far outside", "tiny"],
)
def test_nothing_is_found_near_where_nobody_is(haar, pixels, box):
    assert find_near(haar, pixels, box) == []


def test_looking_near_a_face_is_much_quicker(haar, pixels, face):
    def ticks(call):
        return min(_ticks(call) for _ in range(5))

    def _ticks(call):
        start = cv2.getTickCount()
        call()
        return cv2.getTickCount() - start

    everywhere = ticks(lambda: find(haar, pixels, 1.1, 4, 40))
    assert ticks(lambda: find_near(haar, pixels, face)) < everywhere / 2


def test_a_blank_picture_holds_nothing(haar):
    assert find(haar, np.zeros((100, 100), np.uint8), 1.1, 3, 24) == []
