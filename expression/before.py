"""How lamps were before they followed: kept on disk, and put back field by field.

`crew.py` keeps it from the first moment of a run, so that a run that was cut off can be mended with
`expression lights restore`.

Notebook: 08_lights
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .bridge import IS_OFF, NOT_AVAILABLE, Bridge, BridgeError
from .errors import damage_told
from .files import write_text, writing_told
from .keys import FOLDER
from .lamps import BridgeLamp, read_lamps

COLOURS = {"xy": ("xy",), "ct": ("ct",), "hs": ("hue", "sat")}
"""What belongs to each colour mode of a lamp."""

LOST = "Remove it; the lights stay as they are now."

ROUNDED = {"bri": 0, "ct": 2, "hue": 150, "sat": 2}
"""How far a bridge's own arithmetic may bring back what belongs to another colour mode."""


class Before:
    """How lamps were before they followed: in memory, and in a file that outlives a crash.

    Args:
        url: The bridge's address.
        file: Where it is kept; None for the usual place.
    """

    def __init__(self, url: str, file: Path | None = None):
        self.url, self.file = url, file or before_path()
        self.lamps: dict[str, dict[str, Any]] = read_before(self.file).get(url, {})
        self.alone: list[str] = []  # the names of lamps that the last `put_back` left as they are
        self.left = next((lamp.get("time", "") for lamp in self.lamps.values()), "")

    def keep(self, lamps: Iterable[BridgeLamp]) -> None:
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

    def put_back(self, bridge: Bridge) -> list[BridgeLamp]:
        """Puts the lamps back, field by field, and returns those that cannot be reached now.

        One that is switched off meanwhile, or gone from the bridge, is left alone; see `alone`.

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
        far_numbers = {lamp.number for lamp in far}
        self.alone = [self.lamps[n]["name"] for n in self.lamps if n not in there and n not in far_numbers]
        self.drop(set(self.lamps) - far_numbers)
        return far


def before_path() -> Path:
    """Returns where it is kept how lamps were, in the folder that the system has for such things."""
    import platformdirs

    return Path(os.environ.get(FOLDER) or platformdirs.user_state_path("expression", False)) / "lights.json"


def read_before(file: Path) -> dict[str, dict[str, dict]]:
    """Returns by bridge and number how lamps were before a run that has not put them back.

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
    modes = [names for mode, names in COLOURS.items() if mode != own]
    others = [{name: state[name] for name in names if name in state} for names in modes]
    return [other for other in others if other] + _own_mode(state)


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether all fields that a run can change are as they were, but for how a bridge rounds."""
    exactly = all(old.get(name) == new.get(name) for name in ("effect", "colormode"))
    nearly = all(abs(old.get(n, 0) - new.get(n, 0)) <= step for n, step in ROUNDED.items())
    return exactly and nearly and math.dist(old.get("xy", (0, 0)), new.get("xy", (0, 0))) <= 0.002
