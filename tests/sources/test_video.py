"""Video files: of every kind, whole and broken, turned, timed; and pictures shown like slides."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from media import number_of, overwrite, packets, picture, web_server, write_clip
from parts import PATIENCE

from expression.errors import BadInputError, ExpressionError, MissingFileError, SourceError, SourceLostError
from expression.live.capture import CaptureLoop
from expression.live.data import Data
from expression.pictures.image import write_picture
from expression.sources import _decoder, open_source, video
from expression.sources._clock import Clock
from expression.sources._opencv import no_warnings, rgb
from expression.sources.folder import Folder
from expression.sources.video import Video

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")


def read_all(source) -> list[np.ndarray]:
    """Opens, reads to the end and closes."""
    return [image for image, _ in read_timed(source)]


def read_timed(source) -> list[tuple[np.ndarray, float]]:
    """Opens, reads to the end and closes; each picture with its position."""
    source.open()
    try:
        images = []
        while (image := source.read()) is not None:
            images.append((image, source.position))
        return images
    finally:
        source.close()


def positions(source) -> list[float]:
    return [position for _, position in read_timed(source)]


def numbers(images) -> list[int]:
    return [number_of(image) for image in images]


@pytest.mark.parametrize(
    ("ending", "codec", "options"),
    [
        ("mp4", "mpeg4", {}),
        ("mp4", "libx264", {}),
        ("mp4", "libx265", {"pixels": "yuv420p10le", "coder": {"x265-params": "log-level=none"}}),
        ("mov", "prores_ks", {}),
        ("avi", "mjpeg", {}),
        ("avi", "mpeg4", {"max_b_frames": 2}),
        ("avi", "rawvideo", {"pixels": "yuyv422"}),
        ("mkv", "ffv1", {"pixels": "gray"}),
        ("mkv", "ffv1", {"pixels": "bgr0"}),
        ("mkv", "libx264", {"pixels": "yuv422p10le"}),
        ("webm", "libvpx", {}),
        ("webm", "libvpx-vp9", {}),
        ("mpg", "mpeg1video", {}),
        ("vob", "mpeg2video", {}),
        ("ts", "mpeg2video", {}),
        ("flv", "flv", {}),
        ("wmv", "msmpeg4v3", {}),
        ("gif", "gif", {}),
        ("apng", "apng", {"pixels": "rgb24"}),
        ("h264", "libx264", {}),
        ("mjpeg", "mjpeg", {}),
    ],
)
def test_a_video_gives_every_picture_in_rgb_at_its_time_and_then_ends(tmp_path, ending, codec, options):
    source = Video(write_clip(tmp_path / f"clip.{ending}", 10, fps=25, codec=codec, **options))
    shown = read_timed(source)
    assert numbers(image for image, _ in shown) == list(range(10))
    assert {(image.shape, image.dtype.name, image.flags.c_contiguous) for image, _ in shown} == {
        ((48, 64, 3), "uint8", True)
    }
    assert [at for _, at in shown] == pytest.approx([n / 25 for n in range(10)], abs=0.002)
    assert (source.fps, source.count in (None, 10), len(source.skipped)) == (25, True, 0)
    assert source.description == f"clip.{ending}"


def test_dv_is_read_in_the_shape_in_which_it_is_shown(tmp_path):
    images = [picture(number, 720, 576) for number in range(5)]
    clip = write_clip(tmp_path / "clip.dv", 5, fps=25, codec="dvvideo", pictures=images, pixels="yuv420p")
    source = Video(clip)
    shown = read_timed(source)
    assert numbers(image for image, _ in shown) == list(range(5))
    assert {image.shape for image, _ in shown} == {(576, 768, 3)}  # its pixels are wider than high
    assert ([at for _, at in shown], source.fps) == (pytest.approx([n / 25 for n in range(5)]), 25)


def test_a_video_that_is_read_twice_begins_again(tmp_path):
    source = Video(write_clip(tmp_path / "clip.mp4", 3))
    assert len(read_all(source)) == len(read_all(source)) == 3


# Time


def test_a_video_of_variable_rate_has_the_times_of_its_frames(tmp_path):
    times = [*(n / 5 for n in range(10)), *(2 + n / 25 for n in range(10)), 5.0, 5.5]
    source = Video(write_clip(tmp_path / "clip.mp4", 22, codec="libx264", times=times))
    assert positions(source) == pytest.approx(times, abs=0.002)


def test_a_video_recorded_in_a_browser_has_no_length_and_still_its_times(tmp_path):
    times = [0, 0.159, 0.315, 0.442, 1.2, 1.204]
    clip = write_clip(tmp_path / "clip.webm", 6, codec="libvpx", times=times, container={"live": "1"})
    source = Video(clip)
    assert positions(source) == pytest.approx(times, abs=0.001)
    assert source.count is None


@pytest.mark.parametrize("fps", [0.5, 1 / 60, 480, 960])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_time_lapse_and_slow_motion_have_their_own_rate(tmp_path, fps, ending):
    source = Video(write_clip(tmp_path / f"clip.{ending}", 12, fps=fps, codec="mpeg4"))
    # Matroska counts milliseconds.
    assert positions(source) == pytest.approx([n / fps for n in range(12)], abs=0.001)
    if ending == "mp4":
        assert source.fps == pytest.approx(fps)


@pytest.mark.slow
def test_every_picture_is_shown_when_its_own_time_has_come(tmp_path):
    times = [0, 0.02, 0.04, 0.5, 0.52, 0.8]
    loop, frames = (
        CaptureLoop(Data(), Video(write_clip(tmp_path / "c.mkv", 6, codec="mpeg4", times=times))),
        [],
    )
    loop.data.frame.publish = frames.append
    loop.run()
    begun = frames[0].time
    assert [frame.position for frame in frames] == pytest.approx(times, abs=0.002)
    assert all(frame.time - begun >= frame.position - 0.001 for frame in frames)


def test_a_picture_that_stays_for_long_beside_other_streams_is_not_the_end(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as file:
        shown = file.add_stream("mjpeg", rate=25, width=64, height=48, pix_fmt="yuvj420p")
        heard = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        for number, second in enumerate((0, 60)):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24")
            frame.pts, frame.time_base = second * 25, Fraction(1, 25)
            file.mux(shown.encode(frame))
            for part in range(6000):  # OpenCV gives up after 4,096
                sound = av.AudioFrame.from_ndarray(np.zeros((1, 8), np.int16), layout="mono")
                sound.sample_rate, sound.pts, sound.time_base = (
                    8000,
                    (second * 100 + part) * 8,
                    Fraction(1, 8000),
                )
                file.mux(heard.encode(sound))
        file.mux([*shown.encode(None), *heard.encode(None)])
    shown = read_timed(Video(path))
    assert [(number_of(image), at) for image, at in shown] == [(0, 0), (1, 60)]


def test_pictures_that_an_avi_leaves_out_because_nothing_changed_are_no_loss(tmp_path, caplog):
    times = [0, 1, 2, 30, 31]
    source = Video(write_clip(tmp_path / "clip.avi", 5, fps=1, codec="mjpeg", times=times))
    assert positions(source) == pytest.approx(times)
    assert (len(source.skipped), caplog.text) == (0, "")


def test_pictures_that_were_coded_in_another_order_are_shown_in_theirs(tmp_path):
    """AVI has one timestamp for each picture only, and it is that of the coding."""
    path = written(tmp_path / "clip.avi", 20, max_b_frames=3, coder={})
    found = positions(Video(path))
    assert found == pytest.approx([n / 25 for n in range(20)], abs=0.045)
    gaps = [after - before for before, after in itertools.pairwise(found)]
    assert sum(gap < 0.03 for gap in gaps) <= 1


def test_joined_recordings_go_on_where_the_first_one_ends(tmp_path):
    part = write_clip(tmp_path / "part.ts", 40, fps=25, codec="mpeg2video").read_bytes()
    (tmp_path / "both.ts").write_bytes(part + part)
    assert positions(Video(tmp_path / "both.ts")) == pytest.approx([n / 25 for n in range(80)], abs=0.002)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([5.0, 5.04, 5.08], [0, 0.04, 0.08], id="begins later"),
        pytest.param([0, None, None, 0.12], [0, 0.04, 0.08, 0.12], id="missing"),
        pytest.param([None, None, 0.08, 0.12], [0, 0.04, 0.08, 0.12], id="missing at first"),
        pytest.param([0, 0.04, 0.04, 0.04, 0.08], [0, 0.04, 0.041, 0.042, 0.08], id="equal"),
        pytest.param([0, 0.04, 0.02, 0.08], [0, 0.04, 0.041, 0.08], id="backwards"),
        pytest.param([0, 20.0, 0.0, 0.04], [0, 20, 20.04, 20.08], id="another count"),
        pytest.param([0, 500.0], [0, 500], id="a long still picture"),
        pytest.param([0, 1e9, 1e9 + 0.04], [0, 0.04, 0.08], id="a damaged time"),
        pytest.param([0, -1e9, -1e9 + 0.04], [0, 0.04, 0.08], id="a damaged time in the past"),
    ],
)
def test_positions_never_go_back(times, expected):
    clock = Clock(0.04)
    assert [clock.position(time) for time in times] == pytest.approx(expected)


def test_a_gap_is_believed_as_long_as_the_video_is():
    assert Clock(0.04, duration=5000).position(0) == 0
    clock = Clock(0.04, duration=5000)
    assert [clock.position(time) for time in (0, 4000, 9000)] == pytest.approx([0, 4000, 4000.04])


# Damage


def written(path: Path, count: int = 60, **options) -> Path:
    """A clip of moving noise, with a key frame every twelve pictures."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    shown = [np.roll(noise, 2 * number, 1) for number in range(count)]
    options = {"codec": "libx264", "gop_size": 12, "coder": {"preset": "ultrafast"}} | options
    return write_clip(path, count, fps=25, pictures=shown, **options)


def ruin(path: Path) -> None:
    """Adds noise to every frame."""
    for start, size in packets(path):
        overwrite(path, start, size)


@pytest.mark.parametrize("ending", ["mp4", "avi", "mkv"])
def test_after_a_bad_packet_the_video_goes_on_and_what_was_lost_is_counted(tmp_path, ending, caplog):
    path = written(tmp_path / f"clip.{ending}", codec="mjpeg", coder={}, pixels="yuvj420p")
    for start, size in packets(path)[20:23]:
        overwrite(path, start, size)
    source = Video(path)
    shown = read_timed(source)
    assert (len(shown), len(source.skipped)) == (57, 3)
    assert [at for _, at in shown][-1] == pytest.approx(59 / 25, abs=0.002)
    assert "clip." + ending + ": Skipped 3 of 60 frames: 3 " in caplog.text
    assert "(0.80 s, 0.84 s, 0.88 s)" in caplog.text


def test_damaged_parts_of_frames_are_shown_as_far_as_they_can_be(tmp_path):
    path = written(tmp_path / "clip.mp4")
    for start, size in packets(path)[20:40:4]:
        overwrite(path, start + size // 2, size // 4)
    source = Video(path)
    assert len(read_all(source)) + len(source.skipped) == 60


@pytest.mark.parametrize(("noise", "reason"), [(True, "damaged"), (False, "missing (before 0.48 s")])
def test_a_video_whose_first_frames_are_lost_keeps_its_own_times(tmp_path, noise, reason, caplog):
    path = written(tmp_path / "clip.mp4", max_b_frames=0)
    for start, size in packets(path)[: 12 if noise else 1]:
        overwrite(path, start, size) if noise else overwrite(path, start, 4)
    source = Video(path)
    shown = read_timed(source)
    assert [at for _, at in shown] == pytest.approx([n / 25 for n in range(12, 60)], abs=0.002)
    assert len(source.skipped) == 12
    assert "clip.mp4: Skipped 12 of 60 frames: " in caplog.text
    assert reason in caplog.text
    assert "ends early" not in caplog.text


@pytest.mark.parametrize(("ending", "codec"), [("mkv", "libx264"), ("webm", "libvpx"), ("wmv", "wmv2")])
def test_a_recording_whose_times_go_on_from_another_is_whole(tmp_path, ending, codec, caplog):
    times = [360 + n / 25 for n in range(30)]
    source = Video(write_clip(tmp_path / f"clip.{ending}", 30, codec=codec, times=times))
    assert positions(source) == pytest.approx([n / 25 for n in range(30)], abs=0.003)
    assert caplog.text == ""


def test_h264_without_a_container_has_the_rate_that_it_says_itself(tmp_path):
    source = Video(write_clip(tmp_path / "clip.h264", 10, fps=12.5, codec="libx264"))
    assert positions(source) == pytest.approx([n / 12.5 for n in range(10)], abs=0.002)


def test_frames_that_are_missing_without_a_word_are_counted(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(_decoder, "announced_frames", lambda stream: 62)
    source = Video(written(tmp_path / "clip.mp4"))
    assert len(read_all(source)) == 60
    assert caplog.messages == ["clip.mp4: Skipped 2 of 62 frames: 2 missing (in between, ...)."]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        pytest.param("mkv", "libx264", id="mkv"),
        pytest.param("webm", "libvpx", id="webm"),
        pytest.param("ts", "mpeg2video", id="ts"),
        pytest.param("mpg", "mpeg1video", id="mpg"),
        pytest.param("flv", "flv1", id="flv"),
        pytest.param("wmv", "wmv2", id="wmv"),
    ],
)
def test_frames_that_a_destroyed_part_of_a_file_had_are_counted_by_the_gap(tmp_path, ending, codec, caplog):
    path = written(tmp_path / f"v.{ending}", 200, codec=codec)
    content = path.read_bytes()
    tenth = len(content) // 10
    path.write_bytes(content[: 5 * tenth] + bytes(tenth) + content[6 * tenth :])
    video = Video(path)
    count = len(read_all(video))
    assert count < 195
    assert count + len(video.skipped) == 200
    assert "missing (after" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize(("live", "skipped"), [(True, 0), (False, 11)])
def test_before_the_first_key_frame_of_a_camera_nothing_is_damaged(tmp_path, live, skipped):
    whole, part = written(tmp_path / "whole.webm", codec="libvpx", coder={}), tmp_path / "part.webm"
    with av.open(str(whole)) as source, av.open(str(part), "w") as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        for packet in itertools.islice(source.demux(video=0), 1, 60):
            packet.stream = stream
            file.mux(packet)
    decoder = _decoder.Decoder(av.open(str(part)), live=live)
    frames = len(list(iter(decoder.read, None)))
    decoder.close()
    assert (frames, len(decoder.skipped)) == (48, skipped)


@pytest.mark.parametrize("at", [0, 31, 58, 59])
def test_frames_that_several_threads_hold_back_are_not_lost_with_the_last_packet(tmp_path, at):
    path = written(tmp_path / "clip.mp4")
    start, size = packets(path)[at if at else 59]
    overwrite(path, start + 4, size - 4) if at else overwrite(path, start, 4)
    source = Video(path)
    assert len(read_all(source)) + len(source.skipped) == 60
    assert len(source.skipped) <= 2


def test_a_video_that_is_cut_off_says_how_much_there_was(tmp_path, caplog):
    path = written(tmp_path / "clip.mp4", container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: packets(path)[30][0]])
    assert len(read_all(Video(path))) == 30
    words = "clip.mp4 ends early: it had 30 of 60 announced frames, up to 1.2 s. It may be damaged."
    assert caplog.messages[0] == words


@pytest.mark.slow
def test_a_webm_that_is_cut_off_says_how_much_there_was(tmp_path, caplog):
    path = written(tmp_path / "clip.webm", codec="libvpx", coder={})
    path.write_bytes(path.read_bytes()[: packets(path)[30][0] - 10])
    assert 25 < len(read_all(Video(path))) <= 30
    assert "clip.webm ends early: it had 1.2 of 2.4 announced seconds. It may be damaged." in caplog.text


@pytest.mark.slow
def test_a_whole_video_says_nothing(tmp_path, caplog):
    for ending, codec in (("mp4", "libx264"), ("webm", "libvpx"), ("avi", "mjpeg"), ("mkv", "mpeg4")):
        read_all(Video(write_clip(tmp_path / f"clip.{ending}", 30, fps=25, codec=codec)))
    assert caplog.text == ""


def test_an_mp4_that_is_cut_by_its_edit_list_is_whole(tmp_path, caplog):
    whole, part = written(tmp_path / "whole.mp4"), tmp_path / "part.mp4"
    with av.open(str(whole)) as source, av.open(str(part), "w") as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.pts -= 10 * 512  # ten frames start before 0, where players start
                packet.dts -= 10 * 512
                packet.stream = stream
                file.mux(packet)
    source = Video(part)
    assert len(read_all(source)) == source.count == 50
    assert caplog.text == ""


def yuv(y: int, u: int = 128, v: int = 128, pixels: str = "yuv420p") -> av.VideoFrame:
    """A frame of one colour."""
    frame = av.VideoFrame(64, 48, pixels)
    for plane, value in zip(frame.planes, (y, u, v), strict=False):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


def test_a_frame_into_which_nothing_was_decoded_is_no_picture(tmp_path, caplog):
    shown = [yuv(120), yuv(0, 0, 0), yuv(120), yuv(0, 0, 0)]
    clip = write_clip(tmp_path / "clip.avi", 4, fps=25, codec="rawvideo", pictures=shown, pixels="yuv420p")
    source = Video(clip)
    assert len(read_all(source)) == 2
    assert "Skipped 2 of 4 frames: 2 not decoded (0.04 s, 0.12 s)." in caplog.text


@pytest.mark.parametrize("black", [16, 0], ids=["video levels", "full levels"])
def test_a_film_that_fades_from_black_loses_nothing(tmp_path, black, caplog):
    shown = [yuv(black), yuv(black), yuv(60), yuv(120)]
    clip = write_clip(tmp_path / "clip.avi", 4, fps=25, codec="rawvideo", pictures=shown, pixels="yuv420p")
    assert len(read_all(Video(clip))) == 4
    assert caplog.text == ""


@pytest.mark.parametrize("pixels", ["gray", "bgr0"])
def test_black_is_zero_where_there_is_no_colour_difference(tmp_path, pixels):
    shown = [picture(0), picture(0), picture(9)]
    clip = write_clip(tmp_path / "clip.mkv", 3, fps=25, codec="ffv1", pictures=shown, pixels=pixels)
    assert numbers(read_all(Video(clip))) == [0, 0, 9]


def test_a_film_in_which_everything_is_black_is_reported(tmp_path, caplog):
    clip = write_clip(
        tmp_path / "clip.avi", 4, fps=25, codec="rawvideo", pictures=[yuv(16)] * 4, pixels="yuv420p"
    )
    assert len(read_all(Video(clip))) == 4
    assert caplog.messages == [
        "clip.avi: all of its 4 frames are black. Play it in a video player, or convert it to mp4."
    ]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda path: write_clip(
                path, 4, fps=25, codec="rawvideo", pictures=[yuv(0, 0, 0)] * 4, pixels="yuv420p"
            ),
            id="zeros",
        ),
        pytest.param(lambda path: ruin(written(path)), id="noise"),
    ],
)
def test_a_film_in_which_nothing_can_be_decoded_is_an_error(tmp_path, make):
    path = tmp_path / "clip.avi"
    make(path)
    source = Video(path)
    with pytest.raises(BadInputError, match="cannot be read as a video") as e:
        source.open()
    assert (e.value.exit_code, source._inputs) == (2, [])


MUTATED = {
    "mp4": {"codec": "libx264", "gop_size": 4, "coder": {"preset": "ultrafast"}},
    "webm": {"codec": "libvpx"},
    "avi": {"codec": "mjpeg"},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> dict[str, bytes]:
    """A video of each kind to damage."""
    folder = tmp_path_factory.mktemp("small")
    clips = {kind: write_clip(folder / f"a.{kind}", 12, fps=25, **how) for kind, how in MUTATED.items()}
    return {kind: path.read_bytes() for kind, path in clips.items()}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Returns a file truncated, or with bytes changed, removed or doubled."""
    data, at = bytearray(data), chance.randrange(len(data))
    kind, size = chance.randrange(6), chance.randrange(1, 200)
    if kind == 0:
        del data[at:]
    elif kind == 1:
        for _ in range(size // 10 + 1):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == 2:
        data[at : at + size] = chance.randbytes(size)
    elif kind == 3:
        del data[at : at + size]
    elif kind == 4:
        data[at % 600] = chance.choice((0, 1, 127, 128, 255))
    else:
        data[at:at] = data[:size]
    return bytes(data)


def check_damaged(path: Path, source: Video) -> None:
    """A damaged video is read or rejected with an error; no loss in an MP4 or AVI goes unreported."""
    try:
        source.open()
    except ExpressionError:
        return source.close()
    before, frames = -1.0, 0
    while (image := source.read()) is not None:
        assert (image.dtype, image.shape[2]) == (np.uint8, 3)
        assert before < source.position < float("inf")
        before, frames = source.position, frames + 1
        assert frames < 1000
    lack, announced = source._decoder.shortfall(), source.count
    source.close()
    assert not source._inputs
    if path.suffix != ".webm" and announced is not None and announced >= 12:
        assert frames + len(source.skipped) >= 12 or lack


def damage_many(small, tmp_path, seeds) -> None:
    for seed, kind in itertools.product(seeds, MUTATED):
        path = tmp_path / f"damaged.{kind}"
        path.write_bytes(mutated(small[kind], random.Random(f"{kind} {seed}")))
        try:
            check_damaged(path, Video(path))
        except BaseException as error:
            error.add_note(f"{kind} {seed}") if hasattr(error, "add_note") else print(kind, seed)
            raise


@pytest.mark.slow
def test_a_damaged_video_is_read_as_far_as_it_goes_or_refused_in_a_sentence(small, tmp_path):
    damage_many(small, tmp_path, range(100))


@pytest.mark.slow
def test_thousands_of_damaged_videos_are_read_as_far_as_they_go_or_refused(small, tmp_path):
    damage_many(small, tmp_path, range(100, 1800))


# Turned, interlaced

ARROW = np.zeros((48, 64, 3), np.uint8)
ARROW[:12, :16] = 200, 0, 0  # the top left corner is red
ARROW[:12, 48:] = 0, 200, 0  # the top right corner is green
ONE = 1 << 16
EIGHT = {
    "as it is": (ONE, 0, 0, ONE),
    "mirrored": (-ONE, 0, 0, ONE),
    "upside down": (-ONE, 0, 0, -ONE),
    "flipped": (ONE, 0, 0, -ONE),
    "a quarter to the right": (0, ONE, -ONE, 0),
    "a quarter to the left": (0, -ONE, ONE, 0),
    "mirrored, a quarter to the right": (0, ONE, ONE, 0),
    "mirrored, a quarter to the left": (0, -ONE, -ONE, 0),
}


def shown_by(matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Moves each pixel of ARROW according to a display matrix."""
    a, b, c, d = (value // ONE for value in matrix)
    height, width = ARROW.shape[:2]
    y, x = np.mgrid[:height, :width]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    result = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), np.uint8)
    result[to_y, to_x] = ARROW
    return result


@pytest.mark.parametrize("name", EIGHT)
def test_a_film_is_upright_however_the_camera_was_held(tmp_path, name):
    a, b, c, d = EIGHT[name]
    matrix = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    clip = write_clip(
        tmp_path / "clip.mp4", 2, codec="libx264", pictures=[ARROW] * 2, pixels="yuv444p", matrix=matrix
    )
    image = read_all(Video(clip))[0]
    assert image.shape == shown_by(EIGHT[name]).shape
    assert np.abs(image.astype(int) - shown_by(EIGHT[name])).mean() < 4
    assert image.flags.c_contiguous


def test_interlaced_film_has_no_comb(tmp_path):
    columns = np.arange(64)

    def bar(second: float) -> np.ndarray:
        edge = 4 + second * 100
        return np.repeat(np.where(np.abs(columns - edge) < 8, 220, 30).astype(np.uint8)[None], 48, 0)

    shown = []
    for number in range(12):
        levels = bar(number / 25)
        levels[1::2] = bar(number / 25 + 0.02)[1::2]  # every other row is of a later moment
        shown.append(np.repeat(levels[..., None], 3, 2))
    options = {"x264-params": "tff=1", "crf": "5"}
    clip = write_clip(tmp_path / "c.mp4", 12, fps=25, codec="libx264", pictures=shown, coder=options)
    images = read_timed(Video(clip))
    assert [at for _, at in images] == pytest.approx([n / 25 for n in range(12)], abs=0.002)
    comb = [np.abs(np.diff(image[4:-4, :, 1].astype(int), axis=0)).mean() for image, _ in images[1:-1]]
    before = np.abs(np.diff(shown[5][4:-4, :, 1].astype(int), axis=0)).mean()
    assert max(comb) < before / 4


@pytest.mark.parametrize("method", ["configure", "vpush"])
def test_interlaced_film_for_which_there_is_no_filter_is_read_as_it_is(tmp_path, monkeypatch, method):
    class Refusing:
        def __init__(self):
            self._graph = graph()

        def __getattr__(self, name):
            if name == method:
                raise av.error.ArgumentError(22, "Invalid argument")
            return getattr(self._graph, name)

    graph = av.filter.Graph
    monkeypatch.setattr(av.filter, "Graph", Refusing)
    options = {"x264-params": "tff=1"}
    clip = write_clip(tmp_path / "c.mp4", 10, fps=25, codec="libx264", coder=options)
    assert numbers(read_all(Video(clip))) == list(range(10))


def test_a_film_whose_size_changes_goes_on(tmp_path):
    with (tmp_path / "both.mjpeg").open("wb") as both:
        for width in (64, 128):
            shown = [picture(7, width, 48)] * 5
            both.write(write_clip(tmp_path / "a.mjpeg", 5, codec="mjpeg", pictures=shown).read_bytes())
    shapes = [image.shape for image in read_all(Video(tmp_path / "both.mjpeg"))]
    assert shapes == [(48, 64, 3)] * 5 + [(48, 128, 3)] * 5


# Names, and files that are not videos


@needs_posix
@pytest.mark.parametrize(
    "name",
    [
        "2024-01-01T12:30.mp4",
        "http:clip.mp4",
        "clip%03d.mp4",
        "clip%d.jpg",
        "-i.mp4",
        "a\nb\x1b[31m.mp4",
        os.fsdecode(b"caf\xe9.mp4"),
        "笑顔.mp4",
        "x" * 250,
    ],
)
def test_a_video_is_read_whatever_its_name_is(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", 2).rename(tmp_path / name)
    source = Video(name)
    assert len(read_all(source)) == 2
    assert source.description.isprintable()
    source.description.encode()
    Path(name).write_bytes(b"no video at all")
    with pytest.raises(BadInputError) as caught:
        source.open()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"this is only text, whatever its name says\n" * 50, "", id="text"),
        pytest.param("sound", "has sound but no video", id="sound"),
        pytest.param(b"#EXTM3U\n", "cannot be read as a video (", id="playlist"),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.txt"])
def test_a_file_that_is_no_video_fails_when_it_is_opened(tmp_path, name, content, words):
    path = tmp_path / name
    if content == "sound":
        content = sound(tmp_path / "a.wav")
    path.write_bytes(content)
    source = Video(path)
    with pytest.raises(BadInputError) as caught:
        source.open()
    source.close()
    assert str(caught.value).startswith(f"{path} {words}")
    expected = "Expected a video such as mp4, avi or webm with at least one frame."
    remedies = ("Play it in a video player, or convert it to mp4.", "Choose a video.")
    told = "sound but" in words or "is text" in str(caught.value)  # cannot be converted to a video
    assert str(caught.value).endswith(f". {expected} {remedies[told]}")


@pytest.mark.parametrize("name", ["clip.mp4", "photo.jpg"])
@pytest.mark.parametrize(
    ("content", "words", "remedy"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "is a Git LFS pointer",
            "pull.",
        ),
        (b"<!doctype html><html>log in first</html>", "is a web page.", "Download the file itself."),
    ],
)
def test_what_came_in_the_place_of_a_file_is_called_by_its_name(tmp_path, name, content, words, remedy):
    path = tmp_path / name
    path.write_bytes(content)
    source = open_source(str(path))
    with pytest.raises(BadInputError) as caught:
        source.open()
    source.close()
    assert str(caught.value).startswith(f"{path} {words}")
    assert str(caught.value).endswith(remedy)


def sound(path: Path) -> bytes:
    """A second of silence."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
    return path.read_bytes()


def test_the_picture_on_the_cover_of_music_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as file:
        heard = file.add_stream("aac", rate=8000, layout="mono")
        shown = file.add_stream("mjpeg", rate=1, width=64, height=48, pix_fmt="yuvj420p")
        shown.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        image = av.VideoFrame.from_ndarray(picture(3), "rgb24").reformat(format="yuvj420p")
        file.mux([*shown.encode(image), *shown.encode(None), *heard.encode(frame), *heard.encode(None)])
    with pytest.raises(BadInputError, match=r"song\.mp4 has sound but no video"):
        Video(path).open()


def test_a_picture_that_is_called_a_video_gives_that_picture(tmp_path):
    write_picture(tmp_path / "face.jpg", picture(5))
    (tmp_path / "face.jpg").rename(tmp_path / "face.mp4")
    assert numbers(read_all(Video(tmp_path / "face.mp4"))) == [5]


@needs_posix
@pytest.mark.parametrize(("path", "words"), [("", "is a folder"), ("/dev/null", "is a device")])
def test_a_folder_or_a_device_is_no_video(tmp_path, path, words):
    with pytest.raises(BadInputError, match=words):
        Video(path or tmp_path).open()


def test_a_missing_video_is_told_so(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no video .*gone\.mp4"):
        Video(tmp_path / "gone.mp4").open()


def test_a_playlist_does_not_lead_into_the_network(tmp_path):
    asked = []
    with web_server(lambda request: asked.append(request.path)) as address:
        lists = {
            "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{address}/part.ts\n#EXT-X-ENDLIST\n",
            "a.ffconcat": f"ffconcat version 1.0\nfile '{address}/part.ts'\n",
            "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
            "a=rtpmap:96 H264/90000\n",
        }
        for name, content in lists.items():
            (tmp_path / name).write_text(content)
            with pytest.raises(BadInputError, match="cannot be read as a video"):
                Video(tmp_path / name).open()
    assert asked == []


def test_a_disk_that_fails_half_way_ends_the_run_with_an_error(tmp_path, monkeypatch):
    source = Video(written(tmp_path / "clip.mp4", container={"movflags": "faststart"}))
    source.open()
    assert source.read() is not None

    class Broken:
        def read(self, size):
            raise OSError(5, "Input/output error")

        def __getattr__(self, name):
            return getattr(original, name)

    original = source._inputs[0]._file
    source._inputs[0]._file = Broken()
    with pytest.raises(SourceLostError, match=r"cannot be read beyond [\d.]+ s \(Input/output error\)"):
        while source.read() is not None:
            pass
    source.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
class TestPipes:
    @pytest.fixture
    def pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        return tmp_path / "pipe"

    @contextlib.contextmanager
    def writing(self, pipe, content, stay=None):
        """Another program that writes into the pipe, and then leaves it open until `stay` is set."""

        def write():
            with contextlib.suppress(BrokenPipeError), pipe.open("wb") as file:
                file.write(content)
                file.flush()
                if stay:
                    stay.wait(PATIENCE)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            if stay:
                stay.set()
            thread.join(PATIENCE)

    def test_a_video_comes_through_a_named_pipe(self, tmp_path, pipe):
        content = write_clip(tmp_path / "clip.webm", 10, fps=25, codec="libvpx").read_bytes()
        with self.writing(pipe, content):
            shown = read_timed(Video(pipe))
        assert numbers(image for image, _ in shown) == list(range(10))
        assert [at for _, at in shown] == pytest.approx([n / 25 for n in range(10)], abs=0.002)

    @pytest.mark.slow
    def test_a_video_whose_index_is_at_its_end_is_refused_with_what_to_write_instead(self, tmp_path, pipe):
        content = written(tmp_path / "clip.mp4", 600).read_bytes()
        with self.writing(pipe, content), pytest.raises(BadInputError) as caught:
            Video(pipe).open()
        assert str(caught.value).endswith(video.STREAM_IT)
        assert "ffmpeg: -f matroska" in video.STREAM_IT

    @pytest.mark.slow
    def test_a_pipe_into_which_nobody_writes_is_told_so(self, pipe, monkeypatch):
        monkeypatch.setattr(video, "PATIENCE", 0.3)
        with pytest.raises(SourceError) as caught:
            Video(pipe).open()
        assert str(caught.value) == (
            f"{pipe} cannot be read (no data came for 0.3 s). Expected a working disk, or a program that "
            "writes to the pipe. Check the disk, or start that program."
        )

    @pytest.mark.slow
    def test_a_pipe_that_falls_silent_ends_the_run_with_an_error(self, tmp_path, pipe, monkeypatch):
        monkeypatch.setattr(video, "PATIENCE", 0.5)
        content = written(tmp_path / "clip.webm", codec="libvpx", coder={}).read_bytes()
        source = Video(pipe)
        with self.writing(pipe, content[: len(content) * 2 // 3], threading.Event()):
            source.open()
            with pytest.raises(SourceLostError, match=r"no data came for 0\.5 s"):
                while source.read() is not None:
                    pass
            source.close()

    def test_done_ends_the_wait_for_a_pipe(self, pipe):
        data = Data()
        loop = CaptureLoop(data, Video(pipe))
        loop.start()
        data.wait_done(0.3)
        data.done = True
        loop.join(PATIENCE)
        assert not loop.is_alive()
        assert (data.error, loop.frames) == (None, 0)


def test_ffmpeg_prints_nothing_about_a_broken_video(tmp_path):
    """In a process of its own, whose output is all there is."""
    path = written(tmp_path / "clip.mp4")
    for start, size in packets(path)[10:50:3]:
        overwrite(path, start + 8, size // 2)
    code = (
        "import sys\n"
        "from expression.sources.video import Video\n"
        "source = Video(sys.argv[1])\n"
        "source.open()\n"
        "while source.read() is not None: pass\n"
        "print('told')\n"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, cwd=root)
    assert (ran.stdout.strip(), ran.stderr) == ("told", "")


# Pictures and cameras


def test_opencv_s_warnings_come_back_when_the_last_reader_is_through():
    before = cv2.utils.logging.getLogLevel()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with no_warnings:
            entered.set()
            leave.wait(PATIENCE)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(PATIENCE)
    with no_warnings:
        leave.set()
        thread.join(PATIENCE)
        assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_SILENT
    assert cv2.utils.logging.getLogLevel() == before != cv2.utils.logging.LOG_LEVEL_SILENT


def test_a_grey_camera_gives_rgb_too():
    assert rgb(np.full((4, 6), 7, np.uint8)).tolist() == np.full((4, 6, 3), 7).tolist()


def test_pictures_are_shown_in_natural_order_and_each_for_a_while(tmp_path):
    for number in (10, 2, 1):
        write_picture(tmp_path / f"face{number}.png", picture(number))
    folder = Folder(tmp_path, seconds=0.3)
    assert [number_of(image) for image in read_all(folder)] == [1] * 3 + [2] * 3 + [10] * 3
    assert folder.fps == 10
    assert Folder(tmp_path).seconds >= 1


def test_pictures_may_differ_in_size_and_large_ones_are_shrunk(tmp_path):
    write_picture(tmp_path / "a.png", picture(1, 64, 48))
    write_picture(tmp_path / "b.jpg", picture(2, 2560, 1280))
    shapes = [image.shape for image in read_all(Folder(tmp_path, seconds=0))]
    assert shapes == [(48, 64, 3), (640, 1280, 3)]


def test_an_unreadable_picture_is_skipped_and_named(tmp_path):
    write_picture(tmp_path / "2.png", picture(2))
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "3.jpg").write_bytes(b"")
    (tmp_path / "._2.png").write_bytes(b"what macOS leaves on foreign disks")
    (tmp_path / "notes.txt").write_text("not for showing")
    folder = Folder(tmp_path, seconds=0)
    assert [number_of(image) for image in read_all(folder)] == [2]
    assert folder.skipped.names["not a picture"] == ["1.png", "notes.txt"]
    assert folder.skipped.names["empty"] == ["3.jpg"]
    assert folder.skipped.names["a hidden or system file"] == ["._2.png"]


def test_a_single_picture_is_a_source(tmp_path):
    write_picture(tmp_path / "face.png", picture(4))
    assert [number_of(image) for image in read_all(Folder(tmp_path / "face.png", seconds=0.2))] == [4, 4]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], " contains no readable picture. Expected"),
        (["1.png"], " contains no readable picture. Skipped 1 of 1 file: 1 not a picture (1.png). Expected"),
    ],
    ids=["empty", "unreadable"],
)
def test_a_folder_without_a_picture_is_told_so(tmp_path, files, words):
    for name in files:
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(BadInputError) as caught:
        Folder(tmp_path).open()
    assert f"{tmp_path}{words}" in str(caught.value)
    assert str(caught.value).endswith("Choose another folder, or add pictures to it.")


def test_a_missing_folder_is_told_so(tmp_path):
    with pytest.raises(MissingFileError, match="There is no file or folder"):
        Folder(tmp_path / "gone").open()


@pytest.mark.parametrize("name", ["clip.mp4", "clip.txt"])
@pytest.mark.parametrize("size", [400, -1])
def test_an_mp4_whose_recording_was_interrupted_is_called_that(tmp_path, name, size):
    content = write_clip(tmp_path / "whole.mp4", 20).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: size if size > 0 else content.index(b"moov") - 4])
    with pytest.raises(BadInputError, match=rf"{name} is an mp4 without its index.*untrunc"):
        Video(path).open()


def test_frames_that_are_decoded_only_in_part_are_counted_and_named(tmp_path, caplog):
    path = written(tmp_path / "clip.mp4")
    for start, size in packets(path)[12:14]:
        overwrite(path, start + size // 2, size // 4)
    source = Video(path)
    assert len(read_all(source)) + len(source.skipped) == 60
    assert "clip.mp4 is damaged: of " in caplog.text
    assert " decoded only in part (0." in caplog.text


def test_an_encrypted_video_is_called_that(tmp_path):
    path = tmp_path / "clip.mp4"
    keys = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb"}
    keys["encryption_kid"] = "a7e61c373e219033c21091fa607bf3b8"
    with av.open(str(path), "w", options=keys) as file:
        stream = file.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        for number in range(5):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), "rgb24")))
        file.mux(stream.encode(None))
    with pytest.raises(BadInputError, match=r"clip\.mp4 is encrypted\."):
        Video(path).open()


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x00\x00\x00\x18ftypcrx " + bytes(100), "is a camera raw file"),
        (bytes(128) + b"DICM" + bytes(100), "is a DICOM file"),
        (b"PK\x03\x04" + bytes(100), "is a zip archive"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(tmp_path, start, words):
    path = tmp_path / "shot.bin"
    path.write_bytes(start)
    with pytest.raises(BadInputError, match=words):
        Video(path).open()
