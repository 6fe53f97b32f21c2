"""The csvfile sink: rows that other programs read, and no file harmed."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest
from readings import reading

from expression.data import Box, Reading
from expression.errors import BadInputError, OutputError
from expression.sinks.csvfile import Csvfile

HEADER = "frame,time,person,x,y,width,height,label,score,Happy,Sad"


def write(path, *readings) -> None:
    """Opens a csvfile, sends the readings and closes it."""
    sink = Csvfile(str(path))
    sink.open()
    try:
        for each in readings:
            sink.send(each)
    finally:
        sink.close()


def test_a_csv_file_has_a_header_and_a_row_a_face(tmp_path):
    write(tmp_path / "a.csv", reading(1, frame=7, time=0.28), reading(2, "not sure", 7, 0.28, 1 / 3))
    lines = (tmp_path / "a.csv").read_bytes().decode().split("\n")
    assert lines == [
        HEADER,
        "7,0.28,1,2,3,4,5,Happy,0.75,0.75,0.25",
        "7,0.28,2,2,3,4,5,not sure,0.3333,0.3333,0.6667",
        "",
    ]


def test_a_row_is_in_the_file_at_once(tmp_path):
    sink = Csvfile(str(tmp_path / "a.csv"))
    sink.open()
    sink.send(reading())
    rows = (tmp_path / "a.csv").read_text().splitlines()
    sink.close()
    assert len(rows) == 2, "a run that is killed has lost nothing"


def test_labels_with_commas_and_umlauts_are_read_again(tmp_path):
    path = tmp_path / "ä ö.csv"
    scores = {'Fröhlich, "sehr"': 0.6, "悲しい": 0.4}
    write(path, Reading(1, Box(0, 0, 1, 1), "悲しい", 0.6, scores))
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == "悲しい"
    assert row['Fröhlich, "sehr"'] == "0.6"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(f"{HEADER}\n1,2\n".encode(), id="rows"),
        pytest.param(f"{HEADER}\r\n1,2\r\n".encode(), id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + f"{HEADER}\n".encode(), id="BOM"),
        pytest.param(f"{HEADER}\n1,2,cut of".encode(), id="a last line that was not finished"),
        pytest.param(b"", id="empty"),
    ],
)
def test_rows_are_added_to_a_file_of_the_same_kind(tmp_path, before):
    path = tmp_path / "a.csv"
    path.write_bytes(before)
    write(path, reading())
    after = path.read_bytes()
    assert after.startswith(before)
    assert after.decode("utf-8-sig").count(HEADER) == 1
    assert after.splitlines()[-1] == b"0,0.0,1,2,3,4,5,Happy,0.75,0.75,0.25"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            b"my,own\nnotes,1\n", r"begins with 'my,own'\. Expected a new or empty", id="other rows"
        ),
        pytest.param(b"a\xff\x00b", r"begins with", id="no text"),
        pytest.param(b"\n\nmy,own\n", r"begins with 'an empty line'", id="an empty line first"),
    ],
)
def test_a_file_with_something_else_in_it_is_left_as_it_is(tmp_path, content, said):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=f"{said}.*Choose another file, or move that one away"):
        Csvfile(str(path)).open()
    assert path.read_bytes() == content


def test_rows_of_other_labels_are_not_mixed_in(tmp_path):
    path = tmp_path / "a.csv"
    content = HEADER.replace("Happy", "Joy") + "\n"
    path.write_text(content)
    with pytest.raises(BadInputError, match=r"a\.csv has the labels Joy, Sad\. Expected Happy, Sad, which"):
        write(path, reading())
    assert path.read_text() == content


@pytest.mark.parametrize("name", ["missing/a.csv", "."])
def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path, name):
    with pytest.raises(OutputError, match=r"cannot be written to .* Make the folder, or choose another file"):
        Csvfile(str(tmp_path / name)).open()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit on the size of files")
def test_where_the_disk_is_full_no_half_row_is_left_and_rows_go_on_when_there_is_room(tmp_path):
    code = """if True:
        import resource, sys
        from expression.data import Box, Reading
        from expression.sinks.csvfile import Csvfile
        sink, full = Csvfile(sys.argv[1]), 0
        one = Reading(1, Box(2, 3, 4, 5), "Happy", 0.75, {"Happy": 0.75, "Sad": 0.25})
        sink.open()
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, 10_000))
        for _ in range(5):
            try:
                sink.send(one)
            except OSError:
                full += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        sink.send(one)
        sink.close()
        print(full)
        """
    path = tmp_path / "a.csv"
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert out.stdout.splitlines() == [f"{path}: 3 rows added.", "3"], out.stderr
    row = "0,0.0,1,2,3,4,5,Happy,0.75,0.75,0.25"
    assert path.read_text() == "\n".join([HEADER, row, row, row, ""])


def test_a_file_that_was_never_opened_closes_without_harm(tmp_path):
    Csvfile(str(tmp_path / "a.csv")).close()
    assert list(tmp_path.iterdir()) == []
