"""The translucent pictures, and the text on them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from expression.vision import layers
from expression.vision.layers import Layer, bar, blend, ink, line, panel, pill, shortened, text_width

TINT = (240, 228, 66)


def plain(width: int, height: int, paint: int, keep: int) -> Layer:
    return Layer(np.full((height, width, 3), paint, np.uint8), np.full((height, width), keep, np.uint8))


def test_a_layer_covers_as_much_as_it_says():
    canvas = np.full((10, 10, 3), 100, np.uint8)
    blend(canvas, plain(4, 2, 50, 0), 0, 0)
    blend(canvas, plain(4, 2, 50, 127), 5, 5)
    assert (canvas[:2, :4] == 50).all()
    assert (canvas[5:7, 5:9] == 100).all(), "half of 100 and 50"
    assert (canvas[2:5] == 100).all()


@pytest.mark.parametrize(
    ("x", "y", "covered"),
    [(-2, -1, 2), (8, 8, 4), (20, 0, 0), (-4, 0, 0), (0, 10, 0), (3, 3, 8)],
    ids=["top left", "bottom right", "right of it", "left of it", "below it", "inside"],
)
def test_what_sticks_out_of_the_picture_is_left_away(x, y, covered):
    canvas = np.zeros((10, 10, 3), np.uint8)
    blend(canvas, plain(4, 2, 255, 0), x, y)
    assert (canvas[..., 0] == 255).sum() == covered


def test_a_layer_is_made_once():
    assert pill("Happy 70%", "1", TINT, 16) is pill("Happy 70%", "1", TINT, 16)


def test_all_layers_that_are_kept_of_a_large_picture_take_less_than_60_megabytes():
    labels = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral")
    layers = {
        line: line("24 fps · 31 ms", 36),
        pill: pill("Surprise 100%", "10", TINT, 36),
        panel: panel(labels, "Surprise", "Person 10", 31).layer,
        bar: bar(186, 11, TINT),
    }
    kept = [
        make.cache_parameters()["maxsize"] * (layer.paint.nbytes + layer.keep.nbytes)
        for make, layer in layers.items()
    ]
    assert sum(kept) < 60e6


@pytest.mark.parametrize("size", [10, 16, 36])
def test_a_pill_holds_its_text_with_round_corners(size):
    layer = pill("Happy 70%", "", TINT, size)
    wide, high = layer.extent
    assert wide > text_width("Happy 70%", size)
    assert high == round(size * 1.7)
    assert layer.keep[0, 0] > 150, "the corner is see-through"
    assert layer.keep[high // 2, 2] < 40, "the edge is not"
    assert layer.paint.min(2)[:, wide // 4 : -wide // 4].min() < 60, "dark letters"


def test_text_has_soft_edges():
    inks = pill("Happy", "", (255, 255, 255), 16).paint[8:-8, 8:-8]
    assert len(np.unique(inks)) > 20


def test_a_person_s_number_stands_before_the_label():
    without, with_number, with_long = (
        pill("Sad 5%", number, TINT, 16).extent[0] for number in ("", "1", "123")
    )
    assert without < with_number < with_long


def test_a_bar_is_opaque_with_round_ends():
    layer = bar(40, 6, TINT)
    assert layer.extent == (40, 6)
    assert layer.keep[3, 20] == 0
    assert tuple(layer.paint[3, 20]) == TINT
    assert layer.keep[0, 0] > 100


def test_a_panel_has_a_row_a_label_and_grows_with_a_title():
    without, titled = (panel(("Happy", "Sad", "Fear"), "Sad", title, 14) for title in ("", "Person 1"))
    steps = [after - before for before, after in pairwise(without.tops)]
    assert len(without.tops) == 3
    assert max(steps) - min(steps) <= 1
    assert titled.layer.extent[1] > without.layer.extent[1]
    assert without.start + without.length < without.layer.extent[0]
    assert without.tops[-1] + without.thick < without.layer.extent[1]


@pytest.mark.parametrize(
    ("ground", "expected"),
    [((255, 255, 255), layers.DARK), ((0, 0, 0), layers.WHITE), ((213, 94, 0), layers.DARK)],
    ids=["white", "black", "vermillion"],
)
def test_letters_are_dark_on_light_and_white_on_dark(ground, expected):
    assert ink(ground) == expected


def test_a_text_is_shortened_only_where_it_is_too_wide():
    assert shortened("Happy", 16, 500) == "Happy"
    short = shortened("Contemptuously disappointed", 16, 80)
    assert short.endswith("…")
    assert text_width(short, 16) <= 80
    assert shortened("Happy", 16, 0) == "H…"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ä", "Ö"), ("Χαρά", "Οργή"), ("Радость", "Грусть")],
    ids=["German", "Greek", "Russian"],
)
def test_letters_that_pillow_s_font_lacks_come_from_another(one, other):
    font = layers._font(one, 40)
    if font is layers._fonts(40)[0]:
        pytest.skip("no font on this machine has these letters")
    assert not np.array_equal(line(one, 20).paint, line(other, 20).paint)


def test_letters_that_no_font_has_are_drawn_as_boxes():
    assert line("\U0010fffd", 20).extent[0] > 10


def test_english_is_written_in_pillow_s_own_font():
    assert layers._font("Surprise 100% · …", 40) is layers._fonts(40)[0]


def test_a_size_without_any_other_font_works(monkeypatch):
    monkeypatch.setattr(layers, "FONTS", ("nowhere.ttf",))
    layers._fonts.cache_clear()
    try:
        assert len(layers._fonts(23)) == 1
    finally:
        layers._fonts.cache_clear()
        layers._font.cache_clear()
