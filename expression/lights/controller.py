"""LampController: the chosen lamps of a bridge, which show one light.

Lamps are controlled independently: one that refuses or hangs is reported once, skipped for a while and tried
again, while the others continue. Only if no lamp obeys is the bridge considered out of order. `sinks/hue.py`
has one.

Notebook: 09_lights
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
"""How often a run checks whether lamps were switched on or off in the meantime."""

SETTLING = 1.0
"""Seconds after a transition until the bridge reports what the lamp shows."""

PATIENCE = 0.5
"""Seconds that one reading may wait for the bridge's rate limit; the rest is sent with the next."""

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0
"""Seconds until a lamp that refused is tried again: the first pause, which then doubles, and the longest."""

logger = logging.getLogger("expression")


class LampController:
    """The chosen lamps of a bridge, which show one light.

    A group whose lamps are all on and of one kind gets a single command; otherwise each lamp gets its own, in
    its own gamut.

    Args:
        bridge: The bridge.
        settings: Which lamps, and how quickly they change.

    Attributes:
        lamps: The chosen lamps.
        before: Their previous state; None before the first look.
        marker: Tells other computers that the lamps are in use; None before the first look.
    """

    def __init__(self, bridge: Bridge, settings: LightSettings):
        self.bridge, self._settings = bridge, settings
        self.before: LampSnapshot | None = None
        self.marker: Marker | None = None
        self.lamps: list[BridgeLamp] = []
        self._group = ""  # the number of the group, if it can be controlled as one
        self._alone = False  # whether the bridge has refused a command to the group
        self._sent: dict[str, dict] = {}
        self._told_at: dict[str, float] = {}
        self._look_at = 0.0
        self._troubles: dict[str, _Trouble] = {}  # lamps that refused, by number
        self._named: set[str] = set()

    @property
    def following(self) -> list[BridgeLamp]:
        """The lamps that currently follow."""
        return [lamp for lamp in self.lamps if not lamp.skip_reason]

    def look(self) -> None:
        """Asks the bridge which lamps exist and are on, and saves the state of new ones.

        A lamp that does not show its last command gets it again: it lost power, or something else changed it.

        Raises:
            BadInputError: There is no such light or group, or another run controls the lamps.
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
        """Makes sure, once, that no other run controls the lamps."""
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
        """Reads the chosen lamps, and returns the number of the group if one was chosen.

        If a lamp or group is removed during a run, the other lamps continue.
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
        """Saves the state of new lamps; if that fails, they do not follow and the result is False."""
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
        """Whether a lamp, or every lamp of a group, shows its last command or has not had time to yet."""
        if self.bridge.pace.clock() < self._told_at[number] + told["transitiontime"] / 10 + SETTLING:
            return True
        return all(shows(told, lamp.state) for lamp in self.following if number in (lamp.number, "group"))

    def show(self, light: Light, patience: float = PATIENCE) -> bool:
        """Sends a light to each lamp that shows something else, longest-waiting first.

        Returns:
            Whether all lamps that can show it do; if not, call again: the bridge's rate limit left no time.

        Raises:
            BridgeError: The bridge does not answer, or no lamp obeys; everything is sent again next time.
        """
        clock = self.bridge.pace.clock
        ends = clock() + patience
        try:
            if clock() >= self._look_at:
                self.look()
        except BaseException:
            self._reset()
            raise
        try:
            done = self._show(light, ends)
        except BaseException as error:
            silent = not getattr(error, "answered", True)
            self._reset(self._refusing if silent and len(self._refusing) < len(self.following) else ())
            raise
        for trouble in self._troubles.values():
            if not trouble.may_pass:
                self._name(trouble.lamp, trouble.why)
        return done

    def _reset(self, but: Collection[str] = ()) -> None:
        """Forgets what was sent and which lamps refused, except for some lamps."""
        self._sent.clear()
        self._troubles = {n: trouble for n, trouble in self._troubles.items() if n in but}
        self._look_at = 0.0

    @property
    def _refusing(self) -> set[str]:
        """The numbers of lamps that refused for a reason other than being switched off."""
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
        """Returns what to send commands to, and in which gamut."""
        following = self.following
        if self._group and following:
            return [("group", following[0].gamut)]
        now = self.bridge.pace.clock()
        found = [(lamp.number, lamp.gamut) for lamp in following if not self._in_trouble(lamp, now)]
        return sorted(found, key=lambda each: self._told_at.get(each[0], 0.0))

    def _tell(self, number: str, told: dict) -> None:
        """Sends a command, without a brightness to lamps that do not have one."""
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
        """Notes that a lamp refused; one that was switched off is skipped until the next look.

        Raises:
            BridgeError: All the others refused too, or the bridge did not answer.
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
        """Whether a lamp refused a while ago and should not be tried yet."""
        return lamp.number in self._troubles and now < self._troubles[lamp.number].until

    def _name(self, lamp: BridgeLamp, why: str) -> None:
        """Warns once that a lamp does not follow."""
        if lamp.number not in self._named:
            self._named.add(lamp.number)
            logger.warning(
                "The light %s does not follow (%s). Expected it to respond like the others. "
                "It will be retried; check it in the Hue app.",
                lamp.name,
                why,
            )

    def put_back(self, seconds: float, tell: Callable[[], None]) -> Outcome:
        """Restores all lamps; see `LampSnapshot.put_back`."""
        return self.before.put_back(self.bridge, seconds, tell)

    def release(self) -> None:
        """Releases the lamps for other runs."""
        if self.before is not None:
            self.marker.release()
            self.before.release()


class _Trouble:
    """A lamp that refused commands.

    Attributes:
        why: The bridge's reason.
        until: When it is tried again.
        is_off: Whether it was switched off a moment ago.
        may_pass: Whether it is too early to report: it was switched off, or the bridge did not answer.
    """

    def __init__(self, lamp: BridgeLamp):
        self.lamp, self.why, self.until = lamp, "", 0.0
        self.is_off = self.may_pass = False
        self._pause, self._times = FIRST_PAUSE / 2, 0

    def note(self, error: BridgeError | RefusedError, now: float) -> None:
        """Notes a refusal and its time."""
        self.why = error.said
        self._times += 1
        self.is_off = error.kind == IS_OFF and self._times == 1
        self.may_pass = self.is_off or (not error.answered and self._times == 1)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.until = 0.0 if self.is_off else now + self._pause
