"""The csvfile sink: rows that other programs can read, and no file damaged."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from parts import PATIENCE, expression_process
from readings import reading

from expression.errors import BadInputError, OutputError
from expression.pictures.image import write_picture
from expression.sinks.csvfile import Csvfile
from expression.types import Box, Reading

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
    with pytest.raises(
        BadInputError,
        match=r"a\.csv has the labels Joy, Sad\. Expected the labels of this network: Happy, Sad",
    ):
        write(path, reading())
    assert path.read_text() == content


@pytest.mark.parametrize("name", ["missing/a.csv", "."])
def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path, name):
    with pytest.raises(
        OutputError, match=r"cannot be written to .* Create the folder, or choose another file"
    ):
        Csvfile(str(tmp_path / name)).open()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit on the size of files")
def test_where_the_disk_is_full_no_half_row_is_left_and_rows_go_on_when_there_is_room(tmp_path):
    code = """if True:
        import resource, sys
        from expression.types import Box, Reading
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_where_the_disk_is_full_the_file_and_the_remedy_are_told():
    sink = Csvfile("/dev/full")
    sink.open()
    with pytest.raises(
        OutputError, match=r"^/dev/full cannot be written \(No space left on device\)\. .*enough space"
    ):
        sink.send(reading())
    sink.close()


def test_a_file_that_was_never_opened_closes_without_harm(tmp_path):
    Csvfile(str(tmp_path / "a.csv")).close()
    assert list(tmp_path.iterdir()) == []


def photo(name: str, label: str = "Happy", person: int = 1) -> Reading:
    """A reading of a picture in a folder."""
    return replace(reading(person, label), file=name)


def test_rows_of_a_folder_of_photos_end_with_the_name_of_the_picture(tmp_path):
    write(tmp_path / "a.csv", photo("anna.jpg"), photo("ben.jpg", "Sad", 2))
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == f"{HEADER},file"
    assert [line.rpartition(",")[2] for line in lines[1:]] == ["anna.jpg", "ben.jpg"]
    write(tmp_path / "a.csv", photo("carl.jpg"))
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert [line.rpartition(",")[2] for line in lines] == ["file", "anna.jpg", "ben.jpg", "carl.jpg"]


def test_rows_of_a_camera_are_added_to_those_of_photos_with_an_empty_name(tmp_path):
    write(tmp_path / "a.csv", photo("anna.jpg"))
    write(tmp_path / "a.csv", reading())
    with (tmp_path / "a.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["anna.jpg", ""]


def test_rows_of_photos_are_not_mixed_with_rows_that_have_no_names(tmp_path):
    path = tmp_path / "a.csv"
    write(path, reading())
    before = path.read_bytes()
    said = r"a\.csv has no column file\. Expected one .* such as anna\.jpg\. Choose another file"
    with pytest.raises(BadInputError, match=said):
        write(path, photo("anna.jpg"))
    assert path.read_bytes() == before


def test_a_label_called_file_is_not_taken_for_the_name_of_a_picture(tmp_path):
    path = tmp_path / "a.csv"
    one = Reading(1, Box(0, 0, 1, 1), "file", 0.6, {"pile": 0.4, "file": 0.6})
    write(path, one)
    write(path, one)
    assert path.read_text().splitlines()[0].endswith(",pile,file")
    with pytest.raises(BadInputError, match="has no column file"):
        write(path, replace(one, file="a.jpg"))


@pytest.mark.parametrize("name", ["=1+1", "@x", "-1", "a;=1+1"])
def test_labels_and_names_that_a_spreadsheet_would_run_are_text_in_it(tmp_path, name):
    path = tmp_path / "a.csv"
    one = Reading(1, Box(0, 0, 1, 1), name, 0.6, {name: 0.6, "Sad": 0.4}, file=f"{name}.jpg")
    write(path, one)
    write(path, one)  # the header is known again
    header, first, second = csv.reader(path.read_text().splitlines())
    wanted = name.replace("=", "'=") if ";" in name else f"'{name}"
    assert (header[9], first[7], first[11], first) == (wanted, wanted, f"{wanted}.jpg", second)


def test_a_picture_whose_name_is_not_text_is_written_all_the_same(tmp_path):
    write(tmp_path / "a.csv", photo("a\udcff.jpg"))
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").endswith(",a\\udcff.jpg\n")


@pytest.mark.skipif(os.name != "posix", reason="modes as Linux and macOS have them")
def test_a_new_file_is_for_its_owner_only_and_one_that_was_there_stays_as_it_is(tmp_path):
    new, old = tmp_path / "new.csv", tmp_path / "old.csv"
    old.touch(0o644)
    for path, mode in ((new, 0o600), (old, stat.S_IMODE(old.stat().st_mode))):
        write(path, reading())
        assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("other", ["a.csv", "./a.csv", "link.csv"])
def test_a_second_run_does_not_get_a_file_that_one_is_writing(tmp_path, monkeypatch, other):
    monkeypatch.chdir(tmp_path)
    first = Csvfile("a.csv")
    first.open()
    if other == "link.csv":
        os.symlink("a.csv", "link.csv")
    second = Csvfile(other)
    said = r"is being written by another run, or .* one run at a time\. Stop it, or choose .*-2\.csv"
    with pytest.raises(BadInputError, match=said):
        second.open()
    second.close()
    first.send(reading())
    first.close()
    write(tmp_path / "a.csv", reading())
    text = (tmp_path / "a.csv").read_text()
    assert (text.count(HEADER), text.count("\n")) == (1, 3)
    assert {path.name for path in tmp_path.iterdir()} <= {"a.csv", "link.csv"}, "no lock is left"


@pytest.mark.slow
def test_of_four_runs_into_one_file_one_writes_and_the_others_say_so(tmp_path, portrait):
    path = tmp_path / "a.csv"
    write_picture(tmp_path / "anna.jpg", portrait)
    source = ("--source", str(tmp_path / "anna.jpg"), "--display", "none", "--detector", "haar")
    first = Csvfile(str(path))
    first.open()
    runs = [expression_process("live", *source, "--sink", f"csvfile:{path}") for _ in range(3)]
    ends = [(*run.communicate(timeout=PATIENCE), run.returncode) for run in runs]
    first.send(photo("ben.jpg"))
    first.close()
    assert [code for _, _, code in ends] == [2, 2, 2], ends
    assert all("is being written by another run, or " in errors for _, errors, _ in ends)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["frame", "0"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe with a name")
def test_a_pipe_gets_rows_without_a_lock(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write(pipe, reading())
    reader.join(PATIENCE)
    assert got[0].startswith(HEADER)
    assert list(tmp_path.iterdir()) == [pipe]
