"""A network camera (RTSP or MJPEG over HTTP), or a video on a web server.

`open_source` creates a `Stream` from an address. An address may contain a password, so messages
show only its host.

Notebook: 03_threads
"""

from __future__ import annotations

import concurrent.futures
import errno
import logging
import re
import time

import numpy as np

from ..errors import SourceLostError
from ..pictures.skipped import Skipped
from ..sanitize import without_secrets
from . import RECONNECT
from ._base import Source
from ._connection import Connection
from ._decoder import Picture
from ._stream_errors import stream_error

logger = logging.getLogger("expression")

FIRST_PICTURE = 20.0
"""Seconds to wait for the first frame; key frames of cameras may be ten seconds apart."""

FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 0.5, 1.5, 5.0
"""Seconds between two attempts to connect: the first pause, its growth factor, and its maximum."""

TOLD_AFTER, WARNED_AFTER = 1.0, 3.0
"""Seconds without a frame after which the display, and the log, report the waiting."""

SLICE = 0.1
"""Seconds between two checks, while waiting, whether the run is over."""


class Stream(Source):
    """Frames from the network.

    A live stream is read as fast as it comes, so frames are never delayed; if it stops, the
    connection is made again, with growing pauses. A recording, whose length is known, is played
    at its own pace and ends.

    Args:
        address: rtsp://..., rtsps://..., http://... or https://...
        reconnect: Seconds without a frame after which the stream is given up.

    Attributes:
        skipped: Frames that could not be decoded.
    """

    def __init__(self, address: str, reconnect: float = RECONNECT):
        self._address, self.reconnect = address, reconnect
        self.description = without_secrets(address)
        self.skipped = Skipped()
        self._pictures = 0  # of all connections
        self._connection: Connection | None = None
        self._first: Picture | None = None
        self._seen = 0.0  # when the last frame came, or was requested
        self._warned = False  # whether the log has reported that none has come since

    @property
    def rests(self) -> bool:
        """Whether it is closed while the run is switched off: a camera, but not a recording."""
        return self.fps is None

    def open(self) -> None:
        """Connects and waits for the first frame, for which a camera may take ten seconds.

        Raises:
            SourceError: No video can be received from there; the message says why.
        """
        self._connect()
        self._seen = time.monotonic()
        answer = self._next(FIRST_PICTURE, "for the first frame")
        if isinstance(answer, Picture):
            self._came()
            recorded = self._connection.recorded
            self._first, self.fps = answer, self._connection.decoder.fps if recorded else None
        elif not self.stopped():
            self.close()
            user = re.match(r"\w+://[^/?#]*@", self._address) is not None
            raise stream_error(self.description, answer, user, FIRST_PICTURE)

    def read(self) -> np.ndarray | None:
        """Waits for the next frame, (height, width, 3) uint8 RGB; None at the end of a recording.

        Raises:
            SourceLostError: No frame came for `reconnect` seconds, or a recording broke off.
        """
        self._seen = time.monotonic()
        answer, self._first = self._first, None
        if answer is None:
            answer = self._next(self.reconnect, "for the next frame")
        if not isinstance(answer, Picture) and not self.stopped():
            answer = self._recording_over(answer) if self.fps else self._again()
        if not isinstance(answer, Picture):
            return None
        self._came()
        self._pictures += 1
        self.position = answer.position if self.fps else None
        return answer.image

    def close(self) -> None:
        """Closes the connection."""
        self._first = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            if self.skipped:
                frames = self._pictures + len(self.skipped)
                logger.warning("%s: %s", self.description, self.skipped.summary(frames, "frames"))

    def _connect(self) -> None:
        """Starts a connection, and closes any previous one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = Connection(self._address, FIRST_PICTURE, self.reconnect, self.skipped)
        self._connection.start()

    def _next(self, seconds: float, what: str) -> Picture | BaseException | None:
        """Waits for the next frame, as long as the run continues.

        Args:
            seconds: The longest time to wait.
            what: What it waits for, for the display.

        Returns:
            The frame, None at the end, or the error raised; a TimeoutError if the time was up.
        """
        answer, began = self._connection.ask(), time.monotonic()
        while not concurrent.futures.wait([answer], SLICE).done:
            if self.stopped():
                return None
            if time.monotonic() - began > seconds:
                return TimeoutError(f"no frame came within {seconds:.0f} s")
            self._say(what)
        return answer.exception() or answer.result()

    def _again(self) -> Picture | None:
        """Connects again, with growing pauses; returns None if the run is over.

        Raises:
            SourceLostError: It took too long.
        """
        pause = FIRST_PAUSE
        while (left := self._seen + self.reconnect - time.monotonic()) > 0:
            self._pause(min(pause, left))
            if self.stopped():
                return None
            self._connect()
            answer = self._next(left, "for the camera")
            if isinstance(answer, Picture) or self.stopped():
                return answer
            pause = min(GROWTH * pause, LONGEST_PAUSE)
        raise SourceLostError(
            f"{self.description} stopped sending frames and did not reconnect within {self.reconnect:g} s.",
            "Expected the stream to continue.",
            "Check the network and the camera, and start again. To wait longer, raise the setting reconnect.",
        )

    def _pause(self, seconds: float) -> None:
        """Waits before the next attempt, or until the run is over."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.stopped():
            self._say("for the camera")
            time.sleep(min(SLICE, left))

    def _say(self, what: str) -> None:
        """Reports to the display, and once to the log, what it waits for."""
        silent = time.monotonic() - self._seen
        if silent > TOLD_AFTER:
            self.say_waiting(f"Waiting {what}: {silent:.0f} s")
        if silent > WARNED_AFTER and not self._warned:
            self._warned = True
            logger.warning("%s has sent no frames for %.0f s. Waiting %s.", self.description, silent, what)

    def _came(self) -> None:
        """Notes that a frame came."""
        silent = time.monotonic() - self._seen
        if self._warned:
            self._warned = False
            logger.warning("%s is sending frames, after %.0f s.", self.description, silent)
        self.say_waiting("")
        self._seen = time.monotonic()

    def _recording_over(self, answer: BaseException | None) -> None:
        """Returns at the end of a recording.

        Raises:
            SourceLostError: It has broken off before its end.
        """
        decoder, sized = self._connection.decoder, self._connection.sized
        unknown = not sized and getattr(answer, "errno", None) == errno.EIO  # the end of such a connection
        broken = f"broke off after {decoder.position:.1f} s" if answer and not unknown else ""
        if lack := broken or decoder.shortfall():
            raise SourceLostError(
                f"The video from {self.description} {lack}.",
                "Expected the complete video.",
                "Check the network and start again, or download the video and give its file name.",
            )
        if not sized and decoder.count is None and decoder.duration is None:
            logger.warning(
                "%s does not report how long its video is. It ended after %.1f s.",
                self.description,
                decoder.position,
            )
