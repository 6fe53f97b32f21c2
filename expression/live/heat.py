"""HeatLoop: the thread that finds out which parts of the largest face its label depends on.

It computes only while the switch `Control.heat_map` is on, beside the prediction and not within it, so
that readings do not get older. `display_loop.py` draws the result.

Notebook: 07_live
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

from ..models import Runtime
from ..models.occlusion import occlusion_map
from ..types import Frame, HeatMap, Reading, largest
from .data import Data
from .worker import Worker

EVERY = 0.065
"""Seconds from one map to the next, at least: at most fifteen a second look smooth, and leave the processor
to the others."""

CALM = 0.25
"""Seconds over which maps are averaged, since single ones tremble with the grain of the picture."""


class HeatLoop(Worker):
    """Follows `data.readings`, and publishes `data.heat` for the largest face while the switch is on.

    Args:
        data: The shared object.
        runtime: The network of the run.
    """

    def __init__(self, data: Data, runtime: Runtime):
        super().__init__(data, "heat map", output=data.heat)
        self._runtime, self._follower = runtime, data.readings.follow()
        self._last: HeatMap | None = None

    def step(self) -> None:
        """Waits for newer readings, and publishes the map of the largest face."""
        seen = self._follower.next()
        if seen is None:
            return self.finish()
        reading = largest(seen.items)
        if reading is None or not self.data.control.heat_map:
            self._last = None
            return
        began = time.monotonic()
        self._last = self._calmed(self._map(seen.frame, reading))
        self.data.heat.publish(self._last)
        self.data.wait_done(max(0.0, began + EVERY - time.monotonic()))

    def _map(self, frame: Frame, reading: Reading) -> HeatMap:
        """Returns the map of one face in one frame."""
        face = self._runtime.preprocess(frame.image, reading.box)
        drops = occlusion_map(self._runtime, face, reading.best)
        return HeatMap(reading.person, reading.best, drops, frame.time)

    def _calmed(self, new: HeatMap) -> HeatMap:
        """Returns a map averaged with the ones before, if they are of the same person and label."""
        last = self._last
        if last is None or (last.person, last.label) != (new.person, new.label):
            return new
        share = 1 - math.exp(-max(0.0, new.time - last.time) / CALM)
        return replace(new, drops=last.drops + share * (new.drops - last.drops))
