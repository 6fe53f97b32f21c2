"""Home Assistant: the message that makes a run appear there, with its sensors, events and switches.

`mqtt.py` publishes it. Nothing here uses the network.

Notebook: 10_reactions
"""

from __future__ import annotations

import hashlib
import json

from .. import __version__
from ..labels import AS_READ, NOBODY, NOT_SURE

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


def discovery(prefix: str, labels: tuple[str, ...] = ()) -> tuple[str, str]:
    """Returns the message that announces a run to Home Assistant: its topic and its text.

    One message describes the device with all its entities. Those that need to know the labels are left out
    if there are none: the override and the event of a change.

    Source: https://www.home-assistant.io/integrations/mqtt/, "Device discovery payload"

    Example:
        >>> topic, text = discovery("hall", ("Happy", "Sad"))
        >>> topic, list(json.loads(text)["components"])[:3]
        ('homeassistant/device/hall/config', ['mood', 'change', 'presence'])
    """
    identity = identity_of(prefix)
    entities = _entities(prefix, labels)
    for name, entity in entities.items():
        entity |= {"unique_id": f"{identity}_{name}", "state_topic": f"{prefix}/{name}"}
        if entity["platform"] in ("switch", "select"):
            entity["command_topic"] = f"{prefix}/{name}/set"
    told = {
        "device": {
            "identifiers": [identity],
            "name": prefix.capitalize(),
            "model": "expression",
            "sw_version": __version__,
        },
        "origin": {"name": "expression", "sw_version": __version__},
        "availability_topic": f"{prefix}/status",
        "components": entities,
    }
    return f"{DISCOVERY}/device/{identity}/config", json.dumps(told)


def _entities(prefix: str, labels: tuple[str, ...]) -> dict[str, dict]:
    """Returns the entities by name, without what they have in common.

    Source: https://www.home-assistant.io/integrations/sensor.mqtt/, and event, binary_sensor, switch and
    select beside it; https://developers.home-assistant.io/docs/core/integration-quality-scale/
    """
    diagnostic = {"platform": "sensor", "entity_category": "diagnostic"}
    options = {"device_class": "enum", "options": [*labels, NOT_SURE, NOBODY]} if labels else {}
    found = {
        "mood": {
            "platform": "sensor",
            "name": "Mood",
            "icon": "mdi:emoticon",
            "json_attributes_topic": f"{prefix}/scores",
            **options,
        },
        "change": {
            "platform": "event",
            "name": "Mood changed",
            "icon": "mdi:emoticon-outline",
            "event_types": [*labels, NOBODY],
        },
        "presence": {"platform": "binary_sensor", "name": "Presence", "device_class": "occupancy"},
        "people": {
            "platform": "sensor",
            "name": "People",
            "icon": "mdi:account-group",
            "state_class": "measurement",
        },
        "recognition": {"platform": "switch", "name": "Recognition", "icon": "mdi:face-recognition"},
        "pause": {
            "platform": "switch",
            "name": "Pause",
            "icon": "mdi:pause",
            "entity_category": "config",
        },
        "neutral": {
            "platform": "switch",
            "name": "Resting face",
            "icon": "mdi:emoticon-neutral",
            "entity_category": "config",
        },
        "override": {
            "platform": "select",
            "name": "Override",
            "icon": "mdi:emoticon-cool",
            "options": [AS_READ, *labels],
        },
        "age": {
            **diagnostic,
            "name": "Age of a reading",
            "device_class": "duration",
            "unit_of_measurement": "ms",
            "state_class": "measurement",
        },
        "rate": {
            **diagnostic,
            "name": "Frame rate",
            "icon": "mdi:speedometer",
            "unit_of_measurement": "fps",
            "state_class": "measurement",
        },
        "camera": {**diagnostic, "name": "Camera", "icon": "mdi:webcam"},
    }
    if not labels:
        del found["override"], found["change"]
    return found
