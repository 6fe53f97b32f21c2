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
import tiny
import typer
from parts import PATIENCE, Pictures, expression_process

from expression import sources
from expression.cli import app
from expression.errors import SourceLostError
from expression.live.capture import CaptureLoop
from expression.live.detection import FaceLoop
from expression.live.prediction import PredictLoop
from expression.models.registry import SHIPPED
from expression.settings import CHOICES

NONE = ("--display", "none")
LONG, NOBODY = "a" * 300, "~nobody-of-this-name"


def run(capsys, *words: str) -> tuple[int, str, str]:
    """Runs a command in this process; returns the exit code, stdout and stderr."""
    code = app.main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_version_and_bare_command(capsys):
    assert run(capsys, "--version")[:2] == (0, "expression 0.1.0\n")
    code, out, _ = run(capsys)
    assert code == 0
    assert "live" in out


def every_command(group=None, *words: str):
    """Yields the words of each command, and of each group of commands."""
    group = group or typer.main.get_command(app.app)
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
    example = " ".join(("Example: expression", *words)) if words else "Start with: expression live"
    assert example in out


@pytest.mark.parametrize("name", CHOICES)
def test_the_help_of_live_names_every_choice_of_a_setting(capsys, name):
    _, out, _ = run(capsys, "live", "--help")
    line = re.search(rf"--{name} NAME +(.*)", out)[1]
    here = [choice for choice in CHOICES[name] if choice != "widget"]  # a notebook's
    assert line == f"{', '.join(here[:-1])} or {here[-1]}."


@pytest.mark.parametrize(
    "words", [(), ("dataset",), ("lights",), ("models",)], ids=lambda words: " ".join(words) or "all"
)
def test_no_summary_of_a_command_is_cut_on_a_terminal_of_80_columns(capsys, monkeypatch, words):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run(capsys, *words, "--help")
    summaries = out.partition("Commands:\n")[2].splitlines()
    assert len(summaries) > 2
    assert [line for line in summaries if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        pytest.param(("dataset", "import"), "PATH", id="import"),
        pytest.param(("lights", "pair"), "ADDRESS", id="pair"),
        pytest.param(("models", "get"), "NAME", id="get"),
    ],
)
def test_help_names_arguments_as_it_names_the_values_of_options(capsys, words, named):
    _, out, _ = run(capsys, *words, "--help")
    assert f"\n  {named} " in out.partition("Arguments:")[2]


def test_the_commands_of_groups_are_among_every_command():
    words = {(), ("live",), ("check",), ("train",), ("evaluate",), ("export",)}
    assert words | {("models",), ("models", "list"), ("models", "get")} <= set(every_command())


FORM = r"Expected expression live \[--source\] .*\[--stats\]\. Run: expression live --help"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["live", "--nonsense"], r"No such option: --nonsense\. " + FORM, id="option"),
        pytest.param(["live", "x"], r"extra argument.* \(x\)\. " + FORM, id="stray word"),
        pytest.param(["live", "--people"], r"requires an argument\. Expected a value after", id="no value"),
        pytest.param(["lve"], r"'live'\? Expected expression live\|check.* Run: expression -", id="near"),
        pytest.param(["models", "list", "x"], r"Expected expression models list\. Run:", id="no options"),
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
    ("widget in a terminal", lambda f: ("--source", "demo", "--display", "widget"), r"not a notebook"),
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


@pytest.mark.slow
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
    assert statistics["seconds"] > 0.9
    assert statistics["threads_left"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")
def test_ctrl_c_ends_a_live_run_in_good_order(tmp_path, number):
    stats = tmp_path / "s.json"
    process = expression_process("live", "--source", "demo", *NONE, "--stats", str(stats))
    first = [process.stdout.readline() for _ in range(5)]
    process.send_signal(getattr(signal, number))
    out, err = process.communicate(timeout=PATIENCE)
    statistics = json.loads(stats.read_text())
    assert process.returncode == 0, err
    assert err == ""
    assert "Stopped.\n" in out
    assert first[0].startswith("Source: ")
    assert statistics["threads_left"] == 0


@pytest.mark.slow
def test_without_a_camera_the_demo_runs_and_says_so(tmp_path):
    if sources.first_camera() is not None:
        pytest.skip("there is a camera here")
    process = expression_process("live")
    assert process.stdout.readline() == "No camera was found, so the bundled demo runs.\n"
    assert any(re.search(r"\d\d:\d\d:\d\d", line) for line in process.stdout), "readings are printed"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")


def test_the_settings_file_of_the_folder_is_used(capsys, tmp_path, monkeypatch):
    (tmp_path / "expression.toml").write_text('detector = "nonsense"\n')
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "live", *NONE)
    assert code == 2
    assert "detector is 'nonsense'" in err


def test_a_camera_by_its_device_that_is_not_there_is_told_as_a_camera(capsys):
    code, _, err = run(capsys, "live", "--source", "/dev/video987", "--display", "none")
    assert code == 2
    assert err.startswith("Camera 987 was not found (no /dev/video987).")


def test_a_run_that_ends_before_its_first_frame_says_so(capsys):
    code, out, err = run(capsys, "live", "--source", "demo", "--display", "none", "--duration", "0.001")
    assert (code, err) == (0, "")
    assert out.endswith(" s, no frame was read.\n")


def test_ctrl_c_in_any_command_leaves_a_word(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("expression.models.registry.listing", interrupted)
    code, _, err = run(capsys, "models", "list")
    assert (code, err) == (130, "Stopped.\n")


def test_a_file_without_permission_is_one_clear_line(capsys, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied", "mine.tflite")

    monkeypatch.setattr("expression.live.session.load", refused)
    code, _, err = run(capsys, "live", "--source", "demo", *NONE)
    assert code == 2
    assert err == (
        "mine.tflite cannot be used (Permission denied). "
        "Expected one that you can read and write. Check its permissions.\n"
    )


# The commands that teach a network, tell how good it is and make it small.


@pytest.fixture
def shelf(tmp_path):
    """A folder with what is wrong with files: FER2013 in two forms, a text, and networks."""
    tiny.table(tmp_path / "faces.csv")
    lines = (tmp_path / "faces.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "no_fear.csv").write_text(
        "".join(x for x in lines if not x.startswith("2,")), encoding="utf-8"
    )
    (tmp_path / "wrong.csv").write_text("emotion,pixels,Usage\n3,1 2 3,Training\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("neither faces nor a network", encoding="utf-8")
    (tmp_path / "notes.keras").write_text("neither faces nor a network", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    face = tmp_path / "chosen" / "validation" / "happy" / "1.png"  # no training beside it
    face.parent.mkdir(parents=True)
    cv2.imwrite(str(face), np.full((48, 48), 90, np.uint8))
    return tmp_path


TUTORIAL = ("--network", "tutorial")  # the one that is built soonest
TRAIN, EVALUATE, EXPORT = ("train", "--out", "out", *TUTORIAL), ("evaluate",), ("export", "--out", "x.tflite")
SHIPPED_KERAS = str(SHIPPED.with_suffix(".keras"))
BAD_TEACHING = [
    (
        "train on nothing",
        TRAIN,
        r"FER2013 was not found at nowhere\. Expected fer2013\.csv, a folder",
    ),
    (
        "train into nothing",
        ("train", "--data", "faces.csv"),
        r"Missing option '--out'.* Expected expression train .* Run: expression train",
    ),
    ("no such data", (*TRAIN, "--data", "none.csv"), r"none\.csv was not found\. Expected fer2013\.csv"),
    ("text as data", (*TRAIN, "--data", "notes.txt"), r"notes\.txt"),
    ("wrong csv", (*TRAIN, "--data", "wrong.csv"), r"wrong\.csv"),
    ("empty folder", (*TRAIN, "--data", "empty"), r"empty has no labelled pictures"),
    (
        "one label only",
        (*TRAIN, "--data", "no_fear.csv", "--labels", "Sad,Wink"),
        r"training pictures of Sad only",
    ),
    (
        "one label named",
        (*TRAIN, "--data", "faces.csv", "--labels", "Sad"),
        r"--labels is 'Sad'\. Expected two or more labels",
    ),
    (
        "labels of nothing",
        (*TRAIN, "--data", "faces.csv", "--labels", "Wink,Bored"),
        r"has no usable pictures",
    ),
    (
        "labels that the network does not know",
        (*EVALUATE, "--data", "chosen", "--labels", "Happy,Wink", "--split", "test"),
        r"The data have no pictures for test",
    ),
    ("no such network", (*TRAIN, "--data", "faces.csv", "--network", "vgg"), r"--network is 'vgg'"),
    ("no epochs", (*TRAIN, "--data", "faces.csv", "--epochs", "0"), r"The recipe has epochs=0"),
    ("epochs in words", (*TRAIN, "--data", "faces.csv", "--epochs", "two"), r"Invalid value for '--epochs'"),
    ("no such value", (*TRAIN, "--data", "faces.csv", "--set", "erase=0"), r"--set is 'erase=0'"),
    ("negative seed", (*TRAIN, "--data", "faces.csv", "--seed", "-1"), r"The recipe has seed=-1"),
    (
        "start is no network",
        (*TRAIN, "--data", "faces.csv", "--start", "notes.keras"),
        r"notes\.keras is not a",
    ),
    (
        "no such start",
        (*TRAIN, "--data", "faces.csv", "--start", "no.keras"),
        r"no\.keras was not found",
    ),
    (
        "no such teacher",
        (*TRAIN, "--data", "faces.csv", "--teacher", "no.tflite"),
        r"The network .*no\.tflite was not found",
    ),
    (
        "out is a file",
        ("train", "--out", "notes.txt", "--data", "faces.csv", *TUTORIAL),
        r"notes\.txt cannot be written",
    ),
    (
        "out of a long name",
        ("train", "--out", LONG, "--data", "faces.csv", *TUTORIAL),
        r"aaa.* cannot be reached",
    ),
    (
        "no data here",
        EVALUATE,
        r"FER2013 was not found at nowhere\. Expected fer2013\.csv, a folder",
    ),
    ("evaluate on text", (*EVALUATE, "--data", "notes.txt"), r"notes\.txt"),
    (
        "no such model",
        (*EVALUATE, "--data", "faces.csv", "--model", "no.tflite"),
        r"The network .*no\.tflite was not found",
    ),
    ("model is text", (*EVALUATE, "--data", "faces.csv", "--model", "notes.keras"), r"notes\.keras is not a"),
    (
        "no such detector",
        (*EVALUATE, "--data", "faces.csv", "--detector", "eyes"),
        r"no detector 'eyes'\. Expected one of auto, haar",
    ),
    (
        "a detector for faces that are cut",
        (*EVALUATE, "--data", "faces.csv", "--detector", "haar"),
        r"--detector is given, but the faces in faces\.csv are already cropped",
    ),
    ("no such split", (*EVALUATE, "--data", "faces.csv", "--split", "training"), r"--split is 'training'"),
    ("no such labels", (*EVALUATE, "--data", "faces.csv", "--labels", "mine"), r"no labels 'mine'"),
    ("no votes", (*EVALUATE, "--data", "faces.csv", "--labels", "ferplus"), r"The data have no votes"),
    (
        "json nowhere",
        (*EVALUATE, "--data", "faces.csv", "--json", "a/b.json"),
        r"There is no folder a\. Expected one for --json",
    ),
    (
        "json in a file",
        (*EVALUATE, "--data", "faces.csv", "--json", "notes.txt/b.json"),
        r"notes\.txt is not a folder\. Expected one for --json",
    ),
    ("json is a folder", (*EVALUATE, "--data", "faces.csv", "--json", "empty"), r"empty cannot be written"),
    ("export nothing", EXPORT, r"Missing option '--model'"),
    ("export no such file", (*EXPORT, "--model", "no.keras"), r"no\.keras was not found"),
    ("export text", (*EXPORT, "--model", "notes.keras"), r"notes\.keras is not a network"),
    (
        "export to another ending",
        ("export", "--model", SHIPPED_KERAS, "--out", "x.bin"),
        r"does not end in \.tfl",
    ),
    (
        "export nowhere",
        ("export", "--model", SHIPPED_KERAS, "--out", "a/x.tflite"),
        r"x\.tflite cannot be writ",
    ),
    ("another form", (*EXPORT, "--model", SHIPPED_KERAS, "--quantize", "int4"), r"--quantize is 'int4'"),
    (
        "faces for no use",
        (*EXPORT, "--model", SHIPPED_KERAS, "--data", "faces.csv"),
        r"with --quantize dynamic",
    ),
    (
        "no such faces",
        (*EXPORT, "--model", SHIPPED_KERAS, "--quantize", "int8", "--data", "none.csv"),
        r"none\.csv was not found\. Expected fer2013\.csv",
    ),
    (
        "no faces for int8",
        (*EXPORT, "--model", SHIPPED_KERAS, "--quantize", "int8", "--data", "chosen"),
        r"chosen has no pictures for training",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"), [case[1:] for case in BAD_TEACHING], ids=[case[0] for case in BAD_TEACHING]
)
def test_bad_input_of_a_training_is_one_clear_line_and_exit_code_2(capfd, shelf, monkeypatch, words, said):
    monkeypatch.chdir(shelf)
    monkeypatch.setenv("EXPRESSION_DATA", "nowhere")
    before = sorted(path.name for path in shelf.rglob("*"))
    code, _, err = run(capfd, *words)
    assert (code, err.count("\n")) == (2, 1), err
    assert re.search(said, err), err
    assert re.fullmatch(r".+[.?)] Expected .+\. [A-Z].+\n", err)
    assert sorted(path.name for path in shelf.rglob("*")) == before, "nothing is left behind"


# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.slow
def test_a_network_is_taught_evaluated_and_exported(capfd, shelf, monkeypatch):
    monkeypatch.chdir(shelf)
    words = ("train", "--data", "faces.csv", "--out", "mine", *TUTORIAL, "--epochs", "2")
    code, out, err = run(capfd, *words)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines.pop(0) == "56 training pictures, 14 validation pictures."
    for epoch, line in enumerate(lines[:2], 1):
        assert re.fullmatch(rf"epoch {epoch}: loss \d\.\d+, correct in validation [\d.]+%", line)
    assert re.fullmatch(
        r"mine.expression\.keras: [\d.]+% correct in validation\. expression\.tflite: .*", lines[2]
    )
    assert lines[3] == "Next: expression evaluate --model mine/expression.tflite --data faces.csv"
    again = run(capfd, *words)[1].splitlines()
    assert again[1:] == ["The training was already finished.", *lines[2:]], (
        "a finished training is not done again"
    )
    for step in lines[3:4]:
        code, out, err = run(capfd, *step.split()[2:], "--split", "validation", "--json", "found.json")
        found = json.loads((shelf / "found.json").read_text(encoding="utf-8"))
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == f"Accuracy on validation set: {found['accuracy']:.1%}"
        assert found["pictures"] == 14
    model = ("export", "--model", "mine/expression.keras", "--out", "small.tflite")
    code, out, err = run(capfd, *model, "--quantize", "int8", "--data", "faces.csv")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"small\.tflite: int8, [\d.]+ [KM]B\n", out)
    assert run(capfd, "evaluate", "--model", "small.tflite", "--data", "faces.csv")[0] == 0


def test_the_shipped_network_is_evaluated_on_fer2013_in_the_folder(capfd, shelf, monkeypatch):
    monkeypatch.chdir(shelf)
    (shelf / "faces.csv").rename("fer2013.csv")
    monkeypatch.delenv("EXPRESSION_DATA", raising=False)
    code, out, err = run(capfd, "evaluate", "--json", "found.json")
    found = json.loads((shelf / "found.json").read_text(encoding="utf-8"))
    assert (code, err) == (0, "")
    assert re.fullmatch(r"Accuracy on test set: \d+\.\d%", out.splitlines()[-1])
    names = "accuracy accuracy_without_leaked macro_f1 recall precision ece confusion labels pictures"
    assert {*names.split(), "milliseconds_per_face"} <= set(found)
    assert found["accuracy_without_leaked"] is not None
    assert np.sum(found["confusion"]) == found["pictures"] == 14


def test_a_folder_of_pictures_is_a_test_set(capfd, tmp_path):
    for number, label in enumerate(("happy", "SAD")):
        (tmp_path / label).mkdir()
        for count in range(3):
            face = np.full((60, 50, 3), 40 * count + number, np.uint8)
            cv2.imwrite(str(tmp_path / label / f"{count}.png"), face)
    code, out, err = run(capfd, "evaluate", "--data", str(tmp_path))
    assert (code, err) == (0, "")
    assert "also in Training" not in out
    assert "photos" not in out
    assert out.splitlines()[-1].startswith("Accuracy on test set: ")


def lay_set(folder, labels: str, splits: str = "train test", count: int = 6) -> None:
    """A folder for each label below folders for splits, with pictures that no two are alike."""
    generator = np.random.default_rng(1)
    for split in splits.split():
        for label in labels.split():
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                face = generator.integers(0, 256, (48, 48), np.uint8)
                cv2.imwrite(str(folder / split / label / f"{number}.png"), face)


def test_what_is_left_out_and_matched_is_told_before_the_figures(capfd, tmp_path):
    lay_set(tmp_path, "anger happy contempt")
    (tmp_path / "test" / "happy" / "cut.png").write_bytes(b"")
    (tmp_path / "test" / "happy" / "Thumbs.db").write_bytes(b"x")
    code, out, err = run(capfd, "evaluate", "--data", str(tmp_path))
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        "Ignored hidden and system files and folders: 1 (test/happy/Thumbs.db).",
        "Folder names matched: anger → Angry.",
        "Skipped 13 of 37 pictures: 12 of contempt, which is not one of the labels (test/contempt/0.png, "
        "test/contempt/1.png, test/contempt/2.png, ...); 1 empty (test/happy/cut.png).",
    ]
    assert out.splitlines()[-1].startswith("Accuracy on test set: ")


def test_a_network_of_seven_labels_is_evaluated_on_a_set_of_three(capfd, tmp_path):
    lay_set(tmp_path, "happy sad neutral")
    code, _, err = run(capfd, "evaluate", "--data", str(tmp_path), "--json", str(tmp_path / "f.json"))
    found = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert (code, err, found["pictures"]) == (0, "", 18)
    assert [label for label, value in found["recall"].items() if value is not None] == [
        "Happy",
        "Sad",
        "Neutral",
    ]


def test_pictures_under_two_labels_are_told(capfd, tmp_path):
    lay_set(tmp_path, "angry surprise")
    face = (tmp_path / "train" / "angry" / "0.png").read_bytes()
    (tmp_path / "train" / "surprise" / "same.png").write_bytes(face)
    first = run(capfd, "evaluate", "--data", str(tmp_path))[1].splitlines()[0]
    told = "train/angry/0.png is Angry and train/surprise/same.png is Surprise."
    assert first == f"1 picture appears under more than one label: {told}"


def test_only_some_labels_are_evaluated_where_they_are_named(capfd, tmp_path):
    lay_set(tmp_path, "happy sad fear ahegao")
    code, out, err = run(capfd, "evaluate", "--data", str(tmp_path), "--labels", "happy,sad")
    assert (code, err) == (0, "")
    assert "Skipped 24 of 48 pictures" in out
    code, _, err = run(capfd, "evaluate", "--data", str(tmp_path))
    assert (code, "--labels" in err) == (2, True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_eight_labels_are_learned_on_request_and_those_that_are_missing_left_out(
    capfd, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    lay_set(tmp_path / "set", "happy sad contempt", "train val test")
    teach = ("train", *TUTORIAL, "--epochs", "1", "--data", "set")
    code, out, err = run(capfd, *teach, "--out", "two")
    assert (code, err) == (0, "")
    assert "To learn Contempt as well, add --labels Happy,Sad,Contempt." in out
    assert "Trains on Happy, Sad; there are no training pictures of Angry" in out
    assert run(capfd, "evaluate", "--data", "set", "--model", "two/expression.tflite")[0] == 0
    code, out, _ = run(capfd, *teach, "--out", "three", "--labels", "happy,SAD,contempt")
    assert code == 0
    assert out.startswith("18 training pictures, 18 validation pictures.")
    out = run(capfd, "evaluate", "--data", "set", "--model", "three/expression.tflite")[1]
    assert re.search(r"^Contempt +6 ", out, re.MULTILINE)


def test_faces_are_found_in_photos_and_cut_out_where_a_detector_is_named(capfd, tmp_path, portrait):
    for label, picture in (("happy", portrait), ("sad", np.full((80, 80, 3), 90, np.uint8))):
        (tmp_path / label).mkdir()
        cv2.imwrite(str(tmp_path / label / "1.png"), picture)
    code, out, err = run(capfd, "evaluate", "--data", str(tmp_path), "--detector", "haar")
    assert (code, err) == (0, "")
    assert out.startswith("No face was found in 1 of 2 pictures; they are used whole.\n")


def test_photos_that_are_taken_for_faces_are_spoken_of(capfd, tmp_path, portrait):
    (tmp_path / "happy").mkdir()
    cv2.imwrite(str(tmp_path / "happy" / "1.png"), cv2.resize(portrait, (600, 500)))
    out = run(capfd, "evaluate", "--data", str(tmp_path))[1]
    assert out.startswith("1 of 1 pictures are as large as photos. Try --detector auto.\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send")
def test_ctrl_c_in_a_training_says_how_to_go_on(shelf):
    words = ("train", "--data", "faces.csv", "--out", "mine", *TUTORIAL, "--epochs", "900")
    process = expression_process(*words, cwd=shelf)
    assert process.stdout.readline().startswith("56 training pictures")
    assert process.stdout.readline().startswith("epoch 1: ")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (
        1,
        "The training was stopped after 1 epoch. Expected it to run to the end. "
        "Run the same command again to continue after the last complete epoch.\n",
    )
    assert (shelf / "mine" / "training.json").is_file()


@pytest.mark.parametrize("kind", [KeyError, MemoryError, RecursionError, ZeroDivisionError, AssertionError])
def test_whatever_fails_is_one_line_and_the_traceback_is_there_on_request(capsys, monkeypatch, caplog, kind):
    def fails() -> list[str]:
        raise kind("rtsp://me:Tr0ub4dor@camera")

    monkeypatch.setattr("expression.models.registry.listing", fails)
    code, out, err = run(capsys, "models", "list")
    assert (code, out) == (1, "")
    assert err.startswith(f"Unexpected error: {kind.__name__}: ")
    assert err.endswith("Run it again with EXPRESSION_DEBUG=1, and report what it prints.\n")
    assert err.count("\n") == 1
    assert not caplog.text
    monkeypatch.setenv("EXPRESSION_DEBUG", "1")
    run(capsys, "models", "list")
    assert "in fails" in caplog.text
    assert "Tr0ub4dor" not in caplog.text + err
