"""The command `expression serve`: stored readings over REST, for browsers and other programs.

`server/app.py` does the work.

Notebook: 16_records
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExpressionError
from ..sanitize import say

if TYPE_CHECKING:
    from ..records.database import Database

logger = logging.getLogger("expression")


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on. Any but 127.0.0.1 requires EXPRESSION_API_KEY.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    database: Annotated[
        str,
        typer.Option(
            help="An SQLite file or the URL of a server. Default: that of --sink database.", metavar="URL"
        ),
    ] = "",
) -> None:
    """Serve stored readings over REST. Press Ctrl-C to stop."""
    from ..records.address import PASSWORD, Address
    from ..records.database import Database

    opened = Database(Address(database), os.environ.get(PASSWORD))
    opened.check_installed()
    from ..server.app import serve as run

    _prepare(opened)
    run(opened, host, port)


def _prepare(database: Database) -> None:
    """Creates a file that does not exist, and says so; says why a server cannot be reached.

    A server that is away may come back, so requests try again.

    Raises:
        BadInputError: The server refuses the connection, or the file is something else.
        OutputError: The file cannot be created.
    """
    from ..records.address import default_file
    from ..records.places import remember

    path = database.address.path
    new = path is not None and not os.path.lexists(path)
    try:
        database.prepare()
    except ExpressionError:
        raise
    except Exception as error:  # noqa: BLE001  drivers raise whatever they like
        logger.warning(
            "The database %s cannot be reached (%s). Expected one that answers. Requests fail until it does; "
            "check its address, and whether it runs.",
            database.address.shown,
            database.reason(error),
        )
        return
    remember(database.address)
    if new:
        sink = "database" if path == default_file() else f"database:{path}"
        command = f"expression live --sink {sink}"
        say(f"{path} did not exist and was created, without readings. To store some: {command}")
