"""Parts that several tests share: a source made of arrays, and the command line in a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import processes
import pytest

from expression.sources._base import Source

ROOT = Path(__file__).parents[1]

PATIENCE = 90.0
"""Seconds after which an event that a test waits for will not come, on a machine however busy."""


class Pictures(Source):
    """Gives the same grey picture again and again; knows whether it was opened and closed.

    Args:
        count: Pictures until the end; None for no end.
        fps: The pace.
        raises: What `read` raises once the pictures are used up, in place of the end.
    """

    def __init__(self, count: int | None = None, fps: float = 200.0, raises: Exception | None = None):
        self.fps, self._left, self._raises = fps, count, raises
        self.description = "pictures"
        self.opened = self.closed = 0
        self.read_once = threading.Event()

    def open(self) -> None:
        self.opened += 1

    def read(self) -> np.ndarray | None:
        if self._left == 0:
            if self._raises:
                raise self._raises
            return None
        if self._left is not None:
            self._left -= 1
        self.read_once.set()
        return np.full((120, 160, 3), 128, np.uint8)

    def close(self) -> None:
        self.closed += 1


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits until something holds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


def expression_process(*words: str, cwd: Path | None = None, **environ: str) -> subprocess.Popen:
    """Starts `python -m expression` with these words and no screen."""
    env = {n: v for n, v in os.environ.items() if n not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return processes.start(
        [sys.executable, "-m", "expression", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**env, "PYTHONIOENCODING": "utf-8", **environ},
    )


@contextlib.contextmanager
def disk(folder: Path, options: str):
    """A small disk of its own at a folder; the test is skipped where none can be made."""
    folder.mkdir(parents=True)
    done = sys.platform == "linux" and os.geteuid() == 0
    if not done or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]).returncode:
        pytest.skip("only an administrator on Linux can make a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
