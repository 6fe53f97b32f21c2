"""Switches: the switches of a run as buttons in a notebook, above its live picture.

`widget.py` shows them. Keys, MQTT and Blynk change the same switches, and these buttons follow.

Notebook: 10_reactions
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..control import Control
from ..labels import AS_READ


class Switches:
    """Buttons for off and pause, and a menu for the override.

    Args:
        control: The switches that they change and follow.

    Attributes:
        on: Whether the run looks for faces.
        pause: Whether reactions stay as they are.
        neutral: Whether people's resting faces are taken out of the readings.
        heat_map: Whether the picture shows which parts of the largest face its label depends on.
        override: The label that reactions use instead of what is read.
    """

    def __init__(self, control: Control):
        import ipywidgets

        self.on = ipywidgets.ToggleButton(
            control.on, description="Recognition", icon="eye", tooltip="Look for faces"
        )
        self.pause = ipywidgets.ToggleButton(
            control.paused,
            description="Pause",
            icon="pause",
            tooltip="Pauses lamps and other reactions",
        )
        self.neutral = ipywidgets.ToggleButton(
            control.neutral,
            description="Resting face",
            icon="meh-o",
            tooltip="Look neutral for three seconds; what your face always shows is then taken out of "
            "the readings",
        )
        self.heat_map = ipywidgets.ToggleButton(
            control.heat_map,
            description="Heat map",
            icon="fire",
            tooltip="Show which parts of the largest face its label depends on",
        )
        self.override = ipywidgets.Dropdown(
            options=(AS_READ, *control.labels),
            value=control.override or AS_READ,
            description="Reactions:",
            layout={"width": "auto"},
        )
        self._control = control
        self._lock, self._follows = threading.RLock(), _Follows()
        self._hand_on(self.on, lambda value: setattr(control, "on", value))
        self._hand_on(self.pause, lambda value: setattr(control, "paused", value))
        self._hand_on(self.neutral, lambda value: setattr(control, "neutral", value))
        self._hand_on(self.heat_map, lambda value: setattr(control, "heat_map", value))
        self._hand_on(self.override, self._choose)
        control.watch(self._follow)

    @property
    def widgets(self) -> tuple[Any, ...]:
        """All the widgets, in order."""
        return self.on, self.pause, self.neutral, self.heat_map, self.override

    def close(self) -> None:
        """Removes the widgets; the switches stay as they are."""
        self._control.unwatch(self._follow)
        for widget in self.widgets:
            widget.close()

    def _hand_on(self, widget: Any, turn: Callable[[Any], None]) -> None:
        """Changes a switch when the user changes a widget, but not when `_follow` does.

        That would undo what another thread has changed meanwhile.
        """

        def changed(change: dict) -> None:
            if not self._follows.now:
                turn(change["new"])

        widget.observe(changed, "value")

    def _choose(self, value: str) -> None:
        """Sets the override to the chosen label."""
        self._control.override = None if value == AS_READ else value

    def _follow(self) -> None:
        """Shows changes made elsewhere; of two threads at once, the later one shows the final state."""
        control = self._control
        with self._lock:
            before, self._follows.now = self._follows.now, True
            try:
                self.on.value, self.pause.value = control.on, control.paused
                self.neutral.value, self.heat_map.value = control.neutral, control.heat_map
                self.override.value = control.override or AS_READ
            finally:
                self._follows.now = before


class _Follows(threading.local):
    """Whether this thread is currently showing a change made elsewhere."""

    now = False
