"""The application of the server, and the thread or the command that serves it.

`displays/web.py` serves a run with `Server`; `expression serve` calls `serve`.

Notebook: 16_records
"""

from __future__ import annotations

import errno
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

from .. import __version__
from ..errors import BadInputError, DisplayError, missing_package
from ..sanitize import clean, say

try:
    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import RedirectResponse, Response
except ImportError as error:
    raise missing_package("The server", "fastapi" if "api" in str(error) else "uvicorn", "server") from error

from . import page, streams
from .live import Hub
from .problems import use_problem_details
from .security import Guard, host_names, is_loopback, key_for

LOOPBACK, PORT = "127.0.0.1", 8000
"""Where the server listens unless told otherwise."""

NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""The error numbers for an address of another computer."""

PORTS = 20
"""How many ports are tried, one after another, until one is free."""

SEND_BYTES = 128 * 1024
"""What the system may hold back for one viewer; more would be pictures that are seconds old."""

MOST_CONNECTIONS = 100
"""Requests at once; further ones are told to come back."""


def make_app(
    live: Hub | None = None,
    database: Any = None,
    key: str | None = None,
    hosts: Sequence[str] | None = None,
    host: str = LOOPBACK,
) -> FastAPI:
    """Returns the application: the live page of a run, the interface to a database, or both.

    Args:
        live: What the page shows; None without a run.
        database: What `rest.router` takes; None without a database.
        key: The key that every request must have; None if the address needs none.
        hosts: Further names by which browsers ask for the server.
        host: The address that it listens on.
    """
    app = _Guarded(
        title="Expression", version=__version__, docs_url=None, redoc_url=None, openapi_url="/openapi.json"
    )
    app.include_router(page.router(live is not None))
    if live is not None:
        app.include_router(streams.router(live))
    if database is not None:
        from . import docs, rest

        app.include_router(rest.router(database))
        app.include_router(docs.router())
    use_problem_details(app, database is not None)
    guard = Guard(key, host_names(host, hosts or ()), is_loopback(host))
    _add_login(app, guard)
    guard.app, app.guard = super(_Guarded, app).__call__, guard
    return app


class _Guarded(FastAPI):
    """An application behind a guard, which also sees its answers to errors."""

    guard: Guard

    async def __call__(self, scope, receive, send) -> None:
        await self.guard(scope, receive, send)


def _add_login(app: FastAPI, guard: Guard) -> None:
    """Adds the form for the key."""

    @app.get("/login", include_in_schema=False)
    async def form() -> Response:
        return page.login()

    @app.post("/login", include_in_schema=False)
    async def enter(request: Request) -> Response:
        words = parse_qs((await request.body()).decode("utf-8", "replace"))
        if not guard.accepts(words.get("key", [""])[0].strip()):
            return page.login(401, wrong=True) if await guard.pause() else guard.busy()
        cookie = guard.cookie(request.url.scheme == "https")
        return RedirectResponse("/", 303, {"Set-Cookie": cookie})


def listen(host: str = LOOPBACK, port: int = PORT) -> socket.socket:
    """Returns a socket that listens on a port, or on the next one that is free.

    Args:
        host: The address.
        port: The port; 0 for any.

    Raises:
        BadInputError: The address does not belong to this computer.
        DisplayError: No port is free, or only an administrator may use it.
    """
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise _no_address(host, error) from error
    for number in range(port, min(port + PORTS, 65536)) if port else (0,):
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            _prepare(listening)
            listening.bind((place[0], number, *place[2:]))
            listening.listen(64)
            return listening
        except OSError as error:
            listening.close()
            if error.errno in NOT_HERE:
                raise _no_address(host, error) from error
    raise DisplayError(
        f"The ports {port} to {number} of {host} cannot be used.",
        "Expected a free port that needs no administrator rights, from 1024 on.",
        f"Choose another, such as {PORT}, or end the programs that use them.",
    )


def _prepare(listening: socket.socket) -> None:
    """Sets options that every connection inherits."""
    reuse = "SO_EXCLUSIVEADDRUSE" if sys.platform == "win32" else "SO_REUSEADDR"  # Windows shares a used port
    listening.setsockopt(socket.SOL_SOCKET, getattr(socket, reuse), 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _no_address(host: str, error: Exception) -> BadInputError:
    """Returns the error for an address that cannot be listened on."""
    return BadInputError(
        f"{host} is not an address of this computer ({getattr(error, 'strerror', None) or error}).",
        "Expected 127.0.0.1 for this computer alone, or 0.0.0.0 for the whole network.",
        f"Use one of these, or leave it out for {LOOPBACK}.",
    )


def address_of(listening: socket.socket) -> str:
    """Returns what to type into a browser to reach a socket that listens."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # all addresses
        host = _own_address()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _own_address() -> str:
    """Returns the address of this computer in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation, RFC 5737
            return probe.getsockname()[0]
        except OSError:
            return LOOPBACK


def _config(app: FastAPI) -> uvicorn.Config:
    """Returns how uvicorn serves: without a log of its own, a name in its answers, and trust in proxies."""
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
    )


class Server:
    """Serves an application in a thread of its own.

    Args:
        app: What `make_app` returns.
        listening: What `listen` returns; closed at the end.

    Attributes:
        address: What to type into a browser.
        error: What ended the thread, or None.
    """

    def __init__(self, app: FastAPI, listening: socket.socket):
        self.address = address_of(listening)
        self.error: BaseException | None = None
        self._socket, self._server = listening, uvicorn.Server(_config(app))
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def start(self) -> None:
        """Starts the thread; connections are accepted from now on."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ends the thread, and waits for it; streams must have ended, or are cut off after two seconds."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        """Serves until `stop`; the work of the thread."""
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001  `alive` and `error` report it
            self.error = error


def sentence(address: str, key: str | None, database: bool = False) -> str:
    """Returns what to print about a server that has started.

    Args:
        address: Its address.
        key: The key that it demands, or None.
        database: Whether it serves stored readings rather than a run.

    Example:
        >>> sentence("http://127.0.0.1:8000", None)
        'The live page is at http://127.0.0.1:8000 in a browser on this computer.'
    """
    what = f"Stored readings are at {address}/docs" if database else f"The live page is at {address}"
    if key is None:
        return f"{what} in a browser on this computer."
    return f"{what} in any browser on the network; it asks for the key once."


def serve(
    database: Any = None,
    host: str = LOOPBACK,
    port: int = PORT,
    live: Hub | None = None,
    hosts: Sequence[str] = (),
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves in the foreground until Ctrl-C; see `make_app` and `listen`.

    Args:
        database: What `rest.router` takes; None without a database.
        host: The address to listen on.
        port: The port; if it is in use, the next free one.
        live: What the page shows; None without a run.
        hosts: Further names by which browsers ask for the server.
        ready: Called with the address once connections are accepted; by default it is printed.

    Raises:
        BadInputError: The address demands a key, and there is none, or it is not one of this computer.
        DisplayError: No port is free.
    """
    key = key_for(host)
    with listen(host, port) as listening:
        address = address_of(listening)
        app = make_app(live, database, key, hosts, host)
        told = clean(sentence(address, key, database is not None and live is None))
        ready(address) if ready else say(told)
        uvicorn.Server(_config(app)).run(sockets=[listening])
