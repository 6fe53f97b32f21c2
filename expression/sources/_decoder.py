"""Decoder: the frames of an open video, each with its own time; what cannot be decoded is counted.

`video.py` and `stream.py` open a container with PyAV and read it through a `Decoder`.

Notebook: 03_threads
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags
from av.video.frame import VideoFrame

from ..pictures.skipped import Skipped
from ._clock import BestEffort, Clock
from ._frame_conversion import Converter, Deinterlacer, is_undecoded
from ._video_track import (
    NoVideoError,
    announced_frames,
    announced_seconds,
    average_fps,
    choose,
    start_seconds,
)

MOST_PIXELS = 2**26
"""The most pixels of a frame, twice those of 8K; a damaged size could require gigabytes."""

MOST_FAILURES = 100
"""A container that fails so many times without a packet in between has reached its end."""

IN_PART = "decoded only in part"
"""Why a frame is counted as damaged. FFmpeg fills the rest of it with what it guesses, or with green."""

OPTIONS = {"max_pixels": str(MOST_PIXELS)}
"""The options with which every container is opened."""


class Picture(NamedTuple):
    """A decoded frame.

    Attributes:
        image: (height, width, 3) uint8 RGB, upright.
        position: Seconds since the start of the video by its own timestamps; never goes backwards.
    """

    image: np.ndarray
    position: float


class Decoder:
    """Reads the frames of a container.

    Args:
        container: An open container; closed by `close`.
        again: Opens the same container once more; None if that is impossible. See `_tail`.
        live: Whether it is a camera: frames are decoded one by one, because decoding several at once
            delays them, and nothing counts as damaged before the first key frame.
        lost: The errors that end the video when reading raises them, rather than being skipped as damage.
        skipped: Counts what cannot be decoded; None for a new one.

    Attributes:
        fps: Average frames per second.
        count: The number of frames; None if the container does not announce it.
        start: The timestamp at which the video starts, in seconds; 0 if it cannot be known.
        duration: The duration of the video, in seconds; None if the container does not announce it.
        frames: The number of frames read.
        position: The position of the last frame, in seconds.
        skipped: What could not be decoded.
        damaged: The frames of which only a part could be decoded; they are read all the same.

    Raises:
        NoVideoError: The container has no video; also while reading, if the video is encrypted.
    """

    def __init__(
        self,
        container: InputContainer,
        again: Callable[[], InputContainer] | None = None,
        live: bool = False,
        lost: tuple[type[Exception], ...] = (),
        skipped: Skipped | None = None,
    ):
        self._container, self._again, self._live, self._lost = container, again, live, lost
        self._stream = choose(container)
        self._stream.thread_type = "SLICE" if live else "AUTO"
        self._stream.codec_context.options = OPTIONS
        self.count, self.duration = announced_frames(self._stream), announced_seconds(self._stream)
        self.fps = average_fps(self._stream, self.count, self.duration)
        self.frames, self.position = 0, 0.0
        self._began = 0.0  # the position of the first frame
        self._until = 0.0  # the end of the last frame
        self.skipped = Skipped() if skipped is None else skipped
        self.damaged = Skipped()
        self._failure: Exception | None = None  # an error that ends the video
        self._black = True  # whether every frame so far was black
        self._last_pts: int | None = None
        self._key_pts: int | None = None
        self._image: np.ndarray | None = None
        self._convert, self._deinterlace = Converter(self._stream.sample_aspect_ratio), Deinterlacer()
        self._timestamps = BestEffort()
        start = start_seconds(self._stream)
        self.start = start or 0.0
        self._clock = Clock(
            1 / self.fps,
            self.duration,
            bool(container.format.flags & Flags.ts_discont.value),
            None if live else start,
        )
        self._pictures = self._read()

    def read(self) -> Picture | None:
        """Returns the next frame, or None at the end.

        Raises:
            Exception: One of those passed as `lost`.
        """
        return next(self._pictures, None)

    def close(self) -> None:
        """Closes the container."""
        self._pictures.close()
        self._image = None
        self._container.close()

    def shortfall(self) -> str:
        """Returns, at the end of the video, what it lacks of what was announced; "" if nothing."""
        if self._frames_missing() > 0:
            return f"had {self.frames:,} of {self.count:,} announced frames, up to {self.position:.1f} s"
        if self.count is None and self._is_early():
            return f"had {self._until:.1f} of {self.duration:.1f} announced seconds"
        return ""

    def _frames_missing(self) -> int:
        """Returns the number of announced frames that were neither read nor skipped."""
        return 0 if self.count is None else self.count - self.frames - len(self.skipped)

    def _is_early(self) -> bool:
        """Whether the video ends before the announced time. A frame may last as long as an earlier one."""
        least = max(0.5 / self.fps, self._clock.longest_gap - (self._until - self.position))
        return self.duration is not None and self.duration - self._until > least

    def all_black(self) -> bool:
        """Returns whether there were frames, all of them black."""
        return self._black and self.frames > 0

    def _read(self) -> Iterator[Picture]:
        """Yields the frames in the order of display."""
        for frame in self._frames():
            picture = self._picture_of(frame)
            if picture is not None:
                yield picture
        if self.duration is not None and not self._is_early() and self._frames_missing() > 0:
            late = self._began > 1 / self.fps
            where = f"before {self._began:.2f} s" if late else "in between"
            self.skipped.add(where, "missing", self._frames_missing())
        missing, before = self._clock.missing() if self.count is None and not self._live else (0, 0.0)
        if missing > len(self.skipped):  # what could not be decoded left a gap too
            self.skipped.add(f"after {before:.2f} s", "missing", missing - len(self.skipped))

    def _picture_of(self, frame: VideoFrame | None) -> Picture | None:
        """Returns the picture of a frame; None if it has none."""
        if frame is not None:
            image = self._image_of(frame)
            if image is None:
                return None
            self._image = image
        if self._image is None:  # there is nothing to repeat yet
            return None
        time = None if frame is None or frame.pts is None else float(frame.pts * frame.time_base)
        self.position = self._clock.position(time)
        seconds = float(frame.duration * frame.time_base) if frame is not None else 0.0
        self._until = self.position + (seconds or 1 / self.fps)
        if not self.frames:
            self._began = self.position
        self.frames += 1
        self._black = self._black and not self._image.any()
        return Picture(self._image, self.position)

    def _image_of(self, frame: VideoFrame) -> np.ndarray | None:
        """Returns a frame in RGB; None if it was not decoded."""
        try:
            image = self._convert(frame)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            return self._skip(frame.pts, f"not convertible to RGB ({_said(error)})")
        if frame.is_corrupt and image.min() == image.max():
            return self._skip(frame.pts, "not decoded")
        if frame.is_corrupt and not self._live:
            self.damaged.add(self._place(frame.pts), IN_PART)
        return image

    def _frames(self) -> Iterator[VideoFrame | None]:
        """Yields the frames in the order of their times, None for one that repeats the previous one."""
        for packet in self._packets():
            if packet.has_sidedata("encryption_info"):
                raise NoVideoError("is encrypted", "Play it with the app that it comes from, or decrypt it.")
            if packet.is_keyframe and packet.pts is not None:
                self._key_pts = packet.pts
            if packet.size:
                yield from self._deinterlace(self._decode(packet))
            else:
                yield None  # an unchanged frame in AVI
        yield from self._deinterlace(self._drain())
        yield from self._deinterlace.flush()
        if self._failure is not None:
            raise self._failure

    def _packets(self) -> Iterator[av.Packet]:
        """Yields the packets of the video, and continues after damaged ones."""
        failures = 0
        while failures < MOST_FAILURES:
            try:
                for packet in self._container.demux(self._stream):
                    if not packet.size and packet.dts is None:  # the end
                        return
                    failures = 0
                    yield packet
                return
            except self._lost as error:
                self._failure = error
                return
            except (av.FFmpegError, ValueError) as error:
                failures += 1
                if failures == 1:
                    self._skip(None, f"damaged in the file: {_said(error)}")

    def _decode(self, packet: av.Packet | None) -> list[VideoFrame]:
        """Returns the frames that a packet completes; damage is counted."""
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.EOFError:
            return []
        except av.FFmpegError as error:
            self._skip(packet.pts if packet else None, f"damaged: {_said(error)}")
            return []
        return [self._timed(frame) for frame in frames if not self._is_empty(frame)]

    def _is_empty(self, frame: VideoFrame) -> bool:
        """Whether a frame was not decoded, which is counted."""
        empty = is_undecoded(frame)
        if empty:
            self._skip(frame.pts, "not decoded")
        return empty

    def _timed(self, frame: VideoFrame) -> VideoFrame:
        """Returns a frame with its time, if it has one."""
        frame.time_base = self._stream.time_base
        frame.pts = self._timestamps.choose(frame.pts, frame.dts)
        if frame.pts is not None:
            self._last_pts = frame.pts
        return frame

    def _drain(self) -> Iterator[VideoFrame]:
        """Yields the frames that remain in the decoder at the end."""
        before = len(self.skipped)
        yield from self._decode(None)
        if len(self.skipped) > before and self._again and self._last_pts is not None:
            yield from self._tail()

    def _tail(self) -> Iterator[VideoFrame]:
        """Yields the last frames by reading them again from the last key frame, with a single thread.

        If one of the last packets is damaged, PyAV discards all frames that it held back for
        multithreaded decoding.
        """
        last, again = self._last_pts, None
        try:
            again = Decoder(self._again(), live=True)
            again._container.seek(self._key_pts or last, stream=again._stream)
            for frame in again._frames_alone():
                if frame.pts is not None and frame.pts > last:
                    yield self._timed(frame)
        except (av.FFmpegError, OSError, ValueError):
            return  # the frames so far have to do; the shortfall is reported
        finally:
            if again is not None:
                again.close()

    def _frames_alone(self) -> Iterator[VideoFrame]:
        """Yields the frames as they are decoded."""
        for packet in self._packets():
            if packet.size:
                yield from self._decode(packet)
        yield from self._decode(None)

    def _skip(self, pts: int | None, reason: str) -> None:
        """Counts a skipped frame."""
        if self._live and not self.frames:
            return
        self.skipped.add(self._place(pts), reason)

    def _place(self, pts: int | None) -> str:
        """Returns the time of a frame for messages; that of the frame before it if it has none."""
        after = f"after {self.position:.2f} s"
        return after if pts is None else f"{float(pts * self._stream.time_base):.2f} s"


def _said(error: Exception) -> str:
    """Returns the description of damage by FFmpeg, without names and addresses."""
    return str(getattr(error, "strerror", None) or type(error).__name__).lower()
