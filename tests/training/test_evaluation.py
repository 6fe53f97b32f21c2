"""A network's answers are counted correctly, by the data's labels and by FER+'s votes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from parts import ROOT

from expression.datasets.dataset import Split
from expression.datasets.ferplus import COLUMNS
from expression.errors import BadInputError
from expression.labels import FER2013, Labels
from expression.models import Runtime, load
from expression.models.metadata import Card
from expression.models.registry import SHIPPED
from expression.pictures.image import read_picture, write_picture
from expression.training.evaluation import Evaluation, evaluate


class Fake(Runtime):
    """Stands in for a Runtime: returns the scores it was given, and notes which head was used."""

    def __init__(self, scores, labels=FER2013, heads=("fer2013", "ferplus")):
        super().__init__(Path("fake.tflite"), Card(labels, heads=heads))
        self.rows, self.asked = np.array(scores, np.float32), []

    def scores(self, pictures, head=None):
        self.asked.append(head)
        return self.rows[: len(pictures)]


def said(labels: Labels, *names: str) -> np.ndarray:
    """Scores of a network that is sure of these."""
    return np.eye(len(labels), dtype=np.float32)[[labels.index(name) for name in names]]


def split_of(indexes, votes=None) -> Split:
    indexes = np.array(indexes, np.int64)
    return Split(np.zeros((len(indexes), 48, 48), np.uint8), indexes, votes)


def votes(**counts: int) -> list[int]:
    """A row of ten people's votes."""
    return [counts.get(name, 0) for name in COLUMNS]


THREE = Labels(["Angry", "Happy", "Sad"])
SCORES = np.array(
    [
        [0.7, 0.2, 0.1],  # Angry, right
        [0.2, 0.7, 0.1],  # Angry, read as Happy
        [0.1, 0.7, 0.2],  # Happy, right
        [0.1, 0.7, 0.2],  # Happy, right
        [0.2, 0.1, 0.7],  # Happy, read as Sad
        [0.1, 0.2, 0.7],  # Sad, right
    ]
)
RIGHT = [0, 0, 1, 1, 1, 2]


@pytest.fixture
def evaluation():
    return evaluate(Fake(SCORES, THREE), split_of(RIGHT))


def test_counts_follow_from_scores_worked_out_by_hand(evaluation):
    assert evaluation.confusion.tolist() == [[1, 1, 0], [0, 2, 1], [0, 0, 1]]
    assert evaluation.accuracy == pytest.approx(4 / 6)
    assert evaluation.recall == pytest.approx({"Angry": 1 / 2, "Happy": 2 / 3, "Sad": 1})
    assert evaluation.precision == pytest.approx({"Angry": 1, "Happy": 2 / 3, "Sad": 1 / 2})
    assert evaluation.f1 == pytest.approx({"Angry": 2 / 3, "Happy": 2 / 3, "Sad": 2 / 3})
    assert evaluation.macro_f1 == pytest.approx(2 / 3)
    assert evaluation.ece == pytest.approx(0.7 - 4 / 6)
    assert evaluation.milliseconds_per_face > 0


def test_the_json_has_every_key_that_is_promised(evaluation):
    found = json.loads(json.dumps(evaluation.to_json()))
    promised = "accuracy balanced_accuracy accuracy_without_leaked macro_f1 recall precision ece confusion"
    promised += " labels pictures milliseconds_per_face head protocol"
    assert set(found) == set(promised.split())
    assert found["accuracy"] == 0.6667
    assert found["accuracy_without_leaked"] is None
    assert found["recall"] == {"Angry": 0.5, "Happy": 0.6667, "Sad": 1.0}
    assert found["confusion"] == [[1, 1, 0], [0, 2, 1], [0, 0, 1]]
    assert (found["labels"], found["pictures"]) == (["Angry", "Happy", "Sad"], 6)
    assert (found["head"], found["protocol"]) == ("fer2013", "the data's own label of every picture")


def test_pictures_that_stand_in_training_are_left_out_beside():
    leaked = np.array([True, False, True, True, False, False])
    evaluation = evaluate(Fake(SCORES, THREE), split_of(RIGHT), leaked=leaked)
    assert evaluation.accuracy == pytest.approx(4 / 6)
    assert evaluation.accuracy_without_leaked == pytest.approx(1 / 3)
    assert "Without pictures that are also in Training (3 of 6): 33.3%." in evaluation.text()


def test_where_every_picture_leaked_nothing_is_left_to_count():
    evaluation = evaluate(Fake(SCORES, THREE), split_of(RIGHT), leaked=np.ones(6, bool))
    assert evaluation.to_json()["accuracy_without_leaked"] is None
    assert "Training (6 of 6): –." in evaluation.text()


def test_where_nothing_leaked_the_text_is_silent_about_it():
    evaluation = evaluate(Fake(SCORES, THREE), split_of(RIGHT), leaked=np.zeros(6, bool))
    assert evaluation.accuracy_without_leaked == evaluation.accuracy
    assert "Training" not in evaluation.text()


def test_the_text_is_a_table_that_ends_in_the_accuracy(evaluation):
    lines = evaluation.text("validation set").splitlines()
    assert lines[:5] == [
        "       pictures  recall  precision      F1",
        "Angry         2   50.0%     100.0%   66.7%",
        "Happy         3   66.7%      66.7%   66.7%",
        "Sad           1  100.0%      50.0%   66.7%",
        "",
    ]
    assert lines[5].startswith("Balanced accuracy 72.2%, macro F1 66.7%, calibration error 3.3%, ")
    assert lines[5].endswith(" ms per face, head fer2013.")
    assert lines[6:] == ["Accuracy on validation set: 66.7%"]
    assert evaluation.text().endswith("\nAccuracy on test set: 66.7%")


OTHER_LABELS = {
    "another order": ["Sad", "Happy", "Angry"],
    "another case": ["SAD", "happy", "angry"],
    "some of them": ["Sad", "Happy"],
}


@pytest.mark.parametrize("names", OTHER_LABELS.values(), ids=OTHER_LABELS)
def test_the_labels_of_other_data_are_matched_by_name(names):
    runtime = Fake(said(THREE, "Sad", "Happy", "Angry"), THREE)
    evaluation = evaluate(runtime, split_of([0, 1, 1]), names=names)
    assert evaluation.labels == ("Angry", "Happy", "Sad")
    assert evaluation.confusion.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert evaluation.recall == {"Angry": None, "Happy": 0.5, "Sad": 1.0}
    assert evaluation.precision == {"Angry": 0.0, "Happy": 1.0, "Sad": 1.0}
    assert evaluation.macro_f1 == pytest.approx((2 / 3 + 1) / 2), (
        "Angry has no pictures, so it does not count"
    )


def test_labels_without_a_number_stand_as_a_dash_and_as_null():
    evaluation = evaluate(Fake(said(THREE, "Sad"), THREE), split_of([2]))
    assert "Angry         0       –          –       –" in evaluation.text().splitlines()
    assert json.loads(json.dumps(evaluation.to_json()))["precision"]["Angry"] is None


VOTES = np.array(
    [
        votes(Happy=6, Neutral=4),  # counts twice over
        votes(Happy=4, Sad=2, Neutral=1, Angry=1, Fear=1, Disgust=1),  # single votes dropped: 4 of 6
        votes(Contempt=6, Neutral=4),  # counts, but is not a label of the network
        votes(Happy=5, Sad=5),  # no majority
        votes(NF=10),  # no face
        votes(unknown=7, Happy=3),  # nobody knows
        votes(Sad=8, Happy=2),
    ]
)


def test_both_protocols_of_ferplus_are_counted_and_named():
    runtime = Fake(said(FER2013, "Happy", "Happy", "Happy", "Happy"))
    leaked = np.array([True, False, False, True, True, True, False])
    evaluation = evaluate(runtime, split_of([0] * 7, VOTES), "ferplus", leaked)
    assert runtime.asked[0] == "ferplus"
    found = evaluation.to_json()
    assert found["pictures"] == 4
    assert found["accuracy"] == 0.5, "two Happy of Happy, Happy, Contempt and Sad"
    assert found["accuracy_without_leaked"] == 0.3333
    assert (found["accuracy_over_half"], found["pictures_over_half"]) == (0.3333, 3)
    assert found["accuracy_by_code"] == 0.6667, "the same without Contempt"
    assert found["macro_f1"] == 0.2222, "2/3 for Happy, none for Sad and Contempt"
    assert found["labels"] == [*FER2013, "Contempt"]
    assert found["recall"]["Contempt"] == 0.0
    assert found["confusion"][7] == [0, 0, 0, 1, 0, 0, 0, 0]
    assert "official protocol: votes that only one person gave are dropped" in found["protocol"]
    assert "over half of all votes" in found["protocol"]
    assert evaluation.text().splitlines()[-6:] == [
        "Without pictures that are also in Training (1 of 4): 33.3%.",
        "FER+'s official protocol: drop single votes, then require over half of the rest.",
        "Counted as in its published code, without Fear and Contempt: 66.7%.",
        "With over half of all votes, 3 pictures count: 33.3%.",
        "The network has no label Contempt: always wrong.",
        "Accuracy on test set: 50.0%",
    ]


HEADS = {
    "both heads, the data's labels": (("fer2013", "ferplus"), "fer2013", "fer2013"),
    "both heads, votes": (("fer2013", "ferplus"), "ferplus", "ferplus"),
    "one head, the data's labels": (("labels",), "fer2013", "labels"),
    "one head, votes": (("labels",), "ferplus", "labels"),
}


@pytest.mark.parametrize(("heads", "labels", "asked"), HEADS.values(), ids=HEADS)
def test_the_head_that_learned_the_labels_answers_if_there_is_one(heads, labels, asked):
    runtime = Fake(said(FER2013, "Happy"), heads=heads)
    evaluation = evaluate(runtime, split_of([3], VOTES[:1]), labels)
    assert (runtime.asked[0], evaluation.head) == (asked, asked)


WRONG = {
    "no pictures": (split_of([]), {}, "The split has no pictures to evaluate. Expected at least one. "),
    "no majority": (
        split_of([0], VOTES[3:4]),
        {"labels": "ferplus"},
        "The split has no pictures to evaluate. ",
    ),
    "no votes": (
        split_of([0]),
        {"labels": "ferplus"},
        "The data have no votes. Expected fer2013new.csv of FER+ next to FER2013. Download it from "
        "https://github.com/microsoft/FERPlus, or use --labels fer2013.",
    ),
    "no such labels": (
        split_of([0]),
        {"labels": "affectnet"},
        "There are no labels 'affectnet'. Expected fer2013 or ferplus. Choose one of these.",
    ),
    "labels misspelt": (
        split_of([0]),
        {"labels": "FER+plus"},
        "There are no labels 'FER+plus'. Expected fer2013 or ferplus. Did you mean ferplus?",
    ),
    "unknown label": (
        split_of([0, 1]),
        {"names": ["Happy", "Bored", "Awake"]},
        "The data have pictures of Bored, which fake.tflite does not know. Expected only Angry, Disgust, "
        "Fear, Happy, Sad, Surprise, Neutral. Choose other pictures, or train a network for these.",
    ),
    "unknown label among others": (
        split_of([0, 1, 2]),
        {"names": ["Happy", "Bored", "Sad"]},
        "The data have pictures of Bored, which fake.tflite does not know. Expected only Angry, Disgust, "
        "Fear, Happy, Sad, Surprise, Neutral. "
        "Leave them out with --labels Happy,Sad, or train a network for them.",
    ),
}


@pytest.mark.parametrize(("split", "options", "told"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_counted_is_told(split, options, told):
    with pytest.raises(BadInputError) as error:
        evaluate(Fake(said(FER2013, "Happy", "Happy")), split, **options)
    assert str(error.value).startswith(told)


def test_the_shipped_network_reads_every_picture_as_it_does_live():
    noise = np.random.default_rng(0).integers(0, 256, (3, 12, 12), np.uint8)
    split = Split(noise.repeat(4, 1).repeat(4, 2), np.array([0, 1, 2]))
    evaluation = evaluate(load(), split)
    assert evaluation.scores.shape == (3, 7)
    assert evaluation.confusion.sum() == 3
    assert 0 <= evaluation.ece <= 1


def run(script: str, *words: str) -> tuple[int, str, str]:
    """Runs a script of the project; returns the exit code, stdout and stderr."""
    line = [sys.executable, str(ROOT / script), *words]
    done = subprocess.run(line, capture_output=True, text=True, encoding="utf-8", timeout=100)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_the_script_ends_in_the_accuracy(portrait, tmp_path):
    for label in ("happy", "SAD"):
        (tmp_path / label).mkdir()
        write_picture(tmp_path / label / "face.png", portrait)
    code, out, err = run("scripts/predict.py", "--data", str(tmp_path))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "Network: the shipped one"
    assert "          pictures  recall  precision      F1" in out.splitlines()
    assert re.fullmatch(r"Accuracy on test set: (0|50)\.0%", out.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data", "none"], "none"),
        (
            ["--data", ".", "--model", "none.tflite"],
            "The network none.tflite was not found. Expected a .tflite",
        ),
    ],
    ids=["no data", "no network"],
)
def test_the_script_tells_what_is_not_there(words, told):
    code, out, err = run("scripts/predict.py", *words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_the_benchmark_of_robustness_leaves_a_table_and_a_figure(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (3, 48 * 48))
    rows = [f"{i},{' '.join(map(str, row))},PublicTest" for i, row in enumerate(grey)]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]), encoding="utf-8")
    figure = tmp_path / "figure.png"
    words = ["--data", str(tmp_path), "--networks", str(SHIPPED), "--out", str(figure)]
    code, out, _ = run("benchmarks/robustness.py", *words)
    assert code == 0
    assert out.startswith("| change | by | expression, fer2013 |\n|---|---|---|\n| moved right | -0.2 |")
    assert "| haar | 0 of 3 |" in out
    table = json.loads(figure.with_suffix(".json").read_text(encoding="utf-8"))
    assert len(table) == 9 + 9 + 8 + 7
    assert {row["change"] for row in table} == {"shift", "scale", "tilt"}
    assert read_picture(figure).shape[1] == 1350


def test_an_evaluation_needs_no_more_than_scores_and_what_is_right():
    evaluation = Evaluation(("Happy", "Sad"), np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    assert evaluation.accuracy == 0.5
    assert evaluation.accuracy_over_half is None
