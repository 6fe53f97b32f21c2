"""Writes the lock files of this folder, or checks that they match pyproject.toml and requirements.txt.

`make lock` runs it without arguments, `make lint` with `--check`. It needs uv, which `make setup` installs,
and the package index.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
OLDEST = "3.10"
"""The lock holds from this Python on; where a newer one needs another version, a marker says so."""

BUILD = "setuptools>=77\npip>=25"
"""What builds the package, which a new environment of Python 3.12 lacks, and the pip that installs the rest.

Some releases of pip fail on the kernel's version in a marker: https://github.com/pypa/packaging/issues/774
"""


def version_of(package: str) -> str:
    """Returns the version of a package in requirements.txt."""
    return re.search(rf"(?m)^{package}==([\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"))[1]


EXTRAS = (
    *("lessons", "speech", "firebase", "mqtt", "lights", "heic", "people", "parquet", "cluster"),
    *("database", "server", "test", "lint", "site"),
)
BOARD = ("mqtt", "database", "server")
LOCKS = {
    "live.txt": (["pyproject.toml", "-"], BUILD, []),
    "headless.txt": (["-"], f"opencv-python-headless=={version_of('opencv-python')}", ["--no-deps"]),
    "board.txt": (
        ["pyproject.toml", "-"],
        f"{BUILD}\nopencv-python-headless=={version_of('opencv-python')}",
        [*(f"--extra={extra}" for extra in BOARD), "--no-emit-package=opencv-python"],
    ),
    "all.txt": (
        ["pyproject.toml", "-"],
        BUILD,
        [*(f"--extra={extra}" for extra in EXTRAS), "--no-emit-package=opencv-python"],
    ),
}
"""For each file: what is locked, a further requirement, and options."""


def compile_lock(name: str, target: Path, hashes: bool = True) -> None:
    """Writes one lock; versions that `target` has already stay where they still fit."""
    inputs, further, options = LOCKS[name]
    command = [sys.executable, "-m", "uv", "pip", "compile", *inputs, *options]
    command += ["--universal", f"--python-version={OLDEST}", "--constraint=requirements.txt"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--quiet", f"--output-file={target}"]
    command += ["--custom-compile-command=make lock", *(["--generate-hashes"] if hashes else [])]
    quiet = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    subprocess.run(
        command, cwd=ROOT, input=further, text=True, check=True, stdout=subprocess.DEVNULL, env=quiet
    )


def versions(path: Path) -> list[str]:
    """Returns the lines of a lock that name a package and its version."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return sorted(line.rstrip(" \\") for line in lines if "==" in line and not line.startswith((" ", "#")))


def check(name: str) -> list[str]:
    """Returns the lines that differ between a lock and what it should be."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / name
        shutil.copy(FOLDER / name, fresh)
        compile_lock(name, fresh, hashes=False)
        return sorted(set(versions(FOLDER / name)) ^ set(versions(fresh)))


def main() -> None:
    """Writes the locks, or compares them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="compare only, and exit with 1 where they differ"
    )
    if not parser.parse_args().check:
        for name in LOCKS:
            compile_lock(name, FOLDER / name)
        return
    different = {name: lines for name in LOCKS if (lines := check(name))}
    for name, lines in different.items():
        print(f"locks/{name} does not match pyproject.toml and requirements.txt: {'; '.join(lines[:5])}.")
        print("Run: make lock")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
