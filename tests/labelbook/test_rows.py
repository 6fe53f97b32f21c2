"""Tables in every format are read, and rewritten without losing manual edits."""

from __future__ import annotations

import csv

import pytest

from expression.errors import BadInputError
from expression.labelbook.rows import FILE, Row, Table, read_table
from expression.labels import Labels

LABELS = Labels(["Happy", "Sad", "Wink"])


@pytest.mark.parametrize(
    ("text", "rows", "again"),
    [
        pytest.param("", [], "", id="empty"),
        pytest.param("face1.png,Happy", [Row("face1.png", "Happy")], "face1.png,Happy\n", id="two columns"),
        pytest.param(
            "image,label\r\nface1.png,Sad\r\n",
            [Row("face1.png", "Sad")],
            "image,label\nface1.png,Sad\n",
            id="a header, CRLF",
        ),
        pytest.param(
            "\ufeffImages/face2.png , Sad \n\n",
            [Row("Images/face2.png", "Sad")],
            "\ufeffImages/face2.png,Sad\n",
            id="byte order mark, folder, blanks",
        ),
        pytest.param(
            "face1.png,1\nface2.png,2\n",
            [Row("face1.png", "Sad"), Row("face2.png", "Wink")],
            "face1.png,1\nface2.png,2\n",
            id="numbers stay numbers",
        ),
        pytest.param(
            "face1.png,1\nface2.png,Wink\n",
            [Row("face1.png", "Sad"), Row("face2.png", "Wink")],
            "face1.png,Sad\nface2.png,Wink\n",
            id="numbers among words become words",
        ),
        pytest.param(
            'face1.png,Sad,monday,"a remark, by hand",5\n',
            [Row("face1.png", "Sad", "monday", ("a remark, by hand", "5"))],
            'face1.png,Sad,monday,"a remark, by hand",5\n',
            id="further columns",
        ),
        pytest.param(
            "face1.png,Sad,,remark\n",
            [Row("face1.png", "Sad", "", ("remark",))],
            "face1.png,Sad,,remark\n",
            id="no session, and a further column",
        ),
        pytest.param(
            "Image,Label,Session,Remark\nface1.png,Sad\n",
            [Row("face1.png", "Sad")],
            "Image,Label,Session,Remark\nface1.png,Sad\n",
            id="a header with more columns than rows",
        ),
        pytest.param(
            "label;image;score\r\nSad;face1.png;0,5\r\n",
            [Row("face1.png", "Sad", "", ("0,5",))],
            "image;label;session;score\nface1.png;Sad;;0,5\n",
            id="swapped, semicolons and a score",
        ),
        pytest.param(
            "face1.png,Unlisted\n", [Row("face1.png", "Unlisted")], "face1.png,Unlisted\n", id="no label"
        ),
    ],
)
def test_a_table_is_read_and_written_again(tmp_path, text, rows, again):
    path = tmp_path / "faceLabels.csv"
    path.write_text(text, encoding="utf-8", newline="")
    table = read_table(path, LABELS)
    assert table.rows == rows
    assert table.text(LABELS) == again
    path.write_text(again, encoding="utf-8", newline="")
    assert read_table(path, LABELS).rows == rows


def test_what_is_written_is_read_by_a_program_of_two_columns():
    table = Table([Row("face1.png", "Happy", "monday"), Row("face2.png", "Sad")])
    read = [(row[0], row[1]) for row in csv.reader(table.text(LABELS).splitlines())]
    assert read == [("face1.png", "Happy"), ("face2.png", "Sad")]


def test_a_table_that_is_not_there_has_no_rows(tmp_path):
    assert read_table(tmp_path / "faceLabels.csv", LABELS).rows == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"face1.png\n", r"has the row 'face1\.png'\. Expected image,label\. Add a label after"),
        (b",Happy\n", r"has the row ',Happy'\. Expected the name of a picture in each row\."),
        (b"face1.png,\x81\n", r"is not a text file \(.*codec.*\)\. Expected rows in the form image,label\."),
        (b"PK\x03\x04...", r"is a spreadsheet workbook or a zip archive\..* Save it again as CSV"),
    ],
)
def test_a_table_that_cannot_be_is_told(tmp_path, text, said):
    path = tmp_path / "faceLabels.csv"
    path.write_bytes(text)
    with pytest.raises(BadInputError, match=said):
        read_table(path, LABELS)


@pytest.mark.parametrize(
    "image", ["face1.png", "Images/face1.png", r"data\Images\face1.png", "../../face1.png"]
)
def test_the_file_of_a_row_is_its_name_without_folders(image):
    assert Row(image, "Sad").file == "face1.png"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            'face1.png,"Happy\nface2.png,Sad\nface3.png,Sad\n', "unexpected end", id="one quotation mark"
        ),
        pytest.param('face1.png,"' + "x" * 200_000, "field larger", id="and a long file behind it"),
        pytest.param("face1.png,0\nface2.png,3\n", "its position in the list, from 0 to 2", id="beyond"),
    ],
)
def test_what_would_swallow_rows_or_mix_up_labels_is_told(tmp_path, text, told):
    (tmp_path / "faceLabels.csv").write_text(text)
    with pytest.raises(BadInputError, match=told):
        read_table(tmp_path / "faceLabels.csv", LABELS)


def test_numbers_become_words_once_a_label_is_a_number(tmp_path):
    table = Table([Row("face1.png", "Sad")], numbered=True)
    assert table.text(LABELS) == "face1.png,1\n"
    assert table.text(Labels([*LABELS, "1"])) == "face1.png,Sad\n"


@pytest.mark.parametrize("label", ["|loud|", "Happy, very", "|a, b|", 'say "hi"'])
def test_any_label_survives_the_file(tmp_path, label):
    rows = [Row("face1.png", "Happy, very"), Row("face2.png", label)]
    (tmp_path / "faceLabels.csv").write_text(Table(rows).text(LABELS))
    assert read_table(tmp_path / "faceLabels.csv", LABELS).rows == rows
    (tmp_path / "faceLabels.csv").write_text(Table(rows[1:]).text(LABELS))
    assert read_table(tmp_path / "faceLabels.csv", LABELS).rows == rows[1:]


@pytest.mark.parametrize("number", ["1", "1.0", "1,0"])
def test_a_number_for_a_label_may_have_decimals_as_spreadsheets_write_them(tmp_path, number):
    (tmp_path / FILE).write_text(f"a.png;{number};x\nb.png;0;x\n")
    table = read_table(tmp_path / FILE, ["Happy", "Sad"])
    assert [row.label for row in table.rows] == ["Sad", "Happy"]
