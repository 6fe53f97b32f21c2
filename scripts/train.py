"""Trains the network of the package on FER2013 and exports it.

python scripts/train.py --data fer2013.csv --out results/first

An interrupted run goes on where it stopped when it is called again in the same way.

Notebook: 05_train
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from expression.errors import BadInputError, ExpressionError


def main() -> int:
    """Reads the arguments, trains, exports and prints the accuracy on PublicTest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="fer2013.csv, or a folder with FER2013")
    parser.add_argument("--out", required=True, type=Path, help="the folder for the network and its history")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        return run(arguments)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def run(arguments: argparse.Namespace) -> int:
    """Does the work; TensorFlow, which takes seconds, is loaded once the data is there."""
    if arguments.epochs < 1:
        raise BadInputError(
            f"--epochs is {arguments.epochs}.", "Expected 1 or more.", "Try --epochs 12, or leave it out."
        )

    from expression.dataset import read

    dataset = read(arguments.data)

    from expression.card import write_card
    from expression.export import export
    from expression.runtime import load
    from expression.training import Recipe, accuracy, train

    recipe = Recipe(epochs=arguments.epochs, seed=arguments.seed)
    trained = train(dataset, arguments.out, recipe, on_epoch=tell)
    exported = trained.path.with_suffix(".tflite")
    card = export(trained.path, exported)
    found = accuracy(load(exported).scores, dataset.validation)
    write_card(exported, replace(card, facts={**card.facts, "accuracy_validation": round(found, 4)}))
    print(f"{exported}: accuracy on PublicTest {found:.1%}")
    return 0


def tell(row: dict[str, float]) -> None:
    """Prints one epoch."""
    print(f"epoch {row['epoch']}: loss {row['loss']:.3f}, PublicTest {row['validation']:.1%}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
