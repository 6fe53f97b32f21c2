"""Faces from elsewhere are saved only once the user accepts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from expression.errors import OutputError, RunError
from expression.labelbook.book import LabelBook
from expression.labeler.import_page import ImportPage
from expression.labeler.importer import Importer
from expression.pictures.image import write_picture
from expression.vision.detectors import make_detector

FACES = np.random.default_rng(1).integers(0, 256, (5, 48, 48), np.uint8)


@pytest.fixture
def book(tmp_path):
    with LabelBook(tmp_path / "mine") as book:
        yield book


@pytest.fixture
def loose(tmp_path) -> Path:
    (tmp_path / "photos").mkdir()
    for number, face in enumerate(FACES):
        write_picture(tmp_path / "photos" / f"{number}.png", face)
    return tmp_path / "photos"


@pytest.fixture
def labelled(tmp_path) -> Path:
    for label in ("happy", "sad"):
        (tmp_path / "set" / label).mkdir(parents=True)
    for number, face in enumerate(FACES):
        write_picture(tmp_path / "set" / ("happy", "sad")[number % 2] / f"{number}.png", face)
    return tmp_path / "set"


def made(book: LabelBook, path: Path, agreed: bool = True) -> ImportPage:
    desk = ImportPage(book, Importer(book, make_detector("whole")), [path])
    if agreed:
        desk.agreed = True
        desk.draw()
    return desk


def full(_pictures) -> None:
    """The error of the book when the disk is full."""
    raise OutputError("There is no room.", "Expected some.", "Make room.")


def labels(book: LabelBook) -> list[str]:
    return [row.label for row in book.rows]


def press(desk: ImportPage, keys: str) -> None:
    for key in keys:
        desk.press(key)
        desk.draw()


def test_nothing_is_looked_at_before_somebody_agrees(book, loose):
    desk = made(book, loose, agreed=False)
    desk.draw()
    press(desk, "4a")
    assert list(desk.buttons) == ["agree"]
    assert desk.shown is None
    box = desk.buttons["agree"]
    desk.point(box.x + 1, box.y + 1, True)
    desk.draw()
    assert desk.shown.origin == "0.png"


def test_each_face_gets_the_label_of_a_key_or_is_left_out(book, loose):
    desk = made(book, loose)
    press(desk, "4x5")
    assert labels(book) == ["Happy", "Sad"]
    assert np.array_equal(book.picture(book.rows[1])[..., 0], FACES[2])
    assert (desk.kept, desk.passed) == (2, 1)


def test_a_face_without_a_label_needs_one(book, loose):
    desk = made(book, loose)
    desk.press("enter")
    assert "Which label is it?" in desk.said
    assert labels(book) == []
    press(desk, "a")
    assert (labels(book), desk.shown.origin) == ([], "0.png"), "nothing is left out unseen"
    assert "This face has no label." in desk.said


def test_a_labelled_face_is_kept_by_enter_or_under_another_label(book, labelled):
    desk = made(book, labelled)
    desk.press("enter")
    desk.draw()
    press(desk, "1")
    assert labels(book) == ["Happy", "Angry"]
    desk.press("backspace")
    desk.draw()
    desk.press("enter")
    assert labels(book) == ["Happy", "Angry", "Sad"]


def test_the_rest_is_kept_as_labelled_and_may_be_stopped(book, labelled):
    desk = made(book, labelled)
    desk.press("a")
    desk.press("a")
    desk.draw()
    assert labels(book) == []
    press(desk, "xa")
    assert labels(book) == ["Happy", "Happy", "Sad", "Sad"]
    assert desk.ended
    assert desk.said == "4 saved, 1 skipped."
    press(desk, "u")
    assert (labels(book), desk.said) == ([], "Undone: 4 faces.")
    press(desk, "4a")
    assert labels(book) == ["Happy", "Happy", "Sad", "Sad"]
    assert desk.ended


def test_the_rest_stops_at_a_face_that_has_no_label(book, labelled, loose):
    desk = ImportPage(book, Importer(book, make_detector("whole")), [labelled, loose / "0.png"])
    write_picture(loose / "0.png", 255 - FACES[0])
    desk.agreed = True
    desk.draw()
    press(desk, "a")
    assert (len(labels(book)), desk.shown.origin, desk.ended) == (5, "0.png", False)
    press(desk, "4")
    assert labels(book)[-1] == "Happy"


def test_undo_puts_the_last_face_up_again_and_nothing_gets_lost(book, loose):
    desk = made(book, loose)
    press(desk, "4x")
    press(desk, "uu")
    assert (labels(book), desk.kept, desk.passed) == ([], 0, 0)
    assert desk.shown.origin == "0.png"
    press(desk, "u")
    assert desk.said == "There is nothing to undo."
    press(desk, "11111")
    assert labels(book) == ["Angry"] * 5
    assert [row.image for row in book.rows] == [f"face{number}.png" for number in range(2, 7)]
    assert desk.ended


def test_after_the_last_face_keys_do_no_harm_and_the_screen_tells_what_was_left_out(book, loose):
    (loose / "notes.txt").write_text("x")
    desk = made(book, loose)
    press(desk, "111114xa")
    desk.press("enter")
    assert len(labels(book)) == 5
    assert desk.importer.told()[0].startswith("1 skipped, neither a picture")


def test_a_full_disk_is_told_and_the_face_stays_up(book, loose, monkeypatch):
    desk = made(book, loose)

    with monkeypatch.context() as patch:
        patch.setattr(book, "add_all", full)
        press(desk, "4")
    assert desk.said == "There is no room. Expected some. Make room."
    assert desk.shown.origin == "0.png"
    press(desk, "4")
    assert labels(book) == ["Happy"]


def test_a_path_that_cannot_be_read_is_told_on_the_screen(book, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"x")
    desk = made(book, tmp_path / "film.mp4")
    assert desk.ended
    assert "cannot be read as a video" in str(desk.importer.failed[0])


def test_a_face_that_is_put_up_again_after_the_end_is_not_lost(book, loose):
    desk = made(book, loose)
    press(desk, "11111")
    assert desk.ended
    press(desk, "uu")
    assert not desk.ended
    press(desk, "44")
    assert labels(book) == ["Angry", "Angry", "Angry", "Happy", "Happy"]
    assert desk.ended


def test_enter_that_is_held_while_it_agrees_keeps_nothing(book, labelled):
    desk = made(book, labelled, agreed=False)
    for _ in range(5):
        desk.press("enter")
        desk.draw()
    assert desk.agreed
    assert labels(book) == []


def test_nothing_is_kept_unseen_before_somebody_agrees(book, labelled):
    with pytest.raises(RunError, match="Consent has not been given"):
        made(book, labelled, agreed=False).keep_rest()
    assert labels(book) == []


def test_faces_that_a_full_disk_refuses_come_again(book, labelled, monkeypatch):
    desk = made(book, labelled)

    with monkeypatch.context() as patch:
        patch.setattr(book, "add_all", full)
        with pytest.raises(OutputError):
            desk.keep_rest()
    desk.keep_rest()
    assert labels(book) == ["Happy", "Happy", "Happy", "Sad", "Sad"]


def test_all_buttons_are_in_the_picture_and_do_not_overlap(book, labelled):
    book.set_labels([*book.labels, *(f"label {number}" for number in range(30))])
    desk = made(book, labelled)
    picture = desk.draw()
    boxes = list(desk.buttons.values())
    assert len(boxes) == 37 + 4
    for box in boxes:
        assert 0 <= box.x < box.right <= picture.shape[1]
        assert 0 <= box.y < box.bottom <= picture.shape[0]
    assert all(not one.shared(other) for one in boxes for other in boxes if one is not other)


def test_a_click_keeps_a_face(book, labelled):
    desk = made(book, labelled)
    for action in ("keep", "label:Fear"):
        box = desk.buttons[action]
        desk.point(box.x + 2, box.y + 2, True)
        desk.point(box.x + 2, box.y + 2, False)
        desk.draw()
    assert labels(book) == ["Happy", "Fear"]
