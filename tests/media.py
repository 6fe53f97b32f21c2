"""Clips and servers that tests of the sources make for themselves."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from expression.pictures.image import encode_jpeg


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture whose grey level tells its number, 0 to 24 and again from 0."""
    return np.full((height, width, 3), number % 25 * 10, np.uint8)


def number_of(image: np.ndarray) -> int:
    """The number that `picture` put in, though it was compressed since."""
    return round(float(image.mean()) / 10)


def write_clip(
    path: Path,
    count: int,
    fps: float = 24,
    codec: str = "mpeg4",
    times: Sequence[float] | None = None,
    pictures: Iterable[np.ndarray | av.VideoFrame] | None = None,
    pixels: str | None = None,
    matrix: Sequence[int] | None = None,
    coder: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    **attributes: object,
) -> Path:
    """Writes pictures as a video; the test is skipped where PyAV cannot.

    Args:
        path: Its ending chooses the container.
        count: How many pictures.
        fps: Frames a second, where no times are given.
        codec: As PyAV calls the encoder.
        times: The timestamp of each picture, in seconds; to the millisecond.
        pictures: What is shown, RGB or frames; None for numbered pictures.
        pixels: The pixel format; None for what the codec prefers.
        matrix: The display matrix.
        coder: Options of the encoder.
        container: Options of the container.
        attributes: Of the encoder, such as `gop_size`.
    """
    rate = Fraction(1000) if times is not None else Fraction(fps).limit_denominator(100_000)
    shown = iter(map(picture, range(count)) if pictures is None else pictures)
    with av.open(str(path), "w", options=container or {}) as file:
        stream = None
        for number, image in zip(range(count), shown, strict=False):
            if isinstance(image, np.ndarray):
                image = av.VideoFrame.from_ndarray(image, "rgb24")
            if stream is None:
                stream = _stream(file, codec, Fraction(fps) if times is not None else rate)
                stream.width, stream.height = image.width, image.height
                stream.pix_fmt = pixels or av.Codec(codec, "w").video_formats[0].name
                stream.codec_context.options, stream.codec_context.time_base = coder or {}, 1 / rate
                for name, value in attributes.items():
                    setattr(stream.codec_context, name, value)
                if matrix is not None:
                    stream.set_display_matrix(matrix)
            if image.format.name != stream.pix_fmt:
                image = image.reformat(format=stream.pix_fmt)
            image.time_base, image.pts = 1 / rate, number if times is None else round(times[number] * 1000)
            file.mux(stream.encode(image))
        file.mux(stream.encode(None))
    return path


def _stream(file: av.container.OutputContainer, codec: str, rate: Fraction) -> av.VideoStream:
    """Adds a stream; skips the test where there is no such encoder."""
    try:
        return file.add_stream(codec, rate=rate)
    except (ValueError, av.FFmpegError) as error:
        pytest.skip(f"PyAV has no encoder {codec} here ({error})")


def packets(path: Path) -> list[tuple[int, int]]:
    """Returns where the coded pictures of a video are in its file, and how long they are."""
    data, found, at = path.read_bytes(), [], 0
    with av.open(str(path)) as file:
        for content in (bytes(packet) for packet in file.demux(video=0) if packet.size):
            at = data.index(content, at)
            found.append((at, len(content)))
            at += len(content)
    return found


def overwrite(path: Path, start: int, size: int) -> None:
    """Puts noise into a file."""
    data = bytearray(path.read_bytes())
    data[start : start + size] = np.random.default_rng(start).bytes(size)
    path.write_bytes(data)


@contextlib.contextmanager
def web_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A web server on loopback whose every GET is answered by `answer`; gives its address.

    `answer` may wait on `request.server.stopping`, an event that is set at the end.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(OSError):  # the reader went away
                answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.stopping = threading.Event()
    server.daemon_threads, server.block_on_close = False, True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


def motion_jpeg(
    pictures: Callable[[], Iterator[np.ndarray]], pause: float = 0.0, stall: bool = False
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers as a network camera does, picture after picture; then hangs up, or stalls."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        request.end_headers()
        for image in pictures():
            jpeg = encode_jpeg(image, 90)
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            request.wfile.write(head.encode() + jpeg + b"\r\n")
            if request.server.stopping.wait(pause):
                return
        if stall:
            request.server.stopping.wait()

    return answer
