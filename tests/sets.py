"""Made-up sets of faces in the forms in which real ones are handed around."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from expression.datasets.dataset import Dataset, Split
from expression.labels import FER2013, Labels

Put = Callable[..., np.ndarray]


def writer(folder: Path, seed: int = 0) -> Put:
    """Returns what writes a picture of noise under a name below a folder, and returns its pixels."""
    generator = np.random.default_rng(seed)

    def put(name: str, shape: tuple[int, ...] = (48, 48), like: np.ndarray | None = None) -> np.ndarray:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = generator.integers(0, 256, shape, np.uint8) if like is None else like
        path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        return picture

    return put


def labels_of(split: Split, labels: Labels = FER2013) -> list[str]:
    """The label of each picture."""
    return [labels[index] for index in split.indexes]


def counted(dataset: Dataset) -> int:
    """How many pictures came in, those left out included: none may get lost."""
    return sum(dataset.sizes.values()) + len(dataset.skipped)


def by_file(dataset: Dataset) -> dict[str, str]:
    """The label of each file, all splits together."""
    splits = (dataset.training, dataset.validation, dataset.test)
    return {
        file: dataset.labels[index]
        for split in splits
        if len(split)
        for file, index in zip(split.files, split.indexes, strict=True)
    }


def row_of(picture: np.ndarray) -> str:
    """The pixels of a picture as FER2013 writes them."""
    return " ".join(map(str, picture.ravel()))
