"""Calibration: of the faces scored 70%, seven in ten should be right.

`trainer.py` uses it to find the temperature of a new network, `evaluation.py` to report the remaining
error.

Notebook: 06_train
"""

from __future__ import annotations

import numpy as np

from ..models.sensitivity import adjusted

BINS = 15
"""Number of bins in which scores are compared with accuracy.

Source: Guo et al., On Calibration of Modern Neural Networks, 2017, https://arxiv.org/abs/1706.04599
"""

SENSITIVITIES = 5
"""Number of sensitivities with a temperature of their own; `adjusted` interpolates in between."""


def temperature(scores: np.ndarray, targets: np.ndarray) -> float:
    """Returns the number by which to divide logits so that scores fit the targets best.

    Args:
        scores: (n, labels), rows that sum to 1.
        targets: (n, labels), the right answers: 1 for one label, or shares of votes; rows of zeros
            do not count.

    Returns:
        0.25 to 4; above 1 if the scores were overconfident, and 1 if there are no targets.

    Example:
        >>> sure, right = np.array([[0.99, 0.01]] * 4), np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
        >>> round(temperature(sure, right), 1)
        4.0
    """
    if not targets.any():
        return 1.0
    logits = np.log(np.maximum(scores, 1e-9))
    choices = np.geomspace(0.25, 4, 201)
    return float(min(choices, key=lambda choice: _surprise(logits / choice, targets)))


def live_temperatures(
    scores: np.ndarray, targets: np.ndarray, priors: np.ndarray, live_head: int
) -> tuple[float, ...]:
    """Returns the temperatures of what a live run says, for sensitivities from 0 to 1.

    Args:
        scores: (n, heads, labels), calibrated, rows that sum to 1.
        targets: (n, labels), the right answers, as for `temperature`.
        priors: (heads, labels), the share of each label in what each head learned.
        live_head: The index of the head that counts alone at a sensitivity of 0.
    """
    sensitivities = np.linspace(0, 1, SENSITIVITIES)[1:]
    live = (adjusted(scores, priors, live_head, sensitivity) for sensitivity in sensitivities)
    return (1.0, *(round(temperature(each, targets), 3) for each in live))


def resting_scores(scores: np.ndarray, neutral: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Returns the scores of each head for an average neutral face, as a card keeps them.

    Args:
        scores: (n, heads, labels), rows that sum to 1.
        neutral: (n,) bool, which of the faces most people find neutral.
    """
    if not neutral.any():
        return ()
    usual = np.maximum(np.median(np.float64(scores[neutral]), 0), 1e-4)
    return tuple(tuple(row) for row in (usual / usual.sum(1, keepdims=True)).round(5).tolist())


def _surprise(logits: np.ndarray, targets: np.ndarray) -> float:
    """Returns the negative log-likelihood of the targets."""
    logits = logits - logits.max(1, keepdims=True)
    return -float((targets * (logits - np.log(np.exp(logits).sum(1, keepdims=True)))).sum())


def bins_of(scores: np.ndarray) -> np.ndarray:
    """Returns the bin of each score, (n,) int from 0 to BINS - 1.

    Args:
        scores: (n,), 0 to 1.

    Example:
        >>> bins_of(np.array([0.0, 0.5, 1.0])).tolist()
        [0, 7, 14]
    """
    return np.minimum((scores * BINS).astype(int), BINS - 1)


def expected_calibration_error(scores: np.ndarray, indexes: np.ndarray) -> float:
    """Returns how far the highest scores are from the accuracy, on average over pictures.

    Args:
        scores: (n, labels), rows that sum to 1.
        indexes: (n,), the right label of each.

    Returns:
        0 to 1; 0.05 means that scores are off by five points.

    Example:
        >>> round(expected_calibration_error(np.array([[0.8, 0.2]] * 2), np.array([0, 1])), 2)
        0.3
    """
    if not len(scores):
        return 0.0
    best, right = scores.max(1), scores.argmax(1) == indexes
    bins = bins_of(best)
    error = [abs(best[bins == bin].sum() - right[bins == bin].sum()) for bin in range(BINS)]
    return float(sum(error) / len(scores))
