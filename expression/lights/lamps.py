"""The lamps of a bridge: which were chosen, whether they can follow, and what they are told.

`crew.py` leads them, `before.py` puts them back, `expression lights list` lists them.

Notebook: 08_lights
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from .bridge import Bridge
from .colours import BRIGHTEST, LOWEST, Gamut, Light, gamut_of, to_xy
from .errors import BadInputError, did_you_mean
from .lightsettings import LightSettings

SAME_XY, SAME_BRIGHTNESS = 0.006, 4
"""Differences that nobody sees and that are not worth a command; steps of xy and of 254."""

FAR, OFF = "cannot be reached", "switched off"
"""Why a lamp does not follow, where that may change."""


class BridgeLamp:
    """A lamp as the bridge describes it.

    Args:
        number: By which the bridge knows it.
        entry: What the bridge says.
    """

    def __init__(self, number: str, entry: Mapping[str, Any]):
        self.number, self.entry = str(number), entry
        self.name = str(entry.get("name", number))
        self.state: dict[str, Any] = dict(entry.get("state", {}))
        self.gamut: Gamut | None = gamut_of(entry)

    @property
    def left_alone(self) -> str:
        """Why it does not follow; empty if it does."""
        if "xy" not in self.state:
            return "white only" if "bri" in self.state else "no lamp that can be dimmed"
        if not self.state.get("reachable", True):
            return FAR
        return "" if self.state.get("on") else OFF


def read_lamps(bridge: Bridge) -> list[BridgeLamp]:
    """Returns all lamps of a bridge, in their order."""
    found = bridge.lights().items()
    return [BridgeLamp(*each) for each in sorted(found, key=lambda each: int(each[0]))]


def choose(
    lamps: list[BridgeLamp], groups: Mapping[str, dict], settings: LightSettings
) -> tuple[list[BridgeLamp], str]:
    """Returns the lamps that were chosen, and the number of the group if it was one.

    Raises:
        BadInputError: There is no such light or group; take one of those named.
    """
    if settings.group:
        number = _find(settings.group, {n: str(g.get("name", n)) for n, g in groups.items()}, "room or group")
        members = {str(each) for each in groups[number].get("lights", [])}
        return [lamp for lamp in lamps if lamp.number in members], number
    names = {lamp.number: lamp.name for lamp in lamps}
    wanted = {_find(name, names, "light") for name in settings.lights} or set(names)
    return [lamp for lamp in lamps if lamp.number in wanted], ""


def _find(wanted: str, names: Mapping[str, str], what: str) -> str:
    """Returns the number of what has that name or number."""
    for number, name in names.items():
        if name.casefold() == wanted.casefold():
            return number
    if wanted in names:
        return wanted
    happened = f"There is no {what} {wanted!r} on the bridge."
    if not names:
        raise BadInputError(happened, "Expected one that it has, and it has none.", "Add one in the Hue app.")
    remedy = did_you_mean(wanted, names.values(), "See: expression lights list", cutoff=0.5)
    if what == "light" and re.search("[,;]", wanted):
        remedy = f"Write a + between two: {re.sub(r'[,; ]*[,;][,; ]*', '+', wanted)}"
    raise BadInputError(happened, f"Expected one of {', '.join(names.values())}.", remedy)


def command(light: Light, gamut: Gamut | None, transition: float) -> dict[str, Any]:
    """Returns what a lamp is told so that it shows a light.

    Example:
        >>> command(Light((0, 0, 255), 0.5), None, 0.4)
        {'xy': [0.1355, 0.0399], 'bri': 127, 'transitiontime': 4}
    """
    brightness = round(BRIGHTEST * min(1.0, max(LOWEST, light.brightness)))
    return {
        "xy": list(to_xy(light.rgb, gamut)),
        "bri": brightness,
        "transitiontime": round(transition * 10),
    }


def differs(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    """Whether a command says something that can be seen to be new."""
    if old is None or math.dist(new["xy"], old["xy"]) > SAME_XY:
        return True
    return abs(new["bri"] - old["bri"]) >= SAME_BRIGHTNESS


def shows(told: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether a lamp shows what it was told, but for how a bridge rounds."""
    same = not differs(told, {"xy": state.get("xy", (0, 0)), "bri": state.get("bri", 0)})
    return same and state.get("colormode", "xy") == "xy" and state.get("effect", "none") == "none"
