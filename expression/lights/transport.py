"""Requests to a Hue bridge, one after the other, over HTTP or over HTTPS with the paired certificate.

An answer may take 3 s and 4 MB, and is not trusted: anything but JSON raises a readable error. `bridge.py`
and `pairing.py` call it.

Notebook: 09_lights
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from typing import Any, NoReturn

from ..deadline import Deadline, deadline_connection
from ..errors import DAMAGE, BadInputError, ExpressionError
from .credentials import split

TIMEOUT = 3.0
"""Seconds that a bridge may take to answer."""

MOST_BYTES = 4_000_000
"""Maximum bytes read of an answer; a bridge with all possible lamps and sensors sends a tenth of that."""

BROKEN = (*DAMAGE, http.client.HTTPException)
"""What a connection raises if it breaks, or if the other end does not speak HTTP."""

NEARBY = "Expected a Hue bridge that is switched on and connected to this network."
AGAIN = "Check its lights and its cable; if its address has changed, run: expression lights pair"


class BridgeError(ExpressionError, ConnectionError):
    """The bridge is unreachable, slow or out of order, or refused a request; it may work later.

    Attributes:
        said: What the bridge did, in a few words that fit in brackets, such as "error 901: Internal error".
        kind: The error type in the bridge's answer; 0 without one.
        answered: Whether anything answered at all.
    """

    def __init__(self, happened: str, expected: str, remedy: str, said: str = "", kind: int = 0):
        super().__init__(happened, expected, remedy)
        self.said, self.kind, self.answered = said or happened, kind, True


class RefusedError(BadInputError):
    """The bridge does not recognise the key, or is not the one that was paired.

    Attributes:
        said: As in `BridgeError`.
        kind: As in `BridgeError`.
        answered: Whether the right bridge answered at all.
    """

    said, kind, answered = "the bridge does not recognise the key", 1, True


class Transport:
    """Sends one request after the other over a persistent connection.

    Args:
        url: http://host or https://host, with a port if it is not the default.
        certificate: SHA-256 of the expected certificate, in hex; if empty, any is accepted and noted, for
            pairing.

    Attributes:
        timeout: Seconds that a whole call may take.
        certificate: As above, or the one that was noted.
        answers: Whether the last call was answered; True before the first.
    """

    def __init__(self, url: str, certificate: str = "", timeout: float = TIMEOUT):
        self.url, self.certificate, self.timeout = url, certificate, timeout
        self._scheme, self._host, self._port = split(url)
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()
        self._deadline = Deadline(0.0)
        self.answers = True

    def call(self, mode: str, path: str, data: Any = None) -> Any:
        """Returns the JSON of an answer.

        Raises:
            BridgeError: Nobody answered in time, or not in JSON.
            RefusedError: It presented a different certificate.
        """
        with self._lock:
            self._deadline = Deadline(self.timeout)
            try:
                status, text = self._exchange(mode, path, data)
                self.answers = True
            except BaseException as error:
                # Ctrl-C says nothing about the bridge.
                self.answers = self.answers and not isinstance(error, Exception)
                self.close()
                if isinstance(error, ExpressionError) or not isinstance(error, BROKEN):
                    raise
                raise self._told(error) from error
        if status >= 300:
            raise self._strange(f"HTTP {status}")
        if len(text) > MOST_BYTES:
            raise self._strange(f"more than {MOST_BYTES // 1_000_000} MB")
        try:
            return json.loads(text, parse_constant=_refuse)
        except DAMAGE as error:  # nested a thousand levels deep, or with huge numbers
            raise self._strange("its answer is not JSON") from error

    def close(self) -> None:
        """Closes the connection; the next call opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, mode: str, path: str, data: Any) -> tuple[int, bytes]:
        """Sends a request, and repeats it if the persistent connection has gone stale."""
        if self._connection is not None:
            try:
                return self._once(mode, path, data)
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException):
                self.close()
        self._connection = self._connect()
        return self._once(mode, path, data)

    def _once(self, mode: str, path: str, data: Any) -> tuple[int, bytes]:
        self._connection.sock.deadline = self._deadline
        body = None if data is None else json.dumps(data)
        self._connection.request(mode, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read(MOST_BYTES + 1)
        if answer.will_close or len(text) > MOST_BYTES:
            self.close()
        return answer.status, text

    def _connect(self) -> http.client.HTTPConnection:
        """Connects, and checks the certificate before anything is sent."""
        if self._scheme == "http":
            connection = http.client.HTTPConnection(self._host, self._port)
            connection.sock = deadline_connection(self._host, connection.port, self._deadline)
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # bridges sign their own; it only has to be the same one
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(self._host, self._port, context=context)
        connection.sock = deadline_connection(self._host, connection.port, self._deadline, context)
        found = hashlib.sha256(connection.sock.getpeercert(binary_form=True)).hexdigest()
        if self.certificate and not hmac.compare_digest(found, ascii(self.certificate)[1:-1]):
            connection.close()
            refused = RefusedError(
                f"The certificate of the device at {self.url} is not that of the bridge that was paired.",
                "Expected the same certificate; nothing was sent.",
                "If the bridge was replaced or reset, run: expression lights pair",
            )
            refused.answered = False
            raise refused
        self.certificate = found
        return connection

    def _told(self, error: BaseException) -> BridgeError:
        """Returns the readable error for what a connection raised."""
        remedy, said = AGAIN, "no connection"
        if isinstance(error, TimeoutError):
            said = f"no answer within {self.timeout:g} s"
            happened = f"The bridge at {self.url} did not answer within {self.timeout:g} s."
        elif isinstance(error, socket.gaierror):
            happened = f"{self._host} was not found on this network."
            remedy = "Check the name, or search for the bridge: expression lights pair"
        elif isinstance(error, ConnectionRefusedError):
            happened = f"Nothing is listening at {self.url}."
        elif isinstance(error, ssl.SSLError):
            why = (error.reason or "no reason").replace("_", " ").lower()
            happened = f"The device at {self.url} does not use HTTPS as a bridge does ({why})."
        else:
            why = getattr(error, "strerror", None) or type(error).__name__
            happened = f"The bridge at {self.url} cannot be reached ({why})."
        silent = BridgeError(happened, NEARBY, remedy, said)
        silent.answered = False
        return silent

    def _strange(self, what: str) -> BridgeError:
        """Returns the error for an answer that a Hue bridge would not give."""
        return BridgeError(
            f"The device at {self.url} did not answer like a Hue bridge ({what}).",
            "Expected a Hue bridge at that address.",
            "Compare it with the address in the Hue app, or run: expression lights pair",
            f"an unexpected answer: {what}",
        )


def _refuse(constant: str) -> NoReturn:
    """Refuses NaN and Infinity, which Python accepts but JSON does not have."""
    raise ValueError(constant)
