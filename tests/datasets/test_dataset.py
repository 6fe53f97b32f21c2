"""Splits, the entry point for reading, and how data are divided."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression.datasets.dataset import Dataset, Split, read, split_by_group
from expression.errors import MissingFileError
from expression.labels import FER2013, Labels
from expression.pictures.hashes import difference_hashes


def drawn(count: int, seed: int = 0) -> np.ndarray:
    """Pictures of which no two are alike."""
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), np.uint8)


def test_the_first_pictures_of_a_split_keep_their_labels():
    split = Split(np.zeros((5, 48, 48), np.uint8), np.arange(5))
    assert split.first(2).indexes.tolist() == [0, 1]
    assert len(split.first(9)) == 5


def test_pictures_that_are_taken_keep_votes_and_groups():
    split = Split(drawn(4), np.arange(4), np.eye(4, 10, dtype=np.uint8), np.array(["a", "", "b", "b"]))
    taken = split.take(np.array([3, 1]))
    assert taken.indexes.tolist() == [3, 1]
    assert taken.votes.argmax(1).tolist() == [3, 1]
    assert taken.groups.tolist() == ["b", ""]
    assert split.take(split.indexes > 1).groups.tolist() == ["b", "b"]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/fer2013.csv", "~nobody-of-this-name"])
def test_where_nothing_is_the_error_says_what_was_looked_for(tmp_path, name):
    with pytest.raises(MissingFileError, match=r"was not found\. Expected fer2013\.csv, a folder"):
        read(tmp_path / name)


def test_a_folder_is_read_as_fer2013_where_a_file_of_it_lies_and_by_its_folders_elsewhere(tmp_path):
    (tmp_path / "happy").mkdir()
    cv2.imwrite(str(tmp_path / "happy" / "a.png"), drawn(1)[0])
    assert read(tmp_path).sizes == {"training": 0, "validation": 0, "test": 1}
    rows = "".join(f"3,{' '.join(map(str, picture.ravel()))},Training\n" for picture in drawn(4))
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + rows, encoding="utf-8")
    assert read(str(tmp_path)).sizes == {"training": 3, "validation": 1, "test": 0}


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["", "", "Ann", "Bob", "Cid", "Dot"])), max_size=60
    ),
    st.integers(0, 5),
)
def test_each_picture_lands_in_one_part_and_no_group_or_equal_picture_in_two(kinds, seed):
    indexes = np.array([index for index, _ in kinds], np.int64)
    groups = np.array([group for _, group in kinds], str)
    pictures = drawn(40)[np.random.default_rng(seed).integers(0, 40, len(kinds))]  # some are duplicates
    whole = Split(pictures, indexes, groups=groups)
    parts = split_by_group(whole, [0.1, 0.3], seed)
    assert sum(map(len, parts)) == len(whole)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert not set(parts[first].groups) & set(parts[second].groups) - {""}
        assert not set(difference_hashes(parts[first].pictures)) & set(
            difference_hashes(parts[second].pictures)
        )


def test_chains_of_likeness_stay_together():
    """Ann's picture equals one of Bob's, so Ann and Bob are one bundle; all of it stays in the first part."""
    pictures = drawn(6)
    pictures[3] = pictures[2]
    groups = np.array(["Ann", "Ann", "Ann", "Bob", "Bob", "Bob"])
    assert [
        len(part) for part in split_by_group(Split(pictures, np.zeros(6, int), groups=groups), [0.5])
    ] == [6, 0]


def test_each_label_is_in_each_part_in_its_share():
    indexes = np.repeat(np.arange(7), [10, 20, 30, 40, 50, 60, 70])
    stay, tenth, fifth = split_by_group(Split(drawn(280), indexes), [0.1, 0.2])
    assert np.bincount(tenth.indexes).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert np.bincount(fifth.indexes).tolist() == [2, 4, 6, 8, 10, 12, 14]
    assert len(stay) == 196


def test_the_seed_decides_the_parts():
    whole = Split(drawn(100), np.arange(100) % 4)
    first, same, other = (split_by_group(whole, [0.2], seed)[1].pictures for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@pytest.mark.parametrize("alike", ["softer", "lighter", "jpeg"])
def test_near_equal_pictures_have_one_sketch(alike):
    stripes = np.array([[30, 90, 40, 120, 60, 140, 50, 100, 70]] * 8, np.uint8)
    face = cv2.resize(stripes, (48, 48))
    changed = {
        "softer": lambda: cv2.GaussianBlur(face, (3, 3), 0),
        "lighter": lambda: face + np.uint8(20),
        "jpeg": lambda: cv2.imdecode(cv2.imencode(".jpg", face)[1], cv2.IMREAD_GRAYSCALE),
    }[alike]()
    assert (changed != face).any()
    assert len(set(difference_hashes(np.stack([face, changed])))) == 1
    assert len(set(difference_hashes(drawn(200)))) == 200


def test_data_without_splits_are_divided_and_others_left_alone():
    labels = Labels(["Happy", "Sad"])
    whole = Split(drawn(40), np.arange(40) % 2)
    divided = Dataset(labels, whole.first(0), whole.first(0), whole).divided(seed=4)
    assert divided.sizes == {"training": 32, "validation": 4, "test": 4}
    assert divided.divided(seed=5) is divided


def test_a_small_set_of_three_sessions_a_label_gives_one_to_each_split():
    sessions = np.repeat([f"session {number}" for number in range(6)], 10)
    whole = Split(drawn(60), np.repeat([0, 1], 30), groups=sessions)
    divided = Dataset(FER2013, whole.first(0), whole.first(0), whole).divided()
    assert divided.sizes == {"training": 20, "validation": 20, "test": 20}
    assert all(set(split.indexes) == {0, 1} for split in (divided.training, divided.validation, divided.test))
