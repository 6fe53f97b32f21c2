"""The common base of the light sinks: all turn readings into light in the same way.

Notebook: 09_lights
"""

from __future__ import annotations

from typing import Any

from ..labels import folded_label
from ..lights.colours import Light
from ..lights.settings import LightSettings
from ..types import Reading
from ._base import Sink
from ._options import warn_of_labels


class Lighting(Sink):
    """Turns readings into light; a subclass writes `show`.

    Args:
        **options: Options that replace the settings; see `LightSettings`.

    Attributes:
        settings: How lamps follow readings.
    """

    reacts = True

    def __init__(self, **options: Any):
        self.settings = LightSettings.load(**options)
        self.room = self.settings.follow
        self.dwell = 0.0 if self.settings.blend else self.settings.dwell

    def open(self) -> None:
        """Warns about colours for labels that the network does not have."""
        labels = self.control.labels
        known = set(map(folded_label, labels))
        strange = [label for label in self.settings.chosen if folded_label(label) not in known]
        warn_of_labels(f"Colours of the sink {self.name}", strange, labels)

    def send(self, reading: Reading) -> None:
        """Shows the light of a reading, if it has one."""
        light = self.settings.light_of(reading)
        if light is not None:
            self.show(light)

    def empty(self) -> None:
        """Shows the neutral light, since nobody is there."""
        self.show(self.settings.light_of_nobody())

    def show(self, light: Light) -> None:
        """Shows a light until the next call."""
        raise RuntimeError(f"{type(self).__name__} does not define show")
