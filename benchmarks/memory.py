"""Runs the demo for minutes and prints how much memory the process uses.

    python benchmarks/memory.py --minutes 10

Prints a row every half minute: seconds, resident megabytes, threads, frames, readings. The last line
compares the end with the first row after the warm-up. The latest results are in `benchmarks/README.md`.
"""

import argparse
import gc
import time

import psutil

from expression import Session
from expression.sources import open_source


def main() -> None:
    """Prints the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--source", default="demo")
    arguments = parser.parse_args()
    if not arguments.minutes > 0:
        parser.error(f"--minutes is {arguments.minutes:g}. Expected more than 0. Try --minutes 10.")
    process, sizes = psutil.Process(), []
    source = open_source(arguments.source, repeat=True)
    with Session(source, display="none", duration=arguments.minutes * 60 + 1) as session:
        began = time.monotonic()
        print("| seconds | MB | threads | frames read | readings |\n|---|---|---|---|---|")
        while (left := arguments.minutes * 60 - (time.monotonic() - began)) > 0:
            ended = session.data.wait_done(min(30.0, left))
            gc.collect()
            sizes.append(process.memory_info().rss / 1e6)
            counts = session.statistics()
            row = (f"{time.monotonic() - began:.0f}", f"{sizes[-1]:.1f}", process.num_threads())
            print(
                f"| {row[0]} | {row[1]} | {row[2]} | {counts['frames_read']} | {counts['predictions']} |",
                flush=True,
            )
            if ended:
                break
    print(f"\nFrom {sizes[0]:.1f} MB to {sizes[-1]:.1f} MB: {sizes[-1] - sizes[0]:+.1f} MB")


if __name__ == "__main__":
    main()
