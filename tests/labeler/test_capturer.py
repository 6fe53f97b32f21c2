"""The labeler saves the right face, rejects near-duplicates, and says what is missing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from expression.errors import BadInputError, RunError
from expression.labelbook.book import LabelBook
from expression.labeler.capturer import PACE, Capturer, consent
from expression.pictures.image import read_picture
from expression.sources.demo import Demo
from expression.types import Box, Face
from expression.vision.detectors import make_detector


class Finds:
    """A detector that finds given boxes."""

    def __init__(self, *boxes: Box):
        self.boxes = boxes

    def detect(self, image, near=(), everywhere=True):
        return [Face(box, 1.0) for box in self.boxes]


class Clock:
    """A clock that advances with each frame."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


FACE = Box(100, 60, 80, 80)


@pytest.fixture
def book(tmp_path):
    with LabelBook(tmp_path) as book:
        yield book


@pytest.fixture
def capturer(book):
    capturer = Capturer(book, Finds(FACE), target=4, clock=Clock())
    capturer.agreed = True
    return capturer


def frame(seed: int = 0, noise: float = 0) -> np.ndarray:
    """A picture of blotches; with noise, as from a camera with a still scene."""
    blotches = np.random.default_rng(seed).integers(30, 226, (24, 32, 3)).repeat(10, 0).repeat(10, 1)
    return np.clip(blotches + np.random.default_rng(9).normal(0, noise, blotches.shape), 0, 255).astype(
        np.uint8
    )


def test_nothing_is_kept_before_somebody_has_agreed(book):
    capturer = Capturer(book, Finds(FACE))
    capturer.see(frame())
    assert str(book.images.resolve()) in consent(book)
    assert "`" not in consent(book), "it is drawn and printed as it is"
    with pytest.raises(RunError, match=r"Consent has not been given\. Expected .* Accept the terms first"):
        capturer.capture()
    assert book.rows == []


def test_the_largest_face_is_kept_with_label_and_session(book):
    capturer = Capturer(book, Finds(Box(0, 0, 40, 40), FACE, Box(200, 0, 50, 50)))
    capturer.agreed, capturer.label = True, "happy"
    capturer.see(frame())
    row = capturer.capture()
    assert capturer.box == FACE
    assert (row.label, row.session) == ("Happy", capturer.session)
    assert capturer.said == "Saved face1.png as Happy: 1 of 20."
    assert read_picture(book.images / "face1.png").shape == (80, 80, 3)


@pytest.mark.parametrize(
    ("colour", "whole", "size"),
    [(False, False, (80, 80)), (True, False, (80, 80)), (False, True, (240, 320)), (True, True, (240, 320))],
)
def test_grey_or_colour_and_the_face_or_the_whole_frame(book, colour, whole, size):
    capturer = Capturer(book, Finds(FACE), colour=colour, whole=whole)
    capturer.agreed = True
    capturer.see(frame())
    capturer.capture()
    kept = read_picture(book.images / "face1.png")
    assert kept.shape[:2] == size
    assert (kept[..., 0] == kept[..., 2]).all() == (not colour)


def test_a_large_face_is_kept_small(book):
    capturer = Capturer(book, Finds(Box(0, 0, 600, 600)))
    capturer.agreed = True
    capturer.see(np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8))
    assert capturer.preview.shape == (192, 192)


def test_without_a_face_that_is_said_and_nothing_is_kept(book):
    capturer = Capturer(book, Finds())
    capturer.agreed = True
    capturer.see(frame())
    assert capturer.capture() is None
    assert capturer.said == "No face was found. Look at the camera in good light."
    assert book.rows == []


def test_one_picture_is_kept_once_however_often_the_key_is_pressed(capturer, book):
    """A slow program handles two key presses on one frame; the second would be a copy."""
    capturer.see(frame(1))
    assert capturer.capture() is not None
    capturer.label = "sad"
    assert capturer.capture() is None
    assert capturer.said == "This exact picture is already saved as face1.png. Move a little."
    capturer.see(frame(2))
    assert capturer.capture().label == "Sad"
    capturer.see(frame(1))
    assert capturer.capture() is None, "a source that repeats itself makes no copies either"
    book.delete(["face1.png"])
    assert capturer.capture().image == "face3.png", "a picture that was deleted may be kept again"


def test_a_burst_keeps_its_pace_and_refuses_what_is_nearly_equal(capturer, book):
    capturer.held = True
    for seed in (1, 2, 3, 4, 5):  # five frames within the time of two pictures
        capturer.see(frame(seed))
        capturer._clock.now += PACE / 2.5
    assert len(book.rows) == 2
    capturer._clock.now += PACE
    capturer.see(frame(6))
    capturer._clock.now += PACE
    kept = len(book.rows)
    capturer.see(frame(6, noise=6))
    assert capturer.said == "Nearly the same as the last picture: move a little."
    assert len(book.rows) == kept
    capturer.capture()  # requested explicitly, it is saved
    assert len(book.rows) == kept + 1


def test_another_label_ends_a_burst(capturer):
    capturer.held = True
    capturer.label = "Sad"
    assert not capturer.held
    with pytest.raises(BadInputError, match="There is no label 'Wink'"):
        capturer.label = "Wink"


def test_undo_takes_back_and_says_what(capturer, book):
    capturer.see(frame())
    capturer.capture()
    capturer.undo()
    assert (capturer.said, book.rows) == ("Undone: face1.png saved as Angry.", [])
    capturer.undo()
    assert capturer.said == "There is nothing to undo."


def keep(capturer, box=FACE, light=0):
    """Saves a new picture of the same scene."""
    capturer.detector = Finds(box)
    image = np.clip(frame().astype(int) + light, 0, 255).astype(np.uint8)
    image[:, :, 0] ^= np.uint8(len(capturer.book.rows))
    capturer.see(image)
    capturer.capture()


def test_the_coach_asks_for_distance_then_light_then_turns_and_then_for_the_next_label(capturer, book):
    capturer.target = 8
    assert capturer.coach() == "8 more of Angry. Press space, or hold it down."
    for _ in range(3):
        keep(capturer)
    assert capturer.coach() == "5 more of Angry. Move closer, then farther away."
    keep(capturer, Box(100, 60, 120, 120))
    assert capturer.coach() == "4 more of Angry, in different light: turn to the window, or away from it."
    keep(capturer, light=40)
    assert capturer.coach().startswith("3 more of Angry. Turn your head")
    keep(capturer)
    assert capturer.coach() == "2 more of Angry. Tilt your head a little."
    for _ in range(2):
        keep(capturer)
    assert capturer.coach() == "Angry has enough pictures. Next: Disgust, 8 more."


def test_the_coach_asks_for_a_second_session_and_is_content_with_it(capturer, book):
    book.set_labels(["Angry", "Sad"])
    for label, _ in itertools.product(("Angry", "Sad"), range(4)):
        capturer.label = label
        keep(capturer)
    assert capturer.coach().startswith("Every label has enough pictures. Come back another day: testing")
    capturer.session = "another day"
    keep(capturer)
    assert capturer.coach() == "Every label has enough, from 2 sessions. Next: expression personalise."


@pytest.mark.slow
def test_a_still_person_before_a_real_detector_gives_no_burst_of_equals(book):
    source = Demo()
    source.open()
    image = source.read()
    source.close()
    clock = Clock()
    capturer = Capturer(book, make_detector("haar"), clock=clock)
    capturer.agreed = capturer.held = True
    generator = np.random.default_rng(0)
    for _ in range(10):
        capturer.see(np.clip(image + generator.normal(0, 3, image.shape), 0, 255).astype(np.uint8))
        clock.now += PACE
    assert 1 <= len(book.rows) <= 2
