"""What is done to a face before a network reads it, and how a gradient passes through it."""

from __future__ import annotations

import numpy as np
import pytest

from expression.labels import Labels
from expression.teaching.defences import DEFENCES, Defended, rounded, shifted

FACE = np.random.default_rng(4).integers(0, 256, (48, 48), np.uint8)


class Bright:
    """A network for which one pixel counts."""

    labels, threshold = Labels(["Happy", "Sad"]), 0.35

    def __init__(self, row: int, column: int):
        self.place = row, column

    def scores(self, face: np.ndarray) -> np.ndarray:
        share = face[self.place] / 255
        return np.array([1 - share, share])

    def gradient(self, face: np.ndarray, label: int) -> np.ndarray:
        slope = np.zeros(face.shape, np.float32)
        slope[self.place] = 1
        return slope


@pytest.mark.parametrize("name", DEFENCES)
def test_a_defence_returns_faces_that_differ_a_little_from_the_one_given(name):
    ramp = np.add.outer(np.arange(48), np.arange(48))
    smooth = (ramp + 6 * (ramp % 2)).astype(np.uint8)
    looks = DEFENCES[name].looks(smooth)
    assert len(looks) == len(DEFENCES[name].backs)
    for look in looks:
        assert (look.shape, look.dtype) == ((48, 48), np.uint8)
        assert min(np.abs(np.int16(look) - face).mean() for face in (smooth, smooth[:, ::-1])) < 8
    assert any((look != smooth).any() for look in looks)


@pytest.mark.parametrize("name", DEFENCES)
def test_scores_are_the_mean_of_what_the_network_reads_instead(name):
    network = Bright(20, 12)
    looks = DEFENCES[name].looks(FACE)
    expected = np.mean([network.scores(look) for look in looks], 0)
    np.testing.assert_allclose(Defended(network, DEFENCES[name]).scores(FACE), expected)


@pytest.mark.parametrize("name", ["blurred", "shifted copies"])
def test_a_gradient_goes_to_the_pixels_that_are_read(name):
    defended = Defended(Bright(20, 12), DEFENCES[name])
    gradient = defended.gradient(FACE, 1)
    assert gradient.sum() == pytest.approx(1, abs=1e-3)
    for place in np.argwhere(gradient > 0.05):
        brighter = FACE.copy()
        brighter[tuple(place)] = 255 if FACE[tuple(place)] < 128 else 0
        moved = defended.scores(brighter)[1] - defended.scores(FACE)[1]
        by = (int(brighter[tuple(place)]) - int(FACE[tuple(place)])) / 255
        assert moved / by == pytest.approx(gradient[tuple(place)], abs=0.03)


def test_rounding_hides_small_changes_except_at_a_border():
    assert (rounded(np.uint8([16, 31, 32])) == [24, 24, 40]).all()


def test_a_shifted_face_repeats_its_edge():
    assert (shifted(np.uint8([[1, 2, 3]]), 1, 0) == [[1, 1, 2]]).all()
    assert (shifted(np.uint8([[1], [2], [3]]), 0, -1) == [[2], [3], [3]]).all()
