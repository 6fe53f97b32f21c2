"""What is drawn on a frame: where, in which colour, and never cut off."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.labels import FER2013, NOT_SURE
from expression.types import Box, Reading
from expression.vision import layers
from expression.vision.drawing import PALETTE, blank, caption, colour, describe, draw, inset_size, text_size

SIZES = {
    "tiny": (160, 120),
    "small": (320, 240),
    "usual": (640, 480),
    "tall": (480, 640),
    "full": (1920, 1080),
}


def reading(person: int = 1, box: Box | None = None, label: str = "Happy", score: float = 0.7) -> Reading:
    scores = dict.fromkeys(FER2013, (1 - score) / 6)
    scores[label if label in scores else "Neutral"] = score
    return Reading(person, box or Box(250, 150, 130, 160), label, score, scores)


def frame(width: int = 640, height: int = 480) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


class Placed:
    """Notes what is laid over the frame: kind, text and place."""

    def __init__(self, monkeypatch):
        self.boxes: list[tuple[str, str, Box]] = []
        self._names: dict[int, tuple[str, str]] = {}
        for kind in ("line", "pill", "panel"):
            monkeypatch.setattr(layers, kind, self._named(kind, getattr(layers, kind)))
        blend = layers.blend

        def noting(canvas, layer, x, y):
            kind, text = self._names.get(id(layer.keep), ("bar", ""))
            self.boxes.append((kind, text, Box(x, y, *layer.extent)))
            blend(canvas, layer, x, y)

        monkeypatch.setattr(layers, "blend", noting)

    def of(self, kind: str) -> dict[str, Box]:
        """Where things of a kind went, by their text."""
        return {text: box for name, text, box in self.boxes if name == kind}

    def _named(self, kind, make):
        def making(first, *others):
            made = make(first, *others)
            layer = made.layer if kind == "panel" else made
            self._names[id(layer.keep)] = (kind, others[1] if kind == "panel" else first)
            return made

        return making


@pytest.fixture
def placed(monkeypatch) -> Placed:
    return Placed(monkeypatch)


def inside(box: Box, picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    return box.x >= 0 and box.y >= 0 and box.right <= width and box.bottom <= height


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_frame_is_copied_and_keeps_its_size(size):
    image = frame(*size)
    drawn = draw(image, [reading(box=Box(size[0] // 3, size[1] // 3, size[0] // 4, size[1] // 3))], "24 fps")
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (image == 90).all()
    assert (drawn != 90).any()


def test_nobody_and_no_status_leave_the_picture_as_it_is():
    np.testing.assert_array_equal(draw(frame(), []), frame())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("where", ["top left", "top", "right", "bottom right", "fills", "outside"])
def test_nothing_is_cut_off_at_the_edges(placed, size, where):
    width, height = size
    face = {
        "top left": Box(-20, -30, width // 4, height // 3),
        "top": Box(width // 3, 0, width // 4, height // 3),
        "right": Box(width - width // 5, height // 3, width // 4, height // 3),
        "bottom right": Box(width - width // 4, height - height // 4, width // 3, height // 3),
        "fills": Box(-5, -5, width + 10, height + 10),
        "outside": Box(width + 50, height + 50, 80, 80),
    }[where]
    picture = frame(*size)
    draw(picture, [reading(box=face, label="Surprise", score=1.0)], "24 fps · 31 ms")
    assert placed.of("pill")
    for kind, text, box in placed.boxes:
        assert inside(box, picture), (kind, text, box)


faces = st.builds(Box, st.integers(-50, 620), st.integers(-50, 460), st.integers(1, 500), st.integers(1, 400))


@settings(max_examples=60, deadline=None)
@given(boxes=st.lists(faces, max_size=6), label=st.sampled_from([*FER2013, NOT_SURE, "Grübeln"]))
def test_any_faces_can_be_drawn_and_labels_stay_inside(boxes, label):
    with pytest.MonkeyPatch.context() as monkeypatch:
        placed, picture = Placed(monkeypatch), frame()
        draw(picture, [reading(number, box, label) for number, box in enumerate(boxes, 1)], "24 fps")
    assert all(inside(box, picture) for _, _, box in placed.boxes)


@pytest.mark.parametrize(
    "second",
    [Box(300, 150, 130, 160), Box(255, 155, 120, 150), Box(250, 315, 130, 150), Box(250, 0, 130, 145)],
    ids=["beside", "upon", "below", "above"],
)
def test_the_labels_of_two_people_do_not_cover_each_other(placed, second):
    draw(frame(), [reading(1), reading(2, second, "Sad", 0.6)])
    pills = placed.of("pill")
    assert pills["Happy 70%"].overlap(pills["Sad 60%"]) == 0


def test_a_label_is_above_its_face_and_below_a_face_at_the_top(placed):
    draw(frame(), [reading(box=Box(250, 150, 130, 160))])
    assert placed.of("pill")["Happy 70%"].bottom <= 150
    draw(frame(), [reading(box=Box(250, 2, 130, 160))])
    assert placed.of("pill")["Happy 70%"].y >= 162


def test_bars_are_beside_the_largest_face_and_cover_no_other_face(placed):
    small, large = Box(420, 150, 60, 60), Box(250, 150, 130, 160)
    draw(frame(), [reading(1, small), reading(2, large)])
    panels = placed.of("panel")
    assert "Person 2" in panels
    assert all(panel.overlap(face) == 0 for panel in panels.values() for face in (small, large))


def test_somebody_alone_has_no_number(placed):
    draw(frame(), [reading(7)])
    assert set(placed.of("panel")) == {""}
    one, two = layers.pill("Happy 70%", "", (1, 2, 3), 16), layers.pill("Happy 70%", "7", (1, 2, 3), 16)
    assert placed.of("pill")["Happy 70%"].width == one.extent[0] < two.extent[0]


def test_a_bar_is_as_long_as_its_score(placed):
    draw(frame(), [reading(score=0.4)])
    bars = [box.width for kind, _, box in placed.boxes if kind == "bar"]
    assert len(bars) == 7
    happy = max(bars)
    assert happy == bars[3]
    assert bars[0] == pytest.approx(happy / 4, abs=1)


def test_of_many_labels_the_highest_are_shown_in_their_order(placed):
    scores = {f"L{number:02}": number / 190 for number in range(20)}
    draw(frame(), [Reading(1, Box(250, 150, 130, 160), "L19", 0.1, scores)])
    assert len([kind for kind, _, _ in placed.boxes if kind == "bar"]) == 8


def test_a_reading_without_scores_gets_a_label_only(placed):
    draw(frame(), [Reading(1, Box(250, 150, 130, 160), "Happy", 0.5, {})])
    assert set(placed.of("pill")) == {"Happy 50%"}
    assert not placed.of("panel")


def test_the_status_is_in_the_bottom_left_corner(placed):
    draw(frame(), [], "24 fps · 31 ms")
    box = placed.of("line")["24 fps · 31 ms"]
    assert box.x < 20
    assert 460 < box.bottom <= 480


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_small_pictures_stand_side_by_side_in_the_bottom_right_corner(size):
    picture = frame(*size)
    width, height = inset_size(picture)
    insets = [np.full((height, width, 3), shade, np.uint8) for shade in (255, 0)]
    drawn = draw(picture, [], insets=insets)
    y = size[1] - height // 2
    first, second = (np.flatnonzero(drawn[y, :, 0] == shade) for shade in (255, 0))
    assert len(first) == len(second) == width
    assert second[-1] < first[0] < first[-1] < size[0] - 1


def test_labels_keep_clear_of_a_small_picture(placed):
    width, height = inset_size(frame())
    face = Box(560, 330, 60, 70)
    draw(frame(), [reading(box=face)], insets=[np.zeros((height, width, 3), np.uint8)])
    label = placed.of("pill")["Happy 70%"]
    assert not label.overlap(Box(640 - width - 8, 480 - height - 8, width, height))


def test_a_label_that_is_too_long_loses_letters_but_not_its_score(placed):
    draw(frame(320, 240), [reading(label="Contemptuously disappointed with everything")])
    (text,) = placed.of("pill")
    assert text.startswith("Contemp")
    assert text.endswith("… 70%")


def test_the_box_has_the_colour_of_its_label_at_its_corners():
    drawn = draw(frame(), [reading(box=Box(250, 150, 130, 160), label="Fear")])
    arm = drawn[150, 272]
    np.testing.assert_allclose(arm, PALETTE["fear"], atol=3)


def test_each_label_has_its_own_colour_whatever_its_case():
    assert len({colour(label) for label in FER2013}) == 7
    assert colour("HAPPY") == colour("happy") == PALETTE["happy"]
    assert colour(NOT_SURE) not in PALETTE.values()
    red, green, blue = colour(NOT_SURE)
    assert max(red, green, blue) - min(red, green, blue) < 20, "grey"


@pytest.mark.parametrize("label", ["Bored", "Grübeln", "笑"])
def test_a_label_of_the_reader_always_has_the_same_bright_colour(label):
    assert colour(label) == colour(label)
    assert max(colour(label)) > 200
    assert colour("Bored") != colour("Thinking")


def test_letters_grow_with_the_frame():
    sizes = [
        text_size(frame(*size)) for size in ((160, 120), (320, 240), (640, 480), (1280, 720), (1920, 1080))
    ]
    assert sizes == [11, 11, 16, 24, 36]


def test_words_tell_what_is_drawn():
    assert describe([]) == "no face"
    assert describe([reading(3)]) == "Happy 70%"
    assert describe([reading(2, label="Sad"), reading(1)]) == "person 1: Happy 70%, person 2: Sad 70%"
    assert caption(reading(label=NOT_SURE)) == "not sure"


def test_a_blank_picture_has_its_text_in_the_middle():
    picture = blank(640, 480, "Waiting for the first frame …")
    assert picture.shape == (480, 640, 3)
    bright = np.argwhere(picture.min(2) > 150)
    assert abs(bright.mean(0) - (240, 320)).max() < 12


def test_two_faces_are_drawn_in_a_few_milliseconds():
    picture, people = (
        frame(),
        [reading(1, Box(80, 150, 130, 160)), reading(2, Box(400, 150, 120, 150), "Sad")],
    )
    seconds = []
    for _ in range(30):
        began = time.thread_time()
        draw(picture, people, "24 fps · 31 ms")
        seconds.append(time.thread_time() - began)
    assert min(seconds) < 0.006
