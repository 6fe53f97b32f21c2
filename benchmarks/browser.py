"""Measures the browser's camera as a source, and prints the table of benchmarks/README.md.

    python benchmarks/browser.py
    python benchmarks/browser.py --runs 3 --seconds 15

A notebook runs in a real JupyterLab, in Chromium with a clip of the demo as its camera, on one machine. The
live view is on in each case, so a frame goes from the page to the kernel and back. The demo itself, which
does not need the page, is there for comparison. The median of each measurement is printed. Needs the packages
of the tests and Chromium.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from camerapage import Wish, opened, write_clip  # noqa: E402  it lies beside the tests that use it

CELL = """
import json
from expression import Session
with Session({source!r}, display="widget", duration={seconds}) as session:
    session.run()
print(json.dumps(session.statistics()))
"""

CASES = {"demo, in the kernel": "demo", "camera of the browser": "browser"}


def main() -> None:
    """Measures each case in turn several times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="number of runs of each case")
    parser.add_argument("--seconds", type=float, default=15, help="length of each run")
    arguments = parser.parse_args()
    found = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        clip = write_clip(Path(folder, "clip.mjpeg"))
        for run in range(arguments.runs):
            for case, source in CASES.items():
                place = Path(folder, f"{run} {source}")
                place.mkdir()
                found[case].append(measured(place, clip, source, arguments.seconds))
    print("| source | frames per second | age of a reading p50, ms | p95, ms |\n|---|---|---|---|")
    for case, runs in found.items():
        medians = [statistics.median(figures) for figures in zip(*runs, strict=True)]
        print(f"| {case} | " + " | ".join(f"{median:.0f}" for median in medians) + " |")


def measured(folder: Path, clip: Path, source: str, seconds: float) -> tuple[float, float, float]:
    """Returns frames per second, and the median and 95th percentile of the readings' age in ms."""
    cell = CELL.format(source=source, seconds=seconds)
    with opened(folder, clip, Wish((cell,), "granted", "")) as page:
        page.ready()
        page.run()
        page.wait("frames_read", seconds + 60)
        text = page.page.inner_text(".jp-OutputArea")
    counts = json.loads(text[text.index("{") :])
    ages = counts["reading_age_ms"]
    return counts["frames_read"] / counts["seconds"], ages["p50"], ages["p95"]


if __name__ == "__main__":
    main()
