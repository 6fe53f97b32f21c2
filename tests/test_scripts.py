"""The scripts and benchmarks: what they print, and what they refuse."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tiny
from media import write_clip
from parts import PATIENCE, ROOT

from expression import sources
from expression.models import load
from expression.pictures.image import write_picture
from expression.sources.demo import Demo

pytestmark = pytest.mark.slow


def start(script: str, *words: str, cwd: Path | None = None) -> subprocess.Popen:
    """Starts a script of the project."""
    return subprocess.Popen(
        [sys.executable, "-u", str(ROOT / script), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=cwd,
    )


def run(script: str, *words: str, timeout: float = 60, cwd: Path | None = None) -> tuple[int, str, str]:
    """Runs a script to its end; returns the exit code, stdout and stderr."""
    process = start(script, *words, cwd=cwd)
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def test_the_live_stream_script_prints_a_line_a_second():
    process = start("scripts/predict_live_stream.py", "demo")
    lines = [process.stdout.readline() for _ in range(7)]
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert lines[0] == "Reading video stream ...\n"
    for blank, word, reading in (lines[1:4], lines[4:7]):
        assert blank == "\n"
        assert word == "Preprocessing ...\n"
        assert re.fullmatch(r"\d\d:\d\d:\d\ds : [\w ]+ , \d+%\n", reading)


@pytest.mark.parametrize("recorded", [False, True])
def test_the_live_stream_script_says_what_it_takes_in_place_of_a_camera(tmp_path, recorded):
    if sources.first_camera() is not None:
        pytest.skip("there is a camera here")
    video = Path("results", "preprocessing_test", "input_video.mp4")
    if recorded:
        (tmp_path / video).parent.mkdir(parents=True)
        shutil.copy(ROOT / video, tmp_path / video)
    process = start("scripts/predict_live_stream.py", cwd=tmp_path)
    lines = [process.stdout.readline() for _ in range(2)]
    process.terminate()
    process.communicate(timeout=PATIENCE)
    taken = f"so {video} is read" if recorded else "so the bundled demo runs"
    assert lines == ["Reading video stream ...\n", f"No camera was found, {taken}.\n"]


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
        (
            ("--network", "vgg"),
            "--network is 'vgg'. Expected one of shipped, whole, wide, quick, tutorial. Try --network",
        ),
        ((), "no.csv was not found."),
    ],
    ids=["epochs", "network", "data"],
)
def test_a_training_that_cannot_be_is_refused_in_a_line(words, said):
    code, out, err = run("scripts/train.py", "--data", "no.csv", "--out", "out", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(said)


@pytest.mark.timeout(300)
def test_the_training_script_trains_exports_and_ends_with_the_accuracy(tmp_path):
    data, out = tiny.table(tmp_path / "fer2013.csv"), tmp_path / "out"
    words = ("--data", str(data), "--out", str(out), "--network", "tutorial", "--epochs", "1")
    code, told, err = run("scripts/train.py", *words, timeout=280)
    assert (code, err) == (0, "")
    assert told.startswith("56 training pictures, 14 validation pictures.\nepoch 1: loss ")
    assert re.search(r"^Accuracy on validation set: \d+\.\d%$", told, re.MULTILINE)
    assert re.fullmatch(r"Accuracy on test set: \d+\.\d%", told.splitlines()[-1])
    assert load(out / "expression.tflite").heads == ("labels",)


def assignment(folder: Path, form: str) -> None:
    """What an assignment's folder data has in it."""
    whole = tiny.table(folder / "whole.csv").read_text(encoding="utf-8").splitlines()
    whole_path = folder / "whole.csv"
    data = folder / "data"
    data.mkdir()
    if form == "two tables":
        rows = [line.rpartition(",")[0] for line in whole[1:]]
        (data / "train.csv").write_text("\n".join(["emotion,pixels", *rows[:70]]), encoding="utf-8")
        (data / "test_with_emotions.csv").write_text(
            "\n".join(["emotion,pixels", *rows[70:]]), encoding="utf-8"
        )
        pixels = [row.partition(",")[2] for row in rows[70:]]
        (data / "test.csv").write_text("\n".join(["pixels", *pixels]), encoding="utf-8")
    elif form == "zip":
        with zipfile.ZipFile(data / "fer2013.zip", "w") as archive:
            archive.write(whole_path, "fer2013/fer2013.csv")
    else:
        whole_path.rename(data / form)
    whole_path.unlink(missing_ok=True)


FORMS = ["two tables", "fer2013.csv", "icml_face_data.csv", "zip"]


@pytest.mark.parametrize("form", FORMS)
def test_predict_runs_without_arguments_on_the_data_of_an_assignment(tmp_path, form):
    assignment(tmp_path, form)
    code, told, err = run("scripts/predict.py", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert told.startswith("Network: the shipped one\n")
    assert re.fullmatch(r"Accuracy on test set: \d+\.\d%", told.splitlines()[-1])


def test_predict_without_a_test_set_says_where_to_put_it(tmp_path):
    (tmp_path / "data").mkdir()
    tiny.table(tmp_path / "whole.csv")
    rows = [line.rpartition(",")[0] for line in (tmp_path / "whole.csv").read_text().splitlines()[1:]]
    (tmp_path / "data" / "train.csv").write_text("\n".join(["emotion,pixels", *rows]))
    code, _, err = run("scripts/predict.py", cwd=tmp_path)
    assert code == 2
    told = "The data have no pictures for a test. Expected test_with_emotions.csv beside train.csv"
    assert err.startswith(told)


@pytest.mark.timeout(300)
def test_train_and_predict_find_the_data_and_the_network_one_after_the_other(tmp_path):
    assignment(tmp_path, "two tables")
    code, told, err = run("scripts/train.py", "--epochs", "1", cwd=tmp_path, timeout=280)
    assert (code, err) == (0, "")
    assert re.fullmatch(r"Accuracy on test set: \d+\.\d%", told.splitlines()[-1])
    assert (tmp_path / "results" / "model" / "learning_curves.png").is_file()
    code, again, err = run("scripts/predict.py", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert re.match(r"Network: results.model.expression\.tflite\n", again)
    assert again.splitlines()[-1] == told.splitlines()[-1]


@pytest.mark.parametrize("script", ["scripts/train.py", "scripts/predict.py"])
@pytest.mark.parametrize("data", ["none", "empty", "housekeeping"])
def test_without_data_both_scripts_say_where_to_put_it(tmp_path, script, data):
    if data != "none":
        (tmp_path / "data").mkdir()
    if data == "housekeeping":
        (tmp_path / "data" / ".gitkeep").touch()
    code, told, err = run(script, cwd=tmp_path)
    assert (code, told) == (2, "")
    assert err == (
        f"No folder named data with files in it was found in {tmp_path}. Expected data/train.csv and "
        "data/test_with_emotions.csv, or data/fer2013.csv. "
        "Put the files there, or choose another location with --data PATH.\n"
    )


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


def test_decoding_is_measured_against_opencv_for_each_clip_of_a_folder(tmp_path):
    write_clip(tmp_path / "clip.mp4", 12)
    code, out, err = run("benchmarks/decoding.py", str(tmp_path), "--turns", "1")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"\| clip\.mp4 \| 12 \| 12 \| \d+ \| \d+ \| [\d.]+ \|", out.splitlines()[-1])


def test_the_preprocessing_script_reads_the_video_of_the_assignment(tmp_path):
    folder = tmp_path / "results" / "preprocessing_test"
    folder.mkdir(parents=True)
    demo = Demo()
    demo.open()
    pictures = [demo.picture(number) for number in range(0, 500, 5)]
    write_clip(folder / "input_video.mp4", 100, fps=5, pictures=pictures)
    code, out, err = run("scripts/preprocess.py", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert out.startswith("Reading video stream ...\nSource: input_video.mp4\n")
    assert out.endswith("pictures of 48 x 48 pixels in results/preprocessing_test\n".replace("/", os.sep))
    assert 18 <= len(list(folder.glob("image*.png"))) <= 20


def test_the_preprocessing_script_refuses_no_pictures(tmp_path):
    code, _, err = run("scripts/preprocess.py", "--count", "0", cwd=tmp_path)
    assert code == 2
    assert "--count is 0. Expected 1 or more. Leave it out for 21 seconds." in err


def test_the_hacking_script_fools_the_network_without_arguments(tmp_path):
    code, out, err = run("scripts/hack_the_cnn.py", cwd=tmp_path, timeout=PATIENCE)
    assert (code, err) == (0, "")
    assert out.startswith("Network: expression.tflite\n")
    assert re.search(r"\nHappy 9\d% became Sad \d\d% with changes of at most [1-4] grey levels\.\n", out)
    names = ("difference.png", "hacked_image.png", "input_image.png", "scores.txt")
    assert sorted(path.name for path in (tmp_path / "results" / "hack_cnn").iterdir()) == sorted(names)


def test_the_hacking_script_takes_any_picture_and_label(tmp_path):
    demo = Demo()
    demo.open()
    write_picture(tmp_path / "me.png", demo.picture(25))
    code, out, err = run("scripts/hack_the_cnn.py", "me.png", "--to", "Angry", cwd=tmp_path, timeout=PATIENCE)
    assert (code, err) == (0, "")
    assert "became Angry" in out
    code, _, err = run("scripts/hack_the_cnn.py", "me.png", "--to", "Angri", cwd=tmp_path, timeout=PATIENCE)
    assert code == 2
    assert "Did you mean Angry?" in err
