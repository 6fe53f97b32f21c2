"""The quiet sitter: the same person, who shows less and moves on between two pictures."""

from __future__ import annotations

import numpy as np
import pytest

from expression.sources.sitter import CALM, Sitter
from expression.teaching.quiet_sitter import QuietSitter


def shown(sitter, word):
    """The weights of her muscles while she shows an expression."""
    sitter.open()
    sitter.shows = word
    return sitter._weights()


@pytest.mark.parametrize("word", ["happy", "Sad", "surprise"])
def test_she_shows_a_part_of_each_expression(word):
    full, quiet = shown(Sitter(1), word), shown(QuietSitter(1, strength=0.25), word)
    for name, calm in CALM.items():
        assert quiet[name] - calm == pytest.approx(0.25 * (full[name] - calm))


def test_at_full_strength_she_is_the_sitter():
    assert shown(QuietSitter(2, strength=1), "sad") == pytest.approx(shown(Sitter(2), "sad"))


def test_closed_eyes_are_closed():
    assert shown(QuietSitter(1), "asleep") == shown(Sitter(1), "asleep")


def test_a_day_is_the_same_again_and_pictures_differ():
    one, other = QuietSitter(3), QuietSitter(3)
    first = one.read()
    assert first.shape == (480, 640, 3)
    assert np.array_equal(first, other.read())
    assert not np.array_equal(first, one.read())
