"""Inspecting data counts what is there and what is wrong with it."""

from __future__ import annotations

import numpy as np
import pytest

from expression.datasets.dataset import Dataset, Split, read
from expression.datasets.inspection import average_faces, contradictions, copies, grid, leaked, look, report
from expression.labels import Labels
from expression.pictures.hashes import content_hashes

LABELS = Labels(["Happy", "Sad", "Neutral"])


def drawn(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), np.uint8)


@pytest.fixture
def dataset():
    """Ten pictures, some of them duplicated: in their own split, in another, with another label."""
    some = drawn(10)
    some[9] = 77
    training = Split(some[[0, 1, 2, 2, 9]], np.array([0, 0, 1, 1, 2]))
    validation = Split(some[[3, 4, 0]], np.array([0, 1, 0]))
    test = Split(some[[5, 0, 2, 5]], np.array([1, 1, 1, 1]))
    return Dataset(LABELS, training, validation, test)


def test_everything_is_counted(dataset):
    found = look(dataset)
    assert {name: counts.tolist() for name, counts in found.counts.items()} == {
        "training": [2, 2, 1],
        "validation": [2, 1, 0],
        "test": [0, 4, 0],
    }
    assert found.distinct == 7
    assert found.repeated == {"training": 1, "validation": 0, "test": 1}
    assert found.leaked == {"validation": 1, "test": 2}
    assert found.conflicting == 1
    assert found.blank == 1
    assert found.agreement is None


def test_a_look_is_a_table_to_read(dataset):
    lines = str(look(dataset)).splitlines()
    assert lines[0].split() == ["training", "validation", "test"]
    assert [line.split() for line in lines[4:6]] == [["all", "5", "3", "4"], ["repetitions", "1", "0", "1"]]
    assert lines[6].split() == ["also", "in", "training", "1", "2"]
    assert lines[8:10] == ["7 different pictures", "1 picture of one grey level"]
    assert lines[10] == "1 group of identical pictures with different labels"
    assert max(map(len, lines)) < 80


def test_labels_are_held_to_what_most_people_voted_for(dataset):
    votes = np.zeros((4, 10), np.uint8)
    votes[0, 3], votes[1, 1], votes[2, [0, 3]] = 10, 10, (4, 6)  # Sad, Happy, Sad; nobody voted on the last
    test = Split(dataset.test.pictures, dataset.test.indexes, votes)
    found = look(Dataset(LABELS, dataset.training, dataset.validation, test))
    assert found.agreement == pytest.approx(2 / 3)
    assert str(found).splitlines()[-1] == "66.7% of the labels agree with the majority vote"


def test_leaked_are_the_pictures_that_stand_in_training_pixel_for_pixel(dataset):
    assert leaked(dataset.test, dataset.training).tolist() == [False, True, True, False]
    almost = dataset.training.pictures.copy()
    almost[:, 47, 47] ^= 1
    assert not leaked(Split(almost, dataset.training.indexes), dataset.training).any()
    assert leaked(dataset.test.first(0), dataset.training).shape == (0,)


def test_copies_are_groups_of_equal_pictures():
    pictures = drawn(4)[[0, 1, 2, 1, 3, 0, 1]]
    assert [group.tolist() for group in copies(pictures)] == [[0, 5], [1, 3, 6]]
    assert copies(drawn(3)) == copies(drawn(0)) == []
    assert len(set(content_hashes(pictures))) == 4


def test_an_average_face_is_the_mean_of_a_label():
    split = Split(
        np.stack([np.full((48, 48), grey, np.uint8) for grey in (10, 20, 200)]), np.array([0, 0, 2])
    )
    assert average_faces(split, LABELS)[:, 5, 5].tolist() == [15, 0, 200]


def test_a_grid_lays_pictures_out_row_by_row():
    picture = grid(np.stack([np.full((2, 3), grey, np.uint8) for grey in (1, 2, 3, 4, 5)]), 2)
    assert picture.shape == (6, 6)
    assert picture[::2, ::3].tolist() == [[1, 2], [3, 4], [5, 0]]


def test_a_look_at_nothing_but_a_test_set_works(dataset):
    nothing = dataset.test.first(0)
    found = look(Dataset(LABELS, nothing, nothing, dataset.test))
    assert found.leaked == {"validation": 0, "test": 0}
    assert found.distinct == 3
    empty = look(Dataset(LABELS, nothing, nothing, nothing))
    assert (empty.distinct, empty.blank, empty.conflicting) == (0, 0, 0)


@pytest.mark.slow
def test_fer2013_is_as_it_is_known_to_be(shared_data):
    found = look(read(shared_data / "fer2013"))
    assert found.distinct == 34034
    assert found.leaked == {"validation": 280, "test": 288}
    assert found.conflicting == 57
    assert found.blank == 12
    assert round(found.agreement, 2) == 0.63
    assert found.counts["training"].sum() == 28709


def test_pictures_under_several_labels_are_told_with_an_example(dataset):
    assert contradictions(dataset) == ["1 picture appears under more than one label."]
    assert report(dataset) == contradictions(dataset)
    pictures = drawn(3)[[0, 1, 2, 0, 1]]
    files = np.array(["happy/0.png", "happy/1.png", "happy/2.png", "sad/0.png", "sad/1.png"], object)
    split = Split(pictures, np.array([0, 0, 0, 1, 1]), files=files)
    alone = Dataset(LABELS, split.first(0), split.first(0), split)
    assert contradictions(alone) == [
        "2 pictures appear under more than one label, such as happy/0.png is Happy and sad/0.png is Sad."
    ]
    assert contradictions(Dataset(LABELS, split.first(3), split.first(0), split.first(0))) == []
