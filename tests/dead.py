"""A host with three addresses that take no connection, as one that is behind a cable that was pulled."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest


def _full(address: str, port: int) -> list[socket.socket]:
    """Sockets that keep others waiting at an address: one that listens, and all that it has room for."""
    door = socket.socket()
    door.bind((address, port))
    door.listen(0)
    queue = [socket.socket() for _ in range(3)]
    for one in queue:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            one.connect(door.getsockname())
    return [door, *queue]


@pytest.fixture
def dead(monkeypatch):
    """The port at which `localhost` has three addresses that answer nothing."""
    if sys.platform != "linux":
        pytest.skip("only Linux has several addresses of its own, and drops whom it has no room for")
    sockets = _full("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    sockets += _full("127.0.0.2", port) + _full("127.0.0.3", port)
    find = socket.getaddrinfo

    def found(host, *words, **options):
        if host != "localhost":
            return find(host, *words, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (1, 2, 3)]

    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield port
    for one in sockets:
        one.close()
