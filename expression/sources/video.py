"""A video file, played at its own pace.

`open_source` creates a `Video` from the name of a file or a pipe; `labeler/importer.py` finds faces in one.

Notebook: 03_threads
"""

from __future__ import annotations

import io
import logging
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from ..errors import DAMAGE, BadInputError, ExpressionError, MissingFileError, SourceError, SourceLostError
from ..pictures.kinds import NO_PICTURE, SNIFFED, no_picture
from ..pictures.skipped import Skipped
from ..sanitize import printable
from ._base import Source
from ._decoder import OPTIONS, Decoder, Picture
from ._input import FileInput, PipeInput, is_unfinished
from ._video_track import NoVideoError

logger = logging.getLogger("expression")

LONGEST_NAME = 1000
"""The most letters of a name in a message."""

PATIENCE = 30.0
"""The longest time without data from a pipe, in seconds."""

ALLOWED = "file,crypto,data"
"""The protocols allowed in a playlist, as when FFmpeg opens the file itself: no network."""

VIDEO_EXPECTED = "Expected a video such as mp4, avi or webm with at least one frame."
PLAY_IT = "Play it in a video player, or convert it to mp4."
UNFINISHED = (
    "is an mp4 without its index, which is written last: its recording or download was interrupted",
    "Download or copy it again, or let a program for repairing mp4, such as untrunc, rebuild the index.",
)
STREAM_IT = (
    "Use a format that can be streamed, such as Matroska (ffmpeg: -f matroska), or open the file itself."
)


class Video(Source):
    """A video file: every frame at the time of its own timestamp, upright.

    What cannot be decoded is skipped and counted, and a video that ends early is reported.

    Args:
        path: The file, or a named pipe, in any format that FFmpeg reads.

    Attributes:
        fps: Average frames per second, once open; 25 if the file does not specify it.
        start: The timestamp in the file of its start, in seconds, once open.
        count: The number of frames that it announces, once open; None if it does not.
        skipped: Frames that could not be decoded.

    Source: https://pyav.basswood-io.com/docs/stable/
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.description = printable(self.path.name)
        self.fps, self.start = 25.0, 0.0
        self.count: int | None = None
        self.skipped = Skipped()
        self._shown = printable(str(self.path), LONGEST_NAME)
        self._inputs: list[FileInput | PipeInput] = []
        self._decoder: Decoder | None = None
        self._first: Picture | None = None

    def open(self) -> None:
        """Opens the file and decodes its first frame, so that a broken file fails here.

        Raises:
            MissingFileError: There is no such file.
            SourceError: No program writes to the pipe.
            BadInputError: It is not a video; convert it, for instance to mp4.
        """
        self._check_kind()
        remedy = STREAM_IT if self.path.is_fifo() else PLAY_IT
        try:
            self._decoder = Decoder(self._container(), None if self.path.is_fifo() else self._container)
            self._first = self._decoder.read()
        except NoVideoError as error:
            why, remedy = str(error), error.remedy
        except ExpressionError:
            raise
        except (av.FFmpegError, *DAMAGE) as error:
            why = f"cannot be read as a video ({_said(error)})"
        else:
            why = "" if self._first else "cannot be read as a video (none of its frames can be decoded)"
        if why and not self.stopped():
            silent = self._inputs and self._inputs[0].error
            self.close()
            raise self._silent(silent) if silent else self._unreadable(why, remedy)
        if self._decoder is not None:
            self.fps, self.count, self.start = self._decoder.fps, self._decoder.count, self._decoder.start
            self.skipped = self._decoder.skipped

    def read(self) -> np.ndarray | None:
        """Returns the next frame, (height, width, 3) uint8 RGB, or None at the end.

        Raises:
            SourceLostError: The disk failed, or the pipe stopped sending data.
        """
        if self._decoder is None:
            return None
        try:
            picture, self._first = self._first or self._decoder.read(), None
        except (av.FFmpegError, *DAMAGE) as error:
            raise self._broken(error) from error
        if picture is None:
            self._end()
            return None
        self.position = picture.position
        return picture.image

    def close(self) -> None:
        """Closes the file, and reports what was skipped."""
        self._first = None
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            decoder.close()
            if decoder.frames and self.skipped:
                logger.warning(
                    "%s: %s",
                    self.description,
                    self.skipped.summary(decoder.frames + len(self.skipped), "frames"),
                )
            if decoder.damaged:
                logger.warning(
                    "%s is damaged: of %s frames, %s. Readings there, and shortly after, may be wrong.",
                    self.description,
                    f"{decoder.frames:,}",
                    decoder.damaged.parts(),
                )
        for each in self._inputs:
            each.close()
        self._inputs = []

    def _container(self) -> InputContainer:
        """Opens the file."""
        self._inputs.append(self._input())
        options = OPTIONS | {"protocol_whitelist": ALLOWED}
        return av.open(self._inputs[-1], mode="r", options=options, metadata_errors="replace")

    def _input(self) -> FileInput | PipeInput:
        """Opens the file for reading."""
        try:
            if self.path.is_fifo():
                return PipeInput(self.path, PATIENCE, self.stopped)
            return FileInput(self.path)
        except OSError as error:
            remedy = "Check its permissions." if isinstance(error, PermissionError) else "Check the disk."
            expected = "Expected a file that you may read."
            raise BadInputError(
                f"{self._shown} cannot be opened ({_said(error)}).", expected, remedy
            ) from error

    def _check_kind(self) -> None:
        """Checks that there is a file to read."""
        if not self.path.exists():
            raise MissingFileError(
                f"There is no video {self._shown}.", "Expected a file.", "Check the name and the folder."
            )
        if not (self.path.is_file() or self.path.is_fifo()):
            kind = "a folder" if self.path.is_dir() else "a device"
            raise BadInputError(f"{self._shown} is {kind}.", VIDEO_EXPECTED, "Choose a video file.")
        if self.path.is_file() and not self.path.stat().st_size:
            raise BadInputError(f"{self._shown} is empty.", VIDEO_EXPECTED, PLAY_IT)

    def _unreadable(self, why: str, remedy: str) -> BadInputError:
        """Returns the error for a file without a readable video; it names what was downloaded instead."""
        with self.path.open("rb") if self.path.is_file() else io.BytesIO() as file:
            told = no_picture(file.read(SNIFFED))
        if told[0] != NO_PICTURE and self.path.is_file():
            why, remedy = f"is {told[0]}", told[1]
        elif is_unfinished(self.path):
            why, remedy = UNFINISHED
        return BadInputError(f"{self._shown} {why}.", VIDEO_EXPECTED, remedy)

    def _silent(self, error: OSError) -> SourceError:
        """Returns the error for a file or pipe that cannot be read at all."""
        return SourceError(
            f"{self._shown} cannot be read ({_said(error)}).",
            "Expected a working disk, or a program that writes to the pipe.",
            "Check the disk, or start that program.",
        )

    def _broken(self, error: BaseException) -> SourceLostError:
        """Returns the error for a file or pipe that cannot be read to the end."""
        return SourceLostError(
            f"{self._shown} cannot be read beyond {self._decoder.position:.1f} s ({_said(error)}).",
            "Expected it to be readable to the end.",
            "Check the disk or the program that writes, and start again.",
        )

    def _end(self) -> None:
        """Reports at the end of the video what is missing."""
        decoder, error = self._decoder, self._inputs[0].error
        if self.stopped():
            return
        if error is not None:
            raise self._broken(error)
        if lack := decoder.shortfall():
            logger.warning("%s ends early: it %s. It may be damaged.", self.description, lack)
        if decoder.all_black():
            logger.warning(
                "%s: all of its %d frames are black. Play it in a video player, or convert it to mp4.",
                self.description,
                decoder.frames,
            )


def _said(error: BaseException) -> str:
    """Returns the text of an error, in one line and without names."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return printable(text.splitlines()[0].rstrip(". "))
