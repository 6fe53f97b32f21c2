"""Labels: names of expressions and their order, read from `labelList.csv`.

This is the only place that defines an order of labels; everything else asks a `Labels`.
Training, the runtime, the labeler and the sinks use it.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import colorsys
import functools
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .errors import BadInputError, MissingFileError, did_you_mean
from .files import MOST_BYTES, write_text
from .sanitize import JOINING, is_printable, printable
from .tables import read_cells, write_cells

NOT_SURE = "not sure"
"""The label of a reading when no score reaches the threshold."""

AS_READ = "as read"
"""The choice that means no override."""

NOBODY = "nobody"
"""The mood when nobody is there."""

RESERVED = {NOT_SURE, AS_READ, NOBODY, "no face"}
"""Words that are used like labels but mean something else, in lower case."""

FORMULA = re.compile(r"=|[+\-@＝＋－＠](?!\d*\Z)")
"""The start of a label that a spreadsheet would run; a number, or a sign alone, is harmless."""

LONGEST, MOST = 100, 1000
"""Most characters of a label, and most labels of a list."""


class Labels(Sequence[str]):
    """An ordered set of at least two labels.

    Args:
        names: The labels; the position of each is its index. Each is stored as `clean_label` returns it.

    Raises:
        BadInputError: Fewer than two labels, one twice, or one that `clean_label` refuses.

    Example:
        >>> labels = Labels(["Happy", "Sad"])
        >>> labels.index("Sad"), labels[0], len(labels)
        (1, 'Happy', 2)
    """

    def __init__(self, names: Iterable[str]):
        self._names = tuple(map(clean_label, names))
        _check(self._names)
        self._folded = {folded_label(name): name for name in self._names}

    def __getitem__(self, index):
        return self._names[index]

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __eq__(self, other) -> bool:
        return isinstance(other, Labels) and self._names == other._names

    def __hash__(self) -> int:
        return hash(self._names)

    def __repr__(self) -> str:
        return f"Labels({list(self._names)!r})"

    def index(self, label: str, *_) -> int:
        """Returns the index of a label, found without regard to case and Unicode form.

        Raises:
            BadInputError: The label is not among these; choose one of those named.
        """
        found = self.find(label)
        if found is not None:
            return self._names.index(found)
        raise BadInputError(
            f"There is no label {label!r}.",
            f"Expected one of {', '.join(self._names)}.",
            did_you_mean(label, self._names, "Check the spelling, or add it to labelList.csv."),
        )

    def find(self, label: str) -> str | None:
        """Returns a label as it is spelled here, found without regard to case and Unicode form, or None.

        Example:
            >>> Labels(["Happy", "Sad"]).find("happy")
            'Happy'
        """
        return self._folded.get(folded_label(label))

    @classmethod
    def read(cls, path: str | Path) -> Labels:
        """Reads `index,label` rows, or a label per row; a header and other separators are accepted.

        A label that is listed in two Unicode forms counts once.

        Raises:
            MissingFileError: There is no such file.
            BadInputError: It is not text, a row has no whole number first, the numbers have a gap, or a
                label is not usable.
        """
        names = numbered_labels(path)
        try:
            return cls(dict.fromkeys(map(clean_label, names)) if len(set(names)) == len(names) else names)
        except BadInputError as error:
            raise BadInputError(f"{path}: {error.happened}", error.expected, error.remedy) from error

    def write(self, path: str | Path) -> None:
        """Writes the labels as `index,label` rows without a header."""
        write_text(Path(path), write_cells(enumerate(self._names)))


def clean_label(name: object) -> str:
    """Returns a label as it is stored: in Unicode's composed form (NFC), without spaces around it.

    Raises:
        BadInputError: It is empty, too long, has characters that cannot be printed, begins like a formula,
            or is a reserved word; the message says which.

    Example:
        >>> clean_label(" Glu\u0308cklich") == "Gl\u00fccklich"
        True
    """
    label = unicodedata.normalize("NFC", str(name)).strip()
    faults = {
        "is empty": not label,
        f"has {len(label):,} characters": len(label) > LONGEST,
        "has characters that cannot be printed": not is_printable(label),
        f"begins with {label[:1]}, like a formula": FORMULA.match(label),
        "is a reserved word": folded_label(label) in RESERVED,
    }
    if wrong := next((fault for fault, found in faults.items() if found), ""):
        raise BadInputError(
            f"The label '{printable(label)}' {wrong}.",
            f"Expected 1 to {LONGEST} printable characters, but not one of: {', '.join(sorted(RESERVED))}.",
            "Choose another name for the label.",
        )
    return label


@functools.lru_cache(maxsize=4096)
def folded_label(name: str) -> str:
    """Returns a form that is equal for labels that look the same, whatever their case.

    Example:
        >>> folded_label("Gl\u00fccklich") == folded_label(" GLU\u0308CKLICH ")
        True
    """
    plain = unicodedata.normalize("NFC", name).translate(dict.fromkeys(map(ord, JOINING)))
    return unicodedata.normalize("NFC", " ".join(plain.split()).casefold())


def hashed_colour(label: str, saturation: float, value: float) -> tuple[int, int, int]:
    """Returns the RGB of a label without a colour of its own; its hue is always the same."""
    hue = zlib.crc32(folded_label(label).encode()) % 360 / 360
    return tuple(round(part * 255) for part in colorsys.hsv_to_rgb(hue, saturation, value))


def numbered_labels(path: str | Path) -> list[str]:
    """Returns the names that `index,label` rows list, as written, in the order of their numbers.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is not text, a row has no whole number first, or the numbers have a gap.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"There is no file {path}.",
            "Expected a file with rows of index,label, such as 0,Angry.",
            "Create one, or use the labelList.csv that comes with the project.",
        )
    rows = read_cells(path, "Expected rows of index,label.", MOST_BYTES).lines
    if not any(any(row[1:]) or _is_index(row[0]) for row in rows):
        words = {"label", "labels", "emotion", "name"}
        return [row[0] for row in rows if row is not rows[0] or row[0].casefold() not in words]
    if rows and not any(map(_is_index, rows[0])):
        rows = rows[1:]
    swapped = bool(rows) and not any(_is_index(row[0]) for row in rows)
    return _in_order([row[:2][:: -1 if swapped else 1] for row in rows], path)


def _is_index(cell: str) -> bool:
    """Whether a cell is a whole number with few digits; some programs write 1.0 for 1."""
    whole = re.sub(r"\.0+$", "", cell)
    return whole.isdecimal() and len(whole) < 7


def _in_order(rows: list[list[str]], path: Path) -> list[str]:
    """Returns the names of `index,label` rows, sorted by index."""
    names = {}
    for row in rows:
        index = int(row[0].split(".")[0]) if len(row) > 1 and _is_index(row[0]) else None
        if index is None or index in names:
            raise BadInputError(
                f"{path} has the row {printable(','.join(row))!r}.",
                "Expected index,label with each index once, such as 3,Happy.",
                "Correct that row.",
            )
        names[index] = row[1]
    if sorted(names) != list(range(len(names))):
        raise BadInputError(
            f"{path} has the indexes {printable(sorted(names))}.",
            "Expected 0, 1, 2 ... without a gap.",
            "Number the rows from 0. If faceLabels.csv has numbers for labels, change those in the same way.",
        )
    return [names[index] for index in sorted(names)]


def _check(names: tuple[str, ...]) -> None:
    """Raises a BadInputError unless the names make a usable set of labels."""
    if not 2 <= len(names) <= MOST or len(set(map(folded_label, names))) < len(names):
        raise BadInputError(
            f"The labels are {printable(list(names))}.",
            f"Expected 2 to {MOST:,} labels, all different.",
            "Correct labelList.csv.",
        )


FER2013 = Labels(["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"])
"""The labels of FER2013 in the order of its csv file.

Source: Goodfellow et al., Challenges in Representation Learning, 2013, https://arxiv.org/abs/1307.0414
"""

LIST, OLDER_LIST = "labelList.csv", "labelConfig.csv"
"""The name of the list in a folder, and the one that an older labeler uses for the same rows.

Source: https://github.com/ablacklama/FaceLabeler
"""


def is_label_list(name: str) -> bool:
    """Returns whether a file is a list of labels by its name, whatever its case."""
    return name.casefold() in (LIST.casefold(), OLDER_LIST.casefold())


def label_list(folder: Path) -> Path | None:
    """Returns the list in a folder, if there is one, whatever the case of its name."""
    exact = [folder / name for name in (LIST, OLDER_LIST)]
    wanted = {path.name.casefold() for path in exact}
    others = (path for path in sorted(folder.glob("*.[cC][sS][vV]")) if path.name.casefold() in wanted)
    return next((path for path in (*exact, *others) if path.is_file()), None)


def listed_labels(folder: Path) -> Labels:
    """Returns the labels that a folder lists, or FER2013's if it has no list.

    Raises:
        BadInputError: The list is damaged.
    """
    found = label_list(folder)
    return Labels.read(found) if found else FER2013


def names_in(path: Path | None) -> list[str]:
    """Returns the names in a list of labels, as written; FER2013's for None."""
    return numbered_labels(path) if path else list(FER2013)
