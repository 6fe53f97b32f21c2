"""Switches: those of a run as buttons in a notebook, beside its live picture.

`widget.py` shows them. A key of the window, MQTT and Blynk turn the same ones, and these follow.

Notebook: 09_reactions
"""

from __future__ import annotations

from typing import Any

from .control import AS_READ, Control


class Switches:
    """Buttons for off and pause, and a choice for the override.

    Args:
        control: What they turn, and follow.

    Attributes:
        on: Whether faces are looked for.
        pause: Whether reactions hold still.
        override: The label that reactions take in place of what is read.
    """

    def __init__(self, control: Control):
        import ipywidgets

        self.on = ipywidgets.ToggleButton(
            control.on, description="Recognition", icon="eye", tooltip="Look for faces"
        )
        self.pause = ipywidgets.ToggleButton(
            control.paused, description="Pause", icon="pause", tooltip="Lamps and other reactions hold still"
        )
        self.override = ipywidgets.Dropdown(
            options=(AS_READ, *control.labels),
            value=control.override or AS_READ,
            description="Reactions:",
            layout={"width": "auto"},
        )
        self._control = control
        self.on.observe(lambda change: setattr(control, "on", change["new"]), "value")
        self.pause.observe(lambda change: setattr(control, "paused", change["new"]), "value")
        self.override.observe(self._choose, "value")
        control.watch(self._follow)

    @property
    def widgets(self) -> tuple[Any, ...]:
        """All of them, in their order."""
        return self.on, self.pause, self.override

    def close(self) -> None:
        """Takes them away; the switches stay as they are."""
        self._control.unwatch(self._follow)
        for widget in self.widgets:
            widget.close()

    def _choose(self, change: dict) -> None:
        """Overrides by what was chosen."""
        self._control.override = None if change["new"] == AS_READ else change["new"]

    def _follow(self) -> None:
        """Shows what somebody else has turned."""
        control = self._control
        self.on.value, self.pause.value = control.on, control.paused
        self.override.value = control.override or AS_READ
