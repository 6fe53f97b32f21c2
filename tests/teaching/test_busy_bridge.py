"""A bridge that takes about ten commands a second, and pictures of its lamps."""

from __future__ import annotations

import json

from expression.lights.colours import Light
from expression.teaching.busy_bridge import BusyBridge
from expression.teaching.lamp_pictures import jpeg, lamps, light_of, picture


def paired():
    bridge = BusyBridge()
    bridge.users.add("key")
    return bridge


def put(bridge, path, body):
    return json.loads(bridge.respond("PUT", f"/api/key/{path}", json.dumps(body).encode())[2])


def test_what_does_not_fit_is_refused_and_changes_nothing():
    bridge = paired()
    for number in range(30):
        answer = put(bridge, "lights/1/state", {"bri": number + 1})
    assert answer[0]["error"]["type"] == 901
    assert len(bridge.commands) + len(bridge.refused) == 30
    assert bridge.lights["1"]["state"]["bri"] == len(bridge.commands) < 15


def test_there_is_room_again_after_a_while():
    bridge = paired()
    bridge._room, bridge._since = 0.0, bridge._since - 0.5
    answers = [put(bridge, "lights/1/state", {"bri": 9}) for _ in range(5)]
    assert all("success" in answer[0] for answer in answers)


def test_a_group_needs_the_room_of_ten_lamps():
    bridge = paired()
    assert "success" in put(bridge, "groups/1/action", {"bri": 9})[0]
    assert put(bridge, "groups/1/action", {"bri": 9})[0]["error"]["type"] == 901


def test_a_crowd_of_lamps_leaves():
    bridge = paired()
    before = list(bridge.lights)
    with bridge.crowd(3) as numbers:
        assert list(bridge.lights) == before + numbers
    assert list(bridge.lights) == before


def test_a_lamp_is_drawn_as_its_bridge_describes_it():
    on = light_of({"on": True, "bri": 254, "xy": [0.7, 0.3]})
    assert on.brightness == 1
    assert on.rgb[0] > on.rgb[2]
    assert light_of({"on": False, "bri": 254, "xy": [0.7, 0.3]}).brightness == 0
    assert picture(on, 160).shape == (160, 72, 3)
    assert jpeg(on).startswith(b"\xff\xd8")


def test_lamps_stand_in_rows_below_their_words():
    figure = lamps([(str(number), Light((255, 0, 0))) for number in range(5)], columns=3)
    titles = [place.get_title() for place in figure.axes]
    assert titles == ["0", "1", "2", "3", "4", ""]
