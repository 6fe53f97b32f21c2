"""Sources are created from what the user writes, and the capture thread reads them at their own pace."""

from __future__ import annotations

import itertools
import sys
import threading
import time

import pytest
from media import number_of, picture, write_clip
from parts import PATIENCE

from expression import sources
from expression.errors import BadInputError, MissingFileError, SourceLostError
from expression.live import capture
from expression.live.capture import CaptureLoop
from expression.live.data import Data
from expression.pictures.image import write_picture
from expression.sources import camera, first_camera, open_source
from expression.sources._base import Source
from expression.sources.camera import Camera


class Numbers(Source):
    """Returns numbered pictures; may fail at one of them."""

    description = "numbers"

    def __init__(self, count: int, fps: float | None = None, fails_at: int = -1):
        self.count, self.fps, self.fails_at = count, fps, fails_at
        self.given = self.closed = 0
        self.opened = threading.Event()

    def open(self):
        self.opened.set()

    def read(self):
        if self.given == self.fails_at:
            raise SourceLostError("The camera is gone.", "Expected it to stay.", "Plug it in.")
        if self.given == self.count:
            return None
        self.given += 1
        return picture(self.given - 1)

    def close(self):
        self.closed += 1


def collect(loop: CaptureLoop) -> list:
    """Runs the loop to its end and returns every frame that it published."""
    frames = []
    publish = loop.data.frame.publish
    loop.data.frame.publish = lambda frame: (frames.append(frame), publish(frame))
    loop.start()
    loop.join(PATIENCE)
    assert not loop.is_alive()
    return frames


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("demo", "Demo"),
        (" demo ", "Demo"),
        ("0", "Webcam"),
        (2, "Webcam"),
        ("rtsp://host/stream", "Stream"),
        ("RTSPS://host/stream", "Stream"),
        ("http://host/video.mp4", "Stream"),
    ],
)
def test_what_a_user_writes_becomes_a_source(text, kind):
    assert type(open_source(text)).__name__ == kind


def test_a_file_or_folder_becomes_a_video_or_pictures(tmp_path):
    write_picture(tmp_path / "face.PNG", picture(1))
    clip = write_clip(tmp_path / "clip.mp4", 2)
    kinds = [type(open_source(str(path))).__name__ for path in (tmp_path, tmp_path / "face.PNG", clip)]
    assert kinds == ["Folder", "Folder", "Video"]


def test_a_source_passes_as_it_is():
    source = Numbers(1)
    assert open_source(source) is source


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (
            "-1",
            BadInputError,
            "The camera number is -1. Expected 0 or more. Choose 0, or another source, such as demo.",
        ),
        (
            "nonsense",
            BadInputError,
            "There is no source 'nonsense'. Expected a camera number, a file, a folder, an rtsp or "
            "http address, picamera, demo, or, in a notebook, browser. Choose another source, such as demo.",
        ),
        ("folder", BadInputError, "There is no source 'folder'."),
        ("dmeo", BadInputError, "browser. Did you mean demo?"),
        ("Demo", BadInputError, "browser. Did you mean demo?"),
        ("brwoser", BadInputError, "browser. Did you mean browser?"),
        ("missing.mp4", MissingFileError, "There is no file or folder missing.mp4."),
        ("some/where", MissingFileError, "There is no file or folder some/where."),
        ("ftp://me:secret@host/x", BadInputError, "an address that begins with ftp://"),
    ],
)
def test_what_is_no_source_is_told_in_three_sentences(text, error, words):
    with pytest.raises(error) as caught:
        open_source(text)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_put_beside_the_others_is_found_by_its_name(tmp_path, monkeypatch):
    code = "from expression.sources._base import Source\nclass Moon(Source):\n    named = True\n"
    (tmp_path / "moon.py").write_text(code)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    try:
        assert type(open_source("moon")).__name__ == "Moon"
    finally:
        sys.modules.pop("expression.sources.moon", None)


@pytest.mark.parametrize(
    ("there", "index"),
    [
        pytest.param([], None, id="none"),
        pytest.param([Camera(2), Camera(4)], 2, id="the first"),
        pytest.param([Camera(0, usable=False), Camera(1)], 1, id="one that may be used"),
        pytest.param([Camera(0, usable=False)], 0, id="only a locked one, whose error says what to do"),
    ],
)
def test_without_a_wish_the_first_camera_is_taken_and_else_the_demo(monkeypatch, there, index):
    monkeypatch.setattr(camera, "cameras", lambda: there)
    assert first_camera() == index
    source = open_source(None)
    assert type(source).__name__ == ("Demo" if index is None else "Webcam")
    assert getattr(source, "index", None) == index


@pytest.mark.slow
def test_every_frame_of_a_clip_is_read_at_its_own_pace(tmp_path):
    loop = CaptureLoop(Data(), open_source(str(write_clip(tmp_path / "clip.mp4", 12, fps=24))))
    began = time.monotonic()
    frames = collect(loop)
    assert time.monotonic() - began >= 11 / 24
    assert [frame.number for frame in frames] == list(range(12))
    assert [number_of(frame.image) for frame in frames] == list(range(12))
    assert [frame.position for frame in frames] == pytest.approx([n / 24 for n in range(12)])
    times = [frame.time for frame in frames]
    assert times == sorted(times)


@pytest.mark.slow
def test_a_capture_that_was_held_up_catches_up_and_drops_nothing(monkeypatch):
    monkeypatch.setattr(capture, "LATE", PATIENCE)

    class Slow(Numbers):
        def read(self):
            if self.given == 2:
                time.sleep(2.2)  # the disk was slow
            return super().read()

    frames = collect(CaptureLoop(Data(), Slow(12, fps=5)))
    assert [frame.number for frame in frames] == list(range(12))
    assert frames[-1].time - frames[2].time < 9 / 5 / 2, "half of what the rest takes at its own pace"


class Timed(Numbers):
    """Returns numbered pictures with the times at which they are due."""

    def __init__(self, *positions: float):
        super().__init__(len(positions), fps=25)
        self.positions = positions

    def read(self):
        image = super().read()
        if image is not None:
            self.position = self.positions[self.given - 1]
        return image


class Watch:
    """Replaces the module time, and a shared object that sleeps, so that no time passes."""

    def __init__(self, loop: CaptureLoop, monkeypatch):
        self.now, self.waits = 1000.0, []
        monkeypatch.setattr(capture, "time", self)
        loop.data.wait_done = self.sleep

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> bool:
        self.waits.append(round(seconds, 3))
        self.now += seconds
        return False


def played(loop: CaptureLoop) -> list:
    """Steps through a source to its end, without a thread."""
    frames = []
    loop.data.frame.publish = frames.append
    while not loop._finished:
        loop.step()
    return frames


def test_a_recording_is_played_by_the_times_of_its_pictures(monkeypatch):
    loop = CaptureLoop(Data(), Timed(0, 0.2, 0.24, 5.0))
    watch = Watch(loop, monkeypatch)
    frames = played(loop)
    assert watch.waits == [0, 0.2, 0.04, 4.76, 0.04]  # the last one stays for its time, too
    assert [frame.position for frame in frames] == [0, 0.2, 0.24, 5.0]
    assert [frame.time for frame in frames] == pytest.approx([1000, 1000.2, 1000.24, 1005])


def test_after_a_laptop_slept_a_recording_goes_on_where_it_was(monkeypatch):
    loop = CaptureLoop(Data(), Timed(*(n / 25 for n in range(50))))
    watch = Watch(loop, monkeypatch)
    loop.source.read = lambda read=loop.source.read: (_sleep(watch, loop), read())[1]
    frames = played(loop)
    times = [frame.time for frame in frames]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert len(frames) == 50
    assert [round(gap, 2) for gap in gaps if gap > 0.05] == [8.0]
    assert min(gaps) > 0.039  # none came at once with the next
    assert [frame.position for frame in frames] == pytest.approx([n / 25 for n in range(50)])


def _sleep(watch: Watch, loop: CaptureLoop) -> None:
    """Lets eight seconds pass before the twentieth picture."""
    if loop.frames == 20:
        watch.now += 8


def test_a_machine_that_is_too_slow_for_a_recording_is_never_more_than_a_second_behind(monkeypatch):
    loop = CaptureLoop(Data(), Timed(*(n / 25 for n in range(100))))
    watch = Watch(loop, monkeypatch)

    def slow(read=loop.source.read):
        watch.now += 0.1
        return read()

    loop.source.read = slow
    frames = played(loop)
    assert len(frames) == 100
    assert watch.now - 1000 - loop._start + 1000 - frames[-1].position <= capture.LATE + 0.1


def test_positions_of_a_source_of_ones_own_never_go_back(monkeypatch):
    loop = CaptureLoop(Data(), Timed(0, 0.04, 0.02, 0.08))
    Watch(loop, monkeypatch)
    assert [frame.position for frame in played(loop)] == [0, 0.04, 0.04, 0.08]


def test_the_first_picture_of_a_live_source_stands_at_0(monkeypatch):
    class Late(Numbers):
        def read(self):
            self.captured = 990.0 + self.given  # before it was opened
            return super().read()

    loop = CaptureLoop(Data(), Late(3))
    Watch(loop, monkeypatch)
    assert [(frame.time, frame.position) for frame in played(loop)] == [(990, 0), (991, 1), (992, 2)]


def test_a_live_source_is_read_without_a_pace():
    frames = collect(CaptureLoop(Data(), Numbers(100)))
    assert len(frames) == 100
    assert frames[-1].time - frames[0].time < 100 / 60, "quicker than any pace"


def test_the_end_of_the_source_closes_the_slot_and_the_source():
    data, source = Data(), Numbers(1)
    follower = data.frame.follow()
    loop = CaptureLoop(data, source)
    collect(loop)
    assert follower.next(timeout=PATIENCE).number == 0
    assert follower.next(timeout=PATIENCE) is None
    assert follower.ended
    assert (source.closed, data.error, loop.frames) == (1, None, 1)


def test_a_source_that_fails_half_way_ends_in_data_error_and_is_closed():
    data, source = Data(), Numbers(9, fails_at=3)
    frames = collect(CaptureLoop(data, source))
    name, error = data.error
    assert (len(frames), name, source.closed) == (3, "capture", 1)
    assert str(error) == "The camera is gone. Expected it to stay. Plug it in."
    assert data.done
    assert data.frame.closed


def test_a_source_that_cannot_be_opened_is_closed_too():
    class Missing(Numbers):
        def open(self):
            raise SourceLostError("There is no camera.", "Expected one.", "Plug one in.")

    data, source = Data(), Missing(1)
    collect(CaptureLoop(data, source))
    assert source.closed == 1
    assert "There is no camera." in str(data.error[1])


def test_done_ends_the_wait_for_the_next_frame_at_once():
    data, source = Data(), Numbers(9, fps=0.01)
    loop = CaptureLoop(data, source)
    follower = data.frame.follow()
    loop.start()
    assert follower.next(timeout=PATIENCE).number == 0
    data.done = True  # what Esc does
    loop.join(PATIENCE)
    assert not loop.is_alive(), "the next would come after 100 s"
    assert (source.closed, data.error) == (1, None)


def test_a_source_that_knows_when_a_picture_was_taken_is_believed():
    class Stamped(Numbers):
        captured = 123.0

    assert collect(CaptureLoop(Data(), Stamped(1)))[0].time == 123.0


def test_a_plain_source_has_nothing_to_read():
    source = Source()
    source.open()
    assert source.read() is None
    source.close()


def test_an_empty_source_is_refused():
    with pytest.raises(BadInputError, match="The source is empty"):
        open_source("")


def test_a_single_picture_stays_where_it_is_shown_and_ends_where_it_is_not(tmp_path):
    write_picture(tmp_path / "face.png", picture(0))
    for repeat, more in ((True, True), (False, False)):
        source = open_source(str(tmp_path / "face.png"), repeat=repeat)
        source.open()
        pictures = [source.read() for _ in range(100)]
        assert (pictures[-1] is not None) == more


def test_a_picture_that_cannot_be_read_is_left_out_and_named(tmp_path, caplog):
    write_picture(tmp_path / "a.png", picture(0))
    (tmp_path / "b.png").write_bytes(b"no picture")
    source = open_source(str(tmp_path))
    source.open()
    while source.read() is not None:
        pass
    source.close()
    assert "Skipped 1 of 2 files: 1 not a picture (b.png)." in caplog.text


@pytest.mark.parametrize(("found", "number"), [(2, 2), (None, 0)])
@pytest.mark.parametrize("text", ["camera", "Webcam"])
def test_the_first_camera_can_be_asked_for_by_a_word(monkeypatch, text, found, number):
    monkeypatch.setattr(sources, "first_camera", lambda: found)
    assert open_source(text).index == number


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", 3).rename(tmp_path / "camera")
    assert not isinstance(open_source("camera"), camera.Webcam)
