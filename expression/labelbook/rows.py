"""The rows of `faceLabels.csv`: the label and the session of each picture.

`book.py` changes them, `datasets/own_set.py` reads them for training. Manual edits are preserved: a header,
extra columns, unlisted labels, labels as numbers, or the separator of a spreadsheet.

Notebook: 08_your_face
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
"""The table of a user's own set; its pictures are in Images, its labels in labelList.csv."""

IMAGES = "Images"
"""The folder of a set's pictures."""

WORDS = ("image", "label", "session")
"""The header, for a table that needs one."""

NUMBER = re.compile(r"\d{1,9}([.,]0+)?")
"""A number that may stand for a label; some programs write 1.0 or 1,0 for 1 in columns with empty cells."""


class Row(NamedTuple):
    """One picture.

    Attributes:
        image: Its path relative to Images, as written; `pictures.Pictures.find` returns the file.
        label: Its label as written, in Unicode's composed form; empty if it has none yet.
        session: When it was captured, as text; empty in older tables.
        more: Extra columns, preserved as they are.
    """

    image: str
    label: str
    session: str = ""
    more: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its path relative to Images as written, with /, without folders before Images."""
        return next(reversed(paths_meant(self.image)), "")


@dataclass(frozen=True)
class Table:
    """All rows, and the format of their file.

    Attributes:
        rows: In the order of the file.
        header: The header, or empty: the names of the picture, label, session and extra columns.
        numbered: Whether labels are written as their numbers in labelList.csv, which stops
            once one of the labels is a number itself.
        separator: The separator between two cells.
        marked: Whether the file starts with a byte order mark, by which spreadsheets recognise UTF-8.
        swapped: Whether labels came before pictures; they are written the other way round.
        meanings: The labels that ambiguous numbers mean if they are positions in labelList.csv rather than
            labels. Rows keep the numbers until `labels_of` replaces them.
    """

    rows: list[Row] = field(default_factory=list)
    header: tuple[str, ...] = ()
    numbered: bool = False
    separator: str = ","
    marked: bool = False
    swapped: bool = False
    meanings: dict[str, str] = field(default_factory=dict)

    def settled(self, path: Path) -> Table:
        """Returns the table itself, unless its labels are ambiguous.

        Args:
            path: The file that it was read from, for the message.

        Raises:
            BadInputError: They are numbers that could be labels or positions in labelList.csv.
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
            # The columns would be recognised wrongly by their contents, so a header is needed.
            lines[: wanted.header] = [[*WORDS[:width], *self.header[3:]]]
        return "\ufeff" * self.marked + write_cells(lines, self.separator)


def read_table(path: Path, labels: Sequence[str] | None = None) -> Table:
    """Reads a table; a missing file has no rows.

    Any order of columns, a header, other separators and encodings are accepted, and sessions may be missing.
    A number that is not a label itself stands for the label at that position.

    Args:
        path: The file.
        labels: The labels that numbers stand for; None leaves labels as written.

    Raises:
        BadInputError: It is not text, a quotation mark is unbalanced, it has only one column, a row names
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
    """Returns a table with its ambiguous numbers replaced by the labels at these positions."""
    rows = [row._replace(label=table.meanings.get(row.label, row.label)) for row in table.rows]
    return replace(table, rows=rows, meanings={})


def paths_meant(image: str) -> list[str]:
    """Returns the paths relative to Images that a row may mean, the most literal first.

    Example:
        >>> paths_meant(r"C:\\me\\Images\\happy\\1.jpg")
        ['me/Images/happy/1.jpg', 'happy/1.jpg']
        >>> paths_meant("../../face1.png"), paths_meant("../other/Images/face1.png")
        (['face1.png'], ['other/Images/face1.png'])
    """
    parts = [part for part in image.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and re.fullmatch(r"[a-zA-Z]:", parts[0]):
        del parts[0]  # a Windows drive
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
    )  # a spreadsheet cell that was too narrow


def _in_order(line: Sequence[str], columns: Columns) -> list[str]:
    """Returns the cells of a line: picture, label, session, and then all others."""
    first = [columns.image, columns.label, columns.session]
    cells = [line[place] if place is not None and place < len(line) else "" for place in first]
    return cells + [cell for place, cell in enumerate(line) if place not in first]


def _trimmed(cells: list[str], least: int) -> list[str]:
    """Returns cells without trailing empty ones, but at least so many."""
    while len(cells) > least and not cells[-1]:
        cells.pop()
    return cells


def _with_words(table: Table, labels: Sequence[str], path: Path) -> Table:
    """Returns a table with numbers replaced by labels, or with `meanings` if they are ambiguous."""
    known = {folded_label(label) for label in labels}
    texts = {row.label for row in table.rows if NUMBER.fullmatch(row.label)}
    numbers = {text: int(re.split("[.,]", text)[0]) for text in texts}
    meanings = {text: labels[place] for text, place in numbers.items() if place < len(labels)}
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
