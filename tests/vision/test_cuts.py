"""A new shot is noticed; noise, a moving head and a moving camera are none."""

from __future__ import annotations

import numpy as np
import pytest

from expression.vision.cuts import Cuts, sketch


def moving(frames: int, step: int) -> list[np.ndarray]:
    """A camera that pans over a scene of blocks."""
    scene = np.random.default_rng(1).integers(0, 255, (6, 40), np.uint8).repeat(16, 0).repeat(16, 1)
    return [np.repeat(scene[:, n * step : n * step + 128, None], 3, 2) for n in range(frames)]


def noisy(frames: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.integers(90, 160, (96, 128, 3), np.uint8) for _ in range(frames)]


def head(frames: int) -> list[np.ndarray]:
    shown = []
    for n in range(frames):
        shown.append(np.full((96, 128, 3), 60, np.uint8))
        shown[-1][30:70, 20 + 3 * n : 60 + 3 * n] = 190
    return shown


@pytest.mark.parametrize(
    ("images", "starts"),
    [
        pytest.param(noisy(20), [0], id="noise"),
        pytest.param(head(20), [0], id="a head that moves"),
        pytest.param(noisy(10) + head(10), [0, 10], id="another scene"),
        pytest.param(noisy(10) + head(10) + noisy(10), [0, 10, 20], id="two cuts"),
        pytest.param([image[:1, :1] for image in head(3)], [0], id="one pixel"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_the_first_frames_of_shots_are_found(images, starts):
    cuts = Cuts()
    assert [number for number, image in enumerate(images) if cuts.starts(sketch(image))] == starts


def test_a_camera_that_keeps_moving_takes_one_shot_after_a_moment():
    cuts = Cuts()
    starts = [number for number, image in enumerate(moving(60, 2) + head(1)) if cuts.starts(sketch(image))]
    assert starts[-1] == 60
    assert all(number < 5 for number in starts[:-1])
