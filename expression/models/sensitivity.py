"""Sensitivity: how readily a network gives labels other than Neutral.

People who vote on pictures vote Neutral when they are unsure, and the head that learned their votes does
the same. By Bayes' theorem, its score of a label is proportional to how well the face fits the label
times the share of the label in what it learned. Dividing by a power of that share takes the habit out:
a power of 0 reads faces as people vote, a power of 1 as if all labels were equally likely. The more
sensitive a reading, the more the network's other heads have a say: FER2013's own labels are what people
searched for, and expressions made on purpose are among them.

`runtime.py` does this for faces from a camera; `training/calibration.py` finds the temperatures.

Source: Menon et al., Long-tail learning via logit adjustment, 2021, https://arxiv.org/abs/2007.07314

Notebook: 07_live
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .shapes import as_scores

LEAST = 1e-9
"""The lowest score for taking logarithms; lower ones are raised to it."""

OTHERS = 0.3
"""The weight of the other heads at a sensitivity of 1; results/README.md says how it was chosen."""


def adjusted(
    scores: np.ndarray,
    priors: Sequence[Sequence[float]],
    live_head: int,
    sensitivity: float,
    temperatures: Sequence[float] = (1.0,),
) -> np.ndarray:
    """Returns what a live run says, from the scores of all heads.

    Args:
        scores: (n, heads, labels), rows that sum to 1.
        priors: (heads, labels), the share of each label in what each head learned; above 0.
        live_head: The index of the head that counts alone at a sensitivity of 0.
        sensitivity: 0 to leave its scores as they are, 1 for equally likely labels.
        temperatures: The divisors of the logits at sensitivities from 0 to 1, evenly spaced.

    Returns:
        (n, labels) float32; each row sums to 1.

    Example:
        >>> print(adjusted(np.array([[[0.6, 0.4]]]), [[0.75, 0.25]], live_head=0, sensitivity=1).round(2))
        [[0.33 0.67]]
    """
    if not sensitivity:
        return scores[:, live_head]
    weights, offsets = live_terms(priors, live_head, sensitivity, temperatures)
    logits = np.tensordot(weights, np.log(np.maximum(scores, LEAST)), (0, 1)) + offsets
    return as_scores(logits, "logits").astype(np.float32)


def live_terms(
    priors: Sequence[Sequence[float]], live_head: int, sensitivity: float, temperatures: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns (heads,) weights of the heads' logits and (labels,) offsets: their sum is what a live run says.

    Args:
        priors: As for `adjusted`, like the others.
        live_head: The head that counts alone at a sensitivity of 0.
        sensitivity: 0 to 1.
        temperatures: The divisors.
    """
    others = len(priors) - 1
    weights = np.full(len(priors), sensitivity * OTHERS / max(1, others))
    weights[live_head] = 1 - sensitivity * OTHERS * (others > 0)
    weights /= np.interp(sensitivity, np.linspace(0, 1, len(temperatures)), temperatures)
    return weights, -sensitivity * weights @ np.log(priors)
