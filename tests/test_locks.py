"""Everything that is installed is locked, with hashes, for each Python that is supported."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "locks"
PINNED = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([\w.]+)(?: ; (.+?))? \\$")


def locked(name: str) -> dict[str, str]:
    """Returns the text of each package in a lock, hashes included."""
    text = (LOCKS / name).read_text(encoding="utf-8")
    starts = [*PINNED.finditer(text)]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {match[0]: text[match.start() : end] for match, end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize("name", ["live.txt", "headless.txt", "all.txt"])
def test_every_package_has_a_hash(name):
    packages = locked(name)
    assert packages
    assert [line for line, text in packages.items() if "--hash=sha256:" not in text] == []


@pytest.mark.parametrize("name", ["live.txt", "headless.txt", "all.txt"])
def test_a_lock_names_no_address(name):
    assert "://" not in (LOCKS / name).read_text(encoding="utf-8")


def test_what_was_tested_together_is_what_is_locked():
    text = "".join((LOCKS / name).read_text(encoding="utf-8") for name in ("live.txt", "all.txt"))
    pins = re.findall(r"(?m)^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert len(pins) > 20
    assert [
        f"{name}=={version}" for name, version in pins if f"\n{name}=={version} " not in f"\n{text}"
    ] == []


def test_opencv_with_and_without_windows_have_one_version():
    with_windows = re.search(r"(?m)^opencv-python==(\S+)", (LOCKS / "live.txt").read_text(encoding="utf-8"))
    without = re.search(r"(?m)^opencv-python-headless==(\S+)", (LOCKS / "headless.txt").read_text("utf-8"))
    assert with_windows[1] == without[1]
    assert "opencv-python==" not in (LOCKS / "all.txt").read_text(encoding="utf-8"), (
        "it would undo headless.txt"
    )


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="this Python has packages of others, too")
def test_what_is_installed_here_is_what_is_locked():
    text = "".join((LOCKS / name).read_text("utf-8") for name in ("live.txt", "all.txt", "headless.txt"))
    names = {"numpy", "opencv-python", "ai-edge-litert", "pillow", "typer", "tqdm", "pytest"}
    installed = {name: importlib.metadata.version(name) for name in names if _is_there(name)}
    assert installed
    assert [
        f"{n}=={v}" for n, v in installed.items() if not re.search(rf"(?m)^{n}=={re.escape(v)} ", text)
    ] == []


def _is_there(name: str) -> bool:
    return any(name == found.metadata["Name"] for found in importlib.metadata.distributions(name=name))


def test_the_npm_packages_are_locked_with_hashes():
    lock = json.loads((LOCKS / "bridge" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert "node_modules/hue-simulator" in packages
    assert [
        name for name, facts in packages.items() if not facts.get("integrity", "").startswith("sha512-")
    ] == []
    assert not any("resolved" in facts for facts in packages.values()), "no address of a registry"
