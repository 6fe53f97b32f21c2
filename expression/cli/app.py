"""The command line: `expression COMMAND`, or `python -m expression COMMAND`.

Each command checks its options, calls one module and prints. Modules are imported inside
the commands, so that `--help` is fast and `check` works where OpenCV does not.

Notebook: 01_start_here
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import threading
import warnings
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.exceptions import TyperException

from .. import __version__
from ..errors import ExpressionError, RunError
from ..live.signals import ignore_signals
from ..sanitize import clean, discard_output
from . import training
from .analyze import analyze
from .audit import audit
from .check import check
from .dataset import dataset_app, label
from .export import export
from .extract import extract
from .hack import hack
from .lights import lights_app
from .live import WithNames, live
from .models import models_app
from .personalise import personalise
from .preprocess import preprocess
from .report import report
from .serve import serve

app = typer.Typer(
    name="expression",
    help="Reads facial expressions from a camera, a video or a bundled demo.",
    epilog="Start with: expression live",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
"""The exit code after Ctrl-C that shells expect."""


def program() -> NoReturn:
    """Runs a command as a program, and exits with the command's exit code.

    A later Ctrl-C has nothing left to stop, and is ignored. If threads of a run are left, because they hang
    or are slow, Python would end them wherever they are, and in C++ code, such as OpenCV's, that aborts the
    process (github.com/python/cpython/issues/87135); so it exits without cleaning up Python.
    """
    code = main()
    ignore_signals()
    workers = sys.modules.get("expression.live.worker")  # only `live` imports it
    if workers and any(isinstance(each, workers.Worker) for each in threading.enumerate()):
        os._exit(code)
    sys.exit(code)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The words after `expression`; None for those of the process.

    Returns:
        0 for success, 1 for a failure while running, 2 for bad usage or input, 130 after Ctrl-C. A failure
        is one line on stderr; EXPRESSION_DEBUG=1 adds the traceback.
    """
    _prepare_streams()
    code = 0
    try:
        code = _command()(args=arguments, prog_name="expression", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()  # so that a full disk is noticed
        return _complain("Stopped.", code) if code == INTERRUPTED else code
    except TyperException as error:
        return _complain(_usage(error), error.exit_code)
    except ExpressionError as error:
        return _complain(error, error.exit_code)
    except typer.Abort:  # a question without a terminal, or Ctrl-C at one
        print()  # ends the line of the question
        if sys.stdin is not None and sys.stdin.isatty():
            return _complain("Stopped.", INTERRUPTED)
        return _complain("No answer was given. Expected y or n. Run it in a terminal, or see --help.", 1)
    except BrokenPipeError:  # the reader has stopped, as in: expression check | head -1
        return code
    except OSError as error:  # mostly a file without permission
        return _complain(_unusable(error), 2)
    except Exception as error:  # noqa: BLE001  the last resort: one line instead of a traceback
        failure = RunError(
            f"Unexpected error: {type(error).__name__}: {error}.",
            "This is a bug in expression.",
            "Run it again with EXPRESSION_DEBUG=1, and report what it prints.",
        )
        failure.__cause__ = error
        return _complain(failure, failure.exit_code)
    finally:
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)


@functools.cache
def _command() -> Any:
    """The commands with their options, which take 50 ms to put together and then serve every call."""
    return typer.main.get_command(app)


def _unusable(error: OSError) -> str:
    """Returns what is wrong with a file, the console or the current folder, in one line."""
    try:
        os.getcwd()
    except OSError:
        return "The current folder was deleted. Expected a folder that exists. Change to another: cd ~"
    happened = f"{error.filename or 'A file or device'} cannot be used ({error.strerror or error})."
    return f"{happened} Expected one that you can read and write. Check its permissions."


def _flush(stream: TextIO | None) -> None:
    """Writes what is still buffered; if nobody can read it any more, it is discarded."""
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        discard_output(stream)


def _prepare_streams() -> None:
    """Makes sure that output and log lines have a destination, and that no character ends the program."""
    for number in range(3):  # the next file that is opened would take the place of a closed one
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # printing ✓ must not fail on an old console
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # damage in a picture is reported anyway


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"expression {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


for command, example in (
    (live, "live --source holiday.mp4 --sink csvfile:holiday.csv"),
    (check, "check --camera"),
    (training.train, "train --data fer2013.csv --out results/mine"),
    (training.evaluate, "evaluate --data fer2013.csv --json results.json"),
    (export, "export --model results/mine/expression.keras --out mine.tflite"),
    (analyze, "analyze holiday.mp4 --out holiday.csv"),
    (extract, "extract holiday.mp4 --rows holiday.csv --emotion Happy --out happy"),
    (report, "report holiday.mp4 --rows holiday.csv --out holiday.html"),
    (preprocess, "preprocess me.mp4 --out faces"),
    (audit, "audit"),
    (label, "label --target 30"),
    (personalise, "personalise --out mine.keras"),
    (hack, "hack me.jpg --to Sad --out hacked"),
    (serve, "serve --port 8000"),
):
    app.command(cls=WithNames if command is live else None, epilog=f"Example: expression {example}")(command)
app.add_typer(dataset_app, name="dataset")
app.add_typer(lights_app, name="lights")
app.add_typer(models_app, name="models")


def _usage(error: TyperException) -> str:
    """Returns a usage error as one line: what happened, what was expected, what to do."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "expression"
    expected = f"{command} {_form(context.command)}".rstrip() if context else "a value after the option"
    text = " ".join(error.format_message().split()).rstrip(".")
    stop = "" if text.endswith("?") else "."
    return f"{text}{stop} Expected {expected}. Run: {command} --help"


def _form(command: Any) -> str:
    """Returns what can follow a command: its commands, or its options and arguments."""
    words = [p.opts[0] if p.opts[0].startswith("-") else p.name.upper() for p in command.params]
    options = [word if p.required else f"[{word}]" for word, p in zip(words, command.params, strict=True)]
    return "|".join(getattr(command, "commands", [])) or " ".join(options)


def _complain(error: Exception | str, code: int) -> int:
    """Prints one line on stderr, and the traceback if EXPRESSION_DEBUG asks for it."""
    if isinstance(error, Exception) and os.environ.get("EXPRESSION_DEBUG"):
        logging.getLogger("expression").error("", exc_info=error)
    with contextlib.suppress(OSError):  # nobody reads it
        print(" ".join(clean(error).split()), file=sys.stderr)
    return code
