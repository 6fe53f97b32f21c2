"""Known harmless output of native libraries is suppressed, everything else gets through."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time

import pytest

from expression.models.stderr_filter import without_lines


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


def test_threads_that_are_quiet_at_once_leave_stderr_as_it_was(capfd):
    def often():
        for _ in range(50):
            with without_lines("x"):
                time.sleep(0.0005)

    threads = [threading.Thread(target=often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_a_system_without_a_place_to_write_prints_all(capfd, monkeypatch):
    def refused():
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    with without_lines("all is well"):
        os.write(2, b"all is well\n")
    assert capfd.readouterr().err == "all is well\n"


def test_a_process_without_stderr_is_fine(monkeypatch):
    def closed(descriptor):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    with without_lines("x"):
        reached = True
    assert reached
