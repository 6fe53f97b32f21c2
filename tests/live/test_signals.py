"""Signals that end a program raise KeyboardInterrupt, and are afterwards as they were."""

from __future__ import annotations

import signal
import threading

import pytest

from expression.live.signals import ignore_signals, interrupting_signals, patient


def test_a_signal_interrupts_and_its_handler_comes_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupting_signals():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_handler_that_was_not_set_by_python_is_left_alone(monkeypatch):
    find = signal.getsignal
    before = find(signal.SIGTERM)
    monkeypatch.setattr(signal, "getsignal", lambda n: None if n == signal.SIGTERM else find(n))
    with interrupting_signals():
        assert find(signal.SIGTERM) is before
        assert find(signal.SIGINT) is not signal.default_int_handler


def test_what_has_to_be_finished_is_not_broken_off_by_one_ctrl_c(capsys):
    insisted, handlers = [], [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with patient(lambda: "2 lights are left", lambda: insisted.append(True)):
        for name in ("SIGTERM", "SIGINT", "SIGTERM", "SIGTERM"):
            signal.raise_signal(getattr(signal, name))
        assert capsys.readouterr().out == (
            "Shutting down: 2 lights are left. Press Ctrl-C again to quit now.\n"
        )
        assert not insisted
        signal.raise_signal(signal.SIGINT)
        assert insisted
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), ValueError("closed"), RuntimeError("again")]
)
def test_a_terminal_that_is_closed_does_not_break_off_what_has_to_be_finished(error, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("builtins.print", fail)
    with patient(lambda: "", lambda: None):
        signal.raise_signal(signal.SIGINT)


def test_outside_the_main_thread_signals_are_left_alone():
    before, found = signal.getsignal(signal.SIGINT), []

    def look():
        with patient(lambda: "", lambda: None), interrupting_signals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]


def test_once_all_is_done_signals_do_nothing(monkeypatch):
    handled = {}
    monkeypatch.setattr(signal, "signal", handled.__setitem__)
    ignore_signals()
    assert {signal.SIGINT, signal.SIGTERM} <= set(handled)
    assert set(handled.values()) == {signal.SIG_IGN}
