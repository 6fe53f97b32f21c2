"""Measures whether the sink database slows a live run, and prints the table of benchmarks/README.md.

    python benchmarks/database.py
    python benchmarks/database.py --runs 3 --seconds 12 --url mysql://board:PASSWORD@127.0.0.1/home

The demo runs with every frame drawn: without the sink, with an SQLite file, with a server where nobody
listens, and with one that accepts connections and never answers; `--url` adds a real one. A row is stored
every second and at each change. The cases alternate, and the median of each measurement is printed.

Notebook: 16_records
"""

import argparse
import contextlib
import io
import itertools
import logging
import os
import platform
import socket
import statistics
import tempfile
import time
from pathlib import Path

from bridge import Drawn

from expression.records.spool import Spool, spools

DEAD = "mysql://me@127.0.0.1:9/home"
"""A port where nobody listens."""

OPTIONS = "every=1,settle=0.2"

HEAD = (
    *("Database", "Frames per second", "Longest gap", "Age of readings, 50%", "Age, 95%"),
    *("Processor time per frame", "Rows on disk", "Stop"),
)


def measure(sink: str, seconds: float) -> tuple[float, ...]:
    """Runs the demo once.

    Returns:
        Frames per second, longest gap, two ages, milliseconds of processor time for each frame, rows that
        wait on disk, and the stop time.
    """
    sinks = [f"database:url={sink},{OPTIONS}"] if sink else []
    session = Drawn("demo", display="none", detector="haar", duration=seconds, sinks=sinks)
    began = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), session:
        session.run()
    spent = time.process_time() - began
    figures, times = session.statistics(), session.display.times[25:]  # without the start
    gap = max(after - before for before, after in itertools.pairwise(times))
    waiting = 0
    for path in spools():
        waiting += Spool(path).count
        path.unlink()
    age = figures["reading_age_ms"]
    work = 1000 * spent / figures["frames_read"]
    return figures["display_fps"], gap, age["p50"], age["p95"], work, waiting, figures["stop_seconds"]


def main() -> None:
    """Runs every case in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each run")
    parser.add_argument("--url", action="append", default=[], help="a real server; repeat for more")
    arguments = parser.parse_args()
    logging.getLogger("expression").setLevel(logging.ERROR)  # the warnings about the servers
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as silent:
        os.environ["XDG_STATE_HOME"] = folder
        cases = {"no sink": "", "SQLite file": str(Path(folder) / "a.sqlite"), "nobody listens": DEAD}
        cases["no answer"] = f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/home"
        cases |= {url.partition(":")[0]: url for url in arguments.url}
        rows = {case: [] for case in cases}
        for _ in range(arguments.runs):
            for case, url in cases.items():
                rows[case].append(measure(url, arguments.seconds))
    print(f"| {' | '.join(HEAD)} |")
    print(f"|{'---|' * len(HEAD)}")
    for case, runs in rows.items():
        fps, gap, half, most, work, waiting, stop = map(statistics.median, zip(*runs, strict=True))
        cells = [f"{fps:.1f}", f"{gap * 1000:.0f} ms", f"{half:.0f} ms", f"{most:.0f} ms", f"{work:.1f} ms"]
        print(f"| {case} | {' | '.join(cells)} | {waiting:.0f} | {stop:.1f} s |")


if __name__ == "__main__":
    main()
