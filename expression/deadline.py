"""One deadline and one limit for the whole of an operation: name, addresses, encryption, question, answer.

A timeout of a socket counts for one address and one step of a conversation, so a host with three dead
addresses takes three times as long as was said. Whoever talks to a network uses it, so that the stop of
a run need not wait for them: `bridge.py`, and the sinks mqtt, blynk and firebase.

Notebook: 09_reactions
"""

from __future__ import annotations

import ipaddress
import itertools
import socket
import ssl
import threading
import time
from typing import Any

MOST_BYTES = 8_000_000
"""Bytes of an exchange at most, whoever talks; `transport.py` allows a bridge half of it."""

MOST_ADDRESSES = 4
"""Addresses of a name that are tried, of IPv6 and IPv4 by turns; each gets its share of what is left."""


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

    def connect(self, host: str, port: int, kind: type[socket.socket] = socket.socket) -> socket.socket:
        """Returns a connection to the first address that takes one; its timeout is what is left then.

        Args:
            host: Its name or address.
            port: Where it listens.
            kind: The class of the connection.

        Raises:
            OSError: There is no such name, or the last address did not take it.
            TimeoutError: It has passed.
        """
        addresses = _mixed(self._find(host, port))[:MOST_ADDRESSES]
        while True:
            family, form, protocol, _, address = addresses.pop(0)
            one = None
            try:
                one = kind(family, form, protocol)
                one.settimeout(self.left_or_late() / (1 + len(addresses)))
                one.connect(address)
                one.settimeout(self.left_or_late())
                return one
            except BaseException as error:
                if one is not None:
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
        try:
            thread.start()
        except RuntimeError:  # the program is ending: from Python 3.12 on no thread can be started then
            _look_up(host, port, found)
        else:
            thread.join(self.left())
        if not found:
            raise TimeoutError("timed out")
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]


class TooMuchError(OSError):
    """Somebody answers with more than anybody needs."""


class _Timely:
    """A socket that gives up at its deadline, and where it is told too much.

    Attributes:
        deadline: Set again for each exchange.
    """

    _deadline: Deadline
    _received = 0

    @property
    def deadline(self) -> Deadline:
        """By when the exchange has to be over."""
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: Deadline) -> None:
        self._deadline, self._received = deadline, 0

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        """Receives, as long as there is time, `MOST_BYTES` at most."""
        self.settimeout(self.deadline.left_or_late())
        count = super().recv_into(*arguments, **options)
        self._received += count
        if self._received > MOST_BYTES:
            raise TooMuchError(f"more than {MOST_BYTES:,} bytes came")
        return count

    def sendall(self, *arguments: Any) -> None:
        """Sends, as long as there is time."""
        self.settimeout(self.deadline.left_or_late())
        return super().sendall(*arguments)


class Plain(_Timely, socket.socket):
    """A connection in the clear."""


class Secure(_Timely, ssl.SSLSocket):
    """A connection by TLS."""


def converse(
    host: str, port: int, deadline: Deadline, context: ssl.SSLContext | None = None
) -> Plain | Secure:
    """Returns a connection that gives up at its deadline, however little at a time the other side says.

    Args:
        host: Its name or address.
        port: Where it listens.
        deadline: By when all has to be over.
        context: For TLS.

    Raises:
        OSError: No address answers, as the last one told it; a TimeoutError where the time is up.
    """
    made = deadline.connect(host, port, Plain)
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            context.sslsocket_class = Secure
            made = context.wrap_socket(made, server_hostname=host)
    except BaseException:
        made.close()
        raise
    made.deadline = deadline
    return made


def _mixed(addresses: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Returns addresses with their families by turns, since one family may not work at all.

    Source: https://www.rfc-editor.org/rfc/rfc8305#section-4
    """
    families: dict[Any, list[tuple[Any, ...]]] = {}
    for each in addresses:
        families.setdefault(each[0], []).append(each)
    turns = itertools.zip_longest(*families.values())
    return [each for turn in turns for each in turn if each is not None]


def _look_up(host: str, port: int, found: list[Any]) -> None:
    """Adds the addresses of a name to a list, or why there are none."""
    try:
        found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as error:
        found.append(error)
    except UnicodeError as error:
        found.append(OSError(f"{host} cannot be a name: {error}"))
