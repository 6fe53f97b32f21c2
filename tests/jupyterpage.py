"""JupyterLab on loopback and a browser that opens it; for the tests that need them."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import processes
import pytest
from parts import PATIENCE

from expression.teaching.local_broker import free_port

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
PICTURE = "img.widget-image"
IN_A_BROWSER = [
    pytest.mark.timeout(300),
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)"),
]


@contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """Runs JupyterLab over a folder, on loopback, and gives its address."""
    port = free_port()
    words = f"--allow-root --no-browser --ServerApp.ip=127.0.0.1 --ServerApp.port={port}"
    words += " --ServerApp.port_retries=0"  # never the port of another test's server
    home = {name: str(folder) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    server = processes.start(
        [
            *(sys.executable, "-m", "jupyterlab", *words.split()),
            *(f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="),
            "--ServerApp.disable_check_xsrf=True",  # so that a test may ask for a restart, too
        ],
        env=os.environ | home,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            assert server.poll() is None, "JupyterLab ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()  # it asks its kernels to end, and waits for them
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=PATIENCE)
        processes.end(server)


def _answers(port: int) -> bool:
    """Whether a server listens on a port by now."""
    time.sleep(0.1)
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0


def ready(page: playwright.Page) -> None:
    """Waits until the kernel is idle."""
    page.click(".jp-CodeCell .cm-content")
    page.wait_for_selector("text=| Idle")
