"""Network cameras on loopback: one that works, and every way in which one does not."""

from __future__ import annotations

import itertools
import socket
import time

import numpy as np
import pytest
from media import motion_jpeg, number_of, picture, web_server, write_clip

from expression import session
from expression.data import Data
from expression.errors import SourceError, SourceLostError
from expression.sources import CaptureLoop, open_source, stream
from expression.sources.stream import Stream, without_secrets


def endless():
    """Numbers 0 to 24, again and again."""
    return map(picture, itertools.count())


def with_password(address: str) -> str:
    return address.replace("://", "://me:secret@") + "/camera?password=secret"


def test_a_network_camera_gives_its_pictures_one_after_the_other():
    with web_server(motion_jpeg(endless, pause=0.02)) as address:
        source = Stream(address)
        source.open()
        numbers = [number_of(source.read()) for _ in range(10)]
        source.close()
    assert numbers == list(range(10))
    assert (source.fps, source.mirror) == (None, False)


def test_a_slow_consumer_gets_the_newest_picture_and_never_lags_behind():
    times = []

    def counted():
        for number in range(60):
            times.append(time.monotonic())
            yield np.full((48, 64, 3), number * 4, np.uint8)

    with web_server(motion_jpeg(counted, pause=0.02)) as address:
        data = Data()
        loop, follower = CaptureLoop(data, Stream(address)), data.frame.follow()
        loop.start()
        while (frame := follower.next(timeout=5)) is not None:
            shown = round(float(frame.image.mean()) / 4)
            assert len(times) - 1 - shown <= 5  # pictures sent since
            data.wait_done(0.2)  # five times slower than the camera
        loop.join(10)
    assert follower.skipped > follower.taken
    assert isinstance(data.error[1], SourceLostError)


def test_a_camera_that_dies_half_way_is_lost_and_never_names_the_password():
    with web_server(motion_jpeg(lambda: map(picture, range(5)))) as address:
        data = Data()
        loop = CaptureLoop(data, open_source(with_password(address)))
        loop.start()
        loop.join(10)
    assert loop.frames == 5
    assert str(data.error[1]) == (
        f"{address} gives no more pictures. Expected it to go on. "
        "Check the network and the camera, and start again."
    )
    assert loop.source.description == address


def test_a_camera_that_stalls_is_lost_when_its_time_is_up(monkeypatch):
    monkeypatch.setattr(stream, "READ_TIMEOUT", 0.4)
    with web_server(motion_jpeg(lambda: map(picture, range(30)), stall=True)) as address:
        source = Stream(address)
        source.open()
        for _ in range(30):
            source.read()
        came = time.monotonic()
        with pytest.raises(SourceLostError):
            source.read()
        waited = time.monotonic() - came
        source.close()
    assert 0.4 <= waited < 4


def refuse(request) -> None:
    request.send_error(404)


def page(request) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    request.wfile.write(b"<html>Please log in</html>" * 100)


def silence(request) -> None:
    request.server.stopping.wait()


@pytest.mark.parametrize("answer", [refuse, page, silence])
def test_an_address_that_gives_no_pictures_is_told_so_in_time(answer, monkeypatch):
    monkeypatch.setattr(stream, "OPEN_TIMEOUT", 0.5)
    with web_server(answer) as address:
        source = open_source(with_password(address))
        began = time.monotonic()
        with pytest.raises(SourceError) as caught:
            source.open()
        assert time.monotonic() - began < 4
        source.close()
    assert str(caught.value) == (
        f"No pictures come from {address}. Expected an rtsp or http address that plays in a viewer such as "
        "VLC. Check the address, user and password, and that the camera is switched on."
    )


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_an_address_where_nobody_listens_fails_at_once(scheme, capfd):
    with socket.socket() as taken:  # bound and not listening, so that nobody else has this port
        taken.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SourceError, match=f"No pictures come from {address}"):
            open_source(with_password(address)).open()
    printed = capfd.readouterr()
    assert "secret" not in printed.out + printed.err


def test_the_network_is_not_waited_for_longer_than_a_session_waits_for_its_threads():
    assert max(stream.OPEN_TIMEOUT, stream.READ_TIMEOUT) + stream.LOST_AFTER < session.JOIN_SECONDS


def test_a_video_on_a_web_server_is_played_at_its_own_pace_and_ends_without_an_error(tmp_path):
    clip = write_clip(tmp_path / "clip.avi", 6, fps=20, codec="MJPG").read_bytes()

    def send(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(clip)))
        request.end_headers()
        request.wfile.write(clip)

    with web_server(send) as address:
        data = Data()
        loop = CaptureLoop(data, open_source(f"{address}/clip.avi"))
        loop.start()
        loop.join(10)
    assert (loop.frames, loop.source.fps, data.error) == (6, 20, None)


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
