"""Invented people vote where FER+'s votes are missing."""

from __future__ import annotations

import numpy as np

from expression.datasets.dataset import Dataset, Split
from expression.datasets.ferplus import COLUMNS
from expression.labels import FER2013
from expression.teaching.annotators import PEOPLE, with_votes


def made(count: int, votes: np.ndarray | None = None) -> Dataset:
    """A dataset whose three splits have the same pictures."""
    split = Split(np.zeros((count, 48, 48), np.uint8), np.arange(count) % len(FER2013), votes)
    return Dataset(FER2013, split, split, split)


def test_each_picture_gets_ten_votes_and_most_go_to_its_label():
    data, who = with_votes(made(350))
    assert who == "ten invented people"
    for split in (data.training, data.validation, data.test):
        assert (split.votes.sum(axis=1) == PEOPLE).all()
        said = np.take(COLUMNS, split.votes.argmax(axis=1))
        assert 0.5 < np.mean(said == np.take(list(FER2013), split.indexes)) < 0.95


def test_the_same_seed_gives_the_same_votes():
    first, again, other = (with_votes(made(30), seed)[0].training.votes for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_votes_that_are_there_are_kept():
    votes = np.ones((20, len(COLUMNS)), np.uint8)
    data, who = with_votes(made(20, votes))
    assert who == "the votes of FER+"
    assert data.training.votes is votes
