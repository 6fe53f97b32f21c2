"""Signals that end a program raise KeyboardInterrupt, and are afterwards as they were."""

from __future__ import annotations

import signal

import pytest

from expression.interrupts import interrupting_signals


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
