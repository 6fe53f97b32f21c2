"""The last layer of a network, fitted to a few pictures of a person no more than pays off.

A hundred pictures can make a layer of thousands of weights better or worse, and on the pictures that it
learned from it always looks better. So `choose` leaves out a part of the pictures at a time
(cross-validation), fits several candidates to the rest, from "change nothing" to "change much", and takes
the one that is best on the parts left out. `personalise.py` calls it.

Source: Li et al., Explicit Inductive Bias for Transfer Learning with Convolutional Networks, 2018,
https://arxiv.org/abs/1802.01483

Notebook: 08_your_face
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..vision.resting import SHARE

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""How strongly weights may be held to their initial values."""

HOLD_OFFSETS = 0.01
"""The same for offsets, always."""

LOOSER = 30.0
"""New labels, whose weights start at 0, are held this many times less."""

CERTAINTY = 2.0
"""A candidate must be better than no change by this many standard errors, or nothing is changed."""

STEPS = 100
"""The most steps of a fit; far fewer are usual."""


@dataclass(frozen=True)
class LastLayer:
    """A dense layer from features to the logits of labels.

    Attributes:
        kernel: (features, labels).
        bias: (labels,).
        new: (labels,) bool, the labels that it does not know yet; their weights are 0.
        neutral: The index of the label Neutral, -1 if there is none.
        resting: (labels,), centred logits of an average neutral face; None if unknown.
    """

    kernel: np.ndarray
    bias: np.ndarray
    new: np.ndarray
    neutral: int = -1
    resting: np.ndarray | None = None

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Returns the logarithms of the scores, from (n, features) to (n, labels)."""
        sums = features @ self.kernel + self.bias
        sums = sums - sums.max(1, keepdims=True)
        return sums - np.log(np.exp(sums).sum(1, keepdims=True))


@dataclass(frozen=True)
class Pictures:
    """The features of some pictures.

    Attributes:
        views: (views, n, features): of the pictures as they are, and then of distorted copies.
        indexes: (n,), their labels.
    """

    views: np.ndarray
    indexes: np.ndarray

    def take(self, kept: np.ndarray) -> Pictures:
        """Returns some of them."""
        return Pictures(self.views[:, kept], self.indexes[kept])


@dataclass(frozen=True)
class Choice:
    """The chosen candidate.

    Attributes:
        name: What changes: "nothing", "offsets", "resting face" or "weights".
        layer: The layer, fitted to all pictures.
        losses: The mean loss of each candidate on the pictures left out.
        strength: How strongly the weights are held, if they change.
    """

    name: str
    layer: LastLayer
    losses: dict[str, float] = field(repr=False)
    strength: float | None = None


Fit = Callable[[LastLayer, Pictures], LastLayer]


def choose(start: LastLayer, pictures: Pictures, parts: np.ndarray) -> Choice:
    """Fits a layer to pictures, in the way that cross-validation finds best.

    Args:
        start: The layer as it is.
        pictures: What to learn from: some of each label.
        parts: (n,), the part of each picture; each part is left out once.
    """
    candidates = _candidates(start)
    losses = {name: _left_out(fit, start, pictures, parts) for name, fit in candidates.items()}
    means = {name: float(loss.mean()) for name, loss in losses.items()}
    best = min(means, key=means.get)
    if "nothing" in losses and best != "nothing":
        gain = losses["nothing"] - losses[best]
        if gain.mean() <= CERTAINTY * gain.std(ddof=1) / np.sqrt(len(gain)):
            best = "nothing"
    name, _, strength = best.partition(" held ")
    return Choice(name, candidates[best](start, pictures), means, float(strength) if strength else None)


def _candidates(start: LastLayer) -> dict[str, Fit]:
    """Returns the ways to fit a layer; without labels that are new, some that change little."""
    found: dict[str, Fit] = {}
    if not start.new.any():
        found["nothing"] = lambda layer, pictures: layer
        found["offsets"] = lambda layer, pictures: fitted(layer, pictures, None)
        if start.resting is not None and start.neutral >= 0:
            found["resting face"] = without_resting_face
    for strength in STRENGTHS:
        found[f"weights held {strength:g}"] = lambda layer, pictures, held=strength: fitted(
            layer, pictures, held
        )
    return found


def _left_out(fit: Fit, start: LastLayer, pictures: Pictures, parts: np.ndarray) -> np.ndarray:
    """Returns (n,) losses of pictures left out of a fit, weighted so that every label counts as much."""
    losses = np.empty(len(parts))
    for part in np.unique(parts):
        out = parts == part
        logits = fit(start, pictures.take(~out)).logits(pictures.views[0, out])
        losses[out] = -logits[np.arange(len(logits)), pictures.indexes[out]]
    return losses * _balanced(pictures.indexes)


def _balanced(indexes: np.ndarray) -> np.ndarray:
    """Returns (n,) weights with which every label counts as much; their mean is 1."""
    counts = np.bincount(indexes)
    return (len(indexes) / (counts > 0).sum() / np.maximum(counts, 1))[indexes]


def fitted(start: LastLayer, pictures: Pictures, strength: float | None) -> LastLayer:
    """Returns the layer that fits pictures best while staying close to where it started.

    Args:
        start: The layer as it is.
        pictures: What to learn from.
        strength: How strongly the weights are held; None to fit only the offsets.
    """
    from scipy.optimize import minimize

    views, count = pictures.views.shape[0], len(start.bias)
    features = pictures.views.reshape(-1, pictures.views.shape[2]).astype(np.float64)
    right = np.eye(count)[np.tile(pictures.indexes, views)]
    weights = np.tile(_balanced(pictures.indexes), views)[:, None] / len(features)
    held = None if strength is None else strength * np.where(start.new, 1 / LOOSER, 1.0)

    def layer_of(values: np.ndarray) -> LastLayer:
        kernel = start.kernel if held is None else values[count:].reshape(start.kernel.shape)
        return LastLayer(kernel, values[:count], start.new, start.neutral, start.resting)

    def loss_and_slope(values: np.ndarray) -> tuple[float, np.ndarray]:
        layer = layer_of(values)
        logits = layer.logits(features)
        moved = layer.bias - start.bias
        loss = -(weights * right * logits).sum() + HOLD_OFFSETS * (moved**2).sum()
        errors = weights * (np.exp(logits) - right)
        slope = errors.sum(0) + 2 * HOLD_OFFSETS * moved
        if held is None:
            return loss, slope
        moved = layer.kernel - start.kernel
        loss += (held * moved**2).sum()
        return loss, np.concatenate([slope, (features.T @ errors + 2 * held * moved).ravel()])

    begin = start.bias if held is None else np.concatenate([start.bias, start.kernel.ravel()])
    found = minimize(loss_and_slope, begin, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return layer_of(found.x)


def without_resting_face(start: LastLayer, pictures: Pictures) -> LastLayer:
    """Returns a layer whose offsets take out a part of what the person's neutral face shows."""
    neutral = start.logits(pictures.views[0, pictures.indexes == start.neutral])
    if not len(neutral):
        return start
    usual = np.median(neutral - neutral.mean(1, keepdims=True), 0)
    bias = start.bias - SHARE * (usual - start.resting)
    return LastLayer(start.kernel, bias, start.new, start.neutral, start.resting)
