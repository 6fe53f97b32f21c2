"""Every way a run can end while lamps misbehave in every way: the others are restored, at once or later."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import sys

import processes
import pytest
from lighting import many
from parts import PATIENCE, expression_process, wait_for
from strictbridge import lamp, lamps
from ways import ANSWERS, SAYS

from expression.lights.snapshot import before_path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="needs the signals and terminals of POSIX"),
]

LIVE = ("live", "--source", "demo", "--display", "none", "--detector", "whole", "--sink", "hue:dwell=0")

WAYS = {
    "101": ("answers", "error 901 (home-assistant 51827)"),
    "102": ("answers", "error 307"),
    "103": ("answers", "error 201"),
    "104": ("answers", "error 7"),
    "105": ("answers", "error 7 for bri alone"),
    "106": ("answers", "error 6"),
    "107": ("answers", "a page with status 500"),
    "108": ("answers", "a list of words"),
    "109": ("says", "ct 0, of a Paulmann lamp (ioBroker.hue 234)"),
    "110": ("says", "ct null (home-assistant 44694)"),
    "111": ("says", "no xy"),
    "112": ("says", "hue and saturation only"),
    "113": ("says", "a plug"),
    "114": ("says", "reachable false"),
    "115": ("says", "state null"),
    "116": ("says", "an entry that is null"),
}
"""Lamps that misbehave, one in each documented way; the sofa's, lamp 1, hangs."""


@pytest.fixture(autouse=True)
def ways(bridge):
    """Makes lamps misbehave at every end, one in each way."""
    bridge.answers["1"] = lambda path, told: bridge._wake.wait(20) and None
    for number, (where, name) in WAYS.items():
        bridge.lights[number] = lamp(f"Lamp {number}")
        getattr(bridge, where)[number] = (SAYS if where == "says" else ANSWERS)[name]


def others(lights: dict) -> dict:
    """The state of the lamps that do not misbehave."""
    return {n: entry["state"] for n, entry in copy.deepcopy(lights).items() if n != "1" and n not in WAYS}


def wait_until_they_follow(bridge) -> None:
    before = others(lamps())
    wait_for(lambda: all(others(bridge.lights)[n] != before[n] for n in "23"), 40)


def check(bridge) -> None:
    """The other lamps are restored, and the marker is gone."""
    assert others(bridge.lights) == others(lamps())
    assert bridge.sensors == {}


def check_after_the_next_start(bridge, how: str) -> None:
    """The other lamps are not restored; the next start restores them."""
    assert others(bridge.lights) != others(lamps())
    assert before_path().exists()
    words = ["lights", "restore"] if how == "restore" else [*LIVE, "--duration", "1"]
    process = expression_process(*words)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert (
        "Restored to the state of " in out
        or "An earlier run was interrupted; at the end the lights will be restored " in out
    )
    check(bridge)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "duration"])
def test_a_run_that_ends_by_itself_or_by_a_signal(bridge, name, tmp_path):
    words = ["--duration", "10"] if name == "duration" else []
    with processes.ending(expression_process(*LIVE, *words, "--stats", str(tmp_path / "s.json"))) as process:
        wait_until_they_follow(bridge)
        if not words:
            process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert "Traceback" not in err
    check(bridge)
    assert json.loads((tmp_path / "s.json").read_text("utf-8"))["threads_left"] == 0


@pytest.mark.parametrize("again", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_second_signal_while_lamps_are_put_back_is_survived(bridge, again):
    before = many(bridge, 30)
    with processes.ending(expression_process(*LIVE)) as process:
        wait_for(lambda: len(bridge.commands) >= 60, 60)
        process.send_signal(signal.SIGINT)
        while process.stdout.readline() != "Restoring the lights ...\n":
            pass
        process.send_signal(getattr(signal, again))
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert others(bridge.lights) == others(before)
    if again == "SIGINT":
        said = [line for line in out.splitlines() if line.startswith("Shutting down: ")]
        assert len(said) == 1
        assert " lights have yet to be restored (Lamp " in said[0]
        assert re.search(r" and \d+ more\)\. Press Ctrl-C again to quit now\.$", said[0])
    assert "Stopped.\n" in out


def test_who_insists_hears_what_is_left_and_how_it_is_put_back(bridge, tmp_path):
    before, stats = many(bridge, 30), tmp_path / "s.json"
    with processes.ending(expression_process(*LIVE, "--stats", str(stats))) as process:
        wait_for(lambda: len(bridge.commands) >= 60, 60)
        process.send_signal(signal.SIGINT)
        while process.stdout.readline() != "Restoring the lights ...\n":
            pass
        process.send_signal(signal.SIGINT)
        while not process.stdout.readline().startswith("Shutting down: "):
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    *_, last = err.splitlines()
    assert last.startswith("The thread hue did not end before Ctrl-C was pressed again. ")
    assert " lights have yet to be restored (Lamp " in last
    assert last.endswith(" Run: expression lights restore")
    statistics = json.loads(stats.read_text("utf-8"))
    assert (statistics["threads_left"], statistics["error"][:5]) == (1, "hue: ")
    restore = expression_process("lights", "restore")
    restore.communicate(timeout=PATIENCE)
    assert restore.returncode == 0
    assert others(bridge.lights) == others(before)


def test_a_terminal_that_is_closed(bridge):
    ours, theirs = os.openpty()
    words = [sys.executable, "-c", TERMINAL, *LIVE]
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    process = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    )
    os.close(theirs)
    with processes.ending(process):
        wait_until_they_follow(bridge)
        os.close(ours)
        process.wait(40)
    check(bridge)


TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from expression.cli.app import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line with a terminal of its own, which sends SIGHUP when it is closed."""

SCRIPT = """
import os, sys, time
from expression import Session

session = Session("demo", display="none", detector="whole", sinks=["hue:dwell=0"])
session.start()
print("started", flush=True)
sys.stdin.readline()
{}
"""

ENDS = {
    "the script ends": ("", 0),
    "the script is over by sys.exit": ("sys.exit(3)", 3),
    "the script fails": ("raise ZeroDivisionError('mine')", 1),
    "the flag done": ("session.data.done = True", 0),
    "the flag done, and stop": ("session.data.done = True; session.stop()", 0),
    "a thread fails": ("session._prediction.step = None; session.data.wait_done(20)", 0),
    "a sink fails": ("session.sinks[0].settings = None; time.sleep(1)", 0),
    "a fork ends first": ("os.fork() and os.wait()", 0),
    "stop twice": ("session.stop(); session.stop()", 0),
}


@contextlib.contextmanager
def script(bridge, text: str):
    """A script that has started a session, whose lamps follow."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with processes.running([sys.executable, "-c", text], text=True, **pipes) as process:
        assert process.stdout.readline() == "started\n"
        wait_until_they_follow(bridge)
        yield process


@pytest.mark.parametrize(("words", "code"), ENDS.values(), ids=ENDS)
def test_a_script_that_started_a_session(bridge, words, code):
    with script(bridge, SCRIPT.format(words)) as process:
        out, err = process.communicate("\n", timeout=60)
    assert process.returncode == code, out + err
    check(bridge)


def test_a_script_that_is_interrupted_twice_at_its_end(bridge):
    before = many(bridge, 30)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with processes.running([sys.executable, "-c", SCRIPT.format("")], text=True, **pipes) as process:
        assert process.stdout.readline() == "started\n"
        wait_for(lambda: len(bridge.commands) >= 60, 60)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "Restoring the lights ...\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    assert "Shutting down: " in out
    assert others(bridge.lights) == others(before)


@pytest.mark.parametrize("how", ["restore", "live"])
@pytest.mark.parametrize("words", ["os.kill(os.getpid(), 9)", "os._exit(1)", "os.abort()"])
def test_a_script_that_is_cut_off(bridge, words, how):
    with script(bridge, SCRIPT.format(words)) as process:
        process.communicate("\n", timeout=60)
    assert process.returncode != 0
    check_after_the_next_start(bridge, how)


@pytest.mark.parametrize("how", ["restore", "live"])
def test_a_run_that_is_killed(bridge, how, tmp_path):
    stats = tmp_path / "s.json"
    with processes.ending(expression_process(*LIVE, "--stats", str(stats))) as process:
        wait_until_they_follow(bridge)
        process.kill()
        process.communicate()
    assert json.loads(stats.read_text("utf-8"))["error"] == "the run has not ended, or was cut off"
    check_after_the_next_start(bridge, how)


def test_a_kernel_that_is_restarted(bridge):
    manager = pytest.importorskip("jupyter_client").KernelManager()
    manager.start_kernel()
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        client.execute(SCRIPT.replace("sys.stdin.readline()", "").format(""))
        wait_until_they_follow(bridge)
        manager.restart_kernel()
        check(bridge)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("how", ["key", "server"])
def test_a_window_that_is_closed_by_its_key_and_one_whose_display_server_dies(bridge, how, tmp_path):
    from screen import virtual_screen

    stats = tmp_path / "s.json"
    words = [*LIVE[:3], "--display", "window", *LIVE[5:], "--stats", str(stats)]
    with virtual_screen() as screen, contextlib.ExitStack() as stack:
        command = [sys.executable, "-m", "expression", *words]
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        process = stack.enter_context(processes.running(command, env=screen.environment, text=True, **pipes))
        window = screen.window("Expression")
        wait_until_they_follow(bridge)
        if how == "key":
            screen.press(window, "Escape")
        else:
            screen.kill()
        out, err = process.communicate(timeout=PATIENCE)
    statistics = json.loads(stats.read_text("utf-8"))
    if how == "key":
        assert process.returncode == 0, out + err
        assert statistics["error"] is None
        check(bridge)
    else:
        assert process.returncode != 0
        assert statistics["error"] == "the run has not ended, or was cut off"
        check_after_the_next_start(bridge, "restore")
