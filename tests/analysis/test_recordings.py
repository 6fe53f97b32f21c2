"""Recordings as they come: damaged, uneven, rotated, without a picture, and long."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path

import av
import pytest

from expression.analysis.extraction import Wanted, extract
from expression.analysis.recordings import find
from expression.analysis.run import analyze
from expression.errors import BadInputError
from expression.settings import Settings


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def settings(yunet, monkeypatch) -> Settings:
    monkeypatch.setenv("EXPRESSION_MODELS", str(yunet.parent))
    return Settings(detector="yunet")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "frames", "faces", "seconds", "warning"),
    [
        ("bad_packet.mp4", 295, 290, 11.96, "Skipped 5 of 300 frames"),
        ("browser_recorded.webm", 48, 44, 6.65, ""),
        ("cut_off.mp4", 146, 146, 5.8, "ends early: it had 146 of 300 announced frames"),
        ("interlaced.mp4", 50, 50, 1.96, ""),
        ("mirrored_matrix.mp4", 75, 75, 2.96, ""),
        ("variable_rate.mp4", 180, 175, 11.9, ""),
    ],
)
def test_films_that_other_programs_read_wrongly(
    shared_data, settings, tmp_path, caplog, name, frames, faces, seconds, warning
):
    film = shared_data.parent / "cases" / "films" / name
    result = analyze([film], tmp_path / "out.csv", settings)
    rows = rows_of(tmp_path / "out.csv")
    assert result.frames == frames
    assert len({row["frame"] for row in rows}) >= faces
    assert float(rows[-1]["time"]) == pytest.approx(seconds, abs=0.3)
    assert warning in "\n".join(caplog.messages)


@pytest.mark.slow
def test_a_label_begins_at_its_time_also_at_a_variable_rate(shared_data, settings, tmp_path):
    film = shared_data.parent / "cases" / "films" / "variable_rate.mp4"
    analyze([film], tmp_path / "out.csv", settings)
    surprised = [float(row["time"]) for row in rows_of(tmp_path / "out.csv") if row["label"] == "Surprise"]
    assert surprised[0] == pytest.approx(6.0, abs=0.7)  # smoothing takes its time


def write(path: Path, kind: str) -> Path:
    """Writes a file with sound and no picture, with nothing, or with half a header."""
    if kind == "empty":
        path.write_bytes(b"")
        return path
    with av.open(path, "w") as file:
        stream = file.add_stream("aac", rate=48_000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.planes[0].update(bytes(4096))
        frame.sample_rate, frame.pts = 48_000, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    if kind == "half a header":
        path.write_bytes(path.read_bytes()[:100])
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sound", "has sound but no video"),
        ("empty", "is empty"),
        ("half a header", "has no video"),
    ],
)
def test_what_has_no_picture_is_refused(tmp_path, kind, said):
    film = write(tmp_path / "film.mp4", kind)
    with pytest.raises(BadInputError, match=said):
        analyze([film], tmp_path / "out.csv", Settings(detector="whole"))
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4"}


def joined(path: Path, clip: Path, times: int) -> Path:
    """Writes a clip several times in a row, as one video."""
    with av.open(path, "w") as file:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(clip) as source:
                video = source.streams.video[0]
                stream = stream or file.add_stream_from_template(video)
                for packet in source.demux(video):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        file.mux(packet)
                shift += round(Fraction(12) / video.time_base)
    return path


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_minutes_are_read_as_labelled_and_only_the_right_faces_are_extracted(
    shared_data, settings, tmp_path
):
    media = shared_data / "media"
    film = joined(tmp_path / "film.mp4", media / "slideshow_labelled.mp4", 100)
    result = analyze([film], tmp_path / "out.csv", settings, every=10)
    assert result.frames == 3000
    right, people = Counter(), defaultdict(Counter)
    parts = json.loads((media / "slideshow_labelled.json").read_text())
    label_of = {
        number: part["label"] for part in parts for number in range(part["from"] + 25, part["to"] + 1)
    }
    for row in rows_of(tmp_path / "out.csv"):
        loop, number = divmod(int(row["frame"]), 300)
        if number in label_of:
            right[row["label"].casefold() == label_of[number]] += 1
            people[loop, number // 50][row["person"]] += 1
    assert right[True] >= 0.99 * right.total() > 1150
    assert all(len(found) == 1 for found in people.values()), "one person for each picture"
    numbers = [number for found in people.values() for number in found]
    assert len(numbers) == len(set(numbers)), "and another one for the next"
    wanted = Wanted("Surprise", repeat=3)
    made = extract(film, tmp_path / "out.csv", wanted, tmp_path / "faces")
    taken = [int(path.name[5:11]) % 300 for path in made.pictures]
    assert len(taken) >= 100
    assert {label_of.get(number, "surprise") for number in taken} == {"surprise"}


def test_what_a_folder_has_besides_files_is_counted_and_named(tmp_path, caplog):
    (tmp_path / "film.mp4").write_bytes(b"x")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "more").symlink_to(tmp_path, target_is_directory=True)
    assert find([tmp_path]) == [tmp_path / "film.mp4"]
    assert "Skipped 2 of 3 files and links" in caplog.text
    assert "not a file (gone.mp4)" in caplog.text
    assert "not searched (more)" in caplog.text
