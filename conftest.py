"""What every test and every doctest gets: an empty folder, and nothing of the reader's settings."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

# jsonschema would load a grammar of web addresses, which takes four seconds and which no test needs.
sys.modules.setdefault("rfc3987_syntax", None)

ROOT = Path(__file__).parent

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FONTS = os.environ.get("MPLCONFIGDIR") or str(CACHE / "matplotlib")
"""Where matplotlib keeps its list of fonts; building it again takes long, and prints a message."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path_factory) -> None:
    """Takes the reader's expression.toml, EXPRESSION_* variables and cache folder out of the test."""
    # tempfile's, since pytest's own look through all folders of earlier tests to number the next one
    place = Path(tempfile.mkdtemp(prefix="place-", dir=tmp_path_factory.getbasetemp()))
    (place / "empty").mkdir()
    monkeypatch.chdir(place / "empty")
    path = os.environ.get("PYTHONPATH")  # so that processes find the package from there
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), path] if path else [str(ROOT)]))
    for name in [name for name in os.environ if name.startswith("EXPRESSION_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MPLCONFIGDIR", FONTS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    own = place / "own"  # keys of lamps, and how they were
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(own / name[4:-5].lower()))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # tests kill processes, not the power
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(own))  # Windows keeps all three in one place


def pytest_configure(config):
    """Lets signals be tested where a shell in the background ignores Ctrl-C, and nohup a closed terminal."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
