"""The command `expression preprocess`: a video or camera to pictures of a face. `app.py` adds it.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import user_path
from ..sanitize import printable, say


def preprocess(
    out: Annotated[str, typer.Option(help="The folder for the pictures.", metavar="DIR")],
    source: Annotated[
        str | None,
        typer.Argument(help="A video, camera number or address. Default: the camera.", metavar="S"),
    ] = None,
    count: Annotated[
        int, typer.Option(help="Seconds to look at, one picture each.", metavar="N", min=1)
    ] = 20,
    found: Annotated[bool, typer.Option("--found", help="Go on until that many faces were found.")] = False,
    detector: Annotated[str, typer.Option(help="As for live.", metavar="NAME")] = "auto",
) -> None:
    """Write one face picture a second, 48 x 48 grey levels.

    The face is in the middle. In each second, the first frame with a face counts.
    """
    from ..analysis.preprocessing import preprocess
    from ..sources import fallback_notice, open_source
    from ..vision.detectors import make_detector

    opened = open_source(source, repeat=False)
    if note := fallback_notice(source, opened):
        say(note)
    made = preprocess(opened, make_detector(detector), user_path(out), count, found)
    many = "1 picture" if len(made.pictures) == 1 else f"{len(made.pictures)} pictures"
    say(f"{printable(out)}: {many} of 48 x 48 pixels, {made.seconds[0]:.1f} to {made.seconds[-1]:.1f} s.")
    if made.missed:
        shown = ", ".join(map(str, made.missed[:10])) + (", ..." if len(made.missed) > 10 else "")
        say(f"No face was found in {len(made.missed)} seconds: {shown}.")
