"""One lamp of a bridge misbehaves, in every documented way: the others follow and are restored."""

from __future__ import annotations

import copy
import json
import threading

import pytest
from lighting import cut_off, quick
from strictbridge import lamps
from ways import ANSWERS, SAYS

from expression.cli.app import main
from expression.errors import OutputError
from expression.lights import snapshot
from expression.lights.colours import GAMUTS, Light, to_xy
from expression.lights.snapshot import before_path, read_before
from expression.lights.transport import BridgeError
from expression.sinks.hue import Hue

RED, BLUE = (255, 0, 0), (0, 0, 255)
SHOWN = ("xy", "bri", "ct", "hue", "sat", "effect", "colormode")
OTHERS = {"2": "C", "3": "A"}
"""The lamps of the bridge that follow beside lamp 1, the sofa's, and their gamuts."""

says = pytest.mark.parametrize("way", SAYS)
answers = pytest.mark.parametrize("way", ANSWERS)


@pytest.fixture(autouse=True)
def commands_need_no_pauses(monkeypatch):
    monkeypatch.setattr("expression.lights.rate_limiter.SLACK", 0.0)


def lead(sink: Hue, clock, bridge, rgb: tuple[int, int, int], seconds: int = 30) -> None:
    """Shows a light for a while, as `SinkLoop` does for a sink that may fail; the others have to follow."""
    began = clock.now
    for clock.now in (began + step for step in range(0, seconds, 2)):
        try:
            sink.show(Light(rgb))
        except BridgeError:
            continue
    for number, gamut in OTHERS.items():
        assert bridge.lights[number]["state"]["xy"] == list(to_xy(rgb, GAMUTS[gamut])), number


def opened(**options) -> tuple[Hue, object]:
    sink = Hue(dwell=0.0, **options)
    clock = quick(sink)
    sink.open()
    return sink, clock


def others(lights: dict) -> dict:
    return {number: entry["state"] for number, entry in copy.deepcopy(lights).items() if number != "1"}


def shown(bridge) -> dict:
    """What the misbehaving lamp really shows."""
    return {name: bridge.lights["1"]["state"].get(name) for name in ("xy", "bri")}


def named(text: str, name: str) -> int:
    """How many lines are about a lamp."""
    return sum(name in line for line in text.splitlines())


@pytest.mark.slow
@says
def test_a_lamp_that_is_described_strangely_costs_the_others_nothing(bridge, way, caplog, capsys):
    bridge.says["1"] = SAYS[way]
    sink, clock = opened()
    for rgb in (RED, BLUE):
        lead(sink, clock, bridge, rgb)
    sink.close()
    assert others(bridge.lights) == others(lamps())
    assert shown(bridge) == {"xy": [0.5, 0.42], "bri": 144}
    assert (sink.left, before_path().exists()) == ([], False)
    assert len(caplog.messages) <= 1
    assert len(capsys.readouterr().out.splitlines()) <= 1
    for words in ("list", "restore"):
        assert main(["lights", words]) == 0


@pytest.mark.slow
@says
def test_a_lamp_that_is_described_strangely_at_the_end_is_put_back_as_far_as_possible(bridge, way, capsys):
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    bridge.says["1"] = SAYS[way]
    sink.close()
    assert others(bridge.lights) == others(lamps())
    assert shown(bridge) == {"xy": [0.5, 0.42], "bri": 144} or "reachable" in way
    assert len(sink.left) == named(capsys.readouterr().out, "Sofa")
    del bridge.says["1"]
    assert main(["lights", "restore"]) == 0
    assert bridge.lights == lamps()
    assert not before_path().exists()


@answers
def test_a_lamp_that_does_not_do_as_it_is_told_costs_the_others_nothing(bridge, way, caplog):
    bridge.answers["1"] = ANSWERS[way]
    sink, clock = opened()
    for rgb in (RED, BLUE, RED):
        lead(sink, clock, bridge, rgb, 60)
    sink.close()
    assert bridge.lights == lamps()
    assert (sink.left, before_path().exists()) == ([], False)
    assert [message[:32] for message in caplog.messages] == ["The light Sofa does not follow ("]
    assert sum("/lights/1/" in path for _, path, _ in bridge.commands) < 12, "it is tried now and then only"


@pytest.mark.slow
@answers
def test_a_lamp_that_does_not_do_as_it_is_told_at_the_end_is_named_and_kept(bridge, way, capsys):
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    bridge.answers["1"] = ANSWERS[way]
    sink.close()
    assert others(bridge.lights) == others(lamps())
    assert sink.left == ["Sofa"]
    assert named(capsys.readouterr().out, "Sofa") == 1
    for _ in range(2):
        assert main(["lights", "restore"]) == 0
        out, err = capsys.readouterr()
        assert (named(out, "Sofa"), err) == (1, "")
        assert list(read_before(before_path())[bridge.id]) == ["1"]
    del bridge.answers["1"]
    assert main(["lights", "restore"]) == 0
    assert bridge.lights == lamps()
    assert not before_path().exists()


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("state null", "does not follow (the bridge does not report its state)"),
        ("no on", "does not follow (the bridge does not report its state)"),
        ("no xy", "does not follow (the bridge does not report its colour)"),
        ("xy null", "does not follow (the bridge does not report its colour)"),
        ("mode streaming", "does not follow (it is streaming an entertainment area)"),
        ("ct 0 in the mode ct", "Restored as far as known: Sofa (before the run the bridge reported ct 0)."),
        (
            "colormode homeautomation",
            "Restored as far as known: Sofa (before the run the bridge reported colormode homeautomation).",
        ),
    ],
)
def test_a_lamp_that_cannot_follow_or_be_put_back_as_others_is_named(bridge, way, said, caplog, capsys):
    bridge.says["1"] = SAYS[way]
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    sink.close()
    assert named(caplog.text + capsys.readouterr().out, said) == 1


def test_what_cannot_be_put_back_is_forgotten_on_request(bridge, capsys):
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    bridge.answers["1"] = ANSWERS["error 7"]
    sink.close()
    capsys.readouterr()
    assert main(["lights", "restore", "--forget"]) == 0
    refused, forgotten = capsys.readouterr().out.splitlines()
    assert refused.startswith("Not restored, and saved for later: Sofa (error 7: invalid value, [0.1, 0.1], ")
    assert forgotten == "Forgotten: Sofa."
    assert main(["lights", "restore"]) == 0
    assert capsys.readouterr().out == "Nothing to restore.\n"


def test_the_lamps_of_a_bridge_that_is_gone_for_good_are_forgotten_on_request(bridge, capsys):
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    cut_off(sink)
    bridge.stop()
    assert main(["lights", "restore"]) == 1
    assert capsys.readouterr().out == "Not restored, and saved for later: Sofa, Desk, Strip.\n"
    assert main(["lights", "restore", "--forget"]) == 0
    said = "Not restored, and forgotten: Sofa, Desk, Strip. (Nothing is listening at "
    assert capsys.readouterr().out.startswith(said)
    assert not before_path().exists()


def test_a_bad_entry_among_how_lamps_were_costs_the_others_nothing(bridge, capsys):
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    cut_off(sink)
    kept = json.loads(before_path().read_text("utf-8"))
    kept[bridge.id]["1"]["state"] = None
    kept[bridge.id]["x"] = "nothing"
    before_path().write_text(json.dumps(kept), "utf-8")
    assert main(["lights", "restore"]) == 0
    out = capsys.readouterr().out
    assert "Restored as far as known: Sofa (its entry is damaged)." in out
    assert "No longer on the bridge, and forgotten: x." in out
    assert others(bridge.lights) == others(lamps())
    assert not before_path().exists()


@pytest.mark.parametrize("way", ["error 901 (home-assistant 51827)", "error 307", "a page with status 500"])
def test_a_group_that_refuses_is_led_lamp_by_lamp(bridge, way, caplog):
    bridge.answers["group 1"] = ANSWERS[way]
    sink, clock = opened(group="Living room")
    sink.show(Light(RED))
    for number in "12":
        assert bridge.lights[number]["state"]["xy"] == list(to_xy(RED, GAMUTS["C"]))
    clock.now = 20.0
    sink.show(Light(BLUE))
    assert sum("/groups/" in path for _, path, _ in bridge.commands) == 1
    sink.close()
    assert (bridge.lights, caplog.messages) == (lamps(), [])


def test_a_lamp_that_is_taken_away_in_a_run_costs_the_others_nothing(bridge, capsys):
    sink, clock = opened(lights="Sofa+Desk+Strip")
    lead(sink, clock, bridge, RED)
    del bridge.lights["1"]
    lead(sink, clock, bridge, BLUE)
    sink.close()
    assert others(bridge.lights) == others(lamps())
    assert sink.left == []


@pytest.mark.parametrize("groups", [{}, None, [], {"2": None}, {"2": {"name": "Everything", "lights": None}}])
def test_a_group_that_is_taken_away_in_a_run_costs_its_lamps_nothing(bridge, groups):
    sink, clock = opened(group="Everything")
    lead(sink, clock, bridge, RED)
    bridge.groups = groups
    lead(sink, clock, bridge, BLUE)
    sink.close()
    assert bridge.lights == lamps()


def test_where_no_room_is_left_for_a_lamp_that_is_switched_on_the_others_go_on(bridge, monkeypatch, caplog):
    sink, clock = opened()

    def full(*_, **__):
        raise OutputError("lights.json cannot be written (No space left).", "Expected room.", "Make room.")

    monkeypatch.setattr(snapshot, "write_text", full)
    bridge.lights["4"]["state"]["on"] = True
    lead(sink, clock, bridge, RED)
    assert bridge.lights["4"]["state"]["xy"] == lamps()["4"]["state"]["xy"]
    said = (
        "Lights switched on during the run will not follow: lights.json cannot be written (No space left). "
    )
    assert [message[: len(said)] for message in caplog.messages] == [said]
    sink.close()
    assert others(bridge.lights)["2"] == others(lamps())["2"]


def test_a_lamp_at_the_brightness_255_of_another_make_is_put_back_at_its_brightest(bridge):
    bridge.lights["1"]["state"]["bri"] = 255
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    sink.show(Light(RED, 0.2))
    sink.close()
    assert shown(bridge) == {"xy": [0.5, 0.42], "bri": 254}
    assert sink.left == []


def test_a_lamp_that_refuses_one_value_gets_back_the_others(bridge, capsys):
    sink, clock = opened(by_score=False, brightness=0.3)
    lead(sink, clock, bridge, RED)

    def answer(path, body):
        if "bri" in body:
            return ANSWERS["error 7"](path, body)
        return 200, "application/json", json.dumps(bridge._change(state, body, path)).encode()

    state, bridge._derived = bridge.lights["1"]["state"], {}
    state["bri"] = 9
    bridge.answers["1"] = answer
    sink.close()
    assert shown(bridge) == {"xy": [0.5, 0.42], "bri": 9}
    assert capsys.readouterr().out.startswith("Not restored yet: Sofa (error 7: invalid value, ")
    assert sink.left == ["Sofa"]


@pytest.mark.slow
def test_a_lamp_for_which_the_bridge_hangs_costs_the_others_nothing(bridge, caplog, capsys):
    sink, clock = opened()
    lead(sink, clock, bridge, RED)
    sink._bridge.transport.timeout = 0.3
    go_on = threading.Event()
    bridge.answers["1"] = lambda path, body: go_on.wait(2) and None
    lead(sink, clock, bridge, BLUE, 60)
    assert [message[:54] for message in caplog.messages] == [
        "The light Sofa does not follow (no answer within 0.3 s"
    ]
    sink.close()
    go_on.set()
    assert others(bridge.lights) == others(lamps())
    assert capsys.readouterr().out.startswith("Not restored yet: Sofa (no answer within 0.3 s). Try again: ")
    assert sink.left == ["Sofa"]


def test_a_bridge_with_more_lamps_than_any_can_have_is_told(bridge, capsys):
    bridge.lights = {str(number): lamps()["1"] for number in range(1, 1200)}
    assert main(["lights", "list"]) == 1
    assert capsys.readouterr().err.startswith(f"The bridge at {bridge.url} did not return a list of lamps. ")
