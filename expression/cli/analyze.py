"""The command `expression analyze`: recordings to rows of readings.

Notebook: 13_video
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import user_path
from ..sanitize import counted, printable, say
from .options import Detector, Model, People, Sensitivity, Smooth

if TYPE_CHECKING:
    from ..analysis.run import Result


def analyze(
    paths: Annotated[
        list[str], typer.Argument(help="Videos, pictures, or folders with them.", metavar="PATH...")
    ],
    out: Annotated[str, typer.Option(help="The file to write, .csv or .parquet.", metavar="FILE")],
    every: Annotated[int, typer.Option(help="Analyse every n-th frame.", metavar="N", min=1)] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Threads. Default: one for each core.", metavar="N", min=1)
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="A Dask cluster that does the work.", metavar="ADDRESS")
    ] = None,
    form: Annotated[
        str,
        typer.Option("--format", help="rows: one for each face. counts: one for each frame.", metavar="NAME"),
    ] = "rows",
    copies: Annotated[
        str | None,
        typer.Option(help="A folder for copies with the readings drawn on them.", metavar="DIR"),
    ] = None,
    detector: Detector = None,
    model: Model = None,
    people: People = None,
    smooth: Smooth = None,
    sensitivity: Sensitivity = None,
    neutral: Annotated[
        str | None,
        typer.Option(help="The file of a resting face, written by live --neutral.", metavar="FILE"),
    ] = None,
) -> None:
    """Write a row for every face in every frame of recordings.

    To continue an analysis that was stopped, run the same command again.
    """
    from tqdm import tqdm

    from ..analysis.run import analyze
    from ..settings import COMMAND_LINE, Settings

    given = {"detector": detector, "model": model, "people": people, "smooth": smooth, "neutral": neutral}
    settings = Settings.load(place=COMMAND_LINE, sensitivity=sensitivity, **given)
    target = user_path(out)
    shown = None
    with _continuing(), tqdm(unit=" frames", disable=None) as bar:

        def advance(path: Path, done: int, count: int | None) -> None:
            nonlocal shown
            if path != shown:
                shown = path
                bar.reset(count)
                bar.set_description(printable(path.name), refresh=False)
            bar.update(done - bar.n)

        result = analyze(
            [user_path(path) for path in paths],
            target,
            settings,
            workers=workers,
            every=every,
            form=form,
            copies=user_path(copies) if copies else None,
            cluster=dask,
            advance=advance,
        )
    _report(result, target, copies)


@contextlib.contextmanager
def _continuing() -> Iterator[None]:
    """Says after Ctrl-C that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        say("What was analysed is kept. To continue where it stopped, run the same command again.")
        raise


def _report(result: Result, target: Path, copies: str | None) -> None:
    """Prints what an analysis did."""
    for path, message in result.failed:
        say(f"Left out {printable(str(path))}: {message}")
    for path, message in result.uncopied:
        say(f"No copy of {printable(str(path))}: {message}")
    what = counted(result.rows, "row"), counted(result.frames, "frame"), counted(len(result.done), "file")
    say(f"{target}: {' of '.join(what)}.")
    if copies:
        say(f"{copies}: {counted(len(result.copies), 'annotated copy', 'annotated copies')}.")
