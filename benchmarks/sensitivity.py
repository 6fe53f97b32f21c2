"""Measures what the setting `sensitivity` gains and costs: accuracy and balanced accuracy from 0 to 1.

    python benchmarks/sensitivity.py --data fer2013 --photos PHOTOS --out results/sensitivity.png

FER2013's validation split is counted by FER+'s official protocol. PHOTOS is a folder of photos with a
folder for each label; the largest face in each is read. It prints a table and writes a chart, from which
the default of the setting was chosen; the latest are in results/README.md.

Notebook: 07_live
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from expression.datasets.dataset import Split, read
from expression.errors import ExpressionError
from expression.models import Runtime, load
from expression.models.runtime import LIVE
from expression.settings import Settings
from expression.training.chart_style import BLUE, ORANGE, chart_style, new_figure, percent, settled
from expression.training.evaluation import Evaluation, evaluate
from expression.vision.detectors import FaceCutter, make_detector

SENSITIVITIES = np.linspace(0, 1, 11)
PUBLIC = "PublicTest, FER+"


def main() -> int:
    """Reads the arguments, prints a table and writes a chart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="FER2013, with FER+'s votes next to it")
    parser.add_argument("--photos", type=Path, help="a folder of photos, with a folder for each label")
    parser.add_argument("--model", type=Path, help="the network; the shipped one if left out")
    parser.add_argument("--out", type=Path, help="the chart to write, a .png file")
    arguments = parser.parse_args()
    try:
        runtime = load(arguments.model)
        curves = {PUBLIC: public(runtime, arguments.data)}
        if arguments.photos:
            curves[arguments.photos.name] = photos(runtime, arguments.photos)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print_table(curves)
    if arguments.out:
        draw(curves).savefig(arguments.out)
    return 0


def public(runtime: Runtime, data: Path) -> list[Evaluation]:
    """Returns an evaluation of FER2013's validation split for each sensitivity."""
    dataset, found = read(data), []
    for runtime.sensitivity in tqdm(SENSITIVITIES, desc=PUBLIC, disable=None):
        found.append(evaluate(runtime, dataset.validation, "ferplus", names=dataset.labels, head=LIVE))
    return found


def photos(runtime: Runtime, folder: Path) -> list[Evaluation]:
    """Returns an evaluation of the faces in photos for each sensitivity."""
    dataset, found = read(folder, runtime.labels, FaceCutter(make_detector(), runtime.cut)), []
    splits = [split for split in (dataset.training, dataset.validation, dataset.test) if len(split)]
    pictures = Split(
        np.concatenate([split.pictures for split in splits]),
        np.concatenate([split.indexes for split in splits]),
    )
    for runtime.sensitivity in tqdm(SENSITIVITIES, desc=folder.name, disable=None):
        found.append(evaluate(runtime, pictures, head=LIVE))
    return found


def print_table(curves: dict[str, list[Evaluation]]) -> None:
    """Prints a row for each sensitivity."""
    heads = " | ".join(f"{name}: accuracy | balanced | calibration error" for name in curves)
    print(f"| sensitivity | {heads} |\n|---|{'---|' * 3 * len(curves)}")
    for sensitivity, *found in zip(SENSITIVITIES, *curves.values(), strict=True):
        cells = " | ".join(f"{e.accuracy:.1%} | {e.balanced_accuracy:.1%} | {e.ece:.1%}" for e in found)
        print(f"| {sensitivity:.1f} | {cells} |")
    chosen = int(np.abs(SENSITIVITIES - Settings.sensitivity).argmin())
    for name, found in curves.items():
        for which in (0, chosen):
            recall = {label: share for label, share in found[which].recall.items() if share is not None}
            shares = ", ".join(f"{label} {share:.0%}" for label, share in recall.items())
            print(f"{name} at {SENSITIVITIES[which]:.1f}, found of each label: {shares}")


def draw(curves: dict[str, list[Evaluation]]):
    """Returns a chart with a panel for each set of pictures; a line marks the default."""
    with chart_style():
        figure = new_figure(3.4)
        figure.set_layout_engine("constrained")
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for axes, (name, found) in zip(panels, curves.items(), strict=True):
            axes.plot(
                SENSITIVITIES, [e.balanced_accuracy for e in found], color=ORANGE, label="balanced accuracy"
            )
            axes.plot(SENSITIVITIES, [e.accuracy for e in found], color=BLUE, label="accuracy")
            axes.axvline(Settings.sensitivity, color="black", linewidth=1, linestyle=":", label="default")
            axes.set(title=name, xlabel="sensitivity", xlim=(0, 1))
            percent(axes.yaxis)
        panels[0].legend(loc="lower left")
        return settled(figure)


if __name__ == "__main__":
    sys.exit(main())
