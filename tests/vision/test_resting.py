"""A resting face is learned in three seconds, taken out of that person's readings, and kept on request."""

from __future__ import annotations

import json

import numpy as np
import pytest

from expression.errors import BadInputError, OutputError
from expression.labels import Labels
from expression.vision.resting import FEWEST, SECONDS, RestingFaces

LABELS = Labels(["Angry", "Happy", "Neutral"])
AVERAGE = np.array([0.1, 0.1, 0.8])
GRIM = np.array([0.5, 0.1, 0.4])
"""What the network says of somebody who looks a little angry at rest."""


def learned(people: dict[int, np.ndarray], frames: int = 30) -> RestingFaces:
    resting = RestingFaces(AVERAGE)
    resting.learn()
    for number in range(frames):
        for person, scores in people.items():
            resting.update(person, scores, 10 + number * SECONDS / frames)
    resting.tick(10 + SECONDS)
    return resting


def test_a_grim_person_at_rest_reads_neutral_afterwards():
    found = learned({1: GRIM}).update(1, GRIM, 20)
    assert found.dtype == np.float32
    assert found.sum() == pytest.approx(1)
    assert found.argmax() == LABELS.index("Neutral")


def test_a_real_expression_of_that_person_still_shows():
    assert learned({1: GRIM}).update(1, np.array([0.9, 0.02, 0.08]), 20).argmax() == 0


def test_others_are_read_as_before():
    assert learned({1: GRIM}).update(2, GRIM, 20) is GRIM


def test_everybody_in_view_has_a_face_of_their_own():
    resting = learned({1: GRIM, 2: AVERAGE})
    assert resting.update(2, AVERAGE, 20) == pytest.approx(AVERAGE, abs=1e-6)
    assert resting.update(1, AVERAGE, 20)[0] < 0.1


def test_while_it_learns_nothing_is_changed():
    resting = RestingFaces(AVERAGE)
    resting.learn()
    assert resting.update(1, GRIM, 0.0) is GRIM
    assert resting.learning
    assert not resting.known


def test_one_bad_frame_does_not_spoil_it():
    resting = RestingFaces(AVERAGE)
    resting.learn()
    for number in range(20):
        resting.update(1, np.array([0.0, 1.0, 0.0]) if number == 7 else GRIM, number / 10)
    resting.tick(SECONDS)
    assert resting.update(1, GRIM, 9) == pytest.approx(learned({1: GRIM}).update(1, GRIM, 20), abs=1e-6)


def test_a_face_that_was_hardly_there_is_not_learned():
    assert not learned({1: GRIM}, frames=FEWEST - 1).known


def test_a_clock_that_starts_again_ends_the_learning():
    resting = RestingFaces(AVERAGE)
    resting.learn()
    resting.update(1, GRIM, 25.0)
    resting.update(1, GRIM, 0.04)  # a video that is repeated
    assert not resting.learning


def test_forgetting_reads_as_before():
    resting = learned({1: GRIM})
    resting.forget()
    assert resting.update(1, GRIM, 20) is GRIM


def test_a_face_in_a_file_is_used_for_everybody_in_the_next_run(tmp_path):
    resting = learned({1: GRIM})
    resting.write(tmp_path / "me.json", LABELS, "net 1")
    later = RestingFaces(AVERAGE)
    assert later.read(tmp_path / "me.json", LABELS, "net 1")
    assert later.update(7, GRIM, 0.0) == pytest.approx(resting.update(1, GRIM, 20), abs=1e-3)


def test_a_face_learned_with_another_network_is_not_used(tmp_path):
    learned({1: GRIM}).write(tmp_path / "me.json", LABELS, "net 1")
    later = RestingFaces(AVERAGE)
    assert not later.read(tmp_path / "me.json", LABELS, "net 2")
    assert not later.known


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[1, 2]", id="list"),
        pytest.param('{"network": "n", "labels": ["a", "b"]}', id="no face"),
        pytest.param('{"network": "n", "labels": ["a", "b"], "face": [1]}', id="short"),
        pytest.param('{"network": "n", "labels": ["a"], "face": [NaN]}', id="not a number"),
        pytest.param('{"network": "n", "labels": ["a"], "face": [1e300]}', id="huge"),
        pytest.param('{"network": "n", "labels": ["a"], "face": "x"}', id="text"),
        pytest.param("\0\1\2", id="binary"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path, text):
    path = tmp_path / "me.json"
    path.write_text(text)
    with pytest.raises(
        BadInputError, match=r"me\.json .* Expected a file that a run with --neutral has written"
    ):
        RestingFaces(AVERAGE).read(path, LABELS, "n")


def test_a_file_holds_numbers_and_no_picture(tmp_path):
    learned({1: GRIM}).write(tmp_path / "me.json", LABELS, "net 1")
    assert set(json.loads((tmp_path / "me.json").read_text())) == {"network", "labels", "face"}


def test_a_folder_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(OutputError, match="nowhere"):
        learned({1: GRIM}).write(tmp_path / "nowhere" / "me.json", LABELS, "net 1")
