"""Layouts of inputs, and outputs of networks."""

from __future__ import annotations

import numpy as np
import pytest

from expression.models.shapes import FaceShape, answering, as_scores, face_shape, kind_of_answers


@pytest.mark.parametrize(
    ("dims", "shape"),
    [
        ((48, 48, 1), FaceShape(48, 1)),
        ((224, 224, 3), FaceShape(224, 3)),
        ((3, 64, 64), FaceShape(64, 3, True)),
        ((1, 64, 64), FaceShape(64, 1, True)),
        ((None, None, 3), FaceShape(None, 3)),
        ((3, None, None), FaceShape(None, 3, True)),
        ((None, None, None), FaceShape(None, None)),
        ((48, 48), FaceShape(48, 1, rank=2)),
        ((2304,), FaceShape(48, 1, rank=1)),
        ((6912,), FaceShape(48, 3, rank=1)),
    ],
    ids=str,
)
def test_a_face_fits_into_the_usual_layouts(dims, shape):
    assert face_shape(dims) == shape
    size, channels = shape.size or 10, shape.channels or 3
    pictures = np.random.default_rng(0).random((2, size, size, channels), np.float32)
    assert shape.fitted(pictures).shape == (2, *shape.dims(size, channels))


@pytest.mark.parametrize(
    "dims", [(48, 64, 1), (48, 48, 4), (10, 48, 48, 3), (2305,), (None,), (), (48, 40)], ids=str
)
def test_what_is_no_square_picture_is_told(dims):
    with pytest.raises(ValueError, match=r"its input is .*, which is not a square picture of 1 or 3 colours"):
        face_shape(dims)


def test_channels_that_come_first_keep_their_pixels():
    picture = np.arange(2 * 2 * 3).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(face_shape((3, None, None)).fitted(picture)[0, 1], picture[0, ..., 1])


@pytest.mark.parametrize(
    ("shapes", "heads", "labels", "chosen"),
    [
        ([(7,)], 1, 7, [0]),
        ([(1, 1, 7)], 1, 7, [0]),
        ([(2, 7)], 2, 7, [0]),
        ([(2,), (7,), (128,)], 1, 7, [1]),
        ([(7,), (3,), (7,)], 2, 7, [0, 2]),
        ([(2, 2)], 2, 2, [0]),
        ([()], 1, 1, [0]),
    ],
    ids=str,
)
def test_answers_are_found_among_all_outputs(shapes, heads, labels, chosen):
    assert answering(shapes, heads, labels) == chosen


@pytest.mark.parametrize(
    ("shapes", "heads", "labels", "said"),
    [
        ([(7,)], 1, 8, "it returns 1 x 7"),
        ([(7,), (7,)], 1, 7, "it returns 1 x 7 and 1 x 7"),
        ([(14,)], 2, 7, "it returns 1 x 14"),
        ([], 1, 7, "it returns nothing"),
    ],
    ids=str,
)
def test_answers_that_do_not_fit_are_told(shapes, heads, labels, said):
    with pytest.raises(ValueError, match=said):
        answering(shapes, heads, labels)


LOGITS = np.float32([[2, -1, 0.5], [-3, 4, 1]])
SCORES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("numbers", "kind", "scores"),
    [
        (SCORES, "scores", SCORES),
        (LOGITS, "logits", SCORES),
        (np.log(SCORES), "logits", SCORES),
        (np.float32([[0.9, 0.9, 0.2], [0.1, 0.2, 0.1]]), "shares", [[0.45, 0.45, 0.1], [0.25, 0.5, 0.25]]),
        (np.float32([[0.25], [1]]), "chance", [[0.75, 0.25], [0, 1]]),
        (np.float32([[0], [200]]), "odds", [[0.5, 0.5], [0, 1]]),
        (np.round(SCORES * 256) / 256, "scores", SCORES),
        (LOGITS * 1000, "logits", [[1, 0, 0], [0, 1, 0]]),
    ],
    ids=["scores", "logits", "logarithms", "sigmoids", "a sigmoid", "its logit", "in steps", "large"],
)
def test_what_numbers_are_is_seen_in_them(numbers, kind, scores):
    assert kind_of_answers(numbers[:, None]) == kind
    found = as_scores(numbers, kind)
    np.testing.assert_allclose(found, scores, atol=0.01)
    np.testing.assert_allclose(found.sum(-1), 1, atol=0.01)


def test_a_face_of_which_every_sigmoid_says_no_is_all_labels_alike():
    np.testing.assert_allclose(as_scores(np.zeros((1, 4), np.float32), "shares"), 0.25)


def test_numbers_that_are_none_stay_so():
    assert np.isnan(as_scores(np.full((1, 4), np.nan, np.float32), "logits")).all()
