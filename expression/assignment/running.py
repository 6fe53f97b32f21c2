"""Runs the scripts of an assignment, and compares what they print with what is asked for.

`audit.py` calls these functions for `expression audit --run`.

Notebook: 06_train
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from ..errors import BadInputError
from .network import ACCURACY, enough

LONGEST = 600.0
"""Seconds after which a script is stopped; TensorFlow on a slow machine reads the test set in half."""

SECONDS = 2
"""Readings of the live stream that are waited for, one a second."""

BEGINNING, PREPROCESSING = "Reading video stream", "Preprocessing"
READING = re.compile(r"\d\d:\d\d:\d\ds? ?: *\S.* *, *\d{1,3}(?:\.\d+)? ?%")
"""A line of `scripts/predict_live_stream.py`, such as: 11:11:11s : Happy , 73%"""


def accuracy(folder: Path) -> str:
    """Whether scripts/predict.py ends with an accuracy that is high enough."""
    with _started(folder, "predict.py") as process:
        lines = _lines(process)
        code = process.wait()
    _check(code, "predict.py", lines)
    match = ACCURACY.search(lines[-1]) if lines else None
    if match is None:
        raise BadInputError(
            f"scripts/predict.py ends with {lines[-1] if lines else 'nothing'!r}.",
            "Expected a last line such as: Accuracy on test set: 62%",
            "Print it there.",
        )
    return f"{enough(match[1])}, measured by scripts/predict.py"


def live_stream(folder: Path) -> str:
    """Whether scripts/predict_live_stream.py prints a reading a second, from the camera or the video."""
    with _started(folder, "predict_live_stream.py") as process:
        lines = _lines(process, SECONDS)
        code = process.poll()
        process.kill()
    _check(code, "predict_live_stream.py", lines)
    readings = [line for line in lines if READING.fullmatch(line)]
    begins = bool(lines) and lines[0].startswith(BEGINNING)
    if not begins or not readings or not any(line.startswith(PREPROCESSING) for line in lines):
        raise BadInputError(
            f"scripts/predict_live_stream.py prints {' / '.join(lines[:4]) or 'nothing'!r}.",
            f"Expected {BEGINNING} ..., {PREPROCESSING} ..., and a line such as: 11:11:11s : Happy , 73%",
            "Print them there, and read the recorded video if there is no camera.",
        )
    return f"prints {readings[-1]!r}"


def _started(folder: Path, name: str) -> subprocess.Popen:
    """Starts a script in the folder of its project; its errors come with its other lines."""
    return subprocess.Popen(
        [sys.executable, str(Path("scripts", name))],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
    )


def _lines(process: subprocess.Popen, readings: int | None = None) -> list[str]:
    """Returns the lines of a script that are not empty, until so many readings were printed, or it ends."""
    timer = threading.Timer(LONGEST, process.kill)
    timer.start()
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines += [line.strip()] if line.strip() else []
            if readings and sum(bool(READING.fullmatch(each)) for each in lines) >= readings:
                break
    finally:
        timer.cancel()
        timer.join()
    return lines


def _check(code: int | None, name: str, lines: list[str]) -> None:
    """Raises an error if a script failed."""
    if code:
        raise BadInputError(
            f"scripts/{name} fails with exit code {code}: {lines[-1] if lines else 'it prints nothing'}",
            "Expected it to run without arguments.",
            f"Run it in the project's folder, and correct it: python scripts/{name}",
        )
