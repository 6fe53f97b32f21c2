"""Stored readings on the command line: where they are, for `expression dataset wipe`.

Notebook: 16_records
"""

from __future__ import annotations

import os

from ..errors import BadInputError, ExpressionError
from ..records import wiping
from ..records.address import Address, default_file
from ..records.places import remembered
from ..sanitize import some
from ..settings import Settings
from ..sinks import sink_class
from ..sinks._options import options_of

NAME = "database"


class StoredReadings:
    """The readings of this user on this machine: in the user's own file, on the way to a server, and in files
    that a run, a server or the settings have named.

    Raises:
        BadInputError: The settings cannot be read.
    """

    def __init__(self):
        named = addresses()
        files, servers = remembered()
        self._servers = list(dict.fromkeys([*(each.shown for each in named if not each.path), *servers]))
        self._missing = [path for path in files if not os.path.exists(path)]
        self._found = wiping.survey([*(each.path for each in named if each.path), *files])
        self._failed: dict[str, str] = {}
        self.is_empty = self._found.is_empty
        self.place = ", ".join(
            map(str, [default_file(), *(each for each in self._found.rows if each in files)])
        )

    def told(self) -> str:
        """Returns a description of what is deleted."""
        return self._found.told()

    def delete(self) -> dict[str, str]:
        """Permanently deletes them; returns the files in which something is left, and why."""
        self._failed = wiping.delete(self._found)
        return self._failed

    def left_over(self) -> list[str]:
        """Returns sentences about what is left, and why."""
        reasons = [f"{path} ({why})" for path, why in self._failed.items()]
        strange = some(self._found.left, 10)
        lines = {
            f"Readings could not be deleted: {some(reasons, 10)}.": reasons,
            f"Left alone because it is not a database of this program: {strange}.": self._found.left,
            f"Readings were stored in files that are no longer there: {some(self._missing, 10)}. If you "
            "moved them, delete them where they are.": self._missing,
            f"Readings on a server stay: {some(self._servers, 10)}. To delete them, run expression serve, "
            "and open http://127.0.0.1:8000/docs": self._servers,
        }
        return [line for line, there in lines.items() if there]


def addresses() -> list[Address]:
    """Returns the databases that the settings and the environment name, or else the user's own file.

    Raises:
        BadInputError: The settings cannot be read.
    """
    found = []
    urls = [_url(sink) for sink in Settings.load().sinks if isinstance(sink, str)]
    for url in dict.fromkeys(["", *(url for url in urls if url is not None)]):
        try:
            found.append(Address(url))
        except ExpressionError:  # a run reports it
            continue
    return found


def _url(sink: str) -> str | None:
    """Returns the database of a sink; None if it is another sink."""
    name, _, rest = sink.strip().partition(":")
    if name != NAME:
        return None
    try:
        return options_of(name, sink_class(name), rest).get("url", "")
    except BadInputError:  # a run reports it
        return None
