"""Network cameras on loopback: working ones, and every kind of failure."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading

import numpy as np
import pytest
from media import motion_jpeg, number_of, picture, web_server, write_clip
from parts import PATIENCE
from rtspserver import camera, coded

from expression.errors import SourceError, SourceLostError
from expression.live.capture import CaptureLoop
from expression.live.data import Data
from expression.sources import _connection, open_source, stream
from expression.sources.stream import Stream, without_secrets


def endless():
    """Numbers 0 to 24, again and again."""
    return map(picture, itertools.count())


def with_password(address: str) -> str:
    return address.replace("://", "://me:secret@") + "/camera?password=secret"


@pytest.fixture(scope="module")
def moving():
    """Forty pictures of noise as H.264, at ten per second: a key frame every four seconds."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 24, 32, 3), np.uint8)
    try:
        return coded([each.repeat(2, 0).repeat(2, 1) for each in noise], fps=10, keys=40)
    except ValueError as error:  # pragma: no cover
        pytest.skip(f"PyAV has no H.264 encoder here: {error}")


@contextlib.contextmanager
def running(source: Stream):
    """The capture thread of a source; its data, a follower of its frames, and itself."""
    data = Data()
    loop, follower = CaptureLoop(data, source), data.frame.follow()
    loop.start()
    try:
        yield data, follower, loop
    finally:
        data.done = True
        loop.join(PATIENCE)
        assert not loop.is_alive()


class Camera:
    """A camera of MJPEG over HTTP that sends so many pictures to each reader, and can be switched off."""

    def __init__(self, count: int, stall: bool = False, pause: float = 0.01):
        self.readers, self.on = 0, threading.Event()
        self.on.set()
        self._play = motion_jpeg(lambda: map(picture, range(count)), pause, stall)

    def __call__(self, request) -> None:
        if not self.on.is_set():
            request.send_error(503)
            return
        self.readers += 1
        self._play(request)


def test_a_network_camera_gives_its_pictures_one_after_the_other():
    with web_server(motion_jpeg(endless, pause=0.02)) as address:
        source = Stream(address)
        source.open()
        numbers = [number_of(source.read()) for _ in range(10)]
        source.close()
    assert numbers == list(range(10))
    assert (source.fps, source.mirror, source.position, len(source.skipped)) == (None, False, None, 0)


@pytest.mark.slow
def test_a_slow_consumer_gets_the_newest_picture_and_never_lags_behind():
    sent = []

    def counted():
        for number in range(60):
            sent.append(number)
            yield np.full((48, 64, 3), number * 4, np.uint8)

    with web_server(motion_jpeg(counted, pause=0.02)) as address:
        with running(Stream(address, reconnect=0)) as (data, follower, _):
            while (frame := follower.next(timeout=PATIENCE)) is not None:
                shown = round(float(frame.image.mean()) / 4)
                assert len(sent) - 1 - shown < 30  # since then; reading each in turn would fall 54 behind
                data.wait_done(0.2)  # five times slower than the camera
        assert follower.skipped > follower.taken
    assert isinstance(data.error[1], SourceLostError)


def test_a_camera_that_hiccups_is_connected_to_again_and_the_run_goes_on(monkeypatch, caplog):
    monkeypatch.setattr(stream, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(stream, "WARNED_AFTER", 0.0)
    answer = Camera(5)
    with web_server(answer) as address, running(Stream(address)) as (data, follower, loop):
        while answer.readers < 3:
            assert follower.next(timeout=PATIENCE) is not None
    assert data.error is None
    assert loop.frames > 10
    assert f"{address} has sent no frames for 0 s. Waiting for" in caplog.text
    assert f"{address} is sending frames, after 0 s." in caplog.text


def test_what_was_skipped_is_told_of_all_pictures_of_all_connections(monkeypatch, caplog):
    monkeypatch.setattr(stream, "FIRST_PAUSE", 0.02)
    with web_server(Camera(5)) as address:
        source = Stream(address)
        source.open()
        taken = [source.read() for _ in range(12)]
        source.skipped.add("frame 3", "damaged")
        source.close()
    assert len(taken) == 12
    assert "Skipped 1 of 13 frames: 1 damaged (frame 3)." in caplog.text


def test_pauses_between_two_tries_grow():
    source, pauses = Stream("http://127.0.0.1:9", reconnect=100), []
    source._seen, source._connect = float("inf"), lambda: None
    source._pause = pauses.append
    source._next = lambda *_: _connection.Picture(picture(0), 0.0) if len(pauses) == 8 else OSError()
    assert source._again().position == 0
    assert pauses == pytest.approx([0.5, 0.75, 1.125, 1.6875, 2.53125, 3.796875, 5, 5])


def test_the_display_is_told_what_is_waited_for_while_a_camera_is_away(monkeypatch):
    monkeypatch.setattr(stream, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(stream, "TOLD_AFTER", 0.0)
    answer = Camera(3)
    with web_server(answer) as address, running(Stream(address)) as (data, follower, _):
        follower.next(timeout=PATIENCE)
        answer.on.clear()
        while not data.waiting:
            data.wait_done(0.01)
        assert data.waiting == "Waiting for the camera: 0 s"
        while follower.next(timeout=0.2) is not None:
            pass
        answer.on.set()
        assert follower.next(timeout=PATIENCE) is not None
        assert answer.readers > 1


def test_a_camera_that_dies_half_way_is_lost_and_never_names_the_password(caplog):
    with web_server(motion_jpeg(lambda: map(picture, range(5)))) as address:
        source = open_source(with_password(address), reconnect=0.0)
        with running(source) as (data, _, loop):
            loop.join(PATIENCE)
    assert loop.frames == 5
    assert str(data.error[1]) == (
        f"{address} stopped sending frames and did not reconnect within 0 s. "
        "Expected the stream to continue. Check the network and the camera, and start again. "
        "To wait longer, raise the setting reconnect."
    )
    assert loop.source.description == address
    assert "secret" not in caplog.text
    error = data.error[1]
    while error is not None:  # no exception that a traceback would print has it either
        assert "secret" not in str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.slow
@pytest.mark.parametrize("reconnect", [0.3, 1.2])
def test_a_camera_that_stalls_is_given_up_after_the_time_that_is_set(reconnect):
    with web_server(Camera(5, stall=True)) as address:
        source = Stream(address, reconnect)
        source.open()
        for _ in range(5):
            source.read()
        seen = source._seen
        with pytest.raises(SourceLostError, match=f"did not reconnect within {reconnect:g} s"):
            source.read()
        assert stream.time.monotonic() - seen >= reconnect
    source.close()


@pytest.mark.slow
def test_a_camera_that_stalls_is_connected_to_again_when_the_connection_has_brought_nothing(monkeypatch):
    monkeypatch.setattr(_connection, "SILENCE", 0.3)
    monkeypatch.setattr(stream, "FIRST_PAUSE", 0.02)
    answer = Camera(5, stall=True)
    with web_server(answer) as address, running(Stream(address)) as (data, follower, _):
        while answer.readers < 3:
            assert follower.next(timeout=PATIENCE) is not None
    assert data.error is None


@pytest.mark.slow
def test_a_camera_whose_next_key_frame_is_seconds_away_is_waited_for(moving, monkeypatch, caplog):
    monkeypatch.setattr(stream, "WARNED_AFTER", 0.3)
    with (
        camera(moving, fps=10, start=20) as server,
        running(Stream(server.address)) as (data, follower, loop),
    ):
        while not data.waiting:
            data.wait_done(0.01)
        assert data.waiting.startswith("Waiting for the first frame: 1 s")
        assert follower.next(timeout=PATIENCE).image.shape == (48, 64, 3)
        assert data.waiting == ""
    assert data.error is None
    assert len(loop.source.skipped) == 0  # what came before the key frame is not damage
    shown = without_secrets(server.address)
    assert f"{shown} has sent no frames for 0 s. Waiting for the first frame." in caplog.text


@pytest.mark.slow
def test_a_camera_that_never_sends_a_key_frame_is_told_apart_from_one_that_does_not_answer(
    moving, monkeypatch
):
    monkeypatch.setattr(stream, "FIRST_PICTURE", 0.5)
    with camera(moving, fps=10, start=1) as server:
        source = Stream(server.address)
        with pytest.raises(SourceError) as caught:
            source.open()
    assert str(caught.value) == (
        f"No frames were received from {without_secrets(server.address)}: it responds, but sent no frame "
        "within 0 s. Expected an rtsp or http address that plays in a player such as VLC. Set the camera "
        "to send key frames every second or two, or choose its other stream."
    )


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("", "it requires a user and a password (401). Expected those of the camera in the address"),
        ("me:wrong@", "it rejects this user and password (401). Expected those of the camera in the address"),
    ],
)
def test_a_wrong_password_is_told_apart_from_none(moving, user, words):
    with camera(moving, password="secret") as server, pytest.raises(SourceError) as caught:
        Stream(server.address.replace("://", f"://{user}")).open()
    assert words in str(caught.value)
    assert "write @ as %40" in caught.value.remedy
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("password", ["secret", "p%40ss%3Aword%2F"])
def test_the_right_password_opens_a_camera(moving, password):
    plain = password.replace("%40", "@").replace("%3A", ":").replace("%2F", "/")
    with camera(moving, password=plain) as server:
        source = Stream(server.address.replace("://", f"://me:{password}@"))
        source.open()
        assert source.read().shape == (48, 64, 3)
        source.close()


def refuse(code: int):
    def answer(request) -> None:
        request.send_error(code)

    return answer


def page(request) -> None:
    body = b"<html>Please log in</html>" * 100
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def endless_page(request) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    request.wfile.write(b"<html>Please log in</html>" * 100)


def silence(request) -> None:
    request.server.stopping.wait()


@pytest.mark.parametrize(
    ("answer", "why", "remedy"),
    [
        pytest.param(refuse(401), "it rejects this user and password (401)", "%40", id="401"),
        pytest.param(refuse(403), "it denies access (403)", "Allow access in the settings", id="403"),
        pytest.param(refuse(404), "there is nothing at this path (404)", "Look up the path", id="404"),
        pytest.param(refuse(500), "it responds with an error (Server returned 5XX", "Restart", id="500"),
        pytest.param(page, "it responds, but not with a video", "a web page is not a stream", id="page"),
        pytest.param(endless_page, "it responds, but closed", "a web page is not a stream", id="hangs up"),
        pytest.param(silence, "it does not respond", "Check the address and port", id="silence"),
    ],
)
def test_an_address_that_gives_no_pictures_is_told_why(answer, why, remedy, monkeypatch):
    monkeypatch.setattr(_connection, "SILENCE", 0.4)
    with web_server(answer) as address:
        source = open_source(with_password(address))
        with pytest.raises(SourceError) as caught:
            source.open()
        source.close()
    assert str(caught.value).startswith(f"No frames were received from {address}: {why}")
    assert remedy in caught.value.remedy
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_an_address_where_nobody_listens_fails_at_once(scheme, capfd):
    with socket.socket() as taken:  # bound but not listening, so that no other program has this port
        taken.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SourceError, match=f"No frames .* from {address}: it refuses the connection"):
            open_source(with_password(address)).open()
    printed = capfd.readouterr()
    assert "secret" not in printed.out + printed.err


def test_a_name_that_no_host_has_is_told_so(monkeypatch):
    def unknown(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SourceError) as caught:
        Stream("http://no-such-host.invalid/x").open()
    assert str(caught.value).startswith(
        "No frames were received from http://no-such-host.invalid: the host name was not found"
    )


@pytest.mark.slow
def test_done_ends_the_wait_for_a_first_picture(monkeypatch):
    with web_server(silence) as address, running(Stream(address)) as (data, _, loop):
        while not data.waiting:
            data.wait_done(0.01)
        data.done = True
        loop.join(PATIENCE)
        assert not loop.is_alive()
    assert data.error is None


@pytest.mark.slow
def test_done_ends_the_wait_for_a_camera_that_is_away():
    answer = Camera(3)
    with web_server(answer) as address, running(Stream(address)) as (data, follower, loop):
        follower.next(timeout=PATIENCE)
        answer.on.clear()
        while not data.waiting:
            data.wait_done(0.01)
        data.done = True
        loop.join(PATIENCE)
        assert not loop.is_alive()
    assert data.error is None


class Web:
    """A web server with one video, which may break off or stall at two thirds of it, once or always."""

    def __init__(self, content: bytes, ranges=False, sized=True, breaks=0, stall=False):
        self.content, self.ranges, self.sized = content, ranges, sized
        self.breaks, self.stall, self.asked = breaks, stall, []

    def __call__(self, request) -> None:
        wanted = request.headers.get("Range", "bytes=0-")
        start = int(wanted[6:].split("-")[0]) if self.ranges else 0
        self.asked.append(start)
        body = self.content[start:]
        request.send_response(206 if self.ranges else 200)
        if self.ranges:
            request.send_header("Accept-Ranges", "bytes")
            size = len(self.content)
            request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        length = ("Content-Length", str(len(body))) if self.sized else ("Connection", "close")
        request.send_header(*length)
        request.end_headers()
        if self.breaks:
            self.breaks -= 1
            body = body[: len(self.content) * 2 // 3 - start]
        request.wfile.write(body)
        if self.stall and len(body) < len(self.content) - start:
            request.server.stopping.wait()


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, bytes]:
    """Thirty numbered pictures, 20 per second, as AVI, WebM, and MP4 that starts with its index."""
    folder = tmp_path_factory.mktemp("clips")
    made = {
        "avi": write_clip(folder / "clip.avi", 30, fps=20, codec="mjpeg"),
        "webm": write_clip(folder / "clip.webm", 30, fps=20, codec="libvpx"),
        "mp4": write_clip(
            folder / "clip.mp4", 30, fps=20, codec="mpeg4", container={"movflags": "faststart"}
        ),
    }
    return {kind: path.read_bytes() for kind, path in made.items()}


def play(address: str, **options) -> tuple[CaptureLoop, list]:
    """Runs a web video to its end."""
    data, frames = Data(), []
    loop = CaptureLoop(data, Stream(address, **options))
    publish = data.frame.publish
    data.frame.publish = lambda frame: (frames.append(frame), publish(frame))
    loop.start()
    loop.join(PATIENCE)
    assert not loop.is_alive()
    return loop, frames


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["avi", "webm", "mp4"])
def test_a_video_on_a_web_server_is_played_at_its_own_pace_and_ends_without_an_error(clips, kind):
    with web_server(Web(clips[kind])) as address:
        loop, frames = play(f"{address}/clip.{kind}")
    assert (loop.frames, loop.source.fps, loop.data.error) == (30, 20, None)
    assert [frame.position for frame in frames] == pytest.approx([n / 20 for n in range(30)], abs=0.002)
    assert frames[-1].time - frames[0].time >= 29 / 20 - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["avi", "webm", "mp4"])
@pytest.mark.parametrize("stall", [False, True], ids=["drops", "stalls"])
def test_a_web_video_that_breaks_off_is_fetched_further_where_the_server_can(clips, kind, stall, monkeypatch):
    monkeypatch.setattr(_connection, "SILENCE", 0.5)
    web = Web(clips[kind], ranges=True, breaks=1, stall=stall)
    with web_server(web) as address:
        loop, frames = play(f"{address}/clip.{kind}")
    assert (len(frames), loop.data.error) == (30, None)
    assert len(web.asked) > 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["avi", "webm", "mp4"])
@pytest.mark.parametrize("stall", [False, True], ids=["drops", "stalls"])
def test_a_web_video_that_breaks_off_for_good_is_a_failure(clips, kind, stall, monkeypatch):
    monkeypatch.setattr(_connection, "SILENCE", 0.3)
    with web_server(Web(clips[kind], breaks=1 << 30, stall=stall)) as address:
        loop, frames = play(f"{address}/clip.{kind}", reconnect=1.0)
    error = loop.data.error[1]
    assert 0 < len(frames) < 30
    assert isinstance(error, SourceLostError)
    assert str(error).startswith(f"The video from {address} ")
    assert error.exit_code == 1


@pytest.mark.slow
def test_a_web_video_of_unknown_length_is_played_once_and_that_is_said(tmp_path, caplog):
    clip = write_clip(tmp_path / "clip.webm", 20, fps=20, codec="libvpx", container={"live": "1"})
    with web_server(Web(clip.read_bytes(), sized=False)) as address:
        loop, frames = play(f"{address}/clip.webm")
    assert (len(frames), loop.data.error) == (20, None)
    assert f"{address} does not report how long its video is. It ended after 0.9 s." in caplog.text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://192.168.0.7:554/live", "rtsp://192.168.0.7:554"),
        ("rtsp://me:secret@camera.local/secret", "rtsp://camera.local"),
        ("http://[::1]:8080/?token=secret", "http://[::1]:8080"),
        ("http://host?token=secret", "http://host"),
        ("http://me:sec/ret@host/x", "http://..."),
        ("http://me:1234/secret@host/x", "http://..."),
        ("http://me:se cret@host", "http://host"),
        ("http://secret word/", "http://..."),
    ],
)
def test_an_address_is_shown_without_its_secrets(address, shown):
    assert without_secrets(address) == shown
