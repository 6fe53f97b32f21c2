"""Batches are distorted, reproducible and whole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from expression.augmentation import Batches, distort
from expression.dataset import Split


@pytest.fixture
def split():
    generator = np.random.default_rng(3)
    return Split(generator.integers(0, 256, (10, 48, 48), np.uint8), np.arange(10) % 3)


def test_an_epoch_shows_every_picture_once(split):
    batches = Batches(split, 3, batch=4)
    parts = [batches[number] for number in range(len(batches))]
    assert [len(pictures) for pictures, _ in parts] == [4, 4, 2]
    targets = np.concatenate([targets for _, targets in parts])
    assert targets.sum(0).tolist() == [4, 3, 3]
    assert targets.sum(1).tolist() == [1.0] * 10
    assert parts[0][0].shape == (4, 48, 48, 1)
    assert parts[0][0].dtype == parts[0][1].dtype == np.float32


def test_pictures_are_standardised_as_in_a_live_run(split):
    pictures, _ = Batches(split, 3, batch=10)[0]
    np.testing.assert_allclose(pictures.mean((1, 2, 3)), 0, atol=1e-4)
    assert (pictures.std((1, 2, 3)) < 1).all()


def test_a_batch_depends_on_seed_epoch_and_number_alone(split):
    first = Batches(split, 3, batch=4, seed=5)
    once = first[1]
    first.epoch = 1
    later = Batches(split, 3, batch=4, seed=5, epoch=1)
    np.testing.assert_array_equal(first[1][0], later[1][0])
    np.testing.assert_array_equal(Batches(split, 3, batch=4, seed=5)[1][0], once[0])
    assert not np.array_equal(first[1][0], once[0])
    assert not np.array_equal(Batches(split, 3, batch=4, seed=6)[1][0], once[0])


def test_labels_stay_with_their_pictures():
    """Dark pictures have label 0 and pictures with a bright half label 1."""
    pictures = np.zeros((20, 48, 48), np.uint8)
    pictures[10:, :24] = 200
    batches = Batches(Split(pictures, np.arange(20) // 10), 2, batch=20)
    inputs, targets = batches[0]
    np.testing.assert_array_equal(inputs.std((1, 2, 3)) > 0.5, targets[:, 1] == 1)


def test_a_distorted_face_still_looks_like_itself():
    face = np.zeros((48, 48), np.uint8)
    cv2.circle(face, (24, 24), 15, 200, -1)
    for seed in range(20):
        other = distort(face, np.random.default_rng(seed))
        assert other.dtype == np.float32
        assert 0 <= other.min() <= other.max() <= 255
        assert np.corrcoef(face.ravel(), other.ravel())[0, 1] > 0.5


def test_about_half_of_the_faces_are_mirrored():
    face = np.zeros((48, 48), np.uint8)
    face[:, 30:] = 250
    left = sum(
        distort(face, np.random.default_rng(seed))[:, :18].mean()
        > distort(face, np.random.default_rng(seed))[:, 30:].mean()
        for seed in range(200)
    )
    assert 70 < left < 130


def test_a_mirrored_face_stays_in_the_middle():
    """The mean over many distortions is symmetric: mirroring moves nothing sideways."""
    face = np.zeros((48, 48), np.uint8)
    face[23:25, 23:25] = 255
    mean = np.mean([distort(face, np.random.default_rng(seed)) for seed in range(3000)], 0)
    mean -= np.median(mean)
    columns = mean.clip(0).sum(0)
    assert (columns * np.arange(48)).sum() / columns.sum() == pytest.approx(23.5, abs=0.25)
