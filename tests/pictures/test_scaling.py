"""Parsing of `--input`, and scaling of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from expression.errors import BadInputError
from expression.pictures.image import preprocess, standardise
from expression.pictures.scaling import NAMED, STANDARDISE, Wanted, is_scaling, read_input, scaled

GREY = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0..1", Wanted(None, None, "0..1")),
        ("64,rgb,-1..1", Wanted(64, "rgb", "-1..1")),
        ("-1..1, RGB, 64", Wanted(64, "rgb", "-1..1")),
        ("64x64,gray,0..255", Wanted(64, "grey", "0..255")),
        ("bgr,103.939:116.779:123.68/1", Wanted(None, "bgr", "103.939:116.779:123.68/1")),
        ("-0.5..0.5", Wanted(None, None, "-0.5..0.5")),
        ("imagenet", Wanted(None, None, NAMED["imagenet"])),
        ("224,per-image", Wanted(224, None, "per-image")),
        ("standardise", Wanted(None, None, STANDARDISE)),
    ],
)
def test_words_may_come_in_any_order(text, wanted):
    assert read_input(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has an empty item"),
        ("0-1", "contains '0-1'"),
        ("64,32", "gives the size twice, as 64 and 32"),
        ("99999", "has the size 99999"),
        ("64x48", "has the size 64x48, but inputs are square"),
        ("0..0", r"contains '0\.\.0'"),
        ("128/0", "contains '128/0'"),
        ("nan..1", r"contains 'nan\.\.1'"),
        ("9" * 400 + "..1", "contains '999"),
        ("1:2:3:4/1", "contains '1:2:3:4/1'"),
    ],
)
def test_a_word_that_is_none_is_told_with_an_example(text, said):
    with pytest.raises(
        BadInputError, match=rf"--input .* {said}.*\. Expected a scaling .*For example: --input 0"
    ):
        read_input(text)


@pytest.mark.parametrize(
    ("scaling", "by_hand"),
    [
        ("0..1", lambda x: x / 255),
        ("-1..1", lambda x: x / 127.5 - 1),
        ("0..255", lambda x: x),
        ("127.5/64", lambda x: (x - 127.5) / 64),
        ("per-image", lambda x: (x - x.mean((1, 2, 3), keepdims=True)) / x.std((1, 2, 3), keepdims=True)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_pixels_become_what_the_words_say(pixels, scaling, by_hand):
    found = scaled(pixels, scaling)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(np.float64(pixels)), atol=2e-5)


def test_three_colours_have_a_mean_and_a_deviation_each():
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(scaled(RGB, NAMED["imagenet"]), (RGB / 255 - mean) / deviation, atol=1e-5)
    assert not is_scaling(NAMED["imagenet"], channels=1)


def test_a_blank_picture_by_its_own_mean_is_no_division_by_zero():
    assert scaled(np.full((1, 8, 8, 1), 7, np.uint8), "per-image").max() == 0


def test_the_usual_way_is_what_it_was():
    np.testing.assert_array_equal(scaled(GREY, STANDARDISE), standardise(GREY[..., 0]))
    picture = np.random.default_rng(2).integers(0, 256, (60, 50, 3), np.uint8)
    assert preprocess(picture).shape == (48, 48, 1)
    three = preprocess(picture, None, 32, "grey3", "0..1")
    assert three.shape == (32, 32, 3)
    assert (three == three[..., :1]).all()


def test_bgr_is_rgb_the_other_way_round_and_grey_pictures_have_all_colours_alike():
    picture = np.random.default_rng(2).integers(0, 256, (60, 50, 3), np.uint8)
    rgb, bgr = (preprocess(picture, None, 16, colour, "0..1") for colour in ("rgb", "bgr"))
    np.testing.assert_array_equal(rgb, bgr[..., ::-1])
    alone = preprocess(picture[..., 0], None, 16, "rgb", "0..1")
    assert (alone == alone[..., :1]).all()
