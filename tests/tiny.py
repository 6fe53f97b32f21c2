"""What a training needs, so small that an epoch takes no time: pictures, networks, a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from expression.datasets.dataset import Dataset, Split
from expression.labels import FER2013, Labels
from expression.training.recipe import Recipe

LABELS = Labels(["Happy", "Sad"])
NOBODY = Split(np.empty((0, 48, 48), np.uint8), np.empty(0, int))
RECIPE = Recipe(network="tiny", epochs=4, batch=16, rate=0.2, seed=3, erasing=0.0, mixup=0.0)


def picture(index: int, generator: np.random.Generator) -> np.ndarray:
    """A picture that is dark above and bright below, or with an odd index the other way round."""
    levels = np.where(np.arange(48) < generator.integers(18, 30), 60, 160)[:, None]
    noisy = levels + generator.integers(-8, 9, (48, 48))
    return (noisy[::-1] if index % 2 else noisy).astype(np.uint8)


def split(count: int, seed: int, labels: int = 2, votes: bool = False) -> Split:
    """Pictures of each label in turn; with votes, people are of one mind, but the first picture has none."""
    generator = np.random.default_rng(seed)
    indexes = np.arange(count) % labels
    said = np.zeros((count, 10), np.uint8)
    said[np.arange(count), np.where(indexes, 3, 1)] = 10  # Sad and Happy in FER+'s order
    said[:1] = 0
    pictures = np.stack([picture(index, generator) for index in indexes])
    return Split(pictures, indexes, said if votes else None)


def data(votes: bool = False) -> Dataset:
    """Sixty-four pictures to learn from and twenty to choose by."""
    return Dataset(LABELS, split(64, 1, votes=votes), split(20, 2, votes=votes), NOBODY)


def network(labels: Labels, heads: int = 1):
    """A network that learns which half is bright within a second."""
    from expression.models.architectures import LOGITS, keras, layers

    face = keras.Input((48, 48, 1))
    x = layers.Conv2D(8, 8, strides=4, use_bias=False)(face)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.5)(x))
    x = layers.Dropout(0.2)(layers.GlobalMaxPooling2D()(x))
    x = layers.Dense(heads * len(labels), name=LOGITS, dtype="float32")(x)
    x = layers.Reshape((heads, len(labels)), dtype="float32")(x)
    return keras.Model(face, layers.Softmax(dtype="float32")(x))


def base(seed: int = 0, features: int = 6):
    """A base like those of `bases.py`, of two layers with random weights."""
    from expression.models.architectures import keras, layers
    from expression.models.bases import Base, wrapped

    keras.utils.set_random_seed(seed)
    picture = keras.Input((32, 32, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 8, strides=4, activation="relu")(picture))
    inner = keras.Model(picture, layers.Conv2D(features, 3, activation="relu")(x))
    return wrapped(inner, Base(keras.Model, 32, 0.5, 0.0, "tiny.h5"), "tiny_32")


def table(path: Path, training: int = 56, validation: int = 14, test: int = 14) -> Path:
    """Writes so many pictures as FER2013's csv file, all seven labels in turn."""
    generator = np.random.default_rng(0)
    usages = ["Training"] * training + ["PublicTest"] * validation + ["PrivateTest"] * test
    rows = ["emotion,pixels,Usage"]
    for number, usage in enumerate(usages):
        pixels = " ".join(map(str, picture(number, generator).ravel()))
        rows.append(f"{number % len(FER2013)},{pixels},{usage}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
