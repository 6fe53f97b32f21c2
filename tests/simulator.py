"""The emulated bridge hue-simulator of npm, which `make test` installs; started by the tests."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import processes
import pytest
from parts import PATIENCE

from expression.teaching.local_broker import free_port

PROGRAM = Path(sys.prefix) / "bridge" / "node_modules" / "hue-simulator" / "bin" / "hue-simulator"
USER = "newdeveloper"


def installed() -> Path:
    """Returns its program; the test is skipped where there is none."""
    if not PROGRAM.is_file() or not shutil.which("node"):
        pytest.skip("needs npm and, by it, hue-simulator: sudo apt-get install npm && make clean test")
    return PROGRAM


class Simulator:
    """A running simulator; `state` asks it directly, beside the code that is tested."""

    def __init__(self):
        program = installed()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = processes.start(
            [shutil.which("node"), program, f"--port={self.port}", "--hostname=127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, "the simulator ended"
                assert time.monotonic() < ends, "the simulator did not start"
                time.sleep(0.05)

    def state(self) -> dict:
        """All that it knows."""
        with urllib.request.urlopen(f"{self.url}/api/{USER}", timeout=PATIENCE) as answer:
            return json.load(answer)

    def lamp(self, number: str) -> dict:
        return self.state()["lights"][number]["state"]

    def change(self, number: str, **state) -> None:
        """Sets a lamp, as another app would."""
        url = f"{self.url}/api/{USER}/lights/{number}/state"
        urllib.request.urlopen(
            urllib.request.Request(url, json.dumps(state).encode(), method="PUT"), timeout=PATIENCE
        ).close()

    def press(self) -> None:
        """Presses its button."""
        urllib.request.urlopen(f"{self.url}/linkbutton", timeout=PATIENCE).close()

    def stop(self) -> None:
        processes.end(self._process)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_) -> None:
        self.stop()
