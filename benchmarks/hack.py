"""Measures how easily a network is fooled: happy faces, changed by a hair, that it reads as Sad.

    python benchmarks/hack.py --data fer2013 --others tutorial.keras

Of FER2013's validation split, it takes pictures that a live run calls Happy with over 90%, changes each as
little as possible, saves it as a PNG and reads it again. Then it asks other networks about the changed
pictures, among them the same network as int8, and tries defences, also against somebody who knows them. The
latest results are in README.md.

Notebook: 14_fool_it
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from expression.datasets.dataset import Split, read
from expression.errors import ExpressionError, RunError
from expression.models import Runtime, load
from expression.models.export import export
from expression.models.registry import SHIPPED
from expression.pictures.image import read_picture, write_picture
from expression.settings import Settings
from expression.teaching.defences import DEFENCES, Defended
from expression.training.adversarial import (
    LEVELS,
    Hacked,
    Network,
    fgsm,
    hack,
    least_change,
    pgd,
    said,
)
from expression.training.picture_gradient import LiveNetwork

SURE = 0.9
TOLD = 4
"""Grey levels; the share of pictures that need no more is printed."""

KNOWN, KNOWN_STEPS = 20, 10
"""Pictures on which defences are attacked by somebody who knows them, and the steps of that attack."""

JUDGED = 1000
"""Pictures on which the accuracy with a defence is measured."""


def main() -> int:
    """Reads the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="FER2013")
    parser.add_argument(
        "--model", type=Path, default=SHIPPED, help="the network; the shipped one if left out"
    )
    parser.add_argument("--others", nargs="*", type=Path, default=[], help="other networks to ask")
    parser.add_argument("--count", type=int, default=200, help="number of happy pictures (default: 200)")
    parser.add_argument("--to", default="Sad", help="the label to change them to (default: Sad)")
    arguments = parser.parse_args()
    try:
        network = LiveNetwork(Settings(model=str(arguments.model)))
        split = read(arguments.data, network.labels).validation
        faces = happy(network, split, arguments.count)
        made = hacked(network, faces, arguments.to)
        print_attacks(network, faces, made, arguments.to)
        with tempfile.TemporaryDirectory() as folder:
            print_transfer(others(arguments, Path(folder)), network, faces, made, arguments.to)
        print_defences(network, split, faces, made, arguments.to)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def happy(network: LiveNetwork, split: Split, count: int) -> list[np.ndarray]:
    """Returns the first pictures that a live run calls Happy with over 90%."""
    label, found = network.labels.index("Happy"), []
    for picture in split.pictures:
        if len(found) < count and network.scores(face := network.runtime.cut(picture))[label] > SURE:
            found.append(face)
    return found


def hacked(network: LiveNetwork, faces: Sequence[np.ndarray], to: str) -> list[Hacked | None]:
    """Returns the least changed faces; None where no change was small enough."""
    found: list[Hacked | None] = []
    for face in tqdm(faces, desc="least change", disable=None):
        try:
            found.append(hack(network, face, to))
        except RunError:
            found.append(None)
    return found


def print_attacks(
    network: LiveNetwork, faces: Sequence[np.ndarray], made: Sequence[Hacked | None], to: str
) -> None:
    """Prints how many pictures each attack turns, and how large the least changes are."""
    label, turned = network.labels.index(to), [each for each in made if each]
    largest = np.array([each.largest if each else np.inf for each in made])
    print("| largest change, grey levels | one step (FGSM) | many steps (PGD) |\n|---|---|---|")
    for levels in (1, 2, TOLD, LEVELS):
        steps = [fgsm(network, face, label, levels) for face in tqdm(faces, desc="one step", disable=None)]
        once = np.mean([said(network, network.scores(face)) == to for face in steps])
        print(f"| {levels} | {once:.1%} | {np.mean(largest <= levels):.1%} |", flush=True)
    again = [reread(network, each) == to for each in turned]
    print(f"\n{len(faces)} pictures; turned into {to}: {len(turned) / len(faces):.1%}")
    print(f"with at most {TOLD} grey levels: {np.mean(largest <= TOLD):.1%}")
    print(f"still {to} when read from the PNG: {np.mean(again):.1%}")
    print(f"largest change: median {np.median(largest):g}, maximum {largest.max():g} grey levels")
    for name, values in (
        ("mean change", [each.mean for each in turned]),
        ("structural similarity", [each.similarity for each in turned]),
        (f"score of {to}", [each.after[label] for each in turned]),
    ):
        print(f"{name}: median {np.median(values):.4f}, from {min(values):.4f} to {max(values):.4f}")


def reread(network: LiveNetwork, made: Hacked) -> str:
    """Returns the label of a changed face after it was saved and read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "hacked.png")
        write_picture(path, made.hacked)
        return said(network, network.scores(network.runtime.cut(read_picture(path))))


def others(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Runtime]]:
    """Yields the networks that are asked about changed pictures: the same one, as int8, and other ones."""
    yield "the same", load(arguments.model)
    small = folder / "int8.tflite"
    export(arguments.model.with_suffix(".keras"), small, "int8")
    yield "the same, int8", load(small)
    for path in arguments.others:
        yield str(path), load(path)


def print_transfer(
    asked: Iterator[tuple[str, Runtime]],
    network: LiveNetwork,
    faces: Sequence[np.ndarray],
    made: Sequence[Hacked | None],
    to: str,
) -> None:
    """Prints what networks say of pictures that were changed for another one."""
    label = network.labels.index(to)
    least = [each.hacked for each in made if each]
    strong = [pgd(network, face, label, LEVELS, 10) for face in tqdm(faces, desc="strong", disable=None)]
    sets = {"unchanged": faces, "least change": least, f"{LEVELS} grey levels": strong}
    print("\n| network | " + " | ".join(f"{name}: Happy | {to}" for name in sets) + " |")
    print("|---|" + "---|---|" * len(sets))
    for name, runtime in asked:
        cells = []
        for pictures in sets.values():
            best = runtime.scores_of(pictures).argmax(1)
            cells += [f"{np.mean(best == runtime.labels.index(word)):.1%}" for word in ("Happy", to)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def print_defences(
    network: LiveNetwork,
    split: Split,
    faces: Sequence[np.ndarray],
    made: Sequence[Hacked | None],
    to: str,
) -> None:
    """Prints what each defence costs, and how well it holds."""
    label, least = network.labels.index(to), [each.hacked for each in made if each]
    print(f"\n| defence | accuracy | least change read as {to} | as Happy | known: turned | median levels |")
    print("|---|---|---|---|---|---|")
    judged = list(zip(split.pictures[:JUDGED], split.indexes[:JUDGED], strict=True))
    for name in (None, *DEFENCES):
        tried: Network = Defended(network, DEFENCES[name]) if name else network
        right = [tried.scores(network.runtime.cut(picture)).argmax() == index for picture, index in judged]
        told = [tried.labels[tried.scores(face).argmax()] for face in least]
        levels = [needed(tried, face, label) for face in tqdm(faces[:KNOWN], desc=name, disable=None)]
        shares = [np.mean([each == word for each in told]) for word in (to, "Happy")]
        print(
            f"| {name or 'none'} | {np.mean(right):.1%} | {shares[0]:.1%} | {shares[1]:.1%} "
            f"| {np.mean(np.isfinite(levels)):.1%} | {np.median(levels):g} |",
            flush=True,
        )


def needed(network: Network, face: np.ndarray, label: int) -> float:
    """Returns the largest change of a pixel that fools a network; infinite if none was found."""
    found = least_change(network, face, label, count=KNOWN_STEPS)
    return np.inf if found is None else float(np.abs(np.int16(found) - face).max())


if __name__ == "__main__":
    sys.exit(main())
