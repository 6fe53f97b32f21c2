"""The labeler's page shows its state, and its buttons are where they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from expression.labelbook.book import LabelBook
from expression.labeler.canvas import HEIGHT, SIDE, VIEW, WIDTH
from expression.labeler.capture_page import CapturePage
from expression.labeler.capturer import Capturer
from expression.labeler.labeler import Labeler
from expression.labels import FER2013
from expression.types import Box, Face

IMAGE = np.full((240, 320, 3), (90, 120, 150), np.uint8)


class Finds:
    def __init__(self, *boxes: Box):
        self.boxes, self.asked = boxes, 0

    def detect(self, image, near=(), everywhere=True):
        self.asked += 1
        return [Face(box) for box in self.boxes]


@pytest.fixture
def capturer(tmp_path):
    with LabelBook(tmp_path) as book:
        capturer = Capturer(book, Finds(Box(40, 60, 80, 80)))
        capturer.agreed = True
        yield capturer


def test_a_frame_that_is_drawn_again_is_not_searched_again(capturer):
    labeler = Labeler(capturer)
    frames = [IMAGE.copy(), IMAGE.copy()]
    for image in (frames[0], frames[0], frames[1], frames[1]):
        labeler.draw(image)
    assert capturer.detector.asked == 2


def test_before_somebody_agrees_there_is_one_button_and_no_picture_of_anybody(capturer):
    capturer.agreed = False
    screen = CapturePage()
    canvas = screen.draw(capturer, IMAGE)
    assert list(screen.buttons) == ["agree"]
    assert not (canvas == IMAGE[0, 0]).all(2).any()


def test_every_label_has_a_button_and_what_is_clicked_is_what_is_drawn(capturer):
    screen = CapturePage()
    canvas = screen.draw(capturer, IMAGE)
    assert canvas.shape == (HEIGHT, WIDTH, 3)
    assert set(screen.buttons) == {
        *(f"label:{label}" for label in FER2013),
        "capture",
        "undo",
        "review",
        "labels",
    }
    for action, box in screen.buttons.items():
        x, y = box.centre
        assert screen.action_at(round(x), round(y)) == action
        assert 0 <= box.x < box.right <= WIDTH
        assert 0 <= box.y < box.bottom <= HEIGHT
    assert screen.action_at(VIEW.x + 5, VIEW.y + 5) is None


def test_buttons_do_not_overlap(capturer):
    screen = CapturePage()
    screen.draw(capturer, IMAGE)
    boxes = list(screen.buttons.values())
    assert all(not one.shared(other) for one in boxes for other in boxes if one is not other)


def test_many_labels_still_fit(capturer):
    capturer.book.set_labels([f"label {number}" for number in range(20)])
    capturer.label = "label 3"
    screen = CapturePage()
    screen.draw(capturer, IMAGE)
    lowest = max(box.bottom for action, box in screen.buttons.items() if action.startswith("label:"))
    assert lowest <= screen.buttons["capture"].y
    assert len(screen.buttons) == 24


def test_the_view_is_a_mirror_and_the_box_goes_along(capturer):
    image = IMAGE.copy()
    image[:, :160] = 0
    capturer.see(image)
    plain, mirrored = (CapturePage().draw(capturer, image, mirror) for mirror in (False, True))
    at = VIEW.y + 10, VIEW.x + 10
    assert plain[at].tolist() == [0, 0, 0]
    assert mirrored[at].tolist() == IMAGE[0, 0].tolist()
    part = (slice(VIEW.y, VIEW.bottom), slice(VIEW.x, VIEW.right))
    assert np.abs(plain[part].astype(int) - mirrored[part][:, ::-1]).max() < 90


@pytest.mark.parametrize(("width", "height"), [(320, 240), (240, 320), (1920, 1080), (60, 60)])
@pytest.mark.parametrize("whole", [False, True])
def test_pictures_of_every_shape_fit(capturer, width, height, whole):
    capturer.whole = whole
    image = np.zeros((height, width, 3), np.uint8)
    capturer.see(image)
    assert CapturePage().draw(capturer, image).shape == (HEIGHT, WIDTH, 3)


def test_what_is_kept_is_shown_beside(capturer):
    capturer.see(np.full((240, 320, 3), 255, np.uint8))
    canvas = CapturePage().draw(capturer, IMAGE)
    assert (canvas[SIDE.bottom - 190 : SIDE.bottom - 2, SIDE.x + 2 : SIDE.x + 190] == 255).all()
