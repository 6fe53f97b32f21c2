"""The gradient with respect to a picture is what small changes of its pixels show, for any network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from expression.errors import BadInputError, MissingFileError, RunError
from expression.labels import Labels
from expression.models import load
from expression.models.architectures import keras, save, tutorial
from expression.models.export import export
from expression.models.metadata import Card
from expression.pictures.image import face_pixels
from expression.pictures.scaling import scaled as by_numpy
from expression.settings import Settings
from expression.training.picture_gradient import LiveNetwork, PictureGradient, scaled

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

layers = keras.layers
LABELS = Labels(["Happy", "Sad", "Neutral"])
GENERATOR = np.random.default_rng(3)
WHOLE = (layers.Rescaling(1 / 255),)
"""The first layer of a network that takes whole numbers."""
SCALINGS = ["standardise", "per-image", "0..1", "-1..1", "127.5/64", "123:116:103/58:57:57"]


def network(path: Path, shape: tuple[int, ...], card: Card, first: tuple = (), last: tuple = ()) -> Path:
    """Saves a network with one hidden layer and random weights."""
    keras.utils.set_random_seed(1)
    parts = (layers.Flatten(), layers.Dense(6, activation="tanh"), layers.Dense(3), layers.Softmax())
    x = taken = keras.Input(shape, dtype="uint8" if first == WHOLE else "float32")
    for part in (*first, *parts, *last):
        x = part(x)
    save(keras.Model(taken, x), path, card)
    return path


def lead(runtime, face: np.ndarray, label: int) -> float:
    """How far a label's logarithm of the score leads."""
    scores = np.log(np.float64(runtime.scores(runtime.preprocess(face)[None])[0]))
    return scores[label] - np.delete(scores, label).max()


def by_hand(runtime, face: np.ndarray, label: int, place: tuple[int, ...], step: float) -> float:
    """The slope at one pixel, from two small changes."""
    leads = []
    for by in (-step, step):
        moved = np.array(face, np.float32)
        moved[place] += by
        leads.append(lead(runtime, moved, label))
    return (leads[1] - leads[0]) / (2 * step)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_pixels_are_scaled_as_everywhere_else(scaling):
    pictures = GENERATOR.integers(0, 256, (2, 8, 8, 3), np.uint8)
    told = keras.ops.convert_to_numpy(scaled(keras.ops.convert_to_tensor(np.float32(pictures)), scaling))
    np.testing.assert_allclose(told, by_numpy(pictures, scaling), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "card"),
    [
        pytest.param((8, 8, 1), Card(LABELS, 8), id="grey"),
        pytest.param((8, 8), Card(LABELS, 8, "0..1"), id="without channels"),
        pytest.param((64,), Card(LABELS, 8, "per-image"), id="a row"),
        pytest.param((8, 8, 3), Card(LABELS, 8, "-1..1", colour="grey3"), id="grey three times"),
        pytest.param((8, 8, 3), Card(LABELS, 8, "standardise", colour="rgb"), id="RGB"),
        pytest.param(
            (3, 8, 8), Card(LABELS, 8, "123:116:103/58:57:57", colour="bgr"), id="BGR, channels first"
        ),
    ],
)
def test_a_gradient_is_the_slope_that_small_changes_show(tmp_path, shape, card):
    runtime = load(network(tmp_path / "net.keras", shape, card))
    face = np.float32(runtime.cut(GENERATOR.integers(40, 200, (8, 8, 3), np.uint8)))
    slopes = PictureGradient(runtime)
    for label in range(3):
        gradient = slopes(face, label)
        assert gradient.shape == face.shape
        for place in np.argwhere(np.ones(face.shape))[::17]:
            slope = by_hand(runtime, face, label, tuple(place), 0.5)
            assert gradient[tuple(place)] == pytest.approx(slope, rel=0.05, abs=1e-4)


def test_a_blank_picture_has_a_gradient_too(tmp_path):
    gradient = PictureGradient(load(network(tmp_path / "net.keras", (8, 8, 1), Card(LABELS, 8))))
    assert np.isfinite(gradient(np.full((8, 8), 100, np.uint8), 1)).all()


@pytest.mark.slow
def test_the_shipped_network_has_the_gradient_of_what_a_live_run_says(portrait):
    live = LiveNetwork()
    begun = load(live.runtime.path.with_suffix(".keras"))
    face = face_pixels(portrait)
    gradient = live.gradient(face, live.labels.index("Sad"))
    for place in np.argwhere(np.abs(gradient) > np.sort(np.abs(gradient), None)[-4]):
        slope = by_hand(begun, face, live.labels.index("Sad"), tuple(place), 0.05)
        assert gradient[tuple(place)] == pytest.approx(slope, rel=0.1)


def test_the_settings_of_a_live_run_count(tmp_path):
    path = network(tmp_path / "net.keras", (48, 48, 1), Card(LABELS))
    live = LiveNetwork(Settings(model=str(path), threshold=0.5, sensitivity=0.1))
    assert (live.threshold, live.runtime.sensitivity, live.labels) == (0.5, 0.1, LABELS)
    assert live.scores(np.zeros((48, 48), np.uint8)).sum() == pytest.approx(1)


@pytest.mark.slow
def test_a_tflite_file_takes_the_gradient_of_the_keras_file_beside_it(tmp_path):
    path = tmp_path / "net.keras"
    save(tutorial(LABELS), path, Card(LABELS))
    small = tmp_path / "net.tflite"
    export(path, small, "float16")
    live = LiveNetwork(Settings(model=str(small)))
    face = GENERATOR.integers(0, 256, (48, 48), np.uint8)
    assert live.runtime.engine == "LiteRT"
    np.testing.assert_allclose(live.gradient(face, 0), PictureGradient(load(path))(face, 0), rtol=1e-4)
    path.unlink()
    with pytest.raises(BadInputError) as told:
        LiveNetwork(Settings(model=str(small)))
    assert str(told.value) == (
        f"{small} cannot be differentiated, and there is no net.keras beside it. "
        "Expected a .keras file, or the one beside it from which it was exported. "
        "Choose such a file, or leave out --model for the shipped network."
    )
    network(path, (48, 48, 1), Card(Labels(["Angry", "Fear", "Disgust"])))
    with pytest.raises(BadInputError, match=r"has the labels Angry, Fear, Disgust\. Expected Happy, Sad, N"):
        LiveNetwork(Settings(model=str(small)))


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        pytest.param((), (layers.Rescaling(1.0),), "it ends with the layer", id="another end"),
        pytest.param((keras.ops.round,), (), "a layer has no gradient", id="a step without a slope"),
        pytest.param(WHOLE, (), "its input is uint8", id="whole numbers"),
    ],
)
def test_a_network_without_a_gradient_is_told(tmp_path, first, last, words):
    path = network(tmp_path / "net.keras", (8, 8, 1), Card(LABELS, 8), first, last)
    with pytest.raises(BadInputError, match=r"net\.keras cannot be differentiated") as told:
        PictureGradient(load(path))(np.zeros((8, 8), np.uint8), 0)
    assert words in str(told.value)


def test_a_missing_network_is_told(tmp_path):
    with pytest.raises(MissingFileError, match=r"The network .*none\.keras was not found"):
        LiveNetwork(Settings(model=str(tmp_path / "none.keras")))


def test_another_backend_is_told_with_the_way_out(tmp_path, monkeypatch):
    runtime = load(network(tmp_path / "net.keras", (8, 8, 1), Card(LABELS, 8)))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RunError, match=r"Keras runs on jax\. Expected tensorflow.*KERAS_BACKEND=tensorflow"):
        PictureGradient(runtime)
