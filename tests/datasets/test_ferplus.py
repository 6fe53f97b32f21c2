"""FER+'s votes are read, shared out, and counted by both protocols."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from expression.datasets.dataset import read
from expression.datasets.ferplus import (
    COLUMNS,
    NONE,
    majority,
    match_votes,
    over_half,
    read_votes,
    soft_labels,
)
from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013

HEAD = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"


@pytest.fixture
def written(tmp_path):
    """Writes text as a file of votes."""

    def write(text: str):
        path = tmp_path / "fer2013new.csv"
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return write


def test_votes_are_read_in_the_order_of_their_rows(written):
    path = written(
        HEAD + "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\r\nPublicTest,a.png,0,10,0,0,0,0,0,0,0,0"
    )
    votes, said = read_votes(path)
    assert said == ["Training", "PublicTest"]
    assert votes.tolist() == [[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], [0, 10, 0, 0, 0, 0, 0, 0, 0, 0]]
    assert votes.dtype == np.uint8


def test_a_picture_that_ferplus_leaves_out_has_no_votes(written):
    assert read_votes(written(HEAD + "Training,,0,0,0,0,0,0,0,0,0,10\n"))[0].tolist() == [[0] * 10]


def test_a_missing_file_of_votes_is_told(tmp_path):
    with pytest.raises(
        MissingFileError, match=r"was not found\. Expected fer2013new\.csv with the votes of FER"
    ):
        read_votes(tmp_path / "fer2013new.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "Line 1 ", id="empty"),
        pytest.param("emotion,pixels,Usage\n0,1,Training\n", "Line 1 .*ten columns of votes", id="fer2013"),
        pytest.param(HEAD + "Training,a.png,1,2,3\n", "Line 2 ", id="few columns"),
        pytest.param(HEAD + "Training,a.png,1,2,3,4,5,6,7,8,9,10,11\n", "Line 2 ", id="many columns"),
        pytest.param(HEAD + "Training,a.png,0,0,0,0,0,0,0,0,0,x\n", "Line 2 ", id="a letter"),
        pytest.param(HEAD + "Training,a.png,0,0,0,0,0,0,0,0,0,-1\n", "Line 2 ", id="-1"),
        pytest.param(HEAD + "Training,a.png,0,0,0,0,0,0,0,0,0,256\n", "Line 2 ", id="256"),
    ],
)
def test_a_file_that_is_not_ferplus_is_refused_with_the_line(written, text, message):
    with pytest.raises(BadInputError, match=rf"^{message}.*Download the file again"):
        read_votes(written(text))


ROW = "Training,a.png,10,0,0,0,0,0,0,0,0,0\n"


@pytest.mark.parametrize(
    ("usages", "message"),
    [
        pytest.param(["Training"], "has 2 rows, but FER2013 next to it has 1 pictures", id="too many"),
        pytest.param(
            ["Training", "PrivateTest"], "has 'Training' in row 1, but .* 'PrivateTest'", id="another usage"
        ),
    ],
)
def test_votes_that_do_not_belong_to_the_rows_are_refused(written, usages, message):
    with pytest.raises(BadInputError, match=f"{message}.*Expected one row per picture.*Download both again"):
        count = len(usages)
        pictures = np.zeros((count, 48, 48), np.uint8)
        match_votes(written(HEAD + ROW + ROW), pictures, [None] * count, np.arange(count), count, usages)


# Neutral, Happy, Surprise, Sad, Angry, Disgust, Fear, Contempt, unknown, NF
@pytest.mark.parametrize(
    ("votes", "official", "softer"),
    [
        pytest.param([0, 10, 0, 0, 0, 0, 0, 0, 0, 0], "Happy", "Happy", id="all of one mind"),
        pytest.param([0, 6, 4, 0, 0, 0, 0, 0, 0, 0], "Happy", "Happy", id="six of ten"),
        pytest.param([0, 5, 5, 0, 0, 0, 0, 0, 0, 0], None, None, id="half each"),
        pytest.param([0, 5, 2, 1, 1, 1, 0, 0, 0, 0], "Happy", None, id="a majority once slips are dropped"),
        pytest.param([1, 4, 3, 1, 1, 0, 0, 0, 0, 0], "Happy", None, id="four of seven"),
        pytest.param([0, 2, 0, 0, 0, 0, 0, 8, 0, 0], "Contempt", "Contempt", id="contempt counts"),
        pytest.param([0, 2, 0, 0, 0, 0, 0, 0, 8, 0], None, None, id="unknown does not count"),
        pytest.param([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], None, None, id="no face"),
        pytest.param([0] * 10, None, None, id="no votes"),
        pytest.param([1] * 10, None, None, id="nothing but slips"),
    ],
)
def test_a_majority_is_found_by_both_protocols(votes, official, softer):
    found = [function(np.array([votes], np.uint8))[0] for function in (majority, over_half)]
    assert [None if index == NONE else COLUMNS[index] for index in found] == [official, softer]


@pytest.mark.parametrize(
    ("votes", "shares"),
    [
        pytest.param([4, 0, 0, 4, 1, 0, 0, 0, 1, 0], {"Neutral": 0.5, "Sad": 0.5}, id="slips are dropped"),
        pytest.param([0, 5, 0, 0, 0, 0, 0, 5, 0, 0], {"Happy": 1}, id="no label for contempt"),
        pytest.param([0, 5, 0, 0, 0, 0, 0, 0, 5, 0], {"Happy": 1}, id="unknown"),
        pytest.param([0, 3, 0, 0, 0, 0, 0, 0, 0, 7], {}, id="no face"),
        pytest.param([0, 0, 0, 0, 0, 0, 0, 10, 0, 0], {}, id="contempt only"),
    ],
)
def test_votes_are_shared_among_the_labels(votes, shares):
    (row,) = soft_labels(np.array([votes], np.uint8), FER2013)
    assert {label: value for label, value in zip(FER2013, row.tolist(), strict=True) if value} == shares


def test_ten_people_vote_on_nearly_each_row_of_fer2013(shared_data):
    votes, _ = read_votes(shared_data / "ferplus" / "fer2013new.csv")
    assert votes.shape == (35887, 10)
    assert np.bincount(votes.sum(1).astype(int)).tolist() == [173, *[0] * 8, 1, 35713]


# What belongs together.

PLACES = {label: COLUMNS.index(label) for label in FER2013}


def people(indexes, seed: int = 0) -> np.ndarray:
    """Votes like FER+'s: on two thirds of the pictures most people agree with the label."""
    generator = np.random.default_rng(seed)
    votes = np.zeros((len(indexes), 10), np.uint8)
    for row, index in enumerate(indexes):
        said = FER2013[index] if generator.random() < 0.63 else FER2013[generator.integers(0, 7)]
        votes[row, PLACES[said]] = 8
        votes[row, generator.integers(0, 7)] += 2
    return votes


def written_votes(written, votes, usages) -> Path:
    rows = [
        f"{usage},f{n}.png,{','.join(map(str, row))}"
        for n, (usage, row) in enumerate(zip(usages, votes, strict=True))
    ]
    return written(HEAD + "\n".join(rows) + "\n")


def fitted(path, indexes, count=None, usages=None, prefer="Training", places=None):
    pictures = np.random.default_rng(1).integers(0, 256, (len(indexes), 48, 48), np.uint8)
    names = [FER2013[index] for index in indexes]
    places = np.arange(len(indexes)) if places is None else places
    return match_votes(path, pictures, names, places, count or len(indexes), usages, prefer)


@pytest.mark.parametrize("count", [60, 150, 1000])
def test_votes_that_belong_to_the_pictures_are_taken(written, count):
    indexes = np.random.default_rng(2).integers(0, 7, count)
    votes = people(indexes)
    path = written_votes(written, votes, ["Training"] * count)
    found, reason = fitted(path, indexes, usages=["Training"] * count)
    np.testing.assert_array_equal(found, votes)
    assert reason == ""


DISORDER = {
    "shuffled": lambda votes: np.random.default_rng(3).permutation(votes),
    "sorted": lambda votes: votes[np.lexsort(votes.T)],
    "reversed": lambda votes: votes[::-1],
    "a row late": lambda votes: np.roll(votes, 1, axis=0),
    "a row late from the middle on": lambda votes: np.concatenate(
        [votes[: len(votes) // 2], np.roll(votes[len(votes) // 2 :], 1, axis=0)]
    ),
}


@pytest.mark.parametrize("disorder", DISORDER.values(), ids=DISORDER)
def test_votes_in_another_order_are_refused_with_where_and_how_little_they_agree(written, disorder):
    indexes = np.random.default_rng(2).integers(0, 7, 1000)
    path = written_votes(written, disorder(people(indexes)), ["Training"] * 1000)
    with pytest.raises(
        BadInputError,
        match=r"not match the pictures: in rows \d+ to \d+, only \d+% of the labels.*move the votes to",
    ):
        fitted(path, indexes, usages=["Training"] * 1000)


def test_votes_that_say_the_same_of_every_picture_prove_nothing_and_are_taken(written):
    votes = np.tile(np.array([5, 0, 0, 5, 0, 0, 0, 0, 0, 0], np.uint8), (140, 1))
    path = written_votes(written, votes, ["Training"] * 140)
    assert fitted(path, np.repeat(np.arange(7), 20))[1] == ""


USAGE_COUNTS = {
    "train.csv": (120, "Training", 0),
    "both tests": (90, "PrivateTest", 120),
    "PrivateTest alone": (40, "PrivateTest", 170),
    "PublicTest alone": (50, "PublicTest", 120),
    "all rows": (210, "Training", 0),
}


@pytest.mark.parametrize(("count", "prefer", "first"), USAGE_COUNTS.values(), ids=USAGE_COUNTS)
def test_the_rows_of_a_table_without_usages_are_found_by_their_number(written, count, prefer, first):
    indexes = np.random.default_rng(2).integers(0, 7, 210)
    votes = people(indexes)
    usages = ["Training"] * 120 + ["PublicTest"] * 50 + ["PrivateTest"] * 40
    path = written_votes(written, votes, usages)
    found, reason = fitted(path, indexes[first : first + count], prefer=prefer)
    np.testing.assert_array_equal(found, votes[first : first + count])
    assert reason == ""


def test_votes_for_another_number_of_rows_are_not_used_and_the_reason_is_given(written):
    indexes = np.zeros(30, int)
    path = written_votes(written, people(indexes), ["Training"] * 30)
    found, reason = fitted(path, indexes[:7])
    assert found is None
    assert reason == "Votes not used: fer2013new.csv has rows for 30 Training, but the table has 7."


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_votes_that_a_spreadsheet_saved_are_read(tmp_path, encoding):
    text = (HEAD + "Training,a.png,4,0,0,1,3,2,0,0,0,0\n").replace(",", ";")
    (tmp_path / "fer2013new.csv").write_text(text, encoding=encoding)
    assert read_votes(tmp_path / "fer2013new.csv")[0].tolist() == [[4, 0, 0, 1, 3, 2, 0, 0, 0, 0]]


@pytest.mark.slow
def test_the_votes_of_fer2013_fit_and_do_not_once_they_are_shuffled(shared_data, written):
    dataset = read(shared_data / "fer2013")
    path = shared_data / "ferplus" / "fer2013new.csv"
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    training = [line for line in lines if line.startswith("Training")]
    split = dataset.training
    names = [FER2013[index] for index in split.indexes]
    places = np.arange(len(split))
    found, reason = match_votes(path, split.pictures, names, places, len(split))
    np.testing.assert_array_equal(found, split.votes)
    assert reason == ""
    order = np.random.default_rng(0).permutation(len(training))
    mixed = written(HEAD + "\n".join(training[place] for place in order) + "\n")
    with pytest.raises(BadInputError, match=r"does not fit|is blank"):
        match_votes(mixed, split.pictures, names, places, len(split))
