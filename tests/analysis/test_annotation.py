"""An annotated copy has every frame at its time, the readings, and the sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from expression.analysis.annotation import annotate
from expression.analysis.run import analyze
from expression.cli import app
from expression.errors import BadInputError, OutputError
from expression.pictures.image import read_picture, write_picture
from expression.settings import Settings
from expression.types import Box, Frame, Reading, Seen

RATE = 48_000
"""Samples of sound in a second."""


def seen(number: int, *boxes: Box) -> Seen[Reading]:
    readings = [Reading(1, box, "Happy", 0.9, {"Happy": 0.9, "Sad": 0.1}, number) for box in boxes]
    return Seen(Frame(np.empty((0, 0, 3), np.uint8), number), tuple(readings))


def video(
    path: Path,
    times: list[float],
    size: tuple[int, int] = (160, 120),
    codec: str = "libx264",
    sound: str | None = "aac",
    late: float = 0.0,
) -> Path:
    """Writes a video whose frame n is grey of level 8 n, with a beep from 0.5 to 1 s.

    Args:
        path: Its suffix decides on the container.
        times: When each frame is shown, in seconds.
        size: Width and height.
        codec: The codec of the video.
        sound: The codec of the sound; None for none.
        late: The timestamp at which everything begins, in seconds.
    """
    with av.open(path, "w") as file:
        stream = file.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        beep = file.add_stream(sound, rate=RATE) if sound else None
        for number, when in enumerate(times):
            grey = np.full((size[1], size[0], 3), 8 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = round((when + late) * 1000), Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if beep:
            wave = np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE) * (np.arange(RATE) >= RATE // 2)
            form = "s16" if sound.startswith("pcm") else "fltp"
            samples = np.int16(wave * 9000)[None] if form == "s16" else np.float32(wave * 0.3)[None]
            for first in range(0, RATE, 1024):
                part = av.AudioFrame.from_ndarray(
                    samples[:, first : first + 1024], format=form, layout="mono"
                )
                part.sample_rate, part.time_base = RATE, Fraction(1, RATE)
                part.pts = first + round(late * RATE)
                file.mux(beep.encode(part))
            file.mux(beep.encode(None))
    return path


def frames(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(path) as file:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in file.decode(video=0)]


def loud_from(path: Path) -> float:
    """Returns when the beep begins, in seconds."""
    with av.open(path) as file:
        for frame in file.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.05)
            if len(loud):
                return frame.time + loud[0] / frame.sample_rate
    raise AssertionError("no beep")


UNEVEN = [0.0, 0.04, 0.08, 0.5, 0.533, 0.7, 0.95]


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [
        pytest.param("a.mp4", "libx264", "aac", id="sound that is copied"),
        pytest.param("a.webm", "libvpx", "libopus", id="webm"),
        pytest.param("a.mkv", "libx264", "pcm_s16le", id="sound that is converted"),
        pytest.param("a.mp4", "libx264", None, id="no sound"),
    ],
)
@pytest.mark.parametrize("late", [0.0, 3.0])
def test_the_copy_has_the_frames_at_their_times_and_the_sound(tmp_path, name, codec, sound, late):
    path = video(tmp_path / name, UNEVEN, sound=sound, codec=codec, late=late)
    copy = annotate(path, [seen(number) for number in range(7)], tmp_path / "copies")
    assert copy == tmp_path / "copies" / "a-annotated.mp4"
    found = frames(copy)
    assert [time for time, _ in found] == pytest.approx(UNEVEN, abs=0.002)
    assert [image.mean() for _, image in found] == pytest.approx([8 * n for n in range(7)], abs=4)
    if sound:
        assert loud_from(copy) == pytest.approx(0.5, abs=0.05)


def test_odd_sides_are_completed(tmp_path):
    path = video(tmp_path / "a.mkv", [0.0, 0.1], size=(161, 121), sound=None, codec="ffv1")
    found = frames(annotate(path, [], tmp_path))
    assert [image.shape for _, image in found] == [(122, 162, 3)] * 2


def test_frames_that_were_left_out_show_the_last_readings(tmp_path):
    path = video(tmp_path / "a.mp4", [n / 10 for n in range(6)], size=(320, 240), sound=None)
    readings = [seen(0), seen(2, Box(100, 80, 90, 90)), seen(4)]
    found = [image for _, image in frames(annotate(path, readings, tmp_path))]
    drawn = [bool(np.ptp(image) > 100) for image in found]
    assert drawn == [False, False, True, True, False, False]


def test_a_picture_becomes_a_picture(tmp_path):
    write_picture(tmp_path / "a.png", np.full((240, 320, 3), 90, np.uint8))
    copy = annotate(tmp_path / "a.png", [seen(0, Box(100, 80, 90, 90))], tmp_path / "copies")
    assert copy.name == "a-annotated.png"
    assert np.ptp(read_picture(copy)) > 100


def test_recordings_of_one_name_do_not_replace_each_other(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        video(tmp_path / folder / "a.mp4", [0.0], sound=None)
    result = analyze(
        [tmp_path / "one", tmp_path / "two"],
        tmp_path / "out.csv",
        Settings(detector="whole"),
        copies=tmp_path / "copies",
    )
    assert sorted(path.name for path in result.copies) == ["a-annotated-2.mp4", "a-annotated.mp4"]
    assert all(len(frames(path)) == 1 for path in result.copies)


def test_a_damaged_sound_costs_only_the_sound(tmp_path, caplog):
    path = video(tmp_path / "a.mkv", UNEVEN, sound="pcm_s16le")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    assert frames(annotate(path, [], tmp_path / "copies"))


def test_a_copy_that_cannot_be_written_is_an_error(tmp_path):
    path = video(tmp_path / "a.mp4", [0.0], sound=None)
    (tmp_path / "copies").write_text("no folder")
    with pytest.raises(OutputError, match="copies"):
        annotate(path, [], tmp_path / "copies")


def test_the_command_counts_the_copies(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    video(tmp_path / "a.mp4", [0.0, 0.1], sound=None)
    words = ["analyze", "a.mp4", "--out", "out.csv", "--detector", "whole", "--copies", "copies"]
    assert app.main(words) == 0
    assert capsys.readouterr().out.splitlines()[1] == "copies: 1 annotated copy."


def test_a_copy_never_replaces_a_recording(tmp_path):
    for name in ("a.mp4", "a-annotated.mp4"):
        video(tmp_path / name, [0.0, 0.1], sound=None)
    before = (tmp_path / "a-annotated.mp4").read_bytes()
    settings = Settings(detector="whole")
    result = analyze([tmp_path], tmp_path / "out.csv", settings, copies=tmp_path)
    assert (tmp_path / "a-annotated.mp4").read_bytes() == before
    names = {path.name for path in result.copies}
    assert names == {"a-annotated-2.mp4", "a-annotated-annotated.mp4"}


def test_a_recording_that_cannot_be_read_again_is_in_the_table_without_a_copy(tmp_path, monkeypatch, capsys):
    for name in ("a.mp4", "b.mp4"):
        video(tmp_path / name, [0.0, 0.1], sound=None)

    def unreadable(path, *arguments):
        raise BadInputError("It is damaged.", "Expected a video.", "Play it.")

    monkeypatch.setattr("expression.analysis.run.annotate", unreadable)
    words = ["analyze", str(tmp_path), "--out", str(tmp_path / "out.csv"), "--detector", "whole"]
    assert app.main([*words, "--copies", str(tmp_path / "copies")]) == 0
    told = capsys.readouterr().out
    assert told.count("No copy of ") == 2
    assert "Left out" not in told
    assert "4 rows of 4 frames of 2 files" in told
