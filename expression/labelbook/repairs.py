"""Repairs of findings, made once the user has agreed; nothing is lost.

The previous tables and whatever is removed go to a dated folder in `Images/.trash`.
`expression dataset check --repair` calls `repair`.

Notebook: 08_your_face
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import BadInputError, nearest
from ..labels import folded_label
from .book import LabelBook
from .columns import PICTURE
from .findings import Finding
from .relinking import look_for
from .rows import Row, labels_of
from .session_times import plain_time, times_of

CLOSE = 0.75
"""Least similarity to a listed label, from 0 to 1, for a misspelling; Scared and Sad have 0.67."""


def repair(book: LabelBook, finding: Finding) -> None:
    """Makes the repair that `REPAIRS` lists for a finding.

    The previous tables and whatever is removed are kept in `book.trash`.

    Raises:
        BadInputError: `REPAIRS` has no repair of its kind.
    """
    if finding.kind not in REPAIRS:
        raise BadInputError(
            f"'{finding.kind}' cannot be repaired automatically.",
            f"Expected one of {', '.join(REPAIRS)}.",
            finding.advice or "Check the pictures yourself.",
        )
    book.keep_tables()
    _, act = REPAIRS[finding.kind]
    act(book, finding)


def _take_out(book: LabelBook, finding: Finding) -> None:
    book.delete(finding.names)


def _read_numbers(book: LabelBook, _: Finding) -> None:
    book.set_rows(labels_of(book.table).rows)


def _write_again(book: LabelBook, _: Finding) -> None:
    book.set_rows(book.rows)


def _write_times(book: LabelBook, finding: Finding) -> None:
    times = times_of(row.session for row in book.rows if row.session).found
    plain = {text: plain_time(text, times[text]) for text in finding.names}
    book.set_rows(row._replace(session=plain.get(row.session, row.session)) for row in book.rows)


def _link_again(book: LabelBook, _: Finding) -> None:
    moved = look_for(book.rows, book.pictures).moved
    book.set_rows(row._replace(image=_written(moved.get(row.image, row.image))) for row in book.rows)


def _copy_here(book: LabelBook, _: Finding) -> None:
    copies = {}
    for image, source in look_for(book.rows, book.pictures).elsewhere.items():
        path = Row(image, "").file
        if source not in copies.values():
            copies[path if PICTURE.search(path) else path + source.suffix] = source
    book.set_rows(book.rows, copies)


def _keep_first(book: LabelBook, _: Finding) -> None:
    pictures, seen, kept = book.pictures, set(), []
    for row in book.rows:
        said = pictures.find(row.image), folded_label(row.label)
        if said[0] is None or said not in seen:
            kept.append(row)
        seen.add(said)
    book.set_rows(kept)


def _correct_labels(book: LabelBook, finding: Finding) -> None:
    meant = {folded_label(name): listed_label(name, book.labels) for name in finding.names}
    book.set_rows(row._replace(label=meant.get(folded_label(row.label)) or row.label) for row in book.rows)


def listed_label(label: str, labels: Iterable[str]) -> str | None:
    """Returns the listed label that an unlisted one probably means, or None.

    Example:
        >>> [listed_label(label, ["Happy", "Sad"]) for label in ("Hapy", "Scared")]
        ['Happy', None]
    """
    return nearest(label, labels, CLOSE)


def _list_labels(book: LabelBook, finding: Finding) -> None:
    book.set_labels([*book.labels, *finding.names])


def _written(path: str) -> str:
    """Returns a path as written in a table, so that no spreadsheet takes it for a formula."""
    return f"./{path}" if path.startswith(("=", "+", "-", "@")) else path


REPAIRS: dict[str, tuple[str, Callable[[LabelBook, Finding], None]]] = {
    "numbers": ("Read as positions in labelList.csv", _read_numbers),
    "columns": ("Rewrite the table as image,label,session", _write_again),
    "dates": ("Rewrite as 2026-10-31T18:30:00", _write_times),
    "moved": ("Update faceLabels.csv to match", _link_again),
    "elsewhere": ("Copy into Images", _copy_here),
    "gone": ("Move from faceLabels.csv to Images/.trash", _take_out),
    "unreadable": ("Move to Images/.trash", _take_out),
    "blank": ("Move to Images/.trash", _take_out),
    "copies": ("Move to Images/.trash", _take_out),
    "repeated": ("Keep the first row of each picture", _keep_first),
    "misspelt": ("Did you mean", _correct_labels),
    "unlisted": ("Add to labelList.csv", _list_labels),
}
"""The repair for each kind of finding, in words and as a function."""
