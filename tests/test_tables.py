"""Tables are read however a program or a country writes them; what is not a table is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression.errors import BadInputError
from expression.tables import SEPARATORS, read_cells, separator_of, write_cells

ROWS = [["face1.png", "Très gai", "0,31"], ["face2.png", "Sad", "0,4"]]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.csv"


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"], ids=repr)
def test_a_table_in_any_encoding_with_any_separator_is_read(path, separator, encoding, end):
    text = write_cells(ROWS, separator).replace("\n", end)
    path.write_bytes(text.encode(encoding))
    cells = read_cells(path, "Expected rows.")
    assert cells.lines == ROWS
    assert cells.separator == separator
    assert cells.marked == (encoding != "utf-8")


def test_the_first_line_of_excel_names_the_separator(path):
    path.write_text("sep=;\na,b;c\n")
    assert read_cells(path, "Expected rows.").lines == [["a,b", "c"]]


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        pytest.param("face1.png;Happy;0,31\nface2.png;Sad;0,4\n", ";", id="decimal commas"),
        pytest.param("0;Happy, loud\n1;Sad, a bit\n", ";", id="commas in labels"),
        pytest.param("face1.png,|Happy, loud|\n", ",", id="the quotes of an older labeler"),
        pytest.param("face1.png\tHappy\n", "\t", id="a tab"),
        pytest.param("one\ntwo\n", ",", id="one column"),
        pytest.param("", ",", id="nothing"),
    ],
)
def test_the_separator_is_what_parts_most_lines(text, separator):
    assert separator_of(text) == separator


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"PK\x03\x04" + b"x" * 99, "is a spreadsheet workbook or a zip", id="workbook"),
        pytest.param(b"\xd0\xcf\x11\xe0", "is a spreadsheet workbook", id="older workbook"),
        pytest.param(b"\x1f\x8b\x08", "is a gzip file", id="gzip"),
        pytest.param(b"%PDF-1.7", "is a PDF", id="pdf"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a text file", id="a picture"),
        pytest.param(
            b"a,b\n\x1b\x1b\x1b\x1b", r"is not a text file \(it contains control", id="escape codes"
        ),
        pytest.param(b"a,\xed\xa0\x80\n", "is not a text file", id="a lone surrogate"),
        pytest.param(b"a,\x81\n", "is not a text file", id="no encoding"),
        pytest.param(
            b'a,"b\nc,d\n', r"cannot be read as a table \(unexpected end of data", id="one quotation mark"
        ),
        pytest.param(
            b'a,"' + b"x" * 200_000 + b'"', r"cannot be read as a table \(field larger", id="a huge cell"
        ),
    ],
)
def test_what_is_not_a_table_is_refused_for_what_it_is(path, content, said):
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=said) as caught:
        read_cells(path, "Expected rows.")
    assert caught.value.expected == "Expected rows."


def test_a_table_that_is_too_large_is_not_read(path):
    path.write_bytes(b"a,b\n" * 100)
    with pytest.raises(BadInputError, match="has more than 399 bytes"):
        read_cells(path, "Expected rows.", most=399)


def test_a_folder_in_place_of_a_table_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        read_cells(tmp_path, "Expected rows.")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        lines = read_cells(path, "Expected rows.").lines
    except BadInputError:
        return
    assert all(any(line) for line in lines)
