"""Teachers' answers are added to the data's, softened, and computed only once if they are saved."""

from __future__ import annotations

import numpy as np
import pytest

from expression.models.architectures import keras
from expression.training.distillation import TaughtLoss, Teachers, soften

pytestmark = pytest.mark.slow

PICTURES = np.zeros((2, 48, 48, 1), np.float32)
TARGETS = np.float32([[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]])
WEIGHTS = np.float32([[2, 2], [2, 0]])  # the second head has no answer for the second picture


def says(*shares: float):
    """A teacher that gives the same answer for every picture."""
    return lambda pictures: np.tile(np.float32(shares), (len(pictures), 2, 1))


def test_the_teachers_have_their_share():
    targets, weights = Teachers([says(0.8, 0.2, 0)], [1, 1], share=0.7).answers(
        PICTURES, TARGETS, WEIGHTS, (0, 0)
    )
    np.testing.assert_array_equal(targets[:, :2], TARGETS)
    np.testing.assert_allclose(targets[:, 2:], np.tile([0.8, 0.2, 0], (2, 2, 1)), atol=1e-6)
    # Keras takes the mean over four heads: together they count as much as two did before.
    np.testing.assert_allclose(weights[0] / 4, [0.3, 0.3, 0.7, 0.7], atol=1e-6)
    assert (targets.dtype, weights.dtype) == (np.float32, np.float32)


def test_where_the_data_have_no_answer_that_of_the_teachers_counts_whole():
    weights = Teachers([says(1, 0, 0)], [1, 1], share=0.7).answers(PICTURES, TARGETS, WEIGHTS, (0, 0))[1]
    np.testing.assert_allclose(weights[1] / 4, [0.3, 0, 0.7, 1], atol=1e-6)


def test_a_temperature_softens_its_own_head():
    targets, _ = Teachers([says(0.64, 0.36, 0)], [2, 1], 0.7).answers(PICTURES, TARGETS, WEIGHTS, (0, 0))
    np.testing.assert_allclose(targets[0, 2], [8 / 14, 6 / 14, 0], atol=1e-3)
    np.testing.assert_allclose(targets[0, 3], [0.64, 0.36, 0], atol=1e-6)


def test_softened_scores_are_those_of_divided_logits():
    logits = np.random.default_rng(0).normal(0, 2, (5, 2, 7))
    scores = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    divided = np.exp(logits / np.array([3.0, 0.5])[:, None])
    expected = divided / divided.sum(2, keepdims=True)
    np.testing.assert_allclose(soften(scores, np.array([3.0, 0.5])), expected, atol=1e-6)


def test_a_label_that_teachers_do_not_know_has_nothing_from_them():
    targets = np.zeros((2, 2, 4), np.float32)
    found, _ = Teachers([says(0.5, 0.3, 0.2)], [1, 1], 0.7).answers(PICTURES, targets, WEIGHTS, (0, 0))
    np.testing.assert_allclose(found[0, 2], [0.5, 0.3, 0.2, 0], atol=1e-6)


def losses(scores, targets, temperatures, known=3):
    return np.asarray(TaughtLoss(temperatures, known).call(np.float32(targets), np.float32(scores)))


def test_without_temperature_the_loss_is_the_cross_entropy_of_each_head():
    scores = np.float32([[[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]])
    targets = np.float32([[[1, 0, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0, 1]]])
    expected = [-np.log(0.7), -np.log(0.8), -(np.log(0.7) + np.log(0.2)) / 2, -np.log(0.8)]
    np.testing.assert_allclose(losses(scores, targets, [1, 1])[0], expected, atol=1e-5)


def test_the_teachers_part_is_least_where_the_scores_are_theirs():
    """Its slope there is 0 at any temperature, and next to it depends on the temperature."""
    said = np.float32([[[0.6, 0.3, 0.1]]])
    for temperature in (0.5, 1.0, 4.0):
        softened = soften(said, np.float32([temperature]))
        targets = np.concatenate([np.zeros_like(said), softened], 1)
        at_best = losses(said, targets, [temperature])[0, 1]
        for other in ([0.65, 0.25, 0.1], [0.55, 0.3, 0.15], [0.6, 0.25, 0.15]):
            assert losses([[other]], targets, [temperature])[0, 1] > at_best


def test_the_square_of_the_temperature_keeps_the_pull_of_the_teachers():
    logits = np.float32([[[0.1, -0.1, 0.0]]])
    said = np.float32([[[1 / 3, 1 / 3, 1 / 3]]])
    gaps = []
    for temperature in (1.0, 8.0):
        targets = np.concatenate([said, said], 1)
        best = losses(said, targets, [temperature])[0, 1]
        scores = np.exp(logits) / np.exp(logits).sum()
        gaps.append(losses(scores, targets, [temperature])[0, 1] - best)
    assert gaps[0] == pytest.approx(gaps[1], rel=0.05)


def test_a_hidden_label_costs_nothing_by_the_teachers_and_something_by_the_data():
    few, much = [[[0.45, 0.45, 0.1]]], [[[0.05, 0.05, 0.9]]]
    targets = [[[1, 0, 0], [0.5, 0.5, 0]]]
    ours, theirs = losses(few, targets, [1], known=2)[0], losses(much, targets, [1], known=2)[0]
    assert ours[1] == pytest.approx(theirs[1], abs=1e-5)
    assert ours[0] < theirs[0]


def test_keras_weighs_each_head_of_the_loss():
    scores, targets = np.float32([[[0.5, 0.5]]]), np.float32([[[1, 0], [1, 0]]])
    loss = TaughtLoss([1], 2)
    found = [float(loss(targets, scores, sample_weight=np.float32([w]))) for w in ([2, 0], [0, 2], [1, 1])]
    np.testing.assert_allclose(found, [-np.log(0.5)] * 3, atol=1e-5)
    assert isinstance(loss, keras.Loss)


# Answers that are remembered.


def counting(asked: list):
    def teacher(pictures):
        asked.append(len(pictures))
        return np.tile(np.float32([0.5, 0.3, 0.2]), (len(pictures), 2, 1))

    return teacher


def test_what_was_asked_once_is_not_asked_again(tmp_path):
    asked = []
    for new in (True, False):
        teachers = Teachers([counting(asked)], [1, 1], 0.7)
        teachers.remember(tmp_path / "answers.npy", (2, 4, 2, 3), new)
        for place in ((0, 0), (0, 2), (1, 0), (0, 0)):
            targets, _ = teachers.answers(PICTURES, TARGETS, WEIGHTS, place)
            np.testing.assert_allclose(targets[:, 2:], np.tile([0.5, 0.3, 0.2], (2, 2, 1)), atol=1e-3)
    assert asked == [2, 2, 2]
    assert np.load(tmp_path / "answers.npy").dtype == np.float16


@pytest.mark.parametrize("kept", ["new", "damaged", "of another shape", "half asked"])
def test_answers_that_are_not_there_are_asked_for(tmp_path, kept):
    path, asked = tmp_path / "answers.npy", []
    if kept == "damaged":
        path.write_bytes(b"no answers")
    elif kept != "half asked":
        np.save(path, np.zeros((1, 4, 2, 3) if kept == "of another shape" else (2, 4, 2, 3), np.float16))
    else:
        half = np.zeros((2, 4, 2, 3), np.float16)
        half[0, 1] = np.nan
        np.save(path, half)
    teachers = Teachers([counting(asked)], [1, 1], 0.7)
    teachers.remember(path, (2, 4, 2, 3), new=kept == "new")
    teachers.answers(PICTURES, TARGETS, WEIGHTS, (0, 0))
    assert asked == [2]
