"""The lamps of a bridge: what it reports about each, which are chosen, and the commands for them.

A bridge passes on what lamps of any make report, so nothing is trusted: missing or impossible values are
dropped, and a lamp with too few values left does not follow, with the reason given. `controller.py` controls
lamps, `snapshot.py` restores them, `expression lights list` lists them.

Notebook: 09_lights
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import BadInputError, did_you_mean
from ..sanitize import printable
from .bridge import Bridge
from .colours import BRIGHTEST, LOWEST, Gamut, Light, gamut_of, to_xy
from .settings import LightSettings

SAME_XY, SAME_BRIGHTNESS = 0.006, 4
"""Differences too small to see or to be worth a command, in xy and in steps of 254."""

FAR, OFF = "cannot be reached", "switched off"
"""Reasons why a lamp does not follow that may change."""

MUTE, COLOURLESS, STREAMING = (
    "the bridge does not report its state",
    "the bridge does not report its colour",
    "it is streaming an entertainment area",
)
"""Reasons why a lamp that might be expected to follow does not."""

MODES = {"xy": ("xy",), "ct": ("ct",), "hs": ("hue", "sat")}
"""The values of each colour mode of a lamp."""

ROOMS = ("Room", "Zone")
"""Types of groups that users create; other groups may belong to an app or the bridge, and be hidden.

Source: https://developers.meethue.com/develop/hue-api/groupds-api/
"""


def _number(low: int, high: int, highest: int) -> Callable[[Any], int | None]:
    """Returns a reader of whole numbers: from `high` to `highest` they count as `high`; others give None."""

    def read(value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= highest:
            return None
        return min(high, int(value))

    return read


def _point(value: Any) -> list[float] | None:
    shares = isinstance(value, list) and len(value) == 2
    shares = shares and all(type(each) in (int, float) and 0 <= each <= 1 for each in value)
    return value if shares else None


FIELDS: dict[str, Callable[[Any], Any]] = {
    "on": lambda value: value if isinstance(value, bool) else None,
    "reachable": lambda value: value if isinstance(value, bool) else None,
    "bri": _number(1, BRIGHTEST, 255),  # bridges of other makes report 255
    "hue": _number(0, 65535, 65535),
    "sat": _number(0, 254, 255),
    "ct": _number(153, 500, 500),
    "xy": _point,
    **dict.fromkeys(
        ("effect", "alert", "mode", "colormode"),
        lambda value: value if isinstance(value, str) and len(value) <= 40 else None,
    ),
}
"""How each field of a lamp's state is read; None for an impossible value.

Source: https://developers.meethue.com/develop/hue-api/lights-api/ (set light state)
"""


class BridgeLamp:
    """A lamp as the bridge describes it.

    Args:
        number: Its number on the bridge.
        entry: The bridge's entry for it.

    Attributes:
        called: Its name, without surrounding spaces.
        name: The same, followed by its number if another lamp of the bridge has the same name.
        state: The valid part of its state; its colour mode is one whose values are present.
        lacks: The invalid part of its colour mode, such as "ct 0"; empty if all is valid.
        gamut: The colours that it can show; None if not known.
    """

    def __init__(self, number: str, entry: Mapping[str, Any]):
        self.number, self.entry = str(number), entry
        name = entry.get("name")
        self.called = printable(str(name).strip()) if isinstance(name, (str, int)) else ""
        self.called = self.name = self.called or self.number
        self.state, self.lacks = _understood(entry.get("state"))
        self.gamut: Gamut | None = gamut_of(entry)

    @property
    def why_not_controllable(self) -> str:
        """Why it would not obey a command now; empty if it would."""
        if not self.state.get("reachable", True):
            return FAR
        return OFF if self.state.get("on") is False else ""

    @property
    def skip_reason(self) -> str:
        """Why it does not follow; empty if it does."""
        if not self.state or "on" not in self.state:
            return MUTE
        if "xy" not in self.state:
            return self._colourless
        return self.why_not_controllable or (STREAMING if self.state.get("mode") == "streaming" else "")

    @property
    def is_odd(self) -> bool:
        """Whether it does not follow although it might be expected to."""
        return self.skip_reason in (MUTE, COLOURLESS, STREAMING)

    @property
    def _colourless(self) -> str:
        kind = str(self.entry.get("type", "")).casefold()
        if "color light" in kind:
            return COLOURLESS
        return "white only" if "bri" in self.state else "not dimmable"


def _understood(state: Any) -> tuple[dict[str, Any], str]:
    """Returns the valid part of a state, and the invalid part of its colour mode."""
    found = state if isinstance(state, dict) else {}
    read = {name: FIELDS[name](value) for name, value in found.items() if name in FIELDS}
    good = {name: value for name, value in read.items() if value is not None}
    said = good.pop("colormode", None)
    there = [mode for mode, names in MODES.items() if all(name in good for name in names)]
    if there:
        good["colormode"] = said if said in there else there[0]
    if not there or said in there or said is None:
        return good, ""
    wrong = [f"{name} {found.get(name)}" for name in MODES.get(said, ()) if name not in good]
    return good, printable(", ".join(wrong) or f"colormode {said}", 40)


def read_lamps(bridge: Bridge) -> list[BridgeLamp]:
    """Returns all lamps of a bridge, ordered by number."""
    found = sorted(bridge.lights().items(), key=lambda each: int(each[0]))
    lamps = [BridgeLamp(*each) for each in found]
    names = distinct_names({lamp.number: lamp.called for lamp in lamps})
    for lamp in lamps:
        lamp.name = names[lamp.number]
    return lamps


def distinct_names(names: Mapping[str, str]) -> dict[str, str]:
    """Returns names by number, with the number appended to each name that is not unique.

    Example:
        >>> distinct_names({"1": "Sofa", "2": "Desk", "3": "sofa"})
        {'1': 'Sofa (1)', '2': 'Desk', '3': 'sofa (3)'}
    """
    count = Counter(map(_plain, names.values()))
    if len(count) == len(names):
        return dict(names)
    return distinct_names(
        {n: f"{name} ({n})" if count[_plain(name)] > 1 else name for n, name in names.items()}
    )


def read_groups(bridge: Bridge) -> dict[str, dict]:
    """Returns the groups of a bridge by number: rooms and zones first, those of apps last.

    Each has `name` and `called` (see `BridgeLamp`), a type and a list of lights, whatever the bridge reports.
    """

    def known(number: str, group: dict) -> dict:
        lights = group.get("lights")
        name = printable(str(group.get("name") or number).strip())
        members = [printable(str(each)) for each in lights] if isinstance(lights, list) else []
        return {"called": name, "type": group.get("type"), "lights": members, "recycle": group.get("recycle")}

    def order(each: tuple[str, dict]) -> tuple:
        number, group = each
        own = group["type"] != "LightGroup" or group["recycle"] is True
        return group["type"] not in ROOMS, own, int(number)

    groups = dict(sorted(((n, known(n, g)) for n, g in bridge.groups().items()), key=order))
    names = distinct_names({number: group["called"] for number, group in groups.items()})
    return {number: {**group, "name": names[number]} for number, group in groups.items()}


def choose(
    lamps: list[BridgeLamp], groups: Mapping[str, dict], settings: LightSettings
) -> tuple[list[BridgeLamp], str]:
    """Returns the chosen lamps, and the number of the group if one was chosen.

    A name shared by several lamps chooses all of them; one shared by several groups, the first.

    Args:
        lamps: All lamps.
        groups: All groups, as `read_groups` returns them.
        settings: The choice.

    Raises:
        BadInputError: There is no such light or group; use one of those named.
    """
    if settings.group:
        names = {number: (group["called"], group["name"]) for number, group in groups.items()}
        number = _find(settings.group, names, "room or group")[0]
        return [lamp for lamp in lamps if lamp.number in groups[number]["lights"]], number
    names = {lamp.number: (lamp.called, lamp.name) for lamp in lamps}
    wanted = set(_find_all(settings.lights, names)) or set(names)
    return [lamp for lamp in lamps if lamp.number in wanted], ""


Names = Mapping[str, tuple[str, str]]
"""By number, the plain name of a lamp or group, and its unique name."""


def _find_all(wanted: Sequence[str], names: Names) -> list[str]:
    """Returns the numbers of lamps; a name that contains a + takes precedence over its parts."""
    found, left = [], list(wanted)
    while left:
        for count in range(len(left), 0, -1):
            numbers = _numbers_of("+".join(left[:count]), names)
            if numbers:
                break
        if numbers or left[0]:
            found += numbers or _find(left[0], names, "light")
        left = left[count:]
    return found


def _numbers_of(wanted: str, names: Names) -> list[str]:
    """Returns the numbers of the entries with that name, or else the entry with that number."""
    plain = _plain(wanted)
    found = [number for number, each in names.items() if plain in map(_plain, each)]
    return found or [number for number in names if number == wanted.strip()]


def _plain(name: str) -> str:
    """Returns a name in the form used for comparison, regardless of case, Unicode form and spaces.

    Example:
        >>> _plain("Sofa + Desk ") == _plain("sofa+desk")
        True
    """
    return re.sub(r"\s*(\+|\s)\s*", r"\1", unicodedata.normalize("NFC", name).casefold()).strip()


def _find(wanted: str, names: Names, what: str) -> list[str]:
    """Returns the numbers of the entries with that name or number."""
    if numbers := _numbers_of(wanted, names):
        return numbers
    happened = f"There is no {what} {wanted!r} on the bridge."
    if not names:
        raise BadInputError(happened, "Expected the bridge to have at least one.", "Add one in the Hue app.")
    own = [name for _, name in names.values()]
    remedy = did_you_mean(wanted, own, "See: expression lights list", cutoff=0.5)
    if what == "light" and re.search("[,;]", wanted):
        remedy = f"Separate names with +: {re.sub(r'[,; ]*[,;][,; ]*', '+', wanted)}"
    raise BadInputError(happened, f"Expected one of {', '.join(own)}.", remedy)


def command(light: Light, gamut: Gamut | None, transition: float) -> dict[str, Any]:
    """Returns the command that makes a lamp show a light.

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
    """Whether a command differs visibly from an earlier one."""
    if old is None or math.dist(new["xy"], old["xy"]) > SAME_XY:
        return True
    return abs(new["bri"] - old["bri"]) >= SAME_BRIGHTNESS


def shows(told: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether a lamp shows what it was told, apart from the bridge's rounding."""
    same = not differs(told, {"xy": state.get("xy", (0, 0)), "bri": state.get("bri", told["bri"])})
    return same and state.get("colormode", "xy") == "xy" and state.get("effect", "none") == "none"
