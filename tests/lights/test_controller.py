"""LampController: lamps that do not show what they should."""

from __future__ import annotations

import copy

import pytest
from lighting import quick

from expression.lights.colours import Light
from expression.sinks.hue import Hue


@pytest.mark.parametrize("options", [{"lights": "Sofa"}, {"group": "Living room"}], ids=["lamp", "group"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"xy": [0.4573, 0.41], "ct": 366, "colormode": "ct", "bri": 254}, id="power was away"),
        pytest.param({"bri": 9}, id="dimmed by somebody"),
        pytest.param({"effect": "colorloop"}, id="a loop"),
    ],
)
def test_a_lamp_that_does_not_show_what_it_was_told_is_told_again(bridge, options, change):
    sink = Hue(**options)
    clock = quick(sink)
    sink.open()
    sink.show(Light((255, 0, 0)))
    shown = copy.deepcopy(bridge.lights["1"]["state"])
    bridge.lights["1"]["state"].update(change)
    for clock.now in (5.0, 11.0):
        sink.show(Light((255, 0, 0)))
    assert bridge.lights["1"]["state"] == shown
    count = len(bridge.commands)
    for clock.now in (22.0, 33.0, 44.0):
        sink.show(Light((255, 0, 0)))
    assert len(bridge.commands) == count, "what it shows is right"
    sink.close()


def test_a_lamp_that_is_still_on_its_way_is_not_told_again(bridge):
    sink = Hue(lights="Sofa", transition=30.0)
    clock = quick(sink)
    sink.open()
    sink.show(Light((255, 0, 0)))
    bridge.lights["1"]["state"]["bri"] = 9
    clock.now = 11.0
    sink.show(Light((255, 0, 0)))
    assert len(bridge.commands) == 1
    sink.close()
