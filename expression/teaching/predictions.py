"""Predictions of the reader: written down before a cell runs, compared afterwards, and added up at the end.

    predict("04 commonest", "Which label is the most common?", ["Happy", "Neutral", "Sad"])
    ...
    compare("04 commonest", "Happy")

They are kept in a file of the user's own, `predictions.json`, so that the last lesson can show how well
the reader's confidence fits: of the predictions they were 80% sure of, about 80% should be right.

Notebook: 16_records
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingFileError, as_bad_input
from ..files import own_folder, read_small, write_text
from ..training.calibration import bins_of
from ..training.chart_style import BLUE, GREY, ORANGE, chart_style, new_figure, percent, settled

if TYPE_CHECKING:
    import ipywidgets
    from matplotlib.figure import Figure

SURE = (0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
"""How sure a reader can be; less than even odds would be a prediction of something else."""

MOST_BYTES = 200_000
"""Largest file of predictions, in bytes; a course of sixteen lessons needs a tenth of it."""


def predictions_path() -> Path:
    """Returns the file of this user's predictions; it may not exist yet."""
    return own_folder("state") / "predictions.json"


def predict(name: str, question: str, choices: Sequence[str]) -> ipywidgets.VBox:
    """Returns a widget with a question; the choice, and how sure the reader is, are kept at once.

    A prediction that was compared stays as it is. To start again, delete `predictions_path()`.

    Args:
        name: The number of the lesson and a word, such as "04 commonest".
        question: The question, a sentence.
        choices: What can be predicted, two or more short texts that differ.

    Raises:
        ValueError: There are fewer than two choices, or two are equal.
        BadInputError: The file of predictions is damaged.
    """
    import ipywidgets

    choices = list(map(str, choices))
    if len(set(choices)) < max(2, len(choices)):
        raise ValueError(
            f"The choices are {choices}. Expected two or more that differ. Change the list of choices."
        )
    kept = read_predictions().get(name, {})
    wide = {"description_width": "initial"}
    chosen = kept["choice"] if kept.get("choice") in choices else None
    buttons = ipywidgets.ToggleButtons(options=choices, value=chosen, style={"button_width": "auto"})
    sure = ipywidgets.SelectionSlider(
        options=[(f"{share:.0%}", share) for share in SURE],
        value=kept.get("sure") if kept.get("sure") in SURE else 0.7,
        description="How sure are you?",
        style=wide,
    )
    said = ipywidgets.HTML()

    def keep(_: Any = None) -> None:
        if buttons.value is None:
            said.value = "Choose one; a guess is welcome."
            return
        every = read_predictions()
        if "answer" not in every.get(name, {}):
            every[name] = {"choice": buttons.value, "sure": sure.value}
            _write(every)
            said.value = "Saved. You can change it until you see the result."
        else:
            said.value = "The result is known, so the first prediction counts."

    buttons.observe(keep, "value")
    sure.observe(keep, "value")
    said.value = "" if chosen else "Choose one; a guess is welcome."
    return ipywidgets.VBox([ipywidgets.HTML(f"<b>{question}</b>"), buttons, sure, said])


def compare(name: str, answer: str) -> None:
    """Prints the answer, and beside it what the reader predicted, if anything.

    Args:
        name: The name that `predict` was given.
        answer: The choice that turned out to be right.

    Raises:
        BadInputError: The file of predictions is damaged.
    """
    every, answer = read_predictions(), str(answer)
    if name not in every:
        print(f"The answer: {answer}.")
        return
    every[name].setdefault("answer", answer)
    _write(every)
    choice, sure = every[name]["choice"], every[name]["sure"]
    right = "right" if choice == answer else "not this time"
    print(f"The answer: {answer}. You predicted {choice} and were {sure:.0%} sure: {right}.")


def read_predictions() -> dict[str, dict[str, Any]]:
    """Returns what was predicted: by name, the `choice`, how `sure`, and the `answer` once it was compared.

    Raises:
        BadInputError: The file is damaged.
    """
    path = predictions_path()
    remedy = "Delete it to start again."
    expected = "Expected the predictions that the lessons keep there."
    try:
        text = read_small(path, expected, remedy, MOST_BYTES)
    except MissingFileError:
        return {}
    with as_bad_input(f"{path} cannot be read", expected, remedy):
        return {
            str(name): {
                "choice": str(one["choice"]),
                "sure": min(max(float(one["sure"]), 0.5), 1.0),
                **({"answer": str(one["answer"])} if "answer" in one else {}),
            }
            for name, one in json.loads(text).items()
        }


def calibration(scores: np.ndarray, indexes: np.ndarray) -> Figure:
    """Plots how often the reader was right over how sure they were, next to a network.

    Args:
        scores: (n, labels), the network's, rows that sum to 1, such as `Evaluation.scores`.
        indexes: (n,), the right label of each, such as `Evaluation.indexes`.
    """
    best, right = scores.max(1), scores.argmax(1) == indexes
    bins = bins_of(best)
    network = [(best[bins == one].mean(), right[bins == one].mean()) for one in np.unique(bins)]
    compared = [one for one in read_predictions().values() if "answer" in one]
    with chart_style():
        figure = new_figure(5.6, 5)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfect calibration")
        axes.plot(*zip(*network, strict=True), "o-", color=BLUE, label="the network")
        if compared:
            hits: dict[float, list[bool]] = {}
            for one in compared:
                hits.setdefault(one["sure"], []).append(one["choice"] == one["answer"])
            shares, sizes = (
                [np.mean(each) for each in hits.values()],
                [40 * len(each) for each in hits.values()],
            )
            label = f"you (predictions: {len(compared)})"
            axes.scatter([*hits], shares, sizes, ORANGE, marker="s", label=label, zorder=3)
        axes.set(xlabel="How sure", ylabel="How often right", xlim=(0, 1.02), ylim=(-0.02, 1.02))
        axes.legend(loc="upper left")
        for axis in (axes.yaxis, axes.xaxis):
            percent(axis)
        return settled(figure)


def _write(every: dict[str, dict[str, Any]]) -> None:
    """Replaces the file of predictions, and makes its folder."""
    path = predictions_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(every, indent=1, ensure_ascii=False) + "\n")
