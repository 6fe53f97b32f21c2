"""Selection of the video track of a container, and what the container announces about it.

FFmpeg calls a track a stream, also that of a file.

Notebook: 03_threads
"""

from __future__ import annotations

import math
from itertools import pairwise

import av
from av.container import InputContainer
from av.index import IndexEntries
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

USUAL_FPS = 25.0
"""Frames per second if a video does not specify it."""

SLOWEST, FASTEST = 1 / 86_400, 100_000.0
"""Credible frames per second: from one a day to those of the fastest cameras."""

TEXT = {"ansi", "bintext", "idf", "xbin"}
"""Decoders that render a text file as pictures."""


class NoVideoError(ValueError):
    """An open container has no video that can be decoded.

    Args:
        happened: What it contains instead.
        remedy: What to do.
    """

    def __init__(self, happened: str, remedy: str = "Choose a video."):
        super().__init__(happened)
        self.remedy = remedy


def choose(container: InputContainer) -> VideoStream:
    """Returns the video stream and discards all others."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoVideoError("has sound but no video" if container.streams.audio else "has no video")
    readable = [s for s in streams if s.codec_context is not None]
    if any(s.codec_context.name in TEXT for s in readable):
        raise NoVideoError("is text, not a video")
    if not readable:
        raise NoVideoError("uses a codec that cannot be decoded here", "Convert it to mp4.")
    best = container.streams.best("video")
    chosen = best if best in readable else readable[0]
    for stream in container.streams:
        if stream.index != chosen.index:
            stream.discard = Discard.all
    return chosen


def announced_frames(stream: VideoStream) -> int | None:
    """Returns the number of frames that a container announces; None if it does not."""
    entries, kind = stream.index_entries, stream.container.format.name
    if stream.frames <= 0:
        return None
    if kind.startswith("mov") and len(entries):  # an edit list may discard some of them
        return sum(not entry.is_discard for entry in entries)
    if kind == "avi" and _reaches(entries, stream.frames):
        return len(entries)  # the others are empty, because the picture has not changed
    return stream.frames


def _reaches(entries: IndexEntries, frames: int) -> bool:
    """Whether the index of an AVI reaches the end of the video; that of an incomplete file does not."""
    times = [entry.timestamp for entry in entries]
    longest = max((after - before for before, after in pairwise(times)), default=1)
    return bool(times) and times[-1] + longest >= frames


def announced_seconds(stream: VideoStream) -> float | None:
    """Returns the duration of a video from its container, unless that is guessed from its size."""
    container = stream.container
    if not container.format.name.startswith(("matroska", "mov", "flv", "asf", "avi")):
        return None
    end = _announced_end(stream)
    if end is None or not container.format.name.startswith(("matroska", "asf")):
        return end
    start = start_seconds(stream) or 0.0  # they count from 0, even if a recording continues another one
    return end - start if 0 < start < end else end


def _announced_end(stream: VideoStream) -> float | None:
    """Returns the duration that a container announces, in seconds; None if it does not."""
    container = stream.container
    tag = _seconds(stream.metadata.get("DURATION", ""))
    if tag is not None:
        return tag
    if stream.duration:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1  # else the sound may be longer
    return container.duration / av.time_base if alone and container.duration else None


def start_seconds(stream: VideoStream) -> float | None:
    """Returns the timestamp at which a video starts, in seconds; None if it cannot be known."""
    decoded = stream.container.format.name == "avi" and stream.codec_context.has_b_frames
    if stream.start_time is None or decoded:  # in an AVI it is the time of decoding, not of display
        return None
    return float(stream.start_time * stream.time_base)


def _seconds(text: str) -> float | None:
    """Returns the seconds of a text such as 00:00:12.000000000, None if it is not a time.

    Example:
        >>> _seconds("00:01:02.500000000")
        62.5
    """
    try:
        hours, minutes, seconds = text.split(":")
        found = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
    return found if math.isfinite(found) and found > 0 else None


def average_fps(stream: VideoStream, count: int | None, duration: float | None) -> float:
    """Returns the average frames per second, as far as the container allows."""
    guessed = float(stream.guessed_rate or 0)
    usual = guessed if 1 <= guessed <= 240 else USUAL_FPS
    average = float(stream.average_rate or 0)
    if stream.start_time is None:  # H.264 without a container: FFmpeg assumes 25
        average = float(stream.codec_context.framerate or average)
    if not average and count and duration:
        average = count / duration
    ticks = average > 1000 * usual  # the clock of the file, as in DV
    return average if SLOWEST <= average <= FASTEST and not ticks else usual
