"""The crew: the chosen lamps of a bridge, which show one light.

Each lamp is told for itself: one that refuses or hangs is named once, left out for a while and tried again,
and the others go on. Only where none does as it is told, the bridge is taken to be out of order.
`sinks/hue.py` leads a crew.

Notebook: 08_lights
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from ..errors import BadInputError, OutputError
from .bridge import IS_OFF, Bridge
from .colours import Gamut, Light
from .lamps import BridgeLamp, choose, command, differs, read_groups, read_lamps, shows
from .marker import Marker
from .rate_limiter import GROUP_RATE, LAMP_RATE
from .restore import Outcome
from .settings import LightSettings
from .snapshot import LampSnapshot
from .transport import BridgeError, RefusedError

LOOK_SECONDS = 10.0
"""How often a run looks whether lamps were switched on or off meanwhile."""

SETTLING = 1.0
"""Seconds after its transition by which a bridge says of a lamp what it shows."""

PATIENCE = 0.5
"""Seconds that one reading may wait for the bridge's rate; what is left over is sent with the next."""

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0
"""Seconds until a lamp that refused is told something again: the first pause, which doubles, and its end."""

logger = logging.getLogger("expression")


class LampController:
    """The chosen lamps of a bridge, which show one light.

    A group that is of one kind, all of it on, is told with one command; else each lamp is, in its own gamut.

    Args:
        bridge: The bridge.
        settings: Which lamps, and how quickly they change.

    Attributes:
        lamps: Those that were chosen.
        before: How they were; None before the first look.
        marker: What tells other computers that the lamps are in use; None before the first look.
    """

    def __init__(self, bridge: Bridge, settings: LightSettings):
        self.bridge, self._settings = bridge, settings
        self.before: LampSnapshot | None = None
        self.marker: Marker | None = None
        self.lamps: list[BridgeLamp] = []
        self._group = ""  # the number of the group, where it can be told as one
        self._alone = False  # whether the bridge has refused a command to the group
        self._sent: dict[str, dict] = {}
        self._told_at: dict[str, float] = {}
        self._look_at = 0.0
        self._troubles: dict[str, _Trouble] = {}  # those that refused, by number
        self._named: set[str] = set()

    @property
    def following(self) -> list[BridgeLamp]:
        """The lamps that follow now."""
        return [lamp for lamp in self.lamps if not lamp.skip_reason]

    def look(self) -> None:
        """Asks the bridge which lamps are there and on, and keeps how those were that are new.

        A lamp that does not show what it was told is told again: it had no power, or somebody else told it.

        Raises:
            BadInputError: There is no such light or group, or another run lets the lamps follow.
            BridgeError: The bridge does not answer.
        """
        self._hold()
        number = self._choose()
        for lamp in self.lamps:
            if lamp.is_odd:
                self._name(lamp, lamp.skip_reason)
        kept, following = self._keep(), self.following
        alike = len({(lamp.gamut, "bri" in lamp.state) for lamp in following}) == 1
        alike = alike and len(following) == len(self.lamps) > 1
        group = number if alike and kept and not self._alone else ""
        names = {lamp.number for lamp in following} | {"group"}
        same = group == self._group
        sent = self._sent.items() if same else ()
        self._sent = {n: told for n, told in sent if n in names and self._shows(n, told)}
        self._group = group
        self._look_at = self.bridge.pace.clock() + LOOK_SECONDS

    def _hold(self) -> None:
        """Makes sure, once, that no other run lets the lamps follow."""
        if self.before is not None:
            return
        before = LampSnapshot(self.bridge.identity(), self.bridge.url)
        before.take()
        marker = Marker(self.bridge, before.file.parent)
        try:
            marker.take()
        except BaseException:
            before.release()
            raise
        self.before, self.marker = before, marker

    def _choose(self) -> str:
        """Reads the chosen lamps, and returns the number of the group if it was one.

        A lamp or group that is taken away in a run is missed by nobody: the other lamps go on.
        """
        lamps = read_lamps(self.bridge)
        try:
            groups = read_groups(self.bridge) if self._settings.group else {}
            self.lamps, number = choose(lamps, groups, self._settings)
            return number
        except (BadInputError, BridgeError) as error:
            if not self.lamps or not getattr(error, "answered", True):
                raise
        numbers = {lamp.number for lamp in self.lamps}
        self.lamps = [lamp for lamp in lamps if lamp.number in numbers]
        return ""

    def _keep(self) -> bool:
        """Keeps how new lamps were; where that cannot be written they do not follow, and it returns False."""
        try:
            self.before.keep(self.following)
            return True
        except OutputError as error:
            if not self.before.lamps:
                raise
            self.lamps = [lamp for lamp in self.lamps if lamp.number in self.before.lamps]
            if "disk" not in self._named:
                self._named.add("disk")
                logger.warning("Lights switched on during the run will not follow: %s", error)
            return False

    def _shows(self, number: str, told: dict) -> bool:
        """Whether a lamp shows what it was told, or all of a group do; or had no time for it yet."""
        if self.bridge.pace.clock() < self._told_at[number] + told["transitiontime"] / 10 + SETTLING:
            return True
        return all(shows(told, lamp.state) for lamp in self.following if number in (lamp.number, "group"))

    def show(self, light: Light, patience: float = PATIENCE) -> bool:
        """Tells each lamp that shows something else; the one that has waited longest comes first.

        Returns:
            Whether all show it that can; else ask again, since the bridge's rate left no time.

        Raises:
            BridgeError: The bridge does not answer, or no lamp does as it is told; all is told again next
                time.
        """
        clock = self.bridge.pace.clock
        ends = clock() + patience
        try:
            if clock() >= self._look_at:
                self.look()
        except BaseException:
            self._start_anew()
            raise
        try:
            done = self._show(light, ends)
        except BaseException as error:
            silent = not getattr(error, "answered", True)
            self._start_anew(self._refusing if silent and len(self._refusing) < len(self.following) else ())
            raise
        for trouble in self._troubles.values():
            if not trouble.may_pass:
                self._name(trouble.lamp, trouble.why)
        return done

    def _start_anew(self, but: Collection[str] = ()) -> None:
        """Forgets what was told, and who refused, but for some lamps."""
        self._sent.clear()
        self._troubles = {n: trouble for n, trouble in self._troubles.items() if n in but}
        self._look_at = 0.0

    @property
    def _refusing(self) -> set[str]:
        """Numbers of the lamps that refused, and were not merely switched off."""
        return {number for number, trouble in self._troubles.items() if not trouble.is_off}

    def _show(self, light: Light, ends: float) -> bool:
        clock = self.bridge.pace.clock
        for number, gamut in self._targets():
            told = command(light, gamut, self._settings.transition)
            if not differs(told, self._sent.get(number)):
                continue
            rate = GROUP_RATE if number == "group" else LAMP_RATE
            if clock() + self.bridge.pace.wait(rate) > ends:
                return False
            try:
                self._tell(number, told)
            except (BridgeError, RefusedError) as error:
                if number == "group" and error.answered:
                    self._alone, self._group = True, ""
                    return self._show(light, ends)
                self._trouble(number, error)
            else:
                self._troubles.pop(number, None)
                self._sent[number], self._told_at[number] = told, clock()
        return True

    def _targets(self) -> list[tuple[str, Gamut | None]]:
        """Returns whom to tell, and in which gamut."""
        following = self.following
        if self._group and following:
            return [("group", following[0].gamut)]
        now = self.bridge.pace.clock()
        found = [(lamp.number, lamp.gamut) for lamp in following if not self._in_trouble(lamp, now)]
        return sorted(found, key=lambda each: self._told_at.get(each[0], 0.0))

    def _tell(self, number: str, told: dict) -> None:
        """Sends a command, to lamps that have no brightness without one."""
        lamps = [lamp for lamp in self.following if number in (lamp.number, "group")]
        looping = number not in self._sent and any(
            lamp.state.get("effect", "none") != "none" for lamp in lamps
        )
        sent = {**told, "effect": "none"} if looping else dict(told)
        if "bri" not in lamps[0].state:
            del sent["bri"]
        if number == "group":
            self.bridge.set_group(self._group, sent)
        else:
            self.bridge.set_light(number, sent)

    def _trouble(self, number: str, error: BridgeError | RefusedError) -> None:
        """Notes that a lamp refused; one that was switched off is left alone until the next look.

        Raises:
            BridgeError: So did all others, or the bridge did not answer.
        """
        lamp = next((lamp for lamp in self.following if lamp.number == number), None)
        if lamp is None:
            raise error
        trouble = self._troubles.setdefault(number, _Trouble(lamp))
        trouble.note(error, self.bridge.pace.clock())
        if trouble.is_off:
            lamp.state["on"] = False
        elif not error.answered or {lamp.number for lamp in self.following} <= self._refusing:
            raise error

    def _in_trouble(self, lamp: BridgeLamp, now: float) -> bool:
        """Whether a lamp refused a while ago, and is not to be told anything yet."""
        return lamp.number in self._troubles and now < self._troubles[lamp.number].until

    def _name(self, lamp: BridgeLamp, why: str) -> None:
        """Says once that a lamp does not follow."""
        if lamp.number not in self._named:
            self._named.add(lamp.number)
            logger.warning(
                "The light %s does not follow (%s). Expected it to respond like the others. "
                "It will be retried; check it in the Hue app.",
                lamp.name,
                why,
            )

    def put_back(self, seconds: float, tell: Callable[[], None]) -> Outcome:
        """Puts all lamps back as they were; see `LampSnapshot.put_back`."""
        return self.before.put_back(self.bridge, seconds, tell)

    def release(self) -> None:
        """Lets another run have the lamps."""
        if self.before is not None:
            self.marker.release()
            self.before.release()


class _Trouble:
    """A lamp that refused commands.

    Attributes:
        why: What the bridge said.
        until: When it is told something again.
        is_off: Whether it was switched off a moment ago.
        may_pass: Whether it is too early to speak of it: it was switched off, or the bridge did not answer.
    """

    def __init__(self, lamp: BridgeLamp):
        self.lamp, self.why, self.until = lamp, "", 0.0
        self.is_off = self.may_pass = False
        self._pause, self._times = FIRST_PAUSE / 2, 0

    def note(self, error: BridgeError | RefusedError, now: float) -> None:
        """Notes what was refused, and when."""
        self.why = error.said
        self._times += 1
        self.is_off = error.kind == IS_OFF and self._times == 1
        self.may_pass = self.is_off or (not error.answered and self._times == 1)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.until = 0.0 if self.is_off else now + self._pause
