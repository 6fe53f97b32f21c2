"""The demo shows what its story says, the same on every run, and detectors find its people."""

from __future__ import annotations

import itertools
import time

import cv2
import numpy as np
import psutil
import pytest

from expression.models import load, registry
from expression.pictures import image
from expression.sources import open_source
from expression.sources._portrait import FOLDER, Portrait
from expression.sources._story import FEELINGS, FPS, FRAMES, HEIGHT, MOODS, WIDTH, smooth, track
from expression.sources.demo import Demo
from expression.types import Box

EVERY = 10
"""Detectors look at every tenth frame."""


@pytest.fixture(scope="module")
def demo():
    demo = Demo()
    demo.open()
    yield demo
    demo.close()


@pytest.fixture
def boxes_by_yunet(yunet, demo):
    """A function from a frame's number to the boxes that YuNet finds, from left to right."""
    detector = cv2.FaceDetectorYN.create(str(yunet), "", (320, 240), 0.7)

    def find(number: int) -> list[Box]:
        small = cv2.cvtColor(image.resize(demo.picture(number), 320, 240), cv2.COLOR_RGB2BGR)
        found = detector.detect(small)[1]
        boxes = [] if found is None else [Box(*np.round(face[:4] * 2).astype(int).tolist()) for face in found]
        return sorted(boxes, key=lambda box: box.x)

    return find


def people_at(demo: Demo, seconds: float) -> int:
    """The number of faces fully in view; after half a minute the video starts again."""
    number = int(seconds * FPS + 1e-6) % FRAMES
    (x1, _, size1, _), (x2, y2, size2, _) = (demo._places[name][number] for name in ("first", "second"))
    first = 60 * size1 < x1 < WIDTH - 60 * size1
    second = 60 * size2 < x2 < WIDTH - 60 * size2 and y2 < HEIGHT - 60 * size2
    hidden = abs(x1 - x2) < 75 * size1 + 60 * size2
    return int(first) + int(second and not hidden)


def test_the_demo_needs_no_camera_and_gives_rgb_at_its_own_pace():
    demo = open_source("demo")
    demo.open()
    picture = demo.read()
    assert (picture.shape, picture.dtype, demo.fps, demo.mirror) == ((480, 640, 3), np.uint8, 25, False)
    suit = picture[440, 260].astype(int)
    assert suit[0] > suit[2] + 80  # orange: red comes first
    demo.close()


@pytest.mark.slow
def test_a_frame_is_always_the_same_whatever_was_drawn_before(demo):
    other = Demo()
    other.open()
    for number in (0, 130, 260, 400, 475, 540, 660):
        np.testing.assert_array_equal(demo.picture(number), other.picture(number))
    np.testing.assert_array_equal(demo.picture(0), other.picture(0))
    other.close()


@pytest.mark.slow
def test_a_picture_stays_as_it_is_when_the_next_is_read():
    demo = Demo()
    demo.open()
    first = demo.read()
    copy = first.copy()
    assert np.abs(demo.read().astype(int) - copy).max() > 0
    np.testing.assert_array_equal(first, copy)
    demo.close()


@pytest.mark.slow
def test_without_repeat_it_ends_after_half_a_minute_and_can_be_opened_again():
    demo = Demo(repeat=False)
    demo.open()
    demo.number = FRAMES - 1
    assert demo.read() is not None
    assert demo.read() is None
    demo.open()
    assert demo.read() is not None
    demo.close()
    assert FRAMES / demo.fps == 30


@pytest.mark.slow
def test_with_repeat_the_end_runs_into_the_beginning():
    demo = Demo(repeat=True)
    demo.open()
    demo.number = FRAMES - 2
    pictures = [demo.read().astype(int) for _ in range(4)]
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(pictures)]
    assert max(steps) < 3 * min(steps) + 0.5
    np.testing.assert_array_equal(pictures[2], demo.picture(0))
    demo.close()


@pytest.mark.slow
def test_no_frame_jumps(demo):
    """Nobody appears suddenly: successive frames differ little, also at the end of the loop."""
    numbers = [*range(0, FRAMES, 3), 0]
    small = [cv2.resize(demo.picture(number), (64, 48)).astype(int) for number in numbers]
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(small)]
    assert max(steps) < 25


@pytest.mark.parametrize(
    ("seconds", "people"),
    [
        (0, 1),
        (5, 1),
        (10, 1),
        (15, 2),
        (17, 2),
        (19, 1),
        (21, 2),
        (24, 1),
        (26, 0),
        (27, 0),
        (29.9, 1),
        (45, 2),
    ],
)
def test_the_story_has_one_two_and_no_people(demo, seconds, people):
    assert people_at(demo, seconds) == people


def test_the_story_tells_what_each_person_is_meant_to_show(demo):
    assert demo.story()[:3] == [(0, "Happy"), (2.4, "Neutral"), (4.4, "Surprise")]
    assert demo.story("second")[1] == (14.6, "Surprise")
    seconds = [second for second, _ in demo.story()]
    assert seconds == sorted(seconds)


def test_the_two_cross_each_others_way(demo):
    first, second = (demo._places[name][:, 0] for name in ("first", "second"))
    assert first[400] < second[400]
    assert first[525] > second[525]


def test_light_changes(demo):
    bright, dim, warm, cool = (demo.picture(25 * s)[:400].mean((0, 1)) for s in (1, 10, 14, 17))
    assert dim.mean() < 0.6 * bright.mean()
    assert warm[0] / warm[2] > bright[0] / bright[2] > cool[0] / cool[2]


@pytest.mark.parametrize("feeling", sorted(set(FEELINGS) - {"laugh"}))
@pytest.mark.parametrize("other", [False, True], ids=["first", "second"])
def test_a_feeling_changes_the_face_and_nothing_around_it(feeling, other):
    portrait = Portrait(other)
    before = portrait.pixels.copy()
    portrait.express(FEELINGS[feeling])
    changed = np.abs(portrait.pixels.astype(int) - before).max(2) > 0
    rows, columns = np.where(changed.any(1))[0], np.where(changed.any(0))[0]
    assert changed.mean() > 0.01
    assert rows[0] >= 96
    assert rows[-1] < 300
    assert columns[0] >= 240
    assert columns[-1] < 438
    portrait.express({})
    np.testing.assert_array_equal(portrait.pixels, before)


def test_a_blink_covers_the_eyes():
    portrait = Portrait()
    eye = np.s_[148:156, 300:312, :3]  # the iris on the left
    opened = portrait.pixels[eye].mean()
    portrait.express({"blink": 1.0})
    assert portrait.pixels[eye].mean() > opened + 40


@pytest.mark.slow
def test_yunet_finds_everybody_who_is_in_view_and_nobody_when_nobody_is(demo, boxes_by_yunet):
    for number in range(0, FRAMES, EVERY):
        assert len(boxes_by_yunet(number)) >= people_at(demo, number / 25), f"at {number / 25} s"
    assert not any(boxes_by_yunet(number) for number in range(650, 690, 5))


@pytest.mark.slow
def test_haar_finds_nearly_everybody(demo):
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    found = there = 0
    for number in range(0, FRAMES, EVERY):
        people = people_at(demo, number / 25)
        grey = cv2.equalizeHist(image.grey(demo.picture(number)))
        there += people
        found += min(people, len(detector.detectMultiScale(grey, 1.2, 5, minSize=(60, 60))))
    assert found > 0.9 * there


@pytest.mark.skipif(not registry.SHIPPED.is_file(), reason="needs the shipped network")
def test_the_shipped_network_reads_several_expressions(demo, boxes_by_yunet):
    network = load()
    read = set()
    for seconds in (1, 3.4, 5.6, 10, 15.6, 16.4, 21.4):
        picture = demo.picture(round(seconds * 25))
        faces = [image.preprocess(picture, box, network.size) for box in boxes_by_yunet(round(seconds * 25))]
        read |= {network.labels[index] for index in network.scores(np.stack(faces)).argmax(1)}
    assert {"Happy", "Surprise", "Neutral"} <= read


@pytest.mark.slow
def test_a_picture_takes_a_few_milliseconds_and_leaves_nothing_behind(demo):
    numbers = [*range(350, 450, 2)]  # two people, both with an expression
    for number in numbers[:10]:
        demo.picture(number)
    process = psutil.Process()
    memory, began = process.memory_info().rss, time.thread_time()
    for _ in range(2):
        for number in numbers:
            demo.picture(number)
    assert (time.thread_time() - began) / len(numbers) / 2 < 0.02  # about 0.004 on a quiet computer
    assert process.memory_info().rss - memory < 20 << 20


def test_the_portrait_is_small_enough_to_ship():
    assert sum(path.stat().st_size for path in FOLDER.glob("portrait*.jpg")) < 100_000


def test_every_mood_is_a_feeling_that_is_described():
    assert {feeling for moods in MOODS.values() for _, feeling in moods} <= set(FEELINGS)


def test_a_track_goes_straight_between_its_keys_and_round_its_corners():
    straight = track([(0, 10.0), (15, 40.0), (30, 10.0)])
    assert straight.shape == (FRAMES, 1)
    assert straight[375, 0] == 40
    round_corner = smooth(straight, 10)
    assert round_corner[375, 0] < 40
    assert abs(round_corner[0, 0] - round_corner[-1, 0]) < 0.1
