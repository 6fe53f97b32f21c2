"""The roles of the columns of a user's table: the picture, its label, its session, or something else.

The contents of the cells decide, together with the names in a header, if there is one. `rows.py` uses it.

Notebook: 08_your_face
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from ..files import natural
from ..labels import folded_label
from .session_times import times_of

IMAGE_WORDS = {
    *(
        "image",
        "images",
        "img",
        "imagename",
        "imagefile",
        "imagepath",
        "imageid",
        "file",
        "files",
        "filename",
    ),
    *(
        "filepath",
        "path",
        "picture",
        "pictures",
        "picturename",
        "photo",
        "photos",
        "face",
        "bild",
        "datei",
        "foto",
    ),
}
LABEL_WORDS = {
    *("label", "labels", "labelname", "emotion", "emotions", "emotionlabel", "expression", "expressions"),
    *("class", "classname", "category", "target", "mood", "feeling"),
}
SESSION_WORDS = (
    "session",
    "sessionid",
    "sitting",
    "timestamp",
    "datetime",
    "captured",
    "capturedat",
    "date",
    "day",
)
SESSION_WORDS = (*SESSION_WORDS, "time", "recorded", "created", "sitzung")
"""Names in headers, in lower case and letters only; those of sessions in order of preference."""

PICTURE = re.compile(r"\.(jpe?g|jpe|jfif|png|bmp|dib|webp|tiff?|gif|avif|hei[cf]|p[bgnp]m)$", re.IGNORECASE)
"""The extensions of pictures."""

SCORE = re.compile(r"[+-]?(\d*[.,]\d+|\d+)(e[+-]?\d+)?\s*%|[+-]?\d*[.,]\d+(e[+-]?\d+)?", re.IGNORECASE)
"""A percentage or a measurement, which is never the name of a session."""

SAMPLE = 500
"""Lines from which the columns are recognised."""

FEW = 8
"""With fewer rows, a column of distinct values may still be sessions."""


class Columns(NamedTuple):
    """The columns of a table.

    Attributes:
        image: The column of the pictures.
        label: The column of their labels.
        session: The column of the sessions, or None.
        header: Whether the first line names the columns.
    """

    image: int = 0
    label: int = 1
    session: int | None = None
    header: bool = False


def columns_of(lines: Sequence[Sequence[str]], labels: Sequence[str] = ()) -> Columns:
    """Recognises the columns of a table.

    Args:
        lines: Its cells.
        labels: The listed labels, from which a column of labels is recognised.

    Example:
        >>> columns_of([["label", "image"], ["Happy", "face1.png"], ["Sad", "face2.png"]])
        Columns(image=1, label=0, session=None, header=True)
        >>> columns_of([["face1.png", "Happy", "0.31"], ["face2.png", "Sad", "0.4"]]).session is None
        True
    """
    lines = lines[:SAMPLE]
    width = max(map(len, lines), default=0)
    if width < 2:
        return Columns()
    table = [[*line, *[""] * (width - len(line))] for line in lines]
    words = [re.sub(r"[^a-zà-ÿ]", "", cell.casefold()) for cell in table[0]]
    known = {folded_label(label) for label in labels}
    header = _is_header(table[0], words, known)
    image, label = _image_and_label(table[header:], words if header else [], known)
    if not header and _is_foreign_header(table, image, label, known):
        header, words = True, [""] * width
    body = table[header:]
    session = _session(body, words if header else None, image, label)
    return Columns(image, label, session, header)


def _is_header(line: list[str], words: list[str], known: set[str]) -> bool:
    """Whether a line is a header with known names."""
    if any(PICTURE.search(cell) for cell in line):
        return False
    has_label = any(folded_label(cell) in known for cell in line)
    return any(word in LABEL_WORDS for word in words) or (
        not has_label and any(word in IMAGE_WORDS for word in words)
    )


def _is_foreign_header(table: list[list[str]], image: int, label: int, known: set[str]) -> bool:
    """Whether the first line is a header with unknown names: it alone has no picture and no label."""
    first, *body = table
    named = sum(bool(PICTURE.search(line[image])) for line in body)
    strange = folded_label(first[label]) not in known and not first[label].isdecimal()
    return len(body) > 1 and 2 * named > len(body) and not any(map(PICTURE.search, first)) and strange


def _image_and_label(body: list[list[str]], words: list[str], known: set[str]) -> tuple[int, int]:
    """Returns the columns of pictures and labels."""
    images = [place for place, word in enumerate(words) if word in IMAGE_WORDS]
    labels = [place for place, word in enumerate(words) if word in LABEL_WORDS]
    if not body:
        return (images[0], labels[0]) if images and labels else (0, 1)
    columns = list(zip(*body, strict=True))
    named = [sum(bool(PICTURE.search(cell)) for cell in column) for column in columns]
    labelled = [sum(folded_label(cell) in known for cell in column) for column in columns]
    best = max(range(len(columns)), key=lambda place: (named[place], place in images, -place))
    said = max(images, key=lambda place: named[place], default=best)
    if named[said] or (images and not 2 * labelled[said] > len(body)):
        image = said
    elif named[best]:
        image = best
    else:
        image = 1 if labelled[0] > labelled[1] or 0 in labels else 0
    if told := [place for place in labels if place != image]:
        return image, told[0]
    others = [place for place in range(len(columns)) if place != image]
    usual = next((place for place in (1, 0) if place in others and not _counts(columns[place])), others[0])
    best = max(others, key=lambda place: (labelled[place], place == usual))
    return image, usual if labelled[usual] or 2 * labelled[best] < len(body) else best


def _session(body: list[list[str]], words: list[str] | None, image: int, label: int) -> int | None:
    """Returns the column of sessions, or None."""
    others = [place for place in range(len(body[0]) if body else 0) if place not in (image, label)]
    if words is not None and not body:
        others = [place for place in range(len(words)) if place not in (image, label)]
    said = [place for word in SESSION_WORDS for place in others if words and words[place] == word]
    columns = {place: [line[place] for line in body] for place in others}
    if said:
        return next((p for p in said if words[p] == "session" or _may_be_sessions(columns[p])), None)
    timed = next((place for place in others if _are_times(columns[place])), None)
    if timed is not None and (words or not any(columns[others[0]])):
        return timed
    third = next(iter(others), None)
    if third is None or (words and any(words)):
        return None
    return third if _may_be_sessions(columns[third]) and _in_runs(body, image, label, third) else timed


def _are_times(column: list[str]) -> bool:
    """Whether most values of a column are times."""
    said = [cell for cell in column if cell]
    found = times_of(said).found
    return bool(said) and 2 * sum(cell in found for cell in said) > len(said)


def _may_be_sessions(column: list[str]) -> bool:
    """Whether a column may be sessions: no scores, no names of pictures, and not all values distinct."""
    said = [cell for cell in column if cell]
    if not said or _are_times(column):
        return True
    measured = sum(bool(SCORE.fullmatch(cell) or PICTURE.search(cell)) for cell in said)
    return 2 * measured <= len(said) and (len(said) < FEW or 2 * len(set(said)) <= len(said))


def _in_runs(body: list[list[str]], image: int, label: int, session: int) -> bool:
    """Whether equal numbers come in runs, as in sessions, whose pictures were taken one after the other.

    Ratings from 1 to 5, in contrast, change from picture to picture.
    """
    said = [line for line in body if line[session]]
    if not all(line[session].isdecimal() for line in said):
        return True
    said.sort(key=lambda line: (folded_label(line[label]), natural(line[image])))
    pairs = [(folded_label(line[label]), line[session]) for line in said]
    return sum(1 for _ in groupby(pairs)) <= 2 * len(set(pairs))


def _counts(column: Sequence[str]) -> bool:
    """Whether a column is a row index, as some programs add it."""
    return len(column) > 1 and all(cell.isdecimal() for cell in column) and len(set(column)) == len(column)
