"""A live run reads more than Neutral: how much more is one setting, and scores stay scores."""

from __future__ import annotations

import numpy as np
import pytest
from parts import Pictures

from expression.errors import BadInputError
from expression.live.session import Session
from expression.models import load
from expression.models.registry import SHIPPED
from expression.models.sensitivity import adjusted
from expression.settings import Settings

PRIORS = [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]


@pytest.fixture(scope="module")
def runtime():
    return load(SHIPPED)


@pytest.fixture(scope="module")
def faces():
    noise = np.random.default_rng(0).normal(size=(40, 12, 12, 1))
    return np.float32(noise.repeat(4, 1).repeat(4, 2))


@pytest.fixture
def scores():
    return np.random.default_rng(1).dirichlet([1, 1, 1], (50, 2))


def test_at_0_the_scores_are_those_of_the_live_head(scores):
    assert (adjusted(scores, PRIORS, 1, 0.0) == scores[:, 1]).all()


@pytest.mark.parametrize("sensitivity", [0.1, 0.5, 1.0])
def test_scores_sum_to_1_at_every_sensitivity(scores, sensitivity):
    found = adjusted(scores, PRIORS, 1, sensitivity, (1.0, 0.8))
    assert found.dtype == np.float32
    assert found.sum(1) == pytest.approx(1, abs=1e-6)


def test_the_more_sensitive_the_less_of_the_most_common_label():
    undecided = np.array([PRIORS])  # a face that says nothing: every head gives what is common
    neutral = [adjusted(undecided, PRIORS, 1, step)[0, 2] for step in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert neutral == sorted(neutral, reverse=True)
    assert neutral[0] == pytest.approx(0.8)
    assert neutral[-1] == pytest.approx(1 / 3, abs=1e-6)


def test_the_temperature_is_that_of_the_sensitivity(scores):
    plain = adjusted(scores, PRIORS, 1, 0.5)
    flatter = adjusted(scores, PRIORS, 1, 0.5, (1.0, 3.0))  # 2 at the middle
    assert np.log(flatter / flatter[:, :1]) == pytest.approx(np.log(plain / plain[:, :1]) / 2, abs=1e-4)


def test_a_score_of_0_is_no_trouble():
    found = adjusted(np.array([[[1.0, 0, 0], [1.0, 0, 0]]]), PRIORS, 1, 1.0)
    assert np.isfinite(found).all()
    assert found.argmax() == 0


def test_a_network_scores_for_live_unless_a_head_is_named(runtime, faces):
    every, live = runtime.all_scores(faces), runtime.scores(faces)
    card = runtime.card
    expected = adjusted(every, card.priors, runtime.live_head, Settings.sensitivity, card.temperatures)
    assert (live == expected).all()
    assert (runtime.scores(faces, "live") == live).all()
    assert (runtime.scores(faces, "ferplus") == every[:, runtime.heads.index("ferplus")]).all()
    assert (live != runtime.scores(faces, "ferplus")).any()


def test_the_setting_reaches_the_network():
    with Session(Pictures(), display="none", detector="whole", sensitivity=0.9) as session:
        assert session.runtime.sensitivity == 0.9


def test_a_head_that_does_not_exist_is_named_with_those_that_do(runtime, faces):
    with pytest.raises(BadInputError, match=r"no head 'ferpluss'\. Expected fer2013, ferplus or live\."):
        runtime.scores(faces, "ferpluss")
