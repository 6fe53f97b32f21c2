"""Finds out what numbers used as labels stand for, from evidence and never by guessing.

`label_folders.py` uses it for folders called 0 to 7, `file_lists.py` for tables. AffectNet, RAF-DB,
FER2013 and CK+ use different orders, so a wrong guess would teach wrong labels.

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
from .class_lists import class_list
from .folder_tree import Tree
from .synonyms import numbers_of

HINTS = {
    "AffectNet": re.compile(r"affect[\W_]*net", re.IGNORECASE),
    "RAF-DB": re.compile(r"raf[\W_]*(db|ce|\d|$)|(^|[\W_])raf([\W_]|$)", re.IGNORECASE),
    "FER2013": re.compile(r"fer[\W_]*20?13", re.IGNORECASE),
    "CK+": re.compile(r"ck[\W_]*(\+|plus|48)|cohn[\W_]*kanade", re.IGNORECASE),
}
"""Names of folders by which a dataset can be recognised."""

FILE_NAMES = {
    "FER2013": re.compile(r"(Training|PublicTest|PrivateTest)_\d+"),
    "RAF-DB": re.compile(r"(train|test)_\d{4,5}(_aligned)?\.\w+"),
    "CK+": re.compile(r"S\d{3}_\d{3}_\d{8}"),
    "AffectNet": re.compile(r"[0-9a-f]{40,64}\.\w+"),
}
"""Names of pictures by which a dataset can be recognised."""

LOOKED_AT = 200
"""Number of picture names that are examined."""


class UncertainNumbersError(BadInputError):
    """Numbers are used as labels, but it is uncertain which labels they mean."""


class Wanted(NamedTuple):
    """The labels with which a dataset is read.

    Attributes:
        labels: The labels.
        listed: Whether they come from a list in the dataset, so that numbers mean its rows.
        named: Whether the user chose them.
    """

    labels: Labels
    listed: bool = False
    named: bool = False


class Numbering(NamedTuple):
    """What numbers stand for, and why."""

    words: dict[int, str]
    source: str


def numbering(
    numbers: set[int],
    wanted: Wanted,
    names: Iterable[str],
    places: str,
    sample: Path,
    where: object,
    tree: Tree | None = None,
) -> Numbering:
    """Returns what the numbers in a dataset stand for.

    Args:
        numbers: All numbers that occur.
        wanted: The labels with which it is read.
        names: Names of its pictures.
        places: The names of its folders and the columns of its table, as one text.
        sample: One of its pictures; FER2013's have 48 x 48 pixels.
        where: The folder or file, for the message.
        tree: The folder, which may contain a list such as classes.txt.

    Raises:
        UncertainNumbersError: The meaning is uncertain.
    """
    own = dict(enumerate(wanted.labels))
    if wanted.listed and numbers <= own.keys():
        return Numbering(own, "labelList.csv")
    found = class_list(tree) if tree else None
    if found and numbers <= found[0].keys():
        return Numbering(*found)
    for kinds in _evidence(numbers, list(itertools.islice(names, LOOKED_AT)), places, sample):
        fitting = [kind for kind in kinds if numbers <= _words(kind, numbers).keys()]
        if len(fitting) == 1:
            return Numbering(_words(fitting[0], numbers), fitting[0])
        if fitting:
            break
    if wanted.named and numbers <= own.keys():
        return Numbering(own, "--labels")
    raise UncertainNumbersError(
        f"{where} has the labels {', '.join(map(str, sorted(numbers)))}, but datasets number them "
        "differently: 0 is Angry in FER2013 and Neutral in AffectNet.",
        "Expected words, or the numbers of a dataset that is recognised by its names.",
        "Add a labelList.csv with rows such as 0,Angry, or list the labels in the order of their "
        "numbers: --labels Angry,Disgust and so on.",
    )


def _evidence(numbers: set[int], names: list[str], places: str, sample: Path) -> Iterator[list[str]]:
    """Yields the datasets suggested by each kind of evidence, the most reliable first."""
    yield [
        kind for kind, form in FILE_NAMES.items() if sum(map(bool, map(form.match, names))) > 0.8 * len(names)
    ]
    yield [kind for kind, form in HINTS.items() if form.search(places)]
    if 7 in numbers and max(numbers) <= 10:
        yield ["AffectNet"] if 0 in numbers else ["RAF-DB"]
    with contextlib.suppress(ExpressionError):
        yield ["FER2013"] if read_picture(sample).shape[:2] == (SIZE, SIZE) else []


def _words(kind: str, numbers: set[int]) -> dict[int, str]:
    """Returns what numbers stand for in a dataset; RAF-DB counts from 1, but many of its users from 0."""
    if kind == "CK+" and 7 not in numbers:  # it may have been renumbered without contempt
        return {}
    return numbers_of(kind, -1 if kind == "RAF-DB" and 0 in numbers else 0)
