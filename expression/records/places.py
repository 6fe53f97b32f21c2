"""Places: where this user's runs have stored readings, so that `expression dataset wipe` finds them again.

The sink and `expression serve` call `remember`. Each database has a note of its own in the user's own folder,
so that several runs never write the same one. The note of a server has neither user nor password.

Notebook: 16_records
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path

from ..errors import OutputError
from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error, own_folder, write_bytes
from .address import Address, default_file

logger = logging.getLogger("expression")


def folder() -> Path:
    """Returns the folder of the notes; it may not exist."""
    return own_folder("state") / "databases"


def remember(address: Address) -> None:
    """Notes that readings are stored there; the user's own file needs no note.

    If the note cannot be written, it is logged, and the run goes on.
    """
    note = folder() / f"{address.identity}.txt"
    if address.path == default_file() or note.exists():
        return
    try:
        with as_output_error(note.parent):
            note.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        write_bytes(note, os.fsencode(address.shown), PRIVATE)
    except OutputError as error:
        logger.warning("%s Without it, expression dataset wipe will not find %s.", error, address.shown)


def remembered() -> tuple[list[Path], list[str]]:
    """Returns the files and the servers that were noted; the files may not be there any more.

    A file that is gone from the system's folder for temporary files is forgotten.
    """
    temporary = Path(tempfile.gettempdir()).resolve()
    files, servers = [], []
    for note in sorted(folder().glob("*.txt")):
        with contextlib.suppress(OSError):
            shown = os.fsdecode(note.read_bytes())
            path = Path(shown)
            if not path.is_absolute():
                servers.append(shown)
            elif os.path.exists(path) or temporary not in path.resolve().parents:
                files.append(path)
            else:
                note.unlink()
    return files, list(dict.fromkeys(servers))
