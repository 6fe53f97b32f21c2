"""systemd is told that a run has started and is alive, and no longer once it is stuck."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from expression.live.data import Data
from expression.live.session import Session
from expression.live.watchdog import Watchdog, notify
from expression.types import Frame

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")


@pytest.fixture(params=["file", "abstract"])
def systemd(request, monkeypatch):
    """What systemd receives."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        path = str(Path(folder) / "notify")
        if request.param == "abstract":
            if not os.path.exists("/proc"):
                pytest.skip("only Linux has abstract sockets")
            path = f"@expression-test-{os.getpid()}"
        server.bind(path.replace("@", "\0"))
        server.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        yield server


def heard(server: socket.socket) -> str:
    return server.recv(100).decode()


@pytest.mark.slow
def test_a_run_reports_its_start_its_life_and_its_end(systemd):
    with Session("demo", display="none") as session:
        assert [heard(systemd) for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    left = "WATCHDOG=1"
    while left == "WATCHDOG=1":
        left = heard(systemd)
    assert left == "STOPPING=1"
    assert session.statistics()["threads_left"] == 0


@pytest.mark.parametrize("on", [True, False])
def test_a_run_without_new_frames_is_stuck_unless_it_is_off(systemd, on):
    data = Data()
    data.frame.publish(Frame(None))
    dog = Watchdog(data)
    dog.step()
    assert [heard(systemd), heard(systemd)] == ["READY=1", "WATCHDOG=1"]
    data.control.on = on
    dog._since = float("-inf")  # it was long ago
    dog.step()
    notify("later")
    assert heard(systemd) == ("later" if on else "WATCHDOG=1")


def test_before_the_first_frame_it_is_not_ready(systemd):
    dog = Watchdog(Data())
    dog.step()
    notify("later")
    assert heard(systemd) == "later"


def test_without_systemd_nothing_is_sent(monkeypatch, tmp_path):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not Watchdog.is_wanted()
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert Watchdog.is_wanted()
    notify("READY=1")
