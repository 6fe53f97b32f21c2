"""The command `expression hack`: a face changed by a hair, so that it is read as another label.

Notebook: 14_fool_it
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import user_path
from ..sanitize import printable, say
from .options import Model


def hack(
    image: Annotated[str, typer.Argument(help="A photo, or a face of 48 x 48 pixels.", metavar="IMAGE")],
    to: Annotated[str, typer.Option(help="The label to change it to, such as Sad.", metavar="LABEL")],
    out: Annotated[str, typer.Option(help="The folder for the pictures and scores.", metavar="DIR")],
    levels: Annotated[
        int, typer.Option(help="Largest change of a pixel, in grey levels.", metavar="N", min=1, max=255)
    ] = 8,
    model: Model = None,
) -> None:
    """Change a face so slightly that only the network notices.

    A photo is cropped to its largest face, as the network sees it. The folder gets this face, the changed
    face, their difference made visible, and the scores of both.
    """
    from ..labelbook.faces import OwnFaces
    from ..pictures.image import read_picture
    from ..settings import COMMAND_LINE, Settings
    from ..vision.detectors import make_detector

    settings = Settings.load(place=COMMAND_LINE, model=model)
    picture, folder = read_picture(user_path(image)), user_path(out)
    from ..training.adversarial import HACKED, SCORES, hack
    from ..training.picture_gradient import LiveNetwork

    network = LiveNetwork(settings)
    look = OwnFaces(
        lambda: make_detector(settings.detector, settings.smallest_face, settings.eyes), network.runtime.cut
    )
    made = hack(network, look(picture), to, levels)
    made.write(folder)
    say(made.summary)
    say(f"{printable(out)}: {HACKED} and the scores in {SCORES}.")
