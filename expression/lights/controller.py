"""The crew: the chosen lamps of a bridge, which show one light.

`sinks/hue.py` leads one.

Notebook: 08_lights
"""

from __future__ import annotations

from collections.abc import Callable

from .before import Before, Outcome
from .bridge import GROUP_RATE, IS_OFF, LAMP_RATE, NOT_AVAILABLE, Bridge, BridgeError
from .colours import Gamut, Light
from .lamps import BridgeLamp, choose, command, differs, read_lamps, shows
from .lightsettings import LightSettings

LOOK_SECONDS = 10.0
"""How often a run looks whether lamps were switched on or off meanwhile."""

SETTLING = 1.0
"""Seconds after its transition by which a bridge says of a lamp what it shows."""

PATIENCE = 0.5
"""Seconds that one reading may wait for the bridge's rate; what is left over is sent with the next."""


class Crew:
    """The chosen lamps of a bridge, which show one light.

    A group that is of one kind, all of it on, is told with one command; else each lamp is, in its own gamut.

    Args:
        bridge: The bridge.
        settings: Which lamps, and how quickly they change.

    Attributes:
        lamps: Those that were chosen.
        before: How they were; None before the first look.
    """

    def __init__(self, bridge: Bridge, settings: LightSettings):
        self.bridge, self._settings = bridge, settings
        self.before: Before | None = None
        self.lamps: list[BridgeLamp] = []
        self._group = ""  # the number of the group, where it can be told as one
        self._sent: dict[str, dict] = {}
        self._told_at: dict[str, float] = {}
        self._look_at = 0.0

    @property
    def following(self) -> list[BridgeLamp]:
        """The lamps that follow now."""
        return [lamp for lamp in self.lamps if not lamp.left_alone]

    def look(self) -> None:
        """Asks the bridge which lamps are there and on, and keeps how those were that are new.

        A lamp that does not show what it was told is told again: it had no power, or somebody else told it.

        Raises:
            BadInputError: There is no such light or group, or another run lets the lamps follow.
            BridgeError: The bridge does not answer.
        """
        if self.before is None:
            before = Before(self.bridge.identity(), self.bridge.url)
            before.take()
            self.before = before
        groups = self.bridge.groups() if self._settings.group else {}
        self.lamps, number = choose(read_lamps(self.bridge), groups, self._settings)
        following = self.following
        self.before.keep(following)
        alike = len({lamp.gamut for lamp in following}) == 1 and len(following) == len(self.lamps) > 1
        group = number if alike else ""
        names = {lamp.number for lamp in following} | {"group"}
        same = group == self._group
        sent = self._sent.items() if same else ()
        self._sent = {n: told for n, told in sent if n in names and self._shows(n, told)}
        self._group = group
        self._look_at = self.bridge.pace.clock() + LOOK_SECONDS

    def _shows(self, number: str, told: dict) -> bool:
        """Whether a lamp shows what it was told, or all of a group do; or had no time for it yet."""
        if self.bridge.pace.clock() < self._told_at[number] + told["transitiontime"] / 10 + SETTLING:
            return True
        return all(shows(told, lamp.state) for lamp in self.following if number in (lamp.number, "group"))

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
        lamps = [lamp for lamp in self.following if number in (lamp.number, "group")]
        looping = number not in self._sent and any(
            lamp.state.get("effect", "none") != "none" for lamp in lamps
        )
        told_all = {**told, "effect": "none"} if looping else told
        try:
            if number == "group":
                self.bridge.set_group(self._group, told_all)
            else:
                self.bridge.set_light(number, told_all)
        except BridgeError as error:
            if error.kind not in (IS_OFF, NOT_AVAILABLE):
                raise
            if number != "group":
                lamps[0].state["on"] = False
        self._sent[number], self._told_at[number] = told, self.bridge.pace.clock()

    def put_back(self, seconds: float, tell: Callable[[], None]) -> Outcome:
        """Puts all lamps back as they were; see `Before.put_back`."""
        return self.before.put_back(self.bridge, seconds, tell)

    def release(self) -> None:
        """Lets another run have the lamps."""
        if self.before is not None:
            self.before.release()
