"""Tables as people save them: any separator, any usual encoding, with or without a byte order mark.

The user's own lists of labels and of pictures are read with it, and every list of readings is written.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from .errors import BadInputError, as_bad_input

SEPARATORS = (",", ";", "\t", "|")
"""What separates two cells, the most common first."""

SAMPLE = 500
"""How many lines are used to choose the separator."""

MOST_BYTES = 100_000_000
"""Most bytes that are read; a table of a million pictures has about fifty million."""

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks, longer ones before those they begin with, and the encoding of the text after each."""

OTHERS = {
    b"PK\x03\x04": "a spreadsheet workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet workbook",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF file",
}
"""The first bytes of other files that are saved under the name of a table."""

OLDER_QUOTE = re.compile(r",\|[^|\r\n]*,[^|\r\n]*\|\s*$", re.MULTILINE)
"""A label with a comma in it, as an older labeler writes it: `face1.png,|Happy, loud|`.

Source: https://github.com/ablacklama/FaceLabeler
"""


class Cells(NamedTuple):
    """The content of a table.

    Attributes:
        lines: The cells of each line, without the spaces around them; blank lines are left out.
        separator: What separated two cells.
        marked: Whether the file needs a byte order mark, so that a spreadsheet reads it as UTF-8.
    """

    lines: list[list[str]]
    separator: str = ","
    marked: bool = False


def read_cells(path: Path, expected: str, most: int = MOST_BYTES) -> Cells:
    """Reads a table.

    Args:
        path: The file.
        expected: What would be right, as a sentence for the message.
        most: Most bytes that it may have.

    Raises:
        BadInputError: It is not text, a quotation mark is not closed, or it is too large or locked.
    """
    text, marked = decode(_content(path, expected, most), path, expected)
    named = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)  # Excel writes and reads such a line
    if named:
        text = text[named.end() :]
    with as_bad_input(
        f"{path} cannot be read as a table", expected, "Correct it in an editor, or save it again as CSV."
    ):
        separator = named[1] if named else separator_of(text)
        return Cells(_split(text, separator), separator, marked)


def decode(data: bytes, path: Path, expected: str) -> tuple[str, bool]:
    """Returns the text of a file, and whether it should be written with a byte order mark.

    What is not UTF-8 is read as Windows-1252, in which Excel saves CSV files in western Europe.

    Args:
        data: The bytes of the file.
        path: Its name, for the message.
        expected: What would be right, as a sentence for the message.

    Raises:
        BadInputError: It is not text.
    """
    remedy = "Save it again as CSV in UTF-8."
    what = next((name for start, name in OTHERS.items() if data.startswith(start)), None)
    if what:
        raise BadInputError(f"{path} is {what}.", expected, remedy)
    with as_bad_input(f"{path} is not a text file", expected, remedy):
        mark = marked_encoding(data)
        if not mark and b"\0" in data[:8]:
            mark = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        text, mark = _text(data, mark)
        strange = len(re.findall(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text))
        if "\0" in text or strange > max(2, len(text) // 50):  # one or two may be typing errors
            raise ValueError("it contains control characters")
    return text, mark is not None


def marked_encoding(data: bytes) -> str | None:
    """Returns the encoding of a text that begins with a byte order mark; None without one."""
    return next((encoding for start, encoding in MARKS.items() if data.startswith(start)), None)


def separator_of(text: str) -> str:
    """Returns what separates the cells of a table.

    Example:
        >>> separator_of("face1.png;Happy;0,31"), separator_of("face1.png\\tHappy"), separator_of("one")
        (';', '\\t', ',')
    """
    sample = [line for line in text.splitlines()[:SAMPLE] if line.strip()]

    def fitness(separator: str) -> tuple[int, int]:
        rows = list(csv.reader(sample, delimiter=separator))
        others = set(SEPARATORS) - {separator}
        return sum(len(row) > 1 for row in rows), sum(
            not others & set(row[0]) for row in rows if len(row) > 1
        )

    return max(SEPARATORS, key=fitness) if sample else ","


def write_cells(lines: Iterable[Sequence[object]], separator: str = ",") -> str:
    """Returns lines of cells as the text of a table."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(lines)
    return out.getvalue()


def _split(text: str, separator: str) -> list[list[str]]:
    older = separator == "," and '"' not in text and OLDER_QUOTE.search(text)
    # If not strict, an unclosed quotation mark would swallow the rest of the file.
    stream, quote = io.StringIO(text, newline=""), "|" if older else '"'
    rows = csv.reader(stream, delimiter=separator, quotechar=quote, strict=True)
    lines = ([cell.strip(" \t\xa0") for cell in row] for row in rows)
    return [line for line in lines if any(line)]


def _text(data: bytes, mark: str | None) -> tuple[str, str | None]:
    """Returns a text, and its encoding if that is not plain UTF-8."""
    try:
        return data.decode(mark or "utf-8"), mark
    except UnicodeDecodeError:
        if mark or not _is_damaged_utf8(data):
            return data.decode(mark or "cp1252"), mark or "cp1252"
        raise


def _is_damaged_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8 except for lone surrogates, which no other encoding explains."""
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _content(path: Path, expected: str, most: int) -> bytes:
    """Returns the bytes of a file."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be read ({error.strerror}).", expected, "Check its permissions."
        ) from error
    if len(data) > most:
        raise BadInputError(
            f"{path} has more than {most:,} bytes.", expected, "Check that it is the right file."
        )
    return data
