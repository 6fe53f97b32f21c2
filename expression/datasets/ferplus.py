"""FER+: the votes of ten people on each picture of FER2013.

FER2013's own labels agree with the majority of these votes on 63% of the pictures. The votes
are easier to learn and closer to what people see, so the shipped network learns both.
`match_votes` finds the votes of each picture, `soft_labels` makes targets of them for training, and
`majority` and `over_half` the labels by which an evaluation counts.

Source: Barsoum et al., Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution, 2016, https://arxiv.org/abs/1608.01041

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import BadInputError, MissingFileError
from .archives import TableFile
from .text_tables import form_of, rows

COLUMNS = ("Neutral", "Happy", "Surprise", "Sad", "Angry", "Disgust", "Fear", "Contempt", "unknown", "NF")
"""The labels of the columns of votes, in FER+'s order; NF is "no face".

Source: https://github.com/microsoft/FERPlus
"""

CONTEMPT = "Contempt"
"""The label that FER+ has and FER2013 does not."""

UNCOUNTED = ("Fear", CONTEMPT)
"""Labels whose pictures FER+'s published code does not count, though its paper does.

The code subtracts two, for "unknown" and "no face", from a number of labels that already excludes them.
Source: https://github.com/microsoft/FERPlus, src/ferplus.py, load_folders
"""

NONE = -1
"""Index for pictures whose votes do not settle on a label."""

VOTES_FILE = "fer2013new.csv"
"""The name of FER+'s file."""

BLOCK = 200
"""Rows that are compared at a time, so that votes shifted by a row somewhere are detected."""

FEWEST = 50
"""Fewest rows for comparing labels with votes; fewer may disagree by chance."""

LEAST_KAPPA = 0.25
"""Agreement beyond chance (Cohen's kappa) below which labels and votes do not belong together.

In FER2013 it is 0.54, at least 0.46 in any 200 consecutive rows and 0.32 in any 50; with the votes
shuffled it is at most 0.09 and 0.23.
Source: J. Cohen, A Coefficient of Agreement for Nominal Scales, 1960, https://doi.org/10.1177/001316446002000104
"""


def match_votes(
    path: Path,
    pictures: np.ndarray,
    names: Sequence[str | None],
    places: np.ndarray,
    count: int,
    usages: Sequence[str] | None = None,
    prefer: str = "Training",
) -> tuple[np.ndarray | None, str]:
    """Returns the votes for pictures of FER2013, after checking that they belong to these pictures.

    Args:
        path: The file of votes.
        pictures: (n, 48, 48) uint8.
        names: The label of each picture, as named in COLUMNS; None for any other.
        places: (n,) int64, the row of each picture in its table.
        count: Number of rows in the table.
        usages: FER2013's name for the split of each picture, empty where it is not known; None if no
            row has one.
        prefer: The usage of the votes that is tried first if the table has no usages.

    Returns:
        The votes, (n, 10) uint8, and an empty string; or None and the reason why they cannot be used.

    Raises:
        BadInputError: The votes are damaged, belong to other pictures, or are in another order.
    """
    votes, said = read_votes(path)
    if usages is not None:
        if len(said) != count:
            raise _strange(f"{path} has {len(said)} rows, but FER2013 next to it has {count} pictures.")
        _check_usages(said, usages, path, places)
    else:
        chosen = _rows_for(said, count, prefer)
        if chosen is None:
            counts = ", ".join(f"{said.count(usage):,} {usage}" for usage in dict.fromkeys(said))
            return None, f"Votes not used: {path.name} has rows for {counts}, but the table has {count:,}."
        votes = votes[chosen]
    votes = votes[places]
    _check_agreement(votes, pictures, names, places, path)
    return votes, ""


def _rows_for(said: list[str], count: int, prefer: str) -> np.ndarray | None:
    """Returns the rows of votes that belong to a table without usages, judged by their number."""
    usages = np.array(said)
    others = usages != "Training"
    for chosen in (usages == prefer, others, usages == "PrivateTest", usages == "PublicTest", usages != ""):
        if chosen.sum() == count:
            return np.flatnonzero(chosen)
    return None


def read_votes(path: Path) -> tuple[np.ndarray, list[str]]:
    """Reads `fer2013new.csv`.

    Returns:
        (n, 10) uint8, votes for each of COLUMNS, in the order of FER2013's rows, and the usage of each
        row. Rows without a picture name, which FER+ leaves out, have no votes.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is another file, or damaged.
    """
    if not path.is_file():
        raise MissingFileError(
            f"{path} was not found.",
            "Expected fer2013new.csv with the votes of FER+.",
            "Check the path, or download it from https://github.com/microsoft/FERPlus.",
        )
    table, votes, said = TableFile(path), bytearray(), []
    form, line = form_of(table), 1
    try:
        if form.header[-2:] != ("unknown", "nf"):
            raise ValueError("columns")
        for lines, row in rows(table, form):
            line = lines[0]
            counts = bytes(map(int, row[2:]))  # refuses what is not 0 to 255
            if len(counts) != len(COLUMNS):
                raise ValueError("counts")
            votes += counts if row[1].strip() else bytes(len(COLUMNS))
            said.append(row[0].strip())
    except (ValueError, IndexError, OverflowError) as error:
        raise BadInputError(
            f"Line {line} of {path} is not a valid row of FER+ votes.",
            "Expected Usage, Image name and ten columns of votes, ending with unknown and NF.",
            "Download the file again, or choose another.",
        ) from error
    return np.frombuffer(votes, np.uint8).reshape(-1, len(COLUMNS)), said


def _check_usages(said: Sequence[str], usages: Sequence[str], path: Path, places: Sequence[int]) -> None:
    """Raises a BadInputError unless the votes have the same usages as the rows of the pictures."""
    for row, usage in zip(places, usages, strict=True):
        if usage and said[row] != usage:
            raise _strange(f"{path} has {said[row]!r} in row {row}, but FER2013 next to it has {usage!r}.")


def _check_agreement(
    votes: np.ndarray, pictures: np.ndarray, names: Sequence[str | None], places: np.ndarray, path: Path
) -> None:
    """Raises a BadInputError if the votes cannot be about these pictures because the order differs.

    FER+ left out blank pictures, so votes for one belong elsewhere; and votes agree with labels far more
    often than by chance.
    """
    voted = votes.any(1)
    blank = np.ptp(pictures, axis=(1, 2)) == 0 if len(pictures) else voted
    astray = np.flatnonzero(voted & blank & (votes.argmax(1) != COLUMNS.index("NF")))
    if len(astray):
        raise _strange(f"{path} has votes for row {places[astray[0]]}, whose picture is blank.")
    given = np.array([COLUMNS.index(name) if name in COLUMNS else NONE for name in names], np.int64)
    known = np.flatnonzero(voted & (given != NONE))
    most, given = votes.argmax(1)[known], given[known]
    blocks = [(begin, begin + BLOCK) for begin in range(0, len(known) - BLOCK + 1, BLOCK)]
    for begin, end in [(0, len(known)), *blocks]:
        kappa = _kappa(given[begin:end], most[begin:end])
        if kappa is not None and kappa < LEAST_KAPPA:
            share = (given[begin:end] == most[begin:end]).mean()
            where = f"in rows {places[known[begin]]} to {places[known[end - 1]]}"
            raise _strange(
                f"{path} does not match the pictures: {where}, only {share:.0%} of the labels agree with the "
                "majority vote, compared with 63% in FER2013."
            )


def _kappa(first: np.ndarray, second: np.ndarray) -> float | None:
    """Returns the agreement of two sets of labels beyond chance; None if there are too few to tell."""
    if len(first) < FEWEST or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    shares = [np.bincount(values, minlength=len(COLUMNS)) / len(values) for values in (first, second)]
    chance = float(shares[0] @ shares[1])
    return float(((first == second).mean() - chance) / (1 - chance))


def _strange(happened: str) -> BadInputError:
    return BadInputError(
        happened,
        "Expected one row per picture, in the same order.",
        "Download both again, or move the votes to another folder.",
    )


def soft_labels(votes: np.ndarray, labels: tuple[str, ...] | list[str]) -> np.ndarray:
    """Returns each label's share of the votes, as training targets.

    A single vote is treated as a slip and dropped, as in FER+. Votes for contempt and for
    "unknown" are left out, as there is no such label here. A picture that most people call
    "no face", or that has no votes left, gets a row of zeros.

    Args:
        votes: (n, 10), the columns of COLUMNS.
        labels: The labels among which to share; names in COLUMNS.

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
    """Returns the label of each picture by FER+'s official protocol, as in its own evaluation.

    Single votes are dropped; the label is the one with more than half of the remaining votes.
    Eight labels count, including contempt; a picture without such a majority, or whose majority
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
    """Returns the label with more than half of all votes: the softer protocol, with fewer doubtful pictures.

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
