"""Measures how fast videos are decoded compared with OpenCV, and prints Markdown.

    python benchmarks/decoding.py [CLIPS]

CLIPS is a folder of videos. Without it clips are created: moving noise in common sizes and codecs. Both
decode every frame to RGB, in turn, so that other load on the machine affects both. The ratio is the median
over the turns of OpenCV's time divided by ours: above 1, ours is faster.

Notebook: 03_threads
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from expression.sources.video import Video

KINDS = (
    ("h264, 640 x 480", "a.mp4", "libx264", 640, 480),
    ("h264, 1920 x 1080", "b.mp4", "libx264", 1920, 1080),
    ("vp8, 640 x 480", "c.webm", "libvpx", 640, 480),
    ("mjpeg, 640 x 480", "d.avi", "mjpeg", 640, 480),
)
"""Name, file, codec and size of the clips that are created."""

FRAMES = 120
"""Number of frames of each clip."""


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="?", help="a folder of videos")
    parser.add_argument("--turns", type=int, default=7, help="how often each decoder decodes each clip")
    arguments = parser.parse_args()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.clips:
            clips = {path.name: path for path in sorted(arguments.clips.iterdir()) if path.is_file()}
        else:
            clips = {name: make(Path(folder) / file, *rest) for name, file, *rest in KINDS}
        print("| clip | frames, ours | OpenCV's | frames per second, ours | OpenCV's | ratio |")
        print("|---|---|---|---|---|---|")
        for name, path in clips.items():
            print(f"| {name} | {compare(path, arguments.turns)} |", flush=True)


def make(path: Path, codec: str, width: int, height: int) -> Path:
    """Writes moving noise as a video."""
    small = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    noise = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=Fraction(25), width=width, height=height)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, 3 * number, 1), "rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def compare(path: Path, turns: int) -> str:
    """Returns the cells of a row."""
    runs = [(timed(ours, path), timed(opencv, path)) for _ in range(turns)]
    (our_frames, _), (their_frames, _) = runs[0]
    rates = [statistics.median(run[who][0] / run[who][1] for run in runs) for who in (0, 1)]
    ratio = statistics.median((theirs[1] / theirs[0]) / (mine[1] / mine[0]) for mine, theirs in runs)
    return f"{our_frames} | {their_frames} | {rates[0]:.0f} | {rates[1]:.0f} | {ratio:.2f}"


def timed(decode: Callable[[Path], int], path: Path) -> tuple[int, float]:
    """Returns the number of frames, and the time they took in seconds."""
    began = time.perf_counter()
    frames = decode(path)
    return max(1, frames), time.perf_counter() - began


def ours(path: Path) -> int:
    """Decodes every frame as a session does and counts them."""
    video, frames = Video(path), 0
    video.open()
    while video.read() is not None:
        frames += 1
    video.close()
    return frames


def opencv(path: Path) -> int:
    """Decodes every frame with OpenCV and counts them."""
    capture, frames = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), 0
    while True:
        there, image = capture.read()
        if not there:
            break
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        frames += 1
    capture.release()
    return frames


if __name__ == "__main__":
    main()
