"""Mqtt: tells a broker what is read, so that Home Assistant shows it and can turn the run's switches.

`--sink mqtt:HOST` makes it. Home Assistant finds four things by itself: sensors for the mood, with
the scores as attributes, and for the people present; a switch for the recognition; a choice that
overrides the mood. The network thread is paho's own, so a broker that is away delays nothing.

Notebook: 09_reactions
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import socket
import ssl
import threading
import time
from typing import Any

from ..control import AS_READ
from ..data import Reading
from ..errors import BadInputError, RunError, missing_package
from . import GONE_SECONDS, Sink
from ._homeassistant import BIRTH, NOBODY, OFF, OFFLINE, ON, ONLINE, discovery
from ._secrets import secret

logger = logging.getLogger("expression")

CONNECT_SECONDS = 2.0
"""How long a broker may take to be reached, and again to answer; together shorter than a session's stop."""

RETRY_SECONDS = 1, 5
"""The first and the longest pause before a lost broker is tried again; each is double the one before."""

ALIVE_SECONDS = 15
"""How often a sign of life is sent; after half as much again the broker says that we are offline."""

NO_TLS = "Leave out tls, or choose the port for it."

WARN_SECONDS = 30.0
"""A broker that comes and goes is warned of no more often."""

SCORES_SECONDS = 1.0
"""How often the scores are sent."""


class Mqtt(Sink):
    """Publishes the mood of the largest face, and takes commands, as Home Assistant does it.

    It takes the override and holds still in a pause by itself, not by `reacts`: the people present are
    counted meanwhile, too. User name and password come from EXPRESSION_MQTT_USER and
    EXPRESSION_MQTT_PASSWORD.

    Args:
        host: The broker's name or address.
        port: Its port; None for 1883, with TLS 8883.
        prefix: How its topics begin; two runs at one broker need two.
        tls: Encrypt, and check the broker's certificate.
        secrets: A file of mode 600 with lines `EXPRESSION_MQTT_USER=...`, in place of the environment.

    Raises:
        BadInputError: The host, port or prefix cannot be one.
    """

    option, extra = "host", "mqtt"

    def __init__(
        self,
        host: str,
        port: int | None = None,
        prefix: str = "expression",
        tls: bool = False,
        secrets: str = "",
    ):
        _check(host, port, prefix)
        self.host, self.port, self.tls = host, port or (8883 if tls else 1883), tls
        self.prefix, self._secrets = prefix, secrets
        self._client: Any = None
        self._running = False  # whether it is open
        self._lock = threading.RLock()  # whoever turns a switch publishes from a thread of its own
        self._told: dict[str, str] = {}  # topic: what was last said there
        self._people: dict[int, Reading] = {}  # person: their last reading
        self._scores_time = float("-inf")
        self._answered = threading.Event()  # the broker took us, refused us, or hung up
        self._refusal: str | None = None  # why it does not take us
        self._warned, self._warn_time = False, float("-inf")

    @property
    def told(self) -> dict[str, str]:
        """What was last said, topic by topic; what a broker keeps."""
        with self._lock:
            return dict(self._told)

    def open(self) -> None:
        """Reaches the broker and tells Home Assistant what there is.

        Raises:
            BadInputError: The broker refuses the user name or password, or they cannot be read.
            MissingPackageError: paho-mqtt is not installed.
            RunError: No broker answers; it is tried again.
        """
        try:
            from paho.mqtt import client as paho
        except ImportError as error:
            raise missing_package("The sink mqtt", "paho-mqtt", self.extra) from error
        self._client = self._make_client(paho)
        self._told |= discovery(self.prefix, self.control.labels)
        self.control.watch(self._tell_all)
        self._tell_all()
        try:
            self._connect(self._client)
        except BaseException:
            self._client = None
            self.control.unwatch(self._tell_all)
            raise
        self._running = True

    def send(self, reading: Reading) -> None:
        """Takes one reading; sends what it changes, and the scores once a second."""
        with self._lock:
            people = {**self._people, reading.person: reading}
            self._people = {p: r for p, r in people.items() if reading.time - r.time <= GONE_SECONDS}
            self._tell_all()
            if reading.time - self._scores_time >= SCORES_SECONDS and not self.control.paused:
                scores = self._nearest().scores
                self._tell(f"{self.prefix}/scores", json.dumps({n: round(s, 3) for n, s in scores.items()}))
                self._scores_time = reading.time

    def empty(self) -> None:
        """Says that nobody is there."""
        with self._lock:
            self._people.clear()
            self._tell_all()
            if not self.control.paused:
                self._tell(f"{self.prefix}/scores", "{}")

    def close(self) -> None:
        """Says that the run is over, and hangs up."""
        self._running = False
        client, self._client = self._client, None
        if client is None:
            return
        self.control.unwatch(self._tell_all)
        if client.is_connected():
            last = client.publish(f"{self.prefix}/status", OFFLINE, qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):  # it has just gone: its last will says it
                last.wait_for_publish(1.0)
        client.disconnect()
        client.loop_stop()

    def _nearest(self) -> Reading | None:
        """Returns the reading of the largest face."""
        return max(self._people.values(), key=lambda reading: reading.box.area, default=None)

    def _tell_all(self) -> None:
        """Says how everything stands; called when a reading comes and when somebody turns a switch."""
        control, prefix = self.control, self.prefix
        with self._lock:
            self._tell(f"{prefix}/recognition", ON if control.on else OFF)
            self._tell(f"{prefix}/override", control.override or AS_READ)
            self._tell(f"{prefix}/people", str(len(self._people)))
            nearest = self._nearest()
            if not control.paused:
                self._tell(f"{prefix}/mood", control.override or (nearest.label if nearest else NOBODY))

    def _tell(self, topic: str, text: str) -> None:
        """Publishes what is new; what is said while the broker is away is sent when it is back."""
        if self._told.get(topic) == text:
            return
        self._told[topic] = text
        if self._client is not None and self._client.is_connected():
            self._client.publish(topic, text, retain=True)

    def _publish_all(self, client: Any) -> None:
        """Publishes everything that was said, for a broker or a Home Assistant that knows nothing of it."""
        if self._client is None:  # closed meanwhile: what the last will said stays
            return
        with self._lock:
            for topic, text in self._told.items():
                client.publish(topic, text, retain=True)
            client.publish(f"{self.prefix}/status", ONLINE, retain=True)

    def _make_client(self, paho: Any) -> Any:
        """Returns a client that is not yet connected."""
        user = secret("EXPRESSION_MQTT_USER", self._secrets)
        password = secret("EXPRESSION_MQTT_PASSWORD", self._secrets)
        # The same name after a crash: the broker then drops the connection of the run that crashed at once,
        # and its last will cannot arrive late. MQTT 3.1.1 promises room for 23 letters.
        name = hashlib.sha256(f"{socket.gethostname()}/{self.prefix}".encode()).hexdigest()
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=f"expression-{name[:12]}")
        client.username_pw_set(user, password)
        client.will_set(f"{self.prefix}/status", OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(*RETRY_SECONDS)
        client.connect_timeout = CONNECT_SECONDS
        client.suppress_exceptions = True  # an error of whoever watches the switches must not end the thread
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail, client.on_message = self._on_connect_fail, self._on_message
        client.on_subscribe = self._on_subscribe
        if self.tls:
            client.tls_set()
        return client

    def _connect(self, client: Any) -> None:
        """Waits until the broker has taken us; nothing is left running where it has not."""
        self._answered.clear()
        self._refusal = f"did not answer within {CONNECT_SECONDS:g} s"
        try:
            client.connect(self.host, self.port, ALIVE_SECONDS)
        except (OSError, ValueError) as error:
            raise self._unreachable(error) from error
        client.loop_start()
        self._answered.wait(CONNECT_SECONDS)
        refusal = self._refusal
        if refusal is not None:
            client.disconnect()
            client.loop_stop()
            raise self._refused(refusal, bool(client.username))

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        """The broker answered: it took us, now or again, or refused us."""
        if reason.is_failure:
            self._refusal = str(reason)
            self._answered.set()
        else:
            topics = (BIRTH, f"{self.prefix}/recognition/set", f"{self.prefix}/override/set")
            client.subscribe([(topic, 1) for topic in topics])
            self._publish_all(client)
            if self._warned:
                self._warned = False
                logger.warning("The sink mqtt has the broker at %s again.", self._place())

    def _on_subscribe(self, *_: Any) -> None:
        """The broker passes commands on from now."""
        self._refusal = None
        self._answered.set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        """The broker hung up, or broke off."""
        if not self._answered.is_set():
            self._refusal = "hung up"
            self._answered.set()
        self._warn()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        """The broker is still away."""
        self._warn()

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        """Somebody turned a switch, or Home Assistant has started; what was kept from before is old."""
        if message.retain:
            return
        topic, word = message.topic, message.payload.decode(errors="replace")
        if topic == BIRTH and word == ONLINE:
            self._publish_all(client)
        elif topic == f"{self.prefix}/recognition/set" and word in (ON, OFF):
            self.control.on = word == ON
        elif topic == f"{self.prefix}/override/set" and word in (AS_READ, *self.control.labels):
            self.control.override = None if word == AS_READ else word

    def _warn(self) -> None:
        """Says once that the broker is lost; one that comes and goes is told of every half minute."""
        now = time.monotonic()
        if not self._running or self._warned or now - self._warn_time < WARN_SECONDS:
            return
        self._warned, self._warn_time = True, now
        logger.warning(
            "The sink mqtt lost the broker at %s. Expected the connection to stay. The run goes on, and "
            "tries it again every %g s; see whether it runs, and whether another run has the prefix %s.",
            self._place(),
            RETRY_SECONDS[1],
            self.prefix,
        )

    def _place(self) -> str:
        return f"{self.host}, port {self.port}"

    def _unreachable(self, error: Exception) -> RunError:
        """Returns the error for a broker to which there is no connection."""
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        remedies = {
            socket.gaierror: "Check the name.",
            ssl.SSLCertVerificationError: "Name the file of its authority in SSL_CERT_FILE.",
            ssl.SSLError: NO_TLS,
        }
        remedy = next((text for kind, text in remedies.items() if isinstance(error, kind)), None)
        if self.tls and isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError):
            remedy = NO_TLS  # it hung up when we began to encrypt
        return RunError(
            f"The broker at {self._place()} cannot be reached ({said}).",
            "Expected an MQTT broker that answers there.",
            remedy or "Start it, or name another, as in mqtt:host=HOST,port=PORT.",
        )

    def _refused(self, said: str, named: bool) -> BadInputError | RunError:
        """Returns the error for what answers and does not take us."""
        if said in ("Bad user name or password", "Not authorized"):
            return BadInputError(
                f"The broker at {self._place()} refuses "
                f"{'the user name or password' if named else 'whoever gives no user name'}.",
                "Expected the name and password of one of its users.",
                "Set EXPRESSION_MQTT_USER and EXPRESSION_MQTT_PASSWORD.",
            )
        return RunError(
            f"What runs at {self._place()} does not let us in ({said}).",
            "Expected an MQTT broker.",
            "Check the port, and whether it wants tls=true.",
        )


def _check(host: str, port: int | None, prefix: str) -> None:
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
