"""Connecting to an MQTT broker, and the errors if that fails; `mqtt.py` uses it.

Notebook: 10_reactions
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from typing import Any, NamedTuple

from ..deadline import Deadline
from ..errors import DAMAGE, BadInputError, RunError

NO_TLS = "Leave out tls, or choose the broker's TLS port."

LARGEST = 10_000
"""Maximum bytes kept of a message; a command has only a few."""

HUNG_UP = "connection closed"
"""The reason reported when the other side closes the connection without giving one."""

SET = "Set EXPRESSION_MQTT_USER and EXPRESSION_MQTT_PASSWORD."

BUSY = "Wait until it accepts more connections; the sink will try again."

REMEDIES = {
    "Banned": "Lift the ban at the broker, or wait until it ends.",
    "Server busy": BUSY,
    "Quota exceeded": BUSY,
    "Connection rate exceeded": BUSY,
    "Client identifier not valid": "Configure the broker to accept letters, digits and -.",
    "Bad authentication method": "Configure the broker to accept a user name and a password.",
    "Use another server": "Use the broker that replaces it.",
    "Server moved": "Use the broker that has replaced it.",
}
"""The remedies for the reasons why a broker refuses a connection, in paho's words.

Source: https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html#_Toc3901079
"""

NOT_KEPT = (
    "The broker at %s does not retain messages. Expected it to keep the newest message of each topic for "
    "later subscribers. Allow retained messages; until then everything is sent again whenever Home Assistant "
    "starts."
)

CONNACK = 0x20
OLDER = {
    1: "Unsupported protocol version",
    2: "Client identifier not valid",
    3: "Server unavailable",
    4: "Bad user name or password",
    5: "Not authorized",
}
"""The first byte of a broker's answer, and the MQTT 3.1.1 reasons in it, in the words of MQTT 5.

Source: http://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718035
"""


class Terms(NamedTuple):
    """The terms of the connection to a broker.

    Attributes:
        version: The protocol version: 5, or 4 for MQTT 3.1.1, which gives no reasons.
        retain: Whether the broker keeps the newest message of a topic.
        qos: Whether it confirms (1) the messages that matter.
    """

    version: int = 5
    retain: bool = True
    qos: int = 1

    def after(self, refusal: str) -> Terms | None:
        """Returns the terms to try next if a broker refuses these, or None.

        Example:
            >>> Terms().after("Retain not supported")
            Terms(version=5, retain=False, qos=1)
        """
        if refusal == "Retain not supported" and self.retain:
            return self._replace(retain=False)
        if refusal == "QoS not supported" and self.qos:
            return self._replace(qos=0)
        if refusal in ("Unsupported protocol version", HUNG_UP) and self.version == 5:
            return Terms(4)
        return None


def place(host: str, port: int) -> str:
    """Returns a broker's address, for messages."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def name_of(prefix: str) -> str:
    """Returns the client id of a run on this machine, which is the same again after a crash.

    The broker then drops the crashed run's connection immediately, and its last will cannot arrive late.
    MQTT 3.1.1 guarantees 23 characters.
    """
    name = f"{socket.gethostname()}/{prefix}".encode("utf-8", "replace")
    return f"expression-{hashlib.sha256(name).hexdigest()[:12]}"


def unreachable(where: str, tls: bool, error: Exception) -> RunError:
    """Returns the error for a broker that cannot be reached."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    remedies = {
        socket.gaierror: "Check the name.",
        ssl.SSLCertVerificationError: "Set SSL_CERT_FILE to the file of its certificate authority.",
        ssl.SSLError: NO_TLS,
    }
    remedy = next((text for kind, text in remedies.items() if isinstance(error, kind)), None)
    if tls and isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError):
        remedy = NO_TLS  # it closed the connection when the encryption started
    return RunError(
        f"The broker at {where} cannot be reached ({said}).",
        "Expected an MQTT broker at that address.",
        remedy or "Start it, or name another, as in mqtt:host=HOST,port=PORT.",
    )


def refused(where: str, said: str, named: bool) -> BadInputError | RunError:
    """Returns the error for a server that answers but refuses the connection.

    Args:
        where: Its address, as `place` returns it.
        said: Its reason in paho's words, or what it did.
        named: Whether a user name was sent.
    """
    if said in ("Bad user name or password", "Not authorized"):
        let_in = " If they are correct, allow this user to connect: the broker reported Not authorized."
        return BadInputError(
            f"The broker at {where} "
            f"{'refuses the user name or password' if named else 'requires a user name'}.",
            "Expected the name and password of one of its users.",
            SET + (let_in if named and said == "Not authorized" else ""),
        )
    if said in REMEDIES:
        return RunError(
            f"The broker at {where} refused the connection ({said}).",
            "Expected it to accept the connection.",
            REMEDIES[said],
        )
    return RunError(
        f"The server at {where} refused the connection ({said}).",
        "Expected an MQTT broker.",
        "Check the port, and whether it requires tls=true.",
    )


def client_class(paho: Any, seconds: float) -> type:
    """Returns paho's class with one deadline per attempt, and a thread that no broker can end.

    Args:
        paho: The module.
        seconds: How long an attempt may take, from name lookup to the end of the TLS handshake.
    """

    class Client(paho.Client):
        seconds_left = seconds

        @property
        def _in_packet(self) -> dict[str, Any]:
            return self.__dict__["_arriving"]

        @_in_packet.setter
        def _in_packet(self, packet: dict[str, Any]) -> None:
            self.__dict__["_arriving"] = {**packet, "packet": _Cut()}

        def _packet_handle(self) -> Any:
            packet = bytes(self._in_packet["packet"][:3])
            old = self._in_packet["command"] == CONNACK and len(packet) == 2 and packet[1] in OLDER
            try:
                if old and self.protocol == 5:  # the answer of an older broker
                    return self._refuse(OLDER[packet[1]])
                return super()._packet_handle()
            except DAMAGE:
                return paho.MQTT_ERR_PROTOCOL

        def _refuse(self, said: str) -> Any:
            self.on_refusal(said)
            return paho.MQTT_ERR_CONN_REFUSED

        def _create_socket_connection(self) -> socket.socket:
            deadline = Deadline(self.seconds_left)
            connection = deadline.connect(self._host, self._port)
            self._connect_timeout = max(0.01, deadline.left())  # for the TLS handshake
            return connection

    return Client


class _Cut(bytearray):
    """An incoming packet, of which only the start is kept if it is too large."""

    def __iadd__(self, more: bytes) -> _Cut:
        return super().__iadd__(more[: max(0, LARGEST - len(self))])


def check(host: str, port: int | None, prefix: str) -> None:
    """Raises a BadInputError for invalid options; a value that might contain a password is not repeated."""
    if "@" in host:
        raise BadInputError(
            "The host of the sink mqtt contains an @.",
            "Expected a name or an address, without a user or a password.",
            "Put these in EXPRESSION_MQTT_USER and EXPRESSION_MQTT_PASSWORD.",
        )
    if not host or re.search(r"[/,\s]", host) or host.count(":") == 1:  # an IPv6 address has more of them
        raise BadInputError(
            "The host of the sink mqtt contains an option."
            if "=" in host
            else f"The host of the sink mqtt is {host!r}.",
            "Expected only a name or an address.",
            "Write mqtt:HOST, or mqtt:host=...,port=...",
        )
    if port is not None and not 1 <= port <= 65535:
        raise BadInputError(
            f"The port of the sink mqtt is {port}.", "Expected 1 to 65535.", "Leave it out for 1883."
        )
    if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", prefix):
        raise BadInputError(
            f"The prefix of the sink mqtt is {prefix!r}.",
            "Expected letters, digits, - and _, separated by /.",
            "Write, for example, prefix=hall or prefix=home/hall.",
        )
