"""Tests of the cascade taken apart: it asks what OpenCV asks, and finds what OpenCV finds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from expression.errors import BadInputError, MissingFileError
from expression.pictures.image import grey, resize
from expression.teaching.haar_stages import (
    WINDOW,
    drawn_question,
    integral,
    passed,
    pyramid,
    read_stages,
    rectangle_sum,
)
from expression.vision.cascades import CASCADES, read_cascade


@pytest.fixture(scope="module")
def stages():
    return read_stages(CASCADES["haar"].path)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("width", [104, 110, 120, 132, 160, 320])
def test_the_windows_that_pass_all_stages_are_those_that_opencv_finds(stages, portrait, width):
    pixels = cv2.equalizeHist(resize(grey(portrait), width, width * 3 // 4))
    rows, columns = np.nonzero(passed(stages, pixels) == len(stages))
    # It looks at every second row and column of a picture of that size.
    ours = {(int(x), int(y)) for x, y in zip(columns, rows, strict=True) if x % 2 == 0 and y % 2 == 0}
    size = (WINDOW, WINDOW)
    found = read_cascade(CASCADES["haar"].path).detectMultiScale(pixels, 1.1, 0, minSize=size, maxSize=size)
    assert ours == {(int(box[0]), int(box[1])) for box in found}


def test_a_window_passes_a_stage_when_its_votes_suffice(stages, noise):
    counts = passed(stages, noise)
    for x, y in [(0, 0), (7, 3), (20, 30), (56, 36)]:
        window = noise[y : y + WINDOW, x : x + WINDOW]
        enough = [sum(stage.votes(window)) >= stage.threshold for stage in stages]
        assert counts[y, x] == [*enough, False].index(False)


def test_windows_without_contrast_are_dropped_before_the_first_stage(stages):
    assert not passed(stages, np.full((40, 50), 90, np.uint8)).any()


def test_light_does_not_change_what_a_window_is_asked(stages, noise):
    darker = np.uint8(noise // 2)
    assert np.array_equal(passed(stages, np.uint8(darker * 2)), passed(stages, darker))


def test_four_look_ups_are_the_sum_of_any_rectangle(noise):
    table = integral(noise)
    for x, y, width, height in [(0, 0, 80, 60), (3, 5, 1, 1), (79, 59, 1, 1), (10, 20, 30, 7)]:
        assert rectangle_sum(table, x, y, width, height) == noise[y : y + height, x : x + width].sum()


@pytest.mark.slow
def test_sums_of_large_pictures_do_not_overflow():
    assert integral(np.full((4200, 4200), 255, np.uint8))[-1, -1] == 4200**2 * 255


def test_a_question_is_painted_where_it_looks(stages):
    window = np.full((48, 48), 100, np.uint8)
    picture = drawn_question(window, stages[0].questions[0])  # the eyes, between two bands
    assert picture.shape == (48, 48)
    assert picture[2 * 8, 2 * 10] > 100 > picture[2 * 5, 2 * 10]
    assert picture[0, 0] == 100


def test_pictures_shrink_until_the_window_does_not_fit(noise):
    small = list(pyramid(noise, 1.25))
    assert np.array_equal(small[0], noise)
    assert small[-1].shape[0] >= WINDOW > small[-1].shape[0] / 1.25


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(CASCADES["haar-alt2"].path, id="trees of features"),
        pytest.param(CASCADES["lbp"].path, id="no Haar features"),
        pytest.param(CASCADES["haar"].path.with_name("haarcascade_eye.xml"), id="another window"),
    ],
)
def test_another_kind_of_cascade_is_refused(path):
    with pytest.raises(BadInputError, match=r"cannot be read as a cascade. Expected a Haar cascade of 24"):
        read_stages(path)


@pytest.mark.parametrize("text", ["", "no xml", "<a/>", "<a><b/></a>"])
def test_what_is_no_cascade_is_refused(tmp_path, text):
    path = tmp_path / "bad.xml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"bad\.xml cannot be read as a cascade"):
        read_stages(path)


def test_a_missing_cascade_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no cascade .*gone\.xml"):
        read_stages(tmp_path / "gone.xml")
