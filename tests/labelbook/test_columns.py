"""Recognition of columns by their cells and by the names in a header."""

from __future__ import annotations

import pytest

from expression.labelbook.columns import Columns, columns_of
from expression.labels import FER2013


def found(text: str) -> tuple[int, int, int | None, bool]:
    return tuple(columns_of([line.split(",") for line in text.splitlines()], FER2013))


def many(form: str, header: str = "", count: int = 24) -> str:
    rows = [form.format(n=n, label=("Happy", "Sad")[n % 2], score=f"0.{n:02}") for n in range(1, count + 1)]
    return "\n".join([header] * bool(header) + rows)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        pytest.param("face1.png,Happy", (0, 1, None, False), id="two columns"),
        pytest.param("image,label\nface1.png,Happy", (0, 1, None, True), id="a header"),
        pytest.param("filename,emotion\nface1.png,Happy", (0, 1, None, True), id="filename and emotion"),
        pytest.param("File Name,Expression\nx.png,Happy", (0, 1, None, True), id="words with a blank"),
        pytest.param("Image,Label,Session\nface1.png,Happy,monday", (0, 1, 2, True), id="and a session"),
        pytest.param("label,image\nHappy,face1.png\nSad,face2.png", (1, 0, None, True), id="swapped, header"),
        pytest.param("Happy,face1.png\nSad,face2.png", (1, 0, None, False), id="swapped"),
        pytest.param("Happy,a\nSad,b\nSad,c", (1, 0, None, False), id="swapped, names without ending"),
        pytest.param("image,label\nHappy,a.png\nSad,b.png", (1, 0, None, True), id="a header that is wrong"),
        pytest.param(
            "Bild;Gefühl".replace(";", ",") + "\na.png,Froh\nb.png,Trüb", (0, 1, None, True), id="German"
        ),
        pytest.param(
            ",image,label\n0,a.png,Happy\n1,b.png,Sad", (1, 2, None, True), id="numbered rows, a header"
        ),
        pytest.param(many("{n},face{n}.png,{label}"), (1, 2, None, False), id="numbered rows"),
        pytest.param("label,session,image\nSad,monday,a.png", (2, 0, 1, True), id="another order"),
        pytest.param("face1.png,Wink\nface2.png,Blink", (0, 1, None, False), id="labels that are not listed"),
        pytest.param("face1,Happy\nface2,Sad", (0, 1, None, False), id="names without ending"),
        pytest.param("3,a.png\n4,b.png\n3,c.png", (1, 0, None, False), id="swapped, labels as numbers"),
        pytest.param("image,label", (0, 1, None, True), id="only a header"),
        pytest.param("label,image", (1, 0, None, True), id="only a header, swapped"),
        pytest.param("face1.png", (0, 1, None, False), id="one column"),
        pytest.param("", (0, 1, None, False), id="nothing"),
    ],
)
def test_pictures_and_labels_are_told_apart(text, columns):
    assert found(text) == columns


@pytest.mark.parametrize(
    ("text", "session"),
    [
        pytest.param(many("face{n}.png,{label},{score}"), None, id="scores"),
        pytest.param(many("face{n}.png,{label},{n}%"), None, id="percents"),
        pytest.param(many("face{n}.png,{label},{score}", "image,label,confidence"), None, id="header: score"),
        pytest.param(many("face{n}.png,{label},anna", "image,label,name"), None, id="header: name"),
        pytest.param(many("face{n}.png,{label},remark {n}"), None, id="another text in each row"),
        pytest.param(many("face{n}.png,{label},orig{n}.jpg"), None, id="names of other files"),
        pytest.param(many("face{n}.png,{label},2026-10-01T10:00:00"), 2, id="times"),
        pytest.param(many("face{n}.png,{label},2026-10-01 10:{n:02}"), 2, id="a time in each row"),
        pytest.param(many("face{n}.png,{label},monday"), 2, id="words"),
        pytest.param(many("face{n}.png,{label},{score},01.10.2026"), 3, id="times behind scores"),
        pytest.param(many("face{n}.png,{label},monday,2026-10-01"), 2, id="words before times"),
        pytest.param(many("face{n}.png,{label},0.5,monday", "image,label,score,session"), 3, id="named"),
        pytest.param(many("face{n}.png,{label},{score}", "image,label,time"), None, id="time, but scores"),
        pytest.param(many("face{n}.png,{label},2026-10-01", "image,label,wann"), 2, id="another word"),
        pytest.param("face1.png,Happy,monday", 2, id="one row"),
        pytest.param(many("face{n}.png,{label},"), 2, id="empty"),
    ],
)
def test_a_third_column_is_a_session_only_if_it_can_be_one(text, session):
    assert found(text)[2] == session


def test_numbers_are_sessions_where_pictures_of_one_follow_each_other_and_ratings_where_not():
    sessions = [[f"face{n}.png", ("Happy", "Sad")[n % 2], str(n // 8)] for n in range(24)]
    ratings = [[f"face{n}.png", ("Happy", "Sad")[n % 2], str(n * 7 % 5)] for n in range(24)]
    assert columns_of(sessions, FER2013).session == 2
    assert columns_of(sorted(sessions), FER2013).session == 2, "rows sorted by name"
    assert columns_of(ratings, FER2013).session is None


def test_a_label_list_decides_between_two_columns_of_words():
    lines = [["anna", "a", "Happy"], ["anna", "b", "Sad"], ["anna", "c", "Sad"]]
    assert columns_of(lines, ["Happy", "Sad"]) == Columns(0, 2, 1) or columns_of(lines, FER2013).label == 2
