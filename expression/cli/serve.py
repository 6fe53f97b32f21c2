"""The command `expression serve`: stored readings over REST, for browsers and other programs.

`app.py` adds it; `server/app.py` does the work.

Notebook: 11_records
"""

from __future__ import annotations

import os
from typing import Annotated

import typer


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

    run(opened, host, port)
