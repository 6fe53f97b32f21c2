"""Labels: one order, however the file was written."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import ROOT

from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013, LONGEST, Labels, clean_label, folded_label

WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=LONGEST // 3)
WORDS = WORDS.filter(lambda word: word[0] not in "=+-@＝＋－＠" and len(clean_label(f"x{word}")) <= LONGEST)


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
        pytest.param(b"0;Happy\r\n1;Sad\r\n", id="semicolons, as Excel writes them"),
        pytest.param(b"sep=;\r\n0;Happy\r\n1;Sad\r\n", id="a line that names the separator"),
        pytest.param("0\tHappy\n1\tSad\n".encode("utf-16"), id="tabs, UTF-16"),
        pytest.param(b"Happy\nSad\n", id="names only"),
        pytest.param(b"label\nHappy\nSad\n", id="names only, header"),
        pytest.param(b"label,index\nHappy,0\nSad,1\n", id="swapped"),
        pytest.param(b"0,Happy,\n1,Sad,\n", id="a further column"),
        pytest.param(b"0.0,Happy\n1.0,Sad\n", id="indexes with decimals"),
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
        pytest.param(b"0,Happy\n1,\n", r"The label '' is empty\. Expected 1 to 100 printable", id="empty"),
        pytest.param(b"0,Happy\n1,happy\n", r"all different", id="label twice"),
        pytest.param(b"0,Happy\n", r"The labels are \['Happy'\]", id="one label"),
        pytest.param(b"", r"The labels are \[\]", id="empty file"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0", r"is not a text file .* Save it again as CSV", id="a picture"),
    ],
)
def test_a_bad_file_is_told_with_what_is_wrong_in_it(tmp_path, content, said):
    path = tmp_path / "labelList.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=said):
        Labels.read(path)


REFUSED = [
    pytest.param(
        "Hap\rpy",
        r"'Hap\\rpy' has characters that cannot be printed\. Expected 1 to 100 printable",
        id="carriage return",
    ),
    pytest.param("\x1b[31mSad", r"'\\x1b\[31mSad' has characters that cannot be printed", id="escape code"),
    pytest.param("Hap\npy", r"cannot be printed", id="line feed"),
    pytest.param(
        "ab\u202edas", r"'ab\\u202edas' has characters that cannot be printed", id="bidirectional override"
    ),
    pytest.param("a\u200bb", r"cannot be printed", id="zero-width blank"),
    pytest.param("a\x00b", r"cannot be printed", id="null"),
    pytest.param("\ud800", r"'\\ud800' has characters that cannot be printed", id="lone surrogate"),
    pytest.param("\x9b2J", r"cannot be printed", id="control sequence of eight bits"),
    pytest.param('=HYPERLINK("x")', r"begins with =", id="formula"),
    pytest.param("@SUM(A1:A9)", r"begins with @", id="formula of an older spreadsheet"),
    pytest.param("+A1", r"begins with \+", id="formula with a plus"),
    pytest.param("-2+3", r"begins with -", id="formula with a minus"),
    pytest.param("a" * 101, r"has 101 characters", id="too long"),
    pytest.param("\u00a0", r"'' is empty", id="only a no-break blank"),
    pytest.param(
        "Not Sure", r"'Not Sure' is a reserved word\..* not one of: as read, no face", id="not sure"
    ),
    pytest.param("as  read", r"is a reserved word", id="as read"),
    pytest.param("NOBODY", r"is a reserved word", id="nobody"),
    pytest.param("no\u00a0face", r"is a reserved word", id="no face, with another blank"),
]


@pytest.mark.parametrize(("label", "said"), REFUSED)
def test_a_label_that_would_lock_or_confuse_something_is_refused(tmp_path, label, said):
    with pytest.raises(BadInputError, match=said):
        Labels(["Happy", label])
    with pytest.raises(BadInputError, match=said):
        clean_label(label)
    quoted = label.replace('"', '""')
    (tmp_path / "labelList.csv").write_bytes(f'0,Happy\n1,"{quoted}"\n'.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadInputError):
        Labels.read(tmp_path / "labelList.csv")


@pytest.mark.parametrize(
    "label", [r"$\foo$", "$5", "très gai", "😮\u200d💨", "بی\u200cحوصله", "+1", "-", "a=b", "N/A"]
)
def test_unusual_labels_that_harm_nothing_are_kept(label):
    assert Labels(["Happy", label])[1] == label


@pytest.mark.parametrize(
    "other",
    ["Glu\u0308cklich", " GLÜCKLICH ", "Glück\u200dlich", "glu\u0308CKLICH"],
    ids=["decomposed", "capitals", "zero-width joiner", "both"],
)
def test_two_labels_that_look_the_same_are_one(other):
    assert Labels(["Glücklich", "Sad"]).index(other) == 0
    with pytest.raises(BadInputError, match="all different"):
        Labels(["Glücklich", other])
    assert Labels(["Glu\u0308cklich", "Sad"]) == Labels(["Gl\u00fccklich", "Sad"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"0,Happy\n%s,Sad\n" % (b"1" * 100_000), r"has the row '1111", id="100,000 digits"),
        pytest.param(
            b"%s,Happy\n1,Sad" % (b"9" * 5000),
            r"The labels are \['Sad'\]|has the indexes",
            id="5000 digits first",
        ),
        pytest.param(b"0,Happy\n1,Sad\0", r"is not a text file", id="null"),
        pytest.param(b"0,Happy\n1,Sad\n" + b"\n" * 2_000_000, r"has more than 1,000,000 bytes", id="huge"),
        pytest.param(
            b'0,"' + b"x" * 200_000 + b'"\n1,Sad', r"cannot be read as a table .*field", id="a huge cell"
        ),
        pytest.param(
            b"".join(b"%d,L%d\n" % (n, n) for n in range(1001)), r"Expected 2 to 1,000", id="1001 labels"
        ),
    ],
)
def test_a_hostile_file_is_refused_in_a_short_message(tmp_path, content, said):
    path = tmp_path / "labelList.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=said) as caught:
        Labels.read(path)
    assert len(str(caught.value)) < 500 + len(str(path))


def test_a_file_in_utf_16_is_read(tmp_path):
    (tmp_path / "labelList.csv").write_text("0,Glücklich\n1,Sad\n", "utf-16")
    assert Labels.read(tmp_path / "labelList.csv") == Labels(["Glücklich", "Sad"])


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_missing_file_is_told_with_its_name(tmp_path, name):
    with pytest.raises(
        MissingFileError, match=r"There is no file .* Expected a file with rows of index,label"
    ):
        Labels.read(tmp_path / name)


@given(st.lists(WORDS, min_size=2, max_size=9, unique_by=folded_label))
def test_what_is_written_is_read_again(tmp_path_factory, names):
    path = tmp_path_factory.getbasetemp() / "labels.csv"
    labels = Labels(names)
    labels.write(path)
    assert Labels.read(path) == labels
    assert b"\r" not in path.read_bytes()


def test_a_list_in_an_older_encoding_is_read(tmp_path):
    (tmp_path / "labelList.csv").write_bytes("0,Fröhlich\n1,Trüb\n".encode("cp1252"))
    assert list(Labels.read(tmp_path / "labelList.csv")) == ["Fröhlich", "Trüb"]


def test_a_label_that_is_listed_in_two_unicode_forms_is_one(tmp_path):
    path = tmp_path / "labelList.csv"
    path.write_text("0,Fr\u00f6hlich\n1,Fro\u0308hlich\n2,Sad\n", "utf-8")
    assert list(Labels.read(path)) == ["Fr\u00f6hlich", "Sad"]
    path.write_text("0,Sad\n1,Sad\n2,Happy\n", "utf-8")
    with pytest.raises(BadInputError, match="all different"):
        Labels.read(path)


def test_the_message_for_a_label_that_is_refused_names_the_file(tmp_path):
    path = tmp_path / "labelList.csv"
    path.write_bytes(b'0,Happy\n1,"Hap\rpy"\n')
    with pytest.raises(
        BadInputError, match=r"labelList\.csv: The label 'Hap\\rpy' has characters that cannot be printed"
    ):
        Labels.read(path)


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
