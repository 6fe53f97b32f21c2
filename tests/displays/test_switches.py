"""The switches of a run as buttons in a notebook, without a front end."""

from __future__ import annotations

import threading

import pytest
from parts import PATIENCE

from expression.control import Control
from expression.labels import AS_READ

pytest.importorskip("ipywidgets")

from expression.displays.switches import Switches


@pytest.fixture
def control():
    return Control(["Happy", "Sad"])


def test_buttons_turn_the_switches(control):
    switches = Switches(control)
    switches.on.value, switches.pause.value, switches.override.value = False, True, "Sad"
    assert (control.on, control.paused, control.override) == (False, True, "Sad")
    switches.override.value = AS_READ
    assert control.override is None
    switches.heat_map.value = True
    assert control.heat_map


def test_they_begin_as_the_switches_are_and_follow_whoever_else_turns_them(control):
    control.override, control.paused = "Happy", True
    switches = Switches(control)
    assert (switches.on.value, switches.pause.value, switches.override.value) == (True, True, "Happy")
    for key in "oph0":
        control.press(key)
    assert switches.heat_map.value
    assert (switches.on.value, switches.pause.value, switches.override.value) == (False, False, AS_READ)


def test_once_closed_they_follow_no_more(control):
    switches = Switches(control)
    switches.close()
    control.paused = True
    assert not switches.pause.value


def test_what_another_thread_turns_while_they_follow_stays_turned(control):
    switches = Switches(control)
    follows, goes_on = threading.Event(), threading.Event()

    def wait(_change):
        follows.set()
        assert goes_on.wait(PATIENCE)

    switches.on.observe(wait, "value")
    first = threading.Thread(target=lambda: setattr(control, "on", False))
    first.start()
    assert follows.wait(PATIENCE)  # it has read that nothing is paused, and goes to show that next
    second = threading.Thread(target=lambda: setattr(control, "paused", True))
    second.start()
    goes_on.set()
    first.join()
    second.join()
    assert (control.on, control.paused, control.override) == (False, True, None)
    assert (switches.on.value, switches.pause.value, switches.override.value) == (False, True, AS_READ)


def test_turned_by_many_threads_at_once_they_show_how_all_stands(control):
    for _ in range(50):
        control.on, control.paused, control.override = True, False, None
        switches = Switches(control)
        turns = ("on", False), ("paused", True), ("override", "Sad")
        threads = [threading.Thread(target=setattr, args=(control, *turn)) for turn in turns]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (control.on, control.paused, control.override) == (False, True, "Sad")
        assert (switches.on.value, switches.pause.value, switches.override.value) == (False, True, "Sad")
        switches.close()
