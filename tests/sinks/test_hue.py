"""The sink hue: what it sends to an emulated and a strict bridge, how often, and that all is restored."""

from __future__ import annotations

import copy
import itertools
import os
import random
import sys
import time

import pytest
from lighting import quick
from media import write_clip
from parts import PATIENCE, expression_process, wait_for
from readings import IMAGE, Patient, feed, seen
from strictbridge import KEY, lamps

from expression.control import Control
from expression.errors import BadInputError, MissingPackageError
from expression.lights.colours import GAMUTS, Light, to_xy
from expression.lights.credentials import Paired, remember
from expression.lights.snapshot import before_path, read_before
from expression.lights.transport import TIMEOUT
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.sinks.hue import Hue
from expression.sinks.memory import Memory
from expression.types import Box, Frame, Reading, Seen

LABELS = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral")


def states(bridge) -> dict:
    return {number: dict(entry["state"]) for number, entry in copy.deepcopy(bridge.lights).items()}


def told(bridge, name: str) -> list:
    return [path.split("/", 3)[3] for _, path, body in bridge.commands if name in body]


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "rate", "fewest"),
    [
        pytest.param({"dwell": 0.0}, 10, 500, id="winner"),
        pytest.param({"blend": True}, 10, 500, id="blend"),
        pytest.param({"dwell": 0.5}, 10, 0, id="dwell, in which no label lasts"),
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
            continue  # the sink was still busy: the slot has a newer one by then
        clock.now = frame.frame.time
        data.readings.publish(frame)
        loop.step()
    times = clock.sent
    assert len(times) == len(bridge.commands)
    most = max((sum(0 <= later - first < 1 - 1e-6 for later in times) for first in times), default=0)
    assert most <= rate
    assert fewest * 0.9 <= len(times) <= rate * 61
    print(f"{options}: {len(times)} commands in a minute, {most} in one second at most")
    data.readings.close()
    loop.teardown()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"lights": "Sofia"},
            r"no light 'Sofia' on the bridge\. Expected one of Sofa, Desk.*Did you mean Sofa\?",
        ),
        ({"lights": "Sofa+99"}, r"no light '99' .* See: expression lights list"),
        (
            {"group": "Cellar"},
            r"no room or group 'Cellar' .* Expected one of Living room, Everyth",
        ),
        ({"bridge": "127.0.0.1:9"}, r"No bridge has been paired at 127\.0\.0\.1:9\. .* pair 127\.0\.0\.1:9"),
    ],
)
def test_what_cannot_be_told_ends_the_run_with_words(bridge, options, said):
    sink = Hue(**options)
    with pytest.raises(BadInputError, match=said):
        sink.open()


def test_a_wrong_key_ends_the_run_and_is_not_shown(bridge):
    remember(Paired(bridge.url, "wrong-key"))
    with pytest.raises(
        BadInputError, match=r"does not recognise the key\. .* Run: expression lights pair"
    ) as error:
        Hue().open()
    assert "wrong-key" not in str(error.value)


def test_a_bridge_that_nobody_paired_is_told():
    with pytest.raises(BadInputError, match=r"No bridge has been paired\. Expected a key in .*bridges\.json"):
        Hue().open()


def test_without_phue_the_line_that_installs_it_is_told(bridge, monkeypatch):
    monkeypatch.setitem(sys.modules, "phue", None)
    with pytest.raises(MissingPackageError, match=r'needs the package phue.*pip install -e "\.\[lights\]"'):
        Hue().open()


def test_a_bridge_that_is_away_at_the_start_is_warned_of_and_followed_later(bridge, caplog):
    bridge.stop()
    sink, data = Hue(lights="Sofa", dwell=0.0), Patient()
    loop = SinkLoop(data, sink)
    loop.setup()
    for moment in range(2):
        if moment:
            bridge.start()
        data.readings.publish(seen(moment, p1="Sad"))
        loop.step()
    data.readings.close()
    loop.teardown()
    assert (loop.sent, len(bridge.commands), data.error) == (1, 2, None)
    assert [message.split(". Expected")[0] for message in caplog.messages] == [
        f"The sink hue failed. Nothing is listening at {bridge.url}"
    ]


@pytest.mark.slow
def test_a_live_run_without_a_pairing_ends_in_one_line(tmp_path):
    clip = str(write_clip(tmp_path / "clip.mp4", 24))  # opened at once, on a busy machine too
    process = expression_process("live", "--source", clip, "--display", "none", "--sink", "hue")
    err = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 2
    assert err.startswith("No bridge has been paired. Expected a key in ")
    assert err.count("\n") == 1


def test_a_key_that_is_taken_away_in_a_run_does_not_end_it(bridge, caplog):
    sink, data = Hue(lights="Sofa", dwell=0.0), Patient()
    quick(sink)
    loop = SinkLoop(data, sink)
    loop.setup()
    for moment, users in enumerate((bridge.users, set(), {KEY})):
        bridge.users = users
        data.readings.publish(seen(moment, p1="Sad" if moment % 2 else "Happy"))
        loop.step()
    data.readings.close()
    loop.teardown()
    assert (loop.sent, loop.failed, data.error) == (2, 1, None)
    assert "does not recognise the key" in caplog.text
    assert KEY not in caplog.text


def test_a_lamp_that_is_switched_off_meanwhile_is_left_alone_and_follows_when_it_is_on_again(bridge, caplog):
    sink, data = Hue(lights="Sofa", dwell=0.0), Patient()
    clock = quick(sink)
    loop = SinkLoop(data, sink)
    loop.setup()

    def step(moment, label):
        clock.now = moment
        data.readings.publish(seen(moment, p1=label))
        loop.step()

    step(1, "Happy")
    bridge.lights["1"]["state"]["on"] = False
    step(2, "Sad")
    step(3, "Angry")
    assert len(bridge.commands) == 2, "the second was refused: the lamp is off"
    bridge.lights["1"]["state"]["on"] = True
    step(20, "Angry")
    assert bridge.lights["1"]["state"]["xy"] == list(to_xy((255, 0, 0), GAMUTS["C"]))
    data.readings.close()
    loop.teardown()
    assert not caplog.records
    assert loop.failed == 0
    assert bridge.lights["1"]["state"] == lamps()["1"]["state"]


@pytest.mark.parametrize("day", ["html", "500", "busy"])
def test_a_bridge_that_answers_with_an_error_is_warned_of_once_and_resumed(bridge, day, caplog):
    sink, data = Hue(lights="Sofa", dwell=0.0), Patient()
    quick(sink)
    loop = SinkLoop(data, sink)
    loop.setup()
    for moment, state in enumerate(("good", day, day, "good")):
        bridge.day = state
        data.readings.publish(seen(moment, p1="Sad" if moment % 2 else "Happy"))
        loop.step()
    assert bridge.lights["1"]["state"]["xy"] == list(to_xy((0, 0, 255), GAMUTS["C"]))
    data.readings.close()
    loop.teardown()
    assert (loop.sent, loop.failed) == (2, 2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert KEY not in caplog.text
    assert bridge.lights["1"]["state"] == lamps()["1"]["state"]


def test_lights_that_cannot_be_put_back_are_kept_and_the_remedy_is_told(bridge, caplog):
    sink = Hue(lights="Sofa", dwell=0.0)
    quick(sink)
    loop = SinkLoop(Patient(), sink)
    loop.setup()
    loop.data.readings.publish(seen(0, p1="Sad"))
    loop.step()
    bridge.stop()
    loop.data.readings.close()
    loop.teardown()
    assert "The lights were not restored" in caplog.text
    assert "Once it does, run: expression lights restore" in caplog.text
    assert read_before(before_path())[bridge.id]["1"]["state"] == lamps()["1"]["state"]


def test_where_no_lamp_can_follow_it_is_told_why(bridge, caplog):
    sink = Hue(lights="Hall+Shed+Kitchen white+Plug", dwell=0.0)
    feed(sink, seen(0, p1="Sad"))
    assert caplog.messages == [
        "No light can follow at the moment (Hall: switched off, Shed: cannot be reached, Kitchen white: "
        "white only, Plug: not dimmable). Expected a colour light that is on and reachable. "
        "Switch one on; it joins in automatically."
    ]
    assert bridge.commands == []


def test_a_colour_for_a_label_that_the_network_does_not_have_is_warned_of(bridge, caplog):
    sink = Hue(colours="Hapy:gold+bored:blue+Calm:green+not sure:white")
    sink.control = Control((*LABELS, "Bored"))
    sink.open()
    sink.close()
    (message,) = caplog.messages
    assert message.startswith(
        "Colours of the sink hue are set for hapy, calm, which the network does not have. "
    )
    assert message.endswith(" Bored. hapy may be a misspelling of Happy.")


class Restless(Hue):
    """Shows something else with every reading, since the demo is calm."""

    bright = False

    def send(self, reading):
        self.bright = not self.bright
        self.show(Light((255, 0, 0), 1.0 if self.bright else 0.3))


def run_through(bridge, trouble) -> tuple[dict, list]:
    """Runs the demo with lamps until `trouble(bridge)` is over; returns statistics and times of readings."""
    memory = Memory()
    sink = Restless(lights="Sofa", dwell=0.0)
    with Session("demo", display="none", detector="haar", sinks=(sink, memory)) as session:
        wait_for(lambda: bridge.commands)
        trouble(bridge)
    return session.statistics(), [reading.time for reading in memory.readings]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "hung", "restarted"])
def test_a_bridge_in_trouble_delays_nothing_and_is_resumed(bridge, how, caplog):
    ended = []

    def trouble(bridge):
        if how == "hung":
            bridge.day = "hang"
        else:
            bridge.stop()
        time.sleep({"stopped": 2.5, "hung": 4.0, "restarted": 0.5}[how])
        bridge.day = "good"
        if how != "hung":
            bridge.start()
        ended.append(time.monotonic())
        wait_for(lambda: len([moment for moment, _, _ in bridge.commands if moment > ended[0]]) > 2)

    statistics, times = run_through(bridge, trouble)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    age = statistics["reading_age_ms"]
    resumed = [moment for moment, _, _ in bridge.commands if moment > ended[0]]
    print(
        f"{how}: {len(times)} readings, longest gap {max(gaps):.2f} s, age {age}, "
        f"resumed {resumed[0] - ended[0]:.2f} s after, stop {statistics['stop_seconds']} s"
    )
    assert statistics["error"] is None
    assert statistics["threads_left"] == 0
    assert max(gaps) < 2.5, "shorter than the trouble"
    assert sum("The sink Restless failed" in message for message in caplog.messages) == 1
    assert bridge.lights["1"]["state"] == lamps()["1"]["state"]


@pytest.mark.slow
def test_a_bridge_that_hangs_until_the_end_delays_the_end_by_seconds_only(bridge, caplog):
    def trouble(bridge):
        bridge.day = "hang"
        bridge.asked.clear()
        assert bridge.asked.wait(PATIENCE)

    statistics, _ = run_through(bridge, trouble)
    print(f"hung at the end: stop {statistics['stop_seconds']} s")
    assert statistics["threads_left"] == 0
    assert statistics["stop_seconds"] < 2 * TIMEOUT
    assert "expression lights restore" in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
@pytest.mark.parametrize("kind", ["bridge", "simulator"])
def test_after_a_run_was_killed_lights_restore_mends_all(kind, request):
    bridge = request.getfixturevalue(kind)
    lights = bridge.state if kind == "simulator" else lambda: {"lights": copy.deepcopy(bridge.lights)}
    before = lights()["lights"]
    words = ["live", "--source", "demo", "--display", "none", "--sink", "hue:dwell=0", "--duration", "240"]
    process = expression_process(*words)
    try:
        wait_for(lambda: lights()["lights"] != before)
    finally:
        process.kill()
        process.communicate()
    assert lights()["lights"] != before
    restore = expression_process("lights", "restore")
    out, err = restore.communicate(timeout=PATIENCE)
    assert (restore.returncode, err) == (0, "")
    assert out.startswith("Restored to the state of 20")
    assert lights()["lights"] == before
    again = expression_process("lights", "restore")
    assert again.communicate(timeout=PATIENCE)[0] == "Nothing to restore.\n"
