"""Measures what viewers of the live page cost a run, and prints the table of benchmarks/README.md.

    python benchmarks/web.py
    python benchmarks/web.py --runs 3 --seconds 15
    python benchmarks/web.py --browser

A run plays the demo, and each viewer takes its picture and its events, as a page does, in a program on the
same machine; with --browser, each is a page in Chromium, which also draws the pictures. The median of each
measurement is printed.

Notebook: 16_records
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import shutil
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

from expression import Session
from expression.sinks._base import Sink

COUNTS = (0, 1, 4)
"""Viewers at once."""

BOUNDARY = b"--picture\r\n"


class Ages(Sink):
    """Notes how old each reading is when it arrives, in milliseconds."""

    def __init__(self):
        self.found: list[float] = []

    def send(self, reading) -> None:
        self.found.append((time.monotonic() - reading.time) * 1000)


def pictures(address: str) -> int:
    """Takes the picture until the run ends, and returns how many came."""
    count = 0
    with urllib.request.urlopen(f"{address}/live/picture") as stream:
        while line := stream.readline():
            if line.startswith(b"Content-Length"):
                count += 1
                stream.read(int(line.partition(b":")[2]) + 2)
    return count


def events(address: str) -> int:
    """Takes the events until the run ends, and returns how many came."""
    with urllib.request.urlopen(f"{address}/live/events") as stream:
        return sum(line.startswith(b"event: ") for line in stream)


def view(address: str, count: int, told: Connection) -> None:
    """Watches as several viewers until the run ends, and tells the pictures and events of one on average."""
    with ThreadPoolExecutor(2 * count) as pool:
        seen = [pool.submit(pictures, address) for _ in range(count)]
        heard = [pool.submit(events, address) for _ in range(count)]
        told.send([sum(each.result() for each in all_of_them) / count for all_of_them in (seen, heard)])


@contextlib.contextmanager
def programs(address: str, count: int) -> Iterator[Connection | None]:
    """Starts viewers in a program of their own."""
    if not count:
        yield None
        return
    told, telling = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=view, args=(address, count, telling))
    process.start()
    yield told
    process.join()


@contextlib.contextmanager
def browsers(address: str, count: int) -> Iterator[None]:
    """Opens the page several times in Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(count):
            chromium.new_context(viewport={"width": 1280, "height": 900}).new_page().goto(address)
        yield
        chromium.close()


def measured(count: int, seconds: float, viewers) -> list[float]:
    """Returns the figures of one run.

    Args:
        count: Viewers at once.
        seconds: How long is measured, once all of them watch.
        viewers: Starts them.

    Returns:
        Frames shown per second, the median and the 95th percentile of the age of the readings in ms, pictures
        encoded per second, cores used by the run, and pictures that a viewer got per second.
    """
    ages = Ages()
    with (
        Session("demo", display="web", page_port=0, sinks=[ages]) as session,
        contextlib.ExitStack() as opened,
    ):
        hub = session.display.hub
        told = opened.enter_context(viewers(session.display.server.address, count))
        assert hub.wait_for_viewers(2 * count, 120), "the viewers did not come"
        time.sleep(2)
        ages.found.clear()
        frames, encoded, processor = session.display_loop.frames, hub.encoded, time.process_time()
        began = time.perf_counter()
        time.sleep(seconds)
        took = time.perf_counter() - began
        shown, drawn = session.display_loop.frames - frames, hub.encoded - encoded
        figures = [shown / took, *(statistics.quantiles(ages.found, n=100)[share] for share in (49, 94))]
        figures += [drawn / took, (time.process_time() - processor) / took]
        watched = time.perf_counter() - began + 2
        session.stop()
        return [*figures, told.recv()[0] / watched if told else 0.0]


def main() -> None:
    """Measures each number of viewers in turn, several times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="number of runs of each case")
    parser.add_argument("--seconds", type=float, default=10, help="length of each run")
    parser.add_argument("--browser", action="store_true", help="pages in Chromium in place of programs")
    arguments = parser.parse_args()
    viewers = browsers if arguments.browser else programs
    found = {count: [] for count in COUNTS}
    for _ in range(arguments.runs):
        for count in COUNTS:
            found[count].append(measured(count, arguments.seconds, viewers))
            print(count, [round(figure, 2) for figure in found[count][-1]], file=sys.stderr)
    print(
        "| viewers | shown per second | age p50, ms | p95, ms | encoded per second | cores | pictures each |"
    )
    print("|---|---|---|---|---|---|---|")
    for count, runs in found.items():
        fps, p50, p95, drawn, cores, each = (statistics.median(f) for f in zip(*runs, strict=True))
        print(
            f"| {count} | {fps:.1f} | {p50:.0f} | {p95:.0f} | {drawn:.1f} | {cores:.2f} | "
            f"{f'{each:.1f}' if each else '–'} |"
        )


if __name__ == "__main__":
    main()
