"""Hue: lamps of a Philips Hue bridge follow what is read.

`--sink hue`, `--sink hue:Sofa+Desk` or `--sink hue:group=Kitchen,blend=true` creates it, after
`expression lights pair`. Only its own thread waits for the bridge. At the end the lamps are restored.

Notebook: 09_lights
"""

from __future__ import annotations

import logging

from ..errors import BadInputError
from ..lights.bridge import Bridge, import_phue
from ..lights.colours import Light
from ..lights.controller import PATIENCE, LampController
from ..lights.credentials import VARIABLE, find
from ..lights.rate_limiter import RateLimiter
from ..lights.restore import Outcome
from ..lights.snapshot import LampSnapshot
from ..lights.transport import TIMEOUT, BridgeError
from ..sanitize import counted, say, some
from ._light_sink import Lighting

BACK_SECONDS = 0.5
"""Seconds that a lamp may take at the end: four commands, at the bridge's rate limit."""

SHORT = 1.0
"""Seconds to wait at the end for a bridge that did not answer last time."""

LONG = 10.0
"""Seconds that the neutral light may wait for the bridge's rate limit; nobody is there to see it."""

MOST_NAMES = 10
"""Maximum number of lights named if many are left."""

logger = logging.getLogger("expression")


class Hue(Lighting):
    """Shows the light of each label on the colour lamps that are on and reachable.

    Args:
        lights: Names or numbers of lamps, separated by +; all lamps if left out.
        group: A room, zone or group, in place of lamps.
        bridge: The address or id of the bridge; the last one paired if left out.
        follow: Follow the "largest" face, or the "mean" of everybody's scores.
        colours: Colours of labels, such as "Happy:gold+Sad:blue 40%".
        neutral: The light when nobody is there. The label Neutral has its own light in `colours`.
        blend: Mix the lights of all labels by their scores.
        by_score: Dim the light when the score is low.
        brightness: Factor for all brightnesses, 0 to 1.
        transition: Seconds to fade from one light to the next.
        dwell: Seconds that a label must stay the same before it is shown.

    Attributes:
        controller: The lamps; None before `open`.
        pace: Limits the rate of commands.
        left: The names of lamps that `close` could not restore.
        restored: Whether all lamps are as they were.
    """

    extra = "lights"
    option = "lights"
    later = "expression lights restore"
    place = "bridge"
    secrets = (VARIABLE,)
    keeps = ""

    def __init__(
        self,
        lights: str | None = None,
        group: str | None = None,
        bridge: str | None = None,
        follow: str | None = None,
        colours: str | None = None,
        neutral: str | None = None,
        blend: bool | None = None,
        by_score: bool | None = None,
        brightness: float | None = None,
        transition: float | None = None,
        dwell: float | None = None,
    ):
        options = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**options)
        self.pace = RateLimiter()
        self.controller: LampController | None = None
        self.left: list[str] = []
        self.restored = True
        self._bridge: Bridge | None = None
        self._before: LampSnapshot | None = None
        self._closing = False

    @property
    def close_seconds(self) -> float:
        """How long `close` may take: long with many lamps, but only while the bridge answers."""
        if self._before is None or not (self._closing or self._bridge.transport.answers):
            return 0.0
        return self._back_seconds() + LONG

    @property
    def unfinished(self) -> str:
        """How many lamps `close` still has to restore, as text."""
        names = self._before.pending if self._closing else []
        count = counted(len(names), "light has", "lights have")
        return f"{count} yet to be restored ({some(names, MOST_NAMES)})" if names else ""

    def _back_seconds(self) -> float:
        return TIMEOUT + BACK_SECONDS * len(self._before.lamps)

    def open(self) -> None:
        """Looks up the lamps, and saves their state.

        Raises:
            BadInputError: No bridge has been paired, the key is wrong, there is no such light, or another run
                controls the lamps of the bridge.
            MissingPackageError: phue is not installed.
            BridgeError: The bridge does not answer; it is tried again.
        """
        import_phue()  # before looking for a paired bridge, since pairing needs it too
        self._bridge = Bridge(find(self.settings.bridge, found_in=self.settings.found_in), self.pace)
        controller = LampController(self._bridge, self.settings)
        try:
            controller.look()
        except BaseException:
            controller.release()
            self._bridge.close()
            raise
        self.controller, self._before = controller, controller.before
        super().open()
        self._report_earlier(controller.before)
        if controller.marker.refused:
            say(
                f"The bridge could not be marked as in use ({controller.marker.refused}). "
                "Do not use its lights from another computer during this run."
            )
        if not controller.following:
            why = (
                ", ".join(f"{lamp.name}: {lamp.skip_reason}" for lamp in controller.lamps)
                or "none were found"
            )
            logger.warning(
                "No light can follow at the moment (%s). Expected a colour light that is on and reachable. "
                "Switch one on; it joins in automatically.",
                why,
            )

    def _report_earlier(self, before: LampSnapshot) -> None:
        """Prints that more will be restored at the end than this run changes."""
        names, since = before.waiting
        when = f"at the end the lights will be restored to their state on {before.left or since}"
        if before.left:
            say(f"An earlier run was interrupted; {when}.")
        if names:
            say(f"Not restored when an earlier run ended: {', '.join(names)}; {when}.")

    def show(self, light: Light) -> None:
        """Sends a light to the lamps that do not show it yet.

        Raises:
            BridgeError: The bridge does not answer, or no longer accepts commands.
        """
        self._show(light, PATIENCE)

    def empty(self) -> None:
        """Shows the neutral light on all lamps, waiting longer for the bridge's rate limit.

        Raises:
            BridgeError: As in `show`.
        """
        self._show(self.settings.light_of_nobody(), LONG)

    def _show(self, light: Light, patience: float) -> None:
        try:
            self.controller.show(light, patience)
        except BadInputError as error:  # the key and the lamps were valid before: this does not end a run
            raise BridgeError(error.happened, error.expected, error.remedy) from error

    def close(self) -> None:
        """Restores the lamps; does nothing if that is done or `open` did not find any.

        Raises:
            BridgeError: The bridge does not answer; the previous states stay on disk.
        """
        if self.controller is None:
            return
        controller, self.controller = self.controller, None
        self.restored = False
        self.left = [kept["name"] for kept in controller.before.lamps.values()]
        seconds = self._back_seconds()
        if not self._bridge.transport.answers:
            self._bridge.transport.timeout = SHORT
        self._closing = True
        try:
            outcome = controller.put_back(seconds, lambda: say("Restoring the lights ..."))
        except (BridgeError, BadInputError) as error:
            raise BridgeError(
                f"The lights were not restored: {error.happened}",
                "Expected the bridge to answer; their previous state is saved.",
                f"Once it does, run: {self.later}",
            ) from error
        except KeyboardInterrupt:
            self.left = controller.before.pending
            raise
        finally:
            controller.release()
            self._bridge.close()
            self._closing = False
        self.left = outcome.kept
        self.restored = not (outcome.kept or outcome.partly or outcome.gone)
        _report_unrestored(outcome, seconds)


def _report_unrestored(outcome: Outcome, seconds: float) -> None:
    """Prints which lamps were not restored, and what to do.

    Raises:
        BridgeError: There was no time left for some of them.
    """
    for name, lacks in outcome.partly.items():
        say(f"Restored as far as known: {name} (before the run the bridge reported {lacks}).")
    if outcome.off:
        names = ", ".join(outcome.off)
        say(f"Switched off and not restored yet: {names}. When switched on again, run: {Hue.later}")
    if outcome.far:
        names = ", ".join(outcome.far)
        say(f"Unreachable and not restored yet: {names}. Run later: {Hue.later}")
    if outcome.deaf:
        names = ", ".join(outcome.deaf)
        say(f"{names} did not return to the previous state. Try again: {Hue.later}")
    if outcome.gone:
        say(f"No longer on the bridge, and forgotten: {', '.join(outcome.gone)}.")
    for name, why in outcome.refused.items():
        say(f"Not restored yet: {name} ({why}). Try again: {Hue.later}")
    if outcome.late:
        raise BridgeError(
            f"These lights were not restored within {seconds:.0f} s: {', '.join(outcome.late)}.",
            "Expected the bridge to be faster; their previous state is saved.",
            f"Run: {Hue.later}",
        )
