"""Colours: names, mixing, and the xy that each lamp can show."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from expression.errors import BadInputError
from expression.lights.colours import GAMUTS, NAMES, Light, gamut_of, light, linear, mix, to_xy

RGB = some.tuples(*[some.integers(0, 255)] * 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red", Light((255, 0, 0))),
        (" Warm White 40% ", Light(NAMES["warm white"], 0.4)),
        ("#ABF", Light((170, 187, 255))),
        ("#aabbff 5 %", Light((170, 187, 255), 0.05)),
        ("#200000", Light((255, 0, 0), 0.1255)),
        ("#200000 50%", Light((255, 0, 0), 0.0628)),
        ("#000000", Light((255, 255, 255), 0.0)),
        ("blue 0%", Light((0, 0, 255), 0.0)),
    ],
)
def test_a_colour_is_read_as_a_user_writes_it(text, expected):
    assert light(text) == expected


@pytest.mark.parametrize("text", ["red 101%", "#f00 140%"])
def test_a_brightness_above_100_percent_is_told(text):
    said = rf"The brightness of '{text}' is 1\d\d%\. Expected 0% to 100%\. Try: {text.split()[0]} 100%"
    with pytest.raises(BadInputError, match=said):
        light(text)


@pytest.mark.parametrize("text", ["", "rde", "#12345", "#12", "rde 101%", "40%", "red 1 2%", "123456"])
def test_what_is_no_colour_is_told(text):
    with pytest.raises(BadInputError, match=r"There is no colour .* Expected #rrggbb or one of red, orange"):
        light(text)


@given(RGB)
def test_a_dark_colour_is_the_bright_one_less_bright(rgb):
    found = light("#" + bytes(rgb).hex())
    assert max(found.rgb) == 255
    assert found.brightness == pytest.approx(max(rgb) / 255, abs=1e-4)
    if max(rgb) > 25:  # darker ones have too few steps to tell
        assert to_xy(found.rgb) == pytest.approx(to_xy(rgb), abs=0.01)


def inside(point, gamut) -> bool:
    def side(a, b):
        return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])

    sides = [side(gamut[i], gamut[(i + 1) % 3]) for i in range(3)]
    return all(s >= -2e-4 for s in sides) or all(s <= 2e-4 for s in sides)


@given(RGB)
def test_every_colour_lies_within_the_gamut_of_the_lamp(rgb):
    for gamut in GAMUTS.values():
        assert inside(to_xy(rgb, gamut), gamut)


@pytest.mark.parametrize(
    ("rgb", "gamut", "expected"),
    [
        ((255, 0, 0), None, (0.7006, 0.2993)),
        ((0, 255, 0), None, (0.1724, 0.7468)),
        ((0, 0, 255), None, (0.1355, 0.0399)),
        ((255, 255, 255), None, (0.3227, 0.329)),
        ((0, 0, 0), None, (0.3127, 0.329)),
        ((255, 0, 0), "C", (0.6915, 0.3083)),
        ((0, 0, 255), "B", (0.167, 0.04)),
        ((255, 255, 255), "A", (0.3227, 0.329)),
    ],
)
def test_xy_is_what_the_formula_of_philips_gives(rgb, gamut, expected):
    assert to_xy(rgb, GAMUTS.get(gamut)) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("lamp", "expected"),
    [
        ({"modelid": "LCT001"}, GAMUTS["B"]),
        ({"modelid": "LCT016"}, GAMUTS["C"]),
        ({"modelid": "LST001"}, GAMUTS["A"]),
        ({"modelid": "another maker's"}, None),
        ({}, None),
        ({"modelid": "LCT001", "capabilities": {"control": {"colorgamuttype": "C"}}}, GAMUTS["C"]),
        (
            {"capabilities": {"control": {"colorgamut": [[0.7, 0.3], [0.2, 0.7], [0.1, 0.1]]}}},
            ((0.7, 0.3), (0.2, 0.7), (0.1, 0.1)),
        ),
    ],
)
def test_the_gamut_of_a_lamp_is_its_own_then_that_of_its_model(lamp, expected):
    assert gamut_of(lamp) == expected


def test_a_mix_takes_more_of_what_weighs_more():
    red, blue = Light((255, 0, 0)), Light((0, 0, 255), 0.5)
    assert mix([(red, 1), (blue, 0)]) == red
    mixed = mix([(red, 0.5), (blue, 0.5)])
    assert mixed.brightness == 0.75
    assert mixed.rgb[0] > mixed.rgb[2] > 0
    assert mix([(red, 0), (blue, 0)]).brightness == 0


@given(RGB)
def test_a_colour_mixed_with_itself_is_itself(rgb):
    high = max(linear(rgb)) or 1.0
    mixed = linear(mix([(Light(rgb), 0.3), (Light(rgb), 0.6)]).rgb)
    for one, other in itertools.zip_longest(linear(rgb), mixed):
        assert abs(one / high - other) < 0.01
