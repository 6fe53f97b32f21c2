"""Watchdog: tells systemd that a run has started, and that it is still alive.

With the unit in `deploy/`, systemd restarts a run that stops telling. `session.py` starts the Watchdog if
systemd asks for it.

Source: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html

Notebook: 07_live
"""

from __future__ import annotations

import os
import socket
import time

from .data import Data
from .worker import Worker

STUCK_SECONDS = 60.0
"""After so long without a new frame the run is no longer reported as alive, unless it is switched off."""


class Watchdog(Worker):
    """Reports to systemd: ready once the first frame has come, and then twice within each period.

    Args:
        data: The shared object.
    """

    def __init__(self, data: Data):
        super().__init__(data, "watchdog")
        self._pause = _period() / 2
        self._ready = False
        self._version, self._since = 0, time.monotonic()

    @staticmethod
    def is_wanted() -> bool:
        """Whether systemd started this process and waits for reports."""
        return bool(os.environ.get("NOTIFY_SOCKET"))

    def step(self) -> None:
        """Waits, and reports if the run is alive."""
        if self.data.wait_done(self._pause if self._ready else 0.1):
            return
        now, version = time.monotonic(), self.data.frame.version
        if version != self._version or not self.data.control.on:
            self._version, self._since = version, now
        if not self._ready and version:
            self._ready = True
            notify("READY=1")
        if self._ready and now - self._since < STUCK_SECONDS:
            notify("WATCHDOG=1")

    def teardown(self) -> None:
        """Reports that the run is over."""
        notify("STOPPING=1")


def _period() -> float:
    """Returns the seconds within which systemd expects a report; half a minute if it does not say."""
    written = os.environ.get("WATCHDOG_USEC", "")
    return int(written) / 1e6 if written.isdecimal() and int(written) else 30.0


def notify(text: str) -> None:
    """Sends a line to systemd; without effect if it does not listen."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    address = f"\0{address[1:]}" if address.startswith("@") else address  # an abstract socket
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1.0)
            sender.sendto(text.encode(), address)
    except OSError:
        pass  # systemd is restarting; the next report arrives
