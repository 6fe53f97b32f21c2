"""Labels: one order, however the file was written."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import ROOT

from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013, Labels

WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).map(str.strip).filter(bool)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"0,Happy\n1,Sad\n", id="plain"),
        pytest.param(b"index,label\n0,Happy\n1,Sad\n", id="header"),
        pytest.param(b"0,Happy\r\n1,Sad\r\n", id="CRLF"),
        pytest.param(b"\xef\xbb\xbf0,Happy\n1,Sad\n", id="BOM"),
        pytest.param(b"\xef\xbb\xbfindex,label\r\n0,Happy\r\n1,Sad", id="header, BOM, CRLF, no last newline"),
        pytest.param(b"1,Sad\n0,Happy\n", id="another order"),
        pytest.param(b"\n 0 , Happy \n\n,\n1,Sad\n\n", id="blanks and blank lines"),
        pytest.param(b'0,"Happy"\n1,"Sad"\n', id="quotes"),
    ],
)
def test_a_file_is_read_however_it_was_written(tmp_path, content):
    path = tmp_path / "labelList.csv"
    path.write_bytes(content)
    assert Labels.read(path) == Labels(["Happy", "Sad"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"0,Happy\n2,Sad\n", r"has the indexes \[0, 2\]\. Expected 0, 1, 2", id="gap"),
        pytest.param(b"1,Happy\n2,Sad\n", r"has the indexes \[1, 2\]", id="from 1"),
        pytest.param(b"0,Happy\n0,Sad\n", r"has the row '0,Sad'\. Expected index,label", id="index twice"),
        pytest.param(b"0,Happy\none,Sad\n", r"has the row 'one,Sad'", id="no number"),
        pytest.param(b"0,Happy\n-1,Sad\n", r"has the row '-1,Sad'", id="negative"),
        pytest.param(b"0,Happy\n1\n", r"has the row '1'", id="no label"),
        pytest.param(
            b"0,Happy\n1,\n", r"labels are \['Happy', ''\]\. Expected two or more, none", id="empty"
        ),
        pytest.param(b"0,Happy\n1,happy\n", r"none of them twice", id="label twice"),
        pytest.param(b"0,Happy\n", r"The labels are \['Happy'\]", id="one label"),
        pytest.param(b"", r"The labels are \[\]", id="empty file"),
        pytest.param(b"\x89PNG\xff\xfe", r"is not a text file .* Save it again as CSV", id="a picture"),
    ],
)
def test_a_bad_file_is_told_with_what_is_wrong_in_it(tmp_path, content, said):
    path = tmp_path / "labelList.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=said):
        Labels.read(path)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_missing_file_is_told_with_its_name(tmp_path, name):
    with pytest.raises(MissingFileError, match=r"There is no file .* Expected a file of rows index,label"):
        Labels.read(tmp_path / name)


@given(st.lists(WORDS, min_size=2, max_size=9, unique_by=str.casefold))
def test_what_is_written_is_read_again(tmp_path_factory, names):
    path = tmp_path_factory.getbasetemp() / "labels.csv"
    labels = Labels(names)
    labels.write(path)
    assert Labels.read(path) == labels
    assert b"\r" not in path.read_bytes()


def test_labels_are_found_without_regard_to_case():
    labels = Labels([" Happy ", "Straße"])
    assert labels.index(" hAPPY") == 0
    assert labels.index("STRASSE") == 1
    assert list(labels) == ["Happy", "Straße"]


def test_a_label_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(BadInputError, match=r"no label 'Joy'\. Expected one of Happy, Sad\. Check the spell"):
        Labels(["Happy", "Sad"]).index("Joy")
    with pytest.raises(BadInputError, match=r"no label 'hapy'\..* Did you mean Happy\?"):
        Labels(["Happy", "Sad"]).index("hapy")


def test_equal_labels_are_equal_and_their_order_counts():
    assert Labels(["a", "b"]) == Labels(["a", "b"]) != Labels(["b", "a"])
    assert Labels(["a", "b"]) != ["a", "b"]
    assert len({Labels(["a", "b"]), Labels(["a", "b"])}) == 1
    assert pickle.loads(pickle.dumps(FER2013)) == FER2013
    assert repr(Labels(["a", "b"])) == "Labels(['a', 'b'])"


def test_the_labels_that_come_with_the_project_are_those_of_fer2013():
    assert Labels.read(ROOT / "labelList.csv") == FER2013
