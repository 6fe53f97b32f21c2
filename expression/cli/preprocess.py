"""The command `expression preprocess`: a video, camera or photos to pictures of a face.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import user_path
from ..sanitize import counted, printable, say, some

if TYPE_CHECKING:
    from ..analysis.preprocessing import Collected

NAMED = 10
"""How many seconds or photos without a face are named."""


def preprocess(
    out: Annotated[str, typer.Option(help="The folder for the pictures.", metavar="DIR")],
    source: Annotated[
        str | None,
        typer.Argument(
            help="A video, folder of photos, camera number or address. Default: the camera.", metavar="SOURCE"
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            help="How many seconds, or photos, to look at. Default: 20 seconds, or all photos.",
            metavar="N",
            min=1,
        ),
    ] = None,
    found: Annotated[
        bool, typer.Option("--found", help="Continue until --count faces have been found.")
    ] = False,
    detector: Annotated[
        str, typer.Option(help="auto, haar, haar-alt2, lbp, yunet or whole.", metavar="NAME")
    ] = "auto",
) -> None:
    """Write a face of 48 x 48 pixels for each second or photo.

    Each picture shows the largest face, in the middle. From each second, the first frame with a face is used.
    """
    from ..analysis.preprocessing import preprocess
    from ..sources import fallback_notice, open_source
    from ..vision.detectors import make_detector

    opened = open_source(source, repeat=False)
    if note := fallback_notice(source, opened):
        say(note)
    made = preprocess(opened, make_detector(detector), user_path(out), count, found)
    say(f"{printable(out)}: {counted(len(made.pictures), 'picture')} of 48 x 48 pixels, {_origin(made)}.")
    if made.missed:
        many = counted(len(made.missed), "second" if made.photos is None else "photo")
        say(f"No face was found in {many}: {some(made.missed, NAMED)}.")


def _origin(made: Collected) -> str:
    """Returns what the pictures are from."""
    if made.photos is None:
        return f"{made.seconds[0]:.1f} to {made.seconds[-1]:.1f} s"
    return f"from {counted(made.photos, 'photo')}"
