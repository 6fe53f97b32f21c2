"""`expression hack`: from any picture to a changed face that a live run reads as another label."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from expression.cli import app
from expression.pictures.image import read_picture, write_picture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def photo(portrait, tmp_path):
    """A photo of a face, as a file."""
    write_picture(tmp_path / "photo.png", portrait)
    return tmp_path / "photo.png"


def test_a_photo_becomes_a_face_that_other_commands_read_as_the_other_label(photo, capsys):
    out = photo.with_name("hacked")
    assert app.main(["hack", str(photo), "--to", "sadness", "--out", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("Happy 9")
    assert " became Sad " in told[0]
    assert told[1] == f"{out}: hacked_image.png and the scores in scores.txt."
    changed = np.int16(read_picture(out / "hacked_image.png")) - read_picture(out / "input_image.png")
    assert changed.shape == (48, 48, 3)
    assert 0 < np.abs(changed).max() <= 4
    rows = out / "rows.csv"
    for name, label in (("input_image.png", "Happy"), ("hacked_image.png", "Sad")):
        words = ["analyze", str(out / name), "--detector", "whole", "--out", str(rows)]
        assert app.main(words) == 0
        with rows.open(encoding="utf-8") as file:
            assert [row["label"] for row in csv.DictReader(file)] == [label]
        rows.unlink()


def test_a_face_that_is_cropped_already_is_taken_as_it_is(photo, capsys):
    out = photo.with_name("out")
    app.main(["hack", str(photo), "--to", "Sad", "--out", str(out)])
    again = photo.with_name("again")
    assert app.main(["hack", str(out / "input_image.png"), "--to", "Angry", "--out", str(again)]) == 0
    assert (read_picture(again / "input_image.png") == read_picture(out / "input_image.png")).all()
    assert "became Angry" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["--to", "Sda"], 2, "--to is 'Sda'. Expected one of Angry, ", id="a slip"),
        pytest.param(["--to", "Happy"], 2, "The face is already read as Happy (9", id="as it is"),
        pytest.param(
            ["--to", "Disgust", "--levels", "1"],
            1,
            "No change of at most 1 grey level was found that makes the face Disgust. Expected one that "
            "is too small to see. Allow more with --levels 2, or choose another label or picture.",
            id="too far",
        ),
        pytest.param(
            ["--to", "Sad", "--model", "none.keras"],
            2,
            "none.keras was not found.",
            id="no network",
        ),
    ],
)
def test_what_cannot_be_done_is_told(photo, capsys, words, code, said):
    assert app.main(["hack", str(photo), *words, "--out", "out"]) == code
    assert said in capsys.readouterr().err


def test_a_photo_without_a_face_is_told(tmp_path, capsys):
    path = tmp_path / "wall.png"
    cv2.imwrite(str(path), np.full((400, 600), 90, np.uint8))
    assert app.main(["hack", str(path), "--to", "Sad", "--out", "out"]) == 2
    assert "No face was found in a picture. Expected a large, well-lit face." in capsys.readouterr().err


def test_what_is_no_picture_is_told_before_the_network_is_loaded(tmp_path, capsys):
    (tmp_path / "text.png").write_text("a smile")
    assert app.main(["hack", str(tmp_path / "text.png"), "--to", "Sad", "--out", "out"]) == 2
    assert "text.png is not a picture." in capsys.readouterr().err
