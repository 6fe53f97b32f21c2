"""What `expression personalise` says about its result: what changed, how much it helps, what to do next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from expression.cli.personalise import told
from expression.labels import Labels
from expression.training.held_back import Accuracy
from expression.training.personalise import Personalised

MADE = Personalised(
    path=Path("mine.keras"),
    labels=Labels(["Happy", "Tilted"]),
    change="weights",
    learned=40,
    tested=(8, 8),
    twins=0,
    sessions=("monday",),
    strange=(),
    before=Accuracy(0.6, 0.5),
    after=Accuracy(0.7, 0.75),
    interval=(0.1, 0.4),
    every=Accuracy(0.7, 0.75),
)
BETTER = [
    "  before 60.0% correct (balanced 50.0%), after 70.0% correct (balanced 75.0%)",
    "  gain in balanced accuracy: +25.0 points (95% interval +10.0 to +40.0)",
]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        pytest.param(
            {},
            [
                "Tested on 16 others of session monday:",
                *BETTER,
                "Changed: the weights of the last layer.",
            ],
            id="all is well",
        ),
        pytest.param(
            {"sessions": ("a", "b", "c"), "strange": ("Tilted",), "every": Accuracy(0.65, 0.7)},
            [
                "Tested on 16 others of the last 3 sessions:",
                BETTER[0].replace("before", "labels that it knew: before"),
                BETTER[1],
                "  with Tilted, which it did not know: 65.0% correct (balanced 70.0%)",
                "Changed: the weights of the last layer.",
            ],
            id="a new label",
        ),
        pytest.param(
            {
                "strange": ("Happy", "Tilted"),
                "before": None,
                "after": None,
                "interval": None,
                "tested": (8, 0),
            },
            [
                "Tested on 8 others of session monday:",
                "  with Happy, Tilted, which it did not know: 70.0% correct (balanced 75.0%)",
                "Changed: the weights of the last layer.",
                "Too few pictures to test on: 0 of Tilted.",
                "Take another session with 8 pictures of each label: expression label",
            ],
            id="none known, and too little",
        ),
        pytest.param(
            {"sessions": (), "tested": (4, 8)},
            [
                "Tested on 12 others:",
                *BETTER,
                "Changed: the weights of the last layer.",
                "Too few pictures to test on: 4 of Happy.",
                "All pictures are from one session, so these numbers are optimistic.",
                "Take a second session on another day, 8 of each label: expression label",
            ],
            id="one session",
        ),
        pytest.param(
            {
                "path": None,
                "change": "nothing",
                "after": Accuracy(0.6, 0.5),
                "interval": (0.0, 0.0),
            },
            [
                "Tested on 16 others of session monday:",
                "  before 60.0% correct (balanced 50.0%), after 60.0% correct (balanced 50.0%)",
                "  gain in balanced accuracy: +0.0 points (95% interval +0.0 to +0.0)",
                "No change made the network better on pictures that it had not learned from, so it stays as "
                "it is, and no file was written.",
            ],
            id="nothing is better",
        ),
    ],
)
def test_what_came_of_personalising_is_told(changes, lines):
    made = replace(MADE, **changes)
    assert list(told(made)) == ["Trained on 40 pictures of Happy, Tilted.", *lines]
    left = "Left out 2 near-duplicates of test pictures."
    assert list(told(replace(made, twins=2)))[1] == left
