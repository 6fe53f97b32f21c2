"""The scripts and benchmarks: what they print, and what they refuse."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import tiny
from media import write_clip
from parts import ROOT

from expression import sources
from expression.runtime import load


def start(script: str, *words: str) -> subprocess.Popen:
    """Starts a script of the project."""
    return subprocess.Popen(
        [sys.executable, "-u", str(ROOT / script), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def run(script: str, *words: str, timeout: float = 60) -> tuple[int, str, str]:
    """Runs a script to its end; returns the exit code, stdout and stderr."""
    process = start(script, *words)
    out, err = process.communicate(timeout=timeout)
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--epochs", "0"), "The recipe has epochs=0."),
        (("--network", "vgg"), "--network is 'vgg'. Expected shipped or tutorial. Try --network shipped."),
        ((), "There is no data at no.csv."),
    ],
    ids=["epochs", "network", "data"],
)
def test_a_training_that_cannot_be_is_refused_in_a_line(words, said):
    code, out, err = run("scripts/train.py", "--data", "no.csv", "--out", "out", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(said)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_training_script_trains_exports_and_ends_with_the_accuracy(tmp_path):
    data, out = tiny.table(tmp_path / "fer2013.csv"), tmp_path / "out"
    words = ("--data", str(data), "--out", str(out), "--network", "tutorial", "--epochs", "1")
    code, told, err = run("scripts/train.py", *words, timeout=280)
    assert (code, err) == (0, "")
    assert told.startswith("epoch 1: loss ")
    assert re.fullmatch(r"Accuracy on validation set: \d+\.\d%", told.splitlines()[-1])
    assert load(out / "expression.tflite").heads == ("labels",)


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
