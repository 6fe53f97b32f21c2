"""Measures how fast a recording becomes rows, and whether memory grows with its length; prints Markdown.

    python benchmarks/analysis.py CLIP [--fer PYTHON] [--minutes 20]

CLIP is a video with faces. It is decoded alone, and analysed with one thread and with two, in turn, so that
other load on the machine affects all. PYTHON is that of an environment with the PyPI package fer, which then
analyses the same clip in turn with the others, with its default detector, on one core (on Linux) and on all.
Its time begins once it and the clip are loaded. With --minutes, the clip is repeated to that length and
analysed with two threads, and the memory is measured in each quarter.

Notebook: 13_video
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import psutil

from expression.analysis.run import analyze
from expression.settings import Settings
from expression.sources.video import Video

FER = """
import os, sys, time
if sys.argv[2] == "1":
    os.sched_setaffinity(0, {0})
import cv2
from fer.fer import FER
detector, capture = FER(), cv2.VideoCapture(sys.argv[1])
frames = []
while True:
    there, image = capture.read()
    if not there:
        break
    frames.append(image)
detector.detect_emotions(frames[0])
began, found = time.perf_counter(), 0
for image in frames:
    found += bool(detector.detect_emotions(image))
print(len(frames), found, time.perf_counter() - began)
"""
"""Reads every frame with fer, whose time does not include decoding."""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, help="a video with faces")
    parser.add_argument("--fer", help="the python of an environment with the package fer")
    parser.add_argument("--minutes", type=float, help="also analyse the clip repeated to this length")
    parser.add_argument("--turns", type=int, default=5, help="how often each is measured")
    parser.add_argument("--detector", default="auto", help="as for expression analyze")
    arguments = parser.parse_args()
    settings = Settings(detector=arguments.detector)
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments.clip, Path(folder), settings, arguments.fer, arguments.turns)
        if arguments.minutes:
            lengthy = repeated(arguments.clip, Path(folder) / "lengthy.mp4", arguments.minutes * 60)
            memory(lengthy, Path(folder) / "lengthy.csv", settings)


def compare(clip: Path, folder: Path, settings: Settings, fer: str | None, turns: int) -> None:
    """Prints a row for each way to read the clip."""
    ways = {
        "decoding alone": lambda: decoded(clip),
        "analyze, one thread": lambda: analyzed(clip, folder / "one.csv", settings, 1),
        "analyze, two threads": lambda: analyzed(clip, folder / "two.csv", settings, 2),
    }
    if fer:
        ways["fer on one core, without decoding"] = lambda: read_by_fer(clip, fer, "1")
        ways["fer on all cores, without decoding"] = lambda: read_by_fer(clip, fer, "all")
    runs = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            runs[name].append(way())
    print("| | frames | with a face | frames per second | to one thread |")
    print("|---|---|---|---|---|")
    one = [seconds / frames for frames, _, seconds in runs["analyze, one thread"]]
    for name, values in runs.items():
        frames, found, _ = values[0]
        rate = statistics.median(frames / seconds for frames, _, seconds in values)
        ratios = [mine / (seconds / frames) for mine, (frames, _, seconds) in zip(one, values, strict=True)]
        shown = "" if found is None else found
        print(f"| {name} | {frames} | {shown} | {rate:.0f} | {statistics.median(ratios):.2f} |")
    same = (folder / "one.csv").read_bytes() == (folder / "two.csv").read_bytes()
    print(f"\nOne thread and two write {'the same rows' if same else 'different rows'}.")


def decoded(clip: Path) -> tuple[int, None, float]:
    """Returns the number of frames, and the time to decode them in seconds."""
    video, frames, began = Video(clip), 0, time.perf_counter()
    video.open()
    while video.read() is not None:
        frames += 1
    video.close()
    return frames, None, time.perf_counter() - began


def analyzed(clip: Path, out: Path, settings: Settings, workers: int) -> tuple[int, int, float]:
    """Returns the number of frames, of those with a face, and the time to analyse them in seconds."""
    began = time.perf_counter()
    result = analyze([clip], out, settings, workers=workers)
    seconds = time.perf_counter() - began
    with out.open(encoding="utf-8") as file:
        numbers = {line.split(",")[0] for line in list(file)[1:]}
    return result.frames, len(numbers), seconds


def read_by_fer(clip: Path, python: str, cores: str) -> tuple[int, int, float]:
    """Returns the number of frames, of those in which fer found a face, and its time in seconds."""
    words = [python, "-c", FER, str(clip), cores]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    frames, found, seconds = done.stdout.split()[-3:]
    return int(frames), int(found), float(seconds)


def repeated(clip: Path, target: Path, seconds: float) -> Path:
    """Writes a clip again and again, without encoding it again."""
    shift = 0
    with av.open(target, "w") as file:
        stream = None
        while True:
            with av.open(clip) as source:
                video = source.streams.video[0]
                stream = stream or file.add_stream_from_template(video)
                packets = [packet for packet in source.demux(video) if packet.dts is not None]
                length = max(packet.pts + (packet.duration or 1) for packet in packets)
                for packet in packets:
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    file.mux(packet)
                shift += length
                if shift * video.time_base >= seconds:
                    return target


def memory(video: Path, out: Path, settings: Settings) -> None:
    """Prints the memory of this process in each quarter of a recording."""
    process, sizes, began = psutil.Process(), [], time.perf_counter()

    def advance(path: Path, done: int, count: int | None) -> None:
        if done % 100 == 0:
            sizes.append((done / count, process.memory_info().rss / 1e6))

    result = analyze([video], out, settings, workers=2, advance=advance)
    seconds = time.perf_counter() - began
    print(f"\n{result.frames:,} frames, {result.rows:,} rows in {seconds:.0f} s\n")
    print("| quarter | highest memory, MB |\n|---|---|")
    for quarter in range(4):
        most = max(size for share, size in sizes if quarter / 4 <= share <= (quarter + 1) / 4)
        print(f"| {quarter + 1} | {most:.0f} |")


if __name__ == "__main__":
    sys.exit(main())
