"""Extraction: the faces of one label from a recording, as pictures, chosen by the rows of an analysis.

`expression extract` calls `extract`.

Notebook: 10_video
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, did_you_mean
from ..files import PRIVATE_FOLDER, as_output_error
from ..labels import folded_label
from ..pictures.image import crop, square, write_picture
from ..pictures.skipped import Skipped
from ..types import Reading
from .own_rows import own_rows
from .recordings import Recording

SHEET, COLUMNS, CELL, MOST = "sheet.jpg", 8, 120, 96
"""The contact sheet: its name, pictures in a row, pixels of each, and how many it shows at most."""


@dataclass(frozen=True)
class Wanted:
    """Which faces are extracted.

    Attributes:
        label: The label.
        repeat: It has to be held for this many rows of a person in a row; of each so many, the one with the
            highest score is taken.
        score: Its lowest score, 0 to 1.
        alone: Only frames with exactly one face.
        margin: Side of the picture as a multiple of the box's longer side.
    """

    label: str
    repeat: int = 8
    score: float = 0.0
    alone: bool = False
    margin: float = 1.3


@dataclass
class Extracted:
    """What was extracted.

    Attributes:
        pictures: The files written, in the order of the recording.
        people: How many pictures each person has.
        rows: Number of rows in the file.
        skipped: Those that could not be used.
    """

    pictures: list[Path] = field(default_factory=list)
    people: Counter[int] = field(default_factory=Counter)
    rows: int = 0
    skipped: Skipped = field(default_factory=Skipped)


def extract(video: Path, rows: Path, wanted: Wanted, out: Path) -> Extracted:
    """Writes the faces of one label as pictures, and a contact sheet of them.

    Args:
        video: The recording that was analysed.
        rows: The rows of its analysis.
        wanted: Which faces.
        out: The folder for frame000123-person1.png and the like; created if necessary.

    Raises:
        MissingFileError: A file does not exist.
        BadInputError: The rows are something else or have no such label, or no face is left to extract.
        OutputError: A picture cannot be written.
    """
    made = Extracted()
    readings, made.rows = own_rows(rows, video, made.skipped)
    wanted = _named(wanted, readings, rows)
    chosen: dict[int, list[Reading]] = {}
    for reading in choose(readings, wanted):
        chosen.setdefault(reading.frame, []).append(reading)
    if not chosen:
        raise BadInputError(
            f"{rows} has no face of {wanted.label} that is held for {wanted.repeat} rows.",
            f"Expected some with a score of {wanted.score:g} or more{' and nobody else' * wanted.alone}.",
            "Choose a lower --repeat or --score, or another label.",
        )
    with as_output_error(out):
        out.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    thumbnails = []
    for number, image in _frames(video, set(chosen)):
        for reading in chosen[number]:
            face = crop(image, square(reading.box, wanted.margin))
            path = out / f"frame{number:06}-person{reading.person}.png"
            write_picture(path, face)
            made.pictures.append(path)
            made.people[reading.person] += 1
            thumbnails.append(cv2.resize(face, (CELL, CELL), interpolation=cv2.INTER_AREA))
    if thumbnails:
        write_picture(out / SHEET, contact_sheet(thumbnails))
    return made


def choose(readings: Iterable[Reading], wanted: Wanted) -> Iterator[Reading]:
    """Yields the readings to extract.

    Args:
        readings: Those of a recording, in order.
        wanted: Which of them.

    Example:
        >>> from expression.types import Box
        >>> readings = [Reading(1, Box(0, 0, 9, 9), "Sad", 0.5 + n / 10, {}, n) for n in range(4)]
        >>> [reading.frame for reading in choose(readings, Wanted("Sad", repeat=2))]
        [1, 3]
    """
    readings = list(readings)
    faces = Counter(reading.frame for reading in readings)
    held: dict[int, list[Reading]] = {}
    for reading in readings:
        run = held.setdefault(reading.person, [])
        good = reading.label == wanted.label and reading.score >= wanted.score
        if not good or (wanted.alone and faces[reading.frame] > 1):
            run.clear()
            continue
        run.append(reading)
        if len(run) == wanted.repeat:
            yield max(run, key=lambda each: each.score)
            run.clear()


def contact_sheet(pictures: list[np.ndarray]) -> np.ndarray:
    """Returns pictures side by side, evenly chosen if there are too many.

    Args:
        pictures: Each (CELL, CELL, 3) uint8, RGB.
    """
    chosen = [
        pictures[index] for index in np.unique(np.linspace(0, len(pictures) - 1, MOST).round().astype(int))
    ]
    wide = min(COLUMNS, len(chosen))
    chosen += [np.full((CELL, CELL, 3), 255, np.uint8)] * (-len(chosen) % wide)
    return np.vstack([np.hstack(chosen[first : first + wide]) for first in range(0, len(chosen), wide)])


def _named(wanted: Wanted, readings: list[Reading], rows: Path) -> Wanted:
    """Returns what is wanted with the label as the rows spell it."""
    labels = list(readings[0].scores) if readings else []
    spelled = {folded_label(label): label for label in labels}
    found = spelled.get(folded_label(wanted.label))
    if found is None:
        raise BadInputError(
            f"{rows} has no label {wanted.label!r} for this recording.",
            f"Expected one of {', '.join(labels) or 'its labels, but no row is of this recording'}.",
            did_you_mean(wanted.label, labels, "Choose one of these, or the recording that was analysed."),
        )
    return Wanted(found, wanted.repeat, wanted.score, wanted.alone, wanted.margin)


def _frames(video: Path, wanted: set[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the frames with these numbers, and stops after the last one."""
    recording, last = Recording(video), max(wanted)
    recording.open()
    try:
        for frame in recording.frames():
            if frame.number in wanted:
                yield frame.number, frame.image
            if frame.number >= last:
                return
    finally:
        recording.close()
