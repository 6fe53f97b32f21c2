"""Options that several commands share: what finds, reads and follows faces, as in a live run.

`expression live` and the commands for recordings have them.

Notebook: 07_live
"""

from __future__ import annotations

from typing import Annotated

from typer import Option

Detector = Annotated[str | None, Option(help="auto, haar, haar-alt2, lbp, yunet or whole.", metavar="NAME")]
Model = Annotated[
    str | None, Option(help="A network, .tflite or .keras; for others see export.", metavar="PATH")
]
People = Annotated[str | None, Option(help="Faces to read at once, largest first.", metavar="N")]
Smooth = Annotated[str | None, Option(help="average, streak or none.", metavar="NAME")]
Sensitivity = Annotated[
    str | None, Option(help="How readily to read labels other than Neutral, 0 to 1.", metavar="NUMBER")
]
