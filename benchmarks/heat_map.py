"""Measures whether heat maps find what matters, and what they cost a live run; see benchmarks/README.md.

    python benchmarks/heat_map.py --data fer2013
    python benchmarks/heat_map.py --data fer2013 --count 200 --runs 3 --seconds 12

First, faces of PublicTest: the fifth of the patches that the map calls most important is covered, and, to
compare, as many patches drawn by lot. If the map is right, the score of the label falls much further in the
first case. Then the demo runs with every frame drawn, without heat maps and with them in turn; the median
of each measurement is printed.

Notebook: 15_small_and_fast
"""

import argparse
import contextlib
import io
import os
import platform
import statistics
import sys

import numpy as np
from bridge import Drawn
from tqdm import tqdm

from expression.datasets.dataset import read
from expression.errors import ExpressionError
from expression.models import Runtime, load
from expression.models.occlusion import GRID, covered, occlusion_map

FIFTH = GRID * GRID // 5
DRAWS = 20
"""How often patches are drawn by lot for each face."""


def falls(network: Runtime, picture: np.ndarray, chance: np.random.Generator) -> tuple[float, ...]:
    """Returns the score of the label of a face, and how far it falls with the top patches and by lot."""
    face = network.preprocess(picture)
    scores = network.scores(face[None])[0]
    best = scores.argmax()
    order = occlusion_map(network, face, network.labels[best]).ravel().argsort()
    lots = [chance.permutation(GRID * GRID)[:FIFTH] for _ in range(DRAWS)]
    faces = np.stack([covered(face, patches) for patches in (order[-FIFTH:], *lots)])
    fallen = scores[best] - network.scores(faces)[:, best]
    return float(scores[best]), float(fallen[0]), float(fallen[1:].mean())


def faithful(data: str, count: int) -> None:
    """Prints the table of what covering does."""
    network, chance = load(), np.random.default_rng(0)
    pictures = read(data, also=network.labels).validation.first(count).pictures
    rows = np.array([falls(network, picture, chance) for picture in tqdm(pictures, disable=None)])
    score, top, lot = rows.mean(0)
    print(f"{len(rows)} faces, mean score of the label {score:.3f}\n")
    print(f"| covered: {FIFTH} of {GRID * GRID} patches | the score falls by |")
    print("|---|---|")
    print(f"| most important | {top:.3f} |")
    print(f"| by lot | {lot:.3f} |\n")
    further = (rows[:, 1] > rows[:, 2]).mean()
    print(f"{top / lot:.1f} times as far; further for {further:.0%} of the faces\n", flush=True)


def live(on: bool, seconds: float) -> tuple[float, ...]:
    """Runs the demo once; returns maps per second, frames per second and two ages."""
    session = Drawn("demo", display="none", duration=seconds)
    with contextlib.redirect_stdout(io.StringIO()), session:
        session.control.heat_map = on
        session.run()
    figures = session.statistics()
    age = figures["reading_age_ms"]
    return session.data.heat.version / figures["seconds"], figures["display_fps"], age["p50"], age["p95"]


def main() -> int:
    """Prints both tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="FER2013")
    parser.add_argument("--count", type=int, default=200, help="number of faces")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each run")
    arguments = parser.parse_args()
    try:
        faithful(arguments.data, arguments.count)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    cases = {"off": False, "on": True}
    rows = {case: [] for case in cases}
    for _ in range(arguments.runs):
        for case, on in cases.items():
            rows[case].append(live(on, arguments.seconds))
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}\n")
    print("| heat map | maps per second | frames per second | age of readings p50, ms | p95, ms |")
    print("|---|---|---|---|---|")
    for case, runs in rows.items():
        maps, fps, half, most = map(statistics.median, zip(*runs, strict=True))
        print(f"| {case} | {maps:.1f} | {fps:.1f} | {half:.0f} | {most:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
