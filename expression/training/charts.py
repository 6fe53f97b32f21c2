"""Charts: the course of a training run, a network's confusions, the meaning of its scores.

    learning_curves(read_history("results/first/history.csv")).savefig("learning_curves.png")

Each function returns a matplotlib Figure, which a notebook shows when it is the last line of a
cell. They do not touch matplotlib's global state, so they work in any thread and alongside other plotting.
Lessons, `benchmarks/robustness.py` and `scripts/ship.py` call them.

Notebook: 06_train
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DAMAGE, BadInputError, MissingFileError
from ..files import read_small
from .calibration import BINS, bins_of, expected_calibration_error
from .chart_style import BLUE, GREEN, GREY, ORANGE, chart_style, new_figure, percent, settled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .evaluation import Evaluation

PANELS = {
    "shift": "Box shift, % of its side",
    "scale": "Box scale (1 = correct)",
    "tilt": "Head tilt, degrees",
}
"""The panels of `robustness`, and the labels of their x axes."""


def read_history(path: str | Path) -> list[dict[str, float]]:
    """Reads the `history.csv` of a training run, with one row per epoch.

    Raises:
        MissingFileError: The file does not exist.
        BadInputError: It is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"The history {path} was not found.",
            "Expected the history.csv that a training run writes to its folder.",
            "Check the path.",
        )
    expected = "Expected the columns epoch, loss, training and validation, with one row of numbers per epoch."
    remedy = "Choose the history.csv that a training run writes to its folder."
    try:
        text = read_small(path, expected, remedy)
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        rows = [{name: float(value) for name, value in row.items()} for row in rows]
        if not rows or {"epoch", "loss", "training", "validation"} - set(rows[0]):
            raise ValueError("columns")
    except DAMAGE as error:
        raise BadInputError(f"{path} is not the history of a training run.", expected, remedy) from error
    return rows


def learning_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Plots loss and accuracy for each epoch, and marks the epoch that was kept.

    Args:
        history: Rows as returned by `training.train` and `read_history`.
    """
    best = max(history, key=lambda row: row["validation"])  # the first of equal ones, as in training
    with chart_style():
        figure = new_figure(3.6)
        left, right = figure.subplots(1, 2)
        _curve(left, history, "loss", "loss", BLUE)
        _curve(right, history, "training", "training, distorted pictures", BLUE)
        _curve(right, history, "validation", "validation, the data's labels", ORANGE)
        _curve(right, history, "validation_votes", "validation, FER+'s votes", GREEN)
        right.plot(best["epoch"], best["validation"], "o", color=ORANGE, markersize=8)
        right.legend()
        left.set(title="Training loss", xlabel="Epoch", ylim=(0, None))
        right.set(
            title=f"Accuracy (best: {best['validation']:.1%} in epoch {best['epoch']:.0f})", xlabel="Epoch"
        )
        percent(right.yaxis)
        for axes in (left, right):
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        return settled(figure)


def _curve(axes: Axes, history: Sequence[Mapping[str, float]], name: str, label: str, colour: str) -> None:
    """Plots a column of the history, if it exists; with dots if there are few epochs: one is not a line."""
    if name in history[0]:
        marker = "." if len(history) <= 12 else ""
        epochs, values = ([row[column] for row in history] for column in ("epoch", name))
        axes.plot(epochs, values, label=label, color=colour, marker=marker)


def confusion_matrix(evaluation: Evaluation) -> Figure:
    """Plots which labels were confused with which, as shares of each row.

    Args:
        evaluation: The result of `evaluation.evaluate`.
    """
    counts = evaluation.confusion
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    with chart_style():
        figure = new_figure(6, 7)
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(shares):
            colour = "white" if share > 0.5 else "black" if share >= 0.005 else GREY
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour)
        ticks = range(len(evaluation.labels))
        rows = [f"{name} ({count:,})" for name, count in zip(evaluation.labels, counts.sum(1), strict=True)]
        axes.set_xticks(ticks, evaluation.labels, fontsize=9)
        axes.set_yticks(ticks, rows, fontsize=9)
        axes.set(xlabel="Predicted label", ylabel="True label (pictures)")
        axes.set_title(
            f"{evaluation.accuracy:.1%} of {len(evaluation.indexes):,} pictures classified correctly"
        )
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        return settled(figure)


def reliability(scores: np.ndarray, indexes: np.ndarray) -> Figure:
    """Plots how well scores are calibrated: of the faces scored 70%, seven in ten should be right.

    Args:
        scores: (n, labels), rows that sum to 1, such as `Evaluation.scores`.
        indexes: (n,), the right label of each, such as `Evaluation.indexes`.
    """
    best, right = scores.max(1), scores.argmax(1) == indexes
    edges = np.linspace(0, 1, BINS + 1)
    bins = bins_of(best)
    counts = np.bincount(bins, minlength=BINS)
    filled = counts > 0
    means = [np.bincount(bins, values, BINS)[filled] / counts[filled] for values in (best, right)]
    with chart_style():
        figure = new_figure(5.6, 6)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfect calibration")
        upper.plot(*means, "o-", color=BLUE, label="this network")
        error = expected_calibration_error(scores, indexes)
        upper.set(title=f"Calibration error {error:.1%}", ylabel="Accuracy", xlim=(0, 1), ylim=(0, 1))
        upper.legend(loc="upper left")
        lower.bar(edges[:-1], counts / len(best), 1 / BINS, align="edge", color=BLUE, edgecolor="white")
        lower.set(xlabel="Highest score", ylabel="Faces")
        for axis in (upper.yaxis, lower.yaxis, lower.xaxis):
            percent(axis)
        return settled(figure)


def robustness(table: Sequence[Mapping]) -> Figure:
    """Plots the loss of accuracy when the box of a face is misplaced.

    Args:
        table: Rows with network, labels ("fer2013" or "ferplus"), change ("shift", "scale" or
            "tilt"), by, and accuracy, as `benchmarks/robustness.py` measures them.
    """
    networks = list(dict.fromkeys(row["network"] for row in table))
    with chart_style():
        figure = new_figure(3.8)
        panels = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (change, xlabel) in zip(panels, PANELS.items(), strict=True):
            for network, colour in zip(networks, (BLUE, ORANGE, GREEN, GREY), strict=False):
                for labels, line in (("fer2013", "-"), ("ferplus", "--")):
                    wanted = {"network": network, "labels": labels, "change": change}
                    rows = [row for row in table if wanted.items() <= row.items()]
                    if not rows:
                        continue
                    points = sorted({row["by"] for row in rows})
                    means = [np.mean([r["accuracy"] for r in rows if r["by"] == by]) for by in points]
                    name = f"{network}, {'FER+' if labels == 'ferplus' else 'FER2013'}"
                    axes.plot(points, means, line, color=colour, marker=".", label=name)
            axes.set(xlabel=xlabel)
        percent(panels[0].xaxis, sign="")
        percent(panels[0].yaxis)
        panels[0].set_ylabel("Accuracy")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
        return settled(figure)


def own_set(counts: Mapping[str, Sequence[int]], sessions: Sequence[str]) -> Figure:
    """Plots how many pictures a user's own set has of each label, session by session.

    Args:
        counts: For each label, its pictures in each session.
        sessions: The names of the sessions, in the same order.
    """
    with chart_style():
        figure = new_figure(1.2 + 0.35 * len(counts))
        axes = figure.subplots()
        names, before = list(counts), np.zeros(len(counts))
        for number, session in enumerate(sessions):
            values = np.array([row[number] for row in counts.values()])
            look = {"color": (BLUE, ORANGE, GREEN, GREY)[number % 4], "edgecolor": "white"}
            axes.barh(names, values, left=before, label=session or "none", **look)
            before += values
        ends = axes.barh(names, 0 * before, left=before)
        axes.bar_label(ends, [f"{count:.0f}" for count in before], padding=4)
        axes.set(title="Pictures per label", xlim=(0, max(1, before.max()) * 1.08))
        axes.grid(visible=False, axis="y")
        axes.invert_yaxis()
        if len(sessions) > 1:
            figure.legend(loc="outside lower left", ncols=3, title="session")
        return settled(figure)
