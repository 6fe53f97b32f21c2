"""Rows of readings come back as they were, also after a spreadsheet program saved them, or are counted."""

from __future__ import annotations

import contextlib
import random

import pytest

from expression.errors import BadInputError, ExpressionError, MissingFileError
from expression.pictures.skipped import Skipped
from expression.records.rows import columns, read_rows, row
from expression.tables import write_cells
from expression.types import Box, Reading

LABELS = ["Happy", "Sad"]


def reading(frame: int = 3, label: str = "Sad", file: str = "") -> Reading:
    scores = {"Happy": 0.25, "Sad": 0.75}
    return Reading(1, Box(-2, 3, 40, 50), label, 0.75, scores, frame, 0.0, frame / 25, file)


def written(path, readings, separator=",", files=False):
    cells = [columns(LABELS, files), *(row(each, files) for each in readings)]
    path.write_text(write_cells(cells, separator), encoding="utf-8")
    return path


def read(path) -> tuple[list[Reading], Skipped]:
    skipped = Skipped()
    return list(read_rows(path, skipped)), skipped


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_was_written_is_read(tmp_path, separator, files):
    readings = [reading(number, file="a.mp4" if files else "") for number in range(5)]
    found, skipped = read(written(tmp_path / "a.csv", readings, separator, files))
    assert found == readings
    assert [each.scores for each in found] == [each.scores for each in readings]
    assert len(skipped) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_spreadsheet_program_may_save_it_with_a_mark_and_decimal_commas(tmp_path, encoding):
    path = written(tmp_path / "a.csv", [reading(5)], ";")
    path.write_text("\ufeff" + path.read_text().replace(".", ",").replace("\n", "\r\n"), encoding=encoding)
    assert read(path)[0] == [reading(5)]


def test_a_person_who_is_not_sure_is_read(tmp_path):
    assert read(written(tmp_path / "a.csv", [reading(label="not sure")]))[0][0].label == "not sure"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("x,0.1,1,2,3,40,50,Sad,0.7,0.3,0.7", id="a word"),
        pytest.param("1,0.1,1,2,3,40,50,Sad,0.7,0.3", id="too short"),
        pytest.param("1,0.1,1,2,3,40,50,Sad,0.7,0.3,0.7,9", id="too long"),
        pytest.param("1,0.1,1,2,3,0,50,Sad,0.7,0.3,0.7", id="no width"),
        pytest.param("-1,0.1,1,2,3,40,50,Sad,0.7,0.3,0.7", id="negative frame"),
        pytest.param("1,0.1,1,2,3,40,50,Sad,7,0.3,0.7", id="score of 7"),
        pytest.param("1,0.1,1,2,3,40,50,Sad,nan,0.3,0.7", id="not a number"),
    ],
)
def test_a_row_that_is_damaged_is_counted_and_named(tmp_path, line):
    path = written(tmp_path / "a.csv", [reading(number) for number in range(3)])
    path.write_text(path.read_text() + line + "\n")
    found, skipped = read(path)
    assert len(found) == 3
    assert skipped.summary(4, "rows") == "Skipped 1 of 4 rows: 1 not a reading (line 5)."


def test_a_file_of_which_most_is_damaged_is_refused(tmp_path):
    path = written(tmp_path / "a.csv", [reading()])
    path.write_text(path.read_text() + "1,2\n" * 3)
    with pytest.raises(BadInputError, match=r"3 of the 4 rows in .*a\.csv cannot be used"):
        read(path)


@pytest.mark.parametrize(
    "content", [b"", b"image,label\nface1.png,Happy\n", b"\x89PNG\r\n\x1a\n\0\0", b"\xff\xfe"]
)
def test_something_else_is_refused(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"a\.csv .*Expected rows that begin with frame,time,person"):
        read(path)


def test_a_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no file .*run analyze first"):
        read(tmp_path / "none.csv")


def test_random_damage_gives_readings_or_a_sentence(tmp_path):
    path = written(tmp_path / "a.csv", [reading(number) for number in range(20)])
    content, chance = path.read_bytes(), random.Random(0)
    for _ in range(500):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 30)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.randrange(len(damaged))] if chance.random() < 0.2 else damaged)
        with contextlib.suppress(ExpressionError):
            found, skipped = read(path)
            assert len(found) >= len(skipped)
