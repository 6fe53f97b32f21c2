"""FER+'s votes are read, shared out, and counted by both protocols."""

from __future__ import annotations

import numpy as np
import pytest

from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013
from expression.votes import COLUMNS, NONE, majority, over_half, read_votes, soft_labels

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
    votes = read_votes(path, ["Training", "PublicTest"])
    assert votes.tolist() == [[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], [0, 10, 0, 0, 0, 0, 0, 0, 0, 0]]
    assert votes.dtype == np.uint8


def test_a_picture_that_ferplus_leaves_out_has_no_votes(written):
    assert read_votes(written(HEAD + "Training,,0,0,0,0,0,0,0,0,0,10\n")).tolist() == [[0] * 10]


def test_a_missing_file_of_votes_is_told(tmp_path):
    with pytest.raises(MissingFileError, match=r"There are no votes at .*Expected fer2013new\.csv of FER"):
        read_votes(tmp_path / "fer2013new.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "at line 1", id="empty"),
        pytest.param("emotion,pixels,Usage\n0,1,Training\n", "at line 1.*ten columns of votes", id="fer2013"),
        pytest.param(HEAD + "Training,a.png,1,2,3\n", "at line 2", id="few columns"),
        pytest.param(HEAD + "Training,a.png,1,2,3,4,5,6,7,8,9,10,11\n", "at line 2", id="many columns"),
        pytest.param(HEAD + "Training,a.png,0,0,0,0,0,0,0,0,0,x\n", "at line 2", id="a letter"),
        pytest.param(HEAD + "Training,a.png,0,0,0,0,0,0,0,0,0,-1\n", "at line 2", id="-1"),
        pytest.param(HEAD + "Training,a.png,0,0,0,0,0,0,0,0,0,256\n", "at line 2", id="256"),
    ],
)
def test_a_file_that_is_not_ferplus_is_refused_with_the_line(written, text, message):
    with pytest.raises(BadInputError, match=rf"not readable as FER\+ {message}"):
        read_votes(written(text))


ROW = "Training,a.png,10,0,0,0,0,0,0,0,0,0\n"


@pytest.mark.parametrize(
    ("usages", "message"),
    [
        pytest.param(["Training"], "has 2 rows, and FER2013 beside it 1 pictures", id="too many"),
        pytest.param(
            ["Training", "PrivateTest"], "calls row 1 'Training', and .* 'PrivateTest'", id="another usage"
        ),
    ],
)
def test_votes_that_do_not_belong_to_the_rows_are_refused(written, usages, message):
    with pytest.raises(BadInputError, match=f"{message}.*Expected a row for each picture.*Fetch both again"):
        read_votes(written(HEAD + ROW + ROW), usages)


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
    votes = read_votes(shared_data / "ferplus" / "fer2013new.csv")
    assert votes.shape == (35887, 10)
    assert np.bincount(votes.sum(1).astype(int)).tolist() == [173, *[0] * 8, 1, 35713]
