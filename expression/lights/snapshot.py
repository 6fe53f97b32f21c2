"""How lamps were before they followed: kept on disk, and put back field by field.

`crew.py` keeps it from the first moment of a run, so that a run that was cut off can be mended with
`expression lights restore`.

Notebook: 08_lights
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .bridge import IS_OFF, LAMP_RATE, NOT_AVAILABLE, SLACK, Bridge, BridgeError
from .errors import BadInputError, damage_told
from .files import write_text, writing_told
from .keys import FOLDER, ROOM, locked
from .lamps import FAR, OFF, BridgeLamp, read_lamps

COLOURS = {"xy": ("xy",), "ct": ("ct",), "hs": ("hue", "sat")}
"""What belongs to each colour mode of a lamp."""

SOON = 2.0
"""Seconds that putting back may take without a word."""

LOST = "Remove it; the lights stay as they are now."

ROUNDED = {"bri": 0, "ct": 2, "hue": 150, "sat": 2}
"""How far a bridge's own arithmetic may bring back what belongs to another colour mode."""


class HeldError(BadInputError):
    """Somebody else lets the lamps of the bridge follow now, or puts them back."""


@dataclass
class Outcome:
    """What became of lamps that were to be put back, by their names.

    Attributes:
        done: Those that are as they were.
        off: Those that are switched off meanwhile; kept for later.
        far: Those that cannot be reached; kept for later.
        late: Those for which no time was left; kept for later.
        deaf: Those that were told so and are not as they were; kept for later.
        gone: Those that the bridge does not have any more; forgotten.
    """

    done: list[str] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    far: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    deaf: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[str]:
        """Those that are still to be put back."""
        return self.off + self.far + self.late + self.deaf


class Before:
    """How lamps were before they followed: in memory, and in a file that outlives a crash.

    Only one at a time holds a bridge: `take` comes first, `release` last. A run that dies holds nothing.

    Args:
        bridge: By what the bridge is known; see `Bridge.identity`.
        url: Its address, by which older files knew it.
        file: Where it is kept; None for the usual place.

    Attributes:
        lamps: By number the name, the state and since when, once taken.
        left: When a run that was cut off has noted lamps; empty if none was.
        waiting: Names of lamps that an earlier run could not put back, and when it noted the first.
    """

    def __init__(self, bridge: str, url: str = "", file: Path | None = None):
        self.bridge, self.url, self.file = bridge, url or bridge, file or before_path()
        self.lamps: dict[str, dict[str, Any]] = {}
        self.left, self.waiting = "", ([], "")
        name = f"lights-{re.sub('[^0-9A-Za-z]+', '-', bridge)}.lock"
        self._hold = FileLock(self.file.with_name(name), thread_local=False)

    def take(self) -> None:
        """Holds the bridge against others, and takes over what a run has left that was cut off.

        Raises:
            HeldError: Somebody else holds it.
            BadInputError: The file is damaged.
            OutputError: The folder cannot be written.
        """
        with writing_told(self.file, ROOM):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._hold.acquire(timeout=0)
            except Timeout:
                raise HeldError(
                    f"The lights of the bridge at {self.url} are in use by another run, or being put back.",
                    "Expected one at a time, so that each light can be put back as it was.",
                    "End the other one first; one sink takes several lights, as in hue:Sofa+Desk.",
                ) from None
        try:
            for bridge, lamps in read_before(self.file).items():
                self.lamps |= lamps if self._is_mine(bridge) else {}
        except BaseException:
            self.release()
            raise
        cut = [lamp.get("time", "") for lamp in self.lamps.values() if not lamp.get("waits")]
        waiting = [lamp for lamp in self.lamps.values() if lamp.get("waits")]
        self.left = min(cut, default="")
        self.waiting = (
            [lamp["name"] for lamp in waiting],
            min((w.get("time", "") for w in waiting), default=""),
        )

    def release(self) -> None:
        """Lets others have the bridge."""
        self._hold.release()

    def __enter__(self) -> Before:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def keep(self, lamps: Iterable[BridgeLamp]) -> None:
        """Keeps the lamps that were not kept yet; what an earlier run left stays."""
        new = {lamp.number: lamp for lamp in lamps if lamp.number not in self.lamps}
        if not new:
            return
        since = {"time": time.strftime("%Y-%m-%d %H:%M"), "url": self.url}
        for number, lamp in new.items():
            self.lamps[number] = {"name": lamp.name, **since, "state": dict(lamp.state)}
        self._write()

    def put_back(
        self, bridge: Bridge, seconds: float = math.inf, tell: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Puts the lamps back, field by field, and forgets those that are as they were, or gone.

        All get back first what they show, then what they say of the colour modes that they are not in. At
        the end they are read again: what a bridge takes, a lamp need not do.

        Args:
            bridge: The bridge.
            seconds: How long it may take.
            tell: Called where it will take long.

        Raises:
            BridgeError: The bridge does not answer; what is left stays in the file.
        """
        if not self.lamps:
            return Outcome()
        ends = bridge.pace.clock() + seconds
        now = _read(bridge)
        wrong = self._wrong(now)
        if len(wrong) * SLACK / LAMP_RATE > SOON:
            tell()
        late = self._send(bridge, wrong, _own_mode, ends)
        if wrong and not late:
            now = _read(bridge)
            wrong = self._wrong(now)
            late |= self._send(bridge, wrong, _every_mode, ends)
        if wrong:
            now = _read(bridge)
        return self._settle(now, late)

    def _wrong(self, now: Mapping[str, BridgeLamp]) -> list[BridgeLamp]:
        """Returns those that can be told, and are not as they were."""
        there = [now[number] for number in self.lamps if number in now and not now[number].left_alone]
        return [lamp for lamp in there if not _same(self.lamps[lamp.number]["state"], lamp.state)]

    def _send(self, bridge: Bridge, lamps: list[BridgeLamp], wanting: Callable, ends: float) -> set[str]:
        """Tells lamps what they lack, and returns the numbers of those for which no time was left."""
        for place, lamp in enumerate(lamps):
            if bridge.pace.clock() >= ends:
                return {late.number for late in lamps[place:]}
            _tell(bridge, lamp, wanting(self.lamps[lamp.number]["state"], lamp.state))
        return set()

    def _settle(self, now: Mapping[str, BridgeLamp], late: set[str]) -> Outcome:
        """Forgets what is done, marks what has to wait, and returns what became of each."""
        outcome = Outcome()
        for number, kept in list(self.lamps.items()):
            lamp = now.get(number)
            why = lamp.left_alone if lamp else "gone"
            if number in late:
                outcome.late.append(kept["name"])
            elif why == FAR:
                outcome.far.append(kept["name"])
            elif why == OFF and not _same(kept["state"], lamp.state):
                outcome.off.append(kept["name"])
            elif not why and not _shows(kept["state"], lamp.state):
                outcome.deaf.append(kept["name"])
            else:
                (outcome.done if why in ("", OFF) else outcome.gone).append(kept["name"])
                del self.lamps[number]
                continue
            kept["waits"] = number not in late
        self._write()
        return outcome

    def _is_mine(self, bridge: str) -> bool:
        """Whether a name in the file is that of this bridge, or the address by which older files knew it."""
        places = (bridge.rpartition("://")[2], self.url.rpartition("://")[2])
        return bridge == self.bridge or ("://" in bridge and places[0] == places[1])

    def _write(self) -> None:
        with locked(self.file), writing_told(self.file, ROOM):
            kept = {name: lamps for name, lamps in read_before(self.file).items() if not self._is_mine(name)}
            if self.lamps:
                kept[self.bridge] = self.lamps
            if kept:
                write_text(self.file, json.dumps(kept, indent=2) + "\n")
            else:
                self.file.unlink(missing_ok=True)


def before_path() -> Path:
    """Returns where it is kept how lamps were, in the folder that the system has for such things."""
    import platformdirs

    return Path(os.environ.get(FOLDER) or platformdirs.user_state_path("expression", False)) / "lights.json"


def read_before(file: Path) -> dict[str, dict[str, dict]]:
    """Returns by bridge and number how lamps were before a run that has not put them back.

    A bridge is known by its id; older files know it by its address.

    Raises:
        BadInputError: The file is damaged.
    """
    if not file.is_file():
        return {}
    with damage_told(f"{file} is damaged", "Expected how the lights were.", LOST):
        found = json.loads(file.read_text("utf-8"))
        for lamps in found.values():
            for lamp in lamps.values():
                lamp["state"] = dict(lamp["state"])
                lamp["name"] = str(lamp["name"])
    return found


def _read(bridge: Bridge) -> dict[str, BridgeLamp]:
    """Returns the lamps of a bridge by their numbers."""
    return {lamp.number: lamp for lamp in read_lamps(bridge)}


def _tell(bridge: Bridge, lamp: BridgeLamp, commands: list[dict]) -> None:
    """Sends commands; of a lamp that was switched off or taken away a moment ago it is noted."""
    try:
        for each in commands:
            bridge.set_light(lamp.number, each)
    except BridgeError as error:
        if error.kind not in (IS_OFF, NOT_AVAILABLE):
            raise
        lamp.state["on"] = False


def _own_mode(old: Mapping[str, Any], now: Mapping[str, Any], whole: bool = False) -> list[dict]:
    """Returns the command that brings back what a lamp lacks of its brightness, effect, and own colour."""
    own = old.get("colormode", "xy")
    colour = {name: old[name] for name in COLOURS.get(own, ("xy",)) if name in old}
    recoloured = whole or now.get("colormode", "xy") != own or any(now.get(n) != v for n, v in colour.items())
    told = colour if recoloured else {}
    if "bri" in old and now.get("bri") != old["bri"]:
        told["bri"] = old["bri"]
    effect, shown = old.get("effect", "none"), now.get("effect", "none")
    if effect != shown or (recoloured and effect != "none"):
        told["effect"] = effect
    return [{**told, "transitiontime": 0}] if told else []


def _every_mode(old: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict]:
    """Returns commands for a bridge that keeps each mode's values apart, the lamp's own mode last."""
    own = old.get("colormode", "xy")
    modes = [names for mode, names in COLOURS.items() if mode != own]
    others = [{n: old[n] for n in names if n in old and now.get(n) != old[n]} for names in modes]
    others = [{**other, "transitiontime": 0} for other in others if other]
    return others + _own_mode(old, now, bool(others))


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether all fields that a run can change are as they were, but for how a bridge rounds."""
    exactly = all(old.get(name) == new.get(name) for name in ("effect", "colormode"))
    nearly = all(abs(old.get(n, 0) - new.get(n, 0)) <= step for n, step in ROUNDED.items())
    return exactly and nearly and math.dist(old.get("xy", (0, 0)), new.get("xy", (0, 0))) <= 0.002


def _shows(old: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a lamp shows what it showed, whatever it says of the colour modes that it is not in.

    A bridge may round; and the colours of a lamp that goes round through them need not be the same.
    """
    if not _own_mode(old, now):
        return True
    own, loops = old.get("colormode", "xy"), old.get("effect", "none") != "none"
    names = () if loops else COLOURS.get(own, ("xy",))

    def shown(state: Mapping[str, Any]) -> dict[str, Any]:
        mode = own if loops else state.get("colormode", "xy")
        colour = {name: state[name] for name in names if name in state}
        return {"effect": state.get("effect", "none"), "colormode": mode, **colour}

    return abs(old.get("bri", 0) - now.get("bri", 0)) <= 1 and _same(shown(old), shown(now))
