"""Extraction: the faces of one label from a recording, as pictures, chosen by the rows of an analysis.

`expression extract` calls `extract`.

Notebook: 10_video
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, did_you_mean
from ..files import PRIVATE_FOLDER, as_output_error
from ..labels import folded_label
from ..pictures.image import crop, square, write_picture
from ..pictures.skipped import Skipped
from ..sanitize import counted
from ..types import Reading
from .known_people import Recognised, recognise, shows
from .known_pictures import Person
from .own_rows import own_rows
from .recordings import Advance, other_recording, picked

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
        recognised: In which of them the person is whose faces were asked for; None if nobody's were.
    """

    pictures: list[Path] = field(default_factory=list)
    people: Counter[int] = field(default_factory=Counter)
    rows: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    recognised: Recognised | None = None


def extract(
    video: Path,
    rows: Path,
    wanted: Wanted,
    out: Path,
    person: Person | None = None,
    advance: Advance | None = None,
) -> Extracted:
    """Writes the faces of one label as pictures, and a contact sheet of them.

    Args:
        video: The recording that was analysed.
        rows: The rows of its analysis.
        wanted: Which faces.
        out: The folder for frame000123-person1.png and the like; created if necessary.
        person: Whose faces; None for everybody's.
        advance: Called after each frame that is read, with its number and that of the last one.

    Raises:
        MissingFileError: A file does not exist.
        BadInputError: The rows are something else, of another recording or without such a label, or no face
            is left to extract.
        OutputError: A picture cannot be written.
    """
    made = Extracted()
    readings, made.rows, labels = own_rows(rows, video, made.skipped, scores=False)
    wanted = replace(wanted, label=_spelled(wanted.label, labels, rows))
    if person is not None:
        made.recognised = recognise(video, readings, person, wanted.repeat, advance)
        _check_recognised(made.recognised, person, wanted.repeat, rows)
    chosen: dict[int, list[Reading]] = {}
    for reading in choose(readings, wanted, made.recognised and made.recognised.rows):
        chosen.setdefault(reading.frame, []).append(reading)
    if not chosen:
        of = f"{person.name} with {wanted.label}" if person else wanted.label
        raise BadInputError(
            f"{rows} has no face of {of} that is held for {wanted.repeat} rows.",
            f"Expected some with a score of {wanted.score:g} or more{' and nobody else' * wanted.alone}.",
            "Choose a lower --repeat or --score, or another label.",
        )
    _write(video, chosen, wanted, out, made, advance)
    return made


def choose(
    readings: Iterable[Reading], wanted: Wanted, mine: Sequence[bool] | None = None
) -> Iterator[Reading]:
    """Yields the readings to extract.

    Args:
        readings: Those of a recording, in order.
        wanted: Which of them.
        mine: Whether each reading is of the person whose faces are wanted; None for everybody.

    Example:
        >>> from expression.types import Box
        >>> readings = [Reading(1, Box(0, 0, 9, 9), "Sad", 0.5 + n / 10, {}, n) for n in range(4)]
        >>> [reading.frame for reading in choose(readings, Wanted("Sad", repeat=2))]
        [1, 3]
    """
    readings = list(readings)
    faces = Counter(reading.frame for reading in readings)
    held: dict[int, list[Reading]] = {}
    for index, reading in enumerate(readings):
        run = held.setdefault(reading.person, [])
        good = reading.label == wanted.label and reading.score >= wanted.score
        good = good and (mine is None or mine[index])
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


def _spelled(label: str, labels: list[str], rows: Path) -> str:
    """Returns a label as the rows spell it."""
    found = {folded_label(each): each for each in labels}.get(folded_label(label))
    if found is None:
        raise BadInputError(
            f"{rows} has no label {label!r} for this recording.",
            f"Expected one of {', '.join(labels) or 'its labels, but no row is of this recording'}.",
            did_you_mean(label, labels, "Choose one of these, or the recording that was analysed."),
        )
    return found


def _check_recognised(recognised: Recognised, person: Person, repeat: int, rows: Path) -> None:
    """Raises a BadInputError if nobody was recognised."""
    if recognised.people:
        return
    if not recognised.others:
        raise BadInputError(
            f"Nobody in {rows} can be compared with {person.name}.",
            f"Expected faces of {person.describer.smallest} pixels or more in the picture, in {repeat} rows.",
            "Choose a lower --repeat, or a recording with larger faces.",
        )
    pictures = counted(len(person.own), "picture")
    raise BadInputError(
        f"Nobody in {rows} was recognised as {person.name}, of {len(recognised.others)} who were compared.",
        f"Expected somebody who looks like {person.name} in {pictures}.",
        f"Add pictures of {person.name} in other light and from other sides.",
    )


def _write(
    video: Path,
    chosen: dict[int, list[Reading]],
    wanted: Wanted,
    out: Path,
    made: Extracted,
    advance: Advance | None,
) -> None:
    """Writes the chosen faces, by frame, and the contact sheet."""
    thumbnails: list[np.ndarray] = []
    for frame in picked(video, chosen, advance):
        for reading in chosen[frame.number]:
            if not shows(frame.image, reading.box):
                made.skipped.add(f"frame {frame.number}", "outside the picture")
                continue
            with as_output_error(out):
                out.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            face = crop(frame.image, square(reading.box, wanted.margin))
            path = out / f"frame{frame.number:06}-person{reading.person}.png"
            write_picture(path, face)
            made.pictures.append(path)
            made.people[reading.person] += 1
            thumbnails.append(cv2.resize(face, (CELL, CELL), interpolation=cv2.INTER_AREA))
    if not thumbnails:
        raise other_recording(video)
    write_picture(out / SHEET, contact_sheet(thumbnails))
