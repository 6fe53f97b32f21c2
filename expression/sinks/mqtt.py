"""Mqtt: publishes readings to a broker, so that Home Assistant shows them and can control the run.

`--sink mqtt:HOST` creates it. Home Assistant discovers a device with sensors for the mood and the people
present, an event for each settled change, switches, and diagnostics. The network thread is paho's own, so an
unreachable broker delays nothing.

Notebook: 10_reactions
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any

from ..deadline import Deadline
from ..errors import missing_package
from ..labels import AS_READ
from ..types import Reading
from ._base import Sink
from ._broker_answers import Rights
from ._home_state import HomeState
from ._homeassistant import BIRTH, DISCOVERY, OFF, OFFLINE, ON, ONLINE, discovery
from ._mqtt_client import HUNG_UP, NOT_KEPT, Terms, check, client_class, name_of, place, refused, unreachable
from ._secrets import secret

logger = logging.getLogger("expression")

CONNECT_SECONDS = 3.0
"""How long a broker may take, from name lookup to its answer; stopping a run waits for 5."""

SILENT = f"no answer within {CONNECT_SECONDS:g} s"
"""The reason reported when the other side accepts the connection and then stays silent."""

LAST_SECONDS = 0.5
"""How long the last message may take."""

RETRY_SECONDS = 1, 5
"""The first and the longest pause before a lost broker is retried; each is double the previous one."""

ALIVE_SECONDS = 15
"""The keepalive interval; after one and a half of it the broker reports this run as offline."""

WARN_SECONDS = 30.0
"""Minimum time between warnings about a broker that comes and goes."""

MOST_MISHEARD = 20
"""Maximum number of invalid commands that are reported, each once."""

LONGEST_WORD = 100
"""Maximum characters read of a command; no label is longer."""

SWITCHES = {"recognition": "on", "pause": "paused", "neutral": "neutral"}
"""The topics of switches, each with the attribute of `Control` that it sets."""


class Mqtt(Sink):
    """Publishes the mood of the largest face and accepts commands, as Home Assistant expects.

    It handles the override and pauses itself, not through `reacts`, so that the people present are still
    counted. User name and password come from EXPRESSION_MQTT_USER and EXPRESSION_MQTT_PASSWORD.

    Args:
        host: The broker's name or address.
        port: Its port; if left out, 1883, or 8883 with TLS.
        prefix: The start of its topics; each run at the same broker needs its own.
        tls: Encrypt the connection and verify the broker's certificate.
        secrets: A file of mode 600 with the lines `EXPRESSION_MQTT_USER=...` and
            `EXPRESSION_MQTT_PASSWORD=...`, in place of the environment variables.

    Raises:
        BadInputError: The host, port or prefix is invalid.
    """

    keeps = "what is read, sent to programs in the home over MQTT"

    option, extra, place = "host", "mqtt", "host"
    secrets = ("EXPRESSION_MQTT_USER", "EXPRESSION_MQTT_PASSWORD")

    def __init__(
        self,
        host: str,
        port: int | None = None,
        prefix: str = "expression",
        tls: bool = False,
        secrets: str = "",
    ):
        check(host, port, prefix)
        self.host, self.port, self.tls = host, port or (8883 if tls else 1883), tls
        self.prefix, self._secrets, self._where = prefix, secrets, place(self.host, self.port)
        self._client: Any = None
        self._running = False  # whether it is open
        self._lock = threading.RLock()  # switches publish from their own threads
        self._told: dict[str, str] = {}  # topic: its last message
        self._state: HomeState | None = None
        self._answered = threading.Event()  # the broker accepted or refused us, or hung up
        self._refusal: str | None = None  # why it does not accept us
        self._terms, self._rights = Terms(), Rights(self._where, prefix)
        self._warned, self._warn_time = False, float("-inf")
        self._misheard: set[tuple[str, str]] = set()  # invalid commands

    @property
    def told(self) -> dict[str, str]:
        """The last message of each topic, as a broker retains them."""
        with self._lock:
            return dict(self._told)

    def open(self) -> None:
        """Connects to the broker and announces the run to Home Assistant.

        Raises:
            BadInputError: The broker refuses the user name or password, or they cannot be read.
            MissingPackageError: paho-mqtt is not installed.
            RunError: No broker answers; it is tried again.
        """
        try:
            from paho.mqtt import client as paho
        except ImportError as error:
            raise missing_package("The sink mqtt", "paho-mqtt", self.extra) from error
        topic, text = discovery(self.prefix, self.control.labels)
        self._told[topic] = text
        self._state = HomeState(self.prefix, self.control, self.source)
        self.control.watch(self._publish_state)
        self._publish_state()
        try:
            self._reach(paho)
        except BaseException:
            self._client = None
            self.control.unwatch(self._publish_state)
            raise
        self._running = True

    def send(self, reading: Reading) -> None:
        """Receives one reading; sends what has changed, and the scores once a second."""
        with self._lock:
            self._run.read(reading)
            self._publish_state()

    def empty(self) -> None:
        """Publishes that nobody is there."""
        with self._lock:
            self._run.empty()
            self._publish_state()

    def close(self) -> None:
        """Publishes that the run is over, and disconnects."""
        self._running, last = False, None
        with self._lock:  # nothing is sent after the last message
            client, self._client = self._client, None
            if client is not None and client.is_connected():
                last = client.publish(
                    f"{self.prefix}/status", OFFLINE, qos=self._terms.qos, retain=self._terms.retain
                )
        if client is None:
            return
        self.control.unwatch(self._publish_state)
        if last is not None:
            with contextlib.suppress(RuntimeError, ValueError):  # it has just gone: the last will covers it
                last.wait_for_publish(LAST_SECONDS)
        client.disconnect()
        client.loop_stop()

    @property
    def _run(self) -> HomeState:
        """The state of the run."""
        if self._state is None:  # it was never opened, as in a lesson
            self._state = HomeState(self.prefix, self.control, self.source)
        return self._state

    @property
    def _commands(self) -> tuple[str, ...]:
        """The topics to subscribe to."""
        return BIRTH, *(f"{self.prefix}/{name}/set" for name in (*SWITCHES, "override"))

    def _publish_state(self) -> None:
        """Publishes the whole state; called for each reading and each change of a switch."""
        with self._lock:
            for topic, text in self._run.topics().items():
                self._tell(topic, text)
            event = self._run.event()
            if event and self._client is not None and self._client.is_connected():
                self._client.publish(*event, qos=self._terms.qos)  # not retained: it is no state

    def _tell(self, topic: str, text: str) -> None:
        """Publishes what is new; while the broker is away it is kept and sent on reconnection."""
        if self._told.get(topic) == text:
            return
        self._told[topic] = text
        if self._client is not None and self._client.is_connected():
            self._client.publish(topic, text, retain=self._terms.retain)

    def _publish_all(self, client: Any) -> None:
        """Publishes all last messages, for a broker or a Home Assistant that does not have them."""
        with self._lock:
            if self._client is None:  # closed meanwhile: its last message stays
                return
            qos, retain = self._terms.qos, self._terms.retain
            for topic, text in self._told.items():
                if topic.startswith(f"{DISCOVERY}/"):  # never changes, so it may come late
                    self._rights.publish(client, topic, text, qos=qos, retain=retain)
                else:
                    client.publish(topic, text, retain=retain)
            self._rights.publish(client, f"{self.prefix}/status", ONLINE, qos=qos, retain=retain)

    def _make_client(self, paho: Any) -> Any:
        """Returns a client that is not connected yet."""
        user, password = (secret(name, self._secrets) for name in self.secrets)
        client = client_class(paho, CONNECT_SECONDS)(
            paho.CallbackAPIVersion.VERSION2, name_of(self.prefix), protocol=self._terms.version
        )
        client.username_pw_set(user, password)
        client.will_set(f"{self.prefix}/status", OFFLINE, qos=self._terms.qos, retain=self._terms.retain)
        client.reconnect_delay_set(*RETRY_SECONDS)
        client.suppress_exceptions = True  # an error in our callbacks must not end the thread
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail, client.on_message = self._on_connect_fail, self._on_message
        client.on_subscribe, client.on_publish = self._on_subscribe, self._rights.on_publish
        client.on_refusal = self._refuse
        if self.tls:
            client.tls_set()
        return client

    def _reach(self, paho: Any) -> None:
        """Connects on the best terms that the broker accepts, within `CONNECT_SECONDS` in total."""
        deadline, first = Deadline(CONNECT_SECONDS), ""
        while True:
            self._client = self._make_client(paho)
            named = bool(self._client.username)
            try:
                refusal = self._connect(self._client, deadline)
            except (OSError, ValueError) as error:
                if not first:
                    raise unreachable(self._where, self.tls, error) from error
                raise refused(self._where, first, named) from error
            if refusal is None:
                break
            terms = self._terms.after(refusal)
            first = first if first and refusal in (HUNG_UP, SILENT) else refusal
            if terms is None:
                self._terms = Terms()
                raise refused(self._where, first, named)
            self._terms = terms
        if not self._terms.retain:
            logger.warning(NOT_KEPT, self._where)

    def _connect(self, client: Any, deadline: Deadline) -> str | None:
        """Waits until the broker accepts the connection, or stops and returns why it does not.

        Raises:
            OSError, ValueError: The broker cannot be reached.
        """
        self._answered.clear()
        self._refusal = SILENT
        client.seconds_left = deadline.left()
        client.connect(self.host, self.port, ALIVE_SECONDS)
        client.loop_start()
        self._answered.wait(deadline.left())
        refusal = self._refusal
        if refusal is not None:
            client.disconnect()
            client.loop_stop()
        client.seconds_left = CONNECT_SECONDS
        return refusal

    def _refuse(self, reason: str) -> None:
        """Records that the broker does not accept the connection."""
        self._refusal = reason
        self._answered.set()

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        """The broker accepted the connection, for the first time or again, or refused it."""
        if reason.is_failure:
            self._refuse(str(reason))
        else:
            client.subscribe([(topic, self._terms.qos) for topic in self._commands])
            self._publish_all(client)
            if self._warned:
                self._warned = False
                logger.warning("The sink mqtt has reconnected to the broker at %s.", self._where)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        """The broker passes on commands from now on."""
        self._rights.subscribed(self._commands, reasons)
        self._refusal = None
        self._answered.set()

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        """The broker disconnected, or the connection broke."""
        if not self._answered.is_set():
            self._refuse(HUNG_UP)
        told = getattr(flags, "is_disconnect_packet_from_server", False)
        self._warn(f" ({reason})" if told else "")

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        """The broker is still away."""
        self._warn()

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        """A switch was changed, or Home Assistant has started; retained messages are old and ignored."""
        if message.retain:
            return
        topic, word = message.topic, message.payload[: 4 * LONGEST_WORD].decode(errors="replace")
        if topic == BIRTH and word == ONLINE:
            self._publish_all(client)
        elif (switch := self._switch_of(topic)) and word in (ON, OFF):
            setattr(self.control, switch, word == ON)
        elif topic == f"{self.prefix}/override/set" and word in (AS_READ, *self.control.labels):
            self.control.override = None if word == AS_READ else word
        elif topic != BIRTH:
            self._warn_of(topic, word)

    def _switch_of(self, topic: str) -> str | None:
        """Returns the attribute of `Control` that a command sets; None if it sets no switch."""
        return SWITCHES.get(topic.removeprefix(f"{self.prefix}/").removesuffix("/set"))

    def _warn_of(self, topic: str, word: str) -> None:
        """Warns about an invalid command, once for each."""
        word = word[:40]
        if (topic, word) in self._misheard or len(self._misheard) >= MOST_MISHEARD:
            return
        self._misheard.add((topic, word))
        choices = (ON, OFF) if self._switch_of(topic) else (AS_READ, *self.control.labels)
        logger.warning(
            "The sink mqtt received %r on %s. Expected one of %s. Send one of these, spelled the same.",
            word,
            topic,
            ", ".join(choices),
        )

    def _warn(self, why: str = "") -> None:
        """Warns once that the broker is lost; at most every half minute if it comes and goes."""
        now = time.monotonic()
        if not self._running or self._warned or now - self._warn_time < WARN_SECONDS:
            return
        self._warned, self._warn_time = True, now
        logger.warning(
            "The sink mqtt lost the broker at %s%s. Expected it to stay connected. The run continues and "
            "retries every %g s; check whether it is running, and whether another run uses the prefix %s.",
            self._where,
            why,
            RETRY_SECONDS[1],
            self.prefix,
        )
