"""The faces of one label are taken from a recording: those that are held, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from media import picture, write_clip

from expression.analysis.extraction import CELL, Wanted, choose, contact_sheet, extract
from expression.analysis.run import analyze
from expression.cli import app
from expression.errors import BadInputError
from expression.pictures.image import read_picture
from expression.records.rows import columns, row
from expression.settings import Settings
from expression.tables import write_cells
from expression.types import Box, Reading
from expression.vision.detectors import make_detector


def reading(frame: int, label: str = "Happy", person: int = 1, score: float = 0.8, file: str = "") -> Reading:
    scores = {"Happy": score, "Sad": 1 - score}
    return Reading(person, Box(10, 8, 30, 30), label, score, scores, frame, 0.0, frame / 24, file)


def frames(readings) -> list[int]:
    return [each.frame for each in readings]


def test_a_label_that_is_not_held_is_not_taken():
    readings = [reading(number, "Sad" if number % 3 == 2 else "Happy") for number in range(30)]
    assert list(choose(readings, Wanted("Happy", repeat=3))) == []
    assert len(list(choose(readings, Wanted("Happy", repeat=2)))) == 10


def test_the_best_of_every_so_many_rows_is_taken():
    readings = [reading(number, score=0.9 if number in (3, 12) else 0.8) for number in range(16)]
    assert frames(choose(readings, Wanted("Happy", repeat=8))) == [3, 12]


def test_each_person_holds_a_label_alone():
    readings = [reading(number, person=1 + number % 2) for number in range(8)]
    assert list(choose(readings, Wanted("Happy", repeat=5))) == []
    assert len(list(choose(readings, Wanted("Happy", repeat=4)))) == 2


def test_a_lower_score_interrupts():
    readings = [reading(number, score=0.5 if number == 4 else 0.8) for number in range(8)]
    assert list(choose(readings, Wanted("Happy", repeat=5, score=0.6))) == []


def test_others_in_the_frame_interrupt_if_it_is_to_be_alone():
    readings = [reading(number) for number in range(8)]
    readings.insert(4, reading(3, "Sad", person=2))
    assert list(choose(readings, Wanted("Happy", repeat=5, alone=True))) == []
    assert len(list(choose(readings, Wanted("Happy", repeat=5)))) == 1


@pytest.fixture
def clip(tmp_path):
    """Frame n is grey of level 10 n."""
    return write_clip(tmp_path / "clip.mp4", 24)


def table(path, readings, files=False):
    cells = [columns(["Happy", "Sad"], files), *(row(each, files) for each in readings)]
    path.write_text(write_cells(cells))
    return path


def test_pictures_are_of_the_frames_that_the_rows_name(clip, tmp_path):
    rows = table(tmp_path / "rows.csv", [reading(number) for number in range(4, 20)])
    made = extract(clip, rows, Wanted("happy", repeat=8, margin=1), tmp_path / "out")
    assert [path.name for path in made.pictures] == ["frame000004-person1.png", "frame000012-person1.png"]
    assert made.people == {1: 2}
    for path, number in zip(made.pictures, (4, 12), strict=True):
        face = read_picture(path)
        assert face.shape == (30, 30, 3)
        assert abs(face.mean() - picture(number).mean()) < 5
    assert read_picture(tmp_path / "out" / "sheet.jpg").shape == (CELL, 2 * CELL, 3)


def test_rows_of_other_recordings_are_left_alone(clip, tmp_path):
    readings = [reading(n, file="/films/clip.mp4") for n in range(8)] + [
        reading(n, file="b.mp4") for n in range(8)
    ]
    made = extract(clip, table(tmp_path / "rows.csv", readings, True), Wanted("Happy"), tmp_path / "out")
    assert len(made.pictures) == 1


def test_a_sheet_of_many_shows_some_of_all():
    many = [np.full((CELL, CELL, 3), number // 2, np.uint8) for number in range(500)]
    sheet = contact_sheet(many)
    assert sheet.shape == (12 * CELL, 8 * CELL, 3)
    assert sheet[0, 0, 0] == 0
    assert sheet[-1, -1, 0] == 249


@pytest.mark.parametrize(
    ("label", "said"),
    [
        pytest.param("Hapy", r"no label 'Hapy' .* Did you mean Happy\?", id="misspelt"),
    ],
)
def test_what_cannot_be_extracted_is_said_and_no_folder_is_made(clip, tmp_path, label, said):
    rows = table(tmp_path / "rows.csv", [reading(number) for number in range(8)])
    with pytest.raises(BadInputError, match=said):
        extract(clip, rows, Wanted(label), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param(
            Wanted("Sad"),
            r"no face of Sad that is held for 8 rows\. Expected 8 such rows of one person without a gap; "
            r"there are at most 0\. Choose another label\.",
            id="never",
        ),
        pytest.param(
            Wanted("Happy", repeat=30), r"are at most 20\. Choose --repeat 20 or another label\.", id="short"
        ),
        pytest.param(
            Wanted("Happy", score=0.9),
            r"for 8 rows with a score of 0\.9 or more\. .* Choose a lower --score or another label\.",
            id="score",
        ),
        pytest.param(
            Wanted("Happy", repeat=30, alone=True),
            r"for 30 rows and nobody else in the frame\. .* 20 or another label, or leave out --alone\.",
            id="alone",
        ),
    ],
)
def test_a_label_that_is_not_held_long_enough_is_told_with_what_would_do(clip, tmp_path, wanted, said):
    rows = table(tmp_path / "rows.csv", [reading(number) for number in range(20)])
    with pytest.raises(BadInputError, match=said):
        extract(clip, rows, wanted, tmp_path / "out")


def happy_rows(tmp_path, count: int = 24, fps: float = 24, label: str = "Happy"):
    readings = [replace(reading(n, label), position=n / fps) for n in range(count)]
    return table(tmp_path / f"{label}.csv", readings)


@pytest.mark.parametrize(
    ("count", "fps", "said"),
    [
        pytest.param(
            60, 24, r"Skipped 4 of 7 chosen rows: 4 after the end of the recording \(frame 24, ", id="longer"
        ),
        pytest.param(24, 12, r"Skipped 2 of 3 chosen rows: 2 of a frame at a different time", id="slower"),
    ],
)
def test_rows_of_another_recording_are_refused_and_nothing_is_left(clip, tmp_path, count, fps, said):
    with pytest.raises(BadInputError, match=rf"clip\.mp4 is not the recording of these rows\. {said}"):
        extract(clip, happy_rows(tmp_path, count, fps), Wanted("Happy"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_few_rows_beyond_the_end_are_counted(clip, tmp_path):
    made = extract(clip, happy_rows(tmp_path, 30), Wanted("Happy", repeat=6), tmp_path / "out")
    assert len(made.pictures) == 4
    assert dict(made.skipped.reasons) == {"after the end of the recording": 1}


def test_the_same_extraction_again_replaces_its_pictures_and_another_is_refused(clip, tmp_path):
    out = tmp_path / "out"
    rows, sad = happy_rows(tmp_path), happy_rows(tmp_path, label="Sad")
    for _ in range(2):
        extract(clip, rows, Wanted("Happy"), out)
    names = {path.name for path in out.iterdir()}
    assert len(names) == 4
    (out / "notes.txt").write_text("mine")
    for other in (Wanted("Happy", repeat=12), Wanted("Happy", repeat=24)):
        with pytest.raises(BadInputError, match=r"other pictures, such as frame0000\d\d-person1\.png\."):
            extract(clip, rows, other, out)
    (out / "frame000003-person7.png").write_bytes((out / "frame000000-person1.png").read_bytes())
    with pytest.raises(BadInputError, match=r"such as frame000003-person7\.png\. Expected a new folder"):
        extract(clip, sad, Wanted("Sad"), out)
    assert {path.name for path in out.iterdir()} == {*names, "notes.txt", "frame000003-person7.png"}


@pytest.mark.slow
def test_the_command_says_if_the_pictures_show_no_faces(clip, portrait, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["--rows", "rows.csv", "--emotion", "Happy"]
    table(tmp_path / "rows.csv", [reading(number) for number in range(24)])
    assert app.main(["extract", "clip.mp4", *command, "--out", "grey"]) == 0
    told = capsys.readouterr().out
    assert "In 3 of the 3 pictures that were checked again, no face was found. If they" in told
    assert "rows.csv belongs to another recording." in told
    write_clip(tmp_path / "demo.mp4", 24, pictures=[portrait] * 24, bit_rate=4_000_000)
    box = make_detector("haar").detect(portrait)[0].box
    table(tmp_path / "rows.csv", [replace(reading(number), box=box) for number in range(24)])
    assert app.main(["extract", "demo.mp4", *command, "--out", "demo"]) == 0
    assert "no face" not in capsys.readouterr().out


@pytest.mark.slow
def test_from_a_video_to_faces_by_two_commands(shared_data, yunet, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EXPRESSION_MODELS", str(yunet.parent))
    monkeypatch.chdir(tmp_path)
    video = str(shared_data / "media" / "slideshow_labelled.mp4")
    analyze([shared_data / "media" / "slideshow_labelled.mp4"], tmp_path / "rows.csv", Settings())
    assert app.main(["extract", video, "--rows", "rows.csv", "--emotion", "surprise", "--out", "found"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("found: ")
    numbers = [int(path.name[5:11]) for path in (tmp_path / "found").glob("*.png")]
    assert len(numbers) >= 5
    assert all(150 <= number < 200 for number in numbers)  # the slide with the surprised face
