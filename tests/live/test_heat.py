"""The thread of the heat map: for whom, how often, and how calm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from parts import PATIENCE

from expression.live.data import Data
from expression.live.heat import CALM, EVERY, HeatLoop
from expression.types import Box, Frame, Reading, Seen

SIDE = 8


class LooksAtMouth:
    """A network whose score of Happy is the brightness of one patch of the face."""

    name, labels = "mouth.tflite", ("Happy", "Sad")

    def __init__(self):
        self.faces = 0

    def preprocess(self, image: np.ndarray, box: Box) -> np.ndarray:
        return image[box.y : box.bottom, box.x : box.right, :1].astype(np.float32) / 255

    def scores(self, pictures: np.ndarray) -> np.ndarray:
        self.faces += len(pictures)
        happy = pictures[:, 4 * SIDE : 5 * SIDE, 3 * SIDE : 4 * SIDE].mean((1, 2, 3))
        return np.stack([happy, 1 - happy], 1)


class Timeless(Data):
    """Notes the pauses in place of sleeping."""

    def __init__(self):
        super().__init__()
        self.pauses: list[float] = []

    def wait_done(self, timeout=None):
        self.pauses.append(timeout)
        return self.done


def reading(person: int = 1, label: str = "Happy", x: int = 0, side: int = 48) -> Reading:
    return Reading(person, Box(x, 0, side, side), label, 0.6, {"Happy": 0.6, "Sad": 0.4})


def smile(bright: int = 200) -> np.ndarray:
    """A picture, grey but for the mouth of the face at its left edge."""
    image = np.zeros((48, 96, 3), np.uint8)
    image[4 * SIDE : 5 * SIDE, 3 * SIDE : 4 * SIDE] = bright
    return image


class Run:
    """A loop without its thread, on a network that looks at the mouth."""

    def __init__(self, on: bool = True):
        self.data, self.network = Timeless(), LooksAtMouth()
        self.data.control.heat_map = on
        self.loop = HeatLoop(self.data, self.network)
        self.follower = self.data.heat.follow()

    def see(self, *readings: Reading, time: float = 0.0, image: np.ndarray | None = None):
        """Publishes what was read in a frame, and returns the map that comes of it, or None."""
        frame = Frame(smile() if image is None else image, time=time)
        self.data.readings.publish(Seen(frame, readings))
        self.loop.step()
        return self.follower.next(0)


def test_it_tells_where_the_label_comes_from():
    heat = Run().see(reading(), time=2.0)
    assert (heat.person, heat.label, heat.time) == (1, "Happy", 2.0)
    assert np.unravel_index(heat.drops.argmax(), heat.drops.shape) == (4, 3)
    assert np.count_nonzero(heat.drops > 0.01) == 1


def test_while_the_switch_is_off_the_network_is_left_alone():
    run = Run(on=False)
    assert run.see(reading()) is None
    assert run.network.faces == 0
    run.data.control.press("h")
    assert run.see(reading()) is not None


def test_nobody_in_view_has_no_map():
    assert Run().see() is None


def test_the_largest_face_has_it():
    heat = Run().see(reading(1, side=24), reading(2, "Sad", x=48))
    assert (heat.person, heat.label) == (2, "Sad")


def test_a_reading_that_is_not_sure_has_the_map_of_its_highest_score():
    assert Run().see(reading(label="not sure")).label == "Happy"


def test_maps_are_averaged_over_a_moment():
    run = Run()
    first = run.see(reading(), time=0.0, image=smile(0)).drops[4, 3]
    alone = Run().see(reading(), image=smile(200)).drops[4, 3]
    second = run.see(reading(), time=CALM, image=smile(200)).drops[4, 3]
    assert first == pytest.approx(0, abs=1e-6)
    assert second == pytest.approx(alone * (1 - math.exp(-1)), rel=1e-4)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(reading(2), id="another person"),
        pytest.param(reading(label="Sad"), id="another label"),
    ],
)
def test_an_average_never_mixes_two_people_or_labels(other):
    run, alone = Run(), Run()
    run.see(reading(), image=smile(0))
    mixed, pure = (each.see(other, time=0.01, image=smile(200)) for each in (run, alone))
    assert mixed.drops == pytest.approx(pure.drops)


def test_switched_off_and_on_again_it_begins_anew():
    run = Run()
    run.see(reading(), image=smile(0))
    run.data.control.heat_map = False
    run.see(reading(), time=0.01)
    run.data.control.heat_map = True
    again, pure = run.see(reading(), time=0.02), Run().see(reading())
    assert again.drops == pytest.approx(pure.drops)


def test_it_leaves_time_to_the_others():
    run = Run()
    run.see(reading())
    (pause,) = run.data.pauses
    assert 0 <= pause < EVERY


def test_it_ends_with_the_readings():
    data = Data()
    loop = HeatLoop(data, LooksAtMouth())
    loop.start()
    data.readings.close()
    loop.join(PATIENCE)
    assert not loop.is_alive()
    assert data.heat.closed
