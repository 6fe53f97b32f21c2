"""The files below a folder of pictures, found by path, ignoring case and Unicode normalisation.

A table may come from another system, where `happy\\1.JPG` is `happy/1.jpg`. `store.py`, `datasets/own_set.py`
and `relinking.py` use it to find the file of a row; links are never followed.

Notebook: 08_your_face
"""

from __future__ import annotations

import os
import stat
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..errors import BadInputError, MissingFileError
from ..sanitize import printable
from .columns import PICTURE
from .rows import paths_meant

BOOK, TRASH = ".book", ".trash"
"""Folders in Images: for changes in progress, and for what was removed."""

STALE = 2.0
"""Seconds after which a folder is searched again for a picture that was not found."""


class Pictures:
    """The files in a folder and its subfolders, listed once when the object is created.

    Args:
        folder: The folder; if it does not exist, there are no files.
        links: Whether a link is an error; otherwise links are ignored.

    Attributes:
        folder: As given.
        files: Paths relative to the folder, with /, without those in `.book` and `.trash`.

    Raises:
        BadInputError: There is a link, or a folder that cannot be read.
    """

    def __init__(self, folder: Path, links: bool = True):
        self.folder = folder
        found = walk(folder, links) if folder.is_dir() else ()
        self.files = sorted(path for path in found if path.split("/")[0] not in (BOOK, TRASH))

    def find(self, image: str) -> str | None:
        """Returns the path of a row's file, or None.

        Case, Unicode normalisation, the direction of slashes and folders before Images are ignored, and the
        extension may be missing. Files of the same name in two folders are two pictures.

        Args:
            image: The path as written in a table.
        """
        if image in self._exact:
            return image
        for path in paths_meant(image):
            found = [path] if path in self._exact else self._by_key.get(path_key(path), ())
            if not found and not PICTURE.search(path):
                found = self._by_stem.get(path_key(path), ())
            if len(found) == 1:
                return found[0]
        return None

    def of_name(self, image: str) -> list[str]:
        """Returns the files in any folder with a picture's name, or else with another extension."""
        name = path_key(image.replace("\\", "/")).rpartition("/")[2]
        return self._by_name.get(name) or self._by_name_stem.get(_stem(name), [])

    @cached_property
    def _exact(self) -> set[str]:
        return set(self.files)

    @cached_property
    def _by_key(self) -> dict[str, list[str]]:
        return self._grouped(path_key)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return self._grouped(lambda path: _stem(path_key(path)))

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return self._grouped(lambda path: path_key(path).rpartition("/")[2])

    @cached_property
    def _by_name_stem(self) -> dict[str, list[str]]:
        return self._grouped(lambda path: _stem(path_key(path).rpartition("/")[2]))

    def _grouped(self, key) -> dict[str, list[str]]:
        groups = defaultdict(list)
        for path in self.files:
            groups[key(path)].append(path)
        return groups


class Finder:
    """Finds the files of rows while pictures are added and removed.

    Args:
        folder: The folder of pictures.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._pictures: Pictures | None = None
        self._looked = 0.0

    def look(self) -> Pictures:
        """Lists the folder again."""
        self._pictures, self._looked = Pictures(self.folder), time.monotonic()
        return self._pictures

    def path(self, image: str) -> Path | None:
        """Returns the file of a row's picture, or None if it is not found."""
        found = (self._pictures or self.look()).find(image)
        gone = not found or not (self.folder / found).is_file()
        if gone and time.monotonic() - self._looked > STALE:
            found = self.look().find(image)
        return self.folder / found if found else None

    def forget(self) -> None:
        """Discards the list, since files have changed."""
        self._pictures = None


def missing(image: str, folder: Path) -> MissingFileError:
    """Returns the error for a picture that is not found."""
    return MissingFileError(
        f"The picture {printable(image)} was not found in {folder}.",
        "Expected the file that its row names.",
        "In the folder of the set, run: expression dataset check --repair",
    )


def walk(folder: Path, links: bool = True, below: str = "") -> Iterator[str]:
    """Yields the paths of the files below a folder, with /.

    Args:
        folder: The folder.
        links: Whether a link is an error; otherwise links are ignored.
        below: A subfolder, with a final /, where the walk starts.

    Raises:
        BadInputError: There is a link, or a folder that cannot be read.
    """
    waiting = [below]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(folder / place) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
            kinds = [entry.stat(follow_symlinks=False) for entry in found]
        except OSError as error:
            raise BadInputError(
                f"{folder / place} cannot be read ({error.strerror}).",
                "Expected a folder that you may read.",
                "Check its permissions.",
            ) from error
        for entry, kind in zip(found, kinds, strict=True):
            if is_link(kind):
                if links:
                    refuse_link(folder / place / entry.name)
            elif stat.S_ISDIR(kind.st_mode):
                waiting.append(f"{place}{entry.name}/")
            elif stat.S_ISREG(kind.st_mode):
                yield f"{place}{entry.name}"


def is_link(kind: os.stat_result) -> bool:
    """Whether a path is a symbolic link or a Windows junction."""
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return stat.S_ISLNK(kind.st_mode) or (junction and getattr(kind, "st_reparse_tag", 0) == junction)


def refuse_link(path: Path) -> None:
    """Raises a BadInputError for a link.

    Pictures and rows are moved and deleted here, and a link may lead to files outside the set.
    """
    try:
        target = os.readlink(path)
    except OSError:
        target = "another place"
    raise BadInputError(
        f"{path} is a link to {target}.",
        "Expected a set without links, because the files that they lead to could be changed or deleted.",
        "Remove the link. If what it leads to belongs to the set, put that in its place.",
    )


def path_key(path: str) -> str:
    """Returns a key that is equal for paths that differ only in case or Unicode normalisation."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _stem(path: str) -> str:
    """Returns a path without its extension."""
    return str(PurePosixPath(path).with_suffix("")) if PurePosixPath(path).name else path
