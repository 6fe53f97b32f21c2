"""What is wrong with a reader's own set, in words, and the remedies that can be left to the program.

`expression dataset check` calls `examine`, and `mend` for what a person agrees to.

Notebook: 07_your_face
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .dataset import sketches
from .errors import BadInputError, MissingFileError
from .image import PICTURES, face_pixels
from .inspection import prints
from .labelbook import LabelBook
from .labelrows import FILE, Row

KINDS = {
    "gone": ("row has no picture", "rows have no picture", ""),
    "unreadable": ("file is no picture", "files are no pictures", ""),
    "locked": (
        "picture cannot be opened",
        "pictures cannot be opened",
        "Look at their permissions, or close the program that has them open.",
    ),
    "blank": ("picture is blank", "pictures are blank", ""),
    "copies": ("picture is a copy of an earlier one", "pictures are copies of earlier ones", ""),
    "unlisted": ("label is not in labelList.csv", "labels are not in labelList.csv", ""),
    "unlabelled": (
        "picture has a row without a label",
        "pictures have rows without a label",
        "Give them one: expression label, then e.",
    ),
    "torn": (
        "picture has a copy with another label",
        "pictures have copies with another label",
        "Give them the same label, or delete some.",
    ),
    "twice": ("picture has two rows", "pictures have two rows", f"Take one of each out of {FILE} by hand."),
    "strays": (
        "picture has no row",
        "pictures have no row",
        f"They are not used. Write rows for them into {FILE}, or delete them.",
    ),
    "alike": (
        "picture nearly equals an earlier one",
        "pictures nearly equal earlier ones",
        "They are used, and stay together: all to learn from, or all to test with.",
    ),
}
"""What is wrong with one, with several, and what to do where the program cannot."""

REMEDIES = {
    "gone": "Delete their rows for good",
    "unreadable": "Delete them for good",
    "blank": "Delete them for good",
    "copies": "Delete them for good",
    "unlisted": "Add them to the list",
}
"""What `mend` does for each kind that it knows; for the others somebody has to look."""

SHOWN = 5
"""Names that a sentence tells before it says how many more there are."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        kind: One word; `REMEDIES` has those that can be mended.
        names: The pictures, or the labels, that it is about.
        told: A sentence for people.
        advice: What to do about it, as a sentence; empty where there is nothing to do.
    """

    kind: str
    names: tuple[str, ...]
    told: str
    advice: str = ""


def examine(book: LabelBook) -> list[Finding]:
    """Looks through a set: every row and every picture.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, LabelBook(folder) as book:
        ...     row = book.add(np.zeros((48, 48), np.uint8), "Happy")
        ...     print(examine(book)[0].told)
        1 picture is blank: face1.png.
    """
    rows = book.rows
    pictures, gone, unreadable, locked = _read(book, rows)
    blank = [name for name, picture in pictures.items() if np.ptp(picture) == 0]
    copies, torn = _copies(pictures, {row.image: row.label for row in rows}, set(blank))
    listed = {label.casefold() for label in book.labels}
    unlisted = {row.label.casefold(): row.label for row in rows if row.label.casefold() not in {"", *listed}}
    found = {
        "gone": gone,
        "unreadable": unreadable,
        "locked": locked,
        "blank": blank,
        "copies": copies,
        "unlisted": sorted(unlisted.values()),
        "unlabelled": [row.image for row in rows if not row.label],
        "torn": torn,
        "twice": [image for image, count in Counter(row.image for row in rows).items() if count > 1],
        "strays": strays(book),
        "alike": _alike(pictures, {*blank, *copies, *torn}),
    }
    return [_finding(kind, names) for kind, names in found.items() if names]


def mend(book: LabelBook, finding: Finding) -> None:
    """Does what `REMEDIES` says for a finding; `book.undo` takes it back.

    Raises:
        BadInputError: Its kind is not among them.
    """
    if finding.kind not in REMEDIES:
        raise BadInputError(
            f"What is {finding.kind} is not for the program to decide.",
            f"Expected {', '.join(REMEDIES)}.",
            finding.advice or "Look at the pictures.",
        )
    if finding.kind == "unlisted":
        book.set_labels([*book.labels, *finding.names])
    else:
        book.delete(finding.names)


def strays(book: LabelBook) -> list[str]:
    """Returns the names of pictures that no row names, in order."""
    known = {row.file for row in book.rows}
    return sorted(path.name for path in _pictures(book.images) if path.name not in known)


def _read(book: LabelBook, rows: list[Row]) -> tuple[dict[str, np.ndarray], list[str], list[str], list[str]]:
    """Returns the faces by their names, and the names of what is gone, no picture, and not to be opened."""
    pictures, gone, unreadable, locked = {}, [], [], []
    for row in rows:
        try:
            pictures[row.image] = face_pixels(book.picture(row))
        except MissingFileError:
            gone.append(row.image)
        except BadInputError as error:
            (locked if isinstance(error.__cause__, OSError) else unreadable).append(row.image)
    return pictures, gone, unreadable, locked


def _copies(
    pictures: dict[str, np.ndarray], label_of: dict[str, str], aside: set[str]
) -> tuple[list[str], list[str]]:
    """Returns repetitions under one label, and pictures that stand under several."""
    groups = _groups(pictures, prints, aside)
    torn = [group for group in groups if len({label_of[name].casefold() for name in group}) > 1]
    same = [name for group in groups if group not in torn for name in group[1:]]
    return same, [name for group in torn for name in group]


def _alike(pictures: dict[str, np.ndarray], aside: set[str]) -> list[str]:
    """Returns pictures that nearly equal an earlier one, as those of a burst do."""
    return [name for group in _groups(pictures, sketches, aside) for name in group[1:]]


def _groups(pictures: dict[str, np.ndarray], number_of, aside: set[str]) -> list[list[str]]:
    """Returns the names of pictures that share a number, two or more of each."""
    names = [name for name in pictures if name not in aside]
    groups = defaultdict(list)
    if names:
        numbers = number_of(np.stack([pictures[name] for name in names]))
        for name, number in zip(names, numbers.tolist(), strict=True):
            groups[number].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _pictures(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def _finding(kind: str, names: list[str]) -> Finding:
    """Returns a finding with its sentences."""
    one, several, advice = KINDS[kind]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    told = f"{len(names)} {one if len(names) == 1 else several}: {', '.join(names[:SHOWN])}{more}."
    return Finding(kind, tuple(names), told, advice)
