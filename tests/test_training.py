"""Training learns, goes on after a stop, and leaves a network with its card."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from expression.augmentation import Batches
from expression.card import read_card
from expression.dataset import Dataset, Split, read_fer2013
from expression.errors import BadInputError, OutputError
from expression.labels import Labels
from expression.network import keras, layers
from expression.runtime import load
from expression.training import Recipe, accuracy, schedule, train

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SCRIPT = Path(__file__).parents[1] / "scripts" / "train.py"
LABELS = Labels(["Below", "Above"])


def picture(index: int, generator: np.random.Generator) -> np.ndarray:
    """A picture that is dark above and bright below, or with index 1 the other way round."""
    levels = np.where(np.arange(48) < generator.integers(18, 30), 60, 160)[:, None]
    noisy = levels + generator.integers(-8, 9, (48, 48))
    return (noisy[::-1] if index else noisy).astype(np.uint8)


def split(count: int, seed: int) -> Split:
    generator = np.random.default_rng(seed)
    indexes = np.arange(count) % 2
    return Split(np.stack([picture(index, generator) for index in indexes]), indexes)


@pytest.fixture(scope="module")
def dataset():
    return Dataset(LABELS, split(64, 1), split(20, 2), Split(np.empty((0, 48, 48)), np.empty(0)))


def tiny(labels: Labels, size: int = 48) -> keras.Model:
    """A network that learns which half is bright within a second."""
    face = keras.Input((size, size, 1))
    x = layers.Conv2D(4, 12, strides=12, use_bias=False)(face)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.5)(x))
    x = layers.Flatten()(x)
    return keras.Model(face, layers.Dense(len(labels), activation="softmax", dtype="float32")(x))


RECIPE = Recipe(epochs=4, batch=16, rate=0.2, seed=3)


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """A finished training and its folder."""
    out = tmp_path_factory.mktemp("trained")
    return train(dataset, out / "deep" / "run", RECIPE, tiny), out / "deep" / "run"


def test_a_network_learns(dataset, trained):
    result, _ = trained
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4]
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert result.accuracy == max(row["validation"] for row in result.history) > 0.9


def test_the_best_network_is_kept_with_its_card(dataset, trained):
    result, out = trained
    assert result.path == out / "expression.keras"
    network = keras.models.load_model(result.path)
    assert not network.compiled  # Without the optimizer it is half as large.
    found = accuracy(lambda pictures: network.predict(pictures, verbose=0), dataset.validation)
    assert found == pytest.approx(result.accuracy, abs=1e-4)
    card = read_card(result.path)
    assert (card.labels, card.size, card.preprocessing) == (LABELS, 48, "standardise")
    assert card.facts["accuracy_validation"] == result.accuracy
    assert card.facts["recipe"]["seed"] == 3


def test_the_history_is_a_table(trained):
    result, out = trained
    with (out / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "training", "validation"]
    assert [float(row["validation"]) for row in rows] == [row["validation"] for row in result.history]


class Stop(Exception):
    """Ends a training in the middle."""


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(dataset, trained, tmp_path):
    def stop_after_two(row):
        if row["epoch"] == 2:
            raise Stop

    with pytest.raises(Stop):
        train(dataset, tmp_path, RECIPE, tiny, stop_after_two)
    assert len(json.loads((tmp_path / "training.json").read_text())["history"]) == 2
    seen = []
    result = train(dataset, tmp_path, RECIPE, tiny, seen.append)
    assert [row["epoch"] for row in seen] == [3, 4]
    straight, _ = trained
    assert [row["loss"] for row in result.history] == pytest.approx(
        [row["loss"] for row in straight.history], abs=2e-4
    )


@pytest.mark.parametrize("name", ["checkpoint-3.weights.h5", "training.json"])
def test_a_stop_while_writing_costs_no_more_than_the_epoch(dataset, trained, tmp_path, monkeypatch, name):
    """The process ends while a file of the third epoch is written."""
    rows, put = [], os.replace

    def stop_at(path):
        if len(rows) == 2 and Path(path).name == name:
            raise Stop

    def save_half(network, path):
        Path(path).write_bytes(b"half")
        stop_at(path)
        save_weights(network, path)

    save_weights = keras.Model.save_weights
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", save_half)
        patch.setattr(os, "replace", lambda old, new: (stop_at(new), put(old, new)))
        with pytest.raises(Stop):
            train(dataset, tmp_path, RECIPE, tiny, rows.append)
    seen = []
    result = train(dataset, tmp_path, RECIPE, tiny, seen.append)
    assert [row["epoch"] for row in seen] == [3, 4]
    straight, out = trained
    assert [row["loss"] for row in result.history] == pytest.approx(
        [row["loss"] for row in straight.history], abs=2e-4
    )
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in out.iterdir()}


def test_an_epoch_shows_the_pictures_of_that_epoch(dataset, tmp_path, monkeypatch):
    drawn, shown, draw = set(), [], Batches.__getitem__

    def note(batches, number):
        drawn.add((batches.epoch, number))
        return draw(batches, number)

    def turn_page(_):
        shown.append(sorted(drawn))
        drawn.clear()

    monkeypatch.setattr(Batches, "__getitem__", note)
    train(dataset, tmp_path, RECIPE, tiny, turn_page)
    assert shown == [[(epoch, number) for number in range(4)] for epoch in range(4)]


def test_a_finished_training_is_not_done_again(dataset, trained):
    result, out = trained
    seen = []
    again = train(dataset, out, RECIPE, tiny, seen.append)
    assert (again.accuracy, again.history, seen) == (result.accuracy, result.history, [])
    assert again.path.is_file()


def test_a_folder_holds_what_its_readme_says(trained):
    names = {path.name for path in trained[1].iterdir()}
    assert names == {"expression.keras", "history.csv", "checkpoint-4.weights.h5", "training.json"}


def test_a_folder_with_another_recipe_is_left_alone(dataset, trained):
    _, out = trained
    with pytest.raises(BadInputError, match=r"holds a training with the recipe .*'seed': 3.*another --out"):
        train(dataset, out, Recipe(epochs=5, batch=16, rate=0.2, seed=3), tiny)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"labels": Labels(["Dark", "Bright"])},
            r"labels \['Below', 'Above'\]\. Expected \['Dark', 'Bright'\]",
        ),
        ({"validation": split(10, 2)}, r"pictures \{'training': 64, 'validation': 20, .*'validation': 10"),
    ],
    ids=["labels", "pictures"],
)
def test_a_folder_with_other_data_is_left_alone(dataset, trained, change, said):
    with pytest.raises(BadInputError, match=rf"holds a training with the {said}.* another --out"):
        train(replace(dataset, **change), trained[1], RECIPE, tiny)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda out: (out / "expression.keras").unlink(), "expression.keras is gone"),
        (lambda out: (out / "checkpoint-4.weights.h5").unlink(), "checkpoint-4"),
        (lambda out: (out / "checkpoint-4.weights.h5").write_bytes(b"half"), "signature not found"),
        (lambda out: (out / "training.json").write_text('{"recipe": '), "Expecting value"),
        (lambda out: (out / "training.json").write_text("{}"), "history"),
    ],
    ids=["network gone", "checkpoint gone", "checkpoint", "state", "another state"],
)
def test_a_training_that_is_damaged_is_told(dataset, trained, tmp_path, spoil, said):
    out = shutil.copytree(trained[1], tmp_path / "copy")
    spoil(out)
    with pytest.raises(BadInputError, match=rf"cannot be taken up \(.*{said}.*Remove the folder"):
        train(dataset, out, RECIPE, tiny)


def test_a_folder_that_cannot_be_made_is_told(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file.* cannot be made"):
        train(dataset, tmp_path / "file" / "run", RECIPE, tiny)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch": 0}, "batch=0"),
        ({"rate": 0.0, "epochs": -3}, "epochs=-3, rate=0.0"),
        ({"rate": float("nan")}, "rate=nan"),
        ({"seed": -1}, "seed=-1"),
        ({"warm_up": -0.5}, "warm_up=-0.5"),
        ({"decay": -1.0}, "decay=-1.0"),
        ({"smoothing": 1.0}, "smoothing=1.0"),
    ],
    ids=str,
)
def test_a_recipe_that_makes_no_sense_is_refused(values, said):
    with pytest.raises(BadInputError, match=rf"The recipe has {said}\. Expected .* Choose others"):
        Recipe(**values)


@pytest.mark.parametrize("epochs", [1, 2, 12])
@pytest.mark.parametrize("warm_up", [0.0, 1.0, 99.0])
def test_the_rate_rises_to_its_height_and_falls_to_nothing(epochs, warm_up):
    rate = schedule(Recipe(epochs=epochs, rate=0.2, warm_up=warm_up), steps=10)
    rates = [float(rate(step)) for step in range(10 * epochs + 1)]
    highest = round(10 * min(warm_up, epochs / 2))
    assert rates[highest] == max(rates) == pytest.approx(0.2)
    assert rates == sorted(rates[:highest]) + sorted(rates[highest:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-7)


def test_the_card_has_the_size_of_the_networks_input(dataset, tmp_path):
    large = [
        Split(s.pictures.repeat(2, 1).repeat(2, 2), s.indexes) for s in (dataset.training, dataset.validation)
    ]
    result = train(
        Dataset(LABELS, *large, large[1]), tmp_path, Recipe(epochs=1), lambda labels: tiny(labels, 96)
    )
    assert read_card(result.path).size == 96
    assert load(result.path).scores(np.zeros((1, 96, 96, 1))).shape == (1, 2)


def test_an_empty_split_is_refused(dataset, tmp_path):
    empty = Dataset(LABELS, dataset.training, dataset.test, dataset.test)
    with pytest.raises(BadInputError, match="64 pictures to learn from and 0 to choose by"):
        train(empty, tmp_path, RECIPE, tiny)


def test_a_network_taught_in_mixed_precision_is_saved_in_float32(dataset, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        result = train(dataset, tmp_path, Recipe(epochs=1, batch=32), tiny)
    finally:
        keras.config.set_dtype_policy(before)
    network = keras.models.load_model(result.path)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def run_script(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True)


def test_the_script_says_in_one_line_what_is_missing(tmp_path):
    done = run_script("--data", str(tmp_path / "none.csv"), "--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("There is no FER2013 at")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_script_trains_exports_and_ends_with_the_accuracy(tmp_path):
    usages = ["Training"] * 128 + ["PublicTest"] * 10
    generator = np.random.default_rng(0)
    rows = [
        f"{3 * (number % 2)},{' '.join(map(str, picture(number % 2, generator).ravel()))},{usage}"
        for number, usage in enumerate(usages)
    ]
    data = tmp_path / "fer2013.csv"
    data.write_text("\n".join(["emotion,pixels,Usage", *rows]), encoding="utf-8")
    done = run_script("--data", str(data), "--out", str(tmp_path / "out"), "--epochs", "1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("epoch 1: loss ")
    assert "accuracy on PublicTest" in lines[-1]
    exported = load(tmp_path / "out" / "expression.tflite")
    found = accuracy(exported.scores, read_fer2013(data).validation)
    assert exported.facts["accuracy_validation"] == pytest.approx(found)
