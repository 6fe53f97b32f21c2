"""Batches are distorted, reproducible and complete, and blend targets like pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from expression.training.augmentation import Batches, distort, erase, paste
from expression.training.distillation import Teachers
from expression.training.targets import TrainingTargets

FACES = np.random.default_rng(3).integers(0, 256, (10, 48, 48), np.uint8)
TARGETS = np.eye(3, dtype=np.float32)[np.arange(10) % 3][:, None]


@pytest.fixture
def lessons():
    """Ten pictures of three labels, one head."""
    return TrainingTargets(FACES, TARGETS, np.ones((10, 1), np.float32))


@pytest.fixture
def two_heads():
    """The same with a second head, which knows an answer, the third label, for the first half only."""
    third = np.zeros((10, 1, 3), np.float32)
    third[:5, 0, 2] = 1
    weights = np.full((10, 2), 2, np.float32)
    weights[5:, 1] = 0
    return TrainingTargets(FACES, np.concatenate([TARGETS, third], 1), weights)


def test_an_epoch_shows_every_picture_once(lessons):
    batches = Batches(lessons, batch=4)
    parts = [batches[number] for number in range(len(batches))]
    assert [len(pictures) for pictures, _, _ in parts] == [4, 4, 2]
    targets = np.concatenate([targets for _, targets, _ in parts])
    assert targets.sum((0, 1)).tolist() == [4, 3, 3]
    assert targets.sum((1, 2)).tolist() == [1.0] * 10
    assert [values.shape for values in parts[0]] == [(4, 48, 48, 1), (4, 1, 3), (4, 1)]
    assert {values.dtype for values in parts[0]} == {np.dtype(np.float32)}


def test_pictures_are_standardised_as_in_a_live_run(lessons):
    pictures = Batches(lessons, batch=10)[0][0]
    assert pictures.shape == (10, 48, 48, 1)
    np.testing.assert_allclose(pictures.mean((1, 2, 3)), 0, atol=1e-4)
    assert (pictures.std((1, 2, 3)) < 1).all()


def test_a_batch_depends_on_seed_epoch_and_number_alone(lessons):
    first, second, other = (Batches(lessons, batch=4, seed=seed) for seed in (5, 5, 6))
    once = first[1][0]
    first[0]
    np.testing.assert_array_equal(first[1][0], once)
    np.testing.assert_array_equal(second[1][0], once)
    assert not np.array_equal(other[1][0], once)
    first.epoch = second.epoch = 1
    np.testing.assert_array_equal(first[1][0], second[1][0])
    assert not np.array_equal(first[1][0], once)


def test_labels_stay_with_their_pictures():
    """Dark pictures have label 0 and pictures with a bright half label 1."""
    pictures = np.zeros((20, 48, 48), np.uint8)
    pictures[10:, :24] = 200
    targets = np.eye(2, dtype=np.float32)[np.arange(20) // 10][:, None]
    inputs, answers, _ = Batches(TrainingTargets(pictures, targets, np.ones((20, 1))), batch=20)[0]
    np.testing.assert_array_equal(inputs.std((1, 2, 3)) > 0.5, answers[:, 0, 1] == 1)


def test_a_picture_is_mirrored_in_every_second_epoch():
    pictures = np.zeros((30, 48, 48), np.uint8)
    pictures[:, :, 30:] = 250
    names = np.eye(30, dtype=np.float32)[:, None]  # each picture is a label of its own
    batches = Batches(TrainingTargets(pictures, names, np.ones((30, 1))), batch=30)
    mirrored = []
    for epoch in range(4):
        batches.epoch = epoch
        inputs, answers, _ = batches[0]
        left = inputs[:, :, :18].mean((1, 2, 3)) > inputs[:, :, 30:].mean((1, 2, 3))
        mirrored.append(dict(zip(answers[:, 0].argmax(1).tolist(), left.tolist(), strict=True)))
    assert mirrored[0] == mirrored[2] != mirrored[1] == mirrored[3]
    assert all(mirrored[0][name] != mirrored[1][name] for name in range(30))
    assert 5 < sum(mirrored[0].values()) < 25


def test_some_faces_have_a_rectangle_wiped_out(lessons):
    whole, wiped = (Batches(lessons, batch=10, erasing=share)[0][0] for share in (0.0, 1.0))
    for ours, theirs in zip(whole, wiped, strict=True):
        assert not np.allclose(ours, theirs)
        _, counts = np.unique(theirs, return_counts=True)
        assert (
            48 * 48 / 12 < counts.max() < 48 * 48 / 3
        )  # one grey level; light may turn some more pixels black


def test_a_wiped_rectangle_lies_inside_and_has_one_grey():
    for seed in range(50):
        face = np.full((40, 40), -1.0)
        erase(face, np.random.default_rng(seed))
        rows, columns = np.nonzero(face >= 0)
        assert 0.3 * 40 <= np.ptp(rows) + 1 <= 0.5 * 40
        assert 0.3 * 40 <= np.ptp(columns) + 1 <= 0.5 * 40
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert len(np.unique(face)) == 2


# Blending pictures, and learning from teachers.


def test_blended_pictures_have_blended_answers(lessons):
    plain, blended = Batches(lessons, batch=10), Batches(lessons, batch=10, mixup=0.5)
    pictures, targets, weights = blended[0]
    np.testing.assert_allclose(targets.sum(2), 1, atol=1e-6)
    np.testing.assert_allclose(weights, 1, atol=1e-6)
    part = max(targets[0, 0].max(), 1 - targets[0, 0].max())
    assert 0.5 < part < 1
    shares = {round(float(share), 3) for share in targets.ravel()} - {0.0, 1.0}
    assert shares <= {round(float(part), 3), round(float(1 - part), 3)}
    assert not np.allclose(pictures, plain[0][0])
    assert {values.dtype for values in blended[0]} == {np.dtype(np.float32)}


def test_an_unknown_answer_does_not_weaken_the_one_it_is_blended_with(two_heads):
    _, targets, weights = Batches(two_heads, batch=10, mixup=0.5)[0]
    known = weights[:, 1] > 0
    np.testing.assert_allclose(targets[known, 1], [[0, 0, 1]] * known.sum(), atol=1e-6)
    assert (targets[~known, 1] == 0).all()
    assert len(np.unique(weights[:, 1].round(4))) > 1


def test_a_pasted_rectangle_has_its_share_of_the_answers(lessons):
    """Pictures of one grey each: what is pasted has the grey of the picture that it comes from."""
    greys = np.arange(10, dtype=np.float32)[:, None, None, None] + 0.5
    for seed in range(20):
        pictures = np.tile(greys, (1, 48, 48, 1))
        share = paste(pictures, pictures[::-1].copy(), np.random.default_rng(seed))
        assert share == pytest.approx((pictures[0] == greys[9]).mean())
        np.testing.assert_allclose(
            pictures.mean((1, 2, 3)), (greys * (1 - share) + greys[::-1] * share).ravel(), rtol=1e-5
        )


@pytest.mark.parametrize("epoch", range(5))
def test_pasted_pictures_have_pasted_answers(lessons, epoch):
    whole, pasted = Batches(lessons, batch=10), Batches(lessons, batch=10, mixup=0.5, cutmix=1.0)
    whole.epoch = pasted.epoch = epoch
    (before, own, _), (pictures, targets, weights) = whole[0], pasted[0]
    kept = np.isclose(pictures, before).mean((1, 2, 3)).min()
    np.testing.assert_allclose(targets.sum(2), 1, atol=1e-6)
    np.testing.assert_allclose(weights, 1, atol=1e-6)
    shares = (targets * own).sum(2)  # all of it where both pictures have the same label
    assert ((np.abs(shares - kept) < 0.01) | (shares > 0.999)).all()


def test_some_batches_are_pasted_and_the_others_not(lessons):
    batches, alone = (Batches(lessons, batch=5, cutmix=cutmix) for cutmix in (0.5, 0.0))
    same = []
    for epoch in range(10):
        batches.epoch = alone.epoch = epoch
        same += [np.array_equal(batches[number][0], alone[number][0]) for number in range(2)]
    assert 3 < sum(same) < 17


def test_cameras_spoil_some_pictures_and_teachers_see_them_without():
    even = TrainingTargets(
        np.tile(FACES[:1], (40, 1, 1)), np.ones((40, 1, 2), np.float32) / 2, np.ones((40, 1))
    )
    seen = []
    teachers = Teachers([lambda faces: seen.append(faces) or np.full((len(faces), 1, 2), 0.5)], [1.0], 0.5)
    clean, spoiled = Batches(even, batch=40), Batches(even, batch=40, camera=0.1, teachers=teachers)
    before, after = clean[0][0], spoiled[0][0]
    changed = [not np.allclose(one, other) for one, other in zip(before, after, strict=True)]
    assert 8 < sum(changed) < 32  # one in ten of each of six faults
    np.testing.assert_array_equal(seen[0], before)


def test_views_come_again_and_what_is_wiped_out_does_not(lessons):
    batches, wiped = Batches(lessons, batch=4, views=2), Batches(lessons, batch=4, views=2, erasing=1.0)
    pictures = []
    for epoch in range(4):
        batches.epoch = wiped.epoch = epoch
        pictures.append((batches[1][0], wiped[1][0]))
    np.testing.assert_array_equal(pictures[0][0], pictures[2][0])
    np.testing.assert_array_equal(pictures[1][0], pictures[3][0])
    assert not np.array_equal(pictures[0][0], pictures[1][0])
    assert not np.array_equal(pictures[0][1], pictures[2][1])


def says(*shares: float):
    """A teacher that gives the same answer for every picture."""
    return lambda pictures: np.tile(np.float32(shares), (len(pictures), 2, 1))


def test_what_teachers_say_stands_beside_what_is_known_and_is_blended_alike(two_heads):
    teachers = Teachers([says(1, 0, 0), says(0, 1, 0)], [1, 1], share=0.6)
    targets = Batches(two_heads, batch=10, teachers=teachers)[0][1]
    plain = Batches(two_heads, batch=10)[0][1]
    np.testing.assert_array_equal(targets[:, :2], plain)
    np.testing.assert_allclose(targets[:, 2:], np.tile([0.5, 0.5, 0], (10, 2, 1)), atol=1e-6)
    blended = Batches(two_heads, batch=10, mixup=0.5, teachers=teachers)[0]
    np.testing.assert_allclose(blended[1][:, 2:], np.tile([0.5, 0.5, 0], (10, 2, 1)), atol=1e-6)
    assert len(np.unique(blended[1][:, 0].round(4))) > 3


def test_teachers_see_the_distorted_pictures_before_anything_is_wiped_out(lessons):
    seen = []

    def teacher(pictures):
        seen.append(pictures)
        return TARGETS

    teachers = Teachers([teacher], [1.0], 0.7)
    whole = Batches(lessons, batch=10, teachers=teachers)[0][0]
    erased = Batches(lessons, batch=10, erasing=1.0, teachers=teachers)[0][0]
    np.testing.assert_array_equal(seen[0], whole)
    np.testing.assert_array_equal(seen[1], whole)
    assert not np.array_equal(erased, whole)


def test_a_distorted_face_still_looks_like_itself():
    face = np.zeros((48, 48), np.uint8)
    cv2.circle(face, (24, 24), 15, 200, -1)
    for seed in range(20):
        other = distort(face, np.random.default_rng(seed))
        assert other.dtype == np.float32
        assert 0 <= other.min() <= other.max() <= 255
        assert np.corrcoef(face.ravel(), other.ravel())[0, 1] > 0.5


def test_a_mirrored_face_is_the_other_way_round_and_stays_in_the_middle():
    face = np.zeros((48, 48), np.uint8)
    face[23:25, 10:12] = 255
    means = []
    for mirrored in (False, True):
        parts = [distort(face, np.random.default_rng(seed), mirrored) for seed in range(1000)]
        mean = np.mean(parts, 0)
        columns = (mean - np.median(mean)).clip(0).sum(0)
        means.append((columns * np.arange(48)).sum() / columns.sum())
    assert means[0] < 16
    assert means[0] + means[1] == pytest.approx(47, abs=0.3)
