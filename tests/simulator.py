"""The emulated bridge hue-simulator of npm: installed once into the environment, started by tests."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

VERSION = "0.0.11"
FOLDER = Path(sys.prefix) / "hue-simulator"
USER = "newdeveloper"


def installed() -> Path:
    """Returns its program; the test is skipped where there is no npm, or no network to install it from."""
    program = FOLDER / "node_modules" / "hue-simulator" / "bin" / "hue-simulator"
    if not shutil.which("node") or not (program.is_file() or shutil.which("npm")):
        pytest.skip("needs npm for the emulated bridge: sudo apt-get install npm")
    if not program.is_file():
        words = ["npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund"]
        try:
            subprocess.run([*words, f"hue-simulator@{VERSION}"], check=True, capture_output=True, timeout=90)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"npm could not install hue-simulator: {error}")
    return program


class Simulator:
    """A running simulator; `state` asks it directly, beside the code that is tested."""

    def __init__(self):
        program = installed()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [shutil.which("node"), program, f"--port={self.port}", "--hostname=127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _wait(self) -> None:
        ends = time.monotonic() + 20
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
        with urllib.request.urlopen(f"{self.url}/api/{USER}", timeout=5) as answer:
            return json.load(answer)

    def lamp(self, number: str) -> dict:
        return self.state()["lights"][number]["state"]

    def change(self, number: str, **state) -> None:
        """Sets a lamp, as another app would."""
        url = f"{self.url}/api/{USER}/lights/{number}/state"
        urllib.request.urlopen(
            urllib.request.Request(url, json.dumps(state).encode(), method="PUT"), timeout=5
        ).close()

    def press(self) -> None:
        """Presses its button."""
        urllib.request.urlopen(f"{self.url}/linkbutton", timeout=5).close()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
