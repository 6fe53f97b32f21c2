"""Camera faults degrade a face, but it remains a face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from expression.training.camera_faults import (
    FAULTS,
    blur,
    degraded,
    jpeg,
    low_light,
    low_resolution,
    noise,
    side_light,
)


@pytest.fixture
def face() -> np.ndarray:
    """Two eyes and a mouth."""
    picture = np.full((48, 48), 150, np.float32)
    for spot in ((16, 18), (32, 18)):
        cv2.circle(picture, spot, 3, 20.0, -1)
    cv2.ellipse(picture, (24, 34), (9, 4), 0, 0, 180, 40.0, -1)
    return picture


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_changes_a_face_and_leaves_it_one(face, fault):
    before = face.copy()
    for seed in range(30):
        other = fault(face, np.random.default_rng(seed))
        assert other.shape == (48, 48)
        assert not np.array_equal(other, face)
        assert np.corrcoef(face.ravel(), np.clip(other, 0, 255).ravel())[0, 1] > 0.5
    np.testing.assert_array_equal(face, before)


def spread(picture: np.ndarray) -> float:
    """How different neighbouring pixels are."""
    return float(np.abs(np.diff(picture, axis=1)).mean())


def mean_of(fault, face: np.ndarray) -> np.ndarray:
    return np.mean([fault(face, np.random.default_rng(seed)) for seed in range(50)], 0)


def test_each_fault_does_what_it_is_called_after(face):
    generator = np.random.default_rng(0)
    assert mean_of(low_light, face).mean() < face.mean() / 2
    assert spread(blur(face, generator)) < spread(face)
    assert spread(low_resolution(face, generator)) < spread(face)
    even = np.full((48, 48), 100, np.float32)
    assert 2 < np.std(noise(even, generator)) < 14
    lit = side_light(even, generator)
    assert lit.max() > 1.3 * lit.min()
    assert lit.mean() == pytest.approx(100, abs=1)
    assert len(np.unique(jpeg(even, generator))) == 1
    assert spread(jpeg(face, generator)) != spread(face)


def test_no_chance_leaves_a_face_as_it_is_and_certainty_gives_it_every_fault(face):
    np.testing.assert_array_equal(degraded(face, np.random.default_rng(0), 0.0), face)
    worst = degraded(face, np.random.default_rng(0), 1.0)
    assert (worst.shape, worst.dtype) == (face.shape, np.float32)
    assert 0 <= worst.min() <= worst.max() <= 255
    assert worst.mean() < 100


def test_a_fault_is_as_likely_as_it_is_said_to_be(face):
    changed = [
        not np.array_equal(degraded(face, np.random.default_rng(seed), 0.05), face) for seed in range(400)
    ]
    assert np.mean(changed) == pytest.approx(1 - 0.95 ** len(FAULTS), abs=0.07)


def test_the_same_chance_gives_the_same_picture(face):
    one, other = (degraded(face, np.random.default_rng(4), 0.8) for _ in range(2))
    np.testing.assert_array_equal(one, other)
