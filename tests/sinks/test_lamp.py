"""The drawn lamp: it shows what real ones would, fades as they do, and is visible."""

from __future__ import annotations

import numpy as np
import pytest
from readings import feed, seen

from expression.control import Control
from expression.lights.colours import GAMUTS, Light, light
from expression.lights.lamps import command
from expression.sinks import make_sink
from expression.sinks.hue import Hue
from expression.sinks.lamp import SHADE_OFF, Lamp, draw_lamp


def test_a_drawn_lamp_shows_what_a_real_one_is_told(bridge):
    shown = []
    for sink in (Lamp(dwell=0.0), Hue(lights="Sofa", dwell=0.0)):
        feed(sink, seen(0, p1="Sad"), seen(1, p1="Happy", p2="Sad"))
        shown.append(sink.light if isinstance(sink, Lamp) else bridge.commands[-2][2])
    assert command(shown[0], GAMUTS["C"], 0.4) == shown[1]


def test_it_fades_and_ends_at_the_light():
    lamp = Lamp(transition=2.0)
    now = [0.0]
    lamp._clock = lambda: now[0]
    lamp._fade = (light("red"), light("red"), 0.0)
    lamp.show(light("blue 50%"))
    seen_at = []
    for now[0] in (0.0, 1.0, 2.0, 9.0):
        seen_at.append(lamp.now())
    assert seen_at[0].rgb == (255, 0, 0)
    assert seen_at[1].brightness == pytest.approx(0.75)
    assert seen_at[1].rgb[0] > 0 < seen_at[1].rgb[2]
    assert seen_at[2] == seen_at[3] == light("blue 50%")


def test_when_nobody_is_there_it_shows_the_neutral_light():
    lamp = make_sink("lamp:neutral=pink 50%,dwell=0")
    feed(lamp, seen(0, p1="Sad"), seen(5))
    assert lamp.light == light("pink 50%")


def test_a_colour_for_a_label_that_the_network_does_not_have_is_warned_of(caplog):
    lamp = make_sink("lamp:colours=Hapy:gold+sad:pink+Disgust:lime+not sure:white")
    lamp.control = Control(("Happy", "Sad"))
    lamp.open()
    assert caplog.messages == [
        "Colours of the sink lamp are set for disgust, hapy, which the network does not have. "
        "Expected its labels: Happy, Sad. hapy may be a misspelling of Happy."
    ]


def test_the_usual_colours_are_not_warned_of(caplog):
    lamp = Lamp(colours="Happy:pink")
    lamp.control = Control(("Happy", "Sad"))
    lamp.open()
    assert caplog.messages == []


@pytest.mark.parametrize("size", [(240, 320), (40, 60), (320, 120), (1, 1)])
def test_its_picture_has_the_size_that_is_wanted(size):
    picture = Lamp().picture(*size)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8


def test_its_shade_has_the_colour_and_is_brighter_the_brighter_it_is():
    for name, channel in (("red", 0), ("green", 1), ("blue", 2)):
        picture = draw_lamp(light(name))
        assert picture[150, 75].argmax() == channel
        assert picture[20, 20].argmax() == channel, "the wall glows"
    means = [draw_lamp(Light((255, 200, 0), b)).mean() for b in (0.0, 0.1, 0.5, 1.0)]
    assert means == sorted(means)
    assert means[0] < 40


@pytest.mark.parametrize("text", ["#000000", "red 0%", "#200000", "#101000 50%"])
def test_a_dark_colour_is_drawn_as_dark_as_a_real_lamp_shows_it(text):
    shown = light(text)
    told = command(shown, None, 0.0)
    real = Light(shown.rgb, told["bri"] / 254)
    assert np.abs(draw_lamp(shown).astype(int) - draw_lamp(real)).max() <= 2
    assert draw_lamp(shown).max() < draw_lamp(Light(shown.rgb)).max()


def test_the_darkest_lamp_is_still_lit():
    assert command(light("#000000"), None, 0.4)["bri"] == 1
    assert np.array_equal(draw_lamp(Light((0, 0, 0), 0.5)), draw_lamp(light("white 50%")))
    assert draw_lamp(Light((255, 0, 0), 0.0))[150, 120, 0] > SHADE_OFF[0]
