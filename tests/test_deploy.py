"""What starts a run on a board: the systemd unit, and the container's recipe."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from expression.cli.app import app

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "deploy" / "expression.service"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path):
    text = UNIT.read_text(encoding="utf-8")
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/expression/.venv/bin/python", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, said) == (0, [])


def test_the_unit_restarts_a_run_and_watches_it():
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    for line in ("Type=notify", "Restart=always", "KillSignal=SIGINT", "WantedBy=multi-user.target"):
        assert line in lines
    (seconds,) = [line for line in lines if line.startswith("WatchdogSec=")]
    assert int(seconds.partition("=")[2]) > 0


def test_the_display_of_the_unit_can_be_replaced_by_its_arguments():
    """As docs/raspberry_pi.md says about the live page."""
    (line,) = [
        text for text in UNIT.read_text(encoding="utf-8").splitlines() if text.startswith("ExecStart=")
    ]
    words = line.partition(" live ")[2].replace("$ARGUMENTS", "--display web").split()
    live = typer.main.get_command(app).commands["live"]
    assert live.make_context("live", words).params["display"] == "web"


def test_the_container_gets_the_files_that_it_needs():
    text = DOCKERFILE.read_text(encoding="utf-8")
    for source in re.findall(r"^COPY (\S+) ", text, re.MULTILINE):
        assert (ROOT / source).exists(), source
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = [
        "pyproject.toml",
        "expression",
        "locks",
        *re.findall(r'^readme = "(.+)"', project, re.MULTILINE),
    ]
    for name in needed:
        assert (ROOT / name).exists()
        assert not [pattern for pattern in left_out if fnmatch.fnmatch(name, pattern)], name


def test_the_container_gets_the_detector_for_the_user_who_runs_it():
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    steps = [lines.index(next(line for line in lines if line.startswith(start))) for start in (
        "RUN pip install --no-cache-dir --disable-pip-version-check --no-deps",
        "USER expression",
        "RUN python -m expression models get yunet",
        "ENTRYPOINT",
    )]  # fmt: skip
    assert steps == sorted(steps)


def test_board_and_container_have_neither_lessons_nor_windows():
    lock = (ROOT / "locks" / "board.txt").read_text(encoding="utf-8")
    packages = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert {"numpy", "ai-edge-litert", "opencv-python-headless", "paho-mqtt", "av"} <= packages
    assert {"tensorflow", "jupyterlab", "opencv-python", "matplotlib"}.isdisjoint(packages)
