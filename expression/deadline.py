"""Connections that are over at a set moment, however many addresses a host has and however slowly it speaks.

A timeout of a socket counts for one address and one step of a conversation. `bridge.py` wants one for all.

Notebook: 08_lights
"""

from __future__ import annotations

import math
import socket
import ssl
import time


def left(ends: float) -> float:
    """Returns the seconds until a moment of `time.monotonic`.

    Raises:
        TimeoutError: It has passed.
    """
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _Timely:
    """A socket that gives up at a moment.

    Attributes:
        ends: The moment, by `time.monotonic`.
    """

    ends = math.inf

    def recv_into(self, *arguments, **options) -> int:
        """Receives, as long as there is time."""
        self.settimeout(left(self.ends))
        return super().recv_into(*arguments, **options)

    def sendall(self, *arguments) -> None:
        """Sends, as long as there is time."""
        self.settimeout(left(self.ends))
        return super().sendall(*arguments)


class Plain(_Timely, socket.socket):
    """A connection in the clear."""


class Secure(_Timely, ssl.SSLSocket):
    """A connection by TLS."""


def connect(host: str, port: int, ends: float, context: ssl.SSLContext | None = None) -> Plain | Secure:
    """Returns a connection to a host, at the first of its addresses that answers.

    Args:
        host: Its name or address.
        port: Where it listens.
        ends: By when all has to be over; each address gets its share of the time.
        context: For TLS.

    Raises:
        OSError: No address answers, as the last one told it; a TimeoutError where the time is up.
    """
    failure: OSError = OSError(f"{host} has no address")
    places = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, place) in enumerate(places):
        made = Plain(family, kind, protocol)
        made.ends = ends
        try:
            made.settimeout(left(ends) / (len(places) - number))
            made.connect(place)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _secured(made, host, context) if context else made
        except ssl.SSLError:
            made.close()
            raise
        except OSError as error:
            made.close()
            failure = error
    raise failure


def _secured(made: Plain, host: str, context: ssl.SSLContext) -> Secure:
    """Agrees on a key."""
    made.settimeout(left(made.ends))
    context.sslsocket_class = Secure
    secured = context.wrap_socket(made, server_hostname=host)
    secured.ends = made.ends
    return secured
