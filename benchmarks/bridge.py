"""Measures how a failing Hue bridge affects a live run, and prints the table of benchmarks/README.md.

    python benchmarks/bridge.py
    python benchmarks/bridge.py --runs 3 --seconds 12

The demo runs with every frame drawn, and a lamp that gets a different light with every reading. The bridge
is the one in `expression/teaching/simulated_bridge.py`, over HTTP on loopback. In the fourth second it is
stopped, or accepts connections without answering, or is restarted; then it works again. The median of each
measurement is printed.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import threading
import time

from expression import Session
from expression.displays._base import Display
from expression.lights.colours import Light
from expression.lights.credentials import FOLDER, Paired, remember
from expression.sinks.hue import Hue
from expression.teaching.simulated_bridge import PracticeBridge

TROUBLE_AT = 3.0
"""Seconds from the start of a run to the failure."""

LASTS = {"no lamps": 0.0, "lamps": 0.0, "stopped": 3.0, "hung": 5.0, "restarted": 0.2}
"""The cases, and how long the failure lasts, in seconds."""


class Bridge(PracticeBridge):
    """A bridge that may hang: it accepts connections, but does not answer until it works again."""

    well = threading.Event()

    def respond(self, *request):
        return super().respond(*request) if self.well.is_set() or not self.well.wait(20) else None


class Restless(Hue):
    """Shows something different with every reading, since the demo changes little."""

    turn = itertools.cycle((1.0, 0.3))

    def send(self, reading) -> None:
        self.show(Light((255, 0, 0), next(self.turn)))


class Pictures(Display):
    """Takes drawn frames without a screen, and notes when."""

    name = "pictures"

    def __init__(self):
        self.times: list[float] = []

    def show(self, image, readings=None, status="") -> bool:
        self.times.append(time.monotonic())
        return True


class Drawn(Session):
    """A session with that display."""

    def make_parts(self) -> None:
        super().make_parts()
        self.display = Pictures()


def main() -> None:
    """Runs every case in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each run")
    arguments = parser.parse_args()
    rows = {case: [] for case in LASTS}
    for _ in range(arguments.runs):
        for case in rows:
            rows[case].append(measure(case, arguments.seconds))
    print(
        "| Bridge | Frames per second | Longest gap | Age of readings, 50% | 95% | Lamps back after | Stop |"
    )
    print("|---|---|---|---|---|---|---|")
    for case, runs in rows.items():
        fps, gap, half, most, again, stop = (statistics.median(column) for column in zip(*runs, strict=True))
        cells = [f"{fps:.1f}", f"{gap * 1000:.0f} ms", f"{half:.0f} ms", f"{most:.0f} ms"]
        cells += [f"{again:.1f} s" if LASTS[case] else "", f"{stop:.1f} s"]
        print(f"| {case} | {' | '.join(cells)} |")


def measure(case: str, seconds: float) -> tuple[float, ...]:
    """Runs the demo once; returns fps, longest gap, two ages, when lamps worked again, and the stop time."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        bridge = Bridge().start()
        bridge.well.set()
        bridge.users.add("key")
        remember(Paired(bridge.url, "key"))
        sinks = [] if case == "no lamps" else [Restless(lights="Sofa", dwell=0.0)]
        session = Drawn("demo", display="none", detector="haar", duration=seconds, sinks=sinks)
        well_again = []
        with session:
            threading.Timer(TROUBLE_AT, trouble, (bridge, case, well_again)).start()
            session.run()
        figures, times = session.statistics(), session.display.times[25:]  # without the start
        bridge.stop()
    followed = [moment for moment, _, _ in bridge.commands if well_again and moment > well_again[0]]
    gap = max(after - before for before, after in itertools.pairwise(times))
    again = followed[0] - well_again[0] if followed else 0.0
    age = figures["reading_age_ms"]
    return figures["display_fps"], gap, age["p50"], age["p95"], again, figures["stop_seconds"]


def trouble(bridge: Bridge, case: str, well_again: list[float]) -> None:
    """Makes the bridge fail for as long as the case says."""
    if not LASTS[case]:
        return
    if case == "hung":
        bridge.well.clear()
    else:
        bridge.stop()
    time.sleep(LASTS[case])
    bridge.well.set()
    if case != "hung":
        bridge.start()
    well_again.append(time.monotonic())


if __name__ == "__main__":
    main()
