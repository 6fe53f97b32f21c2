"""Measures detectors, tracking and smoothing on a folder of clips, and prints Markdown.

    python benchmarks/detection.py CLIPS

CLIPS contains videos with faces; the demo is measured too. The processor time of one
thread is reported, since other work on the machine does not increase it. YuNet is measured
if its file is found (`expression models get yunet`). The latest results are in README.md.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from expression.errors import MissingFileError
from expression.live.data import Data
from expression.live.detection import FaceLoop
from expression.models import load
from expression.pictures.image import preprocess
from expression.sources._base import Source
from expression.sources.demo import Demo
from expression.sources.video import Video
from expression.types import Face, Frame
from expression.vision.detectors import Detector, make_detector
from expression.vision.smoothing import Smoother
from expression.vision.tracking import Tracker

DETECTORS = ("yunet", "haar", "haar-alt2", "lbp")
CLIP_ENDINGS = (".mp4", ".avi", ".webm", ".mov")


def main() -> None:
    """Prints the three tables."""
    parser = argparse.ArgumentParser(description="Measures detectors, tracking and smoothing.")
    parser.add_argument("clips", type=Path, help="a folder of videos with faces")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    clips = {path.stem: read_clip(path) for path in sorted(arguments.clips.iterdir()) if is_clip(path)}
    clips["the demo"] = read_demo()
    detectors = [name for name in DETECTORS if is_there(name)]
    runs = {(clip, name): run(*clips[clip], name) for clip in clips for name in detectors}
    print("| clip | detector | frames with a face | faces | ms p50 | p95 | person numbers |")
    print("|---|---|---|---|---|---|---|")
    for (clip, name), result in runs.items():
        print(f"| {clip} | {name} | {result.row()} |")
    print_tremble(runs)
    print_smoothing({clip: (clips[clip], runs[clip, detectors[0]]) for clip in clips})


def is_clip(path: Path) -> bool:
    """Whether a file is a video."""
    return path.suffix.lower() in CLIP_ENDINGS


def is_there(name: str) -> bool:
    """Whether a detector is available."""
    try:
        return bool(make_detector(name))
    except MissingFileError:
        return False


def read_clip(path: Path) -> tuple[list[np.ndarray], float]:
    """Returns all frames of a video, (height, width, 3) uint8 RGB each, and frames a second."""
    return read_all(Video(path))


def read_demo() -> tuple[list[np.ndarray], float]:
    """Returns all frames of the demo, and frames a second."""
    return read_all(Demo(repeat=False))


def read_all(source: Source) -> tuple[list[np.ndarray], float]:
    """Returns all frames of a source, and frames a second."""
    frames = []
    source.open()
    while (image := source.read()) is not None:
        frames.append(image)
    source.close()
    return frames, source.fps


class Timed:
    """A detector whose calls are timed and whose faces are recorded."""

    def __init__(self, detector: Detector):
        self.detector, self.quick_near = detector, detector.quick_near
        self.milliseconds: list[float] = []
        self.found: list[list[Face]] = []

    def detect(self, *arguments) -> list[Face]:
        """Finds faces and notes the processor time."""
        start = time.thread_time()
        self.found.append(self.detector.detect(*arguments))
        self.milliseconds.append((time.thread_time() - start) * 1000)
        return self.found[-1]


class Result:
    """The result of running one detector over one clip."""

    def __init__(self, detector: Timed, seen: list[tuple[Face, ...]], numbers: int):
        self.milliseconds, self.found = detector.milliseconds, detector.found
        self.seen, self.numbers = seen, numbers

    def row(self) -> str:
        """Returns the cells of the first table."""
        with_face, faces = sum(map(bool, self.found)), sum(map(len, self.found))
        middle, slow = np.percentile(self.milliseconds, (50, 95))
        return f"{with_face} of {len(self.found)} | {faces} | {middle:.1f} | {slow:.1f} | {self.numbers}"

    def tremble(self) -> tuple[float, float]:
        """Returns the jitter of boxes between frames relative to their drift, before and after smoothing."""
        alone = [len(found) == len(shown) == 1 for found, shown in zip(self.found, self.seen, strict=True)]
        return tuple(_tremble(list(itertools.compress(side, alone))) for side in (self.found, self.seen))


def _tremble(faces: list[tuple[Face]]) -> float:
    """Returns the median of second differences of x, y and width, in pixels."""
    places = np.array([(*face.box.centre, face.box.width) for (face,) in faces])
    return float(np.median(np.abs(np.diff(places, 2, axis=0)).mean(1)))


def run(frames: list[np.ndarray], fps: float, name: str) -> Result:
    """Steps a FaceLoop over a clip, like a live run that skips nothing."""
    data, tracker, detector = Data(), Tracker(), Timed(make_detector(name))
    loop, follower, seen = FaceLoop(data, detector, tracker), data.faces.follow(), []
    for number, image in enumerate(frames):
        data.frame.publish(Frame(image, number, number / fps))
        loop.step()
        seen.append(follower.next(0).items)
    return Result(detector, seen, tracker.numbers)


def print_tremble(runs: dict[tuple[str, str], Result]) -> None:
    """Prints how much more stable boxes become, for clips with one person in most frames."""
    print("\n| clip | detector | jitter of the detected box, pixels | of the displayed box |")
    print("|---|---|---|---|")
    for (clip, name), result in runs.items():
        if sum(len(faces) == 1 for faces in result.seen) > 0.75 * len(result.seen):
            print("| {} | {} | {:.2f} | {:.2f} |".format(clip, name, *result.tremble()))


def print_smoothing(clips: dict[str, tuple[tuple[list[np.ndarray], float], Result]]) -> None:
    """Prints how often a person's label changes with each kind of smoothing."""
    network = load()
    print("\n| clip | label changes per minute and person: none | streak | average |")
    print("|---|---|---|---|")
    for clip, ((frames, fps), result) in clips.items():
        rows = list(scored(network, frames, fps, result.seen))
        minutes = len(rows) / fps / 60
        changes = [label_changes(network, kind, rows) / minutes for kind in ("none", "streak", "average")]
        print(f"| {clip} | " + " | ".join(f"{count:.0f}" for count in changes) + " |")


def scored(network, frames, fps, seen) -> Iterable[tuple[int, float, np.ndarray]]:
    """Yields person, seconds and scores of every face of a clip."""
    for number, (image, faces) in enumerate(zip(frames, seen, strict=True)):
        for face in faces:
            yield (
                face.person,
                number / fps,
                network.scores(preprocess(image, face.box, network.size)[None])[0],
            )


def label_changes(network, kind: str, rows: list[tuple[int, float, np.ndarray]]) -> int:
    """Counts how often the label of a person changes."""
    smoother, shown = Smoother(kind, network.labels), {}
    for person, seconds, scores in rows:
        shown.setdefault(person, []).append(smoother.update(person, scores, seconds)[0])
    return sum(a != b for labels in shown.values() for a, b in itertools.pairwise(labels))


if __name__ == "__main__":
    main()
