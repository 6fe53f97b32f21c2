"""The shipped network has the shape, size and types that it promises."""

from __future__ import annotations

import numpy as np
import pytest

from expression.labels import FER2013, Labels
from expression.network import in_float32, keras, shipped

PAIR = Labels(["Happy", "Sad"])


def faces(count: int, size: int = 48) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, size, size, 1)).astype(np.float32)


@pytest.fixture
def mixed():
    """Mixed precision for the length of a test."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("labels", [PAIR, FER2013], ids=len)
@pytest.mark.parametrize("size", [32, 48, 64])
def test_each_face_gets_scores_that_sum_to_one(labels, size):
    scores = np.asarray(shipped(labels, size)(faces(3, size)))
    assert scores.shape == (3, len(labels))
    assert scores.min() > 0
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)


def test_the_network_is_small():
    assert shipped(FER2013).count_params() < 600_000


def test_the_seed_decides_the_first_weights():
    def first(seed: int) -> np.ndarray:
        keras.utils.set_random_seed(seed)
        return shipped(PAIR).get_weights()[0]

    np.testing.assert_array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2))


def test_scores_are_float32_under_mixed_precision(mixed):
    network = shipped(PAIR)
    assert network.layers[1].compute_dtype == "bfloat16"
    assert np.asarray(network(faces(1))).dtype == np.float32


def test_a_network_of_mixed_precision_becomes_a_float32_one_with_the_same_scores(mixed):
    network = shipped(PAIR)
    network.layers[1].set_weights([w * 2 for w in network.layers[1].get_weights()])
    copy = in_float32(network)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    np.testing.assert_allclose(np.asarray(copy(faces(4))), np.asarray(network(faces(4))), atol=0.02)
    for ours, theirs in zip(copy.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
