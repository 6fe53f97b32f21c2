"""Compares one loop with threads, and prints the table of benchmarks/README.md.

    python benchmarks/live_loop.py
    python benchmarks/live_loop.py --runs 3 --seconds 3

Every case runs the same parts in one loop and in a session's threads, in turn, and the table
shows the median of each measurement. `expression/teaching/timeline.py` describes how it is measured.
"""

import argparse
import os
import platform
import statistics
import time
from dataclasses import fields

import cv2

from expression.sinks._base import Sink
from expression.teaching.timeline import LoopResult, Parts, linear_loop, make_parts, threaded_loop
from expression.types import Face
from expression.vision.detectors import CascadeDetector, Detector, make_detector

LOOPS = {"one loop": linear_loop, "threads": threaded_loop}


class Lamp(Sink):
    """A lamp on the network that answers after a quarter of a second."""

    min_interval = 1.0

    def send(self, reading) -> None:
        time.sleep(0.25)


class Tilted(CascadeDetector):
    """A detector that searches every picture at five angles, for tilted heads."""

    quick_near = False

    def detect(self, image) -> list[Face]:
        for angle in (-40, -20, 20, 40):
            turn = cv2.getRotationMatrix2D((320, 240), angle, 1)
            super().detect(cv2.warpAffine(image, turn, (640, 480)))
        return super().detect(image)


class PlainPython(Detector):
    """A detector that computes for 40 ms in Python itself, where threads take turns."""

    name = "plain Python"

    def __init__(self):
        super().__init__()
        self._quick = make_detector("auto")

    def detect(self, image) -> list[Face]:
        ends = time.thread_time() + 0.04
        while time.thread_time() < ends:
            pass
        return self._quick.detect(image)


def quick() -> Parts:
    """Everything keeps up with the camera."""
    return make_parts("auto")


def slow() -> Parts:
    """A cascade searches the whole 640 x 480 picture five times."""
    return make_parts(Tilted("haar-alt2", smallest_face=20))


def stutter() -> Parts:
    """A sink waits for the network."""
    return make_parts("auto", sinks=[Lamp()])


def python() -> Parts:
    """The detector holds Python's lock."""
    return make_parts(PlainPython())


CASES = {
    "quick detector": quick,
    "slow detector (Haar, five angles)": slow,
    "quick detector, lamp of 0.25 s once a second": stutter,
    "quick detector after 40 ms of plain Python": python,
}


def measure(make, runs: int, seconds: float) -> dict[str, LoopResult]:
    """Returns the median result of both loops; they run in turn, so that both have the same load."""
    results: dict[str, list[LoopResult]] = {name: [] for name in LOOPS}
    for _ in range(runs):
        for name, loop in LOOPS.items():
            results[name].append(loop(make(), seconds))
    return {name: _median(of_loop) for name, of_loop in results.items()}


def _median(results: list[LoopResult]) -> LoopResult:
    names = [field.name for field in fields(LoopResult)]
    return LoopResult(**{name: statistics.median(getattr(r, name) for r in results) for name in names})


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, Python {platform.python_version()},")
    print(f"quick detector {make_detector('auto').name}, camera at 30 frames per second,")
    print(f"median of {arguments.runs} runs of {arguments.seconds:g} s\n")
    print(
        "| case | loop | shown per second | longest gap, ms | readings per second | age p50, ms | p95, ms |"
    )
    print("|---|---|---|---|---|---|---|")
    for case, make in CASES.items():
        for name, result in measure(make, arguments.runs, arguments.seconds).items():
            figures = f"{result.shown:.1f} | {result.longest_gap:.0f} | {result.readings:.1f}"
            print(
                f"| {case} | {name} | {figures} | {result.age_p50:.0f} | {result.age_p95:.0f} |", flush=True
            )


if __name__ == "__main__":
    main()
