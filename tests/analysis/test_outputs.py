"""An analysis writes CSV or Parquet, a row for each face or for each frame."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from media import picture, write_clip

from expression.analysis import outputs
from expression.analysis.outputs import Output, check_output
from expression.analysis.run import analyze
from expression.errors import BadInputError, MissingPackageError, OutputError
from expression.pictures.skipped import Skipped
from expression.records.rows import read_rows
from expression.settings import Settings
from expression.types import Box, Frame, Reading, Seen

SETTINGS = Settings(detector="whole")
LABELS = ["Happy", "Sad"]


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", 5, fps=25, pictures=[picture(40 * n) for n in range(5)])


def seen(number: int, labels: list[str], file: str = "") -> Seen[Reading]:
    """A frame with a face of each of some labels."""
    scores = {"Happy": 0.25, "Sad": 0.75}
    readings = [
        Reading(person, Box(10 * person, 3, 40, 50), label, 0.75, scores, number, 0.0, number / 25, file)
        for person, label in enumerate(labels, 1)
    ]
    return Seen(Frame(np.empty((0, 0, 3), np.uint8), number), tuple(readings))


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_counts_have_a_row_for_every_frame_and_a_column_for_every_recording(tmp_path):
    recordings = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    output = Output(tmp_path / "out.csv", "counts", LABELS, recordings, True)
    output.add(recordings[0], [seen(0, ["Sad", "Happy", "Sad"]), seen(1, [])], tmp_path / "a")
    output.add(recordings[1], [seen(0, ["not sure"])], tmp_path / "b")
    output.write()
    assert lines(tmp_path / "out.csv") == [
        ["Frame", "Faces", "Happy", "Sad", "one.mp4", "two.mp4"],
        ["0", "3", "1", "2", "(10, 3, 40, 50) (20, 3, 40, 50) (30, 3, 40, 50)", ""],
        ["1", "0", "0", "0", "", ""],
        ["0", "1", "0", "0", "", "(10, 3, 40, 50)"],
    ]
    assert output.rows == 3


def test_counts_of_an_analysis_agree_with_its_rows(clip, tmp_path):
    analyze([clip], tmp_path / "rows.csv", SETTINGS)
    result = analyze([clip], tmp_path / "counts.csv", SETTINGS, form="counts")
    rows, (header, *counts) = lines(tmp_path / "rows.csv")[1:], lines(tmp_path / "counts.csv")
    assert header[-1] == "clip.mp4"
    assert result.rows == len(counts) == len(rows) == 5
    for row, count in zip(rows, counts, strict=True):
        assert count[0] == row[0]
        assert count[header.index(row[7])] == "1"
        assert count[-1] == f"({', '.join(row[3:7])})"


@pytest.mark.slow
def test_parquet_has_the_rows_of_csv_with_types(clip, tmp_path):
    table = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    (tmp_path / "more").mkdir()
    other = write_clip(tmp_path / "more" / "=1+1.mp4", 3, fps=25)
    for name in ("out.csv", "out.parquet"):
        analyze([clip, other], tmp_path / name, SETTINGS)
    from_csv, from_parquet = (
        list(read_rows(tmp_path / name, Skipped())) for name in ("out.csv", "out.parquet")
    )
    assert from_csv == from_parquet
    assert len(from_csv) == 8
    schema = table.read_schema(tmp_path / "out.parquet")
    kinds = {name: str(kind) for name, kind in zip(schema.names, schema.types, strict=True)}
    assert [kinds[name] for name in ("frame", "time", "x", "label", "Happy", "file")] == [
        *("int64", "double", "int64", "string", "double", "string")
    ]


def test_a_recording_without_faces_gives_an_empty_table(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    for name in ("out.csv", "out.parquet"):
        output = Output(tmp_path / name, "rows", LABELS, [tmp_path / "a.mp4"], False)
        output.add(tmp_path / "a.mp4", [seen(0, [])], tmp_path / "part")
        output.write()
        assert list(read_rows(tmp_path / name, Skipped())) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"frame,time\n", b"\0" * 100])
def test_what_is_no_parquet_file_is_refused(tmp_path, content):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"rows\.parquet cannot be read as rows of readings"):
        list(read_rows(path, Skipped()))


def test_another_table_in_parquet_is_refused(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow.parquet as table

    table.write_table(arrow.table({"image": ["a.png"], "label": [None]}), tmp_path / "rows.parquet")
    with pytest.raises(BadInputError, match=r"begins with 'image,label'"):
        list(read_rows(tmp_path / "rows.parquet", Skipped()))


def test_without_the_package_nothing_is_analysed(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r'pip install -e "\.\[parquet\]"'):
        analyze([clip], tmp_path / "out.parquet", SETTINGS)
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4"}


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        pytest.param("out.txt", "rows", r"Expected a file name that ends in \.csv or \.parquet", id="text"),
        pytest.param("out.parquet", "counts", r"Expected a file name that ends in \.csv\.", id="counts"),
        pytest.param("none/out.csv", "rows", r"There is no folder .*none\. .* Create it", id="no folder"),
        pytest.param("out.csv", "faces", r"--format is faces\. Expected rows or counts", id="format"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(tmp_path, name, form, said):
    with pytest.raises((BadInputError, OutputError), match=said):
        check_output(tmp_path / name, form)


def test_many_recordings_do_not_rewrite_the_output_each_time(tmp_path, monkeypatch):
    """A thousand photos would otherwise copy half a million parts."""
    written, write = [], Output.write
    monkeypatch.setattr(
        Output, "write", lambda self: (written.append(self.rows), time.sleep(0.01), write(self))
    )
    recordings = [tmp_path / f"{number}.png" for number in range(50)]
    output = Output(tmp_path / "out.csv", "rows", LABELS, recordings, True)
    for number, recording in enumerate(recordings):
        output.add(recording, [seen(0, ["Sad"])], tmp_path / f"part{number}")
    assert written[0] == 1
    assert len(written) < 25
    assert outputs.PATIENCE > 1
    output.write()
    assert len(lines(tmp_path / "out.csv")) == 51


def test_many_recordings_are_one_group_of_rows(tmp_path):
    table = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    recordings = [tmp_path / f"{number}.png" for number in range(50)]
    output = Output(tmp_path / "out.parquet", "rows", LABELS, recordings, True)
    for number, recording in enumerate(recordings):
        output.add(recording, [seen(0, ["Sad"], recording.name)], tmp_path / f"part{number}")
    output.write()
    facts = table.ParquetFile(tmp_path / "out.parquet").metadata
    assert (facts.num_row_groups, facts.num_rows) == (1, 50)
