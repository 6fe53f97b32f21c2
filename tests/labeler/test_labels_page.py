"""Labels are added, renamed, moved and removed by keys and clicks; the files change at once."""

from __future__ import annotations

import numpy as np
import pytest

from expression.labelbook.book import LabelBook
from expression.labeler.capturer import Capturer
from expression.labeler.labeler import Labeler
from expression.labeler.labels_page import LONGEST_NAME
from expression.labels import FER2013, Labels
from expression.vision.detectors import make_detector

FRAME = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)


@pytest.fixture
def desk(tmp_path):
    with LabelBook(tmp_path) as book:
        desk = Labeler(Capturer(book, make_detector("whole")))
        desk.press("enter")
        desk.draw(FRAME)
        yield desk


def write(desk: Labeler, text: str) -> None:
    for key in text:
        desk.press(key)


def click(desk: Labeler, action: str) -> None:
    desk.draw(FRAME)
    box = desk._screens[desk.page].buttons[action]
    desk.point(box.x + 2, box.y + 2, True)
    desk.point(box.x + 2, box.y + 2, False)


def listed(desk: Labeler) -> list[str]:
    return list(Labels.read(desk.capturer.book.folder / "labelList.csv"))


def test_a_label_is_added_by_keys_and_kept_pictures_may_have_it_at_once(desk):
    write(desk, "la")
    write(desk, "Quite sure, q")
    desk.press("backspace")
    desk.press("enter")
    assert listed(desk) == [*FER2013, "Quite sure,"]
    write(desk, "l8 ")
    assert [row.label for row in desk.capturer.book.rows] == ["Quite sure,"]


def test_a_label_is_called_otherwise_in_every_row_and_where_it_is_chosen(desk):
    write(desk, "4 l")
    click(desk, "rename:Happy")
    for _ in "Happy":
        desk.press("backspace")
    write(desk, "Joy")
    click(desk, "keep")
    assert listed(desk)[3] == "Joy"
    assert [row.label for row in desk.capturer.book.rows] == ["Joy"]
    assert desk.capturer.label == "Joy"


def test_labels_are_moved_and_stay_at_the_ends(desk):
    desk.press("l")
    for action in ("down:Angry", "up:Neutral", "up:Disgust", "down:Surprise"):
        click(desk, action)
    assert listed(desk) == ["Disgust", "Angry", "Fear", "Happy", "Sad", "Neutral", "Surprise"]


def test_a_label_without_pictures_can_be_taken_out_and_comes_back(desk):
    write(desk, "2l")
    click(desk, "remove:Disgust")
    assert "Disgust" not in listed(desk)
    assert desk.capturer.label == "Angry", "the first one, where the chosen one is gone"
    desk.press("u")
    assert listed(desk) == list(FER2013)
    assert desk.capturer.label == "Disgust"


def test_a_label_with_pictures_stays_and_the_screen_says_why(desk):
    write(desk, "4 l")
    click(desk, "remove:Happy")
    assert listed(desk) == list(FER2013)
    assert desk.list.said.startswith("The set still has pictures labelled Happy. Expected ")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param("", "The label '' is empty", id="nothing"),
        pytest.param("=1+1", "begins with =", id="a formula"),
        pytest.param("not sure", "is a reserved word", id="a reserved word"),
        pytest.param(" happy ", "Happy is already in the list.", id="a name that is there"),
    ],
)
def test_a_name_that_is_no_good_is_told_and_can_be_typed_anew(desk, typed, told):
    write(desk, "la" + typed)
    desk.press("enter")
    assert list(desk.capturer.book.labels) == list(FER2013)
    assert told in desk.list.said
    desk.press("escape")
    assert desk.list.typed is None


def test_while_a_name_is_typed_all_keys_belong_to_it(desk):
    assert not desk.press("l")
    desk.press("a")
    assert all(desk.press(key) for key in "qeul1")
    assert desk.list.typed == "qeul1"
    assert desk.press("shift"), "a key with a long name types nothing"
    write(desk, "x" * 50)
    assert len(desk.list.typed) == LONGEST_NAME
    assert desk.press("escape")
    assert desk.press("escape"), "the next one goes back"
    assert desk.page == "capture"
    assert not desk.press("escape"), "and then one may close the window"


def test_every_button_is_in_the_picture_however_many_labels_there_are(desk):
    desk.capturer.book.set_labels([f"label {number}" for number in range(40)])
    desk.press("l")
    picture = desk.draw(None)
    for action, box in desk.list.buttons.items():
        assert 0 <= box.x < box.right <= picture.shape[1], action
        assert 0 <= box.y < box.bottom <= picture.shape[0], action
    assert len(desk.list.buttons) == 40 * 4 + 3


@pytest.mark.parametrize("name", ["TV", "McD", "wink", "\u00c4rger"])
def test_a_name_is_kept_as_it_was_typed(desk, name):
    write(desk, f"la{name}")
    desk.press("enter")
    assert listed(desk)[-1] == name


def test_a_click_on_a_picture_that_is_out_of_date_does_nothing(desk):
    write(desk, "lax")
    desk.draw(FRAME)
    box = desk.list.buttons["keep"]
    for _ in range(2):
        desk.point(box.x + 2, box.y + 2, True)
    desk.draw(FRAME)
    up, remove = desk.list.buttons["up:Disgust"], desk.list.buttons["remove:Disgust"]
    for box in (remove, remove, up):
        desk.point(box.x + 2, box.y + 2, True)
    assert listed(desk) == [label for label in (*FER2013, "x") if label != "Disgust"]
    desk.press("u")
    assert "Disgust" in listed(desk), "the second click was no change"
