"""Checks of a user's own set: its tables, its rows, and every picture.

`expression dataset check` calls `examine`, and `repairs.repair` for each repair that the user accepts.
Missing pictures are searched for before anything else is proposed.

Notebook: 08_your_face
"""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import BadInputError, ExpressionError, MissingFileError
from ..files import is_housekeeping
from ..labels import clean_label, folded_label
from ..pictures.hashes import content_hashes, difference_hashes
from ..pictures.image import face_pixels, is_picture, read_picture
from ..pictures.kinds import NO_PICTURE, STOOD_IN
from ..vision.detectors import CUT, make_detector
from .book import LabelBook
from .faces import OwnFaces
from .findings import Finding, finding
from .pictures import Pictures
from .relinking import Search, look_for
from .repairs import REPAIRS, listed_label
from .rows import Row, Table
from .session_times import times_of


def examine(book: LabelBook) -> list[Finding]:
    """Checks a set: its tables, every row and every picture.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, LabelBook(folder) as book:
        ...     row = book.add(np.zeros((48, 48), np.uint8), "Happy")
        ...     print(examine(book)[0].told)
        1 picture is blank: face1.png.
    """
    table = book.table
    if table.meanings:
        meanings = [f"{number} is {label}" for number, label in sorted(table.meanings.items())]
        return [_found("numbers", meanings)]
    pictures = book.pictures
    search = look_for(table.rows, pictures)
    found = _of_tables(book) | _of_search(search, book.folder) | _of_pictures(book, pictures)
    meant = {*search.moved.values(), *(path for paths in search.several.values() for path in paths)}
    found["strays"] = [path for path in strays(pictures, table.rows) if path not in meant]
    unsure = {"gone"} if search.moved or search.elsewhere or search.several else set()
    findings = [_found(kind, names, unsure) for kind, names in found.items() if names]
    return [_with_meant(each, book.labels) if each.kind == "misspelt" else each for each in findings]


def _with_meant(misspelt: Finding, labels: Iterable[str]) -> Finding:
    """Returns a finding that proposes the closest listed labels, or else to list the new ones."""
    meant = {listed_label(name, labels) or name: None for name in misspelt.names}
    remedy = f"{misspelt.remedy} {', '.join(meant)}"
    return replace(misspelt, remedy=remedy, otherwise=_found("unlisted", list(misspelt.names)))


def _found(kind: str, names: list[str], unsure: Collection[str] = ()) -> Finding:
    """Returns a finding, with its remedy unless its kind is unsure."""
    remedy, _ = REPAIRS[kind] if kind in REPAIRS and kind not in unsure else ("", None)
    return finding(kind, names, remedy)


KIND_OF = {NO_PICTURE: "unreadable", "empty": "unreadable", **dict.fromkeys(STOOD_IN, "stand-ins")}
"""The kind of finding for each reason why a file cannot be read as a picture."""


def strays(pictures: Pictures, rows: Iterable[Row]) -> list[str]:
    """Returns the paths of pictures that no row names, in order."""
    known = {pictures.find(row.image) for row in rows}
    others = (path for path in pictures.files if path not in known)
    return [path for path in others if not _is_hidden(path) and is_picture(pictures.folder / path)]


def _of_tables(book: LabelBook) -> dict[str, list[str]]:
    """Returns the findings about the format of the tables."""
    table, rows = book.table, book.table.rows
    times = times_of(row.session for row in rows if row.session)
    changed = [text for text in times.found if not text.startswith(f"{times.found[text]:%Y-%m-%d}")]
    listed = {folded_label(label) for label in book.labels}
    others = {folded_label(row.label): row.label for row in rows if row.label}
    others = {key: label for key, label in others.items() if key not in listed}
    unfit = {key for key, label in others.items() if not _is_fit(label)}
    unlisted = sorted(label for key, label in others.items() if key not in unfit)
    without_session = not any(row.session for row in rows) and any(row.more for row in rows)
    return {
        "columns": ["the columns are label,image"] if table.swapped else [],
        "dates" if not times.ambiguous else "dates in doubt": changed,
        "other column": _further(table) if without_session else [],
        "misspelt": [label for label in unlisted if listed_label(label, book.labels)],
        "unlisted": [label for label in unlisted if not listed_label(label, book.labels)],
        "unfit": sorted(label for key, label in others.items() if key in unfit),
        "unlabelled": [row.image for row in rows if not row.label],
    }


def _further(table: Table) -> list[str]:
    """Returns the name of an extra column, or else a value from it."""
    cells = (f"the one with {cell}" for row in table.rows for cell in row.more if cell)
    return list(itertools.islice(itertools.chain(filter(None, table.header[3:4]), cells), 1))


def _of_search(search: Search, folder: Path) -> dict[str, list[str]]:
    """Returns the findings of the search for pictures that are not where their rows say."""
    return {
        "moved": [f"{image} (now {path})" for image, path in search.moved.items()],
        "elsewhere": [_from(path, folder) for path in search.elsewhere.values()],
        "several": [f"{image} ({', '.join(paths)})" for image, paths in search.several.items()],
        "gone": search.gone,
    }


def _of_pictures(book: LabelBook, pictures: Pictures) -> dict[str, list[str]]:
    """Returns the findings about the pictures that were found."""
    by_path: dict[str, list[Row]] = defaultdict(list)
    for row in book.rows:
        if path := pictures.find(row.image):
            by_path[path].append(row)
    several = {
        path: len({folded_label(row.label) for row in rows}) > 1 for path, rows in by_path.items() if rows[1:]
    }
    faces, found = _read(by_path, pictures.folder)
    blank = [name for name, face in faces.items() if np.ptp(face) == 0]
    label_of = {rows[0].image: rows[0].label for rows in by_path.values()}
    copies, torn = _copies(faces, label_of, set(blank))
    return found | {
        "blank": blank,
        "copies": copies,
        "torn": torn,
        "repeated": [by_path[path][0].image for path, differ in several.items() if not differ],
        "twice": [by_path[path][0].image for path, differ in several.items() if differ],
        "alike": _alike(faces, {*blank, *copies, *torn}),
    }


def _read(by_path: dict[str, list[Row]], folder: Path) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Returns the faces by image name, and the names of unreadable pictures and of photos, by kind."""
    faces: dict[str, np.ndarray] = {}
    kinds = ("unreadable", "stand-ins", "unsupported", "locked", "faceless", "photos")
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    cutter = OwnFaces(make_detector)
    for path, (row, *_) in by_path.items():
        try:
            picture = read_picture(folder / path)
        except MissingFileError:
            continue  # it has just been deleted
        except ExpressionError as error:
            locked = isinstance(error.__cause__, PermissionError)
            kind = KIND_OF.get(getattr(error, "reason", ""), "unsupported")
            found["locked" if locked else kind].append(row.image)
        else:
            faces[row.image] = face_pixels(picture)
            if max(picture.shape[:2]) > CUT:
                found["photos" if _has_face(picture, cutter) else "faceless"].append(row.image)
    return faces, found


def _copies(
    pictures: dict[str, np.ndarray], label_of: dict[str, str], aside: set[str]
) -> tuple[list[str], list[str]]:
    """Returns the copies under the same label, and the pictures whose copies have different labels."""
    groups = _groups(pictures, content_hashes, aside)
    torn = [group for group in groups if len({folded_label(label_of[name]) for name in group}) > 1]
    same = [name for group in groups if group not in torn for name in group[1:]]
    return same, [name for group in torn for name in group]


def _alike(pictures: dict[str, np.ndarray], aside: set[str]) -> list[str]:
    """Returns pictures that are nearly identical to an earlier one, as in a burst."""
    return [name for group in _groups(pictures, difference_hashes, aside) for name in group[1:]]


def _groups(pictures: dict[str, np.ndarray], number_of, aside: set[str]) -> list[list[str]]:
    """Returns groups of two or more pictures, by name, that share a hash."""
    names = [name for name in pictures if name not in aside]
    groups = defaultdict(list)
    if names:
        numbers = number_of(np.stack([pictures[name] for name in names]))
        for name, number in zip(names, numbers.tolist(), strict=True):
            groups[number].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _has_face(picture: np.ndarray, cutter: OwnFaces) -> bool:
    try:
        cutter(picture)
    except BadInputError:
        return False
    return True


def _is_hidden(path: str) -> bool:
    """Whether a file is hidden or a system file, or in such a folder."""
    return any(map(is_housekeeping, path.split("/")))


def _is_fit(label: str) -> bool:
    try:
        return bool(clean_label(label))
    except BadInputError:
        return False


def _from(path: Path, folder: Path) -> str:
    """Returns a path relative to the folder of the set, such as ../Images/face1.png."""
    return Path(os.path.relpath(path, folder)).as_posix()
