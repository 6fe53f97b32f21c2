"""One deadline and one size limit for a whole exchange: name look-up, connection, TLS, request, response.

A socket timeout applies to one address and one step of an exchange, so a host with three dead addresses takes
three times as long as intended. Bridges, brokers and web services are asked within a deadline, so that
stopping a run need not wait for them.

Notebook: 10_reactions
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
"""Most bytes that are received in one exchange; `lights/transport.py` allows a bridge half of it."""

MOST_ADDRESSES = 4
"""Most addresses of a name that are tried, IPv6 and IPv4 in turn; each gets its share of the time left."""


class Deadline:
    """A moment some seconds from now.

    Args:
        seconds: How many seconds.

    Example:
        >>> Deadline(-1).left()
        0.0
    """

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Returns the seconds that are left, 0 if it has passed."""
        return max(0.0, self._end - time.monotonic())

    def left_or_raise(self) -> float:
        """Returns the seconds that are left.

        Raises:
            TimeoutError: It has passed.
        """
        if not (left := self.left()):
            raise TimeoutError("timed out")
        return left

    def connect(self, host: str, port: int, kind: type[socket.socket] = socket.socket) -> socket.socket:
        """Returns a connection to the first address that accepts one; its timeout is the time left then.

        Args:
            host: Its name or address.
            port: Where it listens.
            kind: The class of the connection.

        Raises:
            OSError: There is no such name, or the last address refused the connection.
            TimeoutError: The deadline has passed.
        """
        addresses = _mixed(self._find(host, port))[:MOST_ADDRESSES]
        while True:
            family, form, protocol, _, address = addresses.pop(0)
            one = None
            try:
                one = kind(family, form, protocol)
                one.settimeout(self.left_or_raise() / (1 + len(addresses)))
                one.connect(address)
                one.settimeout(self.left_or_raise())
                return one
            except BaseException as error:
                if one is not None:
                    one.close()
                if not (addresses and isinstance(error, OSError)):
                    raise

    def _find(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """Returns the addresses of a name, at least one.

        A look-up has no timeout, so it runs in a thread, which is abandoned if it takes too long.
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


class AnswerTooLargeError(OSError):
    """A response is larger than any that is needed."""


class _Timely:
    """A socket that gives up at its deadline, or if it receives too much.

    Attributes:
        deadline: Set again for each exchange.
    """

    _deadline: Deadline
    _received = 0

    @property
    def deadline(self) -> Deadline:
        """When the exchange must be finished."""
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: Deadline) -> None:
        self._deadline, self._received = deadline, 0

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        """Receives while there is time, up to `MOST_BYTES` in all."""
        self.settimeout(self.deadline.left_or_raise())
        count = super().recv_into(*arguments, **options)
        self._received += count
        if self._received > MOST_BYTES:
            raise AnswerTooLargeError(f"more than {MOST_BYTES:,} bytes were received")
        return count

    def sendall(self, *arguments: Any) -> None:
        """Sends while there is time."""
        self.settimeout(self.deadline.left_or_raise())
        return super().sendall(*arguments)


class Plain(_Timely, socket.socket):
    """An unencrypted connection."""


class Secure(_Timely, ssl.SSLSocket):
    """A TLS connection."""


def deadline_connection(
    host: str, port: int, deadline: Deadline, context: ssl.SSLContext | None = None
) -> Plain | Secure:
    """Returns a connection that gives up at its deadline, even if the other side sends a little at a time.

    Args:
        host: Its name or address.
        port: Where it listens.
        deadline: When everything must be finished.
        context: For TLS; None for an unencrypted connection.

    Raises:
        OSError: No address answers; the error of the last one. A TimeoutError if the time is up.
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
    """Returns addresses with their families in turn, since one family may not work at all.

    Source: https://www.rfc-editor.org/rfc/rfc8305#section-4
    """
    families: dict[Any, list[tuple[Any, ...]]] = {}
    for each in addresses:
        families.setdefault(each[0], []).append(each)
    turns = itertools.zip_longest(*families.values())
    return [each for turn in turns for each in turn if each is not None]


def _look_up(host: str, port: int, found: list[Any]) -> None:
    """Adds the addresses of a name to a list, or the error if there are none."""
    try:
        found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as error:
        found.append(error)
    except UnicodeError as error:
        found.append(OSError(f"{host} is not a valid host name: {error}"))
