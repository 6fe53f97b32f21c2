"""The one command that replaces the shipped network, on a training of seconds and in a folder of its own."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
from parts import ROOT

from expression.card import Card
from expression.dataset import Dataset
from expression.image import standardise
from expression.labels import FER2013
from expression.network import keras, save
from expression.runtime import load

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


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


@pytest.mark.slow
def test_a_training_is_shipped_with_everything_that_is_told_of_it(ship, dataset, tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    network = tiny.network(FER2013, heads=2)
    save(network, run / "expression.keras", Card(FER2013, heads=("fer2013", "ferplus")))
    header = "epoch,size,seconds,loss,training,validation,validation_votes"
    (run / "history.csv").write_text(f"{header}\n1,48,2.0,1.5,0.4,0.4,0.4\n2,48,2.0,1.2,0.5,0.5,0.5\n")
    (run / "training.json").write_text("{}")
    ship.ship(run, dataset)

    shipped = load(tmp_path / "expression.tflite")
    scores = shipped.scores(standardise(dataset.test.pictures), "fer2013")
    right = float((scores.argmax(1) == dataset.test.indexes).mean())
    figures = json.loads((tmp_path / "results" / "evaluation.json").read_text())
    assert figures["test"]["fer2013"]["accuracy"] == pytest.approx(right, abs=1e-4)
    assert capsys.readouterr().out.endswith(f"Accuracy on test set: {right:.1%}\n")
    assert {path.name for path in (tmp_path / "results").iterdir()} == {
        *("evaluation.json", "history.csv", "training.json", "my_own_model_architecture.txt"),
        *("learning_curves.png", "confusion_matrix.png", "confusion_matrix_ferplus.png", "reliability.png"),
    }
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert card.startswith("Before.\n")
    assert card.endswith("After.\n")
    assert "old" not in card
    assert f"| PrivateTest, FER2013's labels | 20 | **{right:.1%}** |" in card
    assert "conv2d" in (tmp_path / "results" / "my_own_model_architecture.txt").read_text(encoding="utf-8")


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
