"""A connection to a camera or server, in a thread of its own.

FFmpeg cannot be interrupted while it waits for the network, so `stream.py` asks here for a picture and can
stop waiting at any time. The thread ends once FFmpeg's own timeouts have passed.

Notebook: 03_threads
"""

from __future__ import annotations

import concurrent.futures
import errno
import queue
import socket
import threading
from urllib.parse import urlsplit

import av
from av.container import InputContainer

from ..pictures.skipped import Skipped
from ._decoder import OPTIONS, Decoder, Picture

SILENCE = 10.0
"""Seconds after which a connection that brings nothing is given up."""

LIVE = {"rtsp", "mpjpeg", "mjpeg", "jpeg_pipe", "hls", "mpegts", "flv", "h264", "hevc", "m4v", "mpegvideo"}
"""Forms in which cameras send, without an end."""

CLOSE_SECONDS = 0.5
"""How long the end of a connection is waited for."""

LOST = (OSError, av.error.ExitError, av.error.HTTPError, av.error.HTTPClientError)
"""What FFmpeg raises where the network fails, not the video."""


class Connection(threading.Thread):
    """Opens an address and reads pictures from it, one for each question.

    Args:
        address: As FFmpeg takes it.
        first: Seconds until it has to be open.
        reconnect: Seconds for which a recording may be fetched again.
        skipped: Counts what cannot be decoded.

    Attributes:
        decoder: Reads the pictures; None until the address is open.
        recorded: Whether it is a recording, which has an end, rather than a camera; known once it is open.
        sized: Whether the server says how many bytes there are.
    """

    def __init__(self, address: str, first: float, reconnect: float, skipped: Skipped):
        super().__init__(name="connection", daemon=True)
        self._address, self._first, self._reconnect, self._skipped = address, first, reconnect, skipped
        self._questions: queue.SimpleQueue[concurrent.futures.Future | None] = queue.SimpleQueue()
        self.decoder: Decoder | None = None
        self.recorded = self.sized = False

    def ask(self) -> concurrent.futures.Future[Picture | None]:
        """Asks for the next picture: the answer has it, None at the end, or what FFmpeg raised."""
        answer: concurrent.futures.Future = concurrent.futures.Future()
        self._questions.put(answer)
        return answer

    def run(self) -> None:
        """Answers one question after the other until it is closed."""
        while (answer := self._questions.get()) is not None:
            try:
                self.decoder = self.decoder or self._open()
                answer.set_result(self.decoder.read())
            except Exception as error:  # noqa: BLE001  whoever asked is told
                answer.set_exception(error)
        if self.decoder is not None:
            self.decoder.close()

    def close(self) -> None:
        """Ends the connection, at once where FFmpeg is not waiting."""
        self._questions.put(None)
        self.join(CLOSE_SECONDS)

    def _open(self) -> Decoder:
        """Opens the address."""
        try:
            container = av.open(
                self._address,
                mode="r",
                options=OPTIONS | self._network_options(),
                timeout=(self._first + SILENCE, self._reconnect + SILENCE),
                metadata_errors="replace",
            )
        except av.error.OSError as error:
            if error.errno == errno.EIO:
                _check_host(self._address)
            raise
        self.recorded, self.sized = is_recorded(container), container.size > 0
        return Decoder(container, live=not self.recorded, lost=LOST, skipped=self._skipped)

    def _network_options(self) -> dict[str, str]:
        """Returns how FFmpeg is to treat the network.

        Source: https://ffmpeg.org/ffmpeg-protocols.html
        """
        microseconds = str(round(SILENCE * 1e6))
        if self._address.lower().startswith("rtsp"):
            # half a second of a camera tells what it sends; FFmpeg would look at five
            return {"rtsp_flags": "prefer_tcp", "timeout": microseconds, "analyzeduration": "500000"}
        longest = str(max(1, round(self._reconnect / 2)))  # of its pauses
        again = {"reconnect": str(int(self._reconnect > 0)), "reconnect_delay_max": longest}
        return again | {"rw_timeout": microseconds}


def is_recorded(container: InputContainer) -> bool:
    """Returns whether a container has an end: a length in time or in bytes, or a form that files have."""
    if container.duration:
        return True
    name = container.format.name
    playlist = name == "hls"  # whose length in bytes is not that of its video
    return name not in LIVE or (not playlist and container.size > 0)


def _check_host(address: str) -> None:
    """Raises a socket.gaierror where there is no host of that name; FFmpeg only tells of an input error."""
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return
    if host:
        socket.getaddrinfo(host, None)
