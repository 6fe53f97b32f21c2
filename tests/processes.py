"""Programs that a test starts, such as a broker: they end with it, also when pytest is killed."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakSet

DIES_WITH_US = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Becomes another program that the system kills once its parent has ended; prctl(2) of Linux."""

_started: WeakSet[subprocess.Popen] = WeakSet()


def start(words: Sequence[Any], **options: Any) -> subprocess.Popen:
    """Starts a program as `subprocess.Popen` does; hand it to `end`, or use `running`.

    Call it in the main thread: the end of the thread that started it is that of the program.
    """
    words = [str(word) for word in words]
    if sys.platform == "linux":
        words = [sys.executable, "-IS", "-c", DIES_WITH_US, str(os.getpid()), *words]
    process = subprocess.Popen(words, **options)
    _started.add(process)
    return process


def end(process: subprocess.Popen) -> None:
    """Ends a program, if it has not ended, and lets go of its pipes."""
    _started.discard(process)
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


@contextlib.contextmanager
def ending(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    """Ends a program with the block."""
    try:
        yield process
    finally:
        end(process)


def running(words: Sequence[Any], **options: Any) -> contextlib.AbstractContextManager[subprocess.Popen]:
    """A program that runs for the length of a block."""
    return ending(start(words, **options))


@atexit.register
def _end_all() -> None:
    for process in list(_started):
        end(process)
