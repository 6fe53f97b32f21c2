"""Files that are whole or not there, and a full disk or a locked folder told in words.

Whatever writes a file for a reader does so with it.

Notebook: 07_your_face
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, so that it is there as a whole or as it was, also when the power fails.

    Raises:
        OutputError: The folder is missing or locked, or there is no room.
    """
    part = path.with_name(f"{path.name}.part")
    with writing_told(path):
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


@contextlib.contextmanager
def writing_told(path: Path, remedy: str = "Make the folder, or room, or choose another.") -> Iterator[None]:
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
