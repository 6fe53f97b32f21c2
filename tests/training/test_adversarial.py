"""A face is changed as little as possible, in whole grey levels, until it is read as another label."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from expression.errors import BadInputError, OutputError, RunError
from expression.labelbook.faces import OwnFaces
from expression.labels import Labels
from expression.pictures.image import read_picture, write_picture
from expression.training.adversarial import (
    DIFFERENCE,
    HACKED,
    INPUT,
    LEAD,
    SCORES,
    Hacked,
    fgsm,
    hack,
    least_change,
    pgd,
    said,
    steps,
)
from expression.training.picture_gradient import LiveNetwork
from expression.vision.detectors import make_detector

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FACE = np.random.default_rng(2).integers(0, 256, (8, 8), np.uint8)


class Linear:
    """A network of weights alone: the brighter the left half, the sadder; the upper left counts most."""

    labels, threshold = Labels(["Happy", "Sad", "Neutral"]), 0.35

    def __init__(self, weight: float = 0.02):
        self.weights = np.zeros((3, 8, 8), np.float32)
        self.weights[1, :, :4] = weight
        self.weights[1, :4, :2] *= 3

    def scores(self, face: np.ndarray) -> np.ndarray:
        logits = (self.weights * (np.float32(face) - FACE)).sum((1, 2)) + np.float32([2, 0, -1])
        return np.exp(logits) / np.exp(logits).sum()

    def gradient(self, face: np.ndarray, label: int) -> np.ndarray:
        return self.weights[label] - self.weights[1 - label]


class Drawn(Linear):
    """The same in colour."""

    def scores(self, face: np.ndarray) -> np.ndarray:
        return super().scores(face[..., 1])

    def gradient(self, face: np.ndarray, label: int) -> np.ndarray:
        return np.stack([0 * self.weights[0], super().gradient(face[..., 1], label), 0 * self.weights[0]], -1)


def change(face: np.ndarray) -> np.ndarray:
    return np.int16(face) - FACE


def test_one_step_changes_each_pixel_by_as_much_as_its_range_allows():
    changed = change(fgsm(Linear(), FACE, 1, 5))
    assert (changed[:, 4:] == 0).all(), "where the score does not change, there is no gradient"
    assert (changed[:, :4] == np.minimum(5, 255 - np.int16(FACE[:, :4]))).all()


@pytest.mark.parametrize("levels", [1, 3, 8])
def test_many_small_steps_stay_within_their_bound(levels):
    for changed in islice(steps(Linear(), FACE, 1, levels), 6):
        assert changed.dtype == np.uint8
        assert np.abs(change(changed)).max() <= levels
    assert change(pgd(Linear(), FACE, 1, levels, 6)).max() == levels
    assert (pgd(Linear(), FACE, 1, levels, 0) == FACE).all()


def test_the_least_change_is_the_smallest_bound_that_is_enough():
    network = Linear()
    found = change(least_change(network, FACE, 1))
    enough = np.abs(found).max()
    tried = [network.scores(fgsm(network, FACE, 1, levels)) for levels in (enough - 1, enough)]
    leads = [scores[1] - scores[0] for scores in tried]
    assert leads[0] < LEAD <= leads[1]


def test_the_pixels_that_count_least_keep_their_values():
    network = Linear()
    levels = 2 * np.abs(change(least_change(network, FACE, 1))).max()
    stronger = Linear(0.04)  # one level less would not be enough, and one pixel less only just
    found = change(least_change(stronger, FACE, 1, levels))
    kept = np.abs(stronger.weights[1] * found)
    assert (found != 0).sum() < (change(fgsm(stronger, FACE, 1, np.abs(found).max())) != 0).sum()
    assert kept[:4, :2].all()
    assert stronger.scores(np.uint8(FACE + found))[1] >= 0.35


def test_a_hack_tells_both_faces_and_their_scores():
    made = hack(Linear(), FACE, "Sad")
    assert (made.target, made.labels) == ("Sad", Linear.labels)
    assert (made.before.argmax(), made.after.argmax()) == (0, 1)
    assert (made.face + made.change == made.hacked).all()
    assert made.largest == np.abs(made.change).max()
    assert made.mean == pytest.approx(np.abs(made.change).mean())
    assert 0.5 < made.similarity < 1
    assert hack(Linear(), FACE, "sadness").target == "Sad"


def test_a_face_in_colour_is_hacked_too():
    made = hack(Drawn(), np.stack([FACE] * 3, -1), "Sad")
    assert made.hacked.shape == (8, 8, 3)
    assert not made.change[..., [0, 2]].any()
    assert made.similarity < 1


@pytest.mark.parametrize(
    ("weight", "to", "kind", "words"),
    [
        (
            0.02,
            "Sda",
            BadInputError,
            "--to is 'Sda'. Expected one of Happy, Sad, Neutral. Did you mean Sad?",
        ),
        (0.02, "", BadInputError, "--to is ''. Expected one of Happy, Sad, Neutral. Choose one of them."),
        (
            0.02,
            "happy",
            BadInputError,
            "The face is already read as Happy (84%). Expected another label to change it to. "
            "Choose one, such as --to Sad.",
        ),
        (
            1e-5,
            "Sad",
            RunError,
            "No change of at most 8 grey levels was found that makes the face Sad. Expected one that is too "
            "small to see. Allow more with --levels 16, or choose another label or picture.",
        ),
    ],
    ids=["a slip", "nothing", "as it is", "too far"],
)
def test_what_cannot_be_done_is_told(weight, to, kind, words):
    with pytest.raises(kind) as told:
        hack(Linear(weight), FACE, to)
    assert str(told.value) == words


def test_a_low_score_reads_not_sure_and_may_become_a_label():
    network = Linear()
    network.threshold = 0.9
    assert said(network, network.scores(FACE)) == "not sure"
    made = hack(network, FACE, "Happy", 40)
    assert made.after[0] >= 0.9


def test_pictures_and_scores_are_written(tmp_path):
    made = hack(Linear(), FACE, "Sad")
    made.write(tmp_path / "new" / "out")
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == sorted(
        [INPUT, HACKED, DIFFERENCE, SCORES]
    )
    for name, face in ((INPUT, made.face), (HACKED, made.hacked)):
        assert (read_picture(tmp_path / "new" / "out" / name) == face[..., None]).all()
    shown = read_picture(tmp_path / "new" / "out" / DIFFERENCE)[..., 0]
    assert (np.sign(np.int16(shown) - 128) == np.sign(made.change)).all()
    assert shown.max() >= 128 + 64
    lines = (tmp_path / "new" / "out" / SCORES).read_text("utf-8").splitlines()
    assert lines[0].split() == ["before", "after"]
    assert lines[1].split()[:2] == ["Happy", "84.4%"]
    assert f"Largest change of a pixel: {made.largest} of 255 grey levels" in lines
    assert lines[-1] == f"In difference.png the change is {127 // made.largest} times as large."


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file cannot be written"):
        hack(Linear(), FACE, "Sad").write(tmp_path / "file")


def test_a_difference_of_nothing_is_grey():
    made = Hacked(Linear.labels, "Sad", FACE, FACE, np.ones(3), np.ones(3))
    assert (made.difference == 128).all()
    assert (made.largest, made.mean, made.similarity) == (0, 0.0, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["Sad", "Angry"])
def test_the_shipped_network_is_fooled_by_a_picture_that_is_saved_and_read_again(portrait, tmp_path, to):
    network = LiveNetwork()
    made = hack(network, OwnFaces(lambda: make_detector("haar"))(portrait), to)
    assert made.largest <= 4
    assert made.similarity > 0.98
    path = Path(tmp_path, "hacked.png")
    write_picture(path, made.hacked)
    again = network.scores(network.runtime.cut(read_picture(path)))
    assert said(network, again) == to
    np.testing.assert_allclose(again, made.after, atol=1e-6)
