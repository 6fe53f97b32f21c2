"""Training works, continues after a stop as if there had been none, and saves a network with its card."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tiny
from parts import PATIENCE
from tiny import LABELS, NOBODY, RECIPE

from expression.datasets.dataset import Split
from expression.datasets.ferplus import COLUMNS
from expression.errors import BadInputError, MissingFileError, OutputError
from expression.labels import FER2013, Labels
from expression.models import Runtime, load
from expression.models.architectures import NETWORKS, keras, save
from expression.models.metadata import ONE_HEAD, Card, read_card, write_card
from expression.pictures.image import standardise
from expression.training import distillation, trainer
from expression.training.augmentation import Batches
from expression.training.targets import training_targets
from expression.training.trainer import Trained, train

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(autouse=True, scope="module")
def tiny_network():
    """Lets recipes name the tiny network."""
    NETWORKS["tiny"] = tiny.network
    yield
    del NETWORKS["tiny"]


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> tuple[Trained, Path]:
    """An uninterrupted training run with votes, and its folder."""
    out = tmp_path_factory.mktemp("trained") / "deep" / "run"
    return train(tiny.data(votes=True), out, RECIPE), out


def figures(trained: Trained) -> np.ndarray:
    """The history without the times."""
    names = ("epoch", "loss", "training", "validation", "validation_votes")
    return np.array([[row[name] for name in names] for row in trained.history])


def test_a_folder_is_free_again_after_a_run_that_could_not_start(tmp_path):
    (tmp_path / "expression.keras").write_bytes(b"somebody else's")
    with pytest.raises(BadInputError, match="but not the training run that wrote it") as caught:
        train(tiny.data(), tmp_path, RECIPE)
    with pytest.raises(BadInputError, match="but not the training run that wrote it"):
        train(tiny.data(), tmp_path, RECIPE)  # while the first error is still referenced, as in a notebook
    assert caught.value.__traceback__


def assert_same(result: Trained, straight: tuple[Trained, Path]) -> None:
    np.testing.assert_allclose(figures(result), figures(straight[0]), atol=2e-4)
    assert names_in(result.path.parent) == names_in(straight[1])


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_network_learns(straight):
    history = straight[0].history
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"]
    assert straight[0].accuracy == max(row["validation"] for row in history) > 0.9


def test_the_best_network_is_kept_with_its_card(straight):
    result, out = straight
    assert result.path == out / "expression.keras"
    assert not keras.models.load_model(result.path).compiled  # Without the optimizer it is half as large.
    best = max(result.history, key=lambda row: row["validation"])
    card = read_card(result.path)
    assert (card.labels, card.size, card.preprocessing) == (LABELS, 48, "standardise")
    assert card.heads == ("fer2013", "ferplus")
    assert card.facts == {**best, "recipe": asdict(RECIPE)}
    checks = tiny.data(votes=True).validation
    found = load(result.path).scores(standardise(checks.pictures), "fer2013").argmax(1) == checks.indexes
    assert found.mean() == pytest.approx(result.accuracy, abs=1e-4)


def test_a_folder_holds_what_its_readme_says(straight):
    pytest.importorskip("tensorboard")
    assert names_in(straight[1]) == {
        "expression.keras",
        "history.csv",
        "checkpoint-4.weights.h5",
        "training.json",
        "tensorboard",
        "lock",
    }


def test_the_history_is_a_table(straight):
    result, out = straight
    with (out / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == "epoch,seconds,loss,training,validation,validation_votes"
    assert [{name: float(value) for name, value in row.items()} for row in rows] == result.history


def test_tensorboard_shows_training_and_validation_of_every_epoch(straight):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found = {}
    for file in sorted((straight[1] / "tensorboard").rglob("events*")):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                found.setdefault((file.parent.name, value.tag), []).append(
                    (event.step, round(float(make_ndarray(value.tensor)), 4))
                )
    history = straight[0].history

    def told(name):
        return [(row["epoch"] - 1, row[name]) for row in history]

    assert found["train", "epoch_accuracy"] == told("training")
    assert found["train", "epoch_loss"] == told("loss")
    assert found["validation", "epoch_accuracy"] == told("validation")
    assert found["validation", "epoch_accuracy_votes"] == told("validation_votes")


class Watched(NamedTuple):
    """A training run of two epochs on data without votes, and what went on in it.

    Attributes:
        result: What it returned.
        begun: The weights at the beginning of each epoch.
        ended: Those at its end.
        averages: Those that were kept.
        shown: The batches of each epoch, as (epoch, number).
    """

    result: Trained
    begun: list
    ended: list
    averages: list
    shown: list


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Watched:
    ended, begun, averages, average, begin = [], [], [], trainer.average, trainer._Run.on_epoch_begin
    drawn, shown, draw = set(), [], Batches.__getitem__

    def note_begin(run, epoch, logs=None):
        begun.append(run.network.get_weights())
        begin(run, epoch)

    def note_average(network, batches):
        ended.append(network.get_weights())
        average(network, batches)
        averages.append(network.get_weights())

    def note_batch(batches, number):
        drawn.add((batches.epoch, number))
        return draw(batches, number)

    def turn_page(_):
        shown.append(sorted(drawn))
        drawn.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer._Run, "on_epoch_begin", note_begin)
        patch.setattr(trainer, "average", note_average)
        patch.setattr(Batches, "__getitem__", note_batch)
        out = tmp_path_factory.mktemp("watched")
        result = train(tiny.data(), out, replace(RECIPE, epochs=2), on_epoch=turn_page)
    return Watched(result, begun, ended, averages, shown)


def test_averages_are_kept_and_the_network_goes_on_without_them(watched):
    for at_end, at_begin in zip(watched.ended[:-1], watched.begun[1:], strict=True):
        for ours, theirs in zip(at_end, at_begin, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert not np.allclose(watched.averages[-1][0], watched.ended[-1][0], atol=1e-5)
    saved = keras.models.load_model(watched.result.path).get_weights()
    best = read_card(watched.result.path).facts["epoch"]
    np.testing.assert_allclose(saved[0], watched.averages[best - 1][0], atol=1e-6)


def test_normalisations_are_taken_from_whole_pictures_and_no_teacher_is_asked_for_them(
    teacher, tmp_path, monkeypatch
):
    given, average = [], trainer.average

    def note(network, batches):
        given.append(batches)
        average(network, batches)

    monkeypatch.setattr(trainer, "average", note)
    data = tiny.data(votes=True)
    recipe = replace(RECIPE, epochs=2, erasing=1.0, mixup=0.5)
    train(data, tmp_path, recipe, teachers=[teacher])
    whole = Batches(training_targets(data.training, LABELS), RECIPE.batch, RECIPE.seed)
    whole.epoch = 1
    np.testing.assert_array_equal(given[-1][0][0], whole[0][0])
    assert not given[-1].teachers


class Stop(Exception):
    """Ends a training run in the middle."""


def test_a_training_that_was_stopped_after_each_epoch_goes_on_as_if_it_had_not_been(straight, tmp_path):
    data, seen = tiny.data(votes=True), []

    def stop(row):
        seen.append(row["epoch"])
        raise Stop

    for epoch in (1, 2, 3):
        with pytest.raises(Stop):
            train(data, tmp_path, RECIPE, on_epoch=stop)
        assert len(json.loads((tmp_path / "training.json").read_text())["history"]) == epoch
    result = train(data, tmp_path, RECIPE, on_epoch=lambda row: seen.append(row["epoch"]))
    assert seen == [1, 2, 3, 4]
    assert_same(result, straight)


def test_a_stop_while_a_file_is_written_costs_no_more_than_the_epoch(straight, tmp_path, monkeypatch):
    """The process ends in each epoch, another file half written."""
    stops = {1: "expression.keras", 2: "checkpoint-2.weights.h5", 3: "history.csv", 4: "training.json"}
    data, seen = tiny.data(votes=True), []
    put, save_weights, open_file = os.replace, keras.Model.save_weights, Path.open

    def is_now(path):
        return stops.get(len(seen) + 1) == Path(path).name

    def stop_at(path):
        if is_now(path):
            raise Stop

    def save_half(network, path):
        Path(path).write_bytes(b"half")
        stop_at(path)
        save_weights(network, path)

    def open_half(path, *words, **options):
        file = open_file(path, *words, **options)
        if path.name == "history.csv" and is_now(path):
            file.write("half")
            file.close()
            stop_at(path)
        return file

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", save_half)
        patch.setattr(Path, "open", open_half)
        patch.setattr(os, "replace", lambda old, new: (stop_at(new), put(old, new)))
        for epoch in list(stops):
            with pytest.raises(Stop):
                train(data, tmp_path, RECIPE, on_epoch=lambda row: seen.append(row["epoch"]))
            assert seen == list(range(1, epoch)), f"stopped at {stops[epoch]}"
            del stops[epoch]
    result = train(data, tmp_path, RECIPE, on_epoch=lambda row: seen.append(row["epoch"]))
    assert seen == [1, 2, 3, 4]
    assert_same(result, straight)


def test_ctrl_c_in_an_epoch_costs_that_epoch(straight, tmp_path, monkeypatch):
    data, seen, step = tiny.data(votes=True), [], trainer._Run.on_train_batch_end

    def interrupt(run, batch, logs=None):
        step(run, batch)
        if (len(run.history), batch) == (2, 1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer._Run, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(data, tmp_path, RECIPE)
    result = train(data, tmp_path, RECIPE, on_epoch=seen.append)
    assert [row["epoch"] for row in seen] == [3, 4]
    assert_same(result, straight)


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
import tiny
from expression.models.architectures import NETWORKS
from expression.training.trainer import train
NETWORKS["tiny"] = tiny.network
train(tiny.data(votes=True), sys.argv[2], tiny.RECIPE, on_epoch=lambda row: print(row["epoch"], flush=True))
"""


def test_a_process_that_is_killed_costs_no_more_than_the_epoch(straight, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(Path(__file__).parents[1]), str(tmp_path)],
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=PATIENCE)
    seen = []
    result = train(tiny.data(votes=True), tmp_path, RECIPE, on_epoch=seen.append)
    assert len(seen) <= 3
    np.testing.assert_allclose(figures(result), figures(straight[0]), atol=2e-4)


def test_a_finished_training_is_not_done_again(straight):
    result, out = straight
    seen = []
    again = train(tiny.data(votes=True), out, RECIPE, on_epoch=seen.append)
    assert (again, seen) == (result, [])


def test_an_epoch_shows_the_pictures_of_that_epoch(watched):
    assert watched.shown == [[(epoch, number) for number in range(4)] for epoch in range(2)]


class Untouchable(Split):
    """A split whose pictures, labels and votes must not be read."""

    def __init__(self, count: int):
        object.__setattr__(self, "count", count)

    def __len__(self) -> int:
        return self.count

    def __getattribute__(self, name):
        if name in ("pictures", "indexes", "votes", "groups", "first", "take"):
            raise AssertionError(f"somebody looked at the {name} of the test split")
        return super().__getattribute__(name)


def test_no_row_of_the_test_split_is_touched_and_none_but_training_is_learned_from(tmp_path, monkeypatch):
    def prints(pictures):
        return {hashlib.sha256(picture.tobytes()).digest() for picture in pictures}

    learned, distort = set(), trainer.Batches.__getitem__.__globals__["distort"]

    def note(picture, *words):
        learned.update(prints([picture]))
        return distort(picture, *words)

    monkeypatch.setattr("expression.training.augmentation.distort", note)
    data = replace(tiny.data(votes=True), test=Untouchable(12))
    train(data, tmp_path, replace(RECIPE, epochs=1))
    assert learned == prints(data.training.pictures)
    assert not learned & prints(data.validation.pictures)


def test_a_training_without_a_better_epoch_ends_when_patience_does(tmp_path, monkeypatch):
    found = iter([0.5, 0.9, 0.7, 0.9, 0.95])
    monkeypatch.setattr(trainer, "_found", lambda *_: {"validation": next(found)})
    recipe = replace(RECIPE, epochs=9, patience=2)
    result = train(tiny.data(), tmp_path, recipe)
    assert ([row["validation"] for row in result.history], result.accuracy) == ([0.5, 0.9, 0.7, 0.9], 0.9)
    card = read_card(result.path)
    assert (card.facts["epoch"], card.size) == (2, 48)
    seen = []
    train(tiny.data(), tmp_path, recipe, on_epoch=seen.append)
    assert seen == []


def test_a_network_taught_in_mixed_precision_is_saved_in_float32(tmp_path):
    before = keras.config.dtype_policy()
    result = train(tiny.data(), tmp_path, replace(RECIPE, epochs=1, mixed=True))
    assert keras.config.dtype_policy() == before
    network = keras.models.load_model(result.path)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert np.asarray(network(np.zeros((1, 48, 48, 1)))).sum() == pytest.approx(1, abs=1e-5)


def test_the_seed_decides_the_figures(straight, tmp_path):
    other = train(tiny.data(votes=True), tmp_path, replace(RECIPE, seed=4, epochs=1))
    assert abs(other.history[0]["loss"] - straight[0].history[0]["loss"]) > 1e-3


# What training starts from and which teachers it learns from.


@pytest.fixture(scope="module")
def teacher(tmp_path_factory) -> Path:
    """A network that says Sad for every picture."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.keras"
    model = tiny.network(LABELS, heads=2)
    kernel, bias = model.layers[-3].get_weights()
    model.layers[-3].set_weights([0 * kernel, bias + np.array([0, 9, 0, 9])])
    save(model, path, Card(LABELS, heads=("fer2013", "ferplus")))
    return path


def test_a_training_begins_with_the_weights_it_is_given(straight, tmp_path):
    """With a tiny learning rate, it is as good after an epoch as the network that it started from."""
    recipe = replace(RECIPE, epochs=1, rate=1e-9)
    data = tiny.data(votes=True)
    warm = train(data, tmp_path, recipe, start=straight[0].path)
    keras.utils.set_random_seed(recipe.seed)
    cold = np.asarray(tiny.network(LABELS, heads=2)(standardise(data.validation.pictures)))[:, 0].argmax(1)
    assert warm.accuracy > 0.9 > (cold == data.validation.indexes).mean()


def test_a_network_learns_what_its_teachers_say(teacher, tmp_path):
    recipe = replace(RECIPE, epochs=2, share=1.0)
    result = train(tiny.data(votes=True), tmp_path, recipe, teachers=[teacher, teacher])
    scores = load(result.path).all_scores(standardise(tiny.data().validation.pictures))
    assert (scores.argmax(2) == 1).all()
    assert result.accuracy == 0.5


def test_a_teacher_is_asked_about_each_face_and_its_mirror_image(teacher, tmp_path, monkeypatch):
    asked, opened = [], distillation.load

    def listen(*words):
        runtime = opened(*words)
        ask = runtime.all_scores
        runtime.all_scores = lambda pictures: (asked.append(pictures), ask(pictures))[1]
        return runtime

    monkeypatch.setattr(distillation, "load", listen)
    train(tiny.data(votes=True), tmp_path, replace(RECIPE, epochs=1), teachers=[teacher])
    assert len(asked) > 2
    for face, mirrored in zip(asked[::2], asked[1::2], strict=True):
        np.testing.assert_array_equal(face, mirrored[:, :, ::-1])


def test_a_teacher_is_asked_about_each_view_once_also_after_a_stop(teacher, tmp_path, monkeypatch):
    asked, ask = [], Runtime.all_scores

    def note(network, pictures):
        asked.append(len(pictures))
        return ask(network, pictures)

    def stop(row):
        if row["epoch"] == 2:
            raise Stop

    monkeypatch.setattr(Runtime, "all_scores", note)
    recipe, data = replace(RECIPE, epochs=3, views=2, erasing=0.5), tiny.data(votes=True)
    with pytest.raises(Stop):
        train(data, tmp_path / "stopped", recipe, teachers=[teacher], on_epoch=stop)
    result = train(data, tmp_path / "stopped", recipe, teachers=[teacher])
    tried = 2  # `load` tries a network with one picture
    assert sum(asked) == 2 * 2 * len(data.training) + tried  # two views, each with its mirror image
    straight = train(data, tmp_path / "straight", recipe, teachers=[teacher])
    np.testing.assert_allclose(figures(result), figures(straight), atol=2e-4)


def test_answers_of_a_training_that_left_no_epoch_are_not_taken_for_those_of_another(teacher, tmp_path):
    np.save(tmp_path / "answers.npy", np.zeros((1, 64, 2, 2), np.float16))
    train(tiny.data(votes=True), tmp_path, replace(RECIPE, views=1, epochs=1), teachers=[teacher])
    assert (np.load(tmp_path / "answers.npy")[..., 1] > 0.9).all()


def contemptuous():
    """Data in which most people see contempt in a third of the pictures."""
    data = tiny.data(votes=True)
    for part in (data.training, data.validation):
        part.votes[::3] = 0
        part.votes[::3, COLUMNS.index("Contempt")] = 10
    return data


@pytest.mark.parametrize("taught", [False, True])
def test_contempt_is_learned_and_the_network_that_is_kept_does_not_name_it(teacher, tmp_path, taught):
    networks, recipe = [], replace(RECIPE, contempt=True)
    before = trainer._Run.follow

    def note(run):
        networks.append(run.network)
        before(run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer._Run, "follow", note)
        result = train(contemptuous(), tmp_path, recipe, teachers=[teacher] if taught else [])
    assert networks[0].output_shape == (None, 2, 3)
    assert read_card(result.path).labels == LABELS
    faces = standardise(contemptuous().validation.pictures)
    scores = load(result.path).all_scores(faces)
    assert scores.shape == (20, 2, 2)
    inside = np.asarray(networks[0](faces))
    assert inside[:, 1, 2].mean() > 5 * inside[:, 0, 2].mean()  # only the votes know contempt


def test_data_without_votes_know_no_contempt(tmp_path):
    result = train(tiny.data(), tmp_path, replace(RECIPE, contempt=True, epochs=1))
    assert load(result.path).all_scores(np.zeros((1, 48, 48, 1), np.float32)).shape == (1, 1, 2)


def wide(labels, heads=1, size=48):
    """A network of other layers."""
    face = keras.Input((size, size, 1))
    x = keras.layers.Dense(heads * len(labels), name="logits")(keras.layers.Flatten()(face))
    return keras.Model(face, keras.layers.Softmax()(keras.layers.Reshape((heads, len(labels)))(x)))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory, teacher):
    """Files that do not fit, by name."""
    tmp_path = tmp_path_factory.mktemp("strangers")
    both = ("fer2013", "ferplus")
    save(wide(LABELS, 2), tmp_path / "layers.keras", Card(LABELS, heads=both))
    save(tiny.network(LABELS), tmp_path / "heads.keras", Card(LABELS))
    save(wide(LABELS, 2, 32), tmp_path / "small.keras", Card(LABELS, 32, heads=both))
    shutil.copy(teacher, tmp_path / "labels.keras")
    write_card(tmp_path / "labels.keras", Card(Labels(["Sad", "Happy"]), heads=both))
    shutil.copy(teacher, tmp_path / "strange.keras")
    (tmp_path / "text.keras").write_text("no network")
    return tmp_path


@pytest.mark.parametrize(
    ("option", "name", "error", "said"),
    [
        ("start", "none.keras", MissingFileError, r"The network .*none\.keras was not found"),
        ("start", "text.keras", BadInputError, r"text\.keras is not a network"),
        ("start", "layers.keras", BadInputError, r"layers\.keras does not fit .* Train without --start"),
        ("start", "heads.keras", BadInputError, r"heads\.keras does not fit"),
        ("start", "labels.keras", BadInputError, r"labels\.keras does not fit"),
        ("teacher", "none.keras", MissingFileError, r"The network .*none\.keras was not found"),
        ("teacher", "text.keras", BadInputError, r"text\.keras is not a network"),
        (
            "teacher",
            "heads.keras",
            BadInputError,
            r"heads\.keras takes 48 x 48 .* and has the heads labels\.",
        ),
        (
            "teacher",
            "small.keras",
            BadInputError,
            r"small\.keras takes 32 .* Expected 48 x 48 .* and the heads",
        ),
        ("teacher", "labels.keras", BadInputError, r"labels\.keras has the labels Sad, Happy"),
    ],
)
def test_a_network_that_does_not_fit_is_told(strangers, option, name, error, said):
    path = strangers / name
    given = {"start": path} if option == "start" else {"teachers": [path]}
    with pytest.raises(error, match=said):
        train(tiny.data(votes=True), strangers / "out", RECIPE, **given)
    assert not (strangers / "out").exists()


def ending(*last, size=48):
    """A sequential network that ends with these layers."""
    return keras.Sequential([keras.Input((size, size, 1)), keras.layers.Flatten(), *last])


SUMS, SOFTMAX = {"units": 2, "name": "logits"}, {"activation": "softmax"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda new: ending(new.Dense(2), new.Reshape((1, 2)), new.Softmax()),
            "no layer 'logits' with 2 out",
        ),
        (lambda new: ending(new.Dense(**SUMS, **SOFTMAX), new.Reshape((1, 2))), "no layer 'logits' with 2"),
        (lambda new: ending(new.Dense(9, name="logits"), new.Dense(2), new.Reshape((1, 2))), "no layer 'log"),
        (
            lambda new: ending(new.Dense(**SUMS), new.Reshape((1, 2), name="last")),
            "ends with the layer",
        ),
        (
            lambda new: ending(new.Dense(**SUMS), new.Softmax()),
            r"to \(2,\)\. Expected .* to \(1, 2\): from",
        ),
        (lambda new: ending(new.Dense(**SUMS), new.Reshape((1, 2)), size=32), r"goes from \(32, 32, 1\) to"),
        (lambda new: keras.Sequential([new.Flatten(), new.Dense(2)]), "goes from an unknown shape"),
    ],
    ids=["no logits", "softmax", "further sums", "no softmax", "shape", "size", "no input"],
)
def test_a_network_that_cannot_be_tempered_is_told_before_the_training(make, said, tmp_path, monkeypatch):
    network = make(keras.layers)
    monkeypatch.setitem(NETWORKS, "tiny", lambda labels, heads: network)
    with pytest.raises(BadInputError, match=said + r".* Start it with keras\.Input"):
        train(tiny.data(), tmp_path / "out", RECIPE)
    assert not (tmp_path / "out").exists()


# A folder that contains something else, or cannot contain anything.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipe": replace(RECIPE, seed=4, epochs=5)}, r"epochs 4, seed 3, not epochs 5, seed 4"),
        ({"labels": Labels(["Happy", "Angry"])}, r"labels \['Happy', 'Sad'\], not labels \['Happy', '"),
        (
            {"validation": tiny.split(10, 2, votes=True)},
            r"pictures \{'training': 64, 'validation': 20.*, not pictures .* 10",
        ),
        ({"training": tiny.split(64, 9, votes=True)}, r"on other pictures\. Expected"),
        ({"start": "best"}, r"start None, not start expression\.keras [0-9a-f]{12}"),
        ({"teachers": "best"}, r"teachers \[\], not teachers \['expression\.keras [0-9a-f]{12}'\]"),
    ],
    ids=["recipe", "labels", "pictures", "other pictures", "start", "teachers"],
)
def test_a_folder_with_another_training_is_left_alone(straight, change, said):
    out = straight[1]
    before = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
    given = {
        "recipe": change.pop("recipe", RECIPE),
        "start": change.pop("start", None) and straight[0].path,
        "teachers": [straight[0].path] if change.pop("teachers", None) else [],
    }
    data = replace(tiny.data(votes=True), **change)
    with pytest.raises(BadInputError, match=rf"contains a training run .*{said}.*\. Use the same .* --out"):
        train(data, out, **given)
    assert before == {path: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_a_full_disk_is_told_and_with_room_the_training_goes_on(straight, tmp_path, monkeypatch):
    data, rows, room = tiny.data(votes=True), [], {1: 1000, 2: 10**6}
    usage = shutil.disk_usage

    def free(path):
        found = usage(path)
        return found._replace(free=room.get(len(rows), found.free))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", free)
        for epochs in (1, 2):
            with pytest.raises(
                OutputError, match=r"Only \d MB are free for .*\. Expected at least [12] MB\. Free some space"
            ):
                train(data, tmp_path, RECIPE, on_epoch=rows.append)
            assert len(rows) == epochs
            del room[epochs]
    assert_same(train(data, tmp_path, RECIPE), straight)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    said = r"run cannot be written, because .*file is not a folder\. .* another place\."
    with pytest.raises(OutputError, match=said):
        train(tiny.data(), tmp_path / "file" / "run", RECIPE)


# What is to be learned.


def test_labels_become_targets_and_votes_a_second_head():
    data = tiny.split(6, 1, votes=True)
    found = training_targets(data, LABELS, smoothing=0.2)
    assert found.targets.shape == (6, 2, 2)
    assert found.targets.dtype == found.weights.dtype == np.float32
    np.testing.assert_allclose(found.targets[:2, 0], [[0.9, 0.1], [0.1, 0.9]])
    np.testing.assert_array_equal(found.targets[:3, 1], [[0, 0], [0, 1], [1, 0]])  # the first has no votes
    np.testing.assert_array_equal(found.weights, [[2, 0], *[[2, 2]] * 5])
    assert found.pictures is data.pictures


def test_without_votes_there_is_one_head_that_counts_once():
    found = training_targets(tiny.split(6, 1), LABELS)
    assert found.targets.shape == (6, 1, 2)
    np.testing.assert_array_equal(found.weights, np.ones((6, 1)))


def test_balance_lets_rare_labels_count_more():
    data = tiny.split(8, 1).take(np.array([0, 2, 4, 1]))
    labels = data.indexes
    assert training_targets(data, LABELS, balance=0).weights[:, 0].tolist() == [1, 1, 1, 1]
    weights = training_targets(data, LABELS, balance=1).weights[:, 0]
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    half = training_targets(data, LABELS, balance=0.5).weights[:, 0]
    assert half[3] / half[0] == pytest.approx(3**0.5)


def test_the_heads_of_data_without_votes_are_one(watched):
    assert read_card(watched.result.path).heads == ONE_HEAD
    assert "validation_votes" not in watched.result.history[0]


def spoilt(**change):
    return replace(tiny.data(), **change)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (spoilt(validation=NOBODY), "There are 64 training pictures and 0 validation pictures. Expected"),
        (spoilt(training=NOBODY, validation=NOBODY), "There are 0 training pictures and 0 validation"),
        (spoilt(labels=FER2013), "no training pictures of Fear, Happy, Sad, Surprise, Neutral."),
        (
            spoilt(training=tiny.split(64, 1, labels=3)),
            "labels from 0 to 2. Expected 0 to 1, for Happy, Sad. Correct the data",
        ),
        (
            spoilt(validation=Split(tiny.split(2, 1).pictures, np.array([0, -1]))),
            "The data have labels from -1 to 1.",
        ),
        (
            spoilt(validation=tiny.split(20, 2, votes=True)),
            "Only one of the training and validation splits has votes.",
        ),
        (
            replace(tiny.data(votes=True), labels=Labels(["Happy", "Grim"])),
            "There are votes, but none for Grim. Expected votes in both, and labels among Neutral, Happy,",
        ),
    ],
    ids=["nothing to choose by", "nothing", "missing", "too many", "negative", "half voted", "strange"],
)
def test_data_that_cannot_be_learned_from_is_told(tmp_path, data, said):
    with pytest.raises(BadInputError) as caught:
        train(data, tmp_path / "out", RECIPE)
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()
