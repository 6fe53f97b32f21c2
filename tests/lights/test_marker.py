"""The marker on a bridge: runs on other computers, or with other settings folders, keep off its lamps."""

from __future__ import annotations

import shutil
import threading
import time

import pytest
from lighting import cut_off, quick
from parts import PATIENCE, wait_for
from strictbridge import lamps

from expression.cli.app import main
from expression.lights import credentials, marker
from expression.lights.bridge import Bridge
from expression.lights.colours import Light
from expression.lights.marker import HeldError, Marker
from expression.sinks.hue import Hue
from expression.teaching.simulated_bridge import failed


@pytest.fixture
def elsewhere(bridge, tmp_path, monkeypatch):
    """Returns a function that switches to the settings of another computer, and back."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(credentials.path(), folder)

    def go(there: bool = True) -> None:
        if there:
            monkeypatch.setenv(credentials.FOLDER, str(folder))
        else:
            monkeypatch.delenv(credentials.FOLDER, raising=False)

    return go


@pytest.fixture
def mark(bridge):
    """Returns a function that creates a marker with the current settings folder, not taken yet."""
    made = []

    def make() -> Marker:
        made.append(Marker(Bridge(credentials.find(bridge.url)), credentials.path().parent))
        return made[-1]

    yield make
    for each in made:
        each.release()
        each.bridge.close()


def run(rgb=(255, 0, 0)) -> Hue:
    sink = Hue(dwell=0.0)
    quick(sink)
    sink.open()
    sink.show(Light(rgb))
    return sink


def test_a_run_marks_the_bridge_and_takes_the_marker_away(bridge):
    sink = run()
    (sensor,) = bridge.sensors.values()
    assert (sensor["type"], sensor["name"][:14]) == ("CLIPGenericStatus", "expression on ")
    sink.close()
    assert bridge.sensors == {}


@pytest.mark.parametrize("words", [["test", "--seconds", "0"], ["restore"]])
def test_a_run_with_another_settings_folder_is_refused_and_harms_nothing(bridge, elsewhere, words, capsys):
    elsewhere()
    first = run()
    cut_off(first)
    elsewhere(False)
    second = run()
    elsewhere()
    count = len(bridge.commands)
    assert main(["lights", *words]) == 2
    err = capsys.readouterr().err
    assert "are in use by another run: expression on " in err
    assert "Expected one run at a time" in err
    assert err.endswith("If it crashed, wait 70 s, or run: expression lights free\n")
    assert len(bridge.commands) == count
    elsewhere(False)
    second.close()
    elsewhere()
    assert main(["lights", "restore"]) == 0
    assert bridge.lights == lamps()


def test_a_killed_run_hinders_its_own_computer_never_and_others_for_a_minute(
    bridge, mark, elsewhere, monkeypatch
):
    first = mark()
    first._keep = lambda: None
    first.take()
    elsewhere()
    second = mark()
    now = time.time()
    for later, free in ((0, False), (69, False), (71, True)):
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + later))
        monkeypatch.setattr(bridge, "clock", lambda clock=clock: clock)
        if free:
            second.take()
        else:
            with pytest.raises(HeldError):
                second.take()
        assert len(bridge.sensors) == 1
    elsewhere(False)
    with pytest.raises(HeldError):
        mark().take()
    elsewhere()
    third = mark()
    third.take()
    assert len(bridge.sensors) == 1, "the lock of the folder says whether the other one is alive"
    for each in (first, second, third):
        each.release()


@pytest.mark.slow
def test_a_bridge_is_freed_on_request(bridge, mark, elsewhere, capsys):
    elsewhere()
    held = mark()
    held.take()
    elsewhere(False)
    assert main(["lights", "test", "--seconds", "0"]) == 2
    assert main(["lights", "free"]) == 0
    assert capsys.readouterr().out.startswith("The bridge is free again. It was marked by: expression on ")
    assert main(["lights", "test", "--seconds", "0"]) == 0
    assert main(["lights", "free"]) == 0
    assert capsys.readouterr().out.endswith("The bridge was not marked.\n")
    held.release()


@pytest.mark.parametrize("why", ["no such thing", "table full", "a page", "no number"])
def test_where_a_bridge_takes_no_marker_the_run_goes_on_and_says_so(bridge, why, capsys):
    answers = {
        "no such thing": [failed(4, "/sensors", "method, POST, not available for resource, /sensors")],
        "table full": [failed(501, "/sensors", "No sensors can be created")],
        "no number": [{"success": {"id": None}}],
    }
    respond = bridge.respond

    def refuse(mode, path, text):
        if mode == "POST" and why == "a page":
            return 404, "text/html", b"Cannot POST"
        return respond(mode, path, text)

    bridge.respond, bridge._new_sensor = refuse, lambda body: answers[why]
    sink = run()
    sink.close()
    out = capsys.readouterr().out
    assert out.startswith("The bridge could not be marked as in use (")
    assert out.endswith("). Do not use its lights from another computer during this run.\n")
    assert bridge.lights == lamps()


def test_a_marker_is_renewed_and_made_again_where_it_was_taken_away(bridge, mark, monkeypatch):
    monkeypatch.setattr(marker, "RENEW_SECONDS", 0.02)
    held = mark()
    held.take()
    wait_for(lambda: bridge.sensors["1"]["state"]["status"] > 3)
    bridge.sensors.clear()
    wait_for(lambda: bridge.sensors)
    held.release()
    assert bridge.sensors == {}


def test_an_old_marker_of_which_nobody_knows_whose_it_was_gives_way(bridge, mark):
    old = {**marker.KIND, "name": "expression on another", "swversion": "20200101T000000"}
    bridge.sensors["7"] = {**old, "state": {"lastupdated": "2020-01-01T00:00:00"}}
    again = mark()
    again.take()
    (sensor,) = bridge.sensors.values()
    assert sensor["uniqueid"] == again._id
    again.release()
    assert bridge.sensors == {}


def test_a_run_whose_marker_was_replaced_by_another_says_so_once(bridge, mark, monkeypatch, caplog):
    monkeypatch.setattr(marker, "RENEW_SECONDS", 0.02)
    held = mark()
    held.take()
    bridge.sensors["1"] = {**bridge.sensors["1"], "uniqueid": "another-one"}
    wait_for(lambda: caplog.messages)
    held.release()
    assert len(caplog.messages) == 1
    assert "are in use by another run: expression on " in caplog.text
    assert bridge.sensors["1"]["uniqueid"] == "another-one"


def test_of_two_runs_that_begin_at_one_moment_one_is_refused(bridge, mark, elsewhere):
    for _ in range(10):
        elsewhere(False)
        one = mark()
        elsewhere()
        two = mark()
        gate, refused = threading.Barrier(2), []

        def take(each, gate=gate, refused=refused):
            gate.wait(PATIENCE)
            try:
                each.take()
            except HeldError:
                refused.append(each)

        threads = [threading.Thread(target=take, args=(each,)) for each in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused
        one.release()
        two.release()
        assert bridge.sensors == {}
        elsewhere(False)


def test_a_bridge_that_is_away_is_no_bridge_without_markers(bridge, mark):
    held = mark()
    bridge.stop()
    with pytest.raises(marker.BridgeError, match="Nothing is listening"):
        held.take()
