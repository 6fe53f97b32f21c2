"""The charts say what they should, and look the same whatever the user's own style is."""

from __future__ import annotations

import sys

import cv2
import matplotlib
import numpy as np
import pytest
from readings import reading

from expression.errors import BadInputError, MissingFileError, MissingPackageError
from expression.lights.settings import LightSettings
from expression.teaching import reaction_charts
from expression.training import charts
from expression.training.evaluation import Evaluation
from expression.vision.drawing import colour

HISTORY = [
    {
        "epoch": 1,
        "seconds": 60,
        "loss": 3.2,
        "training": 0.3,
        "validation": 0.4,
        "validation_votes": 0.5,
    },
    {
        "epoch": 2,
        "seconds": 60,
        "loss": 2.5,
        "training": 0.5,
        "validation": 0.62,
        "validation_votes": 0.7,
    },
    {
        "epoch": 3,
        "seconds": 90,
        "loss": 2.1,
        "training": 0.6,
        "validation": 0.6,
        "validation_votes": 0.8,
    },
]
EVALUATION = Evaluation(
    ("Happy", "Sad"),
    np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]),
    np.array([0, 0, 0, 1]),
)
TABLE = [
    {"network": network, "labels": labels, "change": change, "by": by, "accuracy": accuracy}
    for network in ("before", "after")
    for labels in ("fer2013", "ferplus")
    for change in ("shift", "scale", "tilt")
    for by, accuracy in ((-0.2, 0.5), (0, 0.7), (0.2, 0.6))
]
MESSAGES = {
    "everything": [
        *(reading(1, "Happy", time=second / 5) for second in range(20)),
        *(reading(2, "Sad", time=second / 5) for second in range(10, 20)),
    ],
    "once": [reading(1, "not sure", time=2)],
    "never": [],
}
RIBBONS = {
    "calm": [(0, "Happy"), (1, "Happy"), (3, "Sad")],
    "nervous": [(0, "Happy"), (1, "Sad"), (2, ""), (4, "not sure")],
    "nobody": [],
}
CHARTS = {
    "learning_curves": lambda: charts.learning_curves(HISTORY),
    "confusion_matrix": lambda: charts.confusion_matrix(EVALUATION),
    "reliability": lambda: charts.reliability(EVALUATION.scores, EVALUATION.indexes),
    "robustness": lambda: charts.robustness(TABLE),
    "gamuts": lambda: reaction_charts.gamuts(LightSettings().colours),
    "own_set": lambda: charts.own_set({"Happy": [3, 1], "Sad": [0, 4]}, ["monday", "tuesday"]),
    "messages": lambda: reaction_charts.messages(MESSAGES, {1.5: "off", 3: "on"}),
    "ribbons": lambda: reaction_charts.ribbons(RIBBONS, end=5),
}


def lines(axes) -> dict[str, list[float]]:
    """The heights of each line of a chart, by what the legend calls it."""
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


@pytest.mark.slow
@pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)
def test_every_chart_is_a_picture_on_white_that_notebooks_show(draw, tmp_path):
    figure = draw()
    figure.savefig(tmp_path / "chart.png")
    kept = cv2.imread(str(tmp_path / "chart.png"))
    shown = cv2.imdecode(np.frombuffer(figure._repr_png_(), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(kept, shown)
    assert 900 <= kept.shape[1] <= 1350
    edges = np.concatenate([kept[0], kept[-1], kept[:, 0], kept[:, -1]])
    assert (edges == 255).all(), "nothing is cut off"


@pytest.mark.slow
@pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)
def test_a_style_of_the_user_neither_changes_a_chart_nor_is_changed(draw):
    plain = draw()._repr_png_()
    with matplotlib.style.context("dark_background"):
        before = dict(matplotlib.rcParams)
        assert draw()._repr_png_() == plain
        assert dict(matplotlib.rcParams) == before


def test_learning_curves_mark_the_epoch_that_was_kept():
    left, right = charts.learning_curves(HISTORY).axes
    assert left.get_title(loc="left") == "Training loss"
    assert right.get_title(loc="left") == "Accuracy (best: 62.0% in epoch 2)"
    assert {axes.get_xlabel() for axes in (left, right)} == {"Epoch"}
    assert lines(left)["loss"] == [3.2, 2.5, 2.1]
    shown = lines(right)
    assert shown["training, distorted pictures"] == [0.3, 0.5, 0.6]
    assert shown["validation, the data's labels"] == [0.4, 0.62, 0.6]
    assert shown["validation, FER+'s votes"] == [0.5, 0.7, 0.8]


def test_of_epochs_that_are_equally_good_the_first_is_kept():
    equal = [{**row, "validation": 0.6} for row in HISTORY]
    assert charts.learning_curves(equal).axes[1].get_title(loc="left").endswith("60.0% in epoch 1)")


def test_learning_curves_of_data_without_votes_have_no_line_for_them():
    few = [{name: row[name] for name in ("epoch", "loss", "training", "validation")} for row in HISTORY[:1]]
    legend = charts.learning_curves(few).axes[1].get_legend()
    assert [text.get_text() for text in legend.texts] == [
        "training, distorted pictures",
        "validation, the data's labels",
    ]


def test_the_confusion_matrix_shows_shares_of_rows():
    (axes,) = charts.confusion_matrix(EVALUATION).axes
    assert [text.get_text() for text in axes.texts] == ["67%", "33%", "0%", "100%"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Happy (3)", "Sad (1)"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["Happy", "Sad"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted label", "True label (pictures)")
    assert axes.get_title(loc="left") == "75.0% of 4 pictures classified correctly"


def test_reliability_holds_scores_against_what_is_right():
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    upper, lower = charts.reliability(scores, np.array([0, 0, 0, 1])).axes
    assert lines(upper)["this network"] == [0.5, 1.0]
    assert lines(upper)["perfect calibration"] == [0, 1]
    assert upper.get_title(loc="left") == "Calibration error 10.0%"
    assert (lower.get_xlabel(), lower.get_ylabel(), upper.get_ylabel()) == (
        "Highest score",
        "Faces",
        "Accuracy",
    )
    assert sum(bar.get_height() for bar in lower.patches) == pytest.approx(1)


@pytest.mark.slow
def test_robustness_has_a_panel_a_change_and_a_line_a_network_and_kind_of_labels():
    figure = charts.robustness([*TABLE, {**TABLE[0], "accuracy": 0.7}])
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "Box shift, % of its side",
        "Box scale (1 = correct)",
        "Head tilt, degrees",
    ]
    names = ["before, FER2013", "before, FER+", "after, FER2013", "after, FER+"]
    assert [text.get_text() for text in figure.legends[0].texts] == names
    assert lines(figure.axes[1]) == {name: [0.5, 0.7, 0.6] for name in names}
    assert lines(figure.axes[0])["before, FER2013"] == [0.6, 0.7, 0.6], "the mean of right and down"


def test_messages_are_ticks_in_the_colour_of_their_label_and_counted():
    figure = reaction_charts.messages(MESSAGES, {1.5: "off"})
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["everything", "once", "never"]
    assert [text.get_text().strip() for text in axes.texts] == ["30", "1", "0", "off"]
    assert [text.get_text() for text in figure.legends[0].texts] == ["Happy", "Sad", "not sure"]
    first, second, once = axes.collections
    assert [len(ticks.get_segments()) for ticks in (first, second, once)] == [20, 10, 1]
    for ticks, label in ((first, "Happy"), (second, "Sad"), (once, "not sure")):
        np.testing.assert_allclose(255 * ticks.get_colors()[0][:3], colour(label), atol=1e-6)
    assert first.get_segments()[0][1][1] < second.get_segments()[0][0][1], "one person below the other"


def test_a_run_without_messages_is_drawn_empty():
    figure = reaction_charts.messages({"nobody": []})
    assert [text.get_text().strip() for text in figure.axes[0].texts] == ["0"]


def test_ribbons_have_the_colours_of_their_labels_as_long_as_they_last_and_count_changes():
    figure = reaction_charts.ribbons(RIBBONS, end=5)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == list(RIBBONS)
    assert [text.get_text() for text in axes.texts] == ["1 change", "3 changes", "0 changes"]
    assert [text.get_text() for text in figure.legends[0].texts] == ["Happy", "Sad", "not sure"]
    bars = [bar for bar in axes.patches if bar.get_height() == pytest.approx(0.7)]
    places = [(bar.get_x(), bar.get_width()) for bar in bars]
    assert places == [(0, 3), (3, 2), (0, 1), (1, 1), (2, 2), (4, 1)]
    labels = ("Happy", "Sad", "Happy", "Sad", None, "not sure")
    for bar, label in zip(bars, labels, strict=True):
        if label:
            np.testing.assert_allclose(bar.get_facecolor()[:3], np.divide(colour(label), 255), atol=1e-6)


def test_ticks_between_whole_percentages_are_not_rounded():
    figure = charts.robustness([{**row, "accuracy": 0.55 + row["accuracy"] / 10} for row in TABLE])
    axis = figure.axes[0].yaxis
    for place, text in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True):
        assert float(text.get_text().removesuffix("%")) == pytest.approx(100 * place)


def test_robustness_without_votes_names_fer2013_alone():
    figure = charts.robustness([row for row in TABLE if row["labels"] == "fer2013"])
    assert [text.get_text() for text in figure.legends[0].texts] == ["before, FER2013", "after, FER2013"]


def test_a_history_is_read_as_numbers(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,seconds,loss,training,validation\n1,60.5,1.9,0.3,0.4\n", encoding="utf-8")
    row = {"epoch": 1, "seconds": 60.5, "loss": 1.9, "training": 0.3, "validation": 0.4}
    assert charts.read_history(path) == [row]


NO_HISTORY = {
    "empty": b"",
    "a header alone": b"epoch,loss,training,validation\n",
    "other columns": b"epoch,loss\n1,2\n",
    "words": b"epoch,loss,training,validation\n1,low,0.3,0.4\n",
    "a row cut short": b"epoch,loss,training,validation\n1,2,0.3\n",
    "a row too long": b"epoch,loss,training,validation\n1,2,0.3,0.4,0.5\n",
    "a picture": b"\x89PNG\r\n\xff\xfe\x00",
}


@pytest.mark.parametrize("content", NO_HISTORY.values(), ids=NO_HISTORY)
def test_what_is_no_history_is_told(content, tmp_path):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError) as error:
        charts.read_history(path)
    assert str(error.value) == (
        f"{path} is not the history of a training run. Expected the columns epoch, loss, training and "
        "validation, with one row of numbers per epoch. "
        "Choose the history.csv that a training run writes to its folder."
    )


def test_a_history_that_is_not_there_is_told(tmp_path):
    with pytest.raises(
        MissingFileError, match=r"^The history .*history\.csv was not found\. Expected the history\.csv"
    ):
        charts.read_history(tmp_path / "history.csv")


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        MissingPackageError, match=r"^Drawing a chart needs the package matplotlib, .*\[lessons\]"
    ):
        charts.learning_curves(HISTORY)


ODD = ["$\\foo$", "$5", "_hidden", "a_b^2", "\\frac{1}{2}", "%s{0}"]


def odd_charts():
    scores = np.eye(len(ODD))
    readings = [reading(1, label, time=second) for second, label in enumerate(ODD)]
    yield charts.confusion_matrix(Evaluation(tuple(ODD), scores, np.arange(len(ODD))))
    yield charts.own_set({label: [3, 4] for label in ODD}, ["$\\bar$", "_monday"])
    yield reaction_charts.messages(dict.fromkeys(ODD, readings), {1.0: "$\\foo$"})
    yield reaction_charts.ribbons({label: [(0, label), (1, ODD[0])] for label in ODD}, 5)
    yield reaction_charts.gamuts({label: LightSettings().neutral for label in ODD})


@pytest.mark.slow
def test_a_chart_draws_labels_with_signs_of_formulas_as_they_are(tmp_path):
    from matplotlib.text import Text

    for figure in odd_charts():
        figure.savefig(tmp_path / "a.png")
        texts = figure.findobj(Text)
        assert any(text.get_text().startswith("$\\foo$") for text in texts)
        assert not any(text.get_parse_math() for text in texts)
