"""Measures the cost and the loss of each form of a network, and prints one table.

    python benchmarks/network.py --data fer2013
    python benchmarks/network.py --data fer2013 --model results/mine/expression.keras --count 300

A .keras network is exported in each form of `export.py`, int8 with its default faces.
Accuracy is that of its first head, by the labels of the data; agreement is the share of pictures for
which a form predicts the same label as the .keras file, for each head. Both speeds are measured in new
processes with one thread, all forms in turn, so that other load affects all of them: the start is from the
import of `expression.models.runtime` to the first score, with numpy and OpenCV loaded; then faces are scored
one by one, as in a live run. The latest results are in `benchmarks/README.md`.

Notebook: 05_train
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from expression.datasets.dataset import read
from expression.errors import BadInputError, ExpressionError
from expression.models.export import QUANTIZE, agreement, export
from expression.models.registry import SHIPPED
from expression.models.runtime import load
from expression.pictures.image import preprocess

SPEEDS = """
import statistics, sys, time
import cv2, numpy
began = time.perf_counter()
from expression.models.runtime import load
network = load(sys.argv[1], threads=1)
face = numpy.random.default_rng(0).normal(size=(1, network.size, network.size, 1)).astype(numpy.float32)
network.scores(face)
start = time.perf_counter() - began
times = []
for _ in range(200):
    began = time.perf_counter()
    network.scores(face)
    times.append(time.perf_counter() - began)
print(statistics.median(times) * 1000, start)
"""

ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""Variables for TensorFlow's number of threads; for LiteRT, `load` sets it."""


def main() -> int:
    """Reads the arguments and prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", required=True, help="FER2013, or a folder with a subfolder of pictures per label"
    )
    parser.add_argument("--model", default=SHIPPED.with_suffix(".keras"), help="a .keras file")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--count", type=int, help="number of pictures of the split (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="number of speed measurements")
    arguments = parser.parse_args()
    for name in ("count", "rounds"):
        if (given := getattr(arguments, name)) is not None and given < 1:
            parser.error(f"--{name} is {given}. Expected 1 or more. Try --{name} 5.")
    try:
        measure(arguments)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def measure(arguments: argparse.Namespace) -> None:
    """Exports, measures and prints."""
    dataset, original = read(arguments.data), Path(arguments.model)
    keras = load(original, dataset.labels)
    split = getattr(dataset, arguments.split).first(arguments.count)
    if not len(split):
        raise BadInputError(
            f"{arguments.data} has no pictures for {arguments.split}.",
            "Expected at least one.",
            "Try --split test.",
        )
    faces = np.stack([preprocess(picture, size=keras.size) for picture in split.pictures])
    with tempfile.TemporaryDirectory() as folder:
        paths = {"keras": original} | {form: Path(folder) / f"{form}.tflite" for form in QUANTIZE}
        for form in tqdm(QUANTIZE, desc="export", disable=None):
            export(original, paths[form], form)
        taken = speeds(paths, arguments.rounds)
        heads = [f"agreement {head}" if len(keras.heads) > 1 else "agreement" for head in keras.heads]
        print(f"{original.name}, {len(split):,} pictures for {arguments.split}\n")
        print(f"| form | MB | accuracy | {' | '.join(heads)} | ms per face | start, s |")
        print("|---" * (5 + len(heads)) + "|")
        for form, path in paths.items():
            runtime = keras if form == "keras" else load(path)
            right = (runtime.scores(faces, keras.heads[0]).argmax(1) == split.indexes).mean()
            same = [f"{agreement(keras, runtime, faces, head):.1%}" for head in keras.heads]
            figures = (f"{path.stat().st_size / 1e6:.2f}", f"{right:.1%}", *same, *taken[form])
            print(f"| {form} | {' | '.join(figures)} |", flush=True)


def speeds(paths: dict[str, Path], rounds: int) -> dict[str, tuple[str, ...]]:
    """Returns the median milliseconds per face and seconds to start of each file, as text."""
    found = {form: [] for form in paths}
    for _ in tqdm(range(rounds), desc="speeds", disable=None):
        for form, path in paths.items():
            found[form].append(speed(path))
    return {form: tuple(f"{value:.2f}" for value in np.median(of, axis=0)) for form, of in found.items()}


def speed(path: Path) -> list[float]:
    """Returns the milliseconds per face and the seconds to start, measured in a separate process."""
    done = subprocess.run(
        [sys.executable, "-c", SPEEDS, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **ONE_THREAD},
    )
    return [float(word) for word in done.stdout.split()]


if __name__ == "__main__":
    sys.exit(main())
