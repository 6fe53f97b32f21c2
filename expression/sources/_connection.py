"""Reads a camera or server in a thread of its own; `stream.py` connects, and connects again.

FFmpeg cannot be interrupted while it waits for the network, so `stream.py` requests frames from this thread
and can stop waiting at any time. The thread ends once FFmpeg's own timeouts have passed.

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
"""Seconds without data after which a connection is given up."""

LIVE = {"rtsp", "mpjpeg", "mjpeg", "jpeg_pipe", "hls", "mpegts", "flv", "h264", "hevc", "m4v", "mpegvideo"}
"""Formats of cameras, which have no end."""

CLOSE_SECONDS = 0.5
"""Seconds to wait for a connection to close."""

LOST = (OSError, av.error.ExitError, av.error.HTTPError, av.error.HTTPClientError)
"""The errors of FFmpeg that concern the network, not the video."""


class Connection(threading.Thread):
    """Opens an address and reads frames from it, one for each request.

    Args:
        address: An address for FFmpeg.
        first: Seconds within which it has to open.
        reconnect: Seconds for which FFmpeg may reconnect to a recording.
        skipped: Counts what cannot be decoded.

    Attributes:
        decoder: Reads the frames; None until the address is open.
        recorded: Whether it is a recording, which has an end, rather than a camera; known once it is open.
        sized: Whether the server reports the number of bytes.
    """

    def __init__(self, address: str, first: float, reconnect: float, skipped: Skipped):
        super().__init__(name="connection", daemon=True)
        self._address, self._first, self._reconnect, self._skipped = address, first, reconnect, skipped
        self._questions: queue.SimpleQueue[concurrent.futures.Future | None] = queue.SimpleQueue()
        self.decoder: Decoder | None = None
        self.recorded = self.sized = False

    def ask(self) -> concurrent.futures.Future[Picture | None]:
        """Requests the next frame; the result is the frame, None at the end, or the error of FFmpeg."""
        answer: concurrent.futures.Future = concurrent.futures.Future()
        self._questions.put(answer)
        return answer

    def run(self) -> None:
        """Answers one request after the other until it is closed."""
        while (answer := self._questions.get()) is not None:
            try:
                self.decoder = self.decoder or self._open()
                answer.set_result(self.decoder.read())
            except Exception as error:  # noqa: BLE001  passed on to the caller
                answer.set_exception(error)
        if self.decoder is not None:
            self.decoder.close()

    def close(self) -> None:
        """Closes the connection, at once unless FFmpeg is waiting."""
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
        self.recorded, self.sized = has_an_end(container), container.size > 0
        return Decoder(container, live=not self.recorded, lost=LOST, skipped=self._skipped)

    def _network_options(self) -> dict[str, str]:
        """Returns the network options of FFmpeg.

        Source: https://ffmpeg.org/ffmpeg-protocols.html
        """
        microseconds = str(round(SILENCE * 1e6))
        if self._address.lower().startswith("rtsp"):
            # half a second is enough to recognise the format of a camera; FFmpeg would take five
            return {"rtsp_flags": "prefer_tcp", "timeout": microseconds, "analyzeduration": "500000"}
        longest = str(max(1, round(self._reconnect / 2)))  # its longest pause
        again = {"reconnect": str(int(self._reconnect > 0)), "reconnect_delay_max": longest}
        return again | {"rw_timeout": microseconds}


def has_an_end(container: InputContainer) -> bool:
    """Returns whether a container has an end: a duration, a size in bytes, or a file format."""
    if container.duration:
        return True
    name = container.format.name
    playlist = name == "hls"  # its size in bytes is not that of its video
    return name not in LIVE or (not playlist and container.size > 0)


def _check_host(address: str) -> None:
    """Raises a socket.gaierror for an unknown host name; FFmpeg only reports an input error."""
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return
    if host:
        socket.getaddrinfo(host, None)
