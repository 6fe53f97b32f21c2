"""The sink hue: what an emulated bridge and a strict one are told, how often, and that all is put back."""

from __future__ import annotations

import copy
import random

import pytest
from readings import IMAGE, Patient, feed, seen

from expression.bridge import Pace
from expression.colours import GAMUTS, to_xy
from expression.data import Box, Frame, Reading, Seen
from expression.sinks import SinkLoop
from expression.sinks.hue import Hue

LABELS = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral")


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self):
        self.now, self.sent = 0.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Noted(Pace):
    """Notes when commands were let through."""

    def take(self, rate: int) -> None:
        super().take(rate)
        self.clock.sent.append(self.clock())


def quick(sink: Hue) -> Clock:
    """Lets a sink wait for nothing."""
    clock = Clock()
    sink.pace = Noted(clock, clock.sleep)
    return clock


def states(bridge) -> dict:
    return {number: dict(entry["state"]) for number, entry in copy.deepcopy(bridge.lights).items()}


def told(bridge, name: str) -> list:
    return [path.split("/", 3)[3] for _, path, body in bridge.commands if name in body]


def test_an_emulated_bridge_shows_the_label_and_all_is_put_back_field_by_field(simulator):
    simulator.change("1", on=True, bri=77, hue=1000, sat=200, xy=[0.6, 0.3], ct=300)
    before = simulator.state()["lights"]
    sink = Hue(dwell=0.0, by_score=False)
    loop = SinkLoop(Patient(), sink)
    loop.setup()
    for moment, label in enumerate(("Sad", "Happy")):
        loop.data.readings.publish(seen(moment, p1=label))
        loop.step()
        colour = sink.settings.colours[label.casefold()].rgb
        for number in ("1", "2"):
            lamp = simulator.lamp(number)
            assert lamp["xy"] == list(to_xy(colour, GAMUTS["B"])), number
            assert (lamp["bri"], lamp["on"]) == (254, True)
    loop.data.readings.close()
    loop.teardown()
    assert simulator.state()["lights"] == before


def test_a_switched_off_lamp_of_an_emulated_bridge_is_left_alone(simulator):
    before = simulator.lamp("1")
    assert before["on"] is False
    sink = Hue(dwell=0.0)
    quick(sink)
    feed(sink, seen(0, p1="Sad"))
    assert simulator.lamp("1") == before


def test_lamps_follow_in_their_own_gamut_and_those_that_cannot_are_left_alone(bridge):
    before, sink = states(bridge), Hue(dwell=0.0, by_score=False)
    quick(sink)
    loop = SinkLoop(Patient(), sink)
    loop.setup()
    loop.data.readings.publish(seen(0, p1="Disgust"))
    loop.step()
    now = states(bridge)
    assert now["1"]["xy"] == now["2"]["xy"] == list(to_xy((0, 255, 0), GAMUTS["C"]))
    assert now["3"]["xy"] == list(to_xy((0, 255, 0), GAMUTS["A"]))
    assert now["3"]["effect"] == "none", "a colour loop would hide the colour"
    assert [now[n] for n in "4567"] == [before[n] for n in "4567"]
    assert all("on" not in body for _, _, body in bridge.commands)
    assert bridge.commands[0][2]["transitiontime"] == 4
    loop.data.readings.close()
    loop.teardown()
    assert states(bridge) == before, "in the mode of each: xy, ct, and hue with its loop"
    assert len(told(bridge, "xy")) == 4
    assert told(bridge, "ct") == ["lights/2/state"]
    assert told(bridge, "hue") == ["lights/3/state"]


def test_only_changes_are_sent(bridge):
    sink = Hue(lights="Sofa", dwell=0.0)
    quick(sink)
    feed(sink, *(seen(i / 25, p1="Happy") for i in range(50)), *(seen(2 + i, p1="Sad") for i in range(5)))
    assert len(bridge.commands) == 3, "Happy, Sad, and back"


def test_a_reading_that_is_not_sure_changes_nothing_unless_it_has_a_colour(bridge):
    for colours, count in ((None, 0), ("not sure:white 20%", 2)):
        bridge.commands.clear()
        sink = Hue(lights="Sofa", dwell=0.0, colours=colours)
        quick(sink)
        feed(sink, seen(0, p1="not sure"))
        assert len(bridge.commands) == count


def test_when_nobody_is_there_the_lamps_show_the_neutral_light(bridge):
    sink = Hue(lights="Sofa", dwell=0.0, neutral="pink 50%")
    quick(sink)
    feed(sink, seen(0, p1="Sad"), seen(5))
    *_, (_, _, body), _ = bridge.commands
    assert body == {"xy": list(to_xy((255, 90, 170), GAMUTS["C"])), "bri": 127, "transitiontime": 4}


def test_a_group_of_one_kind_is_told_with_one_command_and_a_mixed_one_lamp_by_lamp(bridge):
    for group, paths in (
        ("living room", ["groups/1/action"]),
        ("Everything", ["lights/1/state", "lights/2/state", "lights/3/state"]),
    ):
        before = states(bridge)
        bridge.commands.clear()
        sink = Hue(group=group, dwell=0.0)
        quick(sink)
        feed(sink, seen(0, p1="Sad"))
        xy = [path.split("/", 3)[3] for _, path, body in bridge.commands if "transitiontime" in body]
        assert xy[: len(paths)] == paths
        assert states(bridge) == before


def nervous(seconds: int = 60, fps: int = 25):
    """A minute of readings that change with every frame."""
    dice = random.Random(4)
    for number in range(seconds * fps):
        weights = [dice.random() ** 3 for _ in LABELS]
        scores = {label: w / sum(weights) for label, w in zip(LABELS, weights, strict=True)}
        best = max(scores, key=scores.get)
        moment = number / fps
        reading = Reading(1, Box(0, 0, 9, 9), best, scores[best], scores, number, moment, moment)
        yield Seen(Frame(IMAGE, number, moment, moment), (reading,))


@pytest.mark.parametrize(
    ("options", "rate", "fewest"),
    [
        pytest.param({"dwell": 0.0}, 10, 500, id="winner"),
        pytest.param({"blend": True}, 10, 500, id="blend"),
        pytest.param({"dwell": 0.5}, 10, 1, id="dwell"),
        pytest.param({"dwell": 0.0, "group": "Living room"}, 1, 50, id="group"),
    ],
)
def test_a_nervous_minute_stays_within_the_rates_of_the_bridge(bridge, options, rate, fewest):
    sink = Hue(**options)
    clock, data = quick(sink), Patient()
    loop = SinkLoop(data, sink)
    loop.setup()
    for frame in nervous():
        if frame.frame.time < clock.now:
            continue  # the sink was still at it: the slot has a newer one by then
        clock.now = frame.frame.time
        data.readings.publish(frame)
        loop.step()
    times = clock.sent
    assert len(times) == len(bridge.commands)
    most = max(sum(0 <= later - first < 1 - 1e-6 for later in times) for first in times)
    assert most <= rate
    assert fewest * 0.9 <= len(times) <= rate * 61
    print(f"{options}: {len(times)} commands in {times[-1]:.1f} s, {most} in one second at most")
    data.readings.close()
    loop.teardown()
