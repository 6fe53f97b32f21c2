"""The one place that talks to a Hue bridge: through phue, with its transport replaced.

phue 1.1 speaks plain HTTP only, waits 10 s, logs the key and only logs what a bridge complains of. Here
its `request` goes through a `Transport`: HTTP, or HTTPS with the certificate that was seen when the bridge
was paired, 3 s at most, and errors that say what to do. `crew.py`, `before.py` and `pairing.py` call it.

Notebook: 08_lights
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from .deadline import Deadline, converse
from .errors import BadInputError, ExpressionError, missing_package
from .keys import VARIABLE, Paired, id_of, split

TIMEOUT = 3.0
"""Seconds that a bridge may take to answer."""

LAMP_RATE, GROUP_RATE = 10, 1
"""Commands a second that a bridge takes.

Source: https://developers.meethue.com/develop/application-design-guidance/hue-system-performance/
"""

SLACK = 1.1
"""Commands are kept so much further apart, since the network delays one more than the other."""

UNAUTHORIZED, NOT_AVAILABLE, NO_BUTTON, IS_OFF = 1, 3, 101, 201
"""Types of error in a bridge's answer.

Source: https://developers.meethue.com/develop/hue-api/error-messages/
"""

NEARBY = "Expected a Hue bridge that is on and in this network."
AGAIN = "Look at its lights and its cable; if it has another address now, run: expression lights pair"


class BridgeError(ExpressionError, ConnectionError):
    """The bridge is away, slow or out of order; it may work later.

    Attributes:
        kind: The type of error that the bridge told, 0 if it told none.
    """

    def __init__(self, happened: str, expected: str, remedy: str, kind: int = 0):
        super().__init__(happened, expected, remedy)
        self.kind = kind


class RefusedError(BadInputError):
    """The bridge does not know the key, or is not the one that was paired."""


class Pace:
    """Keeps commands apart as far as a bridge wants them.

    Args:
        clock: Tells the time in seconds.
        sleep: Waits so many seconds.

    Example:
        >>> now = [0.0]
        >>> pace = Pace(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
        >>> for _ in range(11):
        ...     pace.take(LAMP_RATE)
        >>> round(now[0], 3)
        1.1
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, sleep: Callable = time.sleep):
        self.clock, self._sleep = clock, sleep
        self._next: dict[int, float] = {}

    def wait(self, rate: int) -> float:
        """Returns the seconds until the next command of this rate may be sent."""
        return max(0.0, self._next.get(rate, 0.0) - self.clock())

    def take(self, rate: int) -> None:
        """Waits until a command may be sent, and counts it."""
        if seconds := self.wait(rate):
            self._sleep(seconds)
        self._next[rate] = self.clock() + SLACK / rate


class Transport:
    """Sends one request after the other over a connection that is kept.

    Args:
        url: http://host or https://host, with a port if it is not the usual one.
        certificate: SHA-256 of the certificate that is expected, in hex; empty takes any and notes it,
            for pairing.

    Attributes:
        timeout: Seconds that a call may take, all of it.
        certificate: As above, or what was noted.
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
            RefusedError: It showed another certificate.
        """
        with self._lock:
            self._deadline = Deadline(self.timeout)
            try:
                status, text = self._exchange(mode, path, data)
                self.answers = True
            except BaseException as error:
                self.answers = False
                self.close()
                if isinstance(error, (OSError, http.client.HTTPException)):
                    raise self._told(error) from error
                raise
        try:
            if status >= 400:
                raise ValueError(status)
            return json.loads(text)
        except ValueError as error:
            what = f"HTTP {status}" if status >= 400 else "it sent no JSON"
            raise BridgeError(
                f"What answers at {self.url} did not answer as a Hue bridge does ({what}).",
                "Expected a Hue bridge at that address.",
                "Compare it with the address in the Hue app, or run: expression lights pair",
            ) from error

    def close(self) -> None:
        """Gives the connection back; the next call makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, mode: str, path: str, data: Any) -> tuple[int, bytes]:
        """Sends a request, again where a connection that was kept has gone stale meanwhile."""
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
        text = answer.read()
        if answer.will_close:
            self.close()
        return answer.status, text

    def _connect(self) -> http.client.HTTPConnection:
        """Connects, and looks at the certificate before anything is said."""
        if self._scheme == "http":
            connection = http.client.HTTPConnection(self._host, self._port)
            connection.sock = converse(self._host, connection.port, self._deadline)
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # a bridge signs for itself; what counts is that it is the same one
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(self._host, self._port, context=context)
        connection.sock = converse(self._host, connection.port, self._deadline, context)
        found = hashlib.sha256(connection.sock.getpeercert(binary_form=True)).hexdigest()
        if self.certificate and not hmac.compare_digest(found, self.certificate):
            connection.close()
            raise RefusedError(
                f"What answers at {self.url} shows another certificate than the bridge that was paired.",
                "Expected the same one; nothing was sent.",
                "If the bridge was replaced or reset, run: expression lights pair",
            )
        self.certificate = found
        return connection

    def _told(self, error: Exception) -> BridgeError:
        """Returns what a connection raised, in words."""
        remedy = AGAIN
        if isinstance(error, TimeoutError):
            happened = f"The bridge at {self.url} did not answer within {self.timeout:g} s."
        elif isinstance(error, socket.gaierror):
            happened = f"There is nothing by the name of {self._host} in this network."
            remedy = "Check the name, or let the bridge be found: expression lights pair"
        elif isinstance(error, ConnectionRefusedError):
            happened = f"Nothing listens at {self.url}."
        elif isinstance(error, ssl.SSLError):
            why = (error.reason or "no reason").replace("_", " ").lower()
            happened = f"What answers at {self.url} does not speak HTTPS as a bridge does ({why})."
        else:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            happened = f"The bridge at {self.url} cannot be talked to ({why})."
        return BridgeError(happened, NEARBY, remedy)


class Bridge:
    """A bridge with its lamps and groups.

    Args:
        paired: Its address, key and certificate.
        pace: Keeps commands apart.
    """

    def __init__(self, paired: Paired, pace: Pace | None = None):
        self.url, self.pace = paired.url, pace or Pace()
        self.transport = Transport(paired.url, paired.certificate)
        self._key, self._id = paired.key, paired.id
        self._phue = _phue(self._request, paired)

    def lights(self) -> dict[str, dict]:
        """Returns all lamps by their number; a bridge that lists only names is asked for each."""
        return self._whole(self._phue.get_light)

    def groups(self) -> dict[str, dict]:
        """Returns all rooms, zones and groups by their number."""
        return self._whole(self._phue.get_group)

    def config(self) -> dict:
        """Returns the bridge's name and number."""
        return self._request("GET", f"/api/{self._key}/config")

    def identity(self) -> str:
        """Returns by what a bridge is known, wherever it stands: its id, or its address if it has none.

        It is asked for it where it was paired before ids were kept.
        """
        self._id = self._id or id_of(self.config()) or self.url
        return self._id

    def set_light(self, number: str, command: dict) -> None:
        """Sends a command to a lamp, no sooner than the bridge's rate allows."""
        self._send(LAMP_RATE, lambda: self._phue.set_light(int(number), dict(command)))

    def set_group(self, number: str, command: dict) -> None:
        """Sends a command to a group, no sooner than the bridge's rate allows."""
        self._send(GROUP_RATE, lambda: self._phue.set_group(int(number), dict(command)))

    def close(self) -> None:
        """Gives the connection back."""
        self.transport.close()

    def _send(self, rate: int, call: Callable[[], Any]) -> None:
        self.pace.take(rate)
        call()

    def _whole(self, get: Callable) -> dict[str, dict]:
        """Returns entries with all that is known of each."""
        found = get()
        if not isinstance(found, dict):
            raise BridgeError(f"The bridge at {self.url} gave no list of lamps.", NEARBY, AGAIN)
        return {n: entry if len(entry) > 1 else get(int(n)) for n, entry in found.items()}

    def _request(self, mode: str = "GET", address: str = "", data: Any = None) -> Any:
        """What phue calls in place of its own `request`."""
        answer = self.transport.call(mode, address, data)
        raise_errors(answer, self.url, self._key)
        return answer


def raise_errors(answer: Any, url: str, key: str = "") -> None:
    """Raises the first error that an answer tells.

    Raises:
        RefusedError: The key is not known; pair again.
        BridgeError: Anything else, with its `kind`.
    """
    parts = answer if isinstance(answer, list) else []
    error = next((part["error"] for part in parts if isinstance(part, dict) and "error" in part), None)
    if error is None:
        return
    kind, said = int(error.get("type", 0)), str(error.get("description", "an error"))
    if kind == UNAUTHORIZED:
        set_by_hand = key and os.environ.get(VARIABLE, "").strip() == key
        again = f"expression lights pair {url}"
        raise RefusedError(
            f"The bridge at {url} does not know the key{f' in {VARIABLE}' if set_by_hand else ''}.",
            "Expected the one that it gave when it was paired.",
            f"Correct it, or unset it and run: {again}" if set_by_hand else f"Run: {again}",
        )
    said = said.replace(key, "...") if key else said
    raise BridgeError(
        f"The bridge at {url} answered with error {kind}: {said.rstrip('.')}.",
        "Expected it to do as it was told.",
        "Wait a little; if it goes on, take its plug out and in.",
        kind,
    )


def import_phue() -> Any:
    """Returns the package phue.

    Raises:
        MissingPackageError: It is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a comparison in phue 1.1 that Python warns of
            import phue
    except ImportError as error:
        raise missing_package("Talking to a Hue bridge", "phue", "lights") from error
    return phue


def _phue(request: Callable, paired: Paired) -> Any:
    """Returns phue's bridge with another transport, which neither reads nor writes files of its own."""
    phue = import_phue()

    class Talking(phue.Bridge):
        def connect(self) -> None:  # phue's own would log the key
            pass

        def request(self, mode="GET", address=None, data=None):
            return request(mode, address, data)

    return Talking(paired.url, paired.key)
