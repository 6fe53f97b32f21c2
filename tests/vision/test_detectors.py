"""Tests of the detectors and of the thread that runs one."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
from parts import PATIENCE

from expression.errors import BadInputError, MissingFileError
from expression.live.data import Data
from expression.live.detection import FaceLoop
from expression.models import registry
from expression.pictures.image import face_pixels, read_picture, resize
from expression.sources.video import Video
from expression.types import Box, Face, Frame
from expression.vision.detectors import (
    CASCADES,
    CascadeDetector,
    Detector,
    FaceCutter,
    WholeFrame,
    YuNet,
    make_detector,
)
from expression.vision.tracking import Tracker

every_detector = pytest.mark.parametrize("name", [*CASCADES, "yunet"], indirect=True)


@pytest.fixture
def name(request):
    """A detector's name that works here: the test is skipped where YuNet's file is missing."""
    if request.param == "yunet":
        request.getfixturevalue("yunet")
    return request.param


@pytest.fixture
def without_yunet(monkeypatch, tmp_path):
    monkeypatch.delenv("EXPRESSION_MODELS", raising=False)
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "nothing")


def frames_of(clip, step=1):
    video = Video(clip)
    video.open()
    for number in itertools.count():
        image = video.read()
        if image is None:
            break
        if number % step == 0:
            yield image
    video.close()


PLAIN = {
    "black": np.zeros((480, 640, 3), np.uint8),
    "white": np.full((480, 640, 3), 255, np.uint8),
    "slope": np.repeat(np.linspace(0, 255, 640).astype(np.uint8)[None, :, None], 480, 0).repeat(3, 2),
    "board": np.kron(np.indices((12, 16)).sum(0) % 2 * 255, np.ones((40, 40)))[..., None]
    .repeat(3, 2)
    .astype(np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (480, 640, 3)).astype(np.uint8),
    "tiny": np.zeros((5, 7, 3), np.uint8),
}


@pytest.mark.parametrize("picture", PLAIN.values(), ids=PLAIN)
@every_detector
def test_no_face_is_found_in_a_picture_without_one(name, picture):
    assert make_detector(name).detect(picture) == []


@every_detector
def test_every_detector_frames_the_same_face_alike(name, portrait):
    (face,) = make_detector(name).detect(portrait)
    (other,) = make_detector("haar").detect(portrait)
    assert face.person is None
    assert 0 < face.confidence <= 1
    assert face.box.width == face.box.height
    assert face.box.overlap(other.box) > 0.7
    assert face.box.centre == pytest.approx((320, 210), abs=20)


@every_detector
@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_boxes_are_in_pixels_of_the_picture_that_was_given(name, factor, portrait):
    height, width = portrait.shape[:2]
    detector = make_detector(name)
    (small,) = detector.detect(portrait)
    (other,) = detector.detect(resize(portrait, round(width * factor), round(height * factor)))
    assert other.box.overlap(small.box.scaled(factor)) > 0.75


@every_detector
def test_faces_come_the_largest_first_and_small_ones_can_be_left_out(name, portrait):
    half = resize(portrait, 320, 240)
    both = np.hstack([np.vstack([half, half * 0]), portrait[:, 160:480]])
    sizes = [face.box.width for face in make_detector(name, 40).detect(both)]
    assert len(sizes) == 2
    assert sizes[0] > 1.4 * sizes[1]
    assert len(make_detector(name, round(0.65 * sizes[0])).detect(both)) == 1


@every_detector
def test_a_face_that_has_moved_far_is_found_although_only_its_old_place_was_named(name, portrait):
    detector = make_detector(name)
    (face,) = detector.detect(portrait)
    for box in (face.box, Box(10, 10, 60, 60)):
        (again,) = detector.detect(portrait, [box], everywhere=False)
        assert again.box.overlap(face.box) > 0.75


def test_auto_takes_haar_where_yunet_is_missing_and_says_the_remedy(without_yunet):
    detector = make_detector("auto")
    assert detector.name == "Haar"
    assert "was not found" in detector.description
    assert "expression models get yunet" in detector.description


def test_auto_takes_yunet_where_its_file_is(yunet):
    detector = make_detector("auto")
    assert (detector.name, detector.description) == ("YuNet", "YuNet")


def test_yunet_by_name_without_its_file_is_an_error_with_the_remedy(without_yunet):
    with pytest.raises(MissingFileError, match=r"EXPRESSION_MODELS.*Run: expression models get yunet"):
        make_detector("yunet")


def test_a_file_that_only_looks_like_yunet_is_not_used(without_yunet, monkeypatch, tmp_path):
    (tmp_path / registry.CATALOGUE["yunet"].file_name).write_bytes(b"not a network")
    monkeypatch.setenv("EXPRESSION_MODELS", str(tmp_path))
    assert "its SHA-256 is different" in make_detector("auto").description


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, MissingFileError, "own.onnx was not found. Expected the file of YuNet."),
        (b"", BadInputError, " is not a YuNet file. Expected an ONNX file of a face detector."),
        (b"no network\n" * 50, BadInputError, " is not a YuNet file."),
        (slice(100_000), BadInputError, " is not a YuNet file."),
    ],
    ids=["missing", "empty", "text", "cut off"],
)
def test_a_file_of_ones_own_that_yunet_cannot_use_is_told(tmp_path, yunet, content, error, words):
    path = tmp_path / "own.onnx"
    if content is not None:
        path.write_bytes(yunet.read_bytes()[content] if isinstance(content, slice) else content)
    with pytest.raises(error) as caught:
        YuNet(path)
    assert words in str(caught.value)
    assert str(caught.value).endswith("Run: expression models get yunet")


@pytest.mark.parametrize("upright", [False, True], ids=["wide", "tall"])
def test_faces_of_a_strip_are_of_a_size_that_can_be(yunet, portrait, upright):
    detector = make_detector("yunet")
    for side in range(80, 140, 2):
        detector.detect(portrait)  # leaves numbers in the memory that a strip could be given
        strip = np.tile(resize(portrait, round(side * 4 / 3), side), (1, 15, 1))[:, :1280]
        image = np.ascontiguousarray(strip.transpose(1, 0, 2)) if upright else strip
        for face in detector.detect(image):
            assert face.box.width < 2 * side
            assert face.box.shared(Box(0, 0, image.shape[1], image.shape[0])) > 0


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_the_smallest_face_is_measured_in_pixels_of_the_picture(factor):
    image = np.zeros((480 * factor, 640 * factor, 3), np.uint8)
    scale = Fixed().longest / image.shape[1]  # the picture is searched this small
    found = [Face(Box(x * scale, 0, x * scale / 5, x * scale / 5)) for x in (400, 200, 150)]
    assert [face.box.width for face in Fixed(*found, smallest_face=40).detect(image)] == [84, 42]


def test_an_unknown_detector_is_answered_with_the_known_ones():
    with pytest.raises(BadInputError, match=r"There is no detector 'hog'\. Expected one of auto, haar"):
        make_detector("hog")
    with pytest.raises(BadInputError, match=r"no detector 'yunnet'.* Did you mean yunet\?"):
        make_detector("yunnet")


def test_the_whole_frame_is_one_face():
    (face,) = make_detector("whole").detect(np.zeros((20, 30, 3), np.uint8))
    assert face.box == Box(0, 0, 30, 20)
    assert isinstance(make_detector("whole"), WholeFrame)


def test_yunet_reads_a_file_from_any_folder_and_takes_frames_of_changing_size(tmp_path, portrait, yunet):
    folder = tmp_path / "モデル ü"
    folder.mkdir()
    path = folder / "renamed.onnx"
    path.write_bytes(yunet.read_bytes())
    detector = YuNet(path)
    sizes = [(640, 480), (200, 150), (640, 480), (333, 251)]
    assert [len(detector.detect(resize(portrait, *size))) for size in sizes] == [1, 1, 1, 1]


class Fixed(Detector):
    """Finds what the test says."""

    name = "fixed"

    def __init__(self, *faces, **options):
        super().__init__(**options)
        self.faces = faces

    def search(self, image, smallest, near, everywhere):
        return list(self.faces)


def test_faces_that_are_equally_large_and_sure_come_in_one_order_whatever_opencv_says():
    image = np.zeros((380, 380, 3), np.uint8)
    left, right = Face(Box(40, 60, 90, 90), 0.8), Face(Box(220, 60, 90, 90), 0.8)
    one, other = (Fixed(*faces).detect(image) for faces in ((left, right), (right, left)))
    assert one == other
    assert [face.box.x < 100 for face in one] == [True, False]


@pytest.mark.parametrize(
    ("faces", "widths"),
    [
        ([(0, 0, 100, 0.9), (20, 20, 50, 0.5)], [105]),
        ([(0, 0, 100, 0.4), (20, 20, 50, 0.8)], [52]),
        ([(0, 0, 400, 0.4), (20, 20, 60, 0.8), (200, 20, 80, 0.8)], [84, 63]),
        ([(0, 0, 100, 0.9), (80, 0, 100, 0.5)], [105, 105]),
    ],
    ids=["a small one in it", "a large one around it", "a large one around two", "neighbours"],
)
def test_of_boxes_in_each_other_the_surer_stays(faces, widths):
    found = [Face(Box(x, y, side, side), sure) for x, y, side, sure in faces]
    image = np.zeros((380, 380, 3), np.uint8)
    assert [face.box.width for face in Fixed(*found).detect(image)] == widths


def test_the_eye_filter_drops_what_has_no_eyes(portrait):
    (face,) = CascadeDetector("haar").detect(portrait)
    wall = Face(Box(20, 20, 130, 130))
    detector = Fixed(wall, eyes=True, smallest_face=24)
    assert detector.detect(portrait) == []
    detector.faces = (wall, Face(face.box))
    assert len(detector.detect(portrait)) == 1
    assert len(CascadeDetector("haar", eyes=True).detect(portrait)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "clip", "faces", "least"),
    [
        ("yunet", "slideshow_labelled.mp4", 1, 1.0),
        ("haar", "slideshow_labelled.mp4", 1, 245 / 300),
        ("haar-alt2", "slideshow_labelled.mp4", 1, 245 / 300),
        ("lbp", "slideshow_labelled.mp4", 1, 245 / 300),
        ("yunet", "three_people_walking.mp4", 3, 1.0),
        ("yunet", "woman_head_pose.mp4", 1, 1.0),
        ("haar", "man_head_pose.mp4", 1, 1.0),
    ],
    indirect=["name"],
)
def test_the_faces_of_the_clips_are_found(name, clip, faces, least, shared_data):
    detector = make_detector(name)
    counts = [len(detector.detect(image)) for image in frames_of(shared_data / "media" / clip, step=5)]
    assert counts.count(faces) >= least * len(counts)
    assert max(counts) == faces


def test_yunet_finds_everybody_on_the_group_photo(shared_data, yunet):
    photo = read_picture(shared_data / "media" / "photos" / "max_group.jpg")
    assert len(make_detector("yunet", smallest_face=20).detect(photo)) >= 5


def test_a_cutter_cuts_the_largest_face_and_counts_the_pictures_without_one(portrait):
    wall = np.full_like(portrait, 128)
    scene = np.hstack([portrait, wall])
    detector = make_detector("haar")
    cutter = FaceCutter(detector)
    np.testing.assert_array_equal(cutter(scene), face_pixels(scene, detector.detect(scene)[0].box))
    assert (cutter.pictures, cutter.missed) == (1, 0)
    np.testing.assert_array_equal(cutter(wall), np.full((48, 48), 128))
    assert (cutter.pictures, cutter.missed) == (2, 1)


@pytest.fixture
def loop():
    """A running FaceLoop over a detector that the test sets, and its Data."""
    threads = threading.active_count()
    data, detector = Data(), Fixed(Face(Box(100, 50, 60, 60)), Face(Box(300, 50, 90, 90)))
    loop = FaceLoop(data, detector, Tracker(), people=1)
    follower = data.faces.follow()
    loop.start()
    yield data, detector, loop, follower
    data.done = True
    loop.join(PATIENCE)
    assert not loop.is_alive()
    assert threading.active_count() == threads


def frame(number):
    return Frame(np.zeros((300, 380, 3), np.uint8), number, 100 + number / 25, number / 25)


def test_the_loop_publishes_the_largest_people_and_also_nobody(loop):
    data, detector, faces, follower = loop
    data.frame.publish(frame(0))
    seen = follower.next(5)
    assert seen.frame.number == 0
    assert [(face.person, face.box.width) for face in seen.items] == [(1, 94)]
    detector.faces = ()
    data.frame.publish(frame(1))
    seen = follower.next(5)
    assert (seen.frame.number, seen.items) == (1, ())
    assert (faces.frames, faces.frames_with_faces, faces.skipped) == (2, 1, 0)


def test_people_are_followed_by_the_time_of_the_recording(loop):
    data, _, _, follower = loop
    numbers = []
    for number, position in enumerate((0.0, 0.04, 0.08, 9.0)):  # nobody is sure who is back after so long
        image = np.zeros((300, 380, 3), np.uint8)
        data.frame.publish(Frame(image, number, 100 + 8 * number, position))  # a laptop that sleeps often
        numbers.append(follower.next(5).items[0].person)
    assert numbers == [1, 1, 1, 2]


def test_the_loop_looks_near_the_last_faces_and_now_and_then_everywhere(loop):
    data, detector, _, follower = loop
    asked = []

    def search(image, smallest, near, everywhere):
        asked.append((len(near), everywhere))
        return list(detector.faces)

    detector.search, detector.quick_near = search, True
    for number in range(6):
        data.frame.publish(frame(number))
        assert follower.next(5).frame.number == number
    detector.faces = ()
    for number in range(6, 9):
        data.frame.publish(frame(number))
        follower.next(5)
    near, full = (1, False), (1, True)
    assert asked == [(0, True), near, near, near, full, near, near, (0, False), (0, True)]


def test_a_detector_of_ones_own_needs_no_more_than_detect():
    class Own:
        def detect(self, image):
            return [Face(Box(1, 2, 30, 30))]

    data = Data()
    loop = FaceLoop(data, Own(), Tracker())
    data.frame.publish(frame(0))
    data.frame.close()
    loop.start()
    loop.join(PATIENCE)
    assert [face.person for face in data.faces.latest.items] == [1]
    assert not loop.is_alive()


def test_the_loop_counts_the_frames_that_it_skipped(loop):
    data, detector, faces, follower = loop
    entered, release = threading.Event(), threading.Event()

    def slow(*_):
        entered.set()
        release.wait(PATIENCE)
        return []

    detector.search = slow
    data.frame.publish(frame(0))
    assert entered.wait(PATIENCE)
    for number in (1, 2, 3):
        data.frame.publish(frame(number))
    release.set()
    while follower.next(5).frame.number != 3:
        pass
    assert faces.skipped == 2


def test_the_loop_handles_the_last_frame_and_closes_its_slot(loop):
    data, _, faces, follower = loop
    data.frame.publish(frame(0))
    data.frame.close()
    faces.join(PATIENCE)
    assert not faces.is_alive()
    assert follower.next(0).frame.number == 0
    assert follower.ended
    assert data.error is None


def test_an_error_of_the_detector_ends_the_run_and_is_kept(loop):
    data, detector, faces, _ = loop

    def broken(*_):
        raise RuntimeError("no more")

    detector.search = broken
    data.frame.publish(frame(0))
    assert data.wait_done(5)
    faces.join(PATIENCE)
    assert (data.error[0], str(data.error[1])) == ("faces", "no more")
    assert data.faces.closed
