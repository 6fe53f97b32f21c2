"""The folder of a reader's own set: without links, held by one program, for its owner's eyes.

`store.py` and `wiping.py` use it before they change anything.

Notebook: 07_your_face
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from ..errors import BadInputError
from ..files import PRIVATE_FOLDER, as_output_error, hold
from ..labels import LIST
from .pictures import BOOK, is_link, refuse_link, walk
from .rows import FILE, IMAGES

if TYPE_CHECKING:
    from filelock import BaseFileLock

NUMBERED = re.compile(r"face(\d{1,15})\.\w+", re.IGNORECASE)
"""The name of a picture."""


class Held(Protocol):
    """Whatever holds a set."""

    def close(self) -> None:
        """Lets others have it."""


OPEN: WeakValueDictionary[Path, Held] = WeakValueDictionary()
"""What this program has open, by the folder of its pictures."""


def checked(folder: Path) -> list[str]:
    """Returns the files of a set's Images, `.book` and `.trash` included, as paths below it.

    Raises:
        BadInputError: Images, something in it or a table is a link: what it leads to is none of the set's,
            and would be changed or deleted.
    """
    images = folder / IMAGES
    for path in (images, folder / FILE, folder / LIST):
        if os.path.lexists(path) and is_link(path.lstat()):
            refuse_link(path)
    return list(walk(images)) if images.is_dir() else []


def hold_set(images: Path) -> BaseFileLock:
    """Locks a set for this program; what this program had open is closed.

    Raises:
        BadInputError: Another program has it open.
    """
    if former := OPEN.get(images.resolve()):
        former.close()
    happened = f"The pictures in {images} are open in another program."
    busy = BadInputError(happened, "Expected one program at a time.", "Close the other one.")
    return hold(images / BOOK / "lock", busy)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds a set, whatever its tables look like.

    Args:
        folder: The folder of the set.

    Raises:
        BadInputError: Another program has it open, or there is a link in it.
        OutputError: Its folder cannot be written.
    """
    checked(folder)
    with as_output_error(folder / IMAGES):
        private_folder(folder / IMAGES / BOOK)
        lock = hold_set(folder / IMAGES)
    try:
        yield
    finally:
        lock.release()


def highest_number(images: Path, files: Iterable[str]) -> int:
    """Returns the highest number that a picture ever had, 0 if there was none.

    Args:
        images: The folder of pictures.
        files: The files that are below it.
    """
    found = [number for path in files if (number := number_of(path)) is not None]
    with contextlib.suppress(OSError, ValueError), (images / BOOK / "highest").open(encoding="ascii") as file:
        found.append(min(int(file.read(16)), 10**15))
    return max(found, default=0)


def private_folder(folder: Path) -> None:
    """Makes a folder that only its owner may look into, and those above it that are missing."""
    for place in reversed((folder, *folder.parents)):
        if not place.is_dir():
            place.mkdir(mode=PRIVATE_FOLDER)


def remove_empty(folder: Path) -> None:
    """Removes the folders below a folder, and itself, as far as there is nothing in them."""
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(place)


def tighten(folder: Path) -> None:
    """Takes from others the right to look into a folder."""
    if os.name == "posix" and folder.is_dir() and folder.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):
            folder.chmod(PRIVATE_FOLDER)


def number_of(path: str) -> int | None:
    """Returns the number of a picture's name, such as 7 for happy/face7.png, or None."""
    found = NUMBERED.fullmatch(path.replace("\\", "/").rpartition("/")[2])
    return int(found[1]) if found else None


def free_path(path: Path) -> Path:
    """Returns a path at which nothing is: this one, or one with a number behind its name."""
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem} {number}{path.suffix}")
    return found
