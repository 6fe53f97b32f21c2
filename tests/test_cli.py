"""The command line: what users type, what they read, and the exit codes."""

from __future__ import annotations

import json
import re
import signal
import sys
import threading

import cv2
import numpy as np
import pytest
import typer
from parts import Pictures, expression_process

from expression import cli, sources
from expression.errors import SourceLostError
from expression.faces import FaceLoop
from expression.prediction import PredictLoop
from expression.sources import CaptureLoop

NONE = ("--display", "none")
LONG, NOBODY = "a" * 300, "~nobody-of-this-name"


def run(capsys, *words: str) -> tuple[int, str, str]:
    """Runs a command in this process; returns the exit code, stdout and stderr."""
    code = cli.main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_version_and_bare_command(capsys):
    assert run(capsys, "--version")[:2] == (0, "expression 0.1.0\n")
    code, out, _ = run(capsys)
    assert code == 0
    assert "live" in out


def every_command(group=None, *words: str):
    """Yields the words of each command, and of each group of commands."""
    group = group or typer.main.get_command(cli.app)
    yield words
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every_command(command, *words, name)
        else:
            yield (*words, name)


@pytest.mark.parametrize("words", list(every_command()), ids=lambda words: " ".join(words) or "none")
def test_every_command_has_help_with_an_example(capsys, words):
    code, out, _ = run(capsys, *words, "--help")
    assert code == 0
    example = " ".join(("Example: expression", *words)) if words else "Begin with: expression live"
    assert example in out


def test_the_commands_of_groups_are_among_every_command():
    assert {(), ("live",), ("check",), ("models",), ("models", "list"), ("models", "get")} <= set(
        every_command()
    )


FORM = r"Expected expression live \[--source\] .*\[--stats\]\. Run: expression live --help"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["live", "--nonsense"], r"No such option: --nonsense\. " + FORM, id="option"),
        pytest.param(["live", "x"], r"extra argument.* \(x\)\. " + FORM, id="stray word"),
        pytest.param(["live", "--people"], r"requires an argument\. Expected a value after", id="no value"),
        pytest.param(["lve"], r"'live'\? Expected expression live\|check.* Run: expression -", id="near"),
        pytest.param(["check", "x"], r"Expected expression check\. Run: expression check -", id="no options"),
        pytest.param(["models"], r"Missing command\. Expected expression models list\|get\.", id="group"),
        pytest.param(["models", "get"], r"Expected expression models get NAME\.", id="argument"),
    ],
)
def test_wrong_usage_says_what_was_expected(capsys, words, said):
    code, _, err = run(capsys, *words)
    assert (code, err.count("\n")) == (2, 1)
    assert re.search(said, err), err


def _text_file(folder, name="holiday.mp4"):
    (folder / name).write_text("this is no video")
    return str(folder / name)


def _empty_folder(folder):
    (folder / "empty").mkdir()
    return str(folder / "empty")


BAD = [
    ("no such camera", lambda f: ("--source", "77"), r"[Cc]amera 77"),
    ("negative camera", lambda f: ("--source", "-1"), r"-1"),
    ("no such file", lambda f: ("--source", str(f / "no.mp4")), r"no\.mp4"),
    ("no such source", lambda f: ("--source", "nonsense"), r"'nonsense'"),
    ("text renamed mp4", lambda f: ("--source", _text_file(f)), r"holiday\.mp4"),
    ("text renamed jpg", lambda f: ("--source", _text_file(f, "face.jpg")), r"face\.jpg"),
    ("empty folder", lambda f: ("--source", _empty_folder(f)), r"empty"),
    ("unwritable stats", lambda f: ("--source", "demo", "--stats", str(f / "a" / "b.json")), r"b\.json"),
    ("csv of nobody", lambda f: ("--source", "demo", "--sink", f"csvfile:{NOBODY}/a.csv"), r"a\.csv"),
    ("csv of a long name", lambda f: ("--source", "demo", "--sink", f"csvfile:{LONG}"), r"aaa"),
    ("source of nobody", lambda f: ("--source", f"{NOBODY}/a.mp4"), r"a\.mp4"),
    ("source of a long name", lambda f: ("--source", LONG), r"aaa.* cannot be reached"),
    ("network of nobody", lambda f: ("--source", "demo", "--model", f"{NOBODY}/a.tflite"), r"a\.tflite"),
    ("network of a long name", lambda f: ("--source", "demo", "--model", LONG), r"aaa.* cannot be reached"),
    ("stats of a long name", lambda f: ("--source", "demo", "--stats", LONG), r"aaa"),
    ("stats is a folder", lambda f: ("--source", "demo", "--stats", str(f)), r"cannot be written"),
    ("unwritable csv", lambda f: ("--source", "demo", "--sink", f"csvfile:{f}/a/b.csv"), r"b\.csv"),
    ("no such sink", lambda f: ("--source", "demo", "--sink", "consol"), r"consol"),
    ("bad sink option", lambda f: ("--source", "demo", "--sink", "csvfile:colour=red"), r"colour"),
    ("no such network", lambda f: ("--source", "demo", "--model", str(f / "no.tflite")), r"no\.tflite"),
    ("text as network", lambda f: ("--source", "demo", "--model", _text_file(f, "m.tflite")), r"m\.tflite"),
    ("no such detector", lambda f: ("--detector", "yolo"), r"detector is 'yolo'"),
    ("no such smoothing", lambda f: ("--smooth", "silk"), r"smooth is 'silk'"),
    ("no such display", lambda f: ("--display", "wall"), r"display is 'wall'"),
    ("widget in a terminal", lambda f: ("--source", "demo", "--display", "widget"), r"no notebook"),
    ("people in words", lambda f: ("--people", "two"), r"people is 'two'"),
    ("no people", lambda f: ("--people", "0"), r"people is 0"),
    ("negative duration", lambda f: ("--duration", "-3"), r"duration is -3"),
    ("endless duration", lambda f: ("--duration", "nan"), r"duration is nan"),
    ("unknown option", lambda f: ("--nonsense",), r"--nonsense"),
    ("stray word", lambda f: ("nonsense",), r"nonsense"),
]


@pytest.mark.parametrize(("words", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_one_clear_line_and_exit_code_2(capsys, tmp_path, words, said):
    words = words(tmp_path)
    words = words if "--display" in words else (*words, *NONE)
    before = threading.active_count()
    code, _, err = run(capsys, "live", *words)
    assert code == 2
    assert err.count("\n") == 1
    assert re.search(said, err), err
    assert "Traceback" not in err
    assert re.fullmatch(r".+[.?)] Expected .+\. [A-Z].+\n", err), (
        "what happened, what was expected, what to do"
    )
    assert threading.active_count() == before


def test_a_window_without_a_screen_is_one_clear_line(capsys, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if sys.platform != "linux":
        pytest.skip("a screen cannot be taken away here")
    code, _, err = run(capsys, "live", "--source", "demo", "--display", "window")
    assert (code, err.count("\n")) == (2, 1)
    assert "choose the display none" in err


def test_bad_input_leaves_an_existing_csv_as_it_was(capsys, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("my,own\nnotes,1\n")
    code, _, err = run(
        capsys, "live", "--source", "demo", "--duration", "1", *NONE, "--sink", f"csvfile:{path}"
    )
    assert code == 2
    assert "notes.csv" in err
    assert path.read_text() == "my,own\nnotes,1\n"


@pytest.mark.parametrize(
    ("loop", "name"), [(CaptureLoop, "capture"), (FaceLoop, "faces"), (PredictLoop, "prediction")]
)
def test_a_thread_that_breaks_is_named_in_one_line_and_exit_code_1(capsys, monkeypatch, loop, name):
    def broken(worker):
        raise ZeroDivisionError("no luck")

    monkeypatch.setattr(loop, "step", broken)
    code, _, err = run(capsys, "live", "--source", "demo", *NONE)
    assert code == 1
    assert err.count("\n") == 1
    assert f"The {name} thread stopped: ZeroDivisionError: no luck." in err


def test_a_source_that_dies_is_one_line_and_exit_code_1(capsys, monkeypatch):
    gone = SourceLostError("Camera 0 gives no pictures.", "Expected it to go on.", "Plug it in again.")
    source = Pictures(10, raises=gone)
    monkeypatch.setattr(sources, "_load", lambda *_: lambda *_args, **_kw: source)
    code, out, err = run(capsys, "live", "--source", "0", *NONE)
    assert (code, err) == (1, str(gone) + "\n")
    assert source.closed == 1
    assert "10 frames" in out


def _clip(path, frames=24, fps=24.0):
    """Writes a short video of a moving bar."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (160, 120))
    for number in range(frames):
        image = np.full((120, 160, 3), 60, np.uint8)
        image[:, number * 4 : number * 4 + 10] = 220
        writer.write(image)
    writer.release()


def test_a_video_is_read_to_its_end_at_its_own_pace(capsys, tmp_path):
    _clip(tmp_path / "bar.mp4")
    stats = tmp_path / "s.json"
    code, out, _ = run(
        capsys,
        "live",
        "--source",
        str(tmp_path / "bar.mp4"),
        "--detector",
        "whole",
        *NONE,
        "--stats",
        str(stats),
    )
    statistics = json.loads(stats.read_text())
    assert code == 0
    assert "24 frames" in out
    assert statistics["frames_read"] == 24
    assert 0.9 < statistics["seconds"] < 2.5
    assert statistics["threads_left"] == 0


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")
def test_ctrl_c_ends_a_live_run_in_good_order(tmp_path, number):
    stats = tmp_path / "s.json"
    process = expression_process("live", "--source", "demo", *NONE, "--stats", str(stats))
    first = [process.stdout.readline() for _ in range(5)]
    process.send_signal(getattr(signal, number))
    out, err = process.communicate(timeout=20)
    statistics = json.loads(stats.read_text())
    assert process.returncode == 0, err
    assert err == ""
    assert "Stopped.\n" in out
    assert first[0].startswith("Source: ")
    assert statistics["threads_left"] == 0
    assert statistics["stop_seconds"] < 2


def test_without_a_camera_the_demo_runs_and_says_so(tmp_path):
    if sources.first_camera() is not None:
        pytest.skip("there is a camera here")
    process = expression_process("live", "--duration", "2")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("No camera was found, so the bundled demo runs.\n")
    assert re.search(r"\d\d:\d\d:\d\d", out), "readings are printed"


def test_the_settings_file_of_the_folder_is_used(capsys, tmp_path, monkeypatch):
    (tmp_path / "expression.toml").write_text('detector = "nonsense"\n')
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "live", *NONE)
    assert code == 2
    assert "detector is 'nonsense'" in err


def test_a_file_without_permission_is_one_clear_line(capsys, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied", "mine.tflite")

    monkeypatch.setattr("expression.runtime.load", refused)
    code, _, err = run(capsys, "live", "--source", "demo", *NONE)
    assert code == 2
    assert err == (
        "mine.tflite cannot be used (Permission denied). "
        "Expected one that you may read and write. Check its permissions.\n"
    )
