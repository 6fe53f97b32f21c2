"""Defences against adversarial examples: what is done to a face before a network reads it.

    defended = Defended(network, DEFENCES["shifted copies"])

Lesson 14 tries them, and `benchmarks/hack.py` measures what they cost and how well they hold, also against
somebody who knows of them.

Sources: Xu et al., Feature Squeezing, 2017, https://arxiv.org/abs/1704.01155; Athalye et al., Obfuscated
Gradients Give a False Sense of Security, 2018, https://arxiv.org/abs/1802.00420

Notebook: 14_fool_it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from ..pictures.image import crop, decode_picture, encode_jpeg, grey
from ..training.adversarial import Network
from ..types import Box

ROUNDED = 16
"""Grey levels that become one."""

BLUR = 0.7
"""The deviation of the blur, in pixels."""

QUALITY = 60
"""Of the JPEG."""

SHIFTS = ((0, 0), (3, 1), (-1, -3))
"""By how many pixels copies are shifted right and down; each is also mirrored."""


@dataclass(frozen=True)
class Defence:
    """What is done to a grey face, (size, size) uint8.

    Attributes:
        looks: Returns the faces that the network reads instead; their scores are averaged.
        backs: For each of them, what turns the gradient with respect to it into one with respect to the face.
            For steps without a useful slope, such as rounding, the gradient is left as it is.
    """

    looks: Callable[[np.ndarray], list[np.ndarray]]
    backs: tuple[Callable[[np.ndarray], np.ndarray], ...]


class Defended:
    """A network with a defence in front of it, which attacks can be tried on like any other.

    Args:
        network: The network to defend.
        defence: The defence.
    """

    def __init__(self, network: Network, defence: Defence):
        self._network, self._defence = network, defence
        self.labels, self.threshold = network.labels, network.threshold

    def scores(self, face: np.ndarray) -> np.ndarray:
        """Returns the (labels,) mean scores of what the network reads instead of a face."""
        return np.mean([self._network.scores(look) for look in self._defence.looks(face)], 0)

    def gradient(self, face: np.ndarray, label: int) -> np.ndarray:
        """Returns the gradient as somebody computes it who knows the defence, float32."""
        looks = zip(self._defence.looks(face), self._defence.backs, strict=True)
        return np.mean([back(self._network.gradient(look, label)) for look, back in looks], 0)


def rounded(face: np.ndarray) -> np.ndarray:
    """Returns a face with only 16 grey levels, so that small changes vanish."""
    return face // ROUNDED * ROUNDED + ROUNDED // 2


def blurred(face: np.ndarray) -> np.ndarray:
    """Returns a face in which each pixel is mixed with its neighbours; also for gradients."""
    return cv2.GaussianBlur(face, (5, 5), BLUR, borderType=cv2.BORDER_REPLICATE)


def compressed(face: np.ndarray) -> np.ndarray:
    """Returns a face after it was saved as a JPEG."""
    return grey(decode_picture(encode_jpeg(face, QUALITY)))


def shifted(face: np.ndarray, right: int, down: int) -> np.ndarray:
    """Returns a face shifted by so many pixels; its edges are repeated."""
    return crop(face, Box(-right, -down, face.shape[1], face.shape[0]))


def copies(face: np.ndarray) -> list[np.ndarray]:
    """Returns shifted copies of a face, each as it is and mirrored."""
    moved = [shifted(face, *by) for by in SHIFTS]
    return [*moved, *(np.ascontiguousarray(copy[:, ::-1]) for copy in moved)]


def _same(gradient: np.ndarray) -> np.ndarray:
    return gradient


def _back(gradient: np.ndarray, right: int, down: int, mirrored: bool) -> np.ndarray:
    """Moves the gradient with respect to a copy to where its pixels came from."""
    return shifted(gradient[:, ::-1] if mirrored else gradient, -right, -down)


DEFENCES = {
    "rounded": Defence(lambda face: [rounded(face)], (_same,)),
    "blurred": Defence(lambda face: [blurred(face)], (blurred,)),
    "compressed": Defence(lambda face: [compressed(face)], (_same,)),
    "shifted copies": Defence(
        copies,
        tuple(
            partial(_back, right=right, down=down, mirrored=mirrored)
            for mirrored in (False, True)
            for right, down in SHIFTS
        ),
    ),
}
"""The defences by name."""
