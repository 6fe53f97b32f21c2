"""Labels: names of expressions and their order, read from `labelList.csv`.

This is the only place that knows an order of labels; everything else asks a `Labels`.
Training, the runtime, the labeler and the sinks use it.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .errors import BadInputError, MissingFileError, did_you_mean

NOT_SURE = "not sure"
"""What a reading says in place of a label when no score reaches the threshold."""


class Labels(Sequence[str]):
    """An ordered set of at least two labels.

    Args:
        names: The labels; the position of each is its index.

    Raises:
        BadInputError: Fewer than two labels, an empty one, or one twice.

    Example:
        >>> labels = Labels(["Happy", "Sad"])
        >>> labels.index("Sad"), labels[0], len(labels)
        (1, 'Happy', 2)
    """

    def __init__(self, names: Iterable[str]):
        self._names = tuple(str(name).strip() for name in names)
        _check(self._names)

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
        """Returns the index of a label, found without regard to case.

        Raises:
            BadInputError: The label is not among these; choose one of those named.
        """
        wanted = label.strip().casefold()
        for index, name in enumerate(self._names):
            if name.casefold() == wanted:
                return index
        raise BadInputError(
            f"There is no label {label!r}.",
            f"Expected one of {', '.join(self._names)}.",
            did_you_mean(label, self._names, "Check the spelling, or add it to labelList.csv."),
        )

    @classmethod
    def read(cls, path: str | Path) -> Labels:
        """Reads `index,label` rows; a header line is accepted.

        Raises:
            MissingFileError: There is no such file.
            BadInputError: It is no text, a row has no whole number first, or the numbers have a gap.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(
                f"There is no file {path}.",
                "Expected a file of rows index,label such as 0,Angry.",
                "Write one, or take the labelList.csv that comes with the project.",
            )
        rows = _rows(path)
        if rows and not rows[0][0].strip().isdecimal():
            rows = rows[1:]
        return cls(_in_order(rows, path))

    def write(self, path: str | Path) -> None:
        """Writes the labels as `index,label` rows without a header."""
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(enumerate(self._names))


def _rows(path: Path) -> list[list[str]]:
    """Returns the rows of a CSV file that are not blank."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(
            f"{path} is not a text file ({error}).",
            "Expected rows index,label in UTF-8.",
            "Save it again as CSV in UTF-8.",
        ) from error


def _in_order(rows: list[list[str]], path: Path) -> list[str]:
    """Returns the names of `index,label` rows, sorted by index."""
    names = {}
    for row in rows:
        if len(row) < 2 or not row[0].strip().isdecimal() or int(row[0]) in names:
            raise BadInputError(
                f"{path} has the row {','.join(row)!r}.",
                "Expected index,label with each index once, such as 3,Happy.",
                "Mend that row.",
            )
        names[int(row[0])] = row[1]
    if sorted(names) != list(range(len(names))):
        raise BadInputError(
            f"{path} has the indexes {sorted(names)}.",
            "Expected 0, 1, 2 ... without a gap.",
            "Number the rows again from 0.",
        )
    return [names[index] for index in sorted(names)]


def _check(names: tuple[str, ...]) -> None:
    """Raises a BadInputError unless the names make a usable set of labels."""
    folded = [name.casefold() for name in names]
    if len(names) < 2 or "" in folded or len(set(folded)) < len(folded):
        raise BadInputError(
            f"The labels are {list(names)}.",
            "Expected two or more, none of them empty, none of them twice.",
            "Mend labelList.csv.",
        )


FER2013 = Labels(["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"])
"""The labels of FER2013 in the order of its csv file.

Source: Goodfellow et al., Challenges in Representation Learning, 2013, https://arxiv.org/abs/1307.0414
"""

LIST, OLDER_LIST = "labelList.csv", "labelConfig.csv"
"""The list in a folder, and what an older labeler calls it, which has the same rows.

Source: https://github.com/ablacklama/FaceLabeler
"""


def listed_labels(folder: Path) -> Labels:
    """Returns the labels that a folder lists, FER2013's where it lists none.

    Raises:
        BadInputError: The list is damaged.
    """
    found = next((folder / name for name in (LIST, OLDER_LIST) if (folder / name).is_file()), None)
    return Labels.read(found) if found else FER2013
