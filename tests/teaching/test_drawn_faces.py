"""Practice faces: five labels, no twins on both sides, the same again."""

from __future__ import annotations

import numpy as np
import pytest

from expression.datasets.dataset import SPLITS
from expression.datasets.inspection import average_faces, look
from expression.labels import FER2013
from expression.pictures.hashes import difference_hashes
from expression.sources._story import FEELINGS
from expression.teaching import drawn_faces as module
from expression.teaching.drawn_faces import practice, spoiled


@pytest.fixture(scope="module")
def drawn():
    return practice(400)


def test_every_feeling_of_the_demo_has_a_label_of_fer2013():
    assert set(module.LABEL_OF) == set(FEELINGS)
    assert set(module.LABELS) < set(FER2013)
    assert list(module.LABELS) == [label for label in FER2013 if label in module.LABELS]


@pytest.mark.slow
def test_pictures_are_like_those_of_fer2013(drawn):
    pictures = drawn.training.pictures
    assert pictures.shape[1:] == (48, 48)
    assert pictures.dtype == np.uint8
    assert 50 < pictures.mean() < 200
    assert (pictures.std((1, 2)) > 5).all()


def test_every_split_has_as_many_of_each_label(drawn):
    for split in SPLITS:
        counts = look(drawn).counts[split]
        assert counts.min() == counts.max() > 0


def test_no_burst_and_no_near_equal_pictures_stand_on_both_sides(drawn):
    sides = [getattr(drawn, name) for name in SPLITS]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not set(sides[one].groups) & set(sides[other].groups)
        assert not np.isin(
            difference_hashes(sides[one].pictures), difference_hashes(sides[other].pictures)
        ).any()


def test_a_burst_is_one_label_and_its_pictures_differ(drawn):
    split = drawn.training
    for burst in set(split.groups[:40]):
        members = split.take(split.groups == burst)
        assert len(members) == module.BURST
        assert len(set(members.indexes)) == 1
        assert len(np.unique(members.pictures, axis=0)) == module.BURST


@pytest.mark.slow
def test_labels_can_be_told_apart():
    faces = average_faces(practice(400).training, module.LABELS).astype(float)
    apart = np.abs(faces[:, None] - faces[None]).mean((2, 3))
    assert apart[~np.eye(len(faces), dtype=bool)].min() > 1


@pytest.mark.slow
def test_the_same_seed_draws_the_same_and_another_one_draws_others():
    one, same, other = practice(60, seed=1), practice(60, seed=1), practice(60, seed=2)
    assert np.array_equal(one.training.pictures, same.training.pictures)
    assert np.array_equal(one.training.indexes, same.training.indexes)
    assert not np.array_equal(one.training.pictures[0], other.training.pictures[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "count", [pytest.param(41, id="no whole bursts"), pytest.param(100, id="whole bursts")]
)
def test_as_many_pictures_come_as_were_asked_for(count):
    assert sum(practice(count).sizes.values()) == count


def test_spoiled_data_have_the_mistakes_that_a_look_finds(drawn):
    before, after = look(drawn), look(spoiled(drawn))
    assert (before.conflicting, before.blank, before.leaked["test"], before.repeated["training"]) == (0,) * 4
    assert after.blank == module.BLANK
    assert after.conflicting in (module.RELABELLED, module.RELABELLED + 1), "the blank ones may be a group"
    assert after.leaked == {"validation": 0, "test": round(module.LEAK * len(drawn.test))}
    assert after.repeated["training"] == module.REPEATED + module.RELABELLED + module.BLANK - 1
    assert len(spoiled(drawn).test) == len(drawn.test)


def test_spoiling_leaves_the_data_given_as_they_are(drawn):
    pictures, indexes = drawn.training.pictures.copy(), drawn.training.indexes.copy()
    spoiled(drawn)
    assert np.array_equal(drawn.training.pictures, pictures)
    assert np.array_equal(drawn.training.indexes, indexes)
