"""Batches for training, with each picture distorted in a new way in every epoch.

The network never sees the same picture twice, so it cannot memorise them and gets used to
slightly misplaced boxes. `trainer.py` creates the Batches.

Notebook: 06_train
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..models.architectures import keras
from ..pictures.image import standardise
from .camera_faults import degraded
from .distillation import Teachers
from .targets import TrainingTargets

TURN = 15.0
"""Largest rotation of a face, in degrees; beyond that detectors rarely find one."""

ZOOM = (0.85, 1.2)
"""Smallest and largest scale of a face."""

MOVE = 5 / 48
"""Largest shift of a face, as a share of the picture's side."""


class Batches(keras.utils.PyDataset):
    """Yields batches of distorted and standardised pictures.

    Order and distortions depend only on the seed, the epoch and the number of the batch,
    so a training run that was stopped sees the same pictures when it continues. The trainer
    sets `epoch` at the start of each epoch.

    Args:
        learned: The training targets.
        batch: Number of pictures in a batch; the last one may have fewer.
        seed: Random seed for order and distortions.
        erasing: Share of the pictures in which a rectangle is erased, as if covered by a hand or a lamp.
        mixup: How much two pictures and their targets are blended; 0 for not at all.
        cutmix: Share of the batches in which a rectangle of another picture is pasted instead.
        camera: Probability of each camera fault in a picture.
        views: Number of epochs after which rotations, shifts and light repeat; 0 for never.
        teachers: Networks whose outputs for the distorted pictures are learned too. They see whole pictures,
            without camera faults.
        features: (n, numbers) float32, what a frozen base finds in the pictures. They are yielded instead of
            pictures, and nothing is distorted.
    """

    def __init__(
        self,
        learned: TrainingTargets,
        batch: int = 128,
        seed: int = 0,
        erasing: float = 0.0,
        mixup: float = 0.0,
        cutmix: float = 0.0,
        camera: float = 0.0,
        views: int = 0,
        teachers: Teachers | None = None,
        features: np.ndarray | None = None,
    ):
        super().__init__()
        self.learned, self.batch, self.seed = learned, batch, seed
        self.erasing, self.mixup, self.cutmix, self.camera = erasing, mixup, cutmix, camera
        self.views, self.teachers, self.features = views, teachers, features
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self.learned.pictures) / self.batch)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns (n, 48, 48, 1) pictures, (n, heads, labels) targets and (n, heads) weights.

        With teachers, there are twice as many heads: those of the data and those of the teachers.
        """
        learned, count = self.learned, len(self.learned.pictures)
        view = self.epoch % self.views if self.views else self.epoch
        order = np.random.default_rng([self.seed, view]).permutation(count)
        chosen = order[number * self.batch : (number + 1) * self.batch]
        # Mirrored in every other epoch, so both are seen equally often.
        # Source: Jordan, 94% on CIFAR-10 in 3.29 Seconds, 2024, https://arxiv.org/abs/2404.00498
        mirrored = (np.random.default_rng(self.seed).random(count)[chosen] < 0.5) ^ bool(view % 2)
        generator = np.random.default_rng([self.seed, view, number])
        targets, weights = learned.targets[chosen], learned.weights[chosen]
        if self.features is not None:
            return self._mixed(self.features[chosen], targets, weights, generator)
        faces = [distort(learned.pictures[i], generator, m) for i, m in zip(chosen, mirrored, strict=True)]
        if self.teachers:
            asked = (view, number * self.batch)
            targets, weights = self.teachers.answers(standardise(np.stack(faces)), targets, weights, asked)
        if self.views:  # What the teachers do not see does not have to repeat.
            generator = np.random.default_rng([self.seed, view, number, self.epoch])
        return self._mixed(self._spoiled(faces, generator), targets, weights, generator)

    def _spoiled(self, faces: list[np.ndarray], generator: np.random.Generator) -> np.ndarray:
        """Returns (n, 48, 48, 1) standardised pictures, some with faults or an erased rectangle."""
        if self.camera:
            faces = [degraded(face, generator, self.camera) for face in faces]
        for face in faces:
            if generator.random() < self.erasing:
                erase(face, generator)
        return standardise(np.stack(faces))

    def _mixed(self, pictures, targets, weights, generator):
        """Blends each picture with another of the batch, or pastes a part of it; also blends targets.

        Source: Zhang et al., mixup, 2017, https://arxiv.org/abs/1710.09412
        """
        if self.cutmix and generator.random() < self.cutmix:
            other = generator.permutation(len(pictures))
            part = np.float32(1 - paste(pictures, pictures[other], generator))
        elif self.mixup:
            part = np.float32(generator.beta(self.mixup, self.mixup))
            other = generator.permutation(len(pictures))
            pictures = part * pictures + (1 - part) * pictures[other]
        else:
            return pictures, targets, weights

        def blend(values: np.ndarray) -> np.ndarray:
            return part * values + (1 - part) * values[other]

        # A target with weight 0 must not weaken the one that it is blended with.
        counted, weights = blend(targets * weights[..., None]), blend(weights)
        return pictures, counted / np.maximum(weights, np.float32(1e-9))[..., None], weights


def distort(picture: np.ndarray, generator: np.random.Generator, mirrored: bool = False) -> np.ndarray:
    """Returns a face rotated, shifted, scaled, in different light, and perhaps mirrored.

    Args:
        picture: (size, size) uint8 grey levels.
        generator: The random generator.
        mirrored: Whether to swap left and right.

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
    # Values beyond black and white are clipped, as in a camera; `standardise` undoes the rest.
    contrast, light = generator.uniform(0.75, 1.35), generator.uniform(-30, 30)
    return np.clip((moved.astype(np.float32) - 128) * contrast + 128 + light, 0, 255)


def erase(face: np.ndarray, generator: np.random.Generator) -> None:
    """Erases a rectangle of a face in place: a twelfth to a quarter of it becomes a single grey.

    Source: Zhong et al., Random Erasing Data Augmentation, 2017, https://arxiv.org/abs/1708.04896
    """
    size = len(face)
    height, width = (round(size * generator.uniform(0.3, 0.5)) for _ in range(2))
    y, x = (round(generator.uniform(0, size - length)) for length in (height, width))
    face[y : y + height, x : x + width] = generator.uniform(0, 255)


def paste(pictures: np.ndarray, others: np.ndarray, generator: np.random.Generator) -> float:
    """Pastes a rectangle of each other picture into a picture in place, the same rectangle for all.

    Source: Yun et al., CutMix, 2019, https://arxiv.org/abs/1905.04899

    Args:
        pictures: (n, size, size, 1).
        others: As many pictures, which must not share memory with the first ones.
        generator: The random generator.

    Returns:
        The share of the picture that was pasted.
    """
    size = pictures.shape[1]
    length = round(size * math.sqrt(generator.uniform(0, 1)))
    y, x = generator.integers(0, size - length + 1, 2)
    part = np.s_[:, y : y + length, x : x + length]
    pictures[part] = others[part]
    return (length / size) ** 2
