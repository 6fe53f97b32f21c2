"""The occlusion map finds out what a network looks at."""

from __future__ import annotations

import numpy as np
import pytest

from expression.errors import BadInputError
from expression.models import load
from expression.models.occlusion import GRID, covered, occlusion_map


class LooksAt:
    """A network that looks at one patch alone: the brighter it is, the happier."""

    name, labels = "looks_at.tflite", ("Sad", "Happy")

    def __init__(self, row: int, column: int, side: int = 8):
        self._place = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)

    def scores(self, pictures: np.ndarray) -> np.ndarray:
        happy = pictures[(slice(None), *self._place)].mean((1, 2, 3)).clip(0, 1)
        return np.stack([1 - happy, happy], 1)


def face(size: int = 48) -> np.ndarray:
    """A face that is bright everywhere except in its upper half, so that a cover is darker."""
    picture = np.full((size, size, 1), 0.9, np.float32)
    picture[: size // 2] = -0.9
    return picture


@pytest.mark.parametrize("place", [(3, 0), (4, 3), (5, 5)])
def test_a_network_that_looks_at_one_patch_is_found_out(place):
    drops = occlusion_map(LooksAt(*place), face(), "Happy")
    assert drops.shape == (GRID, GRID)
    assert np.unravel_index(drops.argmax(), drops.shape) == place
    assert drops[place] == pytest.approx(0.9)
    assert np.count_nonzero(drops) == 1


def test_what_speaks_against_a_label_is_below_zero():
    drops = occlusion_map(LooksAt(4, 3), face(), "Sad")
    assert drops[4, 3] == pytest.approx(-0.9)
    assert drops.max() == 0


def test_the_patches_cover_each_pixel_once_whatever_the_size_of_the_face():
    ramp = np.arange(50 * 50, dtype=np.float32).reshape(50, 50, 1)
    changed = sum(covered(ramp, [patch]) != ramp for patch in range(GRID * GRID))
    assert (changed == 1).all()


def test_a_covered_face_has_the_same_mean_where_it_is_covered_and_is_a_copy():
    picture = face()
    result = covered(picture, [0, 1])
    assert result[:8, :16] == pytest.approx(picture.mean())
    assert (result[8:] == picture[8:]).all()
    assert (picture[0, 0] == np.float32(-0.9)).all()


def test_the_map_is_of_the_network_s_own_labels():
    with pytest.raises(BadInputError) as caught:
        occlusion_map(LooksAt(0, 0), face(), "Hapy")
    assert str(caught.value) == (
        "looks_at.tflite has no label 'Hapy'. Expected one of Sad, Happy. Did you mean Happy?"
    )


def test_the_shipped_network_gives_the_same_as_one_batch():
    network = load()
    picture = np.random.default_rng(3).normal(size=(48, 48, 1)).astype(np.float32)
    batch = np.stack([picture, *(covered(picture, [patch]) for patch in range(GRID * GRID))])
    scores = network.scores(batch)[:, list(network.labels).index("Fear")]
    drops = occlusion_map(network, picture, "Fear")
    assert drops.ravel() == pytest.approx(scores[0] - scores[1:], abs=1e-6)
