"""What a broker lets a run publish and subscribe to, by the reasons that MQTT 5 gives; `mqtt.py` uses it.

A broker with MQTT 3.1.1 confirms even messages that it discards, so nothing can be reported there.

Notebook: 10_reactions
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from ._homeassistant import DISCOVERY

logger = logging.getLogger("expression")

LOST = {
    (DISCOVERY, "publish to"): "Home Assistant will not discover this run",
    (DISCOVERY, "subscribe to"): "this run will not notice when Home Assistant starts",
    ("", "publish to"): "its readings cannot be seen",
    ("", "subscribe to"): "its switches cannot be used",
}
"""The consequence for a topic that the broker does not let us publish or subscribe to; "" is our own."""

RIGHTS = {"publish to": "readwrite", "subscribe to": "read"}
"""Mosquitto's names for these permissions."""


class Rights:
    """Publishes messages that need confirmation, and warns once about what the broker does not allow.

    Args:
        where: The broker's address, for messages.
        prefix: The start of our own topics.
    """

    def __init__(self, where: str, prefix: str):
        self._where, self._prefix = where, prefix
        self._lock = threading.Lock()
        self._topics: dict[int, str] = {}  # number of an unconfirmed message: its topic
        self._early: dict[int, str] = {}  # number of a refusal that came too early: its reason
        self._warned: set[tuple[str, str]] = set()

    def publish(self, client: Any, topic: str, text: str, **options: Any) -> None:
        """Publishes a text that needs confirmation; `options` are paho's."""
        number = client.publish(topic, text, **options).mid
        with self._lock:
            reason = self._early.pop(number, None)
            if reason is None:
                self._topics[number] = topic
        if reason is not None:
            self._warn(topic, "publish to", reason)

    def on_publish(self, _client: Any, _data: Any, number: int, reason: Any, _properties: Any) -> None:
        """Called by paho when the broker has confirmed or refused a message."""
        with self._lock:  # never held while publishing: paho holds its own lock here
            topic = self._topics.pop(number, None)
            if topic is None and reason.is_failure:
                self._early[number] = str(reason)
        if topic is not None and reason.is_failure:
            self._warn(topic, "publish to", str(reason))

    def subscribed(self, topics: Sequence[str], reasons: Sequence[Any]) -> None:
        """Processes the broker's answer to a subscription."""
        for topic, reason in zip(topics, reasons, strict=False):
            if reason.is_failure:
                self._warn(topic, "subscribe to", str(reason))

    def _warn(self, topic: str, what: str, reason: str) -> None:
        """Warns once about what is not allowed, and the consequence."""
        first = DISCOVERY if topic.startswith(f"{DISCOVERY}/") else self._prefix
        if (first, what) in self._warned:
            return
        self._warned.add((first, what))
        logger.warning(
            "The broker at %s does not let the sink mqtt %s %s/# (%s), so %s. "
            "Expected a user with that permission. Grant it in Mosquitto's acl_file: topic %s %s/#",
            self._where,
            what,
            first,
            reason,
            LOST.get((first, what)) or LOST["", what],
            RIGHTS[what],
            first,
        )
