"""The command `expression report`: a recording and its rows as a page or a picture.

Notebook: 13_video
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import user_path
from ..sanitize import counted, file_size, printable, say


def report(
    video: Annotated[str, typer.Argument(help="The recording.", metavar="VIDEO")],
    rows: Annotated[str, typer.Option(help="The rows that analyze wrote for it.", metavar="FILE.csv")],
    out: Annotated[
        str, typer.Option(help="The file to write: a page (.html) or a picture (.png).", metavar="FILE")
    ],
) -> None:
    """Show what was read from a recording, as a page or a picture.

    The page shows who had which label when, and the frame of any moment that you click. It opens in a browser
    without an internet connection, and plays the video from its present place, so move both together.
    """
    from tqdm import tqdm

    from ..analysis.report import report
    from ..analysis.report_page import duration, people

    source, target = user_path(video), user_path(out)
    with tqdm(unit=" frames", disable=None) as bar:

        def advance(done: int, count: int | None) -> None:
            bar.total = count
            bar.update(done - bar.n)

        made = report(source, user_path(rows), target, advance)
    if made.skipped:
        say(f"{printable(rows)}: {made.skipped.summary(made.rows, 'rows')}")
    last, end = made.story.last, made.story.end
    if end - last > max(2.0, 0.1 * end):
        say(
            f"{printable(rows)} has nobody after {duration(last)}; the recording ends at {duration(end)}. If "
            "it shows somebody after that, the rows cover only part of it, or belong to another recording."
        )
    frames = counted(len(made.story.times), "frame")
    say(f"{target}: {people(made.story)} in {frames}; {file_size(made.size)}.")
