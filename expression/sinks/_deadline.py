"""One deadline for the whole of an operation: a name, each of its addresses, encryption, question and answer.

Each of these takes a timeout of its own elsewhere, so a host with three dead addresses takes three times
as long as was said. Sinks that talk to a network use it, so that the stop of a run need not wait for them.

Notebook: 09_reactions
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from typing import Any

MOST_ADDRESSES = 4
"""Addresses of a name that are tried; each gets its share of what is left."""


class Deadline:
    """So many seconds from now.

    Args:
        seconds: How many.

    Example:
        >>> Deadline(-1).left()
        0.0
    """

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Returns the seconds that are left, 0 where it has passed."""
        return max(0.0, self._end - time.monotonic())

    def left_or_late(self) -> float:
        """Returns the seconds that are left.

        Raises:
            TimeoutError: It has passed.
        """
        if not (left := self.left()):
            raise TimeoutError("timed out")
        return left

    def connect(self, host: str, port: int) -> socket.socket:
        """Returns a connection to the first address that takes one; its timeout is what is left then.

        Raises:
            OSError: There is no such name, or the last address did not take it.
            TimeoutError: It has passed.
        """
        addresses = self._find(host, port)[:MOST_ADDRESSES]
        while True:
            family, kind, protocol, _, address = addresses.pop(0)
            one = socket.socket(family, kind, protocol)
            try:
                one.settimeout(self.left_or_late() / (1 + len(addresses)))
                one.connect(address)
                one.settimeout(self.left_or_late())
                return one
            except BaseException as error:
                one.close()
                if not (addresses and isinstance(error, OSError)):
                    raise

    def _find(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """Returns the addresses of a name, at least one.

        A look-up knows no timeout, so it has a thread, which is left to itself where it takes too long.
        """
        try:
            ipaddress.ip_address(host)
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except ValueError:
            found: list[Any] = []
        thread = threading.Thread(target=_look_up, args=(host, port, found), name=f"name {host}", daemon=True)
        thread.start()
        thread.join(self.left())
        if not found:
            raise TimeoutError("timed out")
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]


def _look_up(host: str, port: int, found: list[Any]) -> None:
    """Adds the addresses of a name to a list, or why there are none."""
    try:
        found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as error:
        found.append(error)
    except UnicodeError as error:
        found.append(OSError(f"{host} cannot be a name: {error}"))
