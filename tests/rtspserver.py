"""A network camera on loopback that speaks RTSP and sends H.264 over the same connection.

Source: https://www.rfc-editor.org/rfc/rfc2326 and https://www.rfc-editor.org/rfc/rfc6184
"""

from __future__ import annotations

import base64
import contextlib
import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

MOST = 60_000
"""Bytes of a packet, whose length has 16 bits."""


def coded(pictures: list[np.ndarray], fps: int, keys: int) -> list[bytes]:
    """Returns pictures as H.264, an access unit each, with a key frame every so many."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.height, encoder.width = pictures[0].shape[:2]
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, fps), Fraction(fps)
    encoder.options = {"tune": "zerolatency", "preset": "ultrafast", "sc_threshold": "0", "crf": "12"}
    encoder.gop_size = keys
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in packets + encoder.encode(None)]


def units(access: bytes) -> list[bytes]:
    """Returns the NAL units of an access unit."""
    return [unit for unit in re.split(rb"\x00\x00\x00?\x01", access) if unit]


class Camera(socketserver.ThreadingTCPServer):
    """Plays access units again and again, to each who asks.

    Args:
        stream: From `coded`.
        fps: Access units a second.
        start: The first one that a reader gets; the parameters of the stream come with its key frames only.
        password: What `me` has to say; empty for nothing.
        stalls: After so many the camera falls silent; 0 for never.
    """

    allow_reuse_address, daemon_threads, block_on_close = True, False, True

    def __init__(
        self, stream: list[bytes], fps: int = 25, start: int = 0, password: str = "", stalls: int = 0
    ):
        super().__init__(("127.0.0.1", 0), Reader)
        self.stream, self.fps, self.start, self.stalls = stream, fps, start, stalls
        self.password, self.stopping = password, threading.Event()
        self.readers = 0

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.server_address[1]}/live"


class Reader(socketserver.StreamRequestHandler):
    """One who asks."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the reader went away
            while not self.server.stopping.is_set() and (request := self._request()):
                self._answer(*request)

    def _request(self) -> tuple[str, dict[str, str]] | None:
        """Reads a request; None at the end."""
        first = self.rfile.readline().decode("latin-1").split(" ")
        if len(first) < 3:
            return None
        lines = iter(lambda: self.rfile.readline().decode("latin-1").strip(), "")
        return first[0], {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}

    def _answer(self, method: str, head: dict[str, str]) -> None:
        """Answers a request, and plays where that is asked for."""
        server, number = self.server, head["cseq"]
        expected = "Basic " + base64.b64encode(f"me:{server.password}".encode()).decode()
        if server.password and method != "OPTIONS" and head.get("authorization") != expected:
            return self._say("401 Unauthorized", number, 'WWW-Authenticate: Basic realm="camera"\r\n')
        if method == "DESCRIBE":
            return self._describe(number)
        if method == "SETUP":
            more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            return self._say("200 OK", number, more)
        self._say("200 OK", number, "Session: 1\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n")
        if method == "PLAY":
            self._play()

    def _describe(self, number: str) -> None:
        text = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
        text += "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
        self._say("200 OK", number, f"Content-Type: application/sdp\r\nContent-Length: {len(text)}\r\n", text)

    def _say(self, status: str, number: str, more: str = "", body: str = "") -> None:
        self.wfile.write(f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n{more}\r\n{body}".encode())

    def _play(self) -> None:
        """Sends the stream until the server stops or the reader has gone."""
        server, sequence = self.server, 0
        server.readers += 1
        for count in range(1 << 30):
            if server.stalls and count == server.stalls:
                server.stopping.wait()
            parts = units(server.stream[(server.start + count) % len(server.stream)])
            for last, part in ((part is parts[-1], part) for part in parts):
                for marked, piece in pieces(part):
                    head = struct.pack(
                        ">BBHII",
                        0x80,
                        96 | (0x80 if last and marked else 0),
                        sequence & 0xFFFF,
                        (count * 90_000 // server.fps) & 0xFFFFFFFF,
                        7,
                    )
                    self.wfile.write(struct.pack(">cBH", b"$", 0, len(head) + len(piece)) + head + piece)
                    sequence += 1
            if server.stopping.wait(1 / server.fps):
                return


def pieces(unit: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yields a NAL unit as it is, or in fragments; with each whether it is the last one."""
    if len(unit) <= MOST:
        yield True, unit
        return
    body = [unit[at : at + MOST] for at in range(1, len(unit), MOST)]
    for number, part in enumerate(body):
        kind = unit[0] & 0x1F | (0x80 if number == 0 else 0) | (0x40 if number == len(body) - 1 else 0)
        yield number == len(body) - 1, bytes([unit[0] & 0xE0 | 28, kind]) + part


@contextlib.contextmanager
def camera(stream: list[bytes], **options) -> Iterator[Camera]:
    """A camera that runs for the length of a test."""
    server = Camera(stream, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
