"""The commands `expression train` and `expression evaluate`.

Modules are imported inside the commands, so that others stay fast.

Notebook: 06_train
"""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from typing import TYPE_CHECKING, Annotated

from typer import Option

from ..errors import BadInputError, RunError, user_path
from ..files import check_folder
from ..sanitize import counted
from .export import check_keras
from .training_data import labels_of, print_report, read_faces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..datasets.dataset import Dataset, Split
    from ..models import Runtime
    from ..training.checkpoints import Row
    from ..training.evaluation import Evaluation
    from ..training.recipe import Recipe
    from ..training.trainer import Trained

Data = Annotated[
    str | None,
    Option(help="FER2013, a folder with one folder per label, a list of pictures ...", metavar="PATH"),
]
FaceDetector = Annotated[
    str | None, Option(help="Find the face in each picture: auto, yunet, haar ...", metavar="NAME")
]


def train(
    out: Annotated[str, Option(help="Folder to write the network to.", metavar="DIR")],
    data: Data = None,
    network: Annotated[
        str, Option(help="shipped, quick, whole, wide or tutorial.", metavar="NAME")
    ] = "shipped",
    epochs: Annotated[
        int | None, Option(help="Number of passes over the training pictures.", metavar="N")
    ] = None,
    seed: Annotated[
        int, Option(help="Random seed for the first weights and the order of pictures.", metavar="N")
    ] = 0,
    start: Annotated[str | None, Option(help="Start from this network.", metavar="FILE.keras")] = None,
    transfer: Annotated[
        str | None,
        Option(
            help="Retrain a network that was trained on photos of objects: mobilenet, inception or vgg16.",
            metavar="NAME",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        Option(help="Weights for --transfer. Default: download them from Keras.", metavar="FILE.h5"),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        Option(help="Also learn from this network. Repeat for several.", metavar="FILE"),
    ] = None,
    labels: Annotated[
        str | None,
        Option(help="Labels to learn, separated by commas; may include contempt.", metavar="LABELS"),
    ] = None,
    detector: FaceDetector = None,
    mixed: Annotated[bool, Option("--mixed", help="Compute in bfloat16; faster on some processors.")] = False,
    changes: Annotated[
        list[str] | None,
        Option(
            "--set", help="Change the recipe, such as erasing=0. Repeat for several.", metavar="NAME=VALUE"
        ),
    ] = None,
) -> None:
    """Train a network. To continue a training that was stopped, run the same command again."""
    from ..training.recipe import changed, stages, usual

    folder, begin = user_path(out), start and user_path(start)
    if transfer:
        _check_transfer(network, start, teacher, mixed)
        recipes = stages(transfer, epochs, seed, changes or ())
    else:
        _check_weights(weights)
        recipe = dataclasses.replace(usual(network, epochs, seed, taught=bool(teacher)), mixed=mixed)
        recipes, teachers = [changed(recipe, changes or ())], [user_path(name) for name in teacher or ()]
    dataset = read_faces(data, detector, labels_of(labels))
    divided = dataset.divided()
    learned = divided.narrowed()
    _print_learned(learned)
    from ..models.export import export
    from ..training import trainer
    from ..training.transfer import transfer as retrain

    if transfer:
        run = partial(retrain, learned, folder, recipes, weights and user_path(weights))
    else:
        run = partial(trainer.train, learned, folder, recipes[0], begin, teachers)
    trained = _trained(run, recipes[-1])
    exported = trained.path.with_suffix(".tflite")
    export(trained.path, exported, "dynamic")
    print(
        f"{trained.path}: {trained.accuracy:.1%} correct in validation. "
        f"{exported.name}: the same network, but smaller."
    )
    _print_next(exported, data, dataset, divided is dataset)


def _print_learned(learned: Dataset) -> None:
    """Prints what a training learns from, and the labels that it leaves out."""
    print_report(learned)
    if learned.unused:
        every = ",".join([*learned.labels, *learned.unused])
        print(f"To learn {' and '.join(learned.unused)} as well, add --labels {every}.")
    print(f"{len(learned.training):,} training pictures, {len(learned.validation):,} validation pictures.")


def _print_next(exported: Path, data: str | None, dataset: Dataset, has_test: bool) -> None:
    """Prints the commands that follow a training."""
    if has_test:
        where = f" --data {data}" if data else ""
        split = "" if len(dataset.test) else " --split validation"
        print(f"Next: expression evaluate --model {exported}{where}{split}")
    else:
        print(f"Most pictures of {data} were used for training: evaluate the network with other pictures.")
    print(f"Next: expression live --model {exported}")


def _check_transfer(network: str, start: str | None, teachers: list[str] | None, mixed: bool) -> None:
    """Raises an error for options that have no meaning with --transfer."""
    given = {
        "--network": network != "shipped",
        "--start": bool(start),
        "--teacher": bool(teachers),
        "--mixed": mixed,
    }
    if wrong := [name for name, there in given.items() if there]:
        raise BadInputError(
            f"--transfer is given with {' and '.join(wrong)}.",
            "Expected only one way to choose a network and the weights that it starts from.",
            f"Leave out {' and '.join(wrong)}, or --transfer.",
        )


def _check_weights(weights: str | None) -> None:
    """Raises an error for weights without --transfer."""
    if weights:
        raise BadInputError(
            f"--weights is {weights}, but --transfer is not given.",
            "Expected the name of the network that they belong to.",
            "Add --transfer mobilenet, or use --start for a .keras file.",
        )


def _trained(run: Callable[..., Trained], recipe: Recipe) -> Trained:
    """Trains and prints each epoch; after Ctrl-C, says where the training will continue."""
    rows: list[Row] = []

    def tell(row: Row) -> None:
        rows.append(row)
        _tell(row)

    try:
        trained = run(on_epoch=tell)
    except KeyboardInterrupt:
        point = "after the last complete epoch" if rows else "from where this run started"
        raise RunError(
            f"The training was stopped after {counted(len(rows), 'epoch')}.",
            "Expected it to run to the end.",
            f"Run the same command again to continue {point}.",
        ) from None
    if not rows:
        print("The training was already finished.")
    if len(trained.history) < recipe.epochs:
        print(f"Stopped early: no improvement for {counted(recipe.patience, 'epoch')}.")
    return trained


def evaluate(
    model: Annotated[str | None, Option(help="A network, .tflite or .keras.", metavar="PATH")] = None,
    data: Data = None,
    split: Annotated[str, Option(help="test or validation.", metavar="NAME")] = "test",
    labels: Annotated[
        str,
        Option(help="fer2013, ferplus, or the labels to count, separated by commas.", metavar="NAME|LABELS"),
    ] = "fer2013",
    head: Annotated[
        str | None,
        Option(
            help="fer2013, ferplus, or live, as in a live run. "
            "By default live with --detector, else the head of --labels.",
            metavar="NAME",
        ),
    ] = None,
    sensitivity: Annotated[
        str | None,
        Option(
            help="For --head live: 0 as people vote, 1 as if all labels were equally likely.",
            metavar="NUMBER",
        ),
    ] = None,
    json_file: Annotated[
        str | None, Option("--json", help="Write the results to this JSON file.", metavar="FILE")
    ] = None,
    detector: FaceDetector = None,
    compare: Annotated[
        bool, Option("--compare", help="Compare a .keras network with all forms that export writes.")
    ] = False,
) -> None:
    """Report how often a network is right. The default is the shipped network."""
    from ..datasets.inspection import leaked
    from ..files import write_text
    from ..models import load
    from ..models.formats import KERAS
    from ..models.registry import SHIPPED
    from ..models.runtime import LIVE
    from ..settings import COMMAND_LINE, Settings
    from ..training.evaluation import PROTOCOLS, evaluate

    target = json_file and user_path(json_file)
    _check_evaluation(split, target)
    named = None if labels in PROTOCOLS or "," not in labels else labels_of(labels)
    if compare:
        model = model or str(SHIPPED.with_suffix(KERAS))
        check_keras(user_path(model))
    runtime = load(model)
    runtime.sensitivity = Settings.load(place=COMMAND_LINE, sensitivity=sensitivity).sensitivity
    runtime.check_head(head)
    dataset = read_faces(data, detector, named, runtime.labels, runtime.cut)
    print_report(dataset)
    chosen = _pictures_of(dataset, split)
    known = leaked(chosen, dataset.training) if len(dataset.training) else None
    answers, head = "fer2013" if named else labels, head or (LIVE if detector else None)

    def evaluated(network: Runtime) -> Evaluation:
        network.sensitivity = runtime.sensitivity
        return evaluate(network, chosen, answers, known, dataset.labels, head)

    if compare:
        results = _compare(runtime, chosen, split, evaluated)
    else:
        found = evaluated(runtime)
        print(found.text(f"{split} set", named or ()))
        results = found.to_json()
    if target:
        write_text(target, json.dumps(results, indent=2) + "\n")


def _compare(
    runtime: Runtime, chosen: Split, split_name: str, evaluated: Callable[[Runtime], Evaluation]
) -> dict[str, dict]:
    """Prints a network in each form that `export` writes; returns the figures for the JSON file."""
    from ..training.forms import compare, table

    forms = compare(runtime, chosen.pictures, evaluated)
    print(f"{runtime.name}, {len(chosen):,} pictures of the {split_name} set\n\n{table(forms)}\n")
    print(
        "Same label: how often it is the label of the .keras file. "
        "Times were measured on this machine, in one thread."
    )
    return {form.name: form.to_json() for form in forms}


def _check_evaluation(split: str, target: Path | None) -> None:
    """Raises an error for a split that does not exist, or a file in a folder that does not."""
    if split not in ("test", "validation"):
        raise BadInputError(f"--split is {split!r}.", "Expected test or validation.", "Try --split test.")
    if target:
        check_folder(target, "--json")


def _pictures_of(dataset: Dataset, name: str) -> Split:
    """Returns the test or validation pictures; raises an error if there are none."""
    chosen = getattr(dataset, name)
    if not len(chosen):
        sizes = ", ".join(f"{count:,} for {split}" for split, count in dataset.sizes.items())
        raise BadInputError(
            f"The data have no pictures for {name}: {sizes}.",
            "Expected at least one.",
            "Choose the other --split, or check whether the file was cut off.",
        )
    return chosen


def _tell(row: dict[str, float]) -> None:
    """Prints an epoch of the training."""
    votes = f", by the votes {row['validation_votes']:.1%}" if "validation_votes" in row else ""
    print(
        f"epoch {row['epoch']}: loss {row['loss']:.3f}, correct in validation {row['validation']:.1%}{votes}",
        flush=True,
    )
