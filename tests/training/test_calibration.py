"""Scores are calibrated, and the remaining error is measured."""

from __future__ import annotations

import numpy as np
import pytest

from expression.training.calibration import expected_calibration_error, temperature


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


@pytest.fixture(scope="module")
def honest():
    """Logits, and labels drawn as often as the logits say."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (20_000, 4))
    chances = softmax(logits).cumsum(1)
    return logits, (generator.random((len(logits), 1)) > chances).sum(1)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_made_scores_too_sure_or_unsure(honest, factor):
    logits, labels = honest
    found = temperature(softmax(logits * factor), np.eye(4)[labels])
    assert found == pytest.approx(factor, rel=0.05)


@pytest.mark.slow
def test_the_temperature_can_be_found_from_shares_of_votes_and_leaves_out_rows_without(honest):
    logits, _ = honest
    targets = softmax(logits)
    targets[::2] = 0
    scores = softmax(logits * 2)
    scores[::2] = [1, 0, 0, 0]  # would have a high loss if it counted
    assert temperature(scores, targets) == pytest.approx(2, rel=0.05)


def test_nothing_known_changes_nothing():
    assert temperature(np.full((3, 2), 0.5), np.zeros((3, 2))) == 1.0


def test_scores_of_nothing_at_all_do_not_break_it():
    assert 0.25 <= temperature(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])) <= 4


def test_tempered_scores_have_a_small_error_and_sure_ones_a_large(honest):
    logits, labels = honest
    assert expected_calibration_error(softmax(logits), labels) < 0.02
    assert expected_calibration_error(softmax(logits * 3), labels) > 0.1


@pytest.mark.parametrize(
    ("scores", "labels", "error"),
    [
        ([[1.0, 0.0]] * 4, [0, 0, 0, 0], 0.0),
        ([[1.0, 0.0]] * 4, [0, 0, 1, 1], 0.5),
        ([[0.6, 0.4], [0.9, 0.1]], [0, 0], 0.25),
        (np.empty((0, 2)), [], 0.0),
    ],
    ids=["right", "half right", "each bin by itself", "nothing"],
)
def test_the_error_is_the_distance_between_sureness_and_being_right(scores, labels, error):
    assert expected_calibration_error(np.array(scores), np.array(labels, int)) == pytest.approx(error)
