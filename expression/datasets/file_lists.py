"""Tables that list picture files with their labels, in any columns: CSV exports, RAF-DB's and FER+'s lists.

`folders.py` calls `listed_in` for a folder and `read_list` for a single table. A picture is only ever
searched for among the files of the folder, whatever path the table contains.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..errors import BadInputError
from ..labelbook.columns import PICTURE
from ..labels import is_label_list
from ..pictures.skipped import Skipped
from .archives import TableFile
from .ferplus import COLUMNS as VOTED
from .folder_tree import Parts, Tree
from .listing import Entry, Listing
from .numbering import Numbering, Wanted, numbering
from .synonyms import label_meant, meaning, numbers_of, numeral, split_meant
from .text_tables import Form, form_of, rows

ENDINGS = {".csv", ".tsv", ".txt", ".lst"}
"""Extensions of files that may be lists."""

MOST = 20
"""Tables in one folder, at most; if there are more, they belong to single pictures, such as landmarks."""

LOOKED_AT = 50
"""Number of rows used to recognise the columns."""

BOXES = (
    ("face_x", "face_y", "face_width", "face_height"),
    ("xmin", "ymin", "xmax", "ymax"),
)
"""Columns with the position of the face: AffectNet's, and those of exports for object detection."""

ALIGNED = re.compile(r"(train|test)_\d+")
"""RAF-DB's list names train_00001.jpg, but the cropped face is called train_00001_aligned.jpg.

Source: http://www.whdeng.cn/raf/model1.html
"""


EXPW = "label.lst"
"""ExpW's list: file, number of the face, top, left, right and bottom, confidence, label in FER2013's order.

Its files are named after the web search that found them, such as angry_actor_104.jpg, not after the label.
Source: Zhang et al., From Facial Expression Recognition to Interpersonal Relation Prediction, 2018,
https://mmlab.ie.cuhk.edu.hk/projects/socialrelation/
"""


@dataclass(frozen=True)
class FileList:
    """A table that lists pictures.

    Attributes:
        table: Where it is.
        near: The folder that contains it.
        form: Its format.
        path: The column of the file name.
        label: The column of the label, or None if `scores` are used.
        scores: The columns with a number for each label, of which the largest counts, and the label's word.
        usage: The column of the split, or None.
        box: The columns of the face's box, or empty.
        numbers: The dataset whose numbering its labels follow, if that is certain.
    """

    table: TableFile
    near: Parts
    form: Form
    path: int
    label: int | None
    scores: dict[int, str] = field(default_factory=dict)
    usage: int | None = None
    box: tuple[int, ...] = ()
    numbers: str = ""


def listed_in(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists the pictures named in the tables of a folder; None if there are no such tables.

    Raises:
        BadInputError: Most of the listed pictures are missing, or the meaning of a number is uncertain.
    """
    found = []
    for parts, names in tree.files.items():
        tables = [name for name in names if PurePosixPath(name).suffix.casefold() in ENDINGS]
        tables = [name for name in tables if not is_label_list(name)]
        if len(tables) <= MOST:
            for name in tables:
                found += filter(None, [_recognised(TableFile(tree.path(parts, name)), parts, tree, wanted)])
    return _listing(found, tree, wanted) if found else None


def read_list(path: Path, tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists the pictures named in one table; None if it is not a list of pictures."""
    found = _recognised(TableFile(path), (), tree, wanted)
    return _listing([found], tree, wanted) if found else None


def _recognised(table: TableFile, near: Parts, tree: Tree, wanted: Wanted) -> FileList | None:
    """Returns a table as a list of pictures, or None if it is something else or damaged."""
    try:
        form = form_of(table)
        first = [row for _, row in itertools.islice(rows(table, form), LOOKED_AT)]
    except BadInputError:
        return None
    width = max(map(len, first), default=0)
    if width < 2:
        return None
    if table.path.name == EXPW and width == 8:
        return FileList(table, near, form, 0, 7, box=(3, 2, 4, 5), numbers="FER2013")
    columns = form.columns
    path = columns.get("path", columns.get("image"))
    if path is None or not form.header:
        path = _most(first, width, lambda cell: PICTURE.search(cell) and _file(cell, near, tree))
        if path is None:  # names without extensions; the number of a label could be one, too
            path = _most(first, width, lambda cell: _file(cell, near, tree))
    if path is None:
        return None
    others = [column for column in range(width) if column != path]
    scores = _scores(form, first, others)
    label = columns.get("label") if form.header else None
    if label is None and not scores:
        label = _most(first, width, lambda cell: _is_label(cell, wanted), others)
    if label is None and not scores:
        return None
    usage = columns.get("usage", None if form.header else _most(first, width, split_meant, others))
    box = next((names for names in BOXES if set(names) <= set(form.header)), ())
    return FileList(table, near, form, path, label, scores, usage, tuple(map(form.header.index, box)))


def _most(first: list[list[str]], width: int, is_it, columns: list[int] | None = None) -> int | None:
    """Returns the column most of whose cells pass a test; None if no column does, or two tie."""
    counts = {
        column: sum(bool(is_it(row[column])) for row in first if column < len(row))
        for column in (range(width) if columns is None else columns)
    }
    best = max(counts.values(), default=0)
    found = [column for column, count in counts.items() if count == best]
    return found[0] if best * 2 > len(first) and len(found) == 1 else None


def _scores(form: Form, first: list[list[str]], others: list[int]) -> dict[int, str]:
    """Returns the columns with a number for each label, as in FER+'s votes or an export with 0 and 1."""
    if form.header:
        names = {column: form.header[column] for column in others if column < len(form.header)}
        words = {column: "noface" if name == "nf" else meaning(name) for column, name in names.items()}
        return {c: w for c, w in words.items() if w} if sum(map(bool, words.values())) > 1 else {}
    if all(len(row) == 12 and all(map(str.isdecimal, row[2:])) for row in first):  # FER+'s label.csv
        return {2 + place: meaning(word) or "noface" for place, word in enumerate(VOTED)}
    return {}


def _is_label(cell: str, wanted: Wanted) -> bool:
    known = label_meant(cell, wanted.labels) or meaning(cell)
    return bool(known or numeral(cell) in range(11))


def _file(written: str, near: Parts, tree: Tree) -> Path | None:
    """Returns the file that a cell names, or None; a cropped face is preferred to its photo."""
    place = PurePosixPath(written.strip().replace("\\", "/"))
    cut = tree.find(f"{place.stem}_aligned", near) if ALIGNED.fullmatch(place.stem) else None
    return cut or tree.find(written, near)


class _Row(NamedTuple):
    """A row whose picture was found, before the meaning of numbers is known."""

    path: Path
    word: str
    split: str
    box: tuple[float, float, float, float] | None
    source: FileList


def _listing(lists: list[FileList], tree: Tree, wanted: Wanted) -> Listing:
    """Lists the pictures of one or several tables."""
    listing, found, known = Listing(), [], {one.table.path for one in lists}
    for one in lists:
        count, damaged = 0, Skipped()
        for lines, row in rows(one.table, one.form):
            path, fault = _place(row, one, tree)
            word = fault or _word(row, one)
            if fault and lines[0] == 1 and not _names_a_picture(row, one):  # a header in other words
                continue
            known.add(path)
            if fault or not word:
                name = f"line {lines[0]} of {one.table.path.name}"
                damaged.add(name, fault or "without a clear label", len(lines))
                count += len(lines)
            else:
                count += 1
                found.append(_Row(path, word, _split(row, path, one, tree), _box(row, one), one))
        damaged.check(count, one.table.path, "rows")
        listing.skipped.extend(damaged)
    _add(listing, found, _numbering(found, tree, wanted))
    for path in tree.paths():
        if path not in known and not is_label_list(path.name):
            listing.skipped.add(path.relative_to(tree.root).as_posix(), "not listed in any table")
    names = dict.fromkeys(one.table.path.name for one in lists)
    listing.notes.append(f"Labels are taken from {', '.join(names)}.")
    return listing


def _add(listing: Listing, found: list[_Row], meant: Numbering | None) -> None:
    """Adds the pictures that were found, each only once."""
    words = {str(number): word for number, word in meant.words.items()} if meant else {}
    said: dict[tuple, str] = {}
    for row in found:
        word, face = words.get(row.word, row.word), (row.path, row.box)
        if face not in said:
            said[face] = word
            origin = row.source.table.path
            listing.entries.append(Entry(row.path, word, origin, "", row.split, row.word, row.box))
        elif said[face] != word:
            listing.skipped.add(row.path.name, "listed again with a different label")
    listing.notes += [f"Numeric labels follow the order of {meant.source}."] if meant else []


def _names_a_picture(row: list[str], one: FileList) -> bool:
    """Whether a row names a picture, whether or not that exists."""
    return one.path < len(row) and bool(PICTURE.search(row[one.path]))


def _place(row: list[str], one: FileList, tree: Tree) -> tuple[Path | None, str]:
    """Returns the picture of a row, or None and what is wrong with the row."""
    if max(one.path, -1 if one.label is None else one.label, *one.scores) >= len(row):
        return None, "with too few columns"
    path = _file(row[one.path], one.near, tree)
    if path is None:
        return None, "whose picture was not found" if row[one.path].strip() else "without a picture"
    return path, ""


def _word(row: list[str], one: FileList) -> str:
    """Returns the label of a row, a number without its decimals; empty if it is unclear."""
    if one.scores:
        return _winner(row, one.scores)
    word = row[one.label].strip().strip("'\"")
    number = numeral(word)
    return word if number is None or number < 0 else str(number)


def _split(row: list[str], path: Path, one: FileList, tree: Tree) -> str:
    """Returns the split of a row, from its column, the table's name or the picture's folders."""
    if one.usage is not None and one.usage < len(row) and (split := split_meant(row[one.usage])):
        return split
    places = [*path.relative_to(tree.root).parts[:-1], Path(one.table.name).stem]
    return next((split for place in reversed(places) if (split := split_meant(place))), "")


def _winner(row: list[str], scores: dict[int, str]) -> str:
    """Returns the label with more than half of the total, after dropping single votes if these are counts."""
    try:
        values = {column: float(row[column] or 0) for column in scores}
    except ValueError:
        return ""
    if max(values.values()) > 1:
        values = {column: value if value > 1 else 0.0 for column, value in values.items()}
    best = max(values, key=values.__getitem__)
    return scores[best] if 2 * values[best] > sum(values.values()) else ""


def _box(row: list[str], one: FileList) -> tuple[float, float, float, float] | None:
    """Returns the box of the face, or None."""
    try:
        x, y, width, height = (float(row[column]) for column in one.box)
    except (ValueError, IndexError):
        return None
    if one.numbers or one.form.header[one.box[2]] == "xmax":
        width, height = width - x, height - y
    sound = all(map(math.isfinite, (x, y, width, height))) and width > 1 and height > 1
    return (x, y, width, height) if sound else None


def _numbering(found: list[_Row], tree: Tree, wanted: Wanted) -> Numbering | None:
    """Returns what the numbers among the labels stand for; None if most labels are words."""
    numbers = [int(row.word) for row in found if row.word.isdecimal() and len(row.word) < 4]
    counted = {number for number in numbers if number <= 10}  # no dataset uses others as labels
    if not counted or 2 * len(numbers) < len(found):
        return None
    first = found[0].source
    if first.numbers:
        return Numbering(numbers_of(first.numbers), first.numbers)
    places = [tree.root.resolve().name, *found[0].path.relative_to(tree.root).parts, *first.form.header]
    if {"valence", "arousal"} <= set(first.form.header):
        places.append("AffectNet")  # no other dataset has these columns
    names = (row.path.name for row in found)
    return numbering(counted, wanted, names, " ".join(places), found[0].path, first.table.path, tree)
