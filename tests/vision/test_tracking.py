"""Tests of people followed across frames and of their smoothed scores."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.errors import BadInputError
from expression.labels import NOT_SURE, Labels
from expression.sources.video import Video
from expression.types import Box, Face
from expression.vision.smoothing import FORGET_SECONDS, STREAK, Smoother
from expression.vision.tracking import DEAD_BAND, HITS, Tracker

FPS = 25


def at(x, y=100, side=100):
    """A face whose middle is at x, y."""
    return Face(Box(round(x - side / 2), round(y - side / 2), side, side))


def film(tracker, *frames, start=0.0):
    """Feeds frames (lists of faces) at 25 a second; returns each frame's {x of the middle: person}."""
    seen = []
    for number, faces in enumerate(frames):
        people = tracker.update(faces, start + number / FPS)
        seen.append({face.box.centre[0]: face.person for face in people})
    return seen


def test_the_faces_of_the_first_picture_are_people_at_once():
    people = Tracker().update([at(100), at(300)], 5.0)
    assert [(face.person, face.box.centre[0]) for face in people] == [(1, 100), (2, 300)]


def test_the_faces_of_single_pictures_are_people_at_once():
    tracker = Tracker()
    numbers = [
        [face.person for face in tracker.update([at(x)], time)] for time, x in enumerate((90, 400, 90))
    ]
    assert numbers == [[1], [2], [3]]


def test_a_false_face_in_one_frame_of_a_film_gets_no_number():
    tracker = Tracker()
    seen = film(tracker, [at(100)], [at(100), at(400)], [at(100)], [at(100)])
    assert all(list(people.values()) == [1] for people in seen)
    assert tracker.numbers == 1


def test_a_false_face_that_comes_again_and_again_gets_no_number():
    tracker = Tracker()
    film(tracker, *[[at(100), at(400)] if number % 3 == 1 else [at(100)] for number in range(30)])
    assert tracker.numbers == 1


def test_a_face_that_comes_into_a_film_is_a_person_at_its_second_hit():
    seen = film(Tracker(), [at(100)], *[[at(100), at(400)]] * HITS)
    assert [sorted(people.values()) for people in seen] == [[1], [1], [1, 2]]


def test_a_person_keeps_the_number_through_missed_frames():
    frames = [[at(100 + 4 * n)] if n % 5 < 2 else [] for n in range(50)]
    tracker = Tracker()
    film(tracker, *frames)
    assert tracker.numbers == 1


@pytest.mark.parametrize(("away", "number"), [(0.6, 1), (0.8, 2)], ids=["before stale", "after stale"])
def test_who_comes_back_after_stale_seconds_gets_a_new_number(away, number):
    tracker = Tracker(stale=0.7)
    film(tracker, [at(100)], [at(100)])
    tracker.update([], 1 / FPS + away / 2)
    (face,) = tracker.update([at(100)], 1 / FPS + away)
    assert face.person == number


@pytest.mark.parametrize("fps", [25, 12.5, 6])
def test_two_people_who_walk_through_each_other_keep_their_numbers(fps):
    tracker = Tracker()
    for number in range(round(3 * fps)):
        x = 400 * number / fps / 3
        first, second = at(100 + x, 100), at(500 - x, 110, 90)
        people = tracker.update([first, second] if number % 2 else [second, first], number / fps)
    by_number = {face.person: face.box.centre[0] for face in people}
    assert tracker.numbers == 2
    assert by_number[1] < 200  # the one that came first in the first frame walks to the left
    assert by_number[2] > 400


def test_where_people_walk_tells_them_apart_when_they_meet():
    tracker = Tracker()
    for number in range(13):
        people = tracker.update([at(100 + 32 * number), at(500 - 32 * number)], number / 12.5)
    assert {face.person: face.box.centre[0] > 300 for face in people} == {1: True, 2: False}


def test_who_is_hidden_by_another_for_longer_than_stale_keeps_the_number():
    tracker = Tracker(stale=0.5)
    for number in range(75):
        x = 4 * number
        near, far = at(50 + x, 100, 120), at(350 - x, 90, 90)
        hidden = abs((50 + x) - (350 - x)) < 100
        people = tracker.update([near] if hidden else [near, far], number / FPS)
    assert {face.person: face.box.width for face in people} == {1: 120, 2: 90}


def test_who_leaves_beside_another_is_not_waited_for_without_end():
    tracker = Tracker(stale=0.5)
    film(tracker, *[[at(100), at(150)]] * 5)
    film(tracker, *[[at(100)]] * 60, start=0.2)
    film(tracker, *[[at(100), at(150)]] * 5, start=2.6)
    assert tracker.numbers == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(20, 120)), max_size=5),
        min_size=1,
        max_size=25,
    )
)
def test_no_two_faces_of_a_frame_have_one_number(frames):
    tracker = Tracker()
    highest = 0
    for number, boxes in enumerate(frames):
        people = tracker.update([at(x, y, side) for x, y, side in boxes], number / FPS)
        numbers = [face.person for face in people]
        assert len(set(numbers)) == len(numbers)
        assert None not in numbers
        highest = max([highest, *numbers])
    assert highest == tracker.numbers


def test_nothing_is_kept_of_those_who_left():
    tracker = Tracker()
    for number in range(500):
        tracker.update([at(100 + 300 * (number % 7))] if number % 3 else [], number / FPS)
    tracker.update([], 500 / FPS + 5)
    assert tracker._tracks == []


def test_the_box_of_a_still_face_does_not_tremble():
    noise = np.random.default_rng(0).normal(0, 1.5, (250, 3))
    tracker, given, shown = Tracker(), [], []
    for number, (x, y, side) in enumerate(noise):
        face = at(300 + x, 200 + y, round(100 + side))
        given.append(face.box.x)
        shown.append(tracker.update([face], number / FPS)[0].box.x)
    assert np.abs(np.diff(given)).sum() > 8 * np.abs(np.diff(shown)).sum()


@pytest.mark.parametrize("widths", [0.5, 1, 2], ids="{} widths a second".format)
def test_the_box_of_a_moving_face_does_not_lag(widths):
    tracker, offs = Tracker(), []
    for number in range(50):
        face = at(100 + 100 * widths * number / FPS)
        (person,) = tracker.update([face], number / FPS)
        offs.append(abs(person.box.x - face.box.x))
    assert max(offs[10:]) <= 100 * max(0.05, 2 * DEAD_BAND)


def test_a_face_of_quite_another_size_is_another_person():
    tracker = Tracker()
    film(tracker, *[[at(200, 200, 60)]] * 5, *[[at(200, 200, 160)]] * 5)
    assert tracker.numbers == 2


def test_three_people_who_walk_get_three_numbers(shared_data, yunet):
    from expression.vision.detectors import make_detector

    detector, tracker = make_detector("yunet"), Tracker()
    video = Video(shared_data / "media" / "three_people_walking.mp4")
    video.open()
    number = 0
    while (image := video.read()) is not None:
        tracker.update(detector.detect(image), video.position)
        number += 1
    video.close()
    assert number > 30
    assert tracker.numbers == 3


LABELS = Labels(["Happy", "Sad", "Angry"])
HAPPY, SAD, NOTHING = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.34, 0.33, 0.33]


def labels_of(kind, rows, threshold=0.4, person=1):
    """The labels that a smoother shows for rows of scores at 25 frames a second."""
    smoother = Smoother(kind, LABELS, threshold)
    return [smoother.update(person, np.float32(row), n / FPS)[0] for n, row in enumerate(rows)]


@pytest.mark.parametrize("kind", ["average", "streak", "none"])
def test_a_steady_label_is_shown_and_the_change_comes_within_half_a_second(kind):
    shown = labels_of(kind, [HAPPY] * 25 + [SAD] * 25)
    assert shown[20:25] == ["Happy"] * 5
    assert shown[25 + 12 :] == ["Sad"] * 13
    assert len(list(itertools.groupby(shown[5:]))) == 2


@pytest.mark.parametrize(
    ("kind", "first"), [("average", "Happy"), ("streak", NOT_SURE), ("none", "Happy")], ids=str
)
def test_what_the_first_picture_shows(kind, first):
    assert labels_of(kind, [HAPPY]) == [first]


@pytest.mark.parametrize(
    ("kind", "shown"), [("average", {"Happy"}), ("streak", {"Happy"}), ("none", {"Happy", "Sad"})]
)
def test_a_label_that_flickers_is_held(kind, shown):
    rows = [HAPPY] * 20 + [SAD, SAD, HAPPY, HAPPY, HAPPY] * 20
    assert set(labels_of(kind, rows)[STREAK:]) == shown


@pytest.mark.parametrize("kind", ["average", "streak", "none"])
def test_not_sure_is_shown_under_the_threshold(kind):
    assert labels_of(kind, [HAPPY] * 10 + [NOTHING] * 60)[-1] == NOT_SURE
    assert labels_of(kind, [NOTHING] * 30, threshold=0.3)[-1] == "Happy"


def test_a_streak_is_broken_by_one_other_label():
    shown = labels_of("streak", [HAPPY] * (STREAK - 1) + [SAD] + [HAPPY] * STREAK)
    assert shown == [NOT_SURE] * (2 * STREAK - 1) + ["Happy"]


@pytest.mark.parametrize("fps", [5, 10, 25, 60])
def test_the_average_takes_the_same_time_at_every_frame_rate(fps):
    smoother = Smoother("average", LABELS, 0.4)
    smoother.update(1, np.float32(HAPPY), 0.0)
    for number in range(1, round(0.4 * fps) + 1):
        _, scores = smoother.update(1, np.float32(SAD), number / fps)
    assert scores[1] == pytest.approx(0.1 + 0.7 * (1 - np.exp(-1)), abs=0.01)
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    assert scores.dtype == np.float32


@pytest.mark.parametrize("kind", ["streak", "none"])
def test_other_kinds_leave_the_scores_alone(kind):
    smoother = Smoother(kind, LABELS, 0.4)
    for number, row in enumerate([HAPPY, SAD, NOTHING]):
        _, scores = smoother.update(1, np.float32(row), number / FPS)
        assert scores.tolist() == np.float32(row).tolist()


def test_people_are_smoothed_apart():
    smoother = Smoother("average", LABELS, 0.4)
    for number in range(20):
        happy = smoother.update(1, np.float32(HAPPY), number / FPS)[0]
        sad = smoother.update(2, np.float32(SAD), number / FPS)[0]
    assert (happy, sad) == ("Happy", "Sad")


def test_a_gap_is_survived_and_those_who_left_are_forgotten():
    smoother = Smoother("average", LABELS, 0.4)
    for person in range(1, 101):
        smoother.update(person, np.float32(HAPPY), person / 10)
    assert len(smoother) <= FORGET_SECONDS * 10 + 1
    _, scores = smoother.update(100, np.float32(SAD), 10.04)
    assert scores[0] > 0.6
    _, scores = smoother.update(100, np.float32(SAD), 10.04 + FORGET_SECONDS + 1)
    assert scores.tolist() == np.float32(SAD).tolist()


def test_an_unknown_smoothing_is_answered_with_the_known_ones():
    with pytest.raises(BadInputError, match=r"no smoothing 'mean'\. Expected one of average, streak, none"):
        Smoother("mean", LABELS)
    with pytest.raises(BadInputError, match=r"no smoothing 'strek'.* Did you mean streak\?"):
        Smoother("strek", LABELS)


def test_a_label_is_not_held_below_the_threshold():
    smoother = Smoother("average", ["Happy", "Sad", "Neutral"], 0.35)
    smoother.update(1, np.array([0.9, 0.05, 0.05], np.float32), 0.0)
    for step in range(1, 60):
        scores = np.array([0.2, 0.42, 0.38] if step % 2 else [0.2, 0.38, 0.42], np.float32)
        label, smoothed = smoother.update(1, scores, step * 0.04)
        if label == "Happy":
            assert smoothed[0] >= 0.35
    assert label != "Happy"
