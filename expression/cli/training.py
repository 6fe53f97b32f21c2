"""The commands `expression train`, `evaluate` and `export`; `app.py` adds them.

Modules are imported inside the commands, so that others stay quick.

Notebook: 05_train
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import BadInputError, MissingFileError, OutputError, RunError, user_path

ANSWERS = {
    "scores": "What it answers are scores.",
    "logits": "What it answers becomes scores by a softmax.",
    "shares": "What it answers becomes scores by dividing through the sum.",
    "chance": "What it answers is the score of the second label.",
    "odds": "What it answers becomes the score of the second label by a sigmoid.",
}
"""What was found out about the numbers of somebody else's network."""

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

    from ..datasets.dataset import Dataset
    from ..labels import Labels
    from ..training.checkpoints import Row
    from ..training.recipe import Recipe
    from ..training.trainer import Trained


def train(
    out: Annotated[str, typer.Option(help="The folder that gets the network.", metavar="DIR")],
    data: Annotated[
        str | None,
        typer.Option(
            help="FER2013, a folder with one folder a label, a list of pictures ...", metavar="PATH"
        ),
    ] = None,
    network: Annotated[
        str, typer.Option(help="shipped, whole, wide or tutorial.", metavar="NAME")
    ] = "shipped",
    epochs: Annotated[int | None, typer.Option(help="Times that every picture is seen.", metavar="N")] = None,
    seed: Annotated[int, typer.Option(help="Decides first weights and order.", metavar="N")] = 0,
    start: Annotated[str | None, typer.Option(help="Begin with this network.", metavar="FILE.keras")] = None,
    teacher: Annotated[
        list[str] | None, typer.Option(help="Learn from this network, too; again for more.", metavar="FILE")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Learn only these; names with commas between, contempt too.", metavar="LABELS"),
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Find the face in each picture: auto, yunet, haar ...", metavar="NAME")
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Compute in bfloat16; quicker on some processors.")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change the recipe, such as erasing=0; again for more.", metavar="NAME=VALUE"
        ),
    ] = None,
) -> None:
    """Teach a network. Called again in the same way, it goes on where it was stopped."""
    from ..training.recipe import changed, usual

    recipe = dataclasses.replace(usual(network, epochs, seed, taught=bool(teacher)), mixed=mixed)
    recipe = changed(recipe, changes or ())
    begin, teachers = start and user_path(start), [user_path(name) for name in teacher or ()]
    dataset = _read(data, detector, _labels(labels))
    divided = dataset.divided()
    learned = divided.narrowed()
    _tell_about(learned)
    if learned.unused:
        every = ",".join([*learned.labels, *learned.unused])
        print(f"To learn {' and '.join(learned.unused)} as well, add --labels {every}.")
    print(f"{len(learned.training):,} pictures to learn from, {len(learned.validation):,} to choose by.")
    from ..models.export import export

    trained = _trained(learned, user_path(out), recipe, begin, teachers)
    exported = trained.path.with_suffix(".tflite")
    export(trained.path, exported, "dynamic")
    print(f"{trained.path}: {trained.accuracy:.1%} right in validation. {exported.name}: the same, smaller.")
    if divided is dataset:
        where = f" --data {data}" if data else ""
        split = "" if len(dataset.test) else " --split validation"
        print(f"Next: expression evaluate --model {exported}{where}{split}")
    else:
        print(f"Most pictures of {data} were used for training: evaluate the network with other pictures.")
    print(f"Next: expression live --model {exported}")


def _trained(
    dataset: Dataset, out: Path, recipe: Recipe, start: Path | None, teachers: list[Path]
) -> Trained:
    """Trains, telling each epoch; Ctrl-C is told with what it costs."""
    from ..training.trainer import train

    rows: list[Row] = []

    def tell(row: Row) -> None:
        rows.append(row)
        _tell(row)

    try:
        trained = train(dataset, out, recipe, start, teachers, tell)
    except KeyboardInterrupt:
        point = "after the last complete epoch" if rows else "where this run began"
        raise RunError(
            f"The training was stopped after {len(rows)} {'epoch' if len(rows) == 1 else 'epochs'}.",
            "Expected it to run to the end.",
            f"Run the same command again to continue {point}.",
        ) from None
    if not rows:
        print("The training was already finished.")
    if len(trained.history) < recipe.epochs:
        patience = "1 epoch" if recipe.patience == 1 else f"{recipe.patience} epochs"
        print(f"Stopped early: no improvement for {patience}.")
    return trained


def evaluate(
    model: Annotated[str | None, typer.Option(help="A network, .tflite or .keras.", metavar="PATH")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="FER2013, a folder with one folder a label, a list of pictures ...", metavar="PATH"
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="test or validation.", metavar="NAME")] = "test",
    labels: Annotated[
        str,
        typer.Option(
            help="fer2013, ferplus, or the labels that count, with commas between.", metavar="NAME|LABELS"
        ),
    ] = "fer2013",
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the figures to this file.", metavar="FILE")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Find the face in each picture: auto, yunet, haar ...", metavar="NAME")
    ] = None,
) -> None:
    """Say how often a network is right. It is the shipped one, unless another is named."""
    from ..datasets.inspection import leaked
    from ..files import write_text
    from ..models.runtime import load
    from ..training.evaluation import PROTOCOLS, evaluate

    if split not in ("test", "validation"):
        raise BadInputError(f"--split is {split!r}.", "Expected test or validation.", "Try --split test.")
    target = json_file and user_path(json_file)
    if target and not target.parent.is_dir():
        raise OutputError(
            f"There is no folder {target.parent}.", "Expected one for --json.", "Make it, or choose another."
        )
    named = None if labels in PROTOCOLS or "," not in labels else _labels(labels)
    runtime = load(model)
    dataset = _read(data, detector, named, runtime.labels, runtime.cut)
    _tell_about(dataset)
    chosen = getattr(dataset, split)
    if not len(chosen):
        sizes = ", ".join(f"{count:,} for {name}" for name, count in dataset.sizes.items())
        raise BadInputError(
            f"The data have no pictures for {split}: {sizes}.",
            "Expected some.",
            "Choose the other --split, or look whether the file was cut off.",
        )
    known = leaked(chosen, dataset.training) if len(dataset.training) else None
    found = evaluate(runtime, chosen, "fer2013" if named else labels, known, dataset.labels)
    print(found.text(f"{split} set", named or ()))
    if target:
        write_text(target, json.dumps(found.to_json(), indent=2) + "\n")


def export(
    model: Annotated[
        str, typer.Option(help="A network: .keras, or anybody's .tflite, .h5 or SavedModel.", metavar="PATH")
    ],
    out: Annotated[str, typer.Option(help="The .tflite (or .keras) file to write.", metavar="FILE")],
    quantize: Annotated[
        str | None,
        typer.Option(
            help="none, float16, dynamic or int8; dynamic, and none for others' networks.", metavar="NAME"
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Faces for int8, such as it will meet.", metavar="PATH")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Of somebody else's network: its labels, in order.", metavar="NAME,NAME..."),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="Of somebody else's network: how its pixels are scaled, such as 0..1, -1..1, 0..255 or "
            "MEAN/DEVIATION; where it leaves them open, size and colour, too: 64,rgb,0..1.",
            metavar="SCALING",
        ),
    ] = None,
) -> None:
    """Write a network as a .tflite file, for small machines.

    A network from elsewhere becomes one of ours; it needs its --labels and its --input once.
    """
    from ..models.external import adopt
    from ..models.metadata import has_card, read_card

    path, target = user_path(model), user_path(out)
    if data and quantize != "int8":
        raise BadInputError(
            f"--data is given with --quantize {quantize or 'dynamic'}.",
            "Expected it with int8 only, which learns from faces how large its numbers get.",
            "Leave it out, or use --quantize int8.",
        )
    if has_card(path):
        _export_own(path, target, quantize or "dynamic", data, labels or input_)
    else:
        card = adopt(path, target, labels, input_, quantize, _pictures(data) if data else None)
        print(
            f"It knows {', '.join(card.labels)}, and takes pictures of {card.input}. {ANSWERS[card.answers]}"
        )
    kept = read_card(target).facts.get("weights", "as it was")
    print(f"{target}: {kept}, {target.stat().st_size / 1e6:.2f} MB")


def _export_own(path: Path, target: Path, quantize: str, data: str | None, described: str | None) -> None:
    """Writes a .keras network that says itself what it is as a .tflite file."""
    from ..models.export import export, faces_of
    from ..models.formats import KERAS, kind_of
    from ..models.metadata import read_card

    if kind_of(path) != KERAS:
        raise BadInputError(
            f"--model is {path}.", "Expected a .keras file.", "Name the one that the training left."
        )
    card = read_card(path)
    if described:
        raise BadInputError(
            f"--labels or --input is given, and {path} says itself that it knows {', '.join(card.labels)}.",
            "Expected them for networks that do not say so.",
            "Leave them out, or name the file that it was made of.",
        )
    export(path, target, quantize, faces_of(card, _pictures(data)) if data else None)


def _tell_about(dataset: Dataset) -> None:
    """Prints how data were read, what was left out, and what is wrong with them."""
    from ..datasets.inspection import report

    for line in report(dataset):
        print(line, flush=True)


def _labels(text: str | None) -> Labels | None:
    """Returns the labels that a user named, with commas between."""
    from ..datasets.synonyms import canonical
    from ..labels import folded_label

    if not text:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(set(map(folded_label, names))) < 2:
        raise BadInputError(
            f"--labels is {text!r}.",
            "Expected two labels or more, with commas between.",
            "Try --labels Happy,Sad,Neutral.",
        )
    return canonical(dict.fromkeys(names))


def _read(
    data: str | None,
    detector: str | None = None,
    labels: Labels | None = None,
    also: Sequence[str] = (),
    cut: Callable[..., np.ndarray] | None = None,
) -> Dataset:
    """Reads data, None for FER2013 where it usually lies; with a detector, the faces in its pictures."""
    from ..datasets.dataset import read
    from ..datasets.fer2013 import find_fer2013
    from ..pictures.image import face_pixels
    from ..vision.detectors import FaceCutter, make_detector

    path = data or find_fer2013()
    if path is None:
        named = os.environ.get("EXPRESSION_DATA")
        raise MissingFileError(
            f"There is no FER2013 {'at ' + named if named else 'in this folder'}.",
            "Expected fer2013.csv or a folder fer2013, or --data with another name.",
            "Name it, or get it from the Kaggle challenge of 2013.",
        )
    if not data:
        print(f"Data: {path.absolute()}", flush=True)
    cutter = FaceCutter(make_detector(detector) if detector else None, cut or face_pixels)
    dataset = read(path, labels, cutter, also)
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


def _pictures(data: str) -> Any:
    """Returns (300, 48, 48) uint8 at most: faces to learn from, evenly chosen."""
    import numpy as np

    pictures = _read(data).divided().training.pictures
    if not len(pictures):
        happened = f"{data} has no pictures for training."
        raise BadInputError(happened, "Expected some, to learn ranges from.", "Name other data.")
    return pictures[np.linspace(0, len(pictures) - 1, min(300, len(pictures))).astype(int)]


def _tell(row: dict[str, float]) -> None:
    """Prints an epoch of a training."""
    votes = f", by the votes {row['validation_votes']:.1%}" if "validation_votes" in row else ""
    print(
        f"epoch {row['epoch']}: loss {row['loss']:.3f}, right in validation {row['validation']:.1%}{votes}",
        flush=True,
    )
