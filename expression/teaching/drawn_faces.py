"""Data for lessons: drawn faces for everybody who does not have FER2013.

`practice` draws pictures of the demo's portrait: laughing, neutral, surprised, sad and angry,
in two colourings, tilted, near and far, in all kinds of light, blurred and noisy. Lessons 04
and 06 use it. `spoiled` puts mistakes into data that lesson 04 then finds.

These pictures show only one drawn face. A network that reads all of them correctly has
learned one person's five expressions and knows nothing about other people, so its accuracy
on them shows only that the training works.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import cv2
import numpy as np

from ..datasets.dataset import Dataset, Split, split_by_group
from ..labels import FER2013, Labels
from ..pictures.image import SIZE, resize
from ..sources._portrait import DETAIL, Portrait
from ..sources._story import FEELINGS, LABEL_OF, NEUTRAL
from ..sources.demo import FACE

LABELS = Labels([label for label in FER2013 if label in LABEL_OF.values()])
"""The labels of the practice faces, in FER2013's order."""

BURST = 4
"""Consecutive pictures of one person with one feeling in one light, as a camera takes in a second."""

SIDE = 118
"""Side of the square that is cut out, in pixels of the portrait, brow to chin as in FER2013."""

FINER = 3
"""How many times larger pictures are drawn before they are averaged, to avoid jagged edges."""

SHARES = [0.15, 0.15]
"""Shares of the pictures for validation and test."""

REPEATED, RELABELLED, BLANK = 30, 6, 3
"""How many training pictures `spoiled` repeats unchanged, with another label, and blank."""

LEAK = 0.08
"""Share of the test pictures that `spoiled` takes from training, as in FER2013."""


def practice(count: int = 2000, seed: int = 0) -> Dataset:
    """Draws practice faces, a thousand in about two seconds.

    They come in bursts of nearly equal pictures. A burst is never split, so no picture in
    validation or test has a twin in training.

    Args:
        count: Number of pictures, spread evenly over the labels.
        seed: The random seed.

    Returns:
        A Dataset with five labels; `groups` of its splits names the burst of each picture.

    Example:
        >>> practice(400).sizes
        {'training': 280, 'validation': 60, 'test': 60}
    """
    random = np.random.default_rng(seed)
    people = [Portrait(), Portrait(other=True)]
    feelings = {label: FEELINGS[name] for name, label in LABEL_OF.items()}
    bursts = np.arange(count) // BURST
    indexes = bursts % len(LABELS)
    pictures = np.empty((count, SIZE, SIZE), np.uint8)
    for first in range(0, count, BURST):
        person = people[random.integers(len(people))]
        person.express(_mixed(feelings[LABELS[indexes[first]]], random))
        pictures[first : first + BURST] = _burst(person, random)[: count - first]
    groups = np.char.add("burst ", bursts.astype(str))
    return Dataset(LABELS, *split_by_group(Split(pictures, indexes, groups=groups), SHARES, seed))


def spoiled(dataset: Dataset, seed: int = 0) -> Dataset:
    """Returns a copy with the mistakes that `inspection.look` finds in FER2013.

    Some training pictures occur twice, a few of them with another label; a few
    are blank; and some of the test pictures are also in training.

    Args:
        dataset: Its training split has 39 pictures or more, and its test split is not empty.
        seed: The random seed.
    """
    random = np.random.default_rng(seed)
    training, test = dataset.training, dataset.test
    again = training.take(random.choice(len(training), REPEATED + RELABELLED + BLANK, replace=False))
    pictures, indexes = again.pictures.copy(), again.indexes.copy()
    indexes[REPEATED:] = (indexes[REPEATED:] + 1) % len(dataset.labels)
    pictures[REPEATED + RELABELLED :] = 0
    known = training.take(random.choice(len(training), round(LEAK * len(test)), replace=False))
    kept = test.take(slice(len(known), None))
    return Dataset(
        dataset.labels, _joined(training, Split(pictures, indexes)), dataset.validation, _joined(kept, known)
    )


def _joined(one: Split, other: Split) -> Split:
    """Returns the pictures and labels of both splits."""
    pairs = ((one.pictures, other.pictures), (one.indexes, other.indexes))
    return Split(*(np.concatenate(pair) for pair in pairs))


def _mixed(feeling: dict[str, float], random: np.random.Generator) -> dict[str, float]:
    """Returns a feeling with a random strength, each muscle varied a little."""
    strength = random.uniform(0.5, 1.1)
    calm = {name: NEUTRAL.get(name, 0.0) for name in sorted({*feeling, *NEUTRAL})}
    return {
        name: (weight + strength * (feeling.get(name, 0.0) - weight)) * random.normal(1, 0.12)
        for name, weight in calm.items()
    }


def _burst(person: Portrait, random: np.random.Generator) -> np.ndarray:
    """Draws pictures that differ as much as a head moves in a second: (BURST, 48, 48) uint8."""
    pose = random.normal(
        0, (9, 0.08, 0.03, 0.03)
    )  # tilt in degrees, size, shift right and down as shares of a side
    mirrored = random.random() < 0.5
    light, wall = _light(random), random.uniform(20, 235)
    blur, noise = random.uniform(0.2, 1.0), random.uniform(1, 9)
    pictures = []
    for _ in range(BURST):
        moved = pose + random.normal(0, (1.5, 0.012, 0.01, 0.01))
        face = cv2.GaussianBlur(_drawn(person.pixels, _matrix(moved, mirrored), wall), (0, 0), blur)
        pictures.append(np.clip(face * light + random.normal(0, noise, face.shape), 0, 255))
    return np.array(pictures).round().astype(np.uint8)


def _light(random: np.random.Generator) -> np.ndarray:
    """Returns the brightness of each pixel, (48, 48) float: more on one side than on the other."""
    down, across = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    angle, slope = random.uniform(0, 2 * np.pi), random.uniform(0, 0.45)
    return random.uniform(0.55, 1.3) * (1 + slope * (np.cos(angle) * across + np.sin(angle) * down))


def _matrix(pose: np.ndarray, mirrored: bool) -> np.ndarray:
    """Returns the (2, 3) matrix that maps the enlarged portrait to the square that is drawn."""
    tilt, larger, right, down = pose
    large = SIZE * FINER
    scale = large / SIDE * np.exp(larger)
    cosine, sine = scale * np.cos(np.radians(tilt)), scale * np.sin(np.radians(tilt))
    side = -1 if mirrored else 1
    turn = np.array([[cosine * side, -sine], [sine * side, cosine]])
    place = large * (0.5 + np.array([right, down])) - turn @ FACE
    return np.column_stack([turn / DETAIL, place])


def _drawn(pixels: np.ndarray, matrix: np.ndarray, wall: float) -> np.ndarray:
    """Draws a person in front of a plain grey wall: (48, 48) float32."""
    person = np.float32(cv2.warpAffine(pixels, matrix, (SIZE * FINER, SIZE * FINER)))
    grey = cv2.cvtColor(person[..., :3], cv2.COLOR_RGB2GRAY)
    return resize(grey + wall * (1 - person[..., 3] / 255), SIZE, SIZE)
