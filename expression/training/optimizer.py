"""How weights change in training: learning rate, weight decay and averaging.

`trainer.py` calls `prepare` to set up a network, and `average` at the end of each epoch.

Notebook: 06_train
"""

from __future__ import annotations

from collections.abc import Callable

from ..models.architectures import keras
from .augmentation import Batches
from .recipe import Recipe

SETTLING = 20
"""Batches used to recompute the statistics of the normalisations for averaged weights."""

LONGEST = 1 / 5
"""Largest share of a training run that the average of weights spans, however short the run is."""


def prepare(network: keras.Model, recipe: Recipe, steps: int, loss: keras.Loss | None = None) -> None:
    """Sets the optimizer and loss of a network.

    Args:
        network: Changed in place.
        recipe: Defines rate, decay and average.
        steps: Number of steps per epoch.
        loss: The loss function; None for the cross entropy of each head.
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
    # Biases and the scales of the normalisation do not overfit; decaying them only slows training.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    # With TensorFlow, XLA makes these layers several times slower on processors without AMX.
    jit = "auto" if keras.backend.backend() != "tensorflow" else False
    accuracy = keras.metrics.MeanMetricWrapper(_first_head_right, name="accuracy")
    loss = loss or keras.losses.CategoricalCrossentropy()
    network.compile(optimizer, loss, metrics=[accuracy], jit_compile=jit)


def _first_head_right(targets, scores):
    """Whether the data's own label has the highest score."""
    return keras.metrics.categorical_accuracy(targets[:, 0], scores[:, 0])


def schedule(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Returns the learning rate at each step of a training run: up to the recipe's, then down to 0.

    Args:
        recipe: Defines the length and the highest rate.
        steps: Number of steps per epoch.

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
    """Replaces the weights with their averages so far.

    The statistics of the normalisations are recomputed, because they differ for averaged weights.
    Source: Izmailov et al., Averaging Weights Leads to Wider Optima, 2018, https://arxiv.org/abs/1803.05407

    Args:
        network: A network that is being trained; changed in place.
        batches: Pictures like those on which it will be used.
    """
    network.optimizer.finalize_variable_values(network.trainable_variables)
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in layers]
    for number in range(min(SETTLING, len(batches)) if layers else 0):
        for layer in layers:
            layer.momentum = number / (number + 1)  # the mean of all batches so far
        network(batches[number][0], training=True)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum
