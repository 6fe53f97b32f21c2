"""The command line: `expression COMMAND`, or `python -m expression COMMAND`.

Each command checks its options, calls one module and prints. Modules are imported inside
the commands, so that `--help` is quick and `check` works where OpenCV does not.

Notebook: 01_start_here
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from . import __version__, cli_training
from .cli_dataset import dataset_app, label, personalise
from .cli_lights import lights_app
from .errors import ExpressionError

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
    except typer.Abort:  # a question without a terminal, or Ctrl-C at one
        print()  # the question's line has no end
        return _complain("Nobody answered. Expected y or n. Run it in a terminal, or see --help.", 1)
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
    """Read faces from a camera; without one, from the bundled demo.

    Keys of its window: Esc or q ends it, o turns it off and on, p pauses lamps and other reactions, 1 gives
    them the first label by hand (Angry), 2 the next and so on, 0 takes that back.
    """
    from .live import run, session_of
    from .settings import Settings

    given = {"source": source, "display": display, "detector": detector, "sinks": sink}
    given |= {"duration": duration, "model": model, "people": people, "smooth": smooth, "stats": stats}
    run(session_of(Settings.load(**given)))


@app.command(epilog="Example: expression check")
def check() -> None:
    """Say what works on this machine, and what to do about the rest."""
    from .check import all_good, report, run_checks

    checks = run_checks()
    print(report(checks))
    raise typer.Exit(0 if all_good(checks) else 1)


for command, example in (
    (cli_training.train, "train --data fer2013.csv --out results/mine"),
    (cli_training.evaluate, "evaluate --data fer2013.csv --json figures.json"),
    (cli_training.export, "export --model results/mine/expression.keras --out mine.tflite"),
    (label, "label --target 30"),
    (personalise, "personalise --out mine.keras"),
):
    app.command(epilog=f"Example: expression {example}")(command)
app.add_typer(dataset_app, name="dataset")
app.add_typer(lights_app, name="lights")
app.add_typer(models_app, name="models")


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
    words = [p.opts[0] if p.opts[0].startswith("-") else p.name.upper() for p in command.params]
    options = [word if p.required else f"[{word}]" for word, p in zip(words, command.params, strict=True)]
    return "|".join(getattr(command, "commands", [])) or " ".join(options)


def _complain(error: Exception | str, code: int) -> int:
    """Prints one line on stderr, and the traceback where it is asked for."""
    if isinstance(error, Exception) and os.environ.get("EXPRESSION_DEBUG"):
        logging.getLogger("expression").error("", exc_info=error)
    print(" ".join(str(error).split()), file=sys.stderr)
    return code
