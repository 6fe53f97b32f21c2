"""A folder of pictures, or a single one, shown one after the other like slides.

`open_source` creates a `Folder` from the name of a folder or a picture.

Notebook: 03_threads
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import BadInputError, MissingFileError, install_line
from ..files import is_housekeeping, natural
from ..pictures.decoding import KINDS, PictureError
from ..pictures.image import fit, picture_frames
from ..pictures.kinds import is_jpeg_stream
from ..pictures.skipped import Skipped
from ..sanitize import printable
from ._base import Source

logger = logging.getLogger("expression")

LONGEST = 1280
"""Pixels; a larger picture is shrunk, because faces need far fewer and detection would take longer."""

FOLDER = "folder(s), which are not searched"
"""Why a subfolder is skipped, for `Skipped`."""

LATER = "damaged after the first pictures"
"""Why an animation ended early, for `Skipped`."""


class Slide(NamedTuple):
    """A picture, and how it is shown.

    Attributes:
        image: (height, width, 3) uint8, RGB.
        seconds: Its duration; None for a photo, which stays as long as the source specifies.
        file: The name of its file.
        scene: A number different from that of the previous slide, unless both belong to one animation.
    """

    image: np.ndarray
    seconds: float | None
    file: str
    scene: int


class Folder(Source):
    """Pictures in natural order, so that 2 comes before 10; animations and pages of a TIFF one by one.

    A picture stays for a while and is returned repeatedly, as from a camera, so that smoothing and display
    work as usual. Each is a new scene: no person is carried over from one to the next. Animations play at
    their own speed. Pictures are recognised by content. Everything else is counted in `skipped`, which is
    logged in one line at the end. Subfolders are not searched.

    Args:
        path: A folder, or one picture.
        seconds: How long each picture stays.
        stay: Whether the last picture stays forever.

    Attributes:
        skipped: What was skipped so far, and why.
    """

    fps = 10.0

    def __init__(self, path: str | Path, seconds: float = 1.5, stay: bool = False):
        self.path = Path(path)
        self.seconds, self.stay = seconds, stay
        self.description = printable(self.path.name or str(self.path))
        self.skipped = Skipped()
        self._looked_at = 0
        self._slides: Iterator[tuple[Slide, float]] = iter(())

    def open(self) -> None:
        """Lists the pictures and reads the first.

        Raises:
            MissingFileError: There is no such file or folder.
            BadInputError: No picture in it can be read; add some JPEG or PNG files.
        """
        self.skipped, self._looked_at = Skipped(), 0
        slides = self._readable(_entries(self.path))
        first = next(slides, None)
        if first is None:
            raise self._nothing()
        self._slides = self._timed(itertools.chain([first], slides))

    def read(self) -> np.ndarray | None:
        """Returns the picture that is due, (height, width, 3) uint8 RGB, or None at the end."""
        slide, self.position = next(self._slides, (None, self.position))
        if slide is None:
            return None
        self.file, self.scene = slide.file, slide.scene
        return slide.image

    def close(self) -> None:
        """Releases the pictures, and logs what was skipped."""
        self._slides = iter(())
        if self._looked_at and self.skipped:
            logger.warning("%s: %s", self.description, self.skipped.summary(self._looked_at))
        self._looked_at = 0

    def _readable(self, entries: list[Path]) -> Iterator[Slide]:
        """Yields the slides of all files, and counts those that cannot be read."""
        scene = 0
        for entry in entries:
            self._looked_at += 1
            if entry != self.path and (reason := _why_not(entry)):
                self.skipped.add(entry.name, reason)
                continue
            slide = None
            try:
                for slide in _slides(entry, scene + 1):
                    scene = slide.scene
                    yield slide
            except PictureError as error:
                if slide is None and entry == self.path:
                    raise
                self.skipped.add(entry.name, LATER if slide else error.reason)
                logger.info("%s", error)
            except MissingFileError:  # deleted meanwhile
                self.skipped.add(entry.name, "no longer there")

    def _timed(self, slides: Iterable[Slide]) -> Iterator[tuple[Slide, float]]:
        """Yields each slide with the time at which it is due, in seconds: photos repeatedly, others once."""
        position, tick = 0.0, 1 / self.fps
        for slide in slides:
            times = max(1, round(self.seconds * self.fps)) if slide.seconds is None else 1
            yield from ((slide, position + number * tick) for number in range(times))
            position += times * tick if slide.seconds is None else slide.seconds
        while self.stay:
            yield slide, position
            position += tick

    def _nothing(self) -> BadInputError:
        """Returns the error for a folder without a readable picture."""
        summary, remedy = self.skipped.summary(self._looked_at), ""
        if folders := self.skipped.names.get(FOLDER):
            remedy = f"Choose a folder in it, such as {folders[0]}."
        if any("pillow-heif" in reason for reason in self.skipped.reasons):
            remedy = install_line("heic")
        return BadInputError(
            f"{printable(str(self.path), 500)} contains no readable picture.{summary and f' {summary}'}",
            f"Expected {KINDS}.",
            remedy or "Choose another folder, or add pictures to it.",
        )


def _entries(path: Path) -> list[Path]:
    """Returns the entries of a folder, in natural order, or the file itself if the path is one."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MissingFileError(
            f"There is no file or folder {printable(str(path), 500)}.",
            "Expected a picture or a folder of pictures.",
            "Check the name and the folder.",
        )
    try:
        return sorted(path.iterdir(), key=lambda path: natural(path.name))
    except OSError as error:
        raise BadInputError(
            f"{printable(str(path), 500)} cannot be read ({error.strerror}).",
            "Expected a folder that you may read.",
            "Check its permissions.",
        ) from error


def _why_not(entry: Path) -> str:
    """Returns why an entry is skipped without reading it; empty if it may be a picture."""
    if is_housekeeping(entry.name):
        return "a hidden or system file"
    try:
        if not entry.is_file():
            return FOLDER if entry.is_dir() else "not a file"
    except OSError:
        return "not accessible"
    return "video" if is_jpeg_stream(entry) else ""


def _slides(file: Path, scene: int) -> Iterator[Slide]:
    """Yields the pictures of a file."""
    for number, (image, seconds) in enumerate(picture_frames(file)):
        page = number if seconds is None else 0
        yield Slide(fit(image, LONGEST)[0], seconds, file.name, scene + page)
