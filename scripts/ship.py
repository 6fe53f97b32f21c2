"""Makes the network of a training run the one that comes with the package, with its measurements.

python scripts/ship.py results/wide --data fer2013

Writes the network to expression/models, and the results to results: measurements on PublicTest and
PrivateTest, confusion, calibration, and in results/model what a course assignment asks for: the
network again, the architecture, curves. The tables of the model card are filled in; its sentences
have to be edited manually.

Notebook: 06_train
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from expression.assignment.layout import CURVES, MODEL, TRAINED
from expression.datasets.dataset import Dataset, read
from expression.datasets.inspection import leaked
from expression.errors import BadInputError, ExpressionError, MissingFileError
from expression.models import Runtime, load
from expression.models.architectures import EDGE, STAGES, STEM, read_network, save, shipped
from expression.models.export import export
from expression.models.metadata import read_card
from expression.models.registry import FOLDER, SHIPPED
from expression.training.charts import confusion_matrix, learning_curves, read_history, reliability
from expression.training.evaluation import Evaluation, evaluate

RESULTS = Path(__file__).parents[1] / "results"
CARD = FOLDER / "README.md"
BEGIN, END = "<!-- written by scripts/ship.py -->", "<!-- until here -->"
"""Everything between these lines of the model card is replaced."""

HISTORY, RECIPE = "history.csv", "training.json"
"""Files of the training folder that are copied unchanged, to results/model and to results."""

TOLD = ("## Why this architecture", "## What was tried")
"""The manually written parts of results/README.md that are copied into the text about the architecture."""

SECTION = "\n## "
"""What begins a section of it."""

COUNTED = {"fer2013": "FER2013's labels", "ferplus": "FER+ by its official protocol"}
SPLITS = {"validation": "PublicTest", "test": "PrivateTest"}


def main() -> int:
    """Reads the arguments and ships the network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="the folder of a training run, with expression.keras")
    parser.add_argument("--data", required=True, type=Path, help="FER2013, with FER+'s votes next to it")
    arguments = parser.parse_args()
    try:
        ship(arguments.run, read(arguments.data))
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def ship(run: Path, dataset: Dataset) -> None:
    """Replaces the network and everything measured with it, once all of it is complete."""
    check(run)
    with tempfile.TemporaryDirectory() as folder:
        models, results = Path(folder, "models"), Path(folder, "results")
        model = Path(folder, MODEL)
        models.mkdir()
        model.mkdir(parents=True)
        small, tiny = models / f"{SHIPPED.stem}.keras", models / SHIPPED.name
        rounded(run / "expression.keras", small)
        export(small, tiny, "dynamic")
        runtime = load(tiny, threads=1)
        found = {split: measure(runtime, dataset, split) for split in SPLITS}
        tell(found, results)
        write(model / "my_own_model_architecture.txt", architecture(small))
        learning_curves(read_history(run / HISTORY)).savefig(model / CURVES.name)
        shutil.copy(run / HISTORY, model)
        shutil.copy(run / RECIPE, results)
        shutil.copy(tiny, model / TRAINED.name)
        shutil.copytree(models, SHIPPED.parent, dirs_exist_ok=True)
        shutil.copytree(results, RESULTS, dirs_exist_ok=True)
    fill_in(CARD, tables(found))
    print(found["test"]["fer2013"].text())


def check(run: Path) -> None:
    """Raises an error unless a folder has a training run of the network that architectures.py builds now."""
    for name in ("expression.keras", HISTORY, RECIPE):
        if not (run / name).is_file():
            raise MissingFileError(
                f"{run / name} was not found.",
                f"Expected the folder of a training run, with expression.keras, {HISTORY} and {RECIPE}.",
                "Choose such a folder, or finish the training run.",
            )
    path = run / "expression.keras"
    card = read_card(path)
    found = read_network(path)
    # The kinds of layers, without the names that Keras numbers.
    kinds = [
        [(type(layer).__name__, layer.output.shape) for layer in network.layers]
        for network in (found, shipped(card.labels, len(card.heads)))
    ]
    if kinds[0] != kinds[1]:
        raise BadInputError(
            f"The layers of {path} differ from those that architectures.shipped builds.",
            "Expected the same layers, since the architecture is described from the code.",
            "Train it with the current code, or ship it with the code that it was trained with.",
        )


def tell(found: dict[str, dict[str, Evaluation]], results: Path) -> None:
    """Writes the measurements on both splits, and charts of those on the test split."""
    figures = {s: {labels: e.to_json() for labels, e in found[s].items()} for s in found}
    write(results / "evaluation.json", json.dumps(figures, indent=1) + "\n")
    for labels, evaluation in found["test"].items():
        end = "" if labels == "fer2013" else f"_{labels}"
        confusion_matrix(evaluation).savefig(results / f"confusion_matrix{end}.png")
        reliability(evaluation.scores, evaluation.indexes).savefig(results / f"reliability{end}.png")


def rounded(source: Path, target: Path) -> None:
    """Copies a .keras file with weights of 11 significant bits, which a zip compresses to little over half.

    They are still float32, and no score changes by more than about a thousandth.
    """
    network = read_network(source)
    network.set_weights([w.astype(np.float16).astype(w.dtype) for w in network.get_weights()])
    save(network, target, read_card(source))


def measure(runtime: Runtime, dataset: Dataset, split: str) -> dict[str, Evaluation]:
    """Evaluates with FER2013's labels and with FER+'s votes."""
    pictures = getattr(dataset, split)
    also = leaked(pictures, dataset.training)
    return {
        labels: evaluate(runtime, pictures, labels, also, names=dataset.labels)
        for labels in ("fer2013", "ferplus")
    }


def architecture(path: Path) -> str:
    """Returns why a network is built as it is, what was tried, its code, and its layers."""
    readme = RESULTS / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    told = [f"{title}\n\n{text.partition(title)[2].partition(SECTION)[0].strip()}\n" for title in TOLD]
    code = f"EDGE = {EDGE}\nSTEM = {STEM}\nSTAGES = {STAGES}\n\n\n{inspect.getsource(shipped)}"
    heads = ("## The code (expression/models/architectures.py)", "## The layers")
    return "\n".join([*told, heads[0], "", code, heads[1], "", summary(path)])


def summary(path: Path) -> str:
    """Returns the layers of a network as a table."""
    lines = []
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "120"  # the width used by rich, which draws the table
    try:
        read_network(path).summary(120, print_fn=lambda line, **_: lines.append(line))
    finally:
        os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)
    return "\n".join(lines) + "\n"


def tables(found: dict[str, dict[str, Evaluation]]) -> str:
    """Returns the tables of the model card as Markdown."""
    rows = [
        "| | pictures | accuracy | without those also in Training | macro F1 | calibration error |",
        "|---|---|---|---|---|---|",
    ]
    for labels, name in COUNTED.items():
        for split, evaluations in found.items():
            e = evaluations[labels]
            shares = (
                f"**{e.accuracy:.1%}** | {e.accuracy_without_leaked:.1%} | {e.macro_f1:.3f} | {e.ece:.1%}"
            )
            rows.append(f"| {SPLITS[split]}, {name} | {len(e.indexes):,} | {shares} |")
            if e.over_half is not None:
                for protocol, counted, accuracy in (
                    ("FER+ as its published code counts", e.by_code, e.accuracy_by_code),
                    ("FER+, over half of all votes", e.over_half, e.accuracy_over_half),
                ):
                    rows.append(
                        f"| {SPLITS[split]}, {protocol} | {counted.sum():,} | **{accuracy:.1%}** | | | |"
                    )
    rows += ["", *confusion(found["test"]["fer2013"])]
    return "\n".join(rows)


def confusion(e: Evaluation) -> list[str]:
    """Returns the confusion matrix as rows of a Markdown table."""
    rows = [
        f"| true label, predicted label → | {' | '.join(e.labels)} | recall |",
        "|---" * (len(e.labels) + 2) + "|",
    ]
    for label, row in zip(e.labels, e.confusion, strict=True):
        found = "" if e.recall[label] is None else f"{e.recall[label]:.0%}"
        rows.append(f"| {label} | {' | '.join(map(str, row))} | {found} |")
    return rows


def fill_in(path: Path, text: str) -> None:
    """Replaces the text between the two markers of a file."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    write(path, f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def write(path: Path, text: str) -> None:
    """Writes a text file with Unix line ends on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
