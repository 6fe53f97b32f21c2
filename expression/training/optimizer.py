"""How weights change in training: the rate, the shrinking and the averages.

`trainer.py` lets `prepare` set a network up, and takes its averages at the end of each epoch.

Notebook: 05_train
"""

from __future__ import annotations

from collections.abc import Callable

from ..models.architectures import keras
from .augmentation import Batches
from .recipe import Recipe

SETTLING = 20
"""Batches from which the averages of the normalisations are taken again for averaged weights."""

LONGEST = 1 / 5
"""Share of a training that the average of weights spans at most, however short the training is."""


def prepare(network: keras.Model, recipe: Recipe, steps: int, loss: keras.Loss | None = None) -> None:
    """Gives a network its optimizer and loss.

    Args:
        network: Changed in place.
        recipe: Which rate, decay and average.
        steps: How many make an epoch.
        loss: How far its scores are from right; None for the cross entropy of each head.
    """
    span = max(1.0, LONGEST * recipe.epochs * steps)
    optimizer = keras.optimizers.SGD(
        schedule(recipe, steps),
        momentum=0.9,
        nesterov=True,
        weight_decay=recipe.decay,
        use_ema=recipe.average > 0,
        ema_momentum=min(recipe.average, 1 - 1 / span),
    )
    # Offsets and the scales of the normalisation do not overlearn; shrinking them only slows learning.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    # Under TensorFlow XLA makes these layers several times slower on processors without AMX.
    jit = "auto" if keras.backend.backend() != "tensorflow" else False
    accuracy = keras.metrics.MeanMetricWrapper(_first_head_right, name="accuracy")
    loss = loss or keras.losses.CategoricalCrossentropy()
    network.compile(optimizer, loss, metrics=[accuracy], jit_compile=jit)


def _first_head_right(targets, scores):
    """Whether the data's own label has the highest score."""
    return keras.metrics.categorical_accuracy(targets[:, 0], scores[:, 0])


def schedule(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Returns the learning rate at each step of a training: up to the recipe's, then down to 0.

    Args:
        recipe: How long and how high.
        steps: How many make an epoch.

    Example:
        >>> rate = schedule(Recipe(epochs=3, rate=0.1, warm_up=1), steps=10)
        >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 20, 30)]
        [0.0, 0.05, 0.1, 0.05, 0.0]
    """
    rising = round(min(recipe.warm_up, recipe.epochs / 2) * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.rate,
        warmup_steps=rising,
        decay_steps=max(1, recipe.epochs * steps - rising),
    )


def average(network: keras.Model, batches: Batches) -> None:
    """Puts the averages of all weights so far in place of the weights.

    The means and deviations of the normalisations are taken again, for averages give other ones.
    Source: Izmailov et al., Averaging Weights Leads to Wider Optima, 2018, https://arxiv.org/abs/1803.05407

    Args:
        network: One that is being trained; changed in place.
        batches: Pictures like those that it will be used for.
    """
    network.optimizer.finalize_variable_values(network.trainable_variables)
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in layers]
    for number in range(min(SETTLING, len(batches))):
        for layer in layers:
            layer.momentum = number / (number + 1)  # the mean of all batches so far
        network(batches[number][0], training=True)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum
