"""The command `expression personalise`, and what it says about its result.

It works on the pictures in the current folder.

Notebook: 08_your_face
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import BadInputError, user_path
from ..sanitize import counted, say
from .dataset import own_book

if TYPE_CHECKING:
    from ..training.held_back import Accuracy
    from ..training.personalise import Personalised


def personalise(
    out: Annotated[str, typer.Option(help="The network file to write.", metavar="FILE.keras")] = "mine.keras",
    start: Annotated[
        str | None,
        typer.Option(help="Start from this network instead of the shipped one.", metavar="FILE.keras"),
    ] = None,
) -> None:
    """Adapt the network to your own labelled pictures. It is tested before and after."""
    from ..datasets.own_set import read_own
    from ..labelbook.faces import OwnFaces
    from ..vision.detectors import make_detector

    path, begin = user_path(out), start and user_path(start)
    with own_book() as book:  # opening it completes interrupted changes
        if not book.rows:
            raise BadInputError(
                f"There are no labelled pictures in {Path.cwd()}.",
                "Expected a dozen for each label.",
                "Take some: expression label.",
            )
    faces = OwnFaces(make_detector)
    pictures, own = read_own(Path(), faces)
    for line in own.told(faces.looked):
        say(line)
    from ..models.export import export
    from ..training.personalise import personalise

    made = personalise(pictures, own.labels, path, begin)
    for line in told(made):
        say(line)
    if made.path is None:
        return
    small = path.with_suffix(".tflite")
    export(path, small, "dynamic")
    say(f"Next: expression live --model {small}")


CHANGES = {
    "nothing": "No change made the network better on pictures that it had not learned from, so it stays as "
    "it is, and no file was written.",
    "offsets": "Changed: how readily each label is given.",
    "resting face": "Changed: what your neutral face always shows is taken out.",
    "weights": "Changed: the weights of the last layer.",
}
"""What `personalise` says about its choice."""


def told(made: Personalised) -> Iterator[str]:
    """Yields the results of personalising, line by line."""
    from ..training.held_back import FEWEST_TESTED
    from ..training.personalise import FEWEST

    yield f"Trained on {counted(made.learned, 'picture')} of {', '.join(made.labels)}."
    if made.twins:
        yield f"Left out {counted(made.twins, 'near-duplicate')} of test pictures."
    of = f" of the last {len(made.sessions)} sessions" if made.sessions else ""
    of = f" of session {made.sessions[0]}" if len(made.sessions) == 1 else of
    yield f"Tested on {counted(sum(made.tested), 'other')}{of}:"
    if made.before and made.after:
        what = "labels that it knew: " if made.strange else ""
        yield f"  {what}before {_shares(made.before)}, after {_shares(made.after)}"
        gain, (low, high) = made.after.balanced - made.before.balanced, made.interval
        yield (
            f"  gain in balanced accuracy: {100 * gain:+.1f} points (95% interval {100 * low:+.1f} to "
            f"{100 * high:+.1f})"
        )
    if made.strange:
        yield f"  with {', '.join(made.strange)}, which it did not know: {_shares(made.every)}"
    yield CHANGES[made.change]
    few = [name for name, count in zip(made.labels, made.tested, strict=True) if count < FEWEST_TESTED]
    if few:
        counts = dict(zip(made.labels, made.tested, strict=True))
        yield f"Too few pictures to test on: {', '.join(f'{counts[name]} of {name}' for name in few)}."
    if few and made.sessions:
        yield f"Take another session with {FEWEST} pictures of each label: expression label"
    if not made.sessions:
        yield "All pictures are from one session, so these numbers are optimistic."
        yield f"Take a second session on another day, {FEWEST} of each label: expression label"


def _shares(found: Accuracy) -> str:
    """Returns plain and balanced accuracy in words."""
    return f"{found.plain:.1%} correct (balanced {found.balanced:.1%})"
