"""A folder of pictures, or a single one, shown one after the other like slides.

`open_source` makes a `Folder` of a folder's or a picture's name.

Notebook: 03_threads
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import BadInputError, MissingFileError
from ..image import PICTURES, fit, read_picture
from . import Source

logger = logging.getLogger("expression")

LONGEST = 1280
"""Pixels; a larger picture is shrunk, since a face needs far fewer and a detector takes longer."""


class Folder(Source):
    """Pictures in natural order, so that 2 comes before 10.

    A picture stays for a while and is given again and again meanwhile, as a camera would,
    so that smoothing and display live.

    Args:
        path: A folder, or one picture.
        seconds: How long each picture stays.
        stay: Whether the last picture stays for good.

    Attributes:
        skipped: Names of files that are no readable pictures, as far as was read.
    """

    fps = 10.0

    def __init__(self, path: str | Path, seconds: float = 1.5, stay: bool = False):
        self.path = Path(path)
        self.seconds, self.stay = seconds, stay
        self.description = self.path.name or str(self.path)
        self.skipped: list[str] = []
        self._frames: Iterator[np.ndarray] = iter(())

    def open(self) -> None:
        """Lists the pictures and reads the first.

        Raises:
            MissingFileError: There is no such file or folder.
            BadInputError: No picture in it is readable; add some JPEG or PNG files.
        """
        self.skipped = []
        pictures = self._pictures(_files(self.path))
        first = next(pictures, None)
        if first is None:
            unread = f"; not readable: {', '.join(self.skipped[:3])}" if self.skipped else ""
            raise BadInputError(
                f"{self.path} holds no picture{unread}.",
                f"Expected files that end in {', '.join(sorted(PICTURES))}.",
                "Choose another folder, or put pictures into it.",
            )
        self._frames = self._repeated(itertools.chain([first], pictures))

    def read(self) -> np.ndarray | None:
        """Returns the picture that is due, (height, width, 3) uint8 RGB, or None at the end."""
        return next(self._frames, None)

    def close(self) -> None:
        """Lets go of the pictures."""
        self._frames = iter(())

    def _pictures(self, files: list[Path]) -> Iterator[np.ndarray]:
        """Yields the pictures that can be read, and notes the others."""
        for file in files:
            try:
                yield fit(read_picture(file), LONGEST)[0]
            except (BadInputError, OSError) as error:
                self.skipped.append(file.name)
                logger.warning("%s is left out: %s", file.name, error)

    def _repeated(self, pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yields each picture as often as its time takes."""
        for picture in pictures:
            yield from itertools.repeat(picture, max(1, round(self.seconds * self.fps)))
        if self.stay:
            yield from itertools.repeat(picture)


def _files(path: Path) -> list[Path]:
    """Returns the pictures that a path names, in natural order."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MissingFileError(
            f"There is no file or folder {path}.",
            "Expected pictures there.",
            "Check the name and the folder.",
        )
    files = [f for f in path.iterdir() if f.suffix.lower() in PICTURES and not f.name.startswith(".")]
    return sorted((f for f in files if f.is_file()), key=natural)


def natural(path: Path) -> list:
    """Returns what sorts names as people do.

    Example:
        >>> sorted([Path("face10.png"), Path("face2.png")], key=natural)[0].name
        'face2.png'
    """
    parts = re.split(r"([0-9]+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
