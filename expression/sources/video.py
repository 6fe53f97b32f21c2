"""A video file, played at its own pace.

`open_source` makes a `Video` of the name of a file or a pipe; `importer.py` looks for faces in one.

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
from ..pictures.kinds import SNIFFED, stand_in
from ..pictures.skipped import Skipped
from ..sanitize import printable
from ._base import Source
from ._decoder import OPTIONS, Decoder, Picture
from ._input import FileInput, PipeInput
from ._streams import NoVideoError

logger = logging.getLogger("expression")

LONGEST_NAME = 1000
"""Letters of a name that a message shows."""

PATIENCE = 30.0
"""Seconds for which nothing may come through a pipe."""

ALLOWED = "file,crypto,data"
"""What a playlist may lead to, as in FFmpeg where it opens the file itself: nothing of the network."""

VIDEO_EXPECTED = "Expected a video such as mp4, avi or webm with at least one frame."
PLAY_IT = "Play it in a video player, or convert it to mp4."
STREAM_IT = (
    "Use a format that can be streamed, such as Matroska (ffmpeg: -f matroska), or open the file itself."
)


class Video(Source):
    """A video file: every frame at the time that its own timestamp says, upright.

    What cannot be decoded is skipped and counted, and a video that ends before its time is reported.

    Args:
        path: The file, or a named pipe, in any format that FFmpeg reads.

    Attributes:
        fps: Frames a second on average, once open; 25 where the file does not say.
        count: How many frames it announces, once open; None where it does not say.
        skipped: Frames that could not be decoded.

    Source: https://pyav.basswood-io.com/docs/stable/
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.description = printable(self.path.name)
        self.fps = 25.0
        self.count: int | None = None
        self.skipped = Skipped()
        self._shown = printable(str(self.path), LONGEST_NAME)
        self._inputs: list[FileInput | PipeInput] = []
        self._decoder: Decoder | None = None
        self._first: Picture | None = None

    def open(self) -> None:
        """Opens the file and decodes its first picture, so that a broken file fails here.

        Raises:
            MissingFileError: There is no such file.
            SourceError: Nobody writes into the pipe.
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
            self.fps, self.count = self._decoder.fps, self._decoder.count
            self.skipped = self._decoder.skipped

    def read(self) -> np.ndarray | None:
        """Returns the next picture, (height, width, 3) uint8 RGB, or None at the end.

        Raises:
            SourceLostError: The disk or the pipe gives no more.
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
        """Makes sure that there is a file that may be read."""
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
        """Returns the error for a file that gives no picture, which names what came in its place."""
        with self.path.open("rb") if self.path.is_file() else io.BytesIO() as file:
            told = stand_in(file.read(SNIFFED))
        if told:
            why, remedy = f"is {told[0]}", told[1]
        return BadInputError(f"{self._shown} {why}.", VIDEO_EXPECTED, remedy)

    def _silent(self, error: OSError) -> SourceError:
        """Returns the error for a file or pipe that cannot be read at all."""
        return SourceError(
            f"{self._shown} cannot be read ({_said(error)}).",
            "Expected a working disk, or a program that writes to the pipe.",
            "Check the disk, or start that program.",
        )

    def _broken(self, error: BaseException) -> SourceLostError:
        """Returns the error for a file or pipe that cannot be read to its end."""
        return SourceLostError(
            f"{self._shown} cannot be read beyond {self._decoder.position:.1f} s ({_said(error)}).",
            "Expected it to be readable to the end.",
            "Check the disk or the program that writes, and start again.",
        )

    def _end(self) -> None:
        """Reports at the end of the video what it lacks."""
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
    """Returns what an error says, in one line and without names."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return printable(text.splitlines()[0].rstrip(". "))
