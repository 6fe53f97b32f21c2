"""Trains a network on faces, exports it and prints its accuracy, with the test set last.

python scripts/train.py
python scripts/train.py --data fer2013.csv --out results/mine --network shipped

Without arguments it trains on the data in the folder data: train.csv, or FER2013 in another form. The network
`quick` takes about twenty minutes on two cores, `tutorial` minutes, and `shipped`, the most accurate, hours.
An interrupted run continues where it stopped when the same command is run again; `expression train` does
the same and more. Only this script draws the learning curves.

Notebook: 06_train
"""

from __future__ import annotations

import argparse
import sys

from expression.assignment.layout import CURVES, MODEL
from expression.datasets.dataset import read
from expression.datasets.fer2013 import assignment_data
from expression.datasets.inspection import report
from expression.errors import ExpressionError
from expression.sanitize import counted
from expression.training.recipe import usual


def main() -> int:
    """Reads the arguments and trains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="FER2013, or a folder with a subfolder per label (default: data)")
    parser.add_argument("--out", default=str(MODEL), help="folder for the network and its history")
    parser.add_argument("--network", default="quick", help="quick, tutorial, shipped, whole or wide")
    parser.add_argument("--epochs", type=int, help="number of passes over the training pictures")
    parser.add_argument("--seed", type=int, default=0, help="random seed for the first weights and the order")
    arguments = parser.parse_args()
    try:
        run(arguments)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to continue.", file=sys.stderr)
        return 1
    return 0


def run(arguments: argparse.Namespace) -> None:
    """Does the work; TensorFlow, which takes seconds to load, is imported after reading the data."""
    recipe = usual(arguments.network, arguments.epochs, arguments.seed)
    dataset = read(arguments.data or assignment_data()).divided().narrowed()
    sizes = f"{len(dataset.training):,} training pictures, {len(dataset.validation):,} validation pictures."
    print(*report(dataset), sizes, sep="\n", flush=True)

    from expression.models import load
    from expression.models.export import export
    from expression.training.charts import learning_curves
    from expression.training.evaluation import evaluate
    from expression.training.trainer import train

    trained = train(dataset, arguments.out, recipe, on_epoch=tell)
    if len(trained.history) < recipe.epochs:
        print(f"Stopped early: no improvement for {counted(recipe.patience, 'epoch')}.")
    learning_curves(trained.history).savefig(trained.path.with_name(CURVES.name))
    small = trained.path.with_suffix(".tflite")
    export(trained.path, small, "dynamic")
    network = load(small)
    for name in ("validation", "test"):
        if len(split := getattr(dataset, name)):
            print(evaluate(network, split, names=dataset.labels).text(f"{name} set"))


def tell(row: dict[str, float]) -> None:
    """Prints an epoch."""
    print(f"epoch {row['epoch']}: loss {row['loss']:.3f}, validation {row['validation']:.1%}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
