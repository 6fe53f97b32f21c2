"""Files that are whole or not there, and a full disk or a locked folder told in words.

Whatever writes a file for a reader does so with it.

Notebook: 07_your_face
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from .errors import OutputError

REMEDY = "Make the folder, or room, or choose another."


def write_text(path: Path, text: str, mode: int = 0o666, remedy: str = REMEDY) -> None:
    """Writes a text file in UTF-8, so that it is there as a whole or as it was, also when the power fails.

    Args:
        path: The file.
        text: What is to stand in it.
        mode: Who may read it, from its first moment; less what the system withholds from all new files.
        remedy: What the user can do where it cannot be written.

    Raises:
        OutputError: The folder is missing or locked, or there is no room.
    """
    part = path.with_name(f"{path.name}.part")
    with writing_told(path, remedy):
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with open(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


@contextlib.contextmanager
def writing_told(path: Path, remedy: str = REMEDY) -> Iterator[None]:
    """Turns what the system raises where something cannot be written into an OutputError.

    Args:
        path: What is written, or the folder.
        remedy: What the user can do.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}).",
            "Expected a folder that is there and writable, and room on the disk.",
            remedy,
        ) from error


def read_by_others(path: Path) -> str:
    """Returns the mode of a file that others may read, such as "644"; empty where nobody else may.

    Windows has no such mode.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:o}" if os.name == "posix" and mode & 0o077 else ""
