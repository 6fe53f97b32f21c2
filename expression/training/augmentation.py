"""Batches for training, each picture distorted in a new way every epoch.

The network sees no picture twice, so it cannot learn them by heart and gets used to
boxes that sit a little off. `training.py` makes the Batches.

Notebook: 05_train
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from .image import standardise
from .network import keras

TURN = 15.0
"""Degrees that a face is turned by, at most; beyond that detectors rarely find one."""

ZOOM = (0.85, 1.2)
"""How much smaller and larger a face is made."""

MOVE = 5 / 48
"""Share of the picture's side that a face is moved by, at most."""

Teacher = Callable[[np.ndarray], np.ndarray]
"""From (n, 48, 48, 1) pictures to (n, heads, labels) scores, as `Runtime.all_scores`."""


@dataclass(frozen=True)
class Lessons:
    """What a network is to learn: pictures, and the right answers of each head.

    Attributes:
        pictures: (n, 48, 48) uint8 grey levels.
        targets: (n, heads, labels) float32, shares of each label.
        weights: (n, heads) float32, how much an answer counts; 0 where none is known.
    """

    pictures: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


class Batches(keras.utils.PyDataset):
    """Hands out batches, distorted and standardised.

    Order and distortions depend on the seed, the epoch and the number of the batch alone,
    so a training that was stopped sees the same pictures when it goes on. Whoever trains
    sets `epoch` as each begins.

    Args:
        lessons: What is to be learned.
        batch: Pictures in a batch; the last one may have fewer.
        seed: Decides order and distortions.
        erasing: Share of the pictures in which a rectangle is wiped out, as by a hand or a lamp.
        mixup: How much two pictures and their answers are blended; 0 for not at all.
        teachers: Networks whose answers to the distorted pictures are blended with the targets.
        share: How much of the targets comes from the teachers.
    """

    def __init__(
        self,
        lessons: Lessons,
        batch: int = 128,
        seed: int = 0,
        erasing: float = 0.0,
        mixup: float = 0.0,
        teachers: tuple[Teacher, ...] = (),
        share: float = 0.7,
    ):
        super().__init__()
        self.lessons, self.batch, self.seed = lessons, batch, seed
        self.erasing, self.mixup, self.teachers, self.share = erasing, mixup, teachers, share
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self.lessons.pictures) / self.batch)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns (n, 48, 48, 1) pictures, (n, heads, labels) targets and (n, heads) weights."""
        lessons = self.lessons
        count = len(lessons.pictures)
        order = np.random.default_rng([self.seed, self.epoch]).permutation(count)
        chosen = order[number * self.batch : (number + 1) * self.batch]
        # Mirrored in one epoch, not in the next: both are seen equally often.
        # Source: Jordan, 94% on CIFAR-10 in 3.29 Seconds, 2024, https://arxiv.org/abs/2404.00498
        mirrored = (np.random.default_rng(self.seed).random(count)[chosen] < 0.5) ^ bool(self.epoch % 2)
        generator = np.random.default_rng([self.seed, self.epoch, number])
        faces = [distort(lessons.pictures[i], generator, m) for i, m in zip(chosen, mirrored, strict=True)]
        targets, weights = self._answers(standardise(np.stack(faces)), chosen)
        for face in faces:
            if generator.random() < self.erasing:
                erase(face, generator)
        return self._mixed(standardise(np.stack(faces)), targets, weights, generator)

    def _answers(self, pictures: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns targets and weights, with what the teachers say to the same pictures."""
        targets, weights = self.lessons.targets[chosen], self.lessons.weights[chosen]
        if not self.teachers:
            return targets, weights
        taught = np.mean([teacher(pictures) for teacher in self.teachers], axis=0)
        known = (weights > 0)[..., None]
        blended = np.where(known, (1 - self.share) * targets + self.share * taught, taught)
        # Where the data have no answer, that of the teachers counts as much as an answer usually does.
        return blended.astype(np.float32), np.where(weights > 0, weights, np.float32(weights.shape[1]))

    def _mixed(self, pictures, targets, weights, generator):
        """Blends each picture with another of the batch. https://arxiv.org/abs/1710.09412"""
        if not self.mixup:
            return pictures, targets, weights
        part = np.float32(generator.beta(self.mixup, self.mixup))
        other = generator.permutation(len(pictures))

        def blend(values: np.ndarray) -> np.ndarray:
            return part * values + (1 - part) * values[other]

        # An answer that does not count must not weaken the one that it is blended with.
        counted, weights = blend(targets * weights[..., None]), blend(weights)
        return blend(pictures), counted / np.maximum(weights, np.float32(1e-9))[..., None], weights


def distort(picture: np.ndarray, generator: np.random.Generator, mirrored: bool = False) -> np.ndarray:
    """Returns a face turned, moved, zoomed, in other light, and mirrored or not.

    Args:
        picture: (size, size) uint8 grey levels.
        generator: Where the chance comes from.
        mirrored: Whether left and right change places.

    Returns:
        (size, size) float32 grey levels, 0 to 255.

    Example:
        >>> distort(np.full((48, 48), 90, np.uint8), np.random.default_rng(0)).shape
        (48, 48)
    """
    size = len(picture)
    middle = ((size - 1) / 2,) * 2
    matrix = cv2.getRotationMatrix2D(middle, generator.uniform(-TURN, TURN), generator.uniform(*ZOOM))
    matrix[:, 2] += generator.uniform(-MOVE, MOVE, 2) * size
    if mirrored:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    moved = cv2.warpAffine(picture, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    # What goes beyond black and white is lost, as in a camera; `standardise` undoes the rest.
    contrast, light = generator.uniform(0.75, 1.35), generator.uniform(-30, 30)
    return np.clip((moved.astype(np.float32) - 128) * contrast + 128 + light, 0, 255)


def erase(face: np.ndarray, generator: np.random.Generator) -> None:
    """Wipes a rectangle of a face out, in place: a twelfth to a quarter of it turns to one grey.

    Source: Zhong et al., Random Erasing Data Augmentation, 2017, https://arxiv.org/abs/1708.04896
    """
    size = len(face)
    height, width = (round(size * generator.uniform(0.3, 0.5)) for _ in range(2))
    y, x = (round(generator.uniform(0, size - length)) for length in (height, width))
    face[y : y + height, x : x + width] = generator.uniform(0, 255)
