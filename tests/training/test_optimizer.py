"""Rates rise and fall, only kernels decay, and averages do not span too much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
from tiny import LABELS, RECIPE

from expression.models.architectures import keras
from expression.training.augmentation import Batches
from expression.training.optimizer import average, prepare, schedule
from expression.training.recipe import Recipe
from expression.training.targets import training_targets

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.mark.parametrize("epochs", [1, 2, 12])
@pytest.mark.parametrize("warm_up", [0.0, 1.0, 99.0])
def test_the_rate_rises_to_its_height_and_falls_to_nothing(epochs, warm_up):
    rate = schedule(Recipe(epochs=epochs, rate=0.2, warm_up=warm_up), steps=10)
    rates = [float(rate(step)) for step in range(10 * epochs + 1)]
    highest = round(10 * min(warm_up, epochs / 2))
    assert rates[highest] == max(rates) == pytest.approx(0.2)
    assert rates == sorted(rates[:highest]) + sorted(rates[highest:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-7)


def prepared(steps: int = 100, **change) -> keras.Model:
    network = tiny.network(LABELS)
    prepare(network, replace(RECIPE, **change), steps)
    return network


def test_kernels_shrink_and_nothing_else_does():
    network = prepared(decay=0.5, average=0.0, rate=0.1, warm_up=0.0)
    network.set_weights([np.ones_like(values) for values in network.get_weights()])
    zeros = [np.zeros(value.shape, np.float32) for value in network.trainable_variables]
    network.optimizer.apply(zeros, network.trainable_variables)
    for value in network.trainable_variables:
        expected = 0.95 if value.name == "kernel" else 1.0
        np.testing.assert_allclose(keras.ops.convert_to_numpy(value), expected, atol=1e-6)
    assert {value.name for value in network.trainable_variables} == {"kernel", "gamma", "beta", "bias"}


@pytest.mark.parametrize(
    ("epochs", "steps", "expected"), [(26, 225, 0.998), (10, 10, 0.95), (1, 4, 0.0), (1, 1, 0.0)]
)
def test_in_a_short_training_the_average_spans_a_fifth_of_it(epochs, steps, expected):
    momentum = prepared(steps, epochs=epochs, average=0.998).optimizer.ema_momentum
    assert momentum == pytest.approx(expected)


def test_averages_replace_the_weights_and_normalisations_fit_them():
    """What the normalisation puts out has mean 0 and deviation 1 on the pictures of the training."""
    network, batches = prepared(steps=4), Batches(training_targets(tiny.split(64, 1), LABELS), batch=16)
    network.fit(batches, epochs=2, verbose=0, shuffle=False)
    before = network.get_weights()
    network.optimizer.build(network.trainable_variables)
    network.set_weights([values + 1 for values in before])  # `average` takes no notice of them
    average(network, batches)
    np.testing.assert_allclose(network.get_weights()[0], before[0], atol=1e-6)  # as `fit` leaves them
    normalisation = next(x for x in network.layers if isinstance(x, keras.layers.BatchNormalization))
    inner = keras.Model(network.input, normalisation.output)
    found = np.concatenate([np.asarray(inner(batches[number][0])) for number in range(4)])
    gamma, beta = (np.asarray(values) for values in (normalisation.gamma, normalisation.beta))
    np.testing.assert_allclose(found.mean((0, 1, 2)), beta, atol=0.02)
    np.testing.assert_allclose(found.std((0, 1, 2)), np.abs(gamma), rtol=0.1)
    assert normalisation.momentum == 0.5
