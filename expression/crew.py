"""The crew: the chosen lamps of a bridge, which show one light.

`sinks/hue.py` leads one.

Notebook: 08_lights
"""

from __future__ import annotations

from .before import Before
from .bridge import GROUP_RATE, IS_OFF, LAMP_RATE, NOT_AVAILABLE, Bridge, BridgeError
from .colours import Gamut, Light
from .lamps import BridgeLamp, choose, command, differs, read_lamps
from .lightsettings import LightSettings

LOOK_SECONDS = 10.0
"""How often a run looks whether lamps were switched on or off meanwhile."""

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
        before: How they were.
    """

    def __init__(self, bridge: Bridge, settings: LightSettings):
        self.bridge, self._settings = bridge, settings
        self.before = Before(bridge.url)
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

    def put_back(self) -> list[BridgeLamp]:
        """Puts all lamps back as they were; see `Before.put_back`."""
        return self.before.put_back(self.bridge)
