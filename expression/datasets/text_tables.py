"""Text tables in whatever form a program wrote them: detects the separator, encoding and header.

`pixel_tables.py` reads tables of pixels with it, `file_lists.py` lists of picture files.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import BadInputError, as_bad_input
from ..tables import SEPARATORS, marked_encoding
from .archives import TableFile

SAMPLE = 1 << 16
"""Number of bytes used to detect a table's format."""

LONGEST_LINE = 1 << 20
"""Characters; a picture of 48 x 48 pixels has fewer than ten thousand."""

ROLES = {
    "pixels": "pixels pixel pixel_values pixelvalues image_pixels",
    "path": "path file filename file_name filepath file_path image_path imagepath img_path image_name "
    "imagename image_file image_id img_name pth subdirectory_filepath subdirectoryfilepath picture photo",
    "image": "image img images data face",
    "label": "emotion emotions label labels expression expressions class classes target category "
    "emotion_label expression_label class_name classname label_name sentiment",
    "usage": "usage split subset set partition phase fold",
}
"""Names of columns, by their content; "image" is either a path or pixels.

Source of subDirectory_filePath: AffectNet's training.csv, https://arxiv.org/abs/1708.03985
"""

_ROLE = {re.sub(r"\W|_", "", word): role for role, words in ROLES.items() for word in words.split()}


@dataclass(frozen=True)
class Form:
    """The format of a table.

    Attributes:
        encoding: Of its text.
        separator: What separates its cells; " " for any white space.
        header: The names of its columns; empty if it has no header.
        columns: The position of each column with a known name, by its role in ROLES.
        skip: Lines before the first row of data.
        wrapped: Whether each row is a single quoted cell, as a spreadsheet that expects another separator
            saves a table.
    """

    encoding: str
    separator: str
    header: tuple[str, ...] = ()
    skip: int = 0
    wrapped: bool = False

    @property
    def columns(self) -> dict[str, int]:
        """The column of each role in ROLES; the first column of a role counts."""
        found: dict[str, int] = {}
        for place, name in enumerate(self.header):
            role = role_of(name)
            if role:
                found.setdefault(role, place)
        return found


def role_of(name: str) -> str | None:
    """Returns what a column with that name contains, or None.

    Example:
        >>> [role_of(name) for name in ("Emotion", " image path", "subDirectory_filePath", "age")]
        ['label', 'path', 'path', None]
    """
    return _ROLE.get(re.sub(r"\W|_", "", name.casefold()))


def form_of(table: TableFile) -> Form:
    """Detects the format of a table.

    Raises:
        BadInputError: It is damaged, or not text.
    """
    with as_table_error(table), table.open() as file:
        start = file.read(SAMPLE)
        while len(start) < SAMPLE and (more := file.read(SAMPLE - len(start))):
            start += more
    encoding = _encoding(start)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    if "\0" in text[:4096]:
        raise BadInputError(
            f"{table} is not text.", "Expected a text table, such as CSV.", "Export it as CSV in UTF-8."
        )
    lines = text.splitlines()[:50] if len(start) < SAMPLE else text.splitlines()[:-1][:50] or [text]
    skip, separator = 0, ""
    if lines and (told := re.fullmatch(r'"?sep=(.)"?', lines[0].strip())):  # Excel's own first line
        skip, separator = 1, told[1]
    while skip < len(lines) and not lines[skip].strip():
        skip += 1
    lines = lines[skip:]
    if wrapped := _is_wrapped(lines):
        lines = [_cells(line, ",")[0] for line in lines if line.strip()]
    separator = separator or _separator(lines)
    header = _header(lines[0], separator) if lines else ()
    if header and _has_row_names(lines[1:], separator, len(header)):
        header = ("", *header)
    return Form(encoding, separator, header, skip + bool(header), wrapped)


def rows(table: TableFile, form: Form) -> Iterator[tuple[range, list[str]]]:
    """Yields the rows of a table that are not blank, each with the numbers of its lines.

    A row has several lines if a quoted cell contains line breaks; in a damaged table it
    swallows rows, which have to be counted.

    Raises:
        BadInputError: It is damaged.
    """
    with as_table_error(table), table.open() as file:
        buffered = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
        with io.TextIOWrapper(buffered, form.encoding, "replace", newline="") as text:
            last = 0
            for number, row in _cut(_lines(text, table), form.separator):
                if number > form.skip and row:
                    wrapped = form.wrapped and len(row) == 1
                    yield range(last + 1, number + 1), _cells(row[0], form.separator) if wrapped else row
                last = number


def _cut(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the cells of each row, with the number of its last line."""
    if separator == " ":
        yield from ((number, line.split()) for number, line in enumerate(lines, 1))
        return
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    for row in reader:
        yield reader.line_num, row


def as_table_error(table: TableFile) -> contextlib.AbstractContextManager:
    """Returns a context manager that turns any error about a damaged table into a BadInputError."""
    return as_bad_input(
        f"{table} cannot be read", "Expected a complete text table.", "Download or export it again."
    )


def _lines(text: io.TextIOWrapper, table: TableFile) -> Iterator[str]:
    """Yields the lines, whose length is limited."""
    for number in range(1, 1 << 62):
        line = text.readline(LONGEST_LINE)
        if not line:
            return
        if len(line) >= LONGEST_LINE:
            raise BadInputError(
                f"{table} has a line with more than {LONGEST_LINE:,} characters: line {number}.",
                "Expected one row per picture.",
                "Export it again with line breaks, or choose another file.",
            )
        yield line


def _encoding(start: bytes) -> str:
    """Returns the encoding of a text, judged by its first bytes."""
    if encoding := marked_encoding(start):
        return encoding
    if len(start) >= 4 and start[1::2].count(0) > len(start) // 3:
        return "utf-16-le"
    if len(start) >= 4 and start[::2].count(0) > len(start) // 3:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _separator(lines: list[str]) -> str:
    """Returns the separator that gives the most known columns, then the most even rows."""

    def merit(separator: str) -> tuple[int, int, int]:
        known = len({role_of(cell) for cell in _cells(lines[0], separator)} - {None})
        lengths = [len(_cells(line, separator)) for line in lines if line.strip()]
        usual = max(set(lengths), key=lengths.count) if lengths else 1
        return known, lengths.count(usual) if usual > 1 else 0, -SEPARATORS.index(separator)

    if not lines:
        return ","
    best = max(SEPARATORS, key=merit)
    if len(_cells(lines[0], best)) == 1 and re.search(r"\S\s+\S", lines[0]):
        return " "  # such as RAF-DB's list: train_00001.jpg 5
    return best


def _header(line: str, separator: str) -> tuple[str, ...]:
    """Returns the names of the columns if a line has them, otherwise nothing."""
    names = [cell.strip().strip("'\"").casefold() for cell in _cells(line, separator)]
    return tuple(names) if any(map(role_of, names)) else ()


def _has_row_names(lines: list[str], separator: str, width: int) -> bool:
    """Whether each row starts with one more cell than the header has, as R's write.table writes them."""
    found = [_cells(line, separator) for line in lines if line.strip()]
    return bool(found) and all(len(cells) == width + 1 and cells[0] and cells[-1] for cells in found)


def _is_wrapped(lines: list[str]) -> bool:
    """Whether each line is a single quoted cell, the first of which has the header of a table in it."""
    lines = [line for line in lines if line.strip()]
    cells = [_cells(line, ",") for line in lines if line.lstrip().startswith('"')]
    whole = [line[0] for line in cells if len(line) == 1]
    if len(whole) < max(2, len(lines)):
        return False
    separator = _separator(whole)
    return len(_cells(whole[0], separator)) > 1 and bool(_header(whole[0], separator))


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # a cell that is too long, or a single carriage return
        return []
