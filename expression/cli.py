"""The command line: `expression COMMAND`, or `python -m expression COMMAND`.

Each command checks its options, calls one module and prints. Modules are imported inside
the commands, so that `--help` is quick and `check` works where OpenCV does not.

Notebook: 01_start_here
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from . import __version__
from .cli_dataset import dataset_app, label
from .errors import BadInputError, ExpressionError, MissingFileError, RunError, user_path

if TYPE_CHECKING:
    from .dataset import Dataset

app = typer.Typer(
    name="expression",
    help="Reads facial expressions from a camera, a video or a bundled demo.",
    epilog="Begin with: expression live",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(
    help="Optional models, fetched once and checked.", epilog="Example: expression models list"
)
app.add_typer(models_app, name="models")
app.add_typer(dataset_app, name="dataset")
app.command(epilog="Example: expression label --target 30")(label)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The words after `expression`; None for the process's own.

    Returns:
        0 done, 1 a failure while running, 2 bad usage or bad input. A failure is one
        line on stderr; EXPRESSION_DEBUG=1 adds the traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # ✓ must not end the program on an old console
            stream.reconfigure(errors="replace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        return app(args=arguments, prog_name="expression", standalone_mode=False) or 0
    except TyperException as error:
        return _complain(_usage(error), error.exit_code)
    except ExpressionError as error:
        return _complain(error, error.exit_code)
    except OSError as error:  # a file without permission, above all
        happened = f"{error.filename or 'A file or device'} cannot be used ({error.strerror or error})."
        return _complain(f"{happened} Expected one that you may read and write. Check its permissions.", 2)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        print(f"expression {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog="Example: expression live --source holiday.mp4 --sink csvfile:holiday.csv")
def live(
    source: Annotated[
        str | None,
        typer.Option(help="Camera index, file, folder, rtsp or http address, or demo.", metavar="S"),
    ] = None,
    display: Annotated[str | None, typer.Option(help="window or none.", metavar="NAME")] = None,
    detector: Annotated[
        str | None,
        typer.Option(help="auto, haar, haar-alt2, lbp, yunet or whole.", metavar="NAME"),
    ] = None,
    sink: Annotated[
        list[str] | None,
        typer.Option(
            help="Where readings go: NAME, NAME:VALUE or NAME:key=value; again for more.", metavar="SINK"
        ),
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="End after so many seconds.", metavar="SECONDS")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A network, .tflite or .keras.", metavar="PATH")] = None,
    people: Annotated[str | None, typer.Option(help="Faces at once, largest first.", metavar="N")] = None,
    smooth: Annotated[str | None, typer.Option(help="average, streak or none.", metavar="NAME")] = None,
    stats: Annotated[
        str | None, typer.Option(help="Write statistics to this JSON file.", metavar="FILE")
    ] = None,
) -> None:
    """Read faces from a camera; without one, from the bundled demo."""
    from .display import make_display
    from .live import run
    from .session import Session
    from .settings import Settings

    settings = Settings.load(
        source=source,
        display=display,
        detector=detector,
        sinks=sink,
        duration=duration,
        model=model,
        people=people,
        smooth=smooth,
        stats=stats,
    )
    shown = make_display(settings.display).name
    sinks = settings.sinks or (("console",) if shown == "none" else ())
    run(Session(settings=dataclasses.replace(settings, display=shown, sinks=sinks)))


@app.command(epilog="Example: expression check")
def check() -> None:
    """Say what works on this machine, and what to do about the rest."""
    from .check import all_good, report, run_checks

    checks = run_checks()
    print(report(checks))
    raise typer.Exit(0 if all_good(checks) else 1)


@app.command(epilog="Example: expression train --data fer2013.csv --out results/mine")
def train(
    data: Annotated[str, typer.Option(help="FER2013, or a folder with one folder a label.", metavar="PATH")],
    out: Annotated[str, typer.Option(help="The folder that gets the network.", metavar="DIR")],
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
    from .training import train

    try:
        trained = train(divided, user_path(out), recipe, begin, teachers, _tell)
    except KeyboardInterrupt:
        raise RunError(
            "The training was stopped.",
            "Expected it to run to its end.",
            "Call it again in the same way, and it goes on after the last whole epoch.",
        ) from None
    exported = trained.path.with_suffix(".tflite")
    export(trained.path, exported, "dynamic")
    print(f"{trained.path}: {trained.accuracy:.1%} right in validation. {exported.name}: the same, smaller.")
    if divided is dataset:
        print(f"Next: expression evaluate --model {exported} --data {data}")
    else:
        print(f"Most pictures of {data} were learned from, so they cannot test it: evaluate it with others.")
    print(f"Next: expression live --model {exported}")


@app.command(epilog="Example: expression evaluate --data fer2013.csv --json figures.json")
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
    runtime, dataset = load(model), _read(data, detector)
    chosen = getattr(dataset, split)
    known = leaked(chosen, dataset.training) if len(dataset.training) else None
    found = evaluate(runtime, chosen, labels, known, dataset.labels)
    print(found.text(f"{split} set"))
    if json_file:
        write_text(user_path(json_file), json.dumps(found.to_json(), indent=2) + "\n")


@app.command(epilog="Example: expression export --model results/mine/expression.keras --out mine.tflite")
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
    if data and quantize != "int8":
        raise BadInputError(
            f"--data is given with --quantize {quantize}.",
            "Expected it with int8 only, which learns from faces how large its numbers get.",
            "Leave it out, or use --quantize int8.",
        )
    faces = _faces(data, read_card(path).size) if data else None
    export(path, target, quantize, faces)
    print(f"{target}: {quantize}, {target.stat().st_size / 1e6:.2f} MB")


@models_app.command("list", epilog="Example: expression models list")
def models_list() -> None:
    """List the optional models, and where each is."""
    from . import models

    for row in models.listing():
        print(row)


@models_app.command("get", epilog="Example: expression models get yunet")
def models_get(name: Annotated[str, typer.Argument(help="A name that `models list` shows.")]) -> None:
    """Fetch a model once and check it by its SHA-256."""
    from . import models

    print(f"{name}: {models.get(name)}")


def _read(data: str | None, detector: str | None = None) -> Dataset:
    """Reads data, None for FER2013 where it usually lies; with a detector, the faces in its pictures."""
    from .dataset import read
    from .faces import FaceCutter, make_detector
    from .fer2013 import find_fer2013

    path = data or find_fer2013()
    if path is None:
        raise MissingFileError(
            "There is no FER2013 in this folder, nor where EXPRESSION_DATA says.",
            "Expected fer2013.csv or a folder fer2013, or --data with another name.",
            "Name it, or get it from the Kaggle challenge of 2013.",
        )
    if detector is None:
        return read(path)
    cutter = FaceCutter(make_detector(detector))
    dataset = read(path, crop=cutter)
    if not cutter.pictures:
        raise BadInputError(
            f"--detector is given, and {path} has faces that are cut already.",
            "Expected it with folders of pictures only.",
            "Leave it out.",
        )
    if cutter.missed:
        print(f"In {cutter.missed} of {cutter.pictures} pictures no face was found; they are taken whole.")
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


def _usage(error: TyperException) -> str:
    """Returns a usage error as one line: what happened, what was expected, what to do."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "expression"
    expected = f"{command} {_form(context.command)}".rstrip() if context else "a value after the option"
    text = " ".join(error.format_message().split()).rstrip(".")
    stop = "" if text.endswith("?") else "."
    return f"{text}{stop} Expected {expected}. Run: {command} --help"


def _form(command: Any) -> str:
    """Returns what may follow a command: its commands, or its options and arguments."""
    options = [f"[{p.opts[0]}]" if p.opts[0].startswith("-") else p.name.upper() for p in command.params]
    return "|".join(getattr(command, "commands", [])) or " ".join(options)


def _complain(error: Exception | str, code: int) -> int:
    """Prints one line on stderr, and the traceback where it is asked for."""
    if isinstance(error, Exception) and os.environ.get("EXPRESSION_DEBUG"):
        logging.getLogger("expression").error("", exc_info=error)
    print(" ".join(str(error).split()), file=sys.stderr)
    return code
