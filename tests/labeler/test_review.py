"""Saved pictures are shown by label and page, and selected ones are edited."""

from __future__ import annotations

import numpy as np
import pytest

from expression.labelbook.book import LabelBook
from expression.labeler.canvas import HEIGHT, WIDTH
from expression.labeler.capturer import Capturer
from expression.labeler.labeler import Labeler
from expression.labeler.review import PAGE, Review
from expression.labeler.review_page import ReviewPage
from expression.labels import FER2013
from expression.vision.detectors import make_detector


@pytest.fixture
def review(tmp_path):
    """Fifty pictures with two alternating labels."""
    with LabelBook(tmp_path) as book:
        for number in range(50):
            book.add(np.full((48, 48), number, np.uint8), ("Happy", "Sad")[number % 2])
        yield Review(book)


def names(review: Review) -> list[str]:
    return [row.image for row in review.shown()]


def test_the_newest_come_first_a_page_at_a_time(review):
    assert names(review) == [f"face{number}.png" for number in range(50, 50 - PAGE, -1)]
    review.turn(1)
    assert names(review) == [f"face{number}.png" for number in range(50 - PAGE, 0, -1)]
    review.turn(1)
    assert review.page == 0
    review.turn(-1)
    assert review.page == review.pages - 1 == 1


def test_the_filter_goes_through_all_labels_and_back_to_all(review):
    seen = []
    for _ in range(len(FER2013) + 1):
        review.next_filter()
        seen.append((review.filter, len(review.rows)))
    counts = {"Happy": 25, "Sad": 25}
    assert seen == [*((label, counts.get(label, 0)) for label in FER2013), (None, 50)]


def test_what_is_chosen_is_relabelled_deleted_and_brought_back(review):
    review.relabel("Fear")
    assert review.said == "Select some pictures first."
    review.choose("face1.png")
    review.choose("face2.png")
    review.choose("face2.png")
    review.relabel("Fear")
    assert (review.said, review.chosen) == ("1 picture relabelled as Fear.", set())
    assert review.book.counts["Fear"] == 1
    review.choose("face1.png")
    review.choose("face3.png")
    review.delete()
    assert (review.said, len(review.rows)) == ("2 pictures deleted.", 48)
    review.undo()
    review.undo()
    assert review.said == "Undone: face1.png relabelled as Fear."
    assert review.book.counts == {**dict.fromkeys(FER2013, 0), "Happy": 25, "Sad": 25}


def test_the_last_page_goes_when_its_pictures_do(review):
    review.turn(1)
    for name in names(review):
        review.choose(name)
    review.delete()
    assert (review.pages, len(names(review)), review.page) == (1, PAGE, 0)


def test_every_picture_and_button_is_where_it_is_drawn(review):
    screen = ReviewPage()
    canvas = screen.draw(review)
    assert canvas.shape == (HEIGHT, WIDTH, 3)
    assert len([action for action in screen.buttons if action.startswith("picture:")]) == PAGE
    boxes = list(screen.buttons.items())
    for action, box in boxes:
        assert screen.action_at(*map(round, box.centre)) == action
        assert 0 <= box.x < box.right <= WIDTH
        assert 0 <= box.y < box.bottom <= HEIGHT
        assert all(not box.shared(other) for name, other in boxes if name != action)


def test_a_picture_that_is_gone_and_an_empty_set_are_drawn_too(review, tmp_path):
    (review.book.images / "face50.png").unlink()
    ReviewPage().draw(review)
    with LabelBook(tmp_path / "empty") as book:
        ReviewPage().draw(Review(book))


def test_a_filter_whose_label_has_another_name_shows_all(review):
    review.filter = "Happy"
    review.book.rename_label("Happy", "Glad")
    assert len(review.rows) == 50
    assert review.filter is None


def test_what_is_chosen_is_not_when_somebody_comes_back(tmp_path):
    with LabelBook(tmp_path) as book:
        book.add(np.zeros((48, 48), np.uint8), "Sad")
        desk = Labeler(Capturer(book, make_detector("whole")))
        desk.press("enter")
        desk.press("e")
        desk.review.choose("face1.png")
        for key in "eex":
            desk.press(key)
        assert len(book.rows) == 1
        assert desk.review.said == "Select some pictures first."
