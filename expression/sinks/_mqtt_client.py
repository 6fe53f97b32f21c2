"""A broker of MQTT that is to be reached, and what is said where it cannot be; `mqtt.py` uses it.

Notebook: 09_reactions
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import Any

from ..deadline import Deadline
from ..errors import BadInputError, RunError

NO_TLS = "Leave out tls, or choose the port for it."


def place(host: str, port: int) -> str:
    """Returns where a broker is, in words."""
    return f"{host}, port {port}"


def unreachable(where: str, tls: bool, error: Exception) -> RunError:
    """Returns the error for a broker to which there is no connection."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    remedies = {
        socket.gaierror: "Check the name.",
        ssl.SSLCertVerificationError: "Name the file of its authority in SSL_CERT_FILE.",
        ssl.SSLError: NO_TLS,
    }
    remedy = next((text for kind, text in remedies.items() if isinstance(error, kind)), None)
    if tls and isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError):
        remedy = NO_TLS  # it hung up when we began to encrypt
    return RunError(
        f"The broker at {where} cannot be reached ({said}).",
        "Expected an MQTT broker that answers there.",
        remedy or "Start it, or name another, as in mqtt:host=HOST,port=PORT.",
    )


def refused(where: str, said: str, named: bool) -> BadInputError | RunError:
    """Returns the error for what answers and does not take us."""
    if said in ("Bad user name or password", "Not authorized"):
        return BadInputError(
            f"The broker at {where} refuses "
            f"{'the user name or password' if named else 'whoever gives no user name'}.",
            "Expected the name and password of one of its users.",
            "Set EXPRESSION_MQTT_USER and EXPRESSION_MQTT_PASSWORD.",
        )
    return RunError(
        f"What runs at {where} does not let us in ({said}).",
        "Expected an MQTT broker.",
        "Check the port, and whether it wants tls=true.",
    )


def client_class(paho: Any, seconds: float) -> type:
    """Returns paho's class with one deadline for each try, in place of one for each address and step.

    Args:
        paho: The module.
        seconds: How long a try may take, from the look-up of the name to the end of the encryption.
    """

    class Client(paho.Client):
        def _create_socket_connection(self) -> socket.socket:
            deadline = Deadline(seconds)
            connection = deadline.connect(self._host, self._port)
            self._connect_timeout = max(0.01, deadline.left())  # for the encryption
            return connection

    return Client


def check(host: str, port: int | None, prefix: str) -> None:
    """Raises a BadInputError for what cannot be a broker; what might hold a password is not repeated."""
    if "@" in host:
        raise BadInputError(
            "The host of the sink mqtt has an @ in it.",
            "Expected a name or an address, without a user or a password.",
            "Put these into EXPRESSION_MQTT_USER and EXPRESSION_MQTT_PASSWORD.",
        )
    if not host or re.search(r"[/,\s]", host) or host.count(":") == 1:  # an address of IPv6 has more of them
        raise BadInputError(
            f"The host of the sink mqtt is {host!r}.",
            "Expected a name or an address alone.",
            "Write mqtt:HOST, or mqtt:host=...,port=...",
        )
    if port is not None and not 1 <= port <= 65535:
        raise BadInputError(
            f"The port of the sink mqtt is {port}.", "Expected 1 to 65535.", "Leave it out for 1883."
        )
    if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", prefix):
        raise BadInputError(
            f"The prefix of the sink mqtt is {prefix!r}.",
            "Expected letters, digits, - and _, with / between.",
            "Write it like prefix=hall or prefix=home/hall.",
        )
