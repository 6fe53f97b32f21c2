"""Annotation: a copy of a recording with the boxes, labels and scores drawn on it, and with its sound.

`run.py` calls `annotate` once the readings of a recording are known. A video becomes H.264 in an mp4 file,
which every browser and player shows; its frames keep their times. A picture becomes a picture.

Source: https://pyav.basswood-io.com/docs/stable/

Notebook: 13_video
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer, OutputContainer

from ..errors import DAMAGE, OutputError
from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error, replacing
from ..pictures.image import write_picture
from ..pictures.kinds import is_still
from ..types import Frame, Reading, Seen
from ..vision.drawing import draw
from .recordings import Recording

logger = logging.getLogger("expression")

TICKS = 90_000
"""Units of a second in which times are written; the usual frame rates fit into it."""

ENCODER = {"crf": "20", "preset": "veryfast"}
"""Settings of the encoder: hardly a visible loss, and faster than the analysis."""

COPIED = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
"""Kinds of sound that fit into an mp4 file as they are; others are converted to AAC."""


def annotate(path: Path, seen: Iterable[Seen[Reading]], out: Path, taken: Collection[Path] = ()) -> Path:
    """Writes a copy of a recording with its readings.

    Args:
        path: The recording.
        seen: Its readings, in order. Frames between them show the last ones.
        out: The folder for NAME-annotated.mp4, or .png for a picture; created if necessary.
        taken: Files that must not be replaced, resolved; a copy of the same name gets a number.

    Returns:
        The file written.

    Raises:
        BadInputError: The recording cannot be read any more.
        OutputError: The copy cannot be written.
    """
    with as_output_error(out):
        out.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    target = _target(path, out, taken)
    recording = Recording(path)
    recording.open()
    try:
        drawn = _drawn(recording.frames(), iter(seen))
        if is_still(path):
            write_picture(target, next(drawn)[0])
            return target
        with _as_output_error(target), replacing(target, PRIVATE) as part:
            _encode(recording, drawn, part)
        return target
    finally:
        recording.close()


def _target(path: Path, out: Path, taken: Collection[Path]) -> Path:
    """Returns the name of a copy."""
    suffix = ".png" if is_still(path) else ".mp4"
    for number in itertools.count(1):
        target = out / f"{path.stem}-annotated{f'-{number}' if number > 1 else ''}{suffix}"
        if target.resolve() not in taken:
            return target
    raise AssertionError


@contextlib.contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    """Reports that a video cannot be written."""
    try:
        with as_output_error(path):
            yield
    except av.FFmpegError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).",
            "Expected a video that can be encoded as H.264.",
            "Check the disk, or leave --copies out.",
        ) from error


def _drawn(frames: Iterable[Frame], seen: Iterator[Seen[Reading]]) -> Iterator[tuple[np.ndarray, float]]:
    """Yields each frame with the last readings on it, and its time in seconds."""
    current, following = None, next(seen, None)
    for frame in frames:
        while following is not None and following.frame.number <= frame.number:
            current, following = following, next(seen, None)
        yield draw(frame.image, current.items if current else ()), frame.position


def _encode(recording: Recording, pictures: Iterator[tuple[np.ndarray, float]], out: Path) -> None:
    """Encodes pictures with the sound of a recording."""
    with av.open(out, "w", format="mp4", options={"movflags": "faststart"}) as copy:
        first = next(pictures)
        height, width = (side + side % 2 for side in first[0].shape[:2])  # the encoder needs even sides
        rate = Fraction(recording.fps).limit_denominator(1001)
        stream = copy.add_stream("libx264", rate=rate, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        sound = _Sound(recording, copy)
        try:
            last = -1
            for picture, position in itertools.chain([first], pictures):
                frame = av.VideoFrame.from_ndarray(_even(picture, width, height), format="rgb24")
                last = max(last + 1, round(position * TICKS))  # two frames never have one time
                frame.pts, frame.time_base = last, Fraction(1, TICKS)
                copy.mux(stream.encode(frame))
                sound.write_until(position)
            copy.mux(stream.encode(None))
            sound.write_until(None)
        finally:
            sound.close()


def _even(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Returns a picture of this size: the last row or column is doubled, and a change of size undone."""
    extra = (height - picture.shape[0], width - picture.shape[1])
    if extra == (0, 0):
        return picture
    if min(extra) >= 0 and max(extra) <= 1:
        return np.pad(picture, ((0, extra[0]), (0, extra[1]), (0, 0)), mode="edge")
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


class _Sound:
    """Copies the first sound of a recording, as far as it can be read.

    Args:
        recording: The recording, open.
        copy: The container that gets it.
    """

    def __init__(self, recording: Recording, copy: OutputContainer):
        self._path, self._start, self._copy = recording.path, recording.start, copy
        self._time = 0.0  # up to which sound was written
        self._source: InputContainer | None = None
        self._packets: Iterator[av.Packet] = iter(())
        with contextlib.suppress(av.FFmpegError, *DAMAGE):
            self._open()

    def _open(self) -> None:
        """Opens the recording, and adds a stream to the copy if it has sound."""
        self._source = source = av.open(self._path, metadata_errors="replace")
        if not source.streams.audio:
            return
        sound = source.streams.audio[0]
        if sound.codec_context.name in COPIED:
            target = self._copy.add_stream_from_template(sound)
            self._packets = self._copied(sound, target)
        else:
            target = self._copy.add_stream("aac", rate=sound.codec_context.sample_rate)
            self._packets = self._converted(sound, target)

    def _copied(self, sound, target) -> Iterator[av.Packet]:
        """Yields the packets of the sound with their times in the copy."""
        shift = round(self._start / sound.time_base)
        for packet in self._source.demux(sound):
            if packet.dts is None:
                continue
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = target
            yield packet

    def _converted(self, sound, target) -> Iterator[av.Packet]:
        """Yields the sound as packets of AAC."""
        resampler = av.AudioResampler("fltp", target.codec_context.layout, target.codec_context.sample_rate)
        shift = round(self._start / sound.time_base)
        for packet in self._source.demux(sound):
            for frame in packet.decode():
                frame.pts = None if frame.pts is None else frame.pts - shift
                for part in resampler.resample(frame):
                    yield from target.encode(part)
        yield from target.encode(None)

    def write_until(self, position: float | None) -> None:
        """Writes the sound up to a time in seconds; None for all that is left."""
        try:
            while position is None or self._time <= position:
                packet = next(self._packets, None)
                if packet is None:
                    break
                self._time = float(packet.pts * packet.time_base)
                self._copy.mux(packet)
        except (av.FFmpegError, ValueError, TypeError) as error:
            self._packets = iter(())
            logger.warning(
                "%s: the sound cannot be copied beyond %.1f s (%s).", self._path.name, self._time, error
            )

    def close(self) -> None:
        """Closes the recording."""
        if self._source is not None:
            self._source.close()
