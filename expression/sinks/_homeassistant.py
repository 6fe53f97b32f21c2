"""Home Assistant: the messages that make a run appear there, with its sensors and switches.

`mqtt.py` publishes them. Nothing here uses the network.

Notebook: 09_reactions
"""

from __future__ import annotations

import hashlib
import json

from .. import __version__
from ..labels import AS_READ

DISCOVERY = "homeassistant"
"""Where Home Assistant looks for devices. Source: https://www.home-assistant.io/integrations/mqtt/"""

BIRTH = f"{DISCOVERY}/status"
"""Where Home Assistant publishes "online" when it starts. Source: the same page, "Birth and last will"."""

ONLINE, OFFLINE, ON, OFF = "online", "offline", "ON", "OFF"
"""Home Assistant's default payloads. Source: the same page."""


def identity_of(prefix: str) -> str:
    """Returns the id of a run in Home Assistant, which is different for each prefix.

    It cannot contain a slash, so a prefix with one gets a unique suffix: a/b is not a_b.

    Example:
        >>> identity_of("a_b"), identity_of("a/b")
        ('a_b', 'a_b_c14cddc0')
    """
    if "/" not in prefix:
        return prefix
    return f"{prefix.replace('/', '_')}_{hashlib.sha256(prefix.encode()).hexdigest()[:8]}"


def discovery(prefix: str, labels: tuple[str, ...] = ()) -> dict[str, str]:
    """Returns the messages that announce a run to Home Assistant, as topics with their texts.

    If there are labels to choose from, they include the selector that overrides the mood.

    Source: https://www.home-assistant.io/integrations/mqtt/, "MQTT discovery"; sensor.mqtt, switch.mqtt and
    select.mqtt beside it.

    Example:
        >>> list(discovery("hall", ("Happy", "Sad")))[-1]
        'homeassistant/select/hall_override/config'
    """
    identity, maker = identity_of(prefix), {"name": "expression", "sw_version": __version__}
    things = {
        "sensor/mood": {"name": "Mood", "icon": "mdi:emoticon", "json_attributes_topic": f"{prefix}/scores"},
        "sensor/people": {"name": "People", "icon": "mdi:account-group", "state_class": "measurement"},
        "switch/recognition": {"name": "Recognition", "icon": "mdi:face-recognition"},
    }
    if labels:
        things["select/override"] = {"name": "Override", "options": [AS_READ, *labels]}
    found = {}
    for thing, own in things.items():
        kind, _, name = thing.partition("/")
        commands = {} if kind == "sensor" else {"command_topic": f"{prefix}/{name}/set"}
        common = {
            "unique_id": f"{identity}_{name}",
            "state_topic": f"{prefix}/{name}",
            "availability_topic": f"{prefix}/status",
            "device": {"identifiers": [identity], "name": prefix.capitalize(), "sw_version": __version__},
            "origin": maker,
        }
        found[f"{DISCOVERY}/{kind}/{identity}_{name}/config"] = json.dumps({**own, **commands, **common})
    return found
