"""Evaluates a network on a test set.

python scripts/predict.py
python scripts/predict.py --data fer2013.csv --model results/first/expression.keras

Without arguments it uses the data in the folder data, such as test_with_emotions.csv, and the network that
scripts/train.py saved in results/model, or else with the shipped one. The last line is the accuracy;
`expression evaluate` does the same and more.

Notebook: 06_train
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from expression.assignment.layout import trained
from expression.datasets.dataset import read
from expression.datasets.fer2013 import assignment_data
from expression.datasets.inspection import leaked, report
from expression.errors import BadInputError, ExpressionError
from expression.models import load
from expression.training.evaluation import evaluate


def main() -> int:
    """Reads the arguments, lets the network read the test set, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="FER2013, or a folder with a subfolder per label (default: data)")
    parser.add_argument("--model", type=Path, help="a .keras or .tflite file")
    arguments = parser.parse_args()
    model = arguments.model or trained()
    try:
        runtime = load(model)
        dataset = read(arguments.data or assignment_data(), also=runtime.labels)
        print(f"Network: {model or 'the shipped one'}", *report(dataset), sep="\n")
        if not len(dataset.test):
            raise BadInputError(
                "The data have no pictures for a test.",
                "Expected test_with_emotions.csv beside train.csv, or rows whose usage is test.",
                "Put that file there, or choose other data with --data PATH.",
            )
        also_in_training = leaked(dataset.test, dataset.training)
        print(evaluate(runtime, dataset.test, leaked=also_in_training, names=dataset.labels).text())
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
