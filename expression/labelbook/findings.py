"""The words for what may be wrong with a reader's own set, and for its remedies.

`integrity.py` finds it, `repairs.py` does what a person agrees to.

Notebook: 07_your_face
"""

from __future__ import annotations

from dataclasses import dataclass

from ..sanitize import some
from .rows import FILE

KINDS = {
    "numbers": (
        "number is either a label or a position in labelList.csv; as a position",
        "numbers are either labels or positions in labelList.csv; as positions",
        "Or add the numbers to labelList.csv as labels.",
    ),
    "columns": (
        f"unusual thing in {FILE}",
        f"unusual things in {FILE}",
        "The table is understood nonetheless.",
    ),
    "dates": (
        "session is a time in another form, as spreadsheets write it",
        "sessions are times in another form, as spreadsheets write them",
        "Such values are read as times.",
    ),
    "dates in doubt": (
        "session may have its day or its month first",
        "sessions may have their day or their month first",
        f"Use the form 2026-10-31 in {FILE}: the last session is for testing.",
    ),
    "other column": (
        f"further column of {FILE} is not a session",
        f"further columns of {FILE} are not sessions",
        "What it says is kept.",
    ),
    "moved": (
        "row names a picture that is in another folder or has another name",
        "rows name pictures that are in other folders or have other names",
        "",
    ),
    "elsewhere": (
        "picture is not in Images but beside it",
        "pictures are not in Images but beside it",
        "Copying leaves the originals in place.",
    ),
    "several": (
        "row may mean one of several pictures",
        "rows may mean one of several pictures",
        f"Write the folder of each into {FILE}, such as happy/1.jpg.",
    ),
    "gone": (
        "row has no picture",
        "rows have no picture",
        "Looked in Images, in data and beside them. Put missing pictures into Images if you have them.",
    ),
    "unreadable": ("file is not a picture", "files are not pictures", ""),
    "stand-ins": (
        "file is a web page or a Git LFS pointer, not a picture",
        "files are web pages or Git LFS pointers, not pictures",
        "Download again, or run: git lfs pull.",
    ),
    "unsupported": (
        "picture is damaged, too large or of a kind that cannot be read here",
        "pictures are damaged, too large or of a kind that cannot be read here",
        "Open in a viewer and save again as PNG.",
    ),
    "locked": (
        "picture cannot be opened",
        "pictures cannot be opened",
        "Check the permissions, or close the program that holds the lock.",
    ),
    "blank": ("picture is blank", "pictures are blank", ""),
    "copies": ("picture is a copy of an earlier one", "pictures are copies of earlier ones", ""),
    "misspelt": (
        "label is not in labelList.csv, but much like one that is",
        "labels are not in labelList.csv, but much like some that are",
        "",
    ),
    "unlisted": ("label is not in labelList.csv", "labels are not in labelList.csv", ""),
    "unfit": (
        "label cannot be used",
        "labels cannot be used",
        "Choose another label: expression label, then e.",
    ),
    "unlabelled": (
        "picture has a row without a label",
        "pictures have rows without a label",
        "Choose a label: expression label, then e.",
    ),
    "torn": (
        "picture has a copy with another label",
        "pictures have copies with another label",
        "Use the same label for all copies, or delete some.",
    ),
    "repeated": ("picture has two rows", "pictures have two rows", ""),
    "twice": (
        "picture has two rows with different labels",
        "pictures have two rows with different labels",
        f"Not used. Delete one row of each picture from {FILE} by hand.",
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
        "picture nearly equals an earlier one",
        "pictures nearly equal earlier ones",
        "Used, but kept together: all for training or all for testing.",
    ),
}
"""What is wrong with one, with several, and what to do where the program cannot."""

NOTED = {"alike", "photos", "other column"}
"""What people should know and need not change."""

SHOWN = 5
"""Names that a sentence tells before it says how many more there are."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        kind: One word; `repairs.REPAIRS` has those that can be repaired.
        names: The pictures, or the labels, that it is about.
        told: A sentence for people.
        advice: What to do about it, as a sentence; empty where there is nothing to do.
        remedy: What `repair` would do, as a question without its mark; empty where somebody has to look.
        otherwise: What it is if somebody declines the remedy; None where it stays what it is.
    """

    kind: str
    names: tuple[str, ...]
    told: str
    advice: str = ""
    remedy: str = ""
    otherwise: Finding | None = None


def finding(kind: str, names: list[str], remedy: str = "") -> Finding:
    """Returns a finding with its sentences."""
    one, several, advice = KINDS[kind]
    told = f"{len(names)} {one if len(names) == 1 else several}: {some(names, SHOWN)}."
    return Finding(kind, tuple(names), told, advice, remedy)
