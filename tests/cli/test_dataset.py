"""The commands of a reader's own set: what they print, ask and delete."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from expression import cli
from expression.cli_dataset import _told
from expression.image import read_picture, write_picture
from expression.labelbook import LabelBook
from expression.labels import Labels
from expression.personalising import Personalised


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The current folder, with three pictures of two sessions."""
    monkeypatch.chdir(tmp_path)
    with LabelBook() as book:
        for seed, (label, session) in enumerate(
            (("Happy", "monday"), ("Happy", "tuesday"), ("Sad", "monday"))
        ):
            book.add(picture(seed), label, session)
    return tmp_path


def run(capsys, monkeypatch, *words: str, answers: str = "") -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    code = cli.main(["dataset", *words])
    return code, *capsys.readouterr()


def test_a_good_set_is_well(capsys, monkeypatch, mine):
    assert run(capsys, monkeypatch, "check") == (0, "3 pictures, and all is well.\n", "")


def test_what_is_wrong_is_told_with_the_remedy(capsys, monkeypatch, mine):
    (mine / "Images" / "face2.png").unlink()
    (mine / "Images" / "IMG_7.jpg").write_text("x")
    code, out, err = run(capsys, monkeypatch, "check")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "1 row has no picture: face2.png.",
        "  Delete their rows for good: expression dataset check --repair",
        "1 picture has no row: IMG_7.jpg. They are not used. "
        "Write rows for them into faceLabels.csv, or delete them.",
    ]


@pytest.mark.parametrize(("answer", "code", "rows"), [("y\n", 0, 2), ("n\n", 1, 3), ("\n", 1, 3)])
def test_a_repair_asks(capsys, monkeypatch, mine, answer, code, rows):
    (mine / "Images" / "face2.png").unlink()
    found, out, _ = run(capsys, monkeypatch, "check", "--repair", answers=answer)
    assert found == code
    assert "Delete their rows for good? [y/N]:" in out
    with LabelBook() as book:
        assert len(book.rows) == rows


def test_pictures_are_counted_by_label_and_session(capsys, monkeypatch, mine):
    code, out, err = run(capsys, monkeypatch, "stats")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["pictures", "sessions"]
    assert ["Happy", "2", "2", "█" * 30] in lines
    assert ["Sad", "1", "1", "█" * 15] in lines
    assert ["Fear", "0", "0"] in lines
    assert lines[-1] == ["all", "3", "2"]


def test_the_counts_are_drawn_too(capsys, monkeypatch, mine):
    code, out, _ = run(capsys, monkeypatch, "stats", "--out", "stats.png")
    assert (code, out.splitlines()[-1]) == (0, "stats.png")
    assert read_picture("stats.png").shape[1] > 900
    code, _, err = run(capsys, monkeypatch, "stats", "--out", "nowhere/stats.png")
    assert code == 2
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("words", "answers", "left"), [((), "y\n", 0), ((), "\n", 3), ((), "n\n", 3), (("--yes",), "", 0)]
)
def test_a_wipe_asks_and_deletes_everything(capsys, monkeypatch, mine, words, answers, left):
    code, out, err = run(capsys, monkeypatch, "wipe", *words, answers=answers)
    assert (code, err) == (0, "")
    assert len(list(mine.rglob("*.png"))) == left
    assert out.splitlines()[-1].endswith("learned from them." if left == 0 else "Nothing was deleted.")


def test_a_question_that_nobody_answers_deletes_nothing(capsys, monkeypatch, mine):
    code, _, err = run(capsys, monkeypatch, "wipe", answers="")
    assert (code, err) == (1, "Nobody answered. Expected y or n. Run it in a terminal, or see --help.\n")
    assert len(list(mine.rglob("*.png"))) == 3


def test_without_a_picture_nothing_is_personalised(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faceLabels.csv").write_text("")
    assert cli.main(["personalise"]) == 2
    assert "There are no pictures with labels in " in capsys.readouterr().err
    assert not (tmp_path / "mine.keras").exists()


@pytest.mark.parametrize("command", ["check", "stats", "wipe"])
def test_where_there_is_no_set_that_is_told_and_none_is_made(capsys, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, monkeypatch, command)
    assert code == 2
    assert err.startswith("There is no faceLabels.csv in ")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_damaged_is_told_in_a_line(capsys, monkeypatch, mine):
    (mine / "faceLabels.csv").write_text("face1.png\n")
    code, _, err = run(capsys, monkeypatch, "check")
    assert (code, err.count("\n")) == (2, 1)
    assert "has the row 'face1.png'. Expected image,label. Mend it." in err


def test_faces_are_imported_without_a_look_and_what_is_left_out_is_told(capsys, monkeypatch, mine):
    for name in ("happiness/a.png", "contempt/b.png"):
        path = mine / "set" / name
        path.parent.mkdir(parents=True)
        write_picture(path, picture(len(name)))
    code, out, err = run(capsys, monkeypatch, "import", "set", "--unseen", "--detector", "whole")
    assert (code, err) == (0, "")
    terms, *rest = out.splitlines()
    assert str(mine / "Images") in terms
    assert rest == ["1 kept.", "1 have no label and are left out: add --label LABEL, or leave --unseen away."]
    with LabelBook() as book:
        assert [row.label for row in book.rows] == ["Happy", "Happy", "Sad", "Happy"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(["nix"], "There is no file or folder nix. Expected photos", id="nothing there"),
        pytest.param(
            ["Images", "--label", "Glad"], "There is no label 'Glad'. Expected one of Angry", id="label"
        ),
        pytest.param(["Images", "--detector", "x"], "x", id="detector"),
        pytest.param(["Images/face1.png"], "A window cannot be shown: ", id="no screen"),
    ],
)
def test_an_import_that_cannot_be_is_told_in_a_line(capsys, monkeypatch, mine, words, text):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    seen = [] if text.startswith("A window") else ["--unseen"]
    code, out, err = run(capsys, monkeypatch, "import", *words, *seen)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err


def test_where_an_older_labeler_was_run_its_folder_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "faceLabels.csv").write_text("face0.png,Happy\n")
    code, _, err = run(capsys, monkeypatch, "stats")
    assert code == 2
    assert err.endswith("Go there first: cd data.\n")


def test_a_folder_of_pictures_that_is_no_set_is_never_wiped(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Images").mkdir()
    write_picture(tmp_path / "Images" / "holiday.jpg", picture(1))
    code, _, err = run(capsys, monkeypatch, "wipe", "--yes")
    assert code == 2
    assert err.startswith("There is no faceLabels.csv in ")
    assert (tmp_path / "Images" / "holiday.jpg").is_file()


def test_a_wipe_says_where_and_how_many_have_no_row(capsys, monkeypatch, mine):
    write_picture(mine / "Images" / "holiday.jpg", picture(1))
    _, out, _ = run(capsys, monkeypatch, "wipe", answers="n\n")
    told = f"Delete all 3 pictures of faceLabels.csv, and 1 that no row names, in {mine / 'Images'} for good?"
    assert told in out


def test_what_cannot_be_imported_is_told_beside_what_could(capsys, monkeypatch, mine):
    (mine / "notes.txt").write_text("x")
    write_picture(mine / "face.png", picture(77))
    code, out, err = run(capsys, monkeypatch, "import", "notes.txt", "face.png", "--label", "Sad", "--unseen")
    assert code == 2
    assert out.splitlines()[1:] == ["1 kept."]
    assert err.startswith("notes.txt is neither a picture nor a film that can be read. Expected ")
    assert err.count("\n") == 1


def test_rows_of_labels_that_are_not_listed_are_not_hidden(capsys, monkeypatch, mine):
    with (mine / "faceLabels.csv").open("a") as file:
        file.write("face9.png,Wink\n")
    _, out, _ = run(capsys, monkeypatch, "stats")
    assert out.splitlines()[-1] == (
        "Not counted, since they are not listed: Wink. Run: expression dataset check"
    )


@pytest.mark.parametrize(
    ("sessions", "strange", "known", "tested", "lines"),
    [
        pytest.param(
            ("monday",),
            (),
            (0.6, 0.7),
            (8, 8),
            ["Tested with 16 others of session monday:", "  before 60.0%, after 75.0% right"],
            id="all is well",
        ),
        pytest.param(
            ("a", "b", "c"),
            ("Tilted",),
            (0.8, 0.7),
            (8, 8),
            [
                "Tested with 16 others of the last 3 sessions:",
                "  before 60.0% (it did not know Tilted), after 75.0% right",
                "  labels that it knew: before 80.0%, after 70.0% right",
                "It reads what it knew less well than before. Take more pictures, in the light of every day.",
            ],
            id="a new label, and worse",
        ),
        pytest.param(
            ("monday",),
            ("Happy", "Tilted"),
            (None, None),
            (8, 0),
            [
                "Tested with 8 others of session monday:",
                "  before: it knew none of the labels; after 75.0% right",
                "Too little to test on: 0 of Tilted.",
                "Take another session with 10 of each label: expression label",
            ],
            id="none known, and too little",
        ),
        pytest.param(
            (),
            (),
            (0.6, 0.7),
            (4, 8),
            [
                "Tested with 12 others:",
                "  before 60.0%, after 75.0% right",
                "Too little to test on: 4 of Happy.",
                "All are of one session, so the figures are kinder than those of another day.",
                "Take a second session on another day, 10 of each label: expression label",
            ],
            id="one session",
        ),
    ],
)
def test_what_came_of_personalising_is_told(sessions, strange, known, tested, lines):
    made = Personalised(
        Path("mine.keras"), Labels(["Happy", "Tilted"]), 40, tested, 0, sessions, strange, 0.6, 0.75, *known
    )
    assert list(_told(made)) == ["Learned from 40 pictures of Happy, Tilted.", *lines]
    left = "Left out 2 that are near-equal to some that it is tested with."
    assert list(_told(replace(made, twins=2)))[1] == left
