"""The switches of a run as buttons in a notebook, without a front end."""

from __future__ import annotations

import pytest

from expression.control import AS_READ, Control

pytest.importorskip("ipywidgets")

from expression.switches import Switches


@pytest.fixture
def control():
    return Control(["Happy", "Sad"])


def test_buttons_turn_the_switches(control):
    switches = Switches(control)
    switches.on.value, switches.pause.value, switches.override.value = False, True, "Sad"
    assert (control.on, control.paused, control.override) == (False, True, "Sad")
    switches.override.value = AS_READ
    assert control.override is None


def test_they_begin_as_the_switches_are_and_follow_whoever_else_turns_them(control):
    control.override, control.paused = "Happy", True
    switches = Switches(control)
    assert (switches.on.value, switches.pause.value, switches.override.value) == (True, True, "Happy")
    for key in "op0":
        control.press(key)
    assert (switches.on.value, switches.pause.value, switches.override.value) == (False, False, AS_READ)


def test_once_closed_they_follow_no_more(control):
    switches = Switches(control)
    switches.close()
    control.paused = True
    assert not switches.pause.value
