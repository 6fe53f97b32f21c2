"""A room has one mood, whoever is in it."""

from __future__ import annotations

import numpy as np
import pytest

from expression.labels import NOT_SURE
from expression.live.aggregation import ROOM, aggregate
from expression.types import Box, Frame, Reading, Seen

FRAME = Frame(np.zeros((20, 30, 3), np.uint8), 7, 1.5, 2.5)


def person(number: int, side: int, happy: float, label: str | None = None) -> Reading:
    scores = {"Happy": happy, "Sad": 1 - happy}
    return Reading(number, Box(0, 0, side, side), label or max(scores, key=scores.get), happy, scores)


@pytest.mark.parametrize(
    ("people", "policy", "label", "score"),
    [
        pytest.param([person(1, 9, 0.2), person(2, 4, 0.9)], "largest", "Sad", 0.8, id="the largest"),
        pytest.param([person(1, 9, 0.2), person(2, 4, 0.9)], "mean", "Happy", 0.55, id="the mean"),
        pytest.param([person(1, 9, 0.5, NOT_SURE)], "largest", NOT_SURE, 0.5, id="the largest is not sure"),
        pytest.param(
            [person(1, 9, 0.5, NOT_SURE), person(2, 4, 0.5, NOT_SURE), person(3, 4, 0.9)],
            "mean",
            NOT_SURE,
            0.63,
            id="most are not sure",
        ),
    ],
)
def test_a_room_follows_its_policy(people, policy, label, score):
    (reading,) = aggregate(Seen(FRAME, tuple(people)), policy).items
    assert (reading.person, reading.label, round(reading.score, 2)) == (ROOM, label, score)
    assert reading.box == people[0].box
    assert (reading.frame, reading.time, reading.position) == (7, 1.5, 2.5)
    assert sum(reading.scores.values()) == pytest.approx(1)


def test_an_empty_room_has_no_reading():
    assert aggregate(Seen(FRAME)).items == ()


@pytest.mark.parametrize("people", [(), (person(1, 9, 0.2),)], ids=["nobody", "somebody"])
def test_an_override_is_the_mood(people):
    (reading,) = aggregate(Seen(FRAME, people), override="Happy").items
    assert (reading.label, reading.score, reading.scores) == ("Happy", 1.0, {"Happy": 1.0})
    assert reading.box == Box(0, 0, 30, 20)
