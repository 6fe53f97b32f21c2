"""The scripts and benchmarks: what they print, and what they refuse."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from media import write_clip
from parts import ROOT

from expression import sources


def start(script: str, *words: str) -> subprocess.Popen:
    """Starts a script of the project."""
    return subprocess.Popen(
        [sys.executable, "-u", str(ROOT / script), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def run(script: str, *words: str) -> tuple[int, str, str]:
    """Runs a script to its end; returns the exit code, stdout and stderr."""
    process = start(script, *words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_the_live_stream_script_prints_a_line_a_second():
    process = start("scripts/predict_live_stream.py", "demo")
    lines = [process.stdout.readline() for _ in range(7)]
    process.terminate()
    process.communicate(timeout=20)
    assert lines[0] == "Reading video stream ...\n"
    for blank, word, reading in (lines[1:4], lines[4:7]):
        assert blank == "\n"
        assert word == "Preprocessing ...\n"
        assert re.fullmatch(r"\d\d:\d\d:\d\ds : [\w ]+ , \d+%\n", reading)


def test_the_live_stream_script_says_that_it_takes_the_demo():
    if sources.first_camera() is not None:
        pytest.skip("there is a camera here")
    process = start("scripts/predict_live_stream.py")
    lines = [process.stdout.readline() for _ in range(2)]
    process.terminate()
    process.communicate(timeout=20)
    assert lines == ["Reading video stream ...\n", "No camera was found, so the bundled demo runs.\n"]


@pytest.mark.parametrize(
    "script", ["scripts/predict_live_stream.py", "scripts/train.py", "benchmarks/memory.py"]
)
def test_every_script_has_help(script):
    code, out, err = run(script, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: ")


def test_training_for_no_epochs_is_refused_before_the_data_is_read():
    code, out, err = run("scripts/train.py", "--data", "no.csv", "--out", "out", "--epochs", "0")
    assert (code, out) == (2, "")
    assert err == "--epochs is 0. Expected 1 or more. Try --epochs 12, or leave it out.\n"


@pytest.mark.parametrize("minutes", ["0", "-1", "nan"])
def test_memory_is_measured_for_more_than_no_time(minutes):
    code, _, err = run("benchmarks/memory.py", "--minutes", minutes)
    assert code == 2
    assert f"--minutes is {minutes}. Expected more than 0." in err


def test_memory_of_a_run_that_ends_early_is_measured_once(tmp_path):
    clip = str(write_clip(tmp_path / "clip.mp4", 12))
    code, out, err = run("benchmarks/memory.py", "--minutes", "0.5", "--source", clip)
    assert (code, err) == (0, "")
    assert len(re.findall(r"^\| \d+ \|", out, re.MULTILINE)) == 1
    assert "From " in out
