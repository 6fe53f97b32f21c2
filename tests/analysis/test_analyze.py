"""Recordings become rows: the same with any number of threads, and after any interruption."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from media import write_clip

from expression.analysis import run as analysis
from expression.analysis.analyzer import Analyzer
from expression.analysis.progress import Progress
from expression.analysis.run import analyze
from expression.cli import app
from expression.errors import BadInputError, MissingFileError, OutputError, SourceLostError
from expression.files import hold_output, let_go
from expression.models import load
from expression.pictures.image import write_picture
from expression.settings import Settings
from expression.sources.demo import Demo
from expression.vision.resting import FEWEST, SECONDS, RestingFaces

SETTINGS = Settings(detector="whole")


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    """Frames of the demo, close to the face."""
    demo = Demo()
    demo.open()
    return [demo.picture(number)[60:380, 160:480] for number in range(0, 120, 4)]


@pytest.fixture
def clip(tmp_path, faces) -> Path:
    return write_clip(tmp_path / "clip.mp4", len(faces), fps=25, pictures=faces)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_every_face_in_every_frame_is_a_row(clip, tmp_path):
    result = analyze([clip], tmp_path / "out.csv", SETTINGS)
    rows = rows_of(tmp_path / "out.csv")
    assert (result.rows, result.frames, result.done) == (30, 30, [clip])
    assert [int(row["frame"]) for row in rows] == list(range(30))
    assert [float(row["time"]) for row in rows] == pytest.approx([n / 25 for n in range(30)], abs=0.001)
    assert {row["person"] for row in rows} == {"1"}
    assert list(rows[0])[:9] == ["frame", "time", "person", "x", "y", "width", "height", "label", "score"]
    assert not (tmp_path / "out.csv.unfinished").exists()


@pytest.mark.parametrize("workers", [2, 5])
def test_any_number_of_threads_gives_the_same_rows(clip, tmp_path, workers):
    analyze([clip], tmp_path / "one.csv", SETTINGS, workers=1)
    analyze([clip], tmp_path / "many.csv", SETTINGS, workers=workers)
    assert (tmp_path / "many.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


class Stopped(Exception):
    """Stands in for Ctrl-C."""


def stop_at(number: int):
    def advance(path, done, count):
        if done == number:
            raise Stopped

    return advance


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 7, 29])
def test_an_interrupted_analysis_goes_on_where_it_was(clip, tmp_path, monkeypatch, at):
    analyze([clip], tmp_path / "whole.csv", SETTINGS)
    with pytest.raises(Stopped):
        analyze([clip], tmp_path / "out.csv", SETTINGS, workers=2, advance=stop_at(at))
    assert not (tmp_path / "out.csv").exists()
    looked, found = [], Analyzer._found
    monkeypatch.setattr(Analyzer, "_found", lambda self, frame: looked.append(frame) or found(self, frame))
    analyze([clip], tmp_path / "out.csv", SETTINGS, workers=2)
    assert len(looked) == 30 - at
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def unfinished(out: Path) -> Path:
    (path,) = out.with_name(f"{out.name}.unfinished").glob("*.faces")
    return path


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-9]), id="a torn last line"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b'[3,"'), id="a torn next line"),
        pytest.param(lambda path: path.write_bytes(b"\0" * 500), id="zeros"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.unlink(), id="gone"),
    ],
)
def test_what_a_power_failure_leaves_costs_no_row_and_gives_none_twice(clip, tmp_path, damage):
    out = tmp_path / "out.csv"
    with pytest.raises(Stopped):
        analyze([clip], out, SETTINGS, advance=stop_at(12))
    damage(unfinished(out))
    analyze([clip], out, SETTINGS)
    assert [int(row["frame"]) for row in rows_of(out)] == list(range(30))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"settings": Settings(detector="whole", sensitivity=0.9)}, id="another sensitivity"),
        pytest.param({"every": 2}, id="fewer frames"),
    ],
)
def test_what_was_found_with_other_settings_is_not_used(clip, tmp_path, change):
    arguments = {"settings": SETTINGS} | change
    analyze([clip], tmp_path / "whole.csv", **arguments)
    with pytest.raises(Stopped):
        analyze([clip], tmp_path / "out.csv", SETTINGS, advance=stop_at(12))
    analyze([clip], tmp_path / "out.csv", **arguments)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_every_nth_frame_keeps_its_number_and_its_time(clip, tmp_path):
    analyze([clip], tmp_path / "out.csv", SETTINGS, every=10)
    rows = rows_of(tmp_path / "out.csv")
    assert [(row["frame"], row["time"]) for row in rows] == [("0", "0.0"), ("10", "0.4"), ("20", "0.8")]


def test_a_folder_is_analysed_whole_and_a_broken_file_costs_only_itself(clip, tmp_path, faces):
    folder = tmp_path / "videos"
    (folder / "more").mkdir(parents=True)
    for name in ("2.mp4", "10.mp4"):
        (folder / name).write_bytes(clip.read_bytes())
    (folder / "3.mp4").write_bytes(clip.read_bytes()[:200])
    (folder / ".DS_Store").write_bytes(b"x")
    write_picture(folder / "more" / "photo.jpg", faces[0])
    result = analyze([folder], tmp_path / "out.csv", SETTINGS)
    assert [path.name for path in result.done] == ["2.mp4", "10.mp4", "photo.jpg"]
    assert [path.name for path, _ in result.failed] == ["3.mp4"]
    rows = rows_of(tmp_path / "out.csv")
    assert len(rows) == result.rows == 61
    assert [Path(row["file"]).name for row in rows[::30]] == ["2.mp4", "10.mp4", "photo.jpg"]


def test_the_rows_of_finished_recordings_are_there_while_others_are_under_way(clip, tmp_path):
    other = tmp_path / "zweite.mp4"
    other.write_bytes(clip.read_bytes())
    out, count = tmp_path / "out.csv", []

    def advance(path, done, total):
        count.append(len(rows_of(out)) if out.exists() else 0)

    analyze([clip, other], out, SETTINGS, workers=1, advance=advance)
    assert count == [0] * 30 + [30] * 30


@pytest.mark.parametrize(
    ("names", "error", "said"),
    [
        pytest.param(["none.mp4"], MissingFileError, "There is no file or folder .*none.mp4", id="missing"),
        pytest.param(["empty"], BadInputError, "The folder .*empty has no files", id="empty folder"),
        pytest.param(["notes.txt"], BadInputError, "notes.txt cannot be read as a video", id="text"),
        pytest.param(["texts"], BadInputError, "None of the 2 files can be read. The first:", id="texts"),
    ],
)
def test_what_cannot_be_analysed_is_refused(tmp_path, names, error, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    for place in (tmp_path / "notes.txt", tmp_path / "texts" / "a.txt", tmp_path / "texts" / "b.txt"):
        place.write_text("no video")
    with pytest.raises(error, match=said):
        analyze([tmp_path / name for name in names], tmp_path / "out.csv", SETTINGS)
    assert not (tmp_path / "out.csv").exists()


def test_one_run_writes_a_file(clip, tmp_path):
    lock = hold_output(tmp_path / "out.csv", "Stop it.")
    with pytest.raises(BadInputError, match="is being written by another run"):
        analyze([clip], tmp_path / "out.csv", SETTINGS)
    let_go(lock)


def test_memory_does_not_grow_with_the_recording(clip, tmp_path, monkeypatch):
    """Only a few frames are decoded ahead of those that are scored."""
    ahead, most = 0, []
    frames, found = analysis.Recording.frames, Analyzer._found

    def counted(self, first):
        nonlocal ahead
        for frame in frames(self, first):
            ahead += 1
            most.append(ahead)
            yield frame

    def scored(self, frame):
        nonlocal ahead
        ahead -= 1
        return found(self, frame)

    monkeypatch.setattr(analysis.Recording, "frames", counted)
    monkeypatch.setattr(Analyzer, "_found", scored)
    analyze([clip], tmp_path / "out.csv", SETTINGS, workers=2)
    assert max(most) <= 6


def test_after_ctrl_c_the_command_says_how_to_continue_and_does(clip, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["analyze", "clip.mp4", "--out", "out.csv", "--detector", "whole"]
    add, added = Progress.add, []

    def interrupted(self, faces):
        if len(added) == 10:
            raise KeyboardInterrupt
        added.append(faces.number)
        add(self, faces)

    with monkeypatch.context() as pressed:
        pressed.setattr(Progress, "add", interrupted)
        assert app.main(command) == 130
    told = capsys.readouterr()
    assert "To continue where it stopped, run the same command again." in told.out
    assert told.err.endswith("Stopped.\n")
    monkeypatch.setattr(Progress, "add", lambda self, faces: (added.append(faces.number), add(self, faces)))
    assert app.main(command) == 0
    assert added == list(range(30))
    assert capsys.readouterr().out == "out.csv: 30 rows of 30 frames of 1 file.\n"


def test_the_command_says_what_it_did(clip, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert app.main(["analyze", "clip.mp4", "--out", "out.csv", "--detector", "whole"]) == 0
    assert capsys.readouterr().out == "out.csv: 30 rows of 30 frames of 1 file.\n"
    assert app.main(["analyze", "clip.mp4", "--out", "out.txt"]) == 2
    assert "--out is out.txt. Expected a file name that ends in .csv" in capsys.readouterr().err


@pytest.mark.slow
def test_the_slideshow_is_read_as_it_is_labelled(shared_data, yunet, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPRESSION_MODELS", str(yunet.parent))
    media = shared_data / "media"
    analyze([media / "slideshow_labelled.mp4"], tmp_path / "out.csv", Settings(detector="yunet"))
    rows = rows_of(tmp_path / "out.csv")
    assert len(rows) >= 295
    for part in json.loads((media / "slideshow_labelled.json").read_text()):
        late = range(part["from"] + 15, part["to"] + 1)  # smoothing takes its time after a cut
        labels = [row["label"].casefold() for row in rows if int(row["frame"]) in late]
        assert labels.count(part["label"]) == len(labels) > 30


@pytest.fixture
def resting_face(tmp_path) -> Path:
    """A resting face that looks a little angry to the shipped network, as a live run writes it."""
    runtime = load()
    resting = RestingFaces(runtime.resting)
    angry = runtime.resting + 0.3 * (np.array(list(runtime.labels)) == "Angry")
    resting.learn()
    for number in range(FEWEST):
        resting.update(1, angry / angry.sum(), 0.1 * number)
    resting.tick(SECONDS)
    resting.write(tmp_path / "neutral.json", runtime.labels, runtime.identity)
    return tmp_path / "neutral.json"


def test_a_resting_face_is_taken_out_of_the_scores(clip, tmp_path, resting_face):
    analyze([clip], tmp_path / "without.csv", SETTINGS)
    analyze([clip], tmp_path / "with.csv", replace(SETTINGS, neutral=str(resting_face)))
    without, those_with = rows_of(tmp_path / "without.csv"), rows_of(tmp_path / "with.csv")
    for before, after in zip(without, those_with, strict=True):
        assert float(after["Angry"]) < float(before["Angry"])


def test_a_resting_face_that_cannot_be_used_is_refused(clip, tmp_path, resting_face):
    with pytest.raises(MissingFileError, match=r"no resting face .*none\.json.*live --neutral"):
        analyze([clip], tmp_path / "out.csv", replace(SETTINGS, neutral=str(tmp_path / "none.json")))
    resting_face.write_text(resting_face.read_text().replace("expression.tflite", "other.tflite"))
    with pytest.raises(BadInputError, match="was learned with another network"):
        analyze([clip], tmp_path / "out.csv", replace(SETTINGS, neutral=str(resting_face)))
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "out.csv.unfinished").exists()


def test_a_full_disk_ends_the_analysis(clip, tmp_path, monkeypatch):
    """It is not the fault of a recording."""
    (tmp_path / "b.mp4").write_bytes(clip.read_bytes())

    def full(self, faces):
        raise OutputError("The disk is full.", "Expected space.", "Delete something.")

    monkeypatch.setattr(Progress, "add", full)
    with pytest.raises(OutputError):
        analyze([clip, tmp_path / "b.mp4"], tmp_path / "out.csv", SETTINGS)


def test_finished_recordings_are_not_opened_again(clip, tmp_path, monkeypatch):
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes())
    opened, open_ = [], analysis.Recording.open
    with pytest.raises(Stopped):
        analyze([clip, other], tmp_path / "out.csv", SETTINGS, advance=stop_in(other))
    monkeypatch.setattr(analysis.Recording, "open", lambda self: (opened.append(self.path), open_(self)))
    result = analyze([clip, other], tmp_path / "out.csv", SETTINGS)
    assert opened == [other]
    assert result.frames == 60


def stop_in(recording: Path):
    def advance(path, done, count):
        if path == recording and done == 5:
            raise Stopped

    return advance


def test_a_recording_that_is_lost_keeps_what_is_known(clip, tmp_path, monkeypatch):
    """The disk may come back."""
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes())
    frames = analysis.Recording.frames

    def lost(self, first):
        for frame in frames(self, first):
            if self.path == other and frame.number == 10:
                raise SourceLostError("The disk failed.", "Expected it to work.", "Check it.")
            yield frame

    with monkeypatch.context() as patched:
        patched.setattr(analysis.Recording, "frames", lost)
        result = analyze([clip, other], tmp_path / "out.csv", SETTINGS, workers=1)
    assert ([path for path, _ in result.failed], result.done) == ([other], [clip])
    looked = []
    analyze([clip, other], tmp_path / "out.csv", SETTINGS, advance=lambda *told: looked.append(told[:2]))
    assert looked[0] == (other, 11)
    assert not (tmp_path / "out.csv.unfinished").exists()


def test_a_recording_that_is_gone_costs_only_itself(clip, tmp_path):
    first, last = tmp_path / "a.mp4", tmp_path / "z.mp4"
    for path in (first, last):
        path.write_bytes(clip.read_bytes())

    def advance(path, done, count):
        clip.unlink(missing_ok=True)

    result = analyze([first, clip, last], tmp_path / "out.csv", SETTINGS, advance=advance)
    assert result.done == [first, last]
    ((path, message),) = result.failed
    assert path == clip
    assert "is gone" in message
