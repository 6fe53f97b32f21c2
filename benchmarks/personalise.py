"""Measures what `expression personalise` gains for users with a camera and light unlike those of training.

    python benchmarks/personalise.py --data fer2013

FER2013's validation split, on which no network was trained, provides simulated users. Each has a camera and
a light at the edge of what training distorts or beyond; two sessions with them, the second a
little changed; and different pictures in each. The network is trained on the first and tested on the second:
with FER2013's seven labels, and with two more that are new to it. One half of the pictures is for
choosing how personalising works, the other for the results, which are in README.md.

The pictures of a "reader" show many people, so the gain from a person's own face is not in the results.

Notebook: 08_your_face
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from expression.datasets.dataset import Dataset, Split, read, split_by_group
from expression.datasets.fer2013 import find_fer2013
from expression.datasets.ferplus import COLUMNS
from expression.errors import ExpressionError, MissingFileError
from expression.labels import FER2013, Labels
from expression.models import load
from expression.models.registry import SHIPPED
from expression.pictures.hashes import difference_hashes
from expression.pictures.image import jittered, standardise
from expression.training.calibration import expected_calibration_error
from expression.training.personalise import FEWEST, personalise

SETTINGS = {"seven": (), "nine": ("Tilted", "Peekaboo")}
"""Labels besides FER2013's: a head tilted by 30 degrees, and a hand in front of the face."""

HALVES = ("choosing", "figures")
TESTED, MOST = 20, 40
"""Pictures of a label in the second session, and in the first at most. If there are fewer, as of Disgust
and Fear, the first still has ten and the second has the rest."""

EXPOSED = 0.45
"""The mean brightness that a camera aims for, 0 for black and 1 for white."""


@dataclass(frozen=True)
class Place:
    """The conditions of a session.

    Attributes:
        shift: How far the box is shifted to the right and down, as shares of its side.
        scale: Its side as a multiple of the correct one.
        tilt: The rotation of the picture, in degrees.
        gamma: Above 1, middle greys are darker.
        side: How much brighter one side is than the other, and at which angle.
        blur: Standard deviation of the blur, in pixels.
        noise: Standard deviation of the noise, in grey levels.
    """

    shift: tuple[float, float]
    scale: float
    tilt: float
    gamma: float
    side: tuple[float, float]
    blur: float
    noise: float


def main() -> int:
    """Reads the arguments, measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="FER2013 (default: searched for)")
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--pictures", type=int, nargs="+", default=[10, 20, 40], help="number per label")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument(
        "--off", type=float, default=1.0, help="how far camera and light differ from training; 1 is far"
    )
    parser.add_argument("--half", choices=HALVES, default="figures")
    arguments = parser.parse_args()
    for name, values in (("readers", [arguments.readers]), ("pictures", arguments.pictures)):
        if min(values) < (low := FEWEST if name == "pictures" else 1):
            parser.error(f"--{name} is {min(values)}. Expected {low} or more. Try --{name} 20.")
    try:
        data = arguments.data or find_fer2013()
        if data is None:
            raise MissingFileError(
                "FER2013 was not found.", "Expected its file or folder.", "Pass it with --data."
            )
        pool = halves(read(data))[HALVES.index(arguments.half)]
        print(f"{pool_told(pool)}\n\n{HEAD}", flush=True)
        for setting in arguments.settings:
            for count in arguments.pictures:
                for line in rows(pool, setting, count, arguments.readers, arguments.off):
                    print(line, flush=True)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def halves(dataset: Dataset) -> list[Split]:
    """Returns both halves of the data on which the network was not trained, without near-duplicates.

    If there are votes, the label is the majority of ten people: the network was trained on their votes, so
    a different meaning of a label counts neither as an error before nor as a gain.
    """
    split = dataset.validation
    sketch = difference_hashes(split.pictures)
    kept = np.zeros(len(split), bool)
    kept[np.unique(sketch, return_index=True)[1]] = True
    kept &= ~np.isin(sketch, difference_hashes(dataset.training.pictures))
    indexes = split.indexes
    if split.votes is not None:
        said = split.votes[:, [COLUMNS.index(label) for label in FER2013]]
        indexes, kept = said.argmax(1), kept & (said.max(1) == split.votes.max(1)) & said.any(1)
    return split_by_group(Split(split.pictures[kept], indexes[kept]), [0.5])


def pool_told(pool: Split) -> str:
    """Returns how many pictures of each label there are for simulated users."""
    counts = np.bincount(pool.indexes, minlength=len(FER2013))
    return ", ".join(f"{count} {label}" for label, count in zip(FER2013, counts, strict=True))


def reader(pool: Split, setting: str, count: int, seed: int, off: float) -> tuple[Split, Labels]:
    """Returns the two sessions of a user, with up to `count` pictures of a label in the first one.

    A user with fewer pictures, or with seven labels, has a subset of what the same one with more has.
    """
    generator = np.random.default_rng([seed, 0])
    first = drawn_place(generator, off)
    places = {"first": first, "second": moved_place(first, generator)}
    order, found = generator.permutation(len(pool)), []
    own = [order[pool.indexes[order] == index] for index in range(len(FER2013))]
    spare = np.concatenate([numbers[TESTED + MOST :] for numbers in own])
    own += [
        part[: TESTED + MOST] for part in np.array_split(np.random.default_rng(seed).permutation(spare), 2)
    ]
    labels = Labels([*FER2013, *SETTINGS[setting]])
    for index, numbers in enumerate(own[: len(labels)]):
        learned = min(count, max(FEWEST, len(numbers) - TESTED))
        taken = {"first": numbers[:learned], "second": numbers[::-1][: min(TESTED, len(numbers) - learned)]}
        found += [(number, index, session) for session, chosen in taken.items() for number in chosen]
    pictures = []
    for number, index, session in found:
        one = np.random.default_rng([seed, number, index])
        face = shown(pool.pictures[number], "" if index < len(FER2013) else labels[index], one)
        pictures.append(taken_at(face, places[session], one))
    groups = np.array([session for _, _, session in found])
    split = Split(np.stack(pictures), np.array([index for _, index, _ in found]), groups=groups)
    return split.take(np.argsort(groups, kind="stable")), labels


def drawn_place(generator: np.random.Generator, off: float) -> Place:
    """Draws a camera and a light this far off. Training shifts by 0.1, scales by 0.2, rotates by 15."""
    angle = generator.uniform(0, 2 * np.pi)
    by = off * generator.uniform(0.08, 0.16)
    blurred = generator.random() < 0.5
    return Place(
        shift=(by * np.cos(angle), by * np.sin(angle)),
        scale=np.exp(off * generator.choice([-1, 1]) * generator.uniform(0.14, 0.27)),
        tilt=off * generator.choice([-1, 1]) * generator.uniform(8, 16),
        gamma=2 ** (off * generator.choice([-1, 1]) * generator.uniform(0.4, 1.0)),
        side=(off * generator.uniform(0.3, 0.6), generator.uniform(0, 2 * np.pi)),
        blur=off * generator.uniform(0.7, 1.2) if blurred else 0.0,
        noise=off * (2.0 if blurred else generator.uniform(6, 14)),
    )


def moved_place(place: Place, generator: np.random.Generator) -> Place:
    """Returns the same place on another day."""
    strength, angle = place.side
    return Place(
        shift=tuple(generator.normal(place.shift, 0.03)),
        scale=place.scale * np.exp(generator.normal(0, 0.05)),
        tilt=generator.normal(place.tilt, 3),
        gamma=place.gamma * 2 ** generator.normal(0, 0.3),
        side=(strength * generator.uniform(0.7, 1.2), angle + generator.normal(0, 0.4)),
        blur=place.blur * generator.uniform(0.8, 1.2),
        noise=place.noise * generator.uniform(0.7, 1.3),
    )


def shown(face: np.ndarray, label: str, generator: np.random.Generator) -> np.ndarray:
    """Returns a face that does what one of the new labels says, or as it is."""
    if label == "Tilted":
        angle = generator.choice([-1, 1]) * generator.uniform(25, 35)
        return jittered(face[None], tilt=angle)[0]
    if label == "Peekaboo":
        x, y = generator.normal((24, generator.choice([18, 33])), 2)
        hand = np.zeros(face.shape, np.uint8)
        size = generator.uniform((14, 6), (19, 8)).tolist()
        cv2.ellipse(hand, ((x, y), (2 * size[0], 2 * size[1]), generator.normal(0, 10)), 1, -1)
        skin = np.percentile(face, 65) + generator.normal(0, 6, face.shape)
        return np.where(hand > 0, np.clip(skin, 0, 255), face).astype(np.uint8)
    return face


def taken_at(face: np.ndarray, place: Place, generator: np.random.Generator) -> np.ndarray:
    """Returns a face as taken by the camera of a place, with small random variations."""
    shift = generator.normal(place.shift, 0.015)
    tilt, scale = generator.normal(place.tilt, 2), place.scale * np.exp(generator.normal(0, 0.02))
    levels = jittered(face[None], tuple(shift), scale, tilt)[0] / 255
    down, across = np.mgrid[-1 : 1 : len(face) * 1j, -1 : 1 : len(face) * 1j]
    strength, angle = place.side
    lit = levels**place.gamma * (1 + strength * (np.cos(angle) * across + np.sin(angle) * down))
    lit *= EXPOSED / max(lit.mean(), EXPOSED / 4)  # automatic exposure, as in cameras
    if place.blur:
        lit = cv2.GaussianBlur(lit, (0, 0), place.blur)
    noisy = 255 * lit + generator.normal(0, place.noise, lit.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


HEAD = (
    "| labels | pictures of a label | learned, tested | before | after | gain | its deviation | worst, best "
    "| worse | calibration error | seconds |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def rows(pool: Split, setting: str, count: int, readers: int, off: float) -> Iterator[str]:
    """Yields a line of the table for all labels, and one for only those that the network knew before."""
    with tempfile.TemporaryDirectory() as folder:
        measured = [
            measure(*reader(pool, setting, count, seed, off), Path(folder) / "mine.keras")
            for seed in tqdm(range(readers), desc=f"{setting}, {count}", disable=None)
        ]
    for kind in ["all", "known"] if SETTINGS[setting] else ["all"]:
        name = setting if kind == "all" else f"{setting}, pictures of the seven"
        before, after = np.array([found[kind]["right"] for found in measured]).T
        gain = after - before
        # Over all users: with a hundred pictures of a single one, much of the error would be chance.
        indexes = np.concatenate([found[kind]["indexes"] for found in measured])
        scores = [np.concatenate(parts) for parts in zip(*(m[kind]["scores"] for m in measured), strict=True)]
        errors = [expected_calibration_error(part, indexes) for part in scores]
        sizes, seconds = np.mean([found["sizes"] for found in measured], 0), [m["seconds"] for m in measured]
        cells = [
            name,
            count,
            f"{sizes[0]:.0f}, {sizes[1]:.0f}",
            f"{before.mean():.1%}",
            f"{after.mean():.1%}",
        ]
        cells += [f"{100 * gain.mean():+.1f}", f"{100 * gain.std(ddof=1):.1f}" if readers > 1 else "–"]
        cells += [f"{100 * gain.min():+.1f}, {100 * gain.max():+.1f}", f"{(gain < 0).sum()} of {readers}"]
        cells += [" → ".join(f"{error:.1%}" for error in errors), f"{np.mean(seconds):.0f}"]
        yield "| " + " | ".join(map(str, cells)) + " |"


def measure(split: Split, labels: Labels, out: Path) -> dict:
    """Personalises, and returns scores and accuracy before and after, for each kind of row."""
    began = time.perf_counter()
    made = personalise(split, labels, out)
    seconds = time.perf_counter() - began
    tested = split.take(split.groups == "second")
    known = tested.take(tested.indexes < len(FER2013))
    networks = load(SHIPPED.with_suffix(".keras")), load(made.path or SHIPPED.with_suffix(".keras"))
    found = {"sizes": (made.learned, sum(made.tested)), "seconds": seconds}
    for kind, of in (("all", tested), ("known", known)):
        scores = [network.scores(standardise(of.pictures)) for network in networks]
        right = [float((each.argmax(1) == of.indexes).mean()) for each in scores]
        found[kind] = {"indexes": of.indexes, "scores": scores, "right": right}
    return found


if __name__ == "__main__":
    sys.exit(main())
