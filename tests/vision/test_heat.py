"""The heat over a face: where it is bright, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from expression.types import Box
from expression.vision.heat import TOPS, draw_heat, heat_legend, top_of

BOX = Box(60, 40, 120, 120)


def picture() -> np.ndarray:
    return np.full((240, 320, 3), (180, 130, 110), np.uint8)


def heat(row: int, column: int, fall: float = 0.4) -> np.ndarray:
    drops = np.zeros((6, 6), np.float32)
    drops[row, column] = fall
    return drops


def colourful(image: np.ndarray) -> np.ndarray:
    """How far each pixel is from grey."""
    return np.ptp(image.astype(int), axis=-1)


@pytest.mark.parametrize("place", [(0, 0), (4, 3), (2, 5)])
def test_the_brightest_colour_is_where_the_score_falls_most(place):
    drawn = draw_heat(picture(), BOX, heat(*place))
    face = colourful(drawn[BOX.y : BOX.bottom, BOX.x : BOX.right])
    y, x = np.unravel_index(face.argmax(), face.shape)
    assert (y // 20, x // 20) == place


def test_the_face_is_grey_elsewhere_and_the_rest_of_the_picture_as_it_was():
    image = picture()
    drawn = draw_heat(image, BOX, heat(3, 3))
    assert colourful(drawn[BOX.y + 2, BOX.x + 2 : BOX.right - 2]).max() == 0
    assert (drawn[:, : BOX.x] == image[:, : BOX.x]).all()
    assert (image == picture()).all(), "the frame itself is left alone"


def test_a_fall_that_is_hardly_one_stays_pale():
    strong, weak = (draw_heat(picture(), BOX, heat(3, 3, fall)) for fall in (0.4, 0.0004))
    assert colourful(weak[40:160, 60:180]).max() < colourful(strong[40:160, 60:180]).max() / 4


@pytest.mark.parametrize(
    "box",
    [Box(-40, -30, 120, 120), Box(280, 200, 120, 120), Box(-300, 0, 120, 120), Box(10, 10, 1, 1)],
    ids=["top left", "bottom right", "outside", "a pixel"],
)
def test_a_face_at_the_edge_or_outside_is_drawn_as_far_as_it_can_be(box):
    assert draw_heat(picture(), box, heat(3, 3)).shape == (240, 320, 3)


@pytest.mark.parametrize(
    ("fall", "top"), [(-1.0, 0.01), (0.0, 0.01), (0.06, 0.1), (0.5, 0.5), (1.0, 1.0), (1.0001, 1.0)]
)
def test_the_scale_ends_at_a_round_figure(fall, top):
    assert top_of(np.full((6, 6), fall, np.float32)) == top


@pytest.mark.parametrize("size", [10, 13, 40])
def test_the_legend_fits_its_words(size):
    legends = [heat_legend(top, size) for top in TOPS]
    assert all(legend.dtype == np.uint8 and legend.shape == legends[0].shape for legend in legends)
    assert len({legend.tobytes() for legend in legends}) == len(TOPS)
    bar = colourful(legends[0])[legends[0].shape[0] * 3 // 4]
    assert bar.max() > 100, "the bar shows the colours"
