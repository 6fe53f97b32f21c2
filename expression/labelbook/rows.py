"""The rows of `faceLabels.csv`: which picture has which label, and from which session it is.

`book.py` changes them, `own_set.py` reads them for a training. What somebody wrote by hand stays: a
header, further columns, labels that nobody listed, labels as numbers, or the separator of a spreadsheet.

Notebook: 07_your_face
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from ..errors import BadInputError
from ..labels import folded_label
from ..sanitize import printable
from ..tables import read_cells, write_cells
from .columns import Columns, columns_of

FILE = "faceLabels.csv"
"""The table of a reader's own set; its pictures lie in Images, its labels in labelList.csv."""

IMAGES = "Images"
"""The folder of a set's pictures."""

WORDS = ("image", "label", "session")
"""The header of a table that needs one."""

NUMBER = re.compile(r"\d{1,9}(\.0+)?")
"""A number that may stand for a label; programs that met an empty cell write 1.0 for 1."""


class Row(NamedTuple):
    """One picture.

    Attributes:
        image: Its path below Images, as it is written; `ownpictures.Pictures.find` knows the file.
        label: Its label as it is written, in Unicode's composed form; nothing where there is none yet.
        session: When it was captured, as text; nothing in older tables.
        more: Further columns, which are kept as they are.
    """

    image: str
    label: str
    session: str = ""
    more: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its path below Images as it is written, with /, without folders before Images."""
        return next(reversed(paths_meant(self.image)), "")


@dataclass(frozen=True)
class Table:
    """All rows, and the form in which they are written.

    Attributes:
        rows: In the order of the file.
        header: The first line where it is one, else nothing: the words for picture, label, session and more.
        numbered: Whether labels are written as their numbers in labelList.csv, which ends
            where one of the labels is a number itself.
        separator: What stands between two cells.
        marked: Whether it begins with a byte order mark, by which a spreadsheet knows UTF-8.
        swapped: Whether labels stood before pictures; they are written the other way round.
        meanings: What numbers mean if they are places in labelList.csv, where they may as well be labels;
            `labels_of` decides it. Rows keep the numbers until then.
    """

    rows: list[Row] = field(default_factory=list)
    header: tuple[str, ...] = ()
    numbered: bool = False
    separator: str = ","
    marked: bool = False
    swapped: bool = False
    meanings: dict[str, str] = field(default_factory=dict)

    def settled(self, path: Path) -> Table:
        """Returns the table itself where it is sure what its labels are.

        Args:
            path: What it was read from, for the message.

        Raises:
            BadInputError: They are numbers that are either labels or positions in labelList.csv.
        """
        if self.meanings:
            meanings = ", ".join(f"{number} for {label}" for number, label in sorted(self.meanings.items()))
            raise BadInputError(
                f"{path} has numbers that could be labels or positions in labelList.csv ({meanings}).",
                "Expected labels only, because some labels are numbers.",
                "In its folder, run: expression dataset check --repair",
            )
        return self

    def text(self, labels: Sequence[str]) -> str:
        """Returns the table as the text of its file.

        Example:
            >>> Table([Row("face1.png", "Sad", "monday")]).text(["Happy", "Sad"])
            'face1.png,Sad,monday\\n'
        """
        places = {folded_label(label): place for place, label in enumerate(labels)}
        if not self.numbered or any(label.isdecimal() for label in labels):
            places = {}
        lines = []
        for image, label, session, more in self.rows:
            cells = (image, places.get(folded_label(label), label), session, *more)
            lines.append(cells if session or more else cells[:2])
        width = max([2, len(self.header), *map(len, lines)])
        if self.header:
            words = [*self.header, *[""] * (width - len(self.header))]
            lines.insert(0, [*words[:2], *(word or "session" for word in words[2:3]), *words[3:]])
        wanted = Columns(0, 1, 2 if width > 2 else None, bool(self.header))
        if self.rows and columns_of([list(map(str, line)) for line in lines], labels) != wanted:
            # What stands in the cells says something else, so a header has to.
            lines[: wanted.header] = [[*WORDS[:width], *self.header[3:]]]
        return "\ufeff" * self.marked + write_cells(lines, self.separator)


def read_table(path: Path, labels: Sequence[str] | None = None) -> Table:
    """Reads a table; one that is not there has no rows.

    Any order of columns, two columns, a header, other separators and encodings are accepted. A number that
    is no label itself stands for the label of that number.

    Args:
        path: The file.
        labels: What numbers stand for; None leaves labels as they are written.

    Raises:
        BadInputError: It is not text, a quotation mark has no second one, it has one column only, a row names
            no picture, or a number stands for no label.
    """
    if not path.is_file():
        return Table()
    lines, separator, marked = read_cells(path, "Expected rows in the form image,label.")
    columns = columns_of(lines, labels or ())
    header = tuple(_trimmed(_in_order(lines[0], columns), 2)) if columns.header else ()
    lines = lines[columns.header :]
    if lines and max(map(len, lines)) < 2:
        raise BadInputError(
            f"{path} has the row {printable(','.join(lines[0]))!r}.",
            "Expected image,label.",
            "Add a label after each picture.",
        )
    rows = [_row(line, columns, path) for line in lines]
    table = Table(rows, header, False, separator, marked, columns.label < columns.image)
    return table if labels is None else _with_words(table, labels, path)


def labels_of(table: Table) -> Table:
    """Returns a table whose numbers mean places in labelList.csv, where they might have been labels."""
    rows = [row._replace(label=table.meanings.get(row.label, row.label)) for row in table.rows]
    return replace(table, rows=rows, meanings={})


def paths_meant(image: str) -> list[str]:
    """Returns the paths below Images that a row may mean, the most literal first.

    Example:
        >>> paths_meant(r"C:\\me\\Images\\happy\\1.jpg")
        ['me/Images/happy/1.jpg', 'happy/1.jpg']
        >>> paths_meant("../../face1.png"), paths_meant("../other/Images/face1.png")
        (['face1.png'], ['other/Images/face1.png'])
    """
    parts = [part for part in image.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and re.fullmatch(r"[a-zA-Z]:", parts[0]):
        del parts[0]  # a drive of Windows
    outside = ".." in parts
    while ".." in parts:
        parts = parts[parts.index("..") + 1 :]
    starts = [place + 1 for place, part in enumerate(parts[:-1]) if part.casefold() == IMAGES.casefold()]
    if outside:
        starts = [place for place in starts if place == 1]
    return ["/".join(parts[start:]) for start in (0, *starts) if parts[start:]]


def _row(line: list[str], columns: Columns, path: Path) -> Row:
    """Returns a line as a row."""
    image, label, session, *more = _trimmed(_in_order(line, columns), 3)
    if not image:
        raise BadInputError(
            f"{path} has the row {printable(','.join(line))!r}.",
            "Expected the name of a picture in each row.",
            "Add it, or delete the row.",
        )
    label = unicodedata.normalize("NFC", label)
    return Row(
        image, label, "" if set(session) == {"#"} else session, tuple(more)
    )  # a cell too narrow for it


def _in_order(line: Sequence[str], columns: Columns) -> list[str]:
    """Returns the cells of a line: picture, label, session, and then all others."""
    first = [columns.image, columns.label, columns.session]
    cells = [line[place] if place is not None and place < len(line) else "" for place in first]
    return cells + [cell for place, cell in enumerate(line) if place not in first]


def _trimmed(cells: list[str], least: int) -> list[str]:
    """Returns cells without the empty ones at their end, but so many at least."""
    while len(cells) > least and not cells[-1]:
        cells.pop()
    return cells


def _with_words(table: Table, labels: Sequence[str], path: Path) -> Table:
    """Returns a table with the labels that numbers stand for, or with what they may mean."""
    known = {folded_label(label) for label in labels}
    texts = {row.label for row in table.rows if NUMBER.fullmatch(row.label)}
    meanings = {text: labels[place] for text in texts if (place := int(text.split(".")[0])) < len(labels)}
    places = {text for text in texts if folded_label(text) not in known}
    mixed = bool(places) and places != texts
    if mixed and meanings.keys() == texts:
        return replace(table, meanings=meanings)
    wrong = places if mixed else places - meanings.keys()
    if row := next((row for row in table.rows if row.label in wrong), None):
        raise BadInputError(
            f"{path} has the row {printable(','.join(row[:2]))!r}.",
            f"Expected a label or its position in the list, from 0 to {len(labels) - 1}.",
            "Correct the number or the list.",
        )
    words = {text: meanings[text] for text in places}
    rows = [row._replace(label=words.get(row.label, row.label)) for row in table.rows]
    return replace(table, rows=rows, numbered=bool(rows) and all(row.label in words for row in table.rows))
