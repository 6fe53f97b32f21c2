"""Measures how long the network takes for a face, in LiteRT and in Keras, and to start.

    python benchmarks/network.py

Faces are scored one by one, as in a live run; the two take turns, so that a busy moment hits
both. The start is measured in fresh processes, from the import of `expression.runtime` to the first
score, with numpy and OpenCV loaded. `benchmarks/README.md` keeps the last figures.

Notebook: 14_small_and_fast
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from expression.models import SHIPPED
from expression.runtime import Runtime, load

START = """
import sys, time
import cv2, numpy
started = time.perf_counter()
from expression.runtime import load
load(sys.argv[1]).scores(numpy.zeros((1, 48, 48, 1), numpy.float32))
print(time.perf_counter() - started)
"""


def main() -> None:
    """Prints a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if rounds < 1:
        parser.error(f"--rounds is {rounds}. Expected 1 or more. Try --rounds 5.")
    paths = [SHIPPED, SHIPPED.with_suffix(".keras")]
    starts = {path: statistics.median(start(path) for _ in range(rounds)) for path in paths}
    runtimes = {path: load(path) for path in paths}
    times = {path: [] for path in paths}
    for _ in range(rounds):
        for path, runtime in runtimes.items():
            times[path].append(face(runtime))
    print("| network | MB | ms a face | from import to the first score, s |\n|---|---|---|---|")
    for path in paths:
        size = path.stat().st_size / 1e6
        print(f"| {path.name} | {size:.2f} | {statistics.median(times[path]):.2f} | {starts[path]:.2f} |")


def face(runtime: Runtime, count: int = 200) -> float:
    """Returns the median of the milliseconds for one face."""
    picture = np.random.default_rng(0).normal(size=(1, runtime.size, runtime.size, 1)).astype(np.float32)
    found = []
    for _ in range(count):
        began = time.perf_counter()
        runtime.scores(picture)
        found.append(time.perf_counter() - began)
    return statistics.median(found) * 1000


def start(path: Path) -> float:
    """Returns the seconds from the import to the first score, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", START, str(path)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


if __name__ == "__main__":
    main()
