"""Hue: lamps of a Philips Hue bridge follow what is read.

`--sink hue`, `--sink hue:Sofa+Desk` or `--sink hue:group=Kitchen,blend=true` makes it, after
`expression lights pair`. Its thread alone waits for the bridge. At the end the lamps are as they were.

Notebook: 08_lights
"""

from __future__ import annotations

import logging

from ..bridge import Bridge, BridgeError, Pace
from ..colours import Light
from ..control import Control
from ..crew import PATIENCE, Crew
from ..errors import BadInputError
from ..keys import find
from ..lightsettings import COLOURS
from ._lighting import Lighting
from ._options import warn_of_labels

SHORT = 1.0
"""Seconds that a bridge which did not answer last time is waited for at the end."""

LONG = 10.0
"""Seconds that the neutral light may wait for the bridge's rate; nobody is there who could see it."""

logger = logging.getLogger("expression")


class Hue(Lighting):
    """Sends what changed to the lamps that are on, in colour, and within reach.

    Args:
        lights: Names or numbers of lamps with a + between; all if left out.
        group: A room, a zone or a group, in place of lamps.
        bridge: The address of the bridge; the one paired last if left out.
        follow: largest or mean: whom the lamps follow.
        colours: Lights of labels, such as "Happy:gold+Sad:blue 40%".
        neutral: The light when nobody is there.
        blend: Mix the lights of all labels by their scores.
        by_score: A low score shows less bright.
        brightness: Times all brightnesses, 0 to 1.
        transition: Seconds from one light to the next.
        dwell: Seconds that a label must have been the same before it is shown.

    Attributes:
        crew: The lamps; None before `open`.
        pace: Keeps commands apart.
    """

    extra = "lights"
    option = "lights"

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
        self.pace = Pace()
        self.crew: Crew | None = None
        self._bridge: Bridge | None = None
        self._worked = True

    def open(self) -> None:
        """Looks which lamps are there, and keeps how they are.

        Raises:
            BadInputError: No bridge was paired, the key is wrong, or there is no such light.
            MissingPackageError: phue is not installed.
            BridgeError: The bridge does not answer; it is tried again.
        """
        self._bridge = Bridge(find(self.settings.bridge), self.pace)
        crew = Crew(self._bridge, self.settings)
        try:
            crew.look()
        except BaseException:
            self._bridge.close()
            raise
        self.crew = crew
        labels = getattr(self, "control", Control()).labels
        known = {label.casefold() for label in (*COLOURS, *labels)}
        warn_of_labels(
            "Colours of the sink hue", [c for c in self.settings.colours if c not in known], labels
        )
        if crew.before.left:
            then = f"at the end the lights are put back as they were on {crew.before.left}"
            print(f"An earlier run was cut off; {then}.", flush=True)
        if not crew.following:
            why = ", ".join(f"{lamp.name}: {lamp.left_alone}" for lamp in crew.lamps) or "there are none"
            logger.warning(
                "No light can follow now (%s). Expected one with colours that is on and within reach. "
                "Switch one on: it joins in by itself.",
                why,
            )

    def show(self, light: Light) -> None:
        """Sends what changed.

        Raises:
            BridgeError: The bridge does not answer, or takes no commands any more.
        """
        self._show(light, PATIENCE)

    def empty(self) -> None:
        """Shows the neutral light on all lamps, however long the bridge's rate takes.

        Raises:
            BridgeError: As in `show`.
        """
        self._show(self.settings.light_of_nobody(), LONG)

    def _show(self, light: Light, patience: float) -> None:
        self._worked = False
        try:
            self.crew.show(light, patience)
        except BadInputError as error:  # it knew key and lamps before: a run does not end for that
            raise BridgeError(error.happened, error.expected, error.remedy) from error
        self._worked = True

    def close(self) -> None:
        """Puts the lamps back as they were; does nothing where that is done or none were looked at.

        Raises:
            BridgeError: The bridge does not answer; how they were is kept on disk.
        """
        if self.crew is None:
            return
        crew, self.crew = self.crew, None
        if not self._worked:
            self._bridge.transport.timeout = SHORT
        try:
            far = crew.put_back()
        except (BridgeError, BadInputError) as error:
            raise BridgeError(
                f"The lights were not put back: {error.happened}",
                "Expected the bridge to answer; how they were is kept.",
                "Once it does, run: expression lights restore",
            ) from error
        finally:
            self._bridge.close()
        if far:
            names = ", ".join(lamp.name for lamp in far)
            print(f"Cannot be reached and is not put back yet: {names}. Later: expression lights restore")
