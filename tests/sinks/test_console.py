"""The console sink: a line a second, and silent when its output is not read."""

from __future__ import annotations

import os
import re
import sys

import pytest
from parts import PATIENCE, expression_process
from readings import feed, reading, seen

from expression.sinks.console import Console

CLOCK = r"\d\d:\d\d:\d\d   "


def test_the_console_prints_the_people_of_a_frame_in_one_line(capsys):
    feed(Console(), seen(0, p2="Sad", p1="Happy"), seen(0.1, p1="not sure"))
    out = capsys.readouterr().out
    assert re.fullmatch(CLOCK + r"1 Happy     75%   2 Sad       75%\n", out), out


def test_the_console_prints_a_line_a_second_at_most(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("expression.sinks.console.time.monotonic", lambda: now[0])
    console = Console()
    for number in range(40):
        now[0] = 100 + number / 10
        console.send(reading(1, "Happy", number))
    console.close()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(re.fullmatch(CLOCK + "1 Happy     75%", line) for line in lines)


def test_the_console_prints_a_single_reading_too(capsys):
    feed(Console(), seen(0, p1="Happy"))
    assert capsys.readouterr().out.count("\n") == 1


def test_the_console_says_once_that_nobody_is_there(capsys):
    feed(Console(), seen(0, p1="Happy"), *(seen(t) for t in range(1, 9)))
    assert re.fullmatch(CLOCK + "1 Happy     75%\n" + CLOCK + "nobody\n", capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe as they are on Unix")
def test_a_live_run_ends_without_a_word_when_nobody_reads_it_any_more():
    process = expression_process("live", "--source", "demo", "--display", "none")
    while not re.match(CLOCK, process.stdout.readline()):
        pass
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=PATIENCE) == 0, err
    assert err == ""


def test_other_errors_of_the_console_are_not_hidden(monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(28, os.strerror(28))

        def flush(self):
            """There is nothing to flush."""

    monkeypatch.setattr(sys, "stdout", Full())
    console = Console()
    console.send(reading())
    with pytest.raises(OSError, match="No space"):
        console.close()
    assert not console.finished
