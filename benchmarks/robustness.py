"""Measures the loss of accuracy when the box of a face is shifted or scaled, or the head tilted.

    python benchmarks/robustness.py --data fer2013 --networks before.tflite after.tflite --out robustness.png

It crops the faces of FER2013's validation split again with these errors, and counts how many are still read
correctly, by FER2013's labels and by FER+'s votes if available. It prints a table, and writes a chart and
the same data as JSON. Then it measures which margin around a detector's box suits the last network best: on
faces of that split, enlarged and detected again, and on the frames of `--clip`, a video with a JSON file of
the same name that lists from, to and label. The latest results are in README.md.

Notebook: 06_train
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from expression.datasets.dataset import Split, read
from expression.datasets.ferplus import COLUMNS, NONE, majority
from expression.errors import ExpressionError, MissingFileError
from expression.labels import Labels
from expression.models import Runtime, load
from expression.pictures.image import jittered, preprocess, square
from expression.sources.video import Video
from expression.training import charts
from expression.training.evaluation import evaluate
from expression.vision.detectors import make_detector

SHIFTS, SCALES, TILTS = np.arange(-20, 21, 5) / 100, np.arange(7, 15) / 10, np.arange(-30, 31, 10)
MARGINS = np.arange(8, 14) / 10
DETECTORS = ("yunet", "haar", "lbp")
ENLARGED = 4
"""Factor by which faces of 48 pixels are enlarged for detectors, with a border of half a face."""


def main() -> int:
    """Reads the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="FER2013, with FER+'s votes next to it if available")
    parser.add_argument(
        "--networks", required=True, nargs="+", type=Path, help="one or two .tflite or .keras files"
    )
    parser.add_argument("--out", required=True, type=Path, help="the .png file to write the chart to")
    parser.add_argument("--split", choices=["validation", "test"], default="validation")
    parser.add_argument("--clip", type=Path, help="a video with labels in a .json file next to it")
    arguments = parser.parse_args()
    if not arguments.out.resolve().parent.is_dir():
        parser.error(f"The folder of {arguments.out} does not exist. Expected an existing one. Create it.")
    if arguments.out.suffix != ".png":
        parser.error(f"--out is {arguments.out}. Expected a .png file. Try --out robustness.png.")
    for path in (arguments.clip, arguments.clip.with_suffix(".json")) if arguments.clip else ():
        if not path.is_file():
            parser.error(
                f"{path} was not found. Expected a clip with its labels next to it. Correct the path."
            )
    try:
        networks, dataset = [load(path) for path in arguments.networks], read(arguments.data)
        split = getattr(dataset, arguments.split)
        table = [row for network in networks for row in rows(network, split, dataset.labels)]
        charts.robustness(table).savefig(arguments.out)
        arguments.out.with_suffix(".json").write_text(json.dumps(table, indent=1), encoding="utf-8")
        print_changes(table)
        print_margins("FER2013, enlarged", networks[-1], enlarged(split, dataset.labels))
        if arguments.clip:
            print_margins(arguments.clip.name, networks[-1], frames(arguments.clip))
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def changes() -> Iterator[tuple[str, str, float, dict]]:
    """Yields the panel, the name, the amount and the arguments of `jittered`, for each change."""
    for name, way in (("moved right", (1, 0)), ("moved down", (0, 1))):
        for by in SHIFTS.tolist():
            yield "shift", name, by, {"shift": (by * way[0], by * way[1])}
    for by in SCALES.tolist():
        yield "scale", "side", by, {"scale": by}
    for by in TILTS.tolist():
        yield "tilt", "tilted", by, {"tilt": by}


def rows(runtime: Runtime, split: Split, names: Labels) -> Iterator[dict]:
    """Yields the accuracy of a network after each change, for each kind of labels."""
    kinds = ("fer2013",) if split.votes is None else ("fer2013", "ferplus")
    for change, name, by, how in tqdm(list(changes()), desc=runtime.name, disable=None):
        cut = replace(split, pictures=jittered(split.pictures, **how))
        for labels in kinds:
            accuracy = round(evaluate(runtime, cut, labels, names=names).accuracy, 4)
            where = {"network": runtime.path.stem, "labels": labels, "change": change}
            yield {**where, "name": name, "by": by, "accuracy": accuracy}


def print_changes(table: list[dict]) -> None:
    """Prints a row for each change and a column for each network and kind of labels."""
    columns = list(dict.fromkeys((row["network"], row["labels"]) for row in table))
    print("| change | by | " + " | ".join(f"{network}, {labels}" for network, labels in columns) + " |")
    print("|---|---|" + "---|" * len(columns))
    found = {(row["name"], row["by"], row["network"], row["labels"]): row["accuracy"] for row in table}
    for name, by in dict.fromkeys((row["name"], row["by"]) for row in table):
        cells = " | ".join(f"{found[(name, by, *column)]:.1%}" for column in columns)
        print(f"| {name} | {by:g} | {cells} |")


Labelled = tuple[np.ndarray, str]
"""A picture, (height, width, 3) uint8 RGB, with one face, and its label."""


def enlarged(split: Split, names: Labels) -> Iterator[Labelled]:
    """Yields faces as a camera might see them, with the majority vote, or else the data's label."""
    if split.votes is not None:
        split, names = replace(split, indexes=majority(split.votes)), COLUMNS
    for picture, index in zip(split.pictures, split.indexes.tolist(), strict=True):
        if index != NONE and names[index] != "Contempt":
            edge = len(picture) // 2
            framed = cv2.copyMakeBorder(picture, *[edge] * 4, cv2.BORDER_REPLICATE)
            large = cv2.resize(framed, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
            yield cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), names[index]


def frames(clip: Path) -> Iterator[Labelled]:
    """Yields every fifth frame of a clip, with its label."""
    parts = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
    video = Video(clip)
    video.open()
    for part in parts:
        for number in range(part["from"], part["to"] + 1):
            image = video.read()
            if number % 5 == 0:
                yield image, part["label"]
    video.close()


def print_margins(what: str, runtime: Runtime, pictures: Iterable[Labelled]) -> None:
    """Prints a row for each detector: faces found, and how many are read correctly at each margin."""
    detectors = {}
    for name in DETECTORS:
        with contextlib.suppress(MissingFileError):  # YuNet, if its file is missing
            detectors[name] = make_detector(name)
    right, count = {name: [] for name in detectors}, 0
    for image, label in tqdm(pictures, desc=what, disable=None):
        count += 1
        for name, detector in detectors.items():
            for face in detector.detect(image)[:1]:
                boxes = [square(face.box, margin) for margin in MARGINS]
                faces = np.stack([preprocess(image, box, runtime.size) for box in boxes])
                right[name].append(runtime.scores(faces).argmax(1) == runtime.labels.index(label))
    print(f"\n| {what} | found | " + " | ".join(f"box x {margin:g}" for margin in MARGINS) + " |")
    print("|---|---|" + "---|" * len(MARGINS))
    for name, found in right.items():
        shares = np.reshape(found, (-1, len(MARGINS))).mean(0) if found else []
        print(
            f"| {name} | {len(found)} of {count} | " + " | ".join(f"{share:.1%}" for share in shares) + " |"
        )


if __name__ == "__main__":
    sys.exit(main())
