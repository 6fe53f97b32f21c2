"""A saved network scores faces in the same way in LiteRT and Keras, and bad files are reported."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import zipfile

import numpy as np
import psutil
import pytest
from parts import PATIENCE

from expression.datasets.dataset import read
from expression.errors import BadInputError, ExpressionError, MissingFileError
from expression.labels import FER2013, Labels
from expression.models import load
from expression.models.metadata import Card, network_bytes, read_card, write_card
from expression.models.registry import SHIPPED
from expression.pictures.image import preprocess, standardise

# Keras copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

KERAS = SHIPPED.with_suffix(".keras")


def faces(count: int) -> np.ndarray:
    """Blurred noise, which the network takes for all kinds of faces."""
    noise = np.random.default_rng(0).normal(size=(count, 12, 12))
    return standardise(128 + 50 * noise.repeat(4, 1).repeat(4, 2))


@pytest.fixture(scope="module")
def runtime():
    return load()


@pytest.fixture
def copy(tmp_path):
    """A copy of the shipped network, to be damaged."""
    return shutil.copy(SHIPPED, tmp_path / "copy.tflite")


def test_the_shipped_network_says_what_it_is(runtime):
    assert runtime.labels == FER2013
    assert runtime.size == 48
    assert runtime.name == "expression.tflite"
    assert runtime.description.startswith("expression.tflite (LiteRT, 7 labels, 48 x 48 pixels")
    assert runtime.facts["weights"]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_any_number_of_faces_gets_a_row_each(runtime, count):
    scores = runtime.scores(faces(count))
    assert scores.shape == (count, 7)
    assert scores.dtype == np.float32
    assert (scores >= 0).all()
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)


def test_a_face_scores_the_same_alone_and_among_others(runtime):
    together = runtime.scores(faces(5))
    alone = np.concatenate([runtime.scores(face[None]) for face in faces(5)])
    np.testing.assert_array_equal(together, alone)
    assert len(np.unique(together.round(4), axis=0)) == 5


def test_rows_are_the_callers_own(runtime):
    first = runtime.scores(faces(1))
    kept = first.copy()
    runtime.scores(-faces(3))
    np.testing.assert_array_equal(first, kept)


def test_pictures_may_be_any_kind_of_array(runtime):
    pictures = faces(2)
    expected = runtime.scores(pictures)
    np.testing.assert_allclose(runtime.scores(pictures.astype(np.float64)), expected, atol=1e-6)
    np.testing.assert_array_equal(runtime.scores(np.asfortranarray(pictures)), expected)
    np.testing.assert_array_equal(runtime.scores(list(pictures)), expected)


@pytest.mark.parametrize("shape", [(48, 48, 1), (1, 48, 48), (1, 44, 44, 1), (1, 48, 48, 3), (0,)], ids=str)
def test_another_shape_is_refused_with_the_right_one(runtime, shape):
    with pytest.raises(BadInputError, match=r"have shape \(.*Expected \(n, 48, 48, 1\).*np\.stack"):
        runtime.scores(np.zeros(shape, np.float32))


def test_keras_and_litert_agree(runtime):
    keras = load(KERAS)
    assert keras.description == runtime.description.replace("tflite (LiteRT", "keras (Keras")
    assert keras.scores(faces(0)).shape == (0, 7)
    ours, theirs = runtime.scores(faces(40)), keras.scores(faces(40))
    np.testing.assert_allclose(theirs.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(ours, theirs, atol=0.05)
    assert np.abs(ours - theirs).mean() < 0.005


def test_keras_and_litert_agree_on_public_test(runtime, shared_data):
    split = read(shared_data / "fer2013").validation.first(400)
    ours, theirs = (r.scores(standardise(split.pictures)) for r in (runtime, load(KERAS)))
    assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.98
    assert np.abs(ours - theirs).mean() < 0.005


def test_the_shipped_network_reads_faces_of_public_test(runtime, shared_data):
    split = read(shared_data / "fer2013").validation
    scores = runtime.scores(standardise(split.pictures), runtime.heads[0])
    assert (scores.argmax(1) == split.indexes).mean() > 0.6


def test_labels_that_fit_are_accepted():
    assert load(labels=FER2013).labels == load(labels=list(FER2013)).labels == FER2013


@pytest.mark.parametrize("labels", [["Happy", "Sad"], sorted(FER2013)], ids=["fewer", "another order"])
def test_labels_that_do_not_fit_are_both_told(labels):
    with pytest.raises(BadInputError) as told:
        load(labels=labels)
    assert "has the labels Angry, Disgust, Fear, Happy, Sad, Surprise, Neutral." in str(told.value)
    assert f"Expected {', '.join(labels)}." in str(told.value)
    assert told.value.exit_code == 2


def change(path, **values) -> None:
    """Writes another card into a network."""
    card = read_card(path)
    plain = {"priors": (), "temperatures": (), "resting": ()}  # would have to fit the labels and heads
    write_card(path, Card(**{**vars(card), **plain, **values}))


def cut(path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def scramble(path) -> None:
    """Damages the middle of the network and restores the card."""
    card, content = read_card(path), network_bytes(path)
    path.write_bytes(content[:8] + b"\xff" * 64 + content[72:])
    write_card(path, card)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda p: p.unlink(), MissingFileError, r"The network .*copy\.tflite was not found"),
        (lambda p: p.write_text("index,label"), BadInputError, r"copy\.tflite is not a network"),
        (lambda p: p.write_bytes(b""), BadInputError, "is not a network"),
        (lambda p: p.write_bytes(network_bytes(p)), BadInputError, "does not say which labels its numbers"),
        (cut, BadInputError, r"does not run \(.*Expected a complete \.tflite file"),
        (scramble, BadInputError, "does not run"),
        (
            lambda p: change(p, preprocessing="divide"),
            BadInputError,
            "uses the picture scaling 'divide'.*Expected standardise",
        ),
        (lambda p: change(p, size=44), BadInputError, "does not run.*44 x 44"),
        (
            lambda p: change(p, labels=Labels(["Happy", "Sad"])),
            BadInputError,
            r"not run \(it returns . x 7\)\. Expected .* 48 x 48 pixels into scores of . x 2 \(heads",
        ),
        (lambda p: change(p, heads=("a", "b", "c")), BadInputError, r"not run \(it returns . x 7\).* 3 x 7 "),
    ],
    ids=[
        *("gone", "text", "empty", "no card", "cut", "scrambled", "preprocessing", "size"),
        *("fewer labels", "more heads"),
    ],
)
def test_a_spoilt_network_is_told_in_one_line(copy, spoil, error, message):
    spoil(copy)
    with pytest.raises(error, match=message) as told:
        load(copy)
    assert isinstance(told.value, ExpressionError)
    assert told.value.exit_code == 2
    assert "\n" not in str(told.value)


def test_a_keras_network_with_damaged_weights_is_told_in_one_line(tmp_path):
    path = tmp_path / "copy.keras"
    with zipfile.ZipFile(KERAS) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[: 20_000 if name.endswith(".h5") else None])
    with pytest.raises(BadInputError, match=r"copy\.keras does not run \(.*Export it again") as told:
        load(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["with blank", "naïve-été", "日本"])
def test_a_file_name_may_hold_any_letters(tmp_path, name):
    path = shutil.copy(SHIPPED, tmp_path / f"{name}.tflite")
    assert load(str(path)).scores(faces(1)).shape == (1, 7)


def test_threads_take_turns(runtime):
    pictures = faces(8)
    expected = runtime.scores(pictures)
    wrong = []

    def work(shift: int) -> None:
        for _ in range(30):
            rolled = runtime.scores(np.roll(pictures, shift, 0))
            if not np.array_equal(rolled, np.roll(expected, shift, 0)):
                wrong.append(shift)

    threads = [threading.Thread(target=work, args=(shift,)) for shift in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_scoring_many_faces_does_not_grow_in_memory(runtime):
    process = psutil.Process()
    sizes = [faces(count) for count in (1, 5, 2, 0, 3)]

    def score_many() -> int:
        for number in range(500):
            runtime.scores(sizes[number % 5])
        return process.memory_info().rss

    score_many()
    before = score_many()
    assert score_many() - before < 2**20


def test_the_first_score_comes_without_tensorflow_quickly_and_quietly():
    code = """
import sys, time
import numpy, cv2
from expression.pictures import image
started = time.process_time()
from expression.models import load
scores = load().scores(image.preprocess(numpy.zeros((99, 99, 3), numpy.uint8))[None])
print(time.process_time() - started)
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "jax", "torch"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    seconds, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    assert float(seconds) < 2.0  # of the processor: about 0.05 on a quiet machine, more on a busy one


def test_a_picture_of_a_live_run_is_scored_as_in_training(runtime):
    grey = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    rgb = np.repeat(grey[..., None], 3, 2)
    live = runtime.scores(preprocess(rgb)[None])
    np.testing.assert_array_equal(live, runtime.scores(standardise(grey[None])))


HEADS = {"fer2013": (0.2, 0.7, 0.1), "ferplus": (0.6, 0.1, 0.3)}
"""The scores of a network with two heads for every face."""


def write_network(folder, rows, card, softmax=True) -> None:
    """Writes a network that gives the same rows of scores to every face, as .keras and .tflite."""
    from expression.models.architectures import keras, layers, save
    from expression.models.export import export

    rows = np.array(rows, np.float32)
    face = keras.Input((8, 8, 1))
    x = layers.Dense(rows.size, kernel_initializer="zeros")(layers.Flatten()(face))
    x = layers.Reshape(rows.shape)(x)
    network = keras.Model(face, layers.Softmax()(x) if softmax else x)
    network.set_weights([network.get_weights()[0], (np.log(rows) if softmax else rows).ravel()])
    save(network, folder / "network.keras", card)
    export(folder / "network.keras", folder / "network.tflite", "none")


THREE = Labels(["Happy", "Sad", "Dull"])


@pytest.fixture(scope="module")
def two_heads(tmp_path_factory):
    """A folder with network.keras and network.tflite, which have two heads."""
    folder = tmp_path_factory.mktemp("heads")
    write_network(folder, list(HEADS.values()), Card(THREE, 8, heads=tuple(HEADS)))
    return folder


@pytest.fixture(params=["tflite", "keras"])
def answers(request, two_heads):
    """The network with two heads, in each engine."""
    return load(two_heads / f"network.{request.param}")


SQUARES = np.zeros((4, 8, 8, 1), np.float32)


@pytest.mark.parametrize(
    ("asked", "given"), [(None, "ferplus"), ("ferplus", "ferplus"), ("fer2013", "fer2013")], ids=str
)
def test_each_head_is_asked_by_its_name_and_live_runs_get_that_of_the_votes(answers, asked, given):
    scores = answers.scores(SQUARES, asked)
    assert scores.shape == (4, 3)
    np.testing.assert_allclose(scores, [HEADS[given]] * 4, atol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_all_heads_come_at_once_in_their_order(answers, count):
    assert answers.heads == ("fer2013", "ferplus")
    scores = answers.all_scores(SQUARES[:count])
    assert (scores.shape, scores.dtype) == ((count, 2, 3), np.float32)
    np.testing.assert_allclose(scores, np.array([list(HEADS.values())] * count).reshape(-1, 2, 3), atol=1e-5)


def test_two_heads_are_told_of(answers):
    assert answers.description.endswith("3 labels, 8 x 8 pixels, heads fer2013 and ferplus)")


def test_an_unknown_head_is_told_with_those_there_are(answers):
    with pytest.raises(
        BadInputError,
        match=rf"{answers.name} has no head 'votes'\. Expected fer2013, ferplus or live\. Choose one",
    ):
        answers.scores(SQUARES, "votes")
    with pytest.raises(BadInputError, match=r"has no head 'fer2012'.* Did you mean fer2013\?"):
        answers.scores(SQUARES, "fer2012")


@pytest.mark.parametrize("engine", ["tflite", "keras"])
@pytest.mark.parametrize("heads", [("labels",), ("a", "b", "c")], ids=len)
def test_another_number_of_heads_than_the_card_says_is_told(two_heads, tmp_path, engine, heads):
    path = shutil.copy(two_heads / f"network.{engine}", tmp_path)
    change(path, heads=heads)
    with pytest.raises(BadInputError, match=rf"not run \(it returns 2 x 3\)\. .*scores of {len(heads)} x 3 "):
        load(path)


def test_without_the_votes_the_first_head_is_taken(two_heads, tmp_path):
    path = shutil.copy(two_heads / "network.tflite", tmp_path)
    change(path, heads=("mine", "yours"))
    np.testing.assert_allclose(load(path).scores(SQUARES[:1])[0], HEADS["fer2013"], atol=1e-5)


@pytest.mark.parametrize("engine", ["tflite", "keras"])
def test_a_network_without_heads_has_one(tmp_path, engine):
    write_network(tmp_path, HEADS["ferplus"], Card(THREE, 8))
    runtime = load(tmp_path / f"network.{engine}")
    assert runtime.heads == ("labels",)
    assert runtime.description.endswith("3 labels, 8 x 8 pixels)")
    np.testing.assert_allclose(runtime.all_scores(SQUARES[:2]), [[HEADS["ferplus"]]] * 2, atol=1e-5)
    np.testing.assert_array_equal(runtime.scores(SQUARES[:2], "labels"), runtime.scores(SQUARES[:2]))


def test_a_face_costs_one_run_of_the_network_however_many_heads_it_has(two_heads, monkeypatch):
    runtime = load(two_heads / "network.tflite")
    calls = []
    invoke = runtime._interpreter.invoke
    monkeypatch.setattr(runtime._interpreter, "invoke", lambda: (calls.append(1), invoke()))
    runtime.scores(SQUARES)
    assert len(calls) == 4
    runtime.all_scores(SQUARES[:2])
    assert len(calls) == 6


def test_scores_of_a_head_that_do_not_sum_to_1_are_told(tmp_path):
    rows = [(0.2, 0.7, 0.1), (0.6, 0.6, 0.3)]
    write_network(tmp_path, rows, Card(THREE, 8, heads=tuple(HEADS)), softmax=False)
    with pytest.raises(
        BadInputError, match=r"scores that sum to 1, 1\.5\. Expected 1 in each head\. .*softmax"
    ):
        load(tmp_path / "network.tflite")
