"""The command `expression export`: a network in the form that a live run loads.

Modules are imported inside the command, so that others stay fast.

Notebook: 15_small_and_fast
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from ..errors import BadInputError, user_path
from ..sanitize import file_size
from .training_data import sample_faces

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = {
    "scores": "Its outputs are scores.",
    "logits": "A softmax turns its outputs into scores.",
    "shares": "Its outputs are divided by their sum to give scores.",
    "chance": "Its output is the score of the second label.",
    "odds": "A sigmoid turns its output into the score of the second label.",
}
"""What was found out about the outputs of a network from elsewhere."""

Scaling = Annotated[
    str | None,
    Option(
        "--input",
        help="For a network from elsewhere: how its pixels are scaled, such as 0..1, -1..1, 0..255 or "
        "MEAN/DEVIATION; also size and colour if it leaves them open: 64,rgb,0..1.",
        metavar="SCALING",
    ),
]


def export(
    model: Annotated[
        str, Option(help="A .keras network, or any .tflite, .h5 or SavedModel.", metavar="PATH")
    ],
    out: Annotated[str, Option(help="The .tflite (or .keras) file to write.", metavar="FILE")],
    quantize: Annotated[
        str | None,
        Option(
            help="none, float16, dynamic or int8. Default: dynamic, or none for networks from elsewhere.",
            metavar="NAME",
        ),
    ] = None,
    data: Annotated[str | None, Option(help="Sample faces, for int8 only.", metavar="PATH")] = None,
    labels: Annotated[
        str | None,
        Option(help="For a network from elsewhere: its labels, in order.", metavar="NAME,NAME..."),
    ] = None,
    input_: Scaling = None,
) -> None:
    """Write a network as a .tflite file, for small machines.

    A network from elsewhere is converted; it needs --labels and --input once.
    """
    from ..models.external import adopt
    from ..models.metadata import has_card, read_card

    path, target = user_path(model), user_path(out)
    if data and quantize != "int8":
        raise BadInputError(
            f"--data is given with --quantize {quantize or 'dynamic'}.",
            "Expected it only with int8, which uses faces to measure the ranges of its values.",
            "Leave it out, or use --quantize int8.",
        )
    if has_card(path):
        _export_own(path, target, quantize or "dynamic", data, labels or input_)
    else:
        card = adopt(path, target, labels, input_, quantize, sample_faces(data) if data else None)
        print(
            f"It knows {', '.join(card.labels)}, and takes pictures of {card.input}. {ANSWERS[card.answers]}"
        )
    kept = read_card(target).facts.get("weights", "as it was")
    print(f"{target}: {kept}, {file_size(target.stat().st_size)}")


def _export_own(path: Path, target: Path, quantize: str, data: str | None, described: str | None) -> None:
    """Writes a .keras network that has a card as a .tflite file."""
    from ..models.export import export, faces_of
    from ..models.metadata import read_card

    check_keras(path)
    card = read_card(path)
    if described:
        raise BadInputError(
            f"--labels or --input is given, but {path} already says that it knows {', '.join(card.labels)}.",
            "Expected them only for networks that do not say so.",
            "Leave them out, or name the file that it was made from.",
        )
    export(path, target, quantize, faces_of(card, sample_faces(data)) if data else None)


def check_keras(path: Path) -> None:
    """Raises an error for a network that is not a .keras file."""
    from ..models.formats import KERAS, network_format

    if network_format(path) != KERAS:
        raise BadInputError(
            f"--model is {path}.", "Expected a .keras file.", "Name the one that the training wrote."
        )
