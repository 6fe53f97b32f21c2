"""Known chatter of native libraries is held back, everything else comes through."""

from __future__ import annotations

import os
import sys

import pytest

from expression.quiet import without_lines


def test_only_the_lines_named_are_dropped(capfd):
    with without_lines("all is well", "hello"):
        os.write(2, b"INFO: all is well\nERROR: fire\nhello\n")
        print("from Python", file=sys.stderr)
    assert sorted(capfd.readouterr().err.splitlines()) == ["ERROR: fire", "from Python"]


def test_lines_come_out_though_the_call_fails(capfd):
    def fail():
        with without_lines("nothing"):
            os.write(2, b"why\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert capfd.readouterr().err == "why\n"


def test_no_file_descriptor_is_left_open(capfd):
    def next_descriptor() -> int:
        number = os.dup(0)
        os.close(number)
        return number

    before = next_descriptor()
    for _ in range(5):
        with without_lines("x"):
            pass
    assert next_descriptor() == before


def test_a_process_without_stderr_is_fine(monkeypatch):
    def closed(descriptor):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    with without_lines("x"):
        reached = True
    assert reached
