"""The networks have the shapes and types that they promise, and keep their scores when copied and saved."""

from __future__ import annotations

import numpy as np
import pytest

from expression.errors import BadInputError
from expression.labels import FER2013, Labels
from expression.models import load
from expression.models.architectures import (
    NETWORKS,
    builder,
    keras,
    narrowed,
    plain,
    precision,
    save,
    shipped,
    tutorial,
    whole,
    with_temperature,
)
from expression.models.metadata import Card, read_card

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

PAIR = Labels(["Happy", "Sad"])


def faces(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 48, 48, 1)).astype(np.float32)


def scores(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(network(pictures))


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize(("labels", "heads"), [(PAIR, 1), (FER2013, 2)], ids=["one head", "two heads"])
def test_each_head_gives_scores_that_sum_to_one(name, labels, heads):
    found = scores(builder(name)(labels, heads), faces(3))
    assert found.shape == (3, heads, len(labels))
    assert found.min() > 0
    np.testing.assert_allclose(found.sum(2), 1, atol=1e-5)


def test_the_tutorials_network_has_the_layers_of_the_lesson():
    kinds = [type(layer).__name__ for layer in tutorial(FER2013).layers]
    assert kinds == [
        *("InputLayer", "Reshape", "Conv2D", "MaxPooling2D", "BatchNormalization", "Conv2D", "MaxPooling2D"),
        *("Dropout", "Flatten", "Dense", "Dense", "Reshape", "Softmax"),
    ]


def test_networks_are_as_large_as_they_are_said_to_be():
    sizes = {name: builder(name)(FER2013, 2).count_params() / 1e6 for name in NETWORKS}
    assert sizes == {
        "tutorial": pytest.approx(1.2, abs=0.05),
        "quick": pytest.approx(1.2, abs=0.05),
        "shipped": pytest.approx(5.5, abs=0.05),
        "whole": pytest.approx(5.5, abs=0.05),
        "wide": pytest.approx(12.2, abs=0.1),
    }


def test_a_network_of_another_name_is_told():
    with pytest.raises(
        BadInputError,
        match=r"no network 'vgg'\. Expected one of tutorial, quick, shipped, whole, wide\. Choose",
    ):
        builder("vgg")
    with pytest.raises(BadInputError, match=r"no network 'Shiped'.* Did you mean shipped\?"):
        builder("Shiped")


def test_the_seed_decides_the_first_weights():
    def first(seed: int) -> np.ndarray:
        keras.utils.set_random_seed(seed)
        return tutorial(PAIR).get_weights()[0]

    np.testing.assert_array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2))


def test_scores_are_float32_under_mixed_precision_and_it_ends():
    with precision("mixed_bfloat16"):
        network = tutorial(PAIR)
    assert keras.config.dtype_policy().name == "float32"
    assert network.layers[2].compute_dtype == "bfloat16"
    assert scores(network, faces(1)).dtype == np.float32


@pytest.mark.parametrize(("before", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.02)])
def test_a_plain_copy_has_the_weights_and_computes_in_float32(before, tolerance):
    with precision(before):
        network = shipped(PAIR)
    network.compile("sgd", "mse")
    copy = plain(network)
    assert copy.input_shape == (None, 48, 48, 1)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    assert not copy.compiled
    np.testing.assert_allclose(scores(copy, faces(4)), scores(network, faces(4)), atol=tolerance)
    for ours, theirs in zip(copy.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_network_in_a_row_is_copied_too():
    network = keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    np.testing.assert_allclose(scores(plain(network), faces(4)), scores(network, faces(4)), atol=1e-5)


def test_a_narrowed_copy_knows_the_first_labels_and_keeps_their_ratios():
    three = Labels([*PAIR, "Contempt"])
    network = shipped(three, heads=2)
    copy = narrowed(network, PAIR, 2, shipped)
    faces = np.random.default_rng(0).normal(0, 1, (4, 48, 48, 1)).astype(np.float32)
    scores, fewer = np.asarray(network(faces)), np.asarray(copy(faces))
    assert fewer.shape == (4, 2, 2)
    kept = scores[..., :2]
    np.testing.assert_allclose(fewer, kept / kept.sum(2, keepdims=True), atol=1e-5)


def test_a_narrowed_copy_of_a_network_in_mixed_precision_is_in_float32():
    with precision("mixed_bfloat16"):
        network = tutorial(Labels([*PAIR, "Contempt"]))
    copy = narrowed(network, PAIR, 1, tutorial)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    assert not copy.compiled


def test_a_whole_network_sees_the_edge_and_the_shipped_one_does_not():
    faces = np.zeros((2, 48, 48, 1), np.float32)
    faces[1, 0] = 5
    for build, sees in ((shipped, False), (whole, True)):
        one, other = np.asarray(build(PAIR)(faces))
        assert np.allclose(one, other, atol=1e-7) is not sees


def test_tempering_keeps_labels_and_changes_how_sure_each_head_is():
    network = tutorial(FER2013, heads=2)
    before = scores(network, faces(20))
    with_temperature(network, [0.5, 4.0])
    after = scores(network, faces(20))
    np.testing.assert_array_equal(after.argmax(2), before.argmax(2))
    assert (after[:, 0].max(1) > before[:, 0].max(1)).all()
    assert (after[:, 1].max(1) < before[:, 1].max(1)).all()
    cooler = before[:, 1] ** (1 / 4)
    np.testing.assert_allclose(after[:, 1], cooler / cooler.sum(1, keepdims=True), atol=1e-5)


def test_a_saved_network_gives_the_same_scores_and_its_card(tmp_path):
    network, card = tutorial(PAIR), Card(PAIR, facts={"epoch": 3})
    save(network, tmp_path / "net.keras", card)
    assert read_card(tmp_path / "net.keras") == card
    found = load(tmp_path / "net.keras").all_scores(faces(2))
    np.testing.assert_allclose(found, scores(network, faces(2)), atol=1e-6)


def test_a_network_that_cannot_be_saved_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "net.keras"
    path.write_bytes(b"before")
    monkeypatch.setattr("expression.models.architectures.write_card", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save(tutorial(PAIR), path, Card(PAIR))
    assert [file.name for file in tmp_path.iterdir()] == ["net.keras"]
    assert path.read_bytes() == b"before"
