"""The rows of `faceLabels.csv`: which picture has which label, and from which session it is.

`labelbook.py` changes them, `folders.py` reads them for a training. What somebody wrote by
hand stays: a header, further columns, labels that nobody listed, or labels as numbers.

Notebook: 07_your_face
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .errors import BadInputError, damage_told
from .labels import Labels

FILE = "faceLabels.csv"
"""The table of a reader's own set; its pictures lie in Images, its labels in labelList.csv."""

OLDER_QUOTE = re.compile(r",\|[^|\r\n]*,[^|\r\n]*\|\s*$", re.MULTILINE)
"""A label with a comma in it, as an older labeler writes it: `face1.png,|Happy, loud|`.

Source: https://github.com/ablacklama/FaceLabeler
"""


class Row(NamedTuple):
    """One picture.

    Attributes:
        image: The name of its file in Images.
        label: Its label as it is written.
        session: When it was captured, as text; nothing in older tables.
        more: Further columns, which are kept as they are.
    """

    image: str
    label: str
    session: str = ""
    more: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name without a folder, which older tables have before it."""
        return self.image.replace("\\", "/").rpartition("/")[2]


@dataclass
class Table:
    """All rows, and the form in which they are written.

    Attributes:
        rows: In the order of the file.
        header: The first line where it is one, else nothing.
        numbered: Whether labels are written as their numbers in labelList.csv, which ends
            where one of the labels is a number itself.
    """

    rows: list[Row] = field(default_factory=list)
    header: tuple[str, ...] = ()
    numbered: bool = False

    def text(self, labels: Labels) -> str:
        """Returns the table as the text of its file.

        Example:
            >>> Table([Row("face1.png", "Sad", "monday")]).text(Labels(["Happy", "Sad"]))
            'face1.png,Sad,monday\\n'
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        if self.header:
            writer.writerow(self.header)
        numbered = self.numbered and not any(label.isdecimal() for label in labels)
        for image, label, session, more in self.rows:
            known = numbered and label in labels
            cells = (image, labels.index(label) if known else label, session, *more)
            writer.writerow(cells if session or more else cells[:2])
        return out.getvalue()


def read_table(path: Path, labels: Labels | None = None) -> Table:
    """Reads a table; one that is not there has no rows.

    Two columns, a header, other line ends and a missing last one are accepted. A number that is
    no label itself stands for the label of that number.

    Args:
        path: The file.
        labels: What numbers stand for; None leaves labels as they are written.

    Raises:
        BadInputError: It is no text in UTF-8, a quotation mark has no second one, a row has less than two
            cells, or a number stands for no label.
    """
    if not path.is_file():
        return Table()
    expected = "Expected rows image,label in UTF-8, and two of each quotation mark."
    told = damage_told(f"{path} is not readable", expected, "Mend it in an editor.")
    with told:
        text = path.read_bytes().decode("utf-8-sig")
        older = '"' not in text and OLDER_QUOTE.search(text)
        # Not strict, a quotation mark without a second one would swallow the rest of the file.
        rows = csv.reader(io.StringIO(text, newline=""), quotechar="|" if older else '"', strict=True)
        lines = [[cell.strip() for cell in row] for row in rows if any(map(str.strip, row))]
    header: Sequence[str] = ()
    if lines and _is_header(lines[0]):
        header, *lines = lines
    for line in lines:
        if len(line) < 2 or not line[0]:
            raise BadInputError(
                f"{path} has the row {','.join(line)!r}.", "Expected image,label.", "Mend it."
            )
    numbers = [labels is not None and line[1].isdecimal() and line[1] not in labels for line in lines]
    rows = [
        Row(line[0], _named(line, labels, path) if number else line[1], *line[2:3], more=tuple(line[3:]))
        for line, number in zip(lines, numbers, strict=True)
    ]
    return Table(rows, tuple(header), numbered=bool(lines) and all(numbers))


def _is_header(line: list[str]) -> bool:
    """Whether a line names its columns, as image,label or file,emotion do."""
    word = line[1].casefold() if len(line) > 1 else ""
    return word in ("label", "emotion") and not Path(line[0]).suffix


def _named(line: list[str], labels: Labels, path: Path) -> str:
    """Returns the label that a row's number stands for."""
    if int(line[1]) >= len(labels):
        raise BadInputError(
            f"{path} has the row {','.join(line)!r}.",
            f"Expected a label, or its number in the list: 0 to {len(labels) - 1}.",
            "Mend the number, or the list.",
        )
    return labels[int(line[1])]
