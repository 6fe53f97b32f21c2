"""The messages for everything that may be wrong with a user's own set, and the remedies.

`integrity.py` finds problems, `repairs.py` makes the repairs that the user accepts.

Notebook: 08_your_face
"""

from __future__ import annotations

from dataclasses import dataclass

from ..sanitize import some
from .rows import FILE

KINDS = {
    "numbers": (
        "number could be a label or a position in labelList.csv; as a position",
        "numbers could be labels or positions in labelList.csv; as positions",
        "Or add the numbers to labelList.csv as labels.",
    ),
    "columns": (
        f"unusual feature of {FILE}",
        f"unusual features of {FILE}",
        "The table can be read nonetheless.",
    ),
    "dates": (
        "session is a time in a different format, as from a spreadsheet",
        "sessions are times in a different format, as from a spreadsheet",
        "Such values are read as times.",
    ),
    "dates in doubt": (
        "session may start with the day or with the month",
        "sessions may start with the day or with the month",
        f"Write dates in {FILE} as 2026-10-31: the last session is used for testing.",
    ),
    "other column": (
        f"extra column of {FILE} does not contain sessions",
        f"extra columns of {FILE} do not contain sessions",
        "Its contents are kept.",
    ),
    "moved": (
        "row names a picture that is in another folder or has another name",
        "rows name pictures that are in other folders or have other names",
        "",
    ),
    "elsewhere": (
        "picture is in a nearby folder, not in Images",
        "pictures are in nearby folders, not in Images",
        "Copying leaves the originals in place.",
    ),
    "several": (
        "row matches several pictures",
        "rows match several pictures",
        f"Add the folder of each to {FILE}, such as happy/1.jpg.",
    ),
    "gone": (
        "row has no picture",
        "rows have no picture",
        "Images, data and nearby folders were searched. Put missing pictures into Images if you have them.",
    ),
    "unreadable": ("file is not a picture", "files are not pictures", ""),
    "stand-ins": (
        "file is a web page or a Git LFS pointer, not a picture",
        "files are web pages or Git LFS pointers, not pictures",
        "Download again, or run: git lfs pull.",
    ),
    "unsupported": (
        "picture is damaged, too large or in a format that cannot be read",
        "pictures are damaged, too large or in a format that cannot be read",
        "Open in a viewer and save again as PNG.",
    ),
    "locked": (
        "picture cannot be opened",
        "pictures cannot be opened",
        "Check the permissions, or close the program that uses the file.",
    ),
    "blank": ("picture is blank", "pictures are blank", ""),
    "copies": ("picture is a copy of an earlier one", "pictures are copies of earlier ones", ""),
    "misspelt": (
        "label is not in labelList.csv but resembles one that is",
        "labels are not in labelList.csv but resemble some that are",
        "",
    ),
    "unlisted": ("label is not in labelList.csv", "labels are not in labelList.csv", ""),
    "unfit": (
        "label cannot be used",
        "labels cannot be used",
        "Choose another label: run expression label and press e.",
    ),
    "unlabelled": (
        "picture has a row without a label",
        "pictures have rows without a label",
        "Choose a label: run expression label and press e.",
    ),
    "torn": (
        "picture has a copy with a different label",
        "pictures have copies with a different label",
        "Use the same label for all copies, or delete some.",
    ),
    "repeated": ("picture has two rows", "pictures have two rows", ""),
    "twice": (
        "picture has two rows with different labels",
        "pictures have two rows with different labels",
        f"Not used. Edit {FILE} and delete one row of each picture.",
    ),
    "strays": (
        "picture has no row",
        "pictures have no row",
        f"Not used. Add a row for each to {FILE}, or delete the picture.",
    ),
    "faceless": (
        "photo has no detectable face",
        "photos have no detectable face",
        "Not used for training. YuNet finds more (expression models get yunet); or crop the faces yourself.",
    ),
    "photos": (
        "picture is a photo with a detected face",
        "pictures are photos with a detected face",
        "The face is cropped before training.",
    ),
    "alike": (
        "picture is nearly identical to an earlier one",
        "pictures are nearly identical to earlier ones",
        "Used, but kept together: all for training or all for testing.",
    ),
}
"""For each kind: the problem in the singular, in the plural, and advice if it needs the user."""

NOTED = {"alike", "photos", "other column"}
"""Kinds that are worth knowing but need no change."""

SHOWN = 5
"""Names listed in a sentence before the rest is only counted."""


@dataclass(frozen=True)
class Finding:
    """A problem that was found.

    Attributes:
        kind: One of KINDS; `repairs.REPAIRS` has those that can be repaired.
        names: The pictures or labels concerned.
        told: A sentence for people.
        advice: What to do about it, as a sentence; empty if nothing is to be done.
        remedy: What `repair` would do, as a question without its mark; empty if a person has to decide.
        otherwise: The finding that remains if the remedy is declined; None if it stays the same.
    """

    kind: str
    names: tuple[str, ...]
    told: str
    advice: str = ""
    remedy: str = ""
    otherwise: Finding | None = None


def finding(kind: str, names: list[str], remedy: str = "") -> Finding:
    """Creates a finding with its sentences."""
    one, several, advice = KINDS[kind]
    told = f"{len(names)} {one if len(names) == 1 else several}: {some(names, SHOWN)}."
    return Finding(kind, tuple(names), told, advice, remedy)
