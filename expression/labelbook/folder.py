"""The folder of a user's own set: without links, locked by one program, private to its owner.

`store.py` and `wiping.py` use it before they change anything.

Notebook: 08_your_face
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
    """An object that holds a set open."""

    def close(self) -> None:
        """Releases the set."""


OPEN: WeakValueDictionary[Path, Held] = WeakValueDictionary()
"""The sets that this program has open, by the folder of their pictures."""


def checked(folder: Path) -> list[str]:
    """Returns the files in a set's Images, including `.book` and `.trash`, as relative paths.

    Raises:
        BadInputError: Images, something in it or a table is a link: files outside the set could be changed
            or deleted.
    """
    images = folder / IMAGES
    for path in (images, folder / FILE, folder / LIST):
        if os.path.lexists(path) and is_link(path.lstat()):
            refuse_link(path)
    return list(walk(images)) if images.is_dir() else []


def hold_set(images: Path) -> BaseFileLock:
    """Locks a set for this program, and closes it if this program has it open.

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
    """Holds a set open, even if its tables are damaged.

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
        files: The files in it.
    """
    found = [number for path in files if (number := number_of(path)) is not None]
    with contextlib.suppress(OSError, ValueError), (images / BOOK / "highest").open(encoding="ascii") as file:
        found.append(min(int(file.read(16)), 10**15))
    return max(found, default=0)


def private_folder(folder: Path) -> None:
    """Creates a folder that only its owner can read, and any missing parents."""
    for place in reversed((folder, *folder.parents)):
        if not place.is_dir():
            place.mkdir(mode=PRIVATE_FOLDER)


def remove_empty(folder: Path) -> None:
    """Removes a folder and its subfolders, as far as they are empty."""
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(place)


def tighten(folder: Path) -> None:
    """Makes a folder private to its owner."""
    if os.name == "posix" and folder.is_dir() and folder.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):
            folder.chmod(PRIVATE_FOLDER)


def number_of(path: str) -> int | None:
    """Returns the number in a picture's name, such as 7 for happy/face7.png, or None."""
    found = NUMBERED.fullmatch(path.replace("\\", "/").rpartition("/")[2])
    return int(found[1]) if found else None


def free_path(path: Path) -> Path:
    """Returns an unused path: this one, or one with a number added to its name."""
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem} {number}{path.suffix}")
    return found
