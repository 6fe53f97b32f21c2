"""Tables whose rows are pictures: grey levels, a label and perhaps a usage, like FER2013's csv files.

`pixel_dataset.py` calls `read_pixels`. Columns may be in any order, with the levels of a picture in one cell
or in one column each. An unusable row is left out and counted.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DAMAGE, BadInputError
from ..files import PRIVATE, PRIVATE_FOLDER, own_folder, replacing
from ..pictures.image import SIZE, resize
from ..pictures.skipped import Skipped
from ..sanitize import printable
from .archives import TableFile
from .synonyms import meaning, numeral, split_meant
from .text_tables import Form, form_of, rows

GREYS = {str(level): level for level in range(256)}
"""Grey levels as text; a lookup is faster than `int`, and checks the value."""

FEWEST = 16 * 16
"""Number of grey levels of the smallest picture that is accepted."""

LOOKED_AT = 20
"""Number of rows used to find the columns and the size of the pictures."""

KEPT = 4
"""Number of cached tables to keep, the newest; FER2013's takes 80 MB."""

CACHE_FORM = 2
"""Version of the cache, increased whenever tables are read differently, so that old copies are not used."""


@dataclass(frozen=True)
class Columns:
    """The positions of the columns.

    Attributes:
        pixels: The column of the grey levels, or all their columns if each level has its own.
        label: The column of the label; None if there is not one.
        usage: The column of the split; None if there is not one.
        levels: Number of grey levels of a picture.
    """

    pixels: int | tuple[int, ...]
    label: int | None
    usage: int | None
    levels: int


@dataclass(frozen=True)
class Pixels:
    """The contents of a table.

    Attributes:
        pictures: (n, 48, 48) uint8.
        rows: (n,) int64, the number of each picture's row, from 0.
        labels: (n,) int64, the label as written, as an index into `words`.
        usages: (n,) int64, the usage as written, as an index into `uses`.
        words: The labels that occur, as written.
        uses: The usages that occur; a single empty one if the table has none.
        count: Total number of rows, including those left out.
        skipped: The rows that were left out.
    """

    pictures: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    usages: np.ndarray
    words: tuple[str, ...]
    uses: tuple[str, ...]
    count: int
    skipped: Skipped

    def take(self, chosen: np.ndarray) -> Pixels:
        """Returns some of the pictures, (n,) bool."""
        arrays = {name: getattr(self, name)[chosen] for name in ("pictures", "rows", "labels", "usages")}
        return replace(self, **arrays)


class _BadRow(Exception):
    """A row that is left out: the reason, and details of this row."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def find_columns(table: TableFile) -> tuple[Form, Columns] | None:
    """Returns the format of a table of pixels, or None if it is something else.

    Raises:
        BadInputError: It is damaged.
    """
    form = form_of(table)
    if form.separator == " ":
        return None
    first = [row for _, row in itertools.islice(rows(table, form), LOOKED_AT)]
    if not first:
        return (
            (form, Columns(form.columns["pixels"], form.columns.get("label"), None, SIZE * SIZE))
            if ("pixels" in form.columns)
            else None
        )
    width = Counter(map(len, first)).most_common(1)[0][0]
    even = [row for row in first if len(row) == width]
    pixels = _wide(form, even) if width > FEWEST else _one_cell(form, even)
    if pixels is None:
        return None
    found = form.columns
    others = [c for c in range(width) if c != pixels and not (isinstance(pixels, tuple) and c in pixels)]
    usage = found.get("usage", None if form.header else _all_are(even, others, split_meant))
    label = found.get("label", None if form.header else _all_are(even, others, _is_label))
    levels = len(pixels) if isinstance(pixels, tuple) else _usual_levels(even, pixels)
    return form, Columns(pixels, label, usage, levels)


def _one_cell(form: Form, first: list[list[str]]) -> int | None:
    """Returns the column whose cells contain many numbers."""
    if "pixels" in form.columns and not _wide_header(form):
        return form.columns["pixels"]
    found = [sum(len(_written(row[c])) >= FEWEST for row in first) for c in range(len(first[0]))]
    return int(np.argmax(found)) if max(found) * 2 > len(first) else None


def _wide_header(form: Form) -> bool:
    return len(form.header) > FEWEST


def _wide(form: Form, first: list[list[str]]) -> tuple[int, ...] | None:
    """Returns the columns of the grey levels if each level has its own."""
    known = {place for role, place in form.columns.items() if role in ("label", "usage")}
    columns = [
        c
        for c in range(len(first[0]))
        if c not in known and form.header[c : c + 1] not in (("",), ("unnamed: 0",), ("index",), ("id",))
    ]
    if not form.header:  # the label is the first or the last column, whichever is small in every row
        small = [c for c in (0, len(first[0]) - 1) if all(_is_label(row[c]) for row in first)]
        columns = [c for c in columns if c not in small[:1]] if len(small) == 1 else columns
    numeric = all(re.fullmatch(r"\s*\d+(\.\d*)?\s*", row[c]) for row in first[:2] for c in columns)
    return tuple(columns) if numeric else None


def _is_label(cell: str) -> bool:
    """Returns whether a cell looks like a label: a small number, or a word for one."""
    return numeral(cell) in range(10) or meaning(cell) is not None


def _all_are(first: list[list[str]], columns: list[int], is_it) -> int | None:
    """Returns the only column whose cells all pass a test, or None."""
    found = [c for c in columns if all(is_it(row[c]) for row in first)]
    return found[0] if len(found) == 1 else None


def _usual_levels(first: list[list[str]], column: int) -> int:
    """Returns how many grey levels most pictures have, if that is a square; otherwise FER2013's number."""
    counts = Counter(len(_written(row[column])) for row in first if column < len(row))
    usual = counts.most_common(1)[0][0] if counts else 0
    return usual if usual >= FEWEST and math.isqrt(usual) ** 2 == usual else SIZE * SIZE


def read_pixels(table: TableFile, form: Form, columns: Columns) -> Pixels:
    """Reads a table: 287 MB takes some seconds the first time; afterwards a cached copy is used.

    Raises:
        BadInputError: It is damaged, or most rows are.
    """
    state = table.path.stat()
    stamp = json.dumps([CACHE_FORM, state.st_size, state.st_mtime_ns, table.member])
    name = hashlib.sha256(str(table.path.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    member = hashlib.sha256(table.member.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    cache = own_folder("cache") / f"table-{name}-{member}.npz"
    # Opened here: np.load given a name leaves the file open when it is damaged.
    with contextlib.suppress(*DAMAGE), cache.open("rb") as file, np.load(file) as saved:
        if str(saved["stamp"]) == stamp:
            return _from_cache(saved)
    found = _parsed(table, form, columns)
    found.skipped.check(found.count, table, "rows")
    _keep(cache, stamp, found)
    return found


def _from_cache(saved) -> Pixels:
    about = json.loads(str(saved["about"]))
    skipped = Skipped()
    for reason, count, names in about["skipped"]:
        skipped.reasons[reason], skipped.names[reason] = count, names
    arrays = (saved[name] for name in ("pictures", "rows", "labels", "usages"))
    return Pixels(*arrays, tuple(about["words"]), tuple(about["uses"]), about["count"], skipped)


def _keep(cache: Path, stamp: str, found: Pixels) -> None:
    """Writes a cached copy, completely or not at all; without one the next reading just takes longer."""
    left_out = found.skipped
    skipped = [(reason, count, left_out.names[reason]) for reason, count in left_out.reasons.items()]
    about = {"words": found.words, "uses": found.uses, "count": found.count, "skipped": skipped}
    arrays = {name: getattr(found, name) for name in ("pictures", "rows", "labels", "usages")}
    with contextlib.suppress(OSError):
        cache.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        with replacing(cache, PRIVATE) as part:
            np.savez(part, stamp=stamp, about=json.dumps(about), **arrays)
        copies = sorted(cache.parent.glob("table-*.npz"), key=lambda path: path.stat().st_mtime)
        for old in copies[:-KEPT]:
            old.unlink()


def _parsed(table: TableFile, form: Form, columns: Columns) -> Pixels:
    """Parses a table row by row into one growing block of bytes, to save memory."""
    if columns.label is None:
        if len([name for name in form.header if meaning(name)]) > 1:
            raise BadInputError(
                f"{table} has a column for each label: {', '.join(form.header)}.",
                "Expected one column, such as emotion, with the label of each picture.",
                'In pandas: table["emotion"] = table[labels].idxmax(axis=1), with labels = the list of them.',
            )
        raise BadInputError(
            f"{table} has no column with labels, only {', '.join(form.header) or 'pixels'}.",
            "Expected a column such as emotion next to the pixels; the competition's test.csv lacks it.",
            "Use fer2013.csv or icml_face_data.csv, or put test_with_emotions.csv next to it.",
        )
    pixels, numbers, labels, usages = bytearray(), [], [], []
    words: dict[str, int] = {}
    uses: dict[str, int] = {}
    skipped, count = Skipped(), 0
    for lines, row in rows(table, form):
        number, count = count, count + 1
        try:
            label = _cell(row, columns.label)
            usage = "" if columns.usage is None else _cell(row, columns.usage)
            pixels += _picture(row, columns)
        except _BadRow as bad:
            skipped.add(f"line {lines[0]}{bad.detail}", bad.reason, len(lines))
            count = number + len(lines)
            continue
        numbers.append(number)
        labels.append(words.setdefault(label, len(words)))
        usages.append(uses.setdefault(usage, len(uses)))
    if not count:
        raise BadInputError(
            f"{table} has no rows.", "Expected one row per picture.", "Download the file again."
        )
    pictures = np.frombuffer(pixels, np.uint8).reshape(-1, SIZE, SIZE)
    arrays = (np.array(values, np.int64) for values in (numbers, labels, usages))
    return Pixels(pictures, *arrays, tuple(words), tuple(uses), count, skipped)


def _cell(row: list[str], column: int) -> str:
    """Returns the label or usage of a row."""
    word = row[column].strip().strip("'\"") if column < len(row) else ""
    if not word:
        raise _BadRow("with an empty label or usage")
    return printable(word, 40)


def _picture(row: list[str], columns: Columns) -> bytes:
    """Returns the picture of a row as 48 x 48 bytes."""
    places = columns.pixels if isinstance(columns.pixels, tuple) else (columns.pixels,)
    if places[-1] >= len(row):
        raise _BadRow("with too few columns", f" with {len(row)}")
    written = [row[place] for place in places] if len(places) > 1 else row[places[0]].split()
    try:
        picture = bytes(map(GREYS.__getitem__, written))
    except KeyError:
        picture = _levels(" ".join(written))
    if len(picture) != columns.levels:
        raise _BadRow(f"without {columns.levels:,} grey levels", f" with {len(picture):,}")
    if columns.levels == SIZE * SIZE:
        return picture
    side = math.isqrt(columns.levels)
    return resize(np.frombuffer(picture, np.uint8).reshape(side, side), SIZE, SIZE).tobytes()


def _written(text: str) -> list[str]:
    """Returns the numbers in a text, whatever separates them."""
    return [word for word in re.split(r"[\s,;|\[\]()]+", text) if word]


def _levels(text: str) -> bytes:
    """Returns grey levels written with decimals, as shares of white, or as a printed list."""
    if "..." in text:
        raise _BadRow("with pixels cut off by '...', as in a printed array")
    try:
        levels = np.array([float(word) for word in _written(text)])
    except ValueError as error:
        raise _BadRow("with a grey level that is not a number") from error
    if not np.isfinite(levels).all() or (len(levels) and (levels.min() < 0 or levels.max() > 255)):
        raise _BadRow("with a grey level that is not from 0 to 255")
    if len(levels) and levels.max() <= 1 and (levels % 1).any():
        levels = levels * 255
    return levels.round().astype(np.uint8).tobytes()
