"""Restores lamps independently, field by field, in the colour mode that each was in.

A lamp that refuses, hangs or answers nonsense does not affect the others, and is restored as far as possible.
`snapshot.py` saves the previous states, and calls it.

Notebook: 09_lights
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .bridge import IS_OFF, Bridge
from .lamps import FAR, MODES, OFF, BridgeLamp, distinct_names, read_lamps
from .rate_limiter import LAMP_RATE, SLACK
from .transport import BridgeError, RefusedError

SOON = 2.0
"""Seconds that restoring may take without a message."""

SILENT = 2
"""Unanswered lamps in a row after which the bridge is considered unreachable."""

ROUNDED = {"bri": 0, "ct": 2, "hue": 150, "sat": 2}
"""How far a bridge's own arithmetic may change the values of another colour mode."""

State = Mapping[str, Any]


@dataclass
class Outcome:
    """What happened to the lamps to be restored, by name.

    Attributes:
        done: Lamps that were restored.
        partly: Lamps that were restored as far as their state was known, with what was not known.
        off: Lamps that have been switched off; kept for later.
        far: Lamps that cannot be reached; kept for later.
        late: Lamps for which no time was left; kept for later.
        refused: Lamps that did not accept every command, with the reason; kept for later.
        deaf: Lamps that accepted every command but did not return to their state; kept for later.
        gone: Lamps that the bridge no longer has; forgotten.
    """

    done: list[str] = field(default_factory=list)
    partly: dict[str, str] = field(default_factory=dict)
    off: list[str] = field(default_factory=list)
    far: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    deaf: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[str]:
        """Lamps that still have to be restored."""
        return [*self.off, *self.far, *self.late, *self.refused, *self.deaf]


class Restoring:
    """Restores lamps, once.

    Args:
        bridge: The bridge.
        kept: By number, the name and state of each, and what was unknown, as `LampSnapshot` saves them.

    Attributes:
        pending: Names of the lamps that have not been sent commands yet.
        outcome: What happened to each, once `run` has returned.
        waits: Numbers of the lamps to restore later, and whether they failed rather than ran out of time; the
            others are finished.
    """

    def __init__(self, bridge: Bridge, kept: Mapping[str, Mapping[str, Any]]):
        self._bridge, self._kept = bridge, kept
        self._names = distinct_names({number: lamp["name"] for number, lamp in kept.items()})
        self.pending = dict(self._names)
        self.outcome, self.waits = Outcome(), {}
        self._refused: dict[str, str] = {}
        self._late: set[str] = set()

    def run(self, seconds: float = math.inf, tell: Callable[[], None] = lambda: None) -> None:
        """Restores the lamps.

        First the visible state of all lamps is restored, then the values of their other colour modes. At the
        end they are read again: a lamp may ignore a command that the bridge accepted.

        Args:
            seconds: How long it may take.
            tell: Called if it will take long.

        Raises:
            BridgeError: The bridge does not answer.
            RefusedError: It no longer recognises the key.
        """
        ends = self._bridge.pace.clock() + seconds
        now = self._read()
        wrong = self._wrong(now)
        self.pending = {lamp.number: self.pending[lamp.number] for lamp in wrong}
        if len(wrong) * SLACK / LAMP_RATE > SOON:
            tell()
        self._send(wrong, _own_mode, ends)
        if wrong and not self._late:
            now = self._read()
            self._send(self._wrong(now), _every_mode, ends)
        if wrong:
            now = self._read()
        for number in self._kept:
            self._settle(number, now.get(number))

    def _read(self) -> dict[str, BridgeLamp]:
        """Returns the lamps of the bridge by number."""
        return {lamp.number: lamp for lamp in read_lamps(self._bridge)}

    def _wrong(self, now: Mapping[str, BridgeLamp]) -> list[BridgeLamp]:
        """Returns the reachable lamps that are not restored yet; those that refused come last."""
        there = [
            now[number] for number in self._kept if number in now and not now[number].why_not_controllable
        ]
        wrong = [lamp for lamp in there if not _same(self._kept[lamp.number]["state"], lamp.state)]
        return sorted(wrong, key=lambda lamp: lamp.number in self._refused)

    def _send(self, lamps: list[BridgeLamp], wanting: Callable, ends: float) -> None:
        """Sends lamps their missing values, as long as there is time."""
        silent = 0
        for place, lamp in enumerate(lamps):
            if self._bridge.pace.clock() >= ends:
                self._late = {late.number for late in lamps[place:]}
                return
            commands = wanting(self._kept[lamp.number]["state"], lamp.state)
            try:
                why, silent = self._tell(lamp, commands), 0
            except (BridgeError, RefusedError) as error:
                silent += 1
                if silent == SILENT:
                    raise
                why = error.said
            self.pending.pop(lamp.number, None)
            self._refused.pop(lamp.number, None)
            if why:
                self._refused[lamp.number] = why

    def _tell(self, lamp: BridgeLamp, commands: list[dict]) -> str:
        """Sends commands, and each value of a refused one separately. Returns why not all were accepted."""
        refused = []
        for each in commands:
            why = self._try(lamp, each)
            values = [name for name in each if name != "transitiontime"]
            if why and len(values) > 1:
                alone = [self._try(lamp, {name: each[name], "transitiontime": 0}) for name in values]
                refused += filter(None, alone)
            elif why:
                refused.append(why)
        return refused[0] if refused else ""

    def _try(self, lamp: BridgeLamp, command: dict) -> str:
        """Sends a command and returns why it was refused; empty also for a lamp that is off now."""
        try:
            self._bridge.set_light(lamp.number, command)
        except (BridgeError, RefusedError) as error:
            if not error.answered:
                raise
            return "" if error.kind == IS_OFF else error.said
        return ""

    def _settle(self, number: str, lamp: BridgeLamp | None) -> None:
        """Records the outcome for a lamp."""
        old, lacks = (self._kept[number].get(each, "") for each in ("state", "lacks"))
        name, outcome = self._names[number], self.outcome
        if lamp is None:
            outcome.gone.append(name)
        elif number in self._late:
            outcome.late.append(name)
            self.waits[number] = False
        elif lamp.why_not_controllable == FAR:
            outcome.far.append(name)
            self.waits[number] = True
        elif not (_same(old, lamp.state) if lamp.why_not_controllable == OFF else _shows(old, lamp.state)):
            self._keep(number, name, lamp)
        elif lacks:
            outcome.partly[name] = lacks
        else:
            outcome.done.append(name)

    def _keep(self, number: str, name: str, lamp: BridgeLamp) -> None:
        """Records why a lamp was not restored."""
        self.waits[number] = True
        if lamp.why_not_controllable == OFF:
            self.outcome.off.append(name)
        elif why := self._refused.get(number):
            self.outcome.refused[name] = why
        else:
            self.outcome.deaf.append(name)


def _own_mode(old: State, now: State, whole: bool = False) -> list[dict]:
    """Returns the command that restores a lamp's brightness, effect and own colour, where they differ."""
    own = old.get("colormode", "xy")
    colour = {name: old[name] for name in MODES.get(own, ("xy",)) if name in old}
    recoloured = whole or now.get("colormode", "xy") != own or any(now.get(n) != v for n, v in colour.items())
    told = colour if recoloured else {}
    if "bri" in old and now.get("bri") != old["bri"]:
        told["bri"] = old["bri"]
    effect, shown = old.get("effect", "none"), now.get("effect", "none")
    if effect != shown or (recoloured and effect != "none"):
        told["effect"] = effect
    return [{**told, "transitiontime": 0}] if told else []


def _every_mode(old: State, now: State) -> list[dict]:
    """Returns commands for a bridge that stores each mode's values separately, the lamp's own mode last."""
    own = old.get("colormode", "xy")
    modes = [names for mode, names in MODES.items() if mode != own]
    others = [{n: old[n] for n in names if n in old and now.get(n) != old[n]} for names in modes]
    others = [{**other, "transitiontime": 0} for other in others if other]
    return others + _own_mode(old, now, bool(others))


def _same(old: State, new: State) -> bool:
    """Whether all fields that a run can change are as they were, apart from the bridge's rounding."""
    exactly = all(old.get(name) == new.get(name) for name in ("effect", "colormode"))
    nearly = all(abs(old.get(n, 0) - new.get(n, 0)) <= step for n, step in ROUNDED.items())
    return exactly and nearly and math.dist(old.get("xy", (0, 0)), new.get("xy", (0, 0))) <= 0.002


def _shows(old: State, now: State) -> bool:
    """Whether a lamp shows what it showed before, ignoring the colour modes that it is not in.

    The bridge may round, and a lamp that cycles through colours need not show the same one.
    """
    if not _own_mode(old, now):
        return True
    own, loops = old.get("colormode", "xy"), old.get("effect", "none") != "none"
    names = () if loops else MODES.get(own, ("xy",))

    def shown(state: State) -> dict[str, Any]:
        mode = own if loops else state.get("colormode", "xy")
        colour = {name: state[name] for name in names if name in state}
        return {"effect": state.get("effect", "none"), "colormode": mode, **colour}

    return abs(old.get("bri", 0) - now.get("bri", 0)) <= 1 and _same(shown(old), shown(now))
