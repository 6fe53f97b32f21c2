"""Trains a network on faces, exports it and tells how often it is right.

python scripts/train.py --data fer2013.csv --out results/mine

An interrupted run goes on where it stopped when it is called again in the same way;
`expression train` does the same and more.

Notebook: 05_train
"""

from __future__ import annotations

import argparse
import sys

from expression.dataset import read
from expression.errors import ExpressionError
from expression.recipe import usual


def main() -> int:
    """Reads the arguments, and trains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", required=True, help="FER2013, or a folder with a folder of pictures a label"
    )
    parser.add_argument("--out", required=True, help="the folder for the network and its history")
    parser.add_argument("--network", default="shipped", help="shipped or tutorial")
    parser.add_argument("--epochs", type=int, help="times that every picture is seen")
    parser.add_argument("--seed", type=int, default=0, help="decides first weights and order")
    arguments = parser.parse_args()
    try:
        run(arguments)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped. Call it again in the same way, and it goes on.", file=sys.stderr)
        return 1
    return 0


def run(arguments: argparse.Namespace) -> None:
    """Does the work; TensorFlow, which takes seconds, is loaded once the data is there."""
    recipe = usual(arguments.network, arguments.epochs, arguments.seed)
    dataset = read(arguments.data).divided()

    from expression.evaluation import evaluate
    from expression.export import export
    from expression.runtime import load
    from expression.training import train

    trained = train(dataset, arguments.out, recipe, on_epoch=tell)
    small = trained.path.with_suffix(".tflite")
    export(trained.path, small, "dynamic")
    print(evaluate(load(small), dataset.validation, names=dataset.labels).text("validation set"))


def tell(row: dict[str, float]) -> None:
    """Prints an epoch."""
    print(f"epoch {row['epoch']}: loss {row['loss']:.3f}, validation {row['validation']:.1%}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
