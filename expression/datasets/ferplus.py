"""FER+: what ten people say about each picture of FER2013.

FER2013's own labels agree with the majority of these votes on 63% of the pictures. Votes
are cheaper to learn and closer to what people see, so the shipped network learns both.
`fer2013.py` reads them, `training.py` learns from `soft_labels`, `evaluation.py` counts by
`majority` and `over_half`.

Source: Barsoum et al., Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution, 2016, https://arxiv.org/abs/1608.01041

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import BadInputError, MissingFileError

COLUMNS = ("Neutral", "Happy", "Surprise", "Sad", "Angry", "Disgust", "Fear", "Contempt", "unknown", "NF")
"""What the columns of votes stand for, in FER+'s order; NF is "no face".

Source: https://github.com/microsoft/FERPlus
"""

UNCOUNTED = ("Fear", "Contempt")
"""Labels whose pictures FER+'s published code leaves out of its count; its paper does not.

The code takes off two, for "unknown" and "no face", from a number of labels that is without those already.
Source: https://github.com/microsoft/FERPlus, src/ferplus.py, load_folders
"""

NONE = -1
"""Stands where the votes name no label."""


def read_votes(path: str | Path, usages: Sequence[str] | None = None) -> np.ndarray:
    """Reads `fer2013new.csv`.

    Args:
        path: The file.
        usages: What FER2013 calls the split of each of its rows; the votes must say the same.

    Returns:
        (n, 10) uint8, votes for each of COLUMNS, in the order of FER2013's rows. Rows without
        a picture name, which FER+ leaves out, have no votes.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is another file, damaged, or does not fit the usages.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"There are no votes at {path}.",
            "Expected fer2013new.csv of FER+.",
            "Check the name, or fetch it from https://github.com/microsoft/FERPlus.",
        )
    votes, said = bytearray(), []
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            if [name.strip().casefold() for name in next(rows)[-2:]] != ["unknown", "nf"]:
                raise ValueError("columns")
            for row in rows:
                line = rows.line_num
                counts = bytes(map(int, row[2:]))  # refuses what is not 0 to 255
                if len(counts) != len(COLUMNS):
                    raise ValueError("counts")
                votes += counts if row[1].strip() else bytes(len(COLUMNS))
                said.append(row[0].strip())
    except (ValueError, IndexError, StopIteration, OverflowError, csv.Error) as error:
        raise BadInputError(
            f"{path} is not readable as FER+ at line {line}.",
            "Expected Usage, Image name and ten columns of votes, the last two unknown and NF.",
            "Fetch the file again, or name another.",
        ) from error
    if usages is not None:
        _check(said, usages, path)
    return np.frombuffer(votes, np.uint8).reshape(-1, len(COLUMNS))


def _check(said: Sequence[str], usages: Sequence[str], path: Path) -> None:
    """Raises a BadInputError unless the votes belong to FER2013's rows, one to one."""
    if len(said) != len(usages):
        happened = f"{path} has {len(said)} rows, and FER2013 beside it {len(usages)} pictures."
    else:
        differing = (row for row in range(len(said)) if said[row] != usages[row])
        row = next(differing, None)
        if row is None:
            return
        happened = f"{path} calls row {row} {said[row]!r}, and FER2013 beside it {usages[row]!r}."
    raise BadInputError(
        happened,
        "Expected a row for each picture, in the same order.",
        "Fetch both again, or move the votes elsewhere.",
    )


def soft_labels(votes: np.ndarray, labels: tuple[str, ...] | list[str]) -> np.ndarray:
    """Returns the share of the votes for each label, to learn from.

    A single vote is taken for a slip and dropped, as FER+ does. Votes for contempt and for
    "unknown" are left out: there is no such label here. A picture that most people call
    no face, or that has no votes left, gets a row of zeros.

    Args:
        votes: (n, 10), the columns of COLUMNS.
        labels: The labels to share among; names of COLUMNS.

    Returns:
        (n, len(labels)) float32; each row sums to 1, or to 0.

    Example:
        >>> votes = np.array([[4, 0, 0, 4, 1, 0, 0, 0, 1, 0]])
        >>> soft_labels(votes, ["Sad", "Neutral", "Angry"])
        array([[0.5, 0.5, 0. ]], dtype=float32)
    """
    kept = _without_slips(votes)
    kept[kept.argmax(1) == COLUMNS.index("NF")] = 0
    chosen = kept[:, [COLUMNS.index(label) for label in labels]].astype(np.float32)
    return chosen / np.maximum(chosen.sum(1, keepdims=True), 1)


def majority(votes: np.ndarray) -> np.ndarray:
    """Returns the label that FER+'s own evaluation holds a picture to: its official protocol.

    Single votes are dropped; what then has more than half of the votes left is the label.
    Eight labels count, contempt among them; a picture without such a majority, or whose majority
    is "unknown" or "no face", is not counted.

    Args:
        votes: (n, 10), the columns of COLUMNS.

    Returns:
        (n,) int64, an index of COLUMNS below 8, or NONE.

    Example:
        >>> [COLUMNS[i] for i in majority(np.array([[0, 4, 2, 1, 1, 1, 1, 0, 0, 0]]))]
        ['Happy']
    """
    return _winner(_without_slips(votes))


def over_half(votes: np.ndarray) -> np.ndarray:
    """Returns the label that more than half of all votes name: the softer protocol, with fewer doubts.

    Args:
        votes: (n, 10), the columns of COLUMNS.

    Returns:
        (n,) int64, an index of COLUMNS below 8, or NONE.
    """
    return _winner(votes)


def _without_slips(votes: np.ndarray) -> np.ndarray:
    return np.where(votes > 1, votes, 0)


def _winner(votes: np.ndarray) -> np.ndarray:
    best = votes.argmax(1)
    clear = (2 * votes.max(1).astype(int) > votes.sum(1)) & (best < COLUMNS.index("unknown"))
    return np.where(clear, best, NONE)
