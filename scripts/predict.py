"""Tells how good a network is on a test set.

python scripts/predict.py --data fer2013.csv
python scripts/predict.py --data fer2013.csv --model results/first/expression.keras

The last line is the accuracy; `expression evaluate` does the same and more.

Notebook: 05_train
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from expression.dataset import read
from expression.errors import ExpressionError
from expression.evaluation import evaluate
from expression.inspection import leaked
from expression.runtime import load


def main() -> int:
    """Reads the arguments, lets the network read the test set, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", required=True, help="FER2013, or a folder with a folder of pictures a label"
    )
    parser.add_argument("--model", type=Path, help="a .keras or .tflite file; the shipped one if left out")
    arguments = parser.parse_args()
    try:
        runtime, dataset = load(arguments.model), read(arguments.data)
        also_in_training = leaked(dataset.test, dataset.training)
        print(evaluate(runtime, dataset.test, leaked=also_in_training, names=dataset.labels).text())
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
