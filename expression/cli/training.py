"""The commands `expression train`, `evaluate` and `export`; `app.py` adds them.

Modules are imported inside the commands, so that others stay fast.

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
    "scores": "Its outputs are scores.",
    "logits": "A softmax turns its outputs into scores.",
    "shares": "Its outputs are divided by their sum to give scores.",
    "chance": "Its output is the score of the second label.",
    "odds": "A sigmoid turns its output into the score of the second label.",
}
"""What was found out about the outputs of a network from elsewhere."""

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
    out: Annotated[str, typer.Option(help="Folder to write the network to.", metavar="DIR")],
    data: Annotated[
        str | None,
        typer.Option(
            help="FER2013, a folder with one folder per label, a list of pictures ...", metavar="PATH"
        ),
    ] = None,
    network: Annotated[
        str, typer.Option(help="shipped, whole, wide or tutorial.", metavar="NAME")
    ] = "shipped",
    epochs: Annotated[
        int | None, typer.Option(help="Number of passes over the training pictures.", metavar="N")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of first weights and order.", metavar="N")] = 0,
    start: Annotated[str | None, typer.Option(help="Start from this network.", metavar="FILE.keras")] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(help="Also learn from this network. Repeat for several.", metavar="FILE"),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Labels to learn, separated by commas; may include contempt.", metavar="LABELS"),
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Find the face in each picture: auto, yunet, haar ...", metavar="NAME")
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Compute in bfloat16; faster on some processors.")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change the recipe, such as erasing=0. Repeat for several.", metavar="NAME=VALUE"
        ),
    ] = None,
) -> None:
    """Train a network. The same command continues a training that was stopped."""
    from ..training.recipe import changed, usual

    recipe = dataclasses.replace(usual(network, epochs, seed, taught=bool(teacher)), mixed=mixed)
    recipe = changed(recipe, changes or ())
    begin, teachers = start and user_path(start), [user_path(name) for name in teacher or ()]
    dataset = _read(data, detector, _labels(labels))
    divided = dataset.divided()
    learned = divided.narrowed()
    _print_report(learned)
    if learned.unused:
        every = ",".join([*learned.labels, *learned.unused])
        print(f"To learn {' and '.join(learned.unused)} as well, add --labels {every}.")
    print(f"{len(learned.training):,} training pictures, {len(learned.validation):,} validation pictures.")
    from ..models.export import export

    trained = _trained(learned, user_path(out), recipe, begin, teachers)
    exported = trained.path.with_suffix(".tflite")
    export(trained.path, exported, "dynamic")
    print(
        f"{trained.path}: {trained.accuracy:.1%} correct in validation. {exported.name}: the same, smaller."
    )
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
    """Trains and prints each epoch; after Ctrl-C, says where the training will continue."""
    from ..training.trainer import train

    rows: list[Row] = []

    def tell(row: Row) -> None:
        rows.append(row)
        _tell(row)

    try:
        trained = train(dataset, out, recipe, start, teachers, tell)
    except KeyboardInterrupt:
        point = "after the last complete epoch" if rows else "from where this run started"
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
            help="FER2013, a folder with one folder per label, a list of pictures ...", metavar="PATH"
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="test or validation.", metavar="NAME")] = "test",
    labels: Annotated[
        str,
        typer.Option(
            help="fer2013, ferplus, or the labels to count, separated by commas.", metavar="NAME|LABELS"
        ),
    ] = "fer2013",
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the results to this JSON file.", metavar="FILE")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Find the face in each picture: auto, yunet, haar ...", metavar="NAME")
    ] = None,
) -> None:
    """Report how often a network is right. The default is the shipped network."""
    from ..datasets.inspection import leaked
    from ..files import write_text
    from ..models.runtime import load
    from ..training.evaluation import PROTOCOLS, evaluate

    if split not in ("test", "validation"):
        raise BadInputError(f"--split is {split!r}.", "Expected test or validation.", "Try --split test.")
    target = json_file and user_path(json_file)
    if target and not target.parent.is_dir():
        raise OutputError(
            f"There is no folder {target.parent}.", "Expected one for --json.", "Create it, or name another."
        )
    named = None if labels in PROTOCOLS or "," not in labels else _labels(labels)
    runtime = load(model)
    dataset = _read(data, detector, named, runtime.labels, runtime.cut)
    _print_report(dataset)
    chosen = getattr(dataset, split)
    if not len(chosen):
        sizes = ", ".join(f"{count:,} for {name}" for name, count in dataset.sizes.items())
        raise BadInputError(
            f"The data have no pictures for {split}: {sizes}.",
            "Expected at least one.",
            "Choose the other --split, or check whether the file was cut off.",
        )
    known = leaked(chosen, dataset.training) if len(dataset.training) else None
    found = evaluate(runtime, chosen, "fer2013" if named else labels, known, dataset.labels)
    print(found.text(f"{split} set", named or ()))
    if target:
        write_text(target, json.dumps(found.to_json(), indent=2) + "\n")


def export(
    model: Annotated[
        str, typer.Option(help="A .keras network, or any .tflite, .h5 or SavedModel.", metavar="PATH")
    ],
    out: Annotated[str, typer.Option(help="The .tflite (or .keras) file to write.", metavar="FILE")],
    quantize: Annotated[
        str | None,
        typer.Option(
            help="none, float16, dynamic or int8. Default: dynamic, or none for networks from elsewhere.",
            metavar="NAME",
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Sample faces, for int8 only.", metavar="PATH")] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="For a network from elsewhere: its labels, in order.", metavar="NAME,NAME..."),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="For a network from elsewhere: how its pixels are scaled, such as 0..1, -1..1, 0..255 or "
            "MEAN/DEVIATION; also size and colour if it leaves them open: 64,rgb,0..1.",
            metavar="SCALING",
        ),
    ] = None,
) -> None:
    """Write a network as a .tflite file, for small machines.

    A network from elsewhere is converted; it needs --labels and --input once.
    """
    from ..models.external import adopt
    from ..models.metadata import has_card, read_card

    path, target = user_path(model), user_path(out)
    if data and quantize != "int8":
        raise BadInputError(
            f"--data is given with --quantize {quantize or 'dynamic'}.",
            "Expected it only with int8, which uses faces to measure the ranges of its values.",
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
    """Writes a .keras network that has a card as a .tflite file."""
    from ..models.export import export, faces_of
    from ..models.formats import KERAS, kind_of
    from ..models.metadata import read_card

    if kind_of(path) != KERAS:
        raise BadInputError(
            f"--model is {path}.", "Expected a .keras file.", "Name the one that the training wrote."
        )
    card = read_card(path)
    if described:
        raise BadInputError(
            f"--labels or --input is given, but {path} already says that it knows {', '.join(card.labels)}.",
            "Expected them only for networks that do not say so.",
            "Leave them out, or name the file that it was made from.",
        )
    export(path, target, quantize, faces_of(card, _pictures(data)) if data else None)


def _print_report(dataset: Dataset) -> None:
    """Prints how the data were read, what was left out, and what is wrong with them."""
    from ..datasets.inspection import report

    for line in report(dataset):
        print(line, flush=True)


def _labels(text: str | None) -> Labels | None:
    """Returns the labels that a user named, separated by commas."""
    from ..datasets.synonyms import canonical
    from ..labels import folded_label

    if not text:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(set(map(folded_label, names))) < 2:
        raise BadInputError(
            f"--labels is {text!r}.",
            "Expected two or more labels, separated by commas.",
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
    """Reads data, None for FER2013 in its usual places; with a detector, the faces in the pictures."""
    from ..datasets.dataset import read
    from ..datasets.fer2013 import find_fer2013
    from ..pictures.image import face_pixels
    from ..vision.detectors import FaceCutter, make_detector

    path = data or find_fer2013()
    if path is None:
        named = os.environ.get("EXPRESSION_DATA")
        raise MissingFileError(
            f"FER2013 was not found {'at ' + named if named else 'in this folder'}.",
            "Expected fer2013.csv, a folder fer2013, or other data named with --data.",
            "Name it with --data, or download it from the Kaggle challenge of 2013.",
        )
    if not data:
        print(f"Data: {path.absolute()}", flush=True)
    cutter = FaceCutter(make_detector(detector) if detector else None, cut or face_pixels)
    dataset = read(path, labels, cutter, also)
    if detector and not cutter.pictures:
        raise BadInputError(
            f"--detector is given, but the faces in {path} are already cropped.",
            "Expected it only with folders of pictures.",
            "Leave it out.",
        )
    if detector and cutter.missed:
        print(f"No face was found in {cutter.missed} of {cutter.pictures} pictures; they are used whole.")
    elif not detector and cutter.photos:
        print(f"{cutter.photos} of {cutter.pictures} pictures are as large as photos. Try --detector auto.")
    return dataset


def _pictures(data: str) -> Any:
    """Returns up to 300 training faces, evenly chosen: (n, 48, 48) uint8."""
    import numpy as np

    pictures = _read(data).divided().training.pictures
    if not len(pictures):
        happened = f"{data} has no pictures for training."
        raise BadInputError(happened, "Expected some, to measure ranges with.", "Choose other data.")
    return pictures[np.linspace(0, len(pictures) - 1, min(300, len(pictures))).astype(int)]


def _tell(row: dict[str, float]) -> None:
    """Prints an epoch of the training."""
    votes = f", by the votes {row['validation_votes']:.1%}" if "validation_votes" in row else ""
    print(
        f"epoch {row['epoch']}: loss {row['loss']:.3f}, correct in validation {row['validation']:.1%}{votes}",
        flush=True,
    )
