"""The commands `expression train`, `evaluate` and `export`; `cli.py` adds them.

Modules are imported inside the commands, so that others stay quick.

Notebook: 05_train
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import BadInputError, MissingFileError, OutputError, RunError, user_path

if TYPE_CHECKING:
    from pathlib import Path

    from .checkpoints import Row
    from .dataset import Dataset
    from .recipe import Recipe
    from .training import Trained


def train(
    out: Annotated[str, typer.Option(help="The folder that gets the network.", metavar="DIR")],
    data: Annotated[
        str | None, typer.Option(help="FER2013, or a folder with one folder a label.", metavar="PATH")
    ] = None,
    network: Annotated[str, typer.Option(help="shipped or tutorial.", metavar="NAME")] = "shipped",
    epochs: Annotated[int | None, typer.Option(help="Times that every picture is seen.", metavar="N")] = None,
    seed: Annotated[int, typer.Option(help="Decides first weights and order.", metavar="N")] = 0,
    start: Annotated[str | None, typer.Option(help="Begin with this network.", metavar="FILE.keras")] = None,
    teacher: Annotated[
        list[str] | None, typer.Option(help="Learn from this network, too; again for more.", metavar="FILE")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Find the face in each picture: auto, yunet, haar ...", metavar="NAME")
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Compute in bfloat16; quicker on some processors.")
    ] = False,
) -> None:
    """Teach a network; called again in the same way, it goes on where it was stopped."""
    from .recipe import usual

    recipe = dataclasses.replace(usual(network, epochs, seed), mixed=mixed)
    begin, teachers = start and user_path(start), [user_path(name) for name in teacher or ()]
    dataset = _read(data, detector)
    divided = dataset.divided()
    from .export import export

    trained = _trained(divided, user_path(out), recipe, begin, teachers)
    exported = trained.path.with_suffix(".tflite")
    export(trained.path, exported, "dynamic")
    print(f"{trained.path}: {trained.accuracy:.1%} right in validation. {exported.name}: the same, smaller.")
    if divided is dataset:
        print(f"Next: expression evaluate --model {exported}" + (f" --data {data}" if data else ""))
    else:
        print(f"Most pictures of {data} were learned from, so they cannot test it: evaluate it with others.")
    print(f"Next: expression live --model {exported}")


def _trained(
    dataset: Dataset, out: Path, recipe: Recipe, start: Path | None, teachers: list[Path]
) -> Trained:
    """Trains, telling each epoch; Ctrl-C is told with what it costs."""
    from .training import train

    rows: list[Row] = []

    def tell(row: Row) -> None:
        rows.append(row)
        _tell(row)

    try:
        trained = train(dataset, out, recipe, start, teachers, tell)
    except KeyboardInterrupt:
        goes_on = "goes on after its last whole epoch" if rows else "goes on where it was before this call"
        raise RunError(
            f"The training was stopped after {len(rows)} {'epoch' if len(rows) == 1 else 'epochs'}.",
            "Expected that, if you pressed Ctrl-C.",
            f"Call it again in the same way, and it {goes_on}.",
        ) from None
    if not rows:
        print("It had ended before.")
    return trained


def evaluate(
    model: Annotated[str | None, typer.Option(help="A network, .tflite or .keras.", metavar="PATH")] = None,
    data: Annotated[
        str | None, typer.Option(help="FER2013, or a folder with one folder a label.", metavar="PATH")
    ] = None,
    split: Annotated[str, typer.Option(help="test or validation.", metavar="NAME")] = "test",
    labels: Annotated[str, typer.Option(help="fer2013 or ferplus.", metavar="NAME")] = "fer2013",
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the figures to this file.", metavar="FILE")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Find the face in each picture: auto, yunet, haar ...", metavar="NAME")
    ] = None,
) -> None:
    """Say how often a network is right; the shipped one, unless another is named."""
    from .evaluation import evaluate
    from .files import write_text
    from .inspection import leaked
    from .runtime import load

    if split not in ("test", "validation"):
        raise BadInputError(f"--split is {split!r}.", "Expected test or validation.", "Try --split test.")
    target = json_file and user_path(json_file)
    if target and not target.parent.is_dir():
        raise OutputError(
            f"There is no folder {target.parent}.", "Expected one for --json.", "Make it, or choose another."
        )
    runtime, dataset = load(model), _read(data, detector)
    chosen = getattr(dataset, split)
    if not len(chosen):
        sizes = ", ".join(f"{count:,} for {name}" for name, count in dataset.sizes.items())
        raise BadInputError(
            f"The data have no pictures for {split}: {sizes}.",
            "Expected some.",
            "Choose the other --split, or look whether the file was cut off.",
        )
    known = leaked(chosen, dataset.training) if len(dataset.training) else None
    found = evaluate(runtime, chosen, labels, known, dataset.labels)
    print(found.text(f"{split} set"))
    if target:
        write_text(target, json.dumps(found.to_json(), indent=2) + "\n")


def export(
    model: Annotated[str, typer.Option(help="A network, .keras.", metavar="FILE")],
    out: Annotated[str, typer.Option(help="The .tflite file to write.", metavar="FILE")],
    quantize: Annotated[
        str, typer.Option(help="none, float16, dynamic or int8.", metavar="NAME")
    ] = "dynamic",
    data: Annotated[
        str | None, typer.Option(help="Faces for int8, such as it will meet.", metavar="PATH")
    ] = None,
) -> None:
    """Write a network as a .tflite file, for small machines."""
    from .card import read_card
    from .export import export

    path, target = user_path(model), user_path(out)
    if path.suffix != ".keras":
        raise BadInputError(
            f"--model is {path}.", "Expected a .keras file.", "Name the one that the training left."
        )
    if data and quantize != "int8":
        raise BadInputError(
            f"--data is given with --quantize {quantize}.",
            "Expected it with int8 only, which learns from faces how large its numbers get.",
            "Leave it out, or use --quantize int8.",
        )
    faces = _faces(data, read_card(path).size) if data else None
    export(path, target, quantize, faces)
    print(f"{target}: {quantize}, {target.stat().st_size / 1e6:.2f} MB")


def _read(data: str | None, detector: str | None = None) -> Dataset:
    """Reads data, None for FER2013 where it usually lies; with a detector, the faces in its pictures."""
    from .dataset import read
    from .faces import FaceCutter, make_detector
    from .fer2013 import find_fer2013

    path = data or find_fer2013()
    if path is None:
        named = os.environ.get("EXPRESSION_DATA")
        raise MissingFileError(
            f"There is no FER2013 {'at ' + named if named else 'in this folder'}.",
            "Expected fer2013.csv or a folder fer2013, or --data with another name.",
            "Name it, or get it from the Kaggle challenge of 2013.",
        )
    cutter = FaceCutter(make_detector(detector) if detector else None)
    dataset = read(path, crop=cutter)
    if detector and not cutter.pictures:
        raise BadInputError(
            f"--detector is given, and {path} has faces that are cut already.",
            "Expected it with folders of pictures only.",
            "Leave it out.",
        )
    if detector and cutter.missed:
        print(f"In {cutter.missed} of {cutter.pictures} pictures no face was found; they are taken whole.")
    elif not detector and cutter.photos:
        print(f"{cutter.photos} of {cutter.pictures} pictures are as large as photos. Try --detector auto.")
    return dataset


def _faces(data: str, size: int) -> Any:
    """Returns (300, size, size, 1) float32 at most: faces to learn from, evenly chosen."""
    import numpy as np

    from .image import preprocess

    pictures = _read(data).divided().training.pictures
    if not len(pictures):
        happened = f"{data} has no pictures for training."
        raise BadInputError(happened, "Expected some, to learn ranges from.", "Name other data.")
    chosen = np.linspace(0, len(pictures) - 1, min(300, len(pictures))).astype(int)
    return np.stack([preprocess(picture, size=size) for picture in pictures[chosen]])


def _tell(row: dict[str, float]) -> None:
    """Prints an epoch of a training."""
    votes = f", by the votes {row['validation_votes']:.1%}" if "validation_votes" in row else ""
    print(
        f"epoch {row['epoch']}: loss {row['loss']:.3f}, right in validation {row['validation']:.1%}{votes}",
        flush=True,
    )
