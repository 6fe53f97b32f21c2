"""The commands of lights: what they print, on an emulated bridge and a strict one, and their failures."""

from __future__ import annotations

import os
import re
import signal
import sys
import time

import processes
import pytest
from lighting import many
from parts import PATIENCE, expression_process, wait_for
from strictbridge import KEY, lamps

from expression.cli.app import main
from expression.lights.credentials import Paired, remember
from expression.lights.lamps import BridgeLamp
from expression.lights.snapshot import LampSnapshot, before_path, read_before


def test_all_lamps_and_groups_are_listed_with_why_some_are_left_alone(bridge, capsys):
    assert main(["lights", "list"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "  1  Sofa                     follows",
        "  2  Desk                     follows",
        "  3  Strip                    follows",
        "  4  Hall                     left alone: switched off",
        "  5  Shed                     left alone: cannot be reached",
        "  6  Kitchen white            left alone: white only",
        "  7  Plug                     left alone: not dimmable",
        "room Living room: Sofa, Desk",
        "zone Everything: Sofa, Desk, Strip, Hall, Shed, Kitchen white",
    ]
    assert err == ""


@pytest.mark.slow
def test_an_emulated_bridge_is_listed(simulator, capsys):
    assert main(["lights", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "  1  Hue Lamp 1               left alone: switched off",
        "  2  Hue Lamp 2               follows",
        "group Group 1: Hue Lamp 1, Hue Lamp 2",
    ]


@pytest.mark.slow
def test_the_test_shows_every_colour_and_puts_all_back(bridge, capsys):
    assert main(["lights", "test", "--lights", "Sofa", "--seconds", "0"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Following: Sofa.\nAngry: #ff0000 at 100%\nDisgust: ")
    assert out.endswith("The lamps were restored.\n")
    assert len(bridge.commands) == 8
    assert bridge.lights == lamps()
    assert not before_path().exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_test_that_is_ended_by_a_signal_puts_all_back(bridge, name):
    process = expression_process("lights", "test", "--lights", "Sofa", "--seconds", "30")
    assert process.stdout.readline() == "Following: Sofa.\n"
    assert bridge.told.wait(PATIENCE)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("Stopped.\nThe lamps were restored.\n")
    assert bridge.lights == lamps()
    assert not before_path().exists()


@pytest.mark.slow
def test_a_test_whose_lamps_are_not_all_put_back_does_not_say_that_they_are(bridge, capsys, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: bridge.lights["1"]["state"].update(reachable=False))
    assert main(["lights", "test", "--lights", "Sofa", "--seconds", "1"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("Unreachable and not restored yet: Sofa. Run later: expression lights restore\n")
    assert "The lamps were restored" not in out


@pytest.mark.slow
def test_a_test_whose_lamp_is_taken_away_meanwhile_says_so(bridge, capsys, monkeypatch):
    gone = lambda seconds: len(bridge.commands) == 7 and bridge.lights.pop("1", None)  # noqa: E731  the last colour
    monkeypatch.setattr(time, "sleep", gone)
    assert main(["lights", "test", "--lights", "Sofa", "--seconds", "1"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("No longer on the bridge, and forgotten: Sofa.\n")
    assert "The lamps were restored" not in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["test", "--lights", "Sofia"], 2, "There is no light 'Sofia' on the bridge. Expected one of Sofa, "),
        (["test", "--group", "Cellar"], 2, "There is no room or group 'Cellar' on the bridge. "),
        (["list", "--bridge", "10.0.0.9"], 2, "No bridge has been paired at 10.0.0.9. "),
        (["list", "--bridge", "no such"], 2, "'no such' is not the address of a bridge. "),
        (["test", "--lights", "Sofa, Desk"], 2, "There is no light 'Sofa, Desk' on the bridge. "),
        (["pair", "127.0.0.1:9"], 1, "Nothing is listening at http://127.0.0.1:9. "),
        (["pair", "ftp://x"], 2, "'ftp://x' is not the address of a bridge. "),
    ],
)
def test_a_failure_is_one_line(bridge, words, code, said, capsys):
    assert main(["lights", *words]) == code
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == 1
    assert KEY not in err


@pytest.mark.parametrize("words", [["list"], ["test"]])
def test_a_wrong_key_a_bridge_away_and_a_missing_package_are_told(bridge, words, capsys, monkeypatch):
    remember(Paired(bridge.url, "wrong"))
    assert main(["lights", *words]) == 2
    assert "does not recognise the key" in capsys.readouterr().err
    bridge.stop()
    assert main(["lights", *words]) == 1
    assert capsys.readouterr().err.startswith("Nothing is listening at http://127.0.0.1:")
    monkeypatch.setitem(sys.modules, "phue", None)
    assert main(["lights", *words]) == 1
    assert 'pip install -e ".[lights]"' in capsys.readouterr().err


def test_an_address_that_may_be_left_out_stands_in_brackets(capsys):
    assert main(["lights", "pair", "--wait", "0"]) == 2
    assert "Expected expression lights pair [ADDRESS] [--wait]. Run: " in capsys.readouterr().err


def test_several_lights_with_a_comma_are_told_what_to_write(bridge, capsys):
    assert main(["lights", "test", "--lights", "Sofa, Desk"]) == 2
    assert capsys.readouterr().err.endswith("Separate names with +: Sofa+Desk\n")


def test_a_bridge_without_lights_is_told(bridge, capsys):
    bridge.lights.clear()
    assert main(["lights", "list"]) == 0
    assert capsys.readouterr().out.startswith("The bridge has no lights. Add some in the Hue app.\nroom ")
    assert main(["lights", "test", "--lights", "Sofa"]) == 2
    assert capsys.readouterr().err == (
        "There is no light 'Sofa' on the bridge. Expected the bridge to have at least one. "
        "Add one in the Hue app.\n"
    )


def noted(bridge: str, lights: dict, numbers: str, url: str = "") -> None:
    """Notes lamps as a run does that is cut off then."""
    with LampSnapshot(bridge, url) as before:
        before.keep([BridgeLamp(*each) for each in lights.items() if each[0] in numbers])


def test_restoring_tells_of_lamps_that_were_switched_off_or_taken_away(bridge, capsys):
    noted(bridge.id, bridge.lights, "123", bridge.url)
    bridge.lights["1"]["state"].update(on=False, bri=9)
    del bridge.lights["3"]
    assert main(["lights", "restore"]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.endswith(": Desk.")
    assert others == [
        "Switched off, and saved for later: Sofa.",
        "No longer on the bridge, and forgotten: Strip.",
    ]
    assert list(read_before(before_path())[bridge.id]) == ["1"]


def test_restoring_tells_what_it_did_and_goes_on_when_one_bridge_is_away(bridge, capsys):
    gone = Paired("http://127.0.0.1:9", "x")
    remember(gone)
    noted(gone.url, bridge.lights, "15")
    noted(bridge.id, bridge.lights, "15", bridge.url)
    bridge.lights["1"]["state"].update(bri=9, xy=[0.2, 0.2])
    assert main(["lights", "restore"]) == 1
    out, err = capsys.readouterr()
    first, *others = out.splitlines()
    assert first == "Not restored, and saved for later: Sofa, Shed."
    assert others[0].startswith("Restored to the state of 20")
    assert others[0].endswith(": Sofa.")
    assert others[1:] == ["Unreachable, and saved for later: Shed."]
    assert err.startswith("Nothing is listening at http://127.0.0.1:9. ")
    assert bridge.lights == lamps()
    before_path().write_text("{", "utf-8")
    assert main(["lights", "restore"]) == 2
    assert "lights.json is damaged" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")
@pytest.mark.parametrize("insists", [False, True])
def test_a_test_that_is_interrupted_again_while_lamps_are_put_back(bridge, insists):
    before = many(bridge, 30)
    with processes.ending(expression_process("lights", "test", "--seconds", "9")) as process:
        wait_for(lambda: len(bridge.commands) >= 30, 40)
        process.send_signal(signal.SIGINT)
        while process.stdout.readline() != "Restoring the lights ...\n":
            pass
        process.send_signal(signal.SIGINT)
        assert re.match(
            r"Shutting down: \d+ lights have yet to be restored \(Lamp ", process.stdout.readline()
        )
        if insists:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    if not insists:
        assert (process.returncode, out, err) == (0, "Stopped.\nThe lamps were restored.\n", "")
    else:
        assert (process.returncode, out) == (1, "")
        assert err.startswith("These lights were not restored before Ctrl-C was pressed: Lamp ")
        assert err.endswith(". Run: expression lights restore\n")
        assert main(["lights", "restore"]) == 0
    assert bridge.lights == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_restoring_that_is_interrupted_says_so_and_goes_on_the_next_time(bridge, name):
    before = many(bridge, 30)
    noted(bridge.id, bridge.lights, set(bridge.lights), bridge.url)
    for each in bridge.lights.values():
        each["state"].update(bri=9)
    with processes.ending(expression_process("lights", "restore")) as process:
        assert bridge.told.wait(40)
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert err.startswith("These lights were not restored before Ctrl-C was pressed: Lamp 1, ")
    assert "Traceback" not in err
    assert bridge.sensors == {}, "another computer need not wait"
    assert main(["lights", "restore"]) == 0
    assert bridge.lights == before
