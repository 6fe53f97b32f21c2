"""The lamps that follow: which, what they are told, and how they were before.

`sinks/hue.py` leads a `Crew` of them; `expression lights` lists, tests and puts them back. How they were is
kept on disk from the first moment, so that a run that was cut off can be mended.

Notebook: 08_lights
"""

from __future__ import annotations

import difflib
import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .bridge import GROUP_RATE, IS_OFF, LAMP_RATE, NOT_AVAILABLE, Bridge, BridgeError
from .colours import Gamut, Light, gamut_of, to_xy
from .errors import BadInputError, damage_told
from .files import write_text, writing_told
from .lightsettings import LightSettings

LOOK_SECONDS = 10.0
"""How often a run looks whether lamps were switched on or off meanwhile."""

PATIENCE = 0.5
"""Seconds that one reading may wait for the bridge's rate; what is left over is sent with the next."""

SAME_XY, SAME_BRIGHTNESS = 0.006, 4
"""Differences that nobody sees and that are not worth a command; steps of xy and of 254."""

ROUNDED = {"bri": 0, "ct": 2, "hue": 150, "sat": 2}
"""How far a bridge's own arithmetic may bring back what belongs to another colour mode."""

COLOURS = {"xy": ("xy",), "ct": ("ct",), "hs": ("hue", "sat")}
"""What belongs to each colour mode of a lamp."""


class Lamp:
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
            return "cannot be reached"
        return "" if self.state.get("on") else "switched off"


def read_lamps(bridge: Bridge) -> list[Lamp]:
    """Returns all lamps of a bridge, in their order."""
    found = bridge.lights().items()
    return [Lamp(*each) for each in sorted(found, key=lambda each: int(each[0]))]


def choose(lamps: list[Lamp], groups: Mapping[str, dict], settings: LightSettings) -> tuple[list[Lamp], str]:
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
    near = difflib.get_close_matches(wanted, names.values(), 1, 0.5)
    raise BadInputError(
        f"There is no {what} {wanted!r} on the bridge.",
        f"Expected one of {', '.join(names.values()) or 'none: it has none'}.",
        f"Did you mean {near[0]}?" if near else "See: expression lights list",
    )


def command(light: Light, gamut: Gamut | None, transition: float) -> dict[str, Any]:
    """Returns what a lamp is told so that it shows a light.

    Example:
        >>> command(Light((0, 0, 255), 0.5), None, 0.4)
        {'xy': [0.1355, 0.0399], 'bri': 127, 'transitiontime': 4}
    """
    brightness = min(254, max(1, round(254 * light.brightness)))
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


class Before:
    """How lamps were before they followed: in memory, and in a file that outlives a crash.

    Args:
        url: The bridge's address.
        file: Where it is kept; None for the usual place.
    """

    def __init__(self, url: str, file: Path | None = None):
        self.url, self.file = url, file or before_path()
        self.lamps: dict[str, dict[str, Any]] = read_before(self.file).get(url, {})
        self.left = next((lamp.get("time", "") for lamp in self.lamps.values()), "")

    def keep(self, lamps: Iterable[Lamp]) -> None:
        """Keeps the lamps that were not kept yet; what an earlier run left stays."""
        new = {lamp.number: lamp for lamp in lamps if lamp.number not in self.lamps}
        if not new:
            return
        now = time.strftime("%Y-%m-%d %H:%M")
        for number, lamp in new.items():
            self.lamps[number] = {"name": lamp.name, "time": now, "state": dict(lamp.state)}
        self._write()

    def drop(self, numbers: Iterable[str]) -> None:
        """Forgets lamps that are as they were."""
        for number in list(numbers):
            self.lamps.pop(number, None)
        self._write()

    def _write(self) -> None:
        kept = {url: lamps for url, lamps in read_before(self.file).items() if url != self.url}
        if self.lamps:
            kept[self.url] = self.lamps
        with writing_told(self.file, "Make room, or the folder writable."):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if not kept:
                self.file.unlink(missing_ok=True)
        if kept:
            write_text(self.file, json.dumps(kept, indent=2) + "\n")

    def put_back(self, bridge: Bridge) -> list[Lamp]:
        """Puts the lamps back, field by field, and returns those that cannot be reached now.

        One that is switched off meanwhile, or gone from the bridge, is left alone.

        Raises:
            BridgeError: The bridge does not answer; what is left stays in the file.
        """
        if not self.lamps:
            return []
        for wanting in (_own_mode, _every_mode):
            now = {lamp.number: lamp for lamp in read_lamps(bridge)}
            there = {n: now[n] for n in self.lamps if n in now and not now[n].left_alone}
            for number, lamp in there.items():
                state = self.lamps[number]["state"]
                if not _same(state, lamp.state):
                    _tell(bridge, number, wanting(state))
        far = [now[n] for n in self.lamps if n in now and not now[n].state.get("reachable", True)]
        self.drop(set(self.lamps) - {lamp.number for lamp in far})
        return far


def before_path() -> Path:
    """Returns where it is kept how lamps were, in the folder that the system has for such things."""
    import platformdirs

    return platformdirs.user_state_path("expression", False) / "lights.json"


def read_before(file: Path) -> dict[str, dict[str, dict]]:
    """Returns by bridge and number how lamps were before a run that has not put them back.

    Raises:
        BadInputError: The file is damaged.
    """
    if not file.is_file():
        return {}
    with damage_told(f"{file} is damaged", "Expected how the lights were.", "Remove it."):
        found = json.loads(file.read_text("utf-8"))
        return {url: {n: {**lamp, "state": dict(lamp["state"])} for n, lamp in l.items()} for url, l in found.items()}


def _tell(bridge: Bridge, number: str, commands: list[dict]) -> None:
    """Sends commands; a lamp that was switched off or taken away a moment ago is left alone."""
    try:
        for each in commands:
            bridge.set_light(number, each)
    except BridgeError as error:
        if error.kind not in (IS_OFF, NOT_AVAILABLE):
            raise


def _own_mode(state: Mapping[str, Any]) -> list[dict]:
    """Returns the command that brings back brightness, effect, and the colour in the mode it was in."""
    names = ["bri", *COLOURS.get(state.get("colormode", "xy"), ("xy",))]
    told = {name: state[name] for name in names if name in state}
    if state.get("effect", "none") != "none":
        told["effect"] = state["effect"]
    return [{**told, "transitiontime": 0}]


def _every_mode(state: Mapping[str, Any]) -> list[dict]:
    """Returns commands for a bridge that keeps each mode's values apart, the lamp's own mode last."""
    own = state.get("colormode", "xy")
    others = [{name: state[name] for name in names if name in state} for mode, names in COLOURS.items() if mode != own]
    return [other for other in others if other] + _own_mode(state)


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether all fields that a run can change are as they were, but for how a bridge rounds."""
    exactly = all(old.get(name) == new.get(name) for name in ("effect", "colormode"))
    nearly = all(abs(old.get(n, 0) - new.get(n, 0)) <= step for n, step in ROUNDED.items())
    return exactly and nearly and math.dist(old.get("xy", (0, 0)), new.get("xy", (0, 0))) <= 0.002


class Crew:
    """The chosen lamps of a bridge, which show one light.

    A group that is of one kind, all of it on, is told with one command; else each lamp is, in its own gamut.

    Args:
        bridge: The bridge.
        settings: Which lamps, and how quickly they change.

    Attributes:
        lamps: Those that were chosen.
        before: How they were.
    """

    def __init__(self, bridge: Bridge, settings: LightSettings):
        self.bridge, self._settings = bridge, settings
        self.before = Before(bridge.url)
        self.lamps: list[Lamp] = []
        self._group = ""  # the number of the group, where it can be told as one
        self._sent: dict[str, dict] = {}
        self._told_at: dict[str, float] = {}
        self._look_at = 0.0

    @property
    def following(self) -> list[Lamp]:
        """The lamps that follow now."""
        return [lamp for lamp in self.lamps if not lamp.left_alone]

    def look(self) -> None:
        """Asks the bridge which lamps are there and on, and keeps how those were that are new.

        Raises:
            BadInputError: There is no such light or group.
            BridgeError: The bridge does not answer.
        """
        groups = self.bridge.groups() if self._settings.group else {}
        self.lamps, number = choose(read_lamps(self.bridge), groups, self._settings)
        following = self.following
        self.before.keep(following)
        alike = len({lamp.gamut for lamp in following}) == 1 and len(following) == len(self.lamps) > 1
        group = number if alike else ""
        names = {lamp.number for lamp in following} | {"group"}
        same = group == self._group
        self._sent = {n: told for n, told in self._sent.items() if same and n in names}
        self._group = group
        self._look_at = self.bridge.pace.clock() + LOOK_SECONDS

    def show(self, light: Light, patience: float = PATIENCE) -> bool:
        """Tells each lamp that shows something else; the one that has waited longest comes first.

        Returns:
            Whether all show it; else ask again, since the bridge's rate left no time.

        Raises:
            BridgeError: The bridge does not answer; all is told again next time.
        """
        clock = self.bridge.pace.clock
        ends = clock() + patience
        try:
            if clock() >= self._look_at:
                self.look()
            for number, gamut in self._targets():
                told = command(light, gamut, self._settings.transition)
                if not differs(told, self._sent.get(number)):
                    continue
                rate = GROUP_RATE if number == "group" else LAMP_RATE
                if clock() + self.bridge.pace.wait(rate) > ends:
                    return False
                self._tell(number, told)
        except BaseException:
            self._sent.clear()
            self._look_at = 0.0
            raise
        return True

    def _targets(self) -> list[tuple[str, Gamut | None]]:
        """Returns whom to tell, and in which gamut."""
        following = self.following
        if self._group and following:
            return [("group", following[0].gamut)]
        found = [(lamp.number, lamp.gamut) for lamp in following]
        return sorted(found, key=lambda each: self._told_at.get(each[0], 0.0))

    def _tell(self, number: str, told: dict) -> None:
        """Sends a command; a lamp that was switched off meanwhile is left alone from now on."""
        lamp = next((lamp for lamp in self.lamps if lamp.number == number), None)
        looping = lamp is not None and lamp.state.get("effect", "none") != "none" and number not in self._sent
        try:
            if number == "group":
                self.bridge.set_group(self._group, told)
            else:
                self.bridge.set_light(number, {**told, "effect": "none"} if looping else told)
        except BridgeError as error:
            if error.kind not in (IS_OFF, NOT_AVAILABLE):
                raise
            if lamp is not None:
                lamp.state["on"] = False
        self._sent[number], self._told_at[number] = told, self.bridge.pace.clock()

    def put_back(self) -> list[Lamp]:
        """Puts all lamps back as they were; see `Before.put_back`."""
        return self.before.put_back(self.bridge)
