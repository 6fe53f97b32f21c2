"""The command that replaces the shipped network, with a very short training run and in a separate folder."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
from parts import ROOT

from expression.datasets.dataset import Dataset
from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013
from expression.models import load
from expression.models.architectures import keras, save
from expression.models.architectures import shipped as large_network
from expression.models.metadata import Card
from expression.models.registry import SHIPPED
from expression.pictures.image import standardise
from expression.training.charts import read_history

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def ship(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("ship", ROOT / "scripts" / "ship.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "results").mkdir()
    (tmp_path / "README.md").write_text(f"Before.\n{module.BEGIN}\nold\n{module.END}\nAfter.\n")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "SHIPPED", tmp_path / "expression.tflite")
    monkeypatch.setattr(module, "CARD", tmp_path / "README.md")
    return module


@pytest.fixture
def dataset():
    data = tiny.data(votes=True)
    splits = (data.training, data.validation, data.validation)
    return Dataset(FER2013, *(replace(part, indexes=np.where(part.indexes, 4, 3)) for part in splits))


@pytest.fixture
def run(ship, tmp_path, monkeypatch):
    """The folder of a training run of a small network, in place of the usual one."""
    monkeypatch.setattr(ship, "shipped", tiny.network)
    run = tmp_path / "run"
    run.mkdir()
    network = tiny.network(FER2013, heads=2)
    save(network, run / "expression.keras", Card(FER2013, heads=("fer2013", "ferplus")))
    header = "epoch,seconds,loss,training,validation,validation_votes"
    (run / "history.csv").write_text(f"{header}\n1,2.0,1.5,0.4,0.4,0.4\n2,2.0,1.2,0.5,0.5,0.5\n")
    (run / "training.json").write_text("{}")
    return run


def test_a_training_is_shipped_with_everything_that_is_told_of_it(ship, run, dataset, tmp_path, capsys):
    ship.ship(run, dataset)

    shipped = load(tmp_path / "expression.tflite")
    scores = shipped.scores(standardise(dataset.test.pictures), "fer2013")
    right = float((scores.argmax(1) == dataset.test.indexes).mean())
    figures = json.loads((tmp_path / "results" / "evaluation.json").read_text())
    assert figures["test"]["fer2013"]["accuracy"] == pytest.approx(right, abs=1e-4)
    assert capsys.readouterr().out.endswith(f"Accuracy on test set: {right:.1%}\n")
    results = tmp_path / "results"
    assert {path.relative_to(results).as_posix() for path in results.rglob("*.*")} == {
        *("evaluation.json", "training.json", "confusion_matrix.png", "confusion_matrix_ferplus.png"),
        *("reliability.png", "reliability_ferplus.png", "model/expression.tflite", "model/history.csv"),
        *("model/learning_curves.png", "model/my_own_model_architecture.txt"),
    }
    assert (results / "model" / "expression.tflite").read_bytes() == shipped.path.read_bytes()
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert card.startswith("Before.\n")
    assert card.endswith("After.\n")
    assert "old" not in card
    assert f"| PrivateTest, FER2013's labels | 20 | **{right:.1%}** |" in card
    official, by_code = "FER+ by its official protocol", "FER+ as its published code counts"
    names = [line.split("|")[1].strip() for line in card.splitlines() if line.startswith("| P")]
    assert names == [
        *("PublicTest, FER2013's labels", "PrivateTest, FER2013's labels"),
        *(f"PublicTest, {official}", f"PublicTest, {by_code}", "PublicTest, FER+, over half of all votes"),
        *(f"PrivateTest, {official}", f"PrivateTest, {by_code}", "PrivateTest, FER+, over half of all votes"),
    ]
    assert "conv2d" in (results / "model" / "my_own_model_architecture.txt").read_text(encoding="utf-8")


def test_what_results_tell_is_what_was_measured():
    results = ROOT / "results"
    assert (results / "model" / "expression.tflite").read_bytes() == SHIPPED.read_bytes()
    accuracy = json.loads((results / "evaluation.json").read_text())["test"]["fer2013"]["accuracy"]
    assert f"Accuracy on test set: {accuracy:.1%}" in (results / "README.md").read_text(encoding="utf-8")
    rows = read_history(results / "model" / "history.csv")
    assert rows == json.loads((results / "training.json").read_text())["history"]


@pytest.mark.parametrize(
    ("trouble", "error", "words"),
    [
        ("no history", MissingFileError, r"history\.csv was not found"),
        ("text", BadInputError, r"expression\.keras is not a network"),
        ("other layers", BadInputError, r"differ from those that architectures\.shipped builds"),
        ("no votes", BadInputError, r"no votes"),
    ],
)
def test_what_cannot_be_shipped_leaves_all_as_it_was(
    ship, run, dataset, tmp_path, monkeypatch, trouble, error, words
):
    if trouble == "no history":
        (run / "history.csv").unlink()
    elif trouble == "text":
        (run / "expression.keras").write_text("no network")
    elif trouble == "other layers":
        monkeypatch.setattr(ship, "shipped", large_network)
    else:
        dataset = replace(dataset, test=replace(dataset.test, votes=None))
    before = (tmp_path / "README.md").read_text()
    with pytest.raises(error, match=words):
        ship.ship(run, dataset)
    assert (tmp_path / "README.md").read_text() == before
    assert not list((tmp_path / "results").iterdir())
    assert not (tmp_path / "expression.tflite").exists()


def test_rounded_weights_score_the_same_and_take_less_room(ship, tmp_path):
    network = keras.Sequential(
        [
            keras.Input((48, 48, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(14),
            keras.layers.Reshape((2, 7)),
            keras.layers.Softmax(),
        ]
    )
    before, after = tmp_path / "before.keras", tmp_path / "after.keras"
    save(network, before, Card(FER2013, heads=("fer2013", "ferplus")))
    ship.rounded(before, after)
    pictures = np.random.default_rng(0).normal(size=(8, 48, 48, 1)).astype(np.float32)
    assert np.allclose(load(before).all_scores(pictures), load(after).all_scores(pictures), atol=5e-3)
    assert after.stat().st_size < 0.7 * before.stat().st_size
