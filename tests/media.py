"""Clips and servers that tests of the sources make for themselves."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from expression.image import encode_jpeg


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture whose grey level tells its number, 0 to 24 and again from 0."""
    return np.full((height, width, 3), number % 25 * 10, np.uint8)


def number_of(image: np.ndarray) -> int:
    """The number that `picture` put in, though it was compressed since."""
    return round(float(image.mean()) / 10)


def write_clip(path: Path, count: int, fps: float = 24, codec: str = "mp4v") -> Path:
    """Writes `count` numbered pictures as a video."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (64, 48))
    for number in range(count):
        writer.write(picture(number))
    writer.release()
    return path


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
