"""Measures when transfer learning pays: accuracy and time by the number of training pictures.

    python benchmarks/transfer.py --data fer2013 --weights mobilenet.weights.h5
    python benchmarks/transfer.py --data fer2013 --counts 100 1000 --networks tutorial head

Each network learns from the same pictures of FER2013's Training split, 100 to all of them, and is tested
with all of PublicTest, of which the first 500 choose the epoch. Fewer than 3,000 pictures are repeated within
an epoch, so that all networks take enough steps; each repetition is distorted in another way, unless features
are cached. Votes are not used. It continues where it was stopped: its results are in the folder of --out.
The latest results are in `benchmarks/README.md`.

Notebook: 12_transfer
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from expression.datasets.dataset import Dataset, Split, read
from expression.errors import BadInputError, ExpressionError, user_path
from expression.files import write_text
from expression.models import load
from expression.models.bases import BASES, read_base
from expression.pictures.image import standardise
from expression.training.recipe import HEAD, TUNED, stages, usual
from expression.training.trainer import Trained, train
from expression.training.transfer import transfer

LEAST, CHECKED, TIMED = 3000, 500, 256
"""Pictures of an epoch at least, of PublicTest to choose the epoch, and to measure the speed of a base."""

NETWORKS = {
    "tutorial": "the tutorial's network",
    "head": "head on {base}, cached",
    "distorted": "head on {base}, distorted pictures",
    "tuned": "{base}, fine-tuned",
    "shipped": "the shipped network, as it comes",
}


def main() -> int:
    """Reads the arguments, measures what is missing, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="FER2013")
    parser.add_argument("--base", choices=BASES, default="mobilenet")
    parser.add_argument("--weights", help="file of its weights (default: download Keras's)")
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10_000, 28_709])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--set", nargs="+", default=[], help="change the recipes of transfer learning")
    parser.add_argument("--epochs", type=int, help="epochs of every training (default: each its own)")
    parser.add_argument("--out", default="results/transfer", help="folder for results and trainings")
    arguments = parser.parse_args()
    try:
        for line in table(arguments):
            print(line, flush=True)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def table(arguments: argparse.Namespace):
    """Yields the lines of the table."""
    dataset, weights = read(arguments.data), arguments.weights and user_path(arguments.weights)
    base = read_base(arguments.base, stages(arguments.base, changes=arguments.set)[0].side, weights)
    yield f"{arguments.base}: {milliseconds(base, dataset.training):.1f} ms for the features of a picture\n"
    yield "| training pictures | network | correct in PublicTest | epochs | seconds an epoch |"
    yield "|---|---|---|---|---|"
    for count in arguments.counts:
        if not 2 * len(dataset.labels) <= count <= len(dataset.training):
            raise BadInputError(
                f"--counts has {count}.",
                f"Expected {2 * len(dataset.labels)} to {len(dataset.training):,}.",
                "Try --counts 1000.",
            )
        for network in arguments.networks:
            if network != "shipped" or count == max(arguments.counts):
                found = measured(arguments, network, count, dataset, weights)
                name = NETWORKS[network].format(base=arguments.base)
                yield (
                    f"| {count if network != 'shipped' else 'its own'} | {name} | {found['correct']:.1%} "
                    f"| {found['epochs']} | {found['seconds']} |"
                )


def measured(arguments, network: str, count: int, dataset: Dataset, weights: Path | None) -> dict:
    """Trains and tests a network, or returns the result that an earlier run kept."""
    folder = Path(arguments.out) / f"{arguments.base}-{network}-{count}"
    kept = folder / "result.json"
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))
    history, path = [], None
    if network != "shipped":
        trained = training(arguments, network, weights)(some(dataset, count), folder)
        history, path = trained.history, trained.path
    tested, runtime = dataset.validation, load(path)
    scores = runtime.scores(standardise(tested.pictures), runtime.heads[0])
    result = {
        "correct": float((scores.argmax(1) == tested.indexes).mean()),
        "epochs": len(history) or "–",
        "seconds": round(float(np.median([row["seconds"] for row in history])), 1) if history else "–",
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_text(kept, json.dumps(result))
    return result


def training(arguments, network: str, weights: Path | None) -> Callable[[Dataset, Path], Trained]:
    """Returns a function that trains a network in a folder."""
    if network == "tutorial":
        return lambda dataset, out: train(dataset, out, usual(network, arguments.epochs), on_epoch=tell)
    recipes = stages(arguments.base, arguments.epochs, changes=arguments.set)
    if network != "tuned":
        epochs = arguments.epochs or (HEAD if network == "head" else TUNED).epochs
        recipes = [replace(recipes[0], cached=network == "head", epochs=epochs)]
    return lambda dataset, out: transfer(dataset, out, recipes, weights, tell, note)


def some(dataset: Dataset, count: int) -> Dataset:
    """Returns so many training pictures, some of each label, repeated until they make an epoch; no votes."""
    every = dataset.training
    order = np.random.default_rng(0).permutation(len(every))
    first = [order[every.indexes[order] == index][:2] for index in range(len(dataset.labels))]
    chosen = np.array(list(dict.fromkeys([*np.concatenate(first).tolist(), *order.tolist()])))[:count]
    learned = every.take(np.resize(chosen, max(count, LEAST)))
    return replace(dataset, training=plain(learned), validation=plain(dataset.validation.first(CHECKED)))


def plain(split: Split) -> Split:
    """Returns a split without votes."""
    return Split(split.pictures, split.indexes)


def milliseconds(base, split: Split) -> float:
    """Returns the milliseconds that a base takes for a picture."""
    faces = standardise(split.pictures[:TIMED])
    base.predict(faces[:32], verbose=0)
    began = time.perf_counter()
    base.predict(faces, batch_size=32, verbose=0)
    return 1000 * (time.perf_counter() - began) / len(faces)


def tell(row: dict) -> None:
    """Prints an epoch."""
    note(f"epoch {row['epoch']}: {row['seconds']} s, validation {row['validation']:.1%}")


def note(text: str) -> None:
    """Prints what is not part of the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
