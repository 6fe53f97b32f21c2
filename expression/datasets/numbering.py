"""What numbers stand for where a set uses them as labels: found by evidence, never guessed.

`label_folders.py` asks it for folders called 0 to 7, `file_lists.py` for tables. AffectNet, RAF-DB,
FER2013 and CK+ count in different orders, so that a wrong guess would teach wrong labels.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import BadInputError, ExpressionError
from ..labels import Labels
from ..pictures.image import SIZE, read_picture
from .synonyms import numbers_of

HINTS = {
    "AffectNet": re.compile(r"affect[\W_]*net", re.IGNORECASE),
    "RAF-DB": re.compile(r"raf[\W_]*(db|ce|\d|$)|(^|[\W_])raf([\W_]|$)", re.IGNORECASE),
    "FER2013": re.compile(r"fer[\W_]*20?13", re.IGNORECASE),
    "CK+": re.compile(r"ck[\W_]*(\+|plus|48)|cohn[\W_]*kanade", re.IGNORECASE),
}
"""Names of folders by which a set can be known."""

FILE_NAMES = {
    "FER2013": re.compile(r"(Training|PublicTest|PrivateTest)_\d+"),
    "RAF-DB": re.compile(r"(train|test)_\d{4,5}(_aligned)?\.\w+"),
    "CK+": re.compile(r"S\d{3}_\d{3}_\d{8}"),
    "AffectNet": re.compile(r"[0-9a-f]{40,64}\.\w+"),
}
"""Names of pictures by which a set can be known."""

LOOKED_AT = 200
"""Names of pictures that are looked at."""


class UncertainNumbersError(BadInputError):
    """Numbers are labels, and it is not certain which."""


class Wanted(NamedTuple):
    """The labels that a set is read with.

    Attributes:
        labels: The labels.
        listed: Whether they come from a list in the set, so that numbers mean its rows.
        named: Whether a user named them.
    """

    labels: Labels
    listed: bool = False
    named: bool = False


class Numbering(NamedTuple):
    """What numbers stand for, and why."""

    words: dict[int, str]
    source: str


def numbering(
    numbers: set[int], wanted: Wanted, names: Iterable[str], places: str, sample: Path, where: object
) -> Numbering:
    """Returns what the numbers of a set stand for.

    Args:
        numbers: All that occur.
        wanted: The labels it is read with.
        names: Names of its pictures.
        places: The folders it is in, and the columns of its table, as one text.
        sample: One of its pictures; FER2013's have 48 x 48 pixels.
        where: The folder or file, for the message.

    Raises:
        UncertainNumbersError: It is not certain.
    """
    own = dict(enumerate(wanted.labels))
    if wanted.listed and numbers <= own.keys():
        return Numbering(own, "labelList.csv")
    for kinds in _evidence(numbers, list(itertools.islice(names, LOOKED_AT)), places, sample):
        fitting = [kind for kind in kinds if numbers <= _words(kind, numbers).keys()]
        if len(fitting) == 1:
            return Numbering(_words(fitting[0], numbers), fitting[0])
        if fitting:
            break
    if wanted.named and numbers <= own.keys():
        return Numbering(own, "--labels")
    raise UncertainNumbersError(
        f"{where} has the labels {', '.join(map(str, sorted(numbers)))}, but datasets number differently: "
        "0 is Angry in FER2013 and Neutral in AffectNet.",
        "Expected words, or the numbers of a dataset that is recognised by its names.",
        "Add a labelList.csv with rows such as 0,Angry, or list the labels in the order of their "
        "numbers: --labels Angry,Disgust and so on.",
    )


def _evidence(numbers: set[int], names: list[str], places: str, sample: Path) -> Iterator[list[str]]:
    """Yields the sets that each kind of evidence speaks for, the surest first."""
    yield [
        kind for kind, form in FILE_NAMES.items() if sum(map(bool, map(form.match, names))) > 0.8 * len(names)
    ]
    yield [kind for kind, form in HINTS.items() if form.search(places)]
    if 7 in numbers and max(numbers) <= 10:
        yield ["AffectNet"] if 0 in numbers else ["RAF-DB"]
    with contextlib.suppress(ExpressionError):
        yield ["FER2013"] if read_picture(sample).shape[:2] == (SIZE, SIZE) else []


def _words(kind: str, numbers: set[int]) -> dict[int, str]:
    """Returns what numbers stand for in a set; RAF-DB counts from 1, and many who use it from 0."""
    if kind == "CK+" and 7 not in numbers:  # it may have been counted again, without contempt
        return {}
    return numbers_of(kind, -1 if kind == "RAF-DB" and 0 in numbers else 0)
