"""Lamps' previous states: saved, held by one run at a time, and restored in time, whatever happens."""

from __future__ import annotations

import json
import threading
import time

import pytest
from lighting import Clock, Noted, cut_off, many, quick
from parts import PATIENCE, wait_for
from readings import feed, seen
from strictbridge import KEY, StrictBridge, lamps

from expression.cli.app import main
from expression.lights.bridge import Bridge
from expression.lights.colours import Light
from expression.lights.credentials import Paired, remember
from expression.lights.lamps import BridgeLamp
from expression.lights.snapshot import HeldError, LampSnapshot, before_path, read_before
from expression.lights.transport import BridgeError
from expression.live import ending
from expression.live.session import Session
from expression.sinks import hue
from expression.sinks.hue import Hue


def test_a_run_after_one_that_was_cut_off_puts_back_what_was_before_that(bridge, capsys):
    first = Hue(lights="Sofa", dwell=0.0)
    first.open()
    first.send(seen(0, p1="Sad").items[0])
    cut_off(first)
    feed(Hue(lights="Sofa", dwell=0.0), seen(0, p1="Happy"))
    assert bridge.lights["1"]["state"] == lamps()["1"]["state"]
    assert (
        "An earlier run was interrupted; at the end the lights will be restored to their state on 20"
        in capsys.readouterr().out
    )
    assert not before_path().exists()


def test_a_lamp_out_of_reach_at_the_end_is_kept_for_later(bridge, capsys):
    sink = Hue(lights="Sofa+Desk", dwell=0.0)
    quick(sink)
    sink.open()
    sink.send(seen(0, p1="Sad").items[0])
    bridge.lights["1"]["state"]["reachable"] = False
    sink.close()
    assert "not restored yet: Sofa. Run later: expression lights restore" in capsys.readouterr().out
    assert list(read_before(before_path())[bridge.id]) == ["1"]
    assert sink.left == ["Sofa"]
    bridge.lights["1"]["state"]["reachable"] = True
    feed(Hue(lights="Desk", dwell=0.0), seen(0, p1="Sad"))
    assert capsys.readouterr().out.startswith("Not restored when an earlier run ended: Sofa; at ")
    assert bridge.lights == lamps()
    assert not before_path().exists()


def test_a_lamp_that_was_switched_off_in_the_run_is_named_kept_and_mended_once_it_is_on(bridge, capsys):
    sink = Hue(lights="Sofa+Desk", dwell=0.0)
    quick(sink)
    sink.open()
    sink.send(seen(0, p1="Sad").items[0])
    bridge.lights["1"]["state"]["on"] = False
    sink.close()
    said = "Switched off and not restored yet: Sofa. When switched on again, run: expression lights restore\n"
    assert capsys.readouterr().out == said
    assert sink.left == ["Sofa"]
    assert main(["lights", "restore"]) == 0
    assert capsys.readouterr().out == "Switched off, and saved for later: Sofa.\n"
    bridge.lights["1"]["state"]["on"] = True
    assert main(["lights", "restore"]) == 0
    assert capsys.readouterr().out.startswith("Restored to the state of 20")
    assert bridge.lights == lamps()
    assert not before_path().exists()


def test_a_lamp_that_was_switched_off_before_it_was_told_anything_is_not_kept(bridge, capsys):
    sink = Hue(lights="Sofa", dwell=0.0)
    sink.open()
    bridge.lights["1"]["state"]["on"] = False
    sink.close()
    assert (capsys.readouterr().out, sink.left, before_path().exists()) == ("", [], False)


def test_each_lamp_is_sent_only_what_it_lacks_and_its_own_colour_first(bridge):
    sink = Hue(lights="Sofa+Desk", dwell=0.0, by_score=False, brightness=144 / 254)
    quick(sink)
    sink.open()
    sink.send(seen(0, p1="Sad").items[0])
    bridge.commands.clear()
    sink.close()
    assert [body for _, _, body in bridge.commands] == [
        {"xy": [0.5, 0.42], "transitiontime": 0},
        {"ct": 366, "bri": 254, "transitiontime": 0},
    ]


def test_two_runs_at_one_bridge_are_refused_and_harm_nothing(bridge):
    first, second = Hue(lights="Sofa", dwell=0.0), Hue(lights="Desk", bridge=f"http://{bridge.place}")
    first.open()
    first.send(seen(0, p1="Sad").items[0])
    with pytest.raises(
        HeldError, match=r"in use by another run, .* one run at a time, .* Stop the other run first"
    ):
        second.open()
    assert main(["lights", "test", "--lights", "Desk"]) == 2
    assert main(["lights", "restore"]) == 2
    assert list(read_before(before_path())[bridge.id]) == ["1"]
    first.close()
    assert bridge.lights == lamps()
    second.open()
    second.close()


def test_two_sinks_at_one_bridge_end_the_run_with_words(bridge):
    run = Session("demo", display="none", duration=5, sinks=["hue:Sofa", "hue:Desk"])
    with pytest.raises(HeldError, match=r"as in hue:Sofa\+Desk\.$"):
        run.run()
    assert bridge.lights == lamps()


@pytest.mark.slow
def test_the_sinks_of_two_bridges_keep_both_records(bridge):
    other = StrictBridge().start()
    remember(Paired(other.url, KEY))
    try:
        for _ in range(10):
            sinks = [Hue(bridge=each.url) for each in (bridge, other)]
            _together(*[sink.open for sink in sinks])
            assert set(read_before(before_path())) == {bridge.id, other.id}
            _together(*[sink.close for sink in sinks])
            assert not before_path().exists()
    finally:
        other.stop()


def _together(*calls) -> None:
    """Calls all at the same moment, and raises what any of them raises."""
    failures, gate = [], threading.Barrier(len(calls))

    def call(one):
        gate.wait(PATIENCE)
        try:
            one()
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=call, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_a_record_is_found_by_the_id_of_a_bridge_that_has_moved(bridge, capsys):
    sink = Hue(lights="Sofa", dwell=0.0)
    sink.open()
    sink.send(seen(0, p1="Sad").items[0])
    cut_off(sink)
    bridge.stop()
    bridge.port = 0
    bridge.start()
    assert main(["lights", "restore"]) == 1
    assert capsys.readouterr().out == "Not restored, and saved for later: Sofa.\n"
    remember(Paired(bridge.url, KEY, id=bridge.id))
    assert main(["lights", "restore"]) == 0
    assert bridge.lights == lamps()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_records_of_older_files_are_found_by_the_address(bridge, scheme, capsys):
    if scheme == "https":
        remember(Paired(f"https://{bridge.place}", KEY, "f" * 64))
        remember(Paired(bridge.url, KEY))
    sofa = {"name": "Sofa", "time": "2025-01-02 03:04", "state": lamps()["1"]["state"]}
    before_path().parent.mkdir(parents=True)
    before_path().write_text(json.dumps({bridge.url: {"1": sofa}}), "utf-8")
    bridge.lights["1"]["state"].update(bri=9, xy=[0.2, 0.2])
    assert main(["lights", "restore"]) == 0
    assert capsys.readouterr().out == "Restored to the state of 2025-01-02 03:04: Sofa.\n"
    assert bridge.lights == lamps()
    assert not before_path().exists()


@pytest.mark.slow
def test_the_end_waits_until_many_lamps_are_put_back(bridge, capsys, monkeypatch):
    monkeypatch.setattr(ending, "JOIN_SECONDS", 0.2)
    before, sink = many(bridge, 25), Hue(dwell=0.0)
    with Session("demo", display="none", detector="haar", sinks=[sink]) as run:
        wait_for(lambda: len(bridge.commands) >= 25)
    statistics = run.statistics()
    assert bridge.lights == before
    assert statistics["threads_left"] == 0
    assert statistics["stop_seconds"] > 2
    assert "Restoring the lights ..." in capsys.readouterr().out
    assert not before_path().exists()


@pytest.mark.slow
def test_where_no_time_is_left_the_others_are_kept_and_the_remedy_is_told(bridge, monkeypatch, capsys):
    before, sink = many(bridge, 25), Hue(dwell=0.0)
    quick(sink)
    sink.open()
    while not sink.controller.show(Light((255, 0, 0))):
        pass
    monkeypatch.setattr(hue, "BACK_SECONDS", 0.0)
    monkeypatch.setattr(hue, "TIMEOUT", 1.0)
    with pytest.raises(
        BridgeError, match=r"not restored within 1 s: Lamp 11, .* Run: expression lights restore"
    ):
        sink.close()
    assert list(read_before(before_path())[bridge.id]) == [str(n) for n in range(11, 26)]
    assert sink.left == [f"Lamp {n}" for n in range(11, 26)]
    assert main(["lights", "restore"]) == 0
    assert bridge.lights == before


@pytest.mark.slow
def test_a_bridge_that_hangs_while_lamps_are_put_back_is_given_up_at_once(bridge):
    many(bridge, 25)
    sink = Hue(dwell=0.0)
    quick(sink)
    sink.open()
    while not sink.controller.show(Light((255, 0, 0))):
        pass
    change, left = bridge._change, iter(range(5))

    def tire(*each):
        if next(left, None) is None:
            bridge.day = "hang"
        return change(*each)

    bridge._change = tire
    sink._bridge.transport.timeout = 0.3
    began = time.monotonic()
    with pytest.raises(BridgeError, match=r"did not answer within 0\.3 s.* expression lights restore"):
        sink.close()
    assert time.monotonic() - began < 20 * 0.3, "the other twenty are not waited for"
    assert sink.close_seconds == 0
    assert len(sink.left) == len(read_before(before_path())[bridge.id]) == 25


def test_a_bridge_that_does_not_answer_is_not_waited_for_longer(bridge):
    many(bridge, 40)
    sink = Hue(dwell=0.0)
    assert sink.close_seconds == 0
    sink.open()
    assert sink.close_seconds > 20
    bridge.stop()
    with pytest.raises(BridgeError):
        sink.show(Light((255, 0, 0)))
    assert sink.close_seconds == 0
    with pytest.raises(BridgeError, match="expression lights restore"):
        sink.close()


@pytest.mark.slow
def test_a_lamp_that_takes_commands_without_doing_them_is_named_and_kept(bridge, capsys):
    sink = Hue(lights="Sofa", dwell=0.0)
    quick(sink)
    sink.open()
    sink.send(seen(0, p1="Sad").items[0])
    bridge._apply = lambda state, good: None
    sink.close()
    said = "Sofa did not return to the previous state. Try again: expression lights restore\n"
    assert (capsys.readouterr().out, sink.left) == (said, ["Sofa"])
    assert main(["lights", "restore"]) == 0
    said = "Did not return to the previous state (try again: expression lights restore): Sofa.\n"
    assert capsys.readouterr().out == said
    assert list(read_before(before_path())[bridge.id]) == ["1"]
    del bridge._apply
    assert main(["lights", "restore"]) == 0
    assert capsys.readouterr().out.startswith("Restored to the state of 20")
    assert bridge.lights == lamps()
    assert not before_path().exists()


def kept(bridge, seconds: float, *numbers: str):
    """Changes lamps, restores them within the given seconds, and returns the outcome."""
    clock = Clock()
    pace = Noted(clock, clock.sleep)
    with LampSnapshot(bridge.id) as before:
        before.keep([BridgeLamp(number, bridge.lights[number]) for number in numbers])
        for number in numbers:
            bridge.lights[number]["state"].update(bri=9, xy=[0.2, 0.2], colormode="xy", ct=200)
        opened = Bridge(Paired(bridge.url, KEY), pace)
        try:
            return before.put_back(opened, seconds)
        finally:
            opened.close()


def test_a_bridge_that_cannot_give_back_the_values_of_other_modes_is_done(bridge):
    bridge._derived = {}
    assert kept(bridge, 60, "1", "2").done == ["Sofa", "Desk"]
    assert not before_path().exists()


def test_a_bridge_that_rounds_what_a_lamp_shows_is_done(bridge):
    apply, bridge._derived = bridge._apply, {}

    def round_off(state, good):
        apply(state, good)
        state.update(bri=state["bri"] - 1, xy=[each + 0.0004 for each in state["xy"]])

    bridge._apply = round_off
    assert kept(bridge, 60, "1").done == ["Sofa"]


def test_a_lamp_for_which_no_time_is_left_in_the_second_round_is_kept(bridge):
    bridge._derived = {}
    outcome = kept(bridge, 0.2, "1", "2")
    assert (outcome.done, outcome.late) == (["Sofa"], ["Desk"])
    assert list(read_before(before_path())[bridge.id]) == ["2"]
