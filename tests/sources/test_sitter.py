"""The drawn person shows the expression requested, in different light each day, reproducibly."""

from __future__ import annotations

import numpy as np
import pytest

from expression.models import load
from expression.pictures.image import face_pixels, standardise
from expression.sources.sitter import SHOWS, Sitter
from expression.vision.detectors import make_detector


def pictures(day: int, shows: str, count: int) -> list[np.ndarray]:
    sitter = Sitter(day)
    sitter.open()
    sitter.shows = shows
    return [[sitter.read() for _ in range(10)][-1] for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("shows", SHOWS)
def test_a_detector_finds_her_whatever_she_shows(shows):
    haar = make_detector("haar")
    found = [haar.detect(picture) for day in range(4) for picture in pictures(day, shows, 2)]
    assert sum(map(bool, found)) >= 7


@pytest.mark.slow
@pytest.mark.parametrize("shows", ["happy", "surprise", "angry", "neutral"])
def test_the_shipped_network_reads_what_she_shows(shows):
    haar, network = make_detector("haar"), load()
    faces = [
        face_pixels(picture, face.box)
        for picture in pictures(2, shows, 12)
        for face in haar.detect(picture)[:1]
    ]
    said = network.scores(standardise(np.stack(faces))).argmax(1)
    assert np.mean(said == network.labels.index(shows)) > 0.6


@pytest.mark.slow
def test_a_day_can_be_repeated_and_differs_from_another():
    one, again, other = (pictures(day, "happy", 2) for day in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one[0], one[1])
    assert np.abs(one[0].astype(int) - other[0]).mean() > 5


def test_she_shows_what_she_is_asked_for_and_is_neutral_at_other_words():
    sitter, words = Sitter(3), iter(["Happy", "Quite strange"])
    sitter.open()
    sitter.asks = lambda: next(words)
    sitter.read()
    assert sitter.shows == "Happy"
    sitter.read()
    assert sitter.shows == "Quite strange"
