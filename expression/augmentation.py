"""Batches for training, each picture distorted in a new way every epoch.

The network sees no picture twice, so it cannot learn them by heart and gets used to
boxes that sit a little off. `training.py` makes the Batches.

Notebook: 05_train
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from .dataset import Split
from .image import standardise
from .network import keras

TURN = 12.0
"""Degrees that a face is turned by, at most; beyond that detectors rarely find one."""

ZOOM = 0.15
"""Share by which a face is made larger or smaller, at most."""

MOVE = 4 / 48
"""Share of the picture's side that a face is moved by, at most."""


class Batches(keras.utils.PyDataset):
    """Hands out batches of a split, distorted and standardised.

    Order and distortions depend on the seed, the epoch and the number of the batch alone,
    so a training that was stopped sees the same pictures when it goes on. Whoever trains
    sets `epoch` as each begins.

    Args:
        split: The pictures.
        count: How many labels there are.
        batch: Pictures in a batch; the last one may have fewer.
        seed: Decides order and distortions.
        epoch: The epoch whose batches come, from 0.
    """

    def __init__(self, split: Split, count: int, batch: int = 128, seed: int = 0, epoch: int = 0):
        super().__init__()
        self.split, self.batch, self.seed, self.epoch = split, batch, seed, epoch
        self._targets = np.eye(count, dtype=np.float32)

    def __len__(self) -> int:
        return math.ceil(len(self.split) / self.batch)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.split))
        chosen = order[number * self.batch : (number + 1) * self.batch]
        generator = np.random.default_rng([self.seed, self.epoch, number])
        pictures = np.stack([distort(picture, generator) for picture in self.split.pictures[chosen]])
        return standardise(pictures), self._targets[self.split.indexes[chosen]]


def distort(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Returns a face as another camera might have seen it.

    It is mirrored half of the time, turned, made larger or smaller, moved, and its light
    and contrast are changed. The last two count only where they push grey levels out of
    range: `standardise` undoes the rest.

    Args:
        picture: (size, size) uint8 grey levels.
        generator: Where the chance comes from.

    Returns:
        (size, size) float32 grey levels, 0 to 255.

    Example:
        >>> distort(np.full((48, 48), 90, np.uint8), np.random.default_rng(0)).shape
        (48, 48)
    """
    size = len(picture)
    middle = ((size - 1) / 2,) * 2
    matrix = cv2.getRotationMatrix2D(
        middle, generator.uniform(-TURN, TURN), generator.uniform(1 - ZOOM, 1 + ZOOM)
    )
    matrix[:, 2] += generator.uniform(-MOVE, MOVE, 2) * size
    if generator.random() < 0.5:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    moved = cv2.warpAffine(picture, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    contrast, light = generator.uniform(0.75, 1.35), generator.uniform(-30, 30)
    return np.clip((moved.astype(np.float32) - 128) * contrast + 128 + light, 0, 255)
