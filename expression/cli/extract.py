"""The command `expression extract`: the faces of one label from an analysed recording. `app.py` adds it.

Notebook: 10_video
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import user_path
from ..sanitize import printable, say


def extract(
    video: Annotated[str, typer.Argument(help="The recording.", metavar="VIDEO")],
    rows: Annotated[str, typer.Option(help="The rows that analyze wrote for it.", metavar="FILE.csv")],
    emotion: Annotated[str, typer.Option(help="The label, such as Happy.", metavar="LABEL")],
    out: Annotated[str, typer.Option(help="The folder for the pictures.", metavar="DIR")],
    repeat: Annotated[
        int, typer.Option(help="Rows for which the label has to be held.", metavar="N", min=1)
    ] = 8,
    score: Annotated[float, typer.Option(help="Its lowest score.", metavar="NUMBER", min=0.0, max=1.0)] = 0.0,
    alone: Annotated[bool, typer.Option("--alone", help="Only frames with exactly one face.")] = False,
    margin: Annotated[
        float,
        typer.Option(help="Size of the pictures, as a multiple of the face.", metavar="X", min=0.5, max=5),
    ] = 1.3,
) -> None:
    """Write the faces of one label as pictures.

    Of every so many rows of a person with this label, the one with the highest score is taken. A contact
    sheet shows all.
    """
    from ..analysis.extraction import SHEET, Wanted, extract

    folder = user_path(out)
    wanted = Wanted(emotion, repeat, score, alone, margin)
    made = extract(user_path(video), user_path(rows), wanted, folder)
    if made.skipped:
        say(f"{printable(rows)}: {made.skipped.summary(made.rows, 'rows')}")
    people = ", ".join(f"{count} of person {person}" for person, count in sorted(made.people.items()))
    say(f"{folder}: {len(made.pictures)} pictures, {people}; all of them in {SHEET}.")
