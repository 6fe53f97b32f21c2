"""Extraction: the faces of one label from a recording, as pictures, chosen by the rows of an analysis.

`expression extract` calls `extract`.

Notebook: 13_video
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, did_you_mean
from ..files import PRIVATE_FOLDER, as_output_error
from ..labels import folded_label
from ..pictures.image import crop, is_picture, square, write_picture
from ..pictures.skipped import Skipped
from ..sanitize import counted
from ..types import Frame, Reading
from ..vision.detectors import Detector
from .known_people import Recognised, recognise, shows
from .known_pictures import Person
from .recording_rows import recording_rows
from .recordings import Advance, check_is_same, fault, picked
from .second_look import SecondLook

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
        second_look: How many of the first pictures show no face.
    """

    pictures: list[Path] = field(default_factory=list)
    people: Counter[int] = field(default_factory=Counter)
    rows: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    recognised: Recognised | None = None
    second_look: SecondLook = field(default_factory=lambda: SecondLook(None))


def extract(
    video: Path,
    rows: Path,
    wanted: Wanted,
    out: Path,
    person: Person | None = None,
    advance: Advance | None = None,
    detector: Detector | None = None,
) -> Extracted:
    """Writes the faces of one label as pictures, and a contact sheet of them.

    Args:
        video: The recording that was analysed.
        rows: The rows of its analysis.
        wanted: Which faces.
        out: The folder for frame000123-person1.png and the like; created if necessary. Pictures of the same
            names are replaced; it must have no others.
        person: Whose faces; None for everybody's.
        advance: Called after each frame that is read, to show progress; for a person, all are read twice.
        detector: Looks for faces again, to notice rows of another recording; None to trust the rows.

    Raises:
        MissingFileError: A file does not exist.
        BadInputError: The rows are something else, of another recording or without such a label, no face is
            left to extract, or the folder has other pictures.
        OutputError: A picture cannot be written.
    """
    made = Extracted(second_look=SecondLook(detector))
    readings, made.rows, labels = recording_rows(rows, video, made.skipped, scores=False)
    wanted = replace(wanted, label=_spelled(wanted.label, labels, rows))
    _check_pictures(out, readings)
    if person is not None:
        made.recognised = recognise(video, readings, person, wanted.repeat, advance)
        _check_recognised(made.recognised, person, wanted.repeat, rows)
    mine = made.recognised.rows if made.recognised else None
    chosen = list(choose(readings, wanted, mine))
    if not chosen:
        raise _never_held(rows, readings, wanted, mine, person)
    _check_pictures(out, chosen)
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


def _never_held(
    rows: Path,
    readings: list[Reading],
    wanted: Wanted,
    mine: Sequence[bool] | None,
    person: Person | None,
) -> BadInputError:
    """Returns the error for a label that nobody holds for so many rows; it says how many it could be."""

    def never(repeat: int) -> bool:
        return not any(True for _ in choose(readings, replace(wanted, repeat=repeat), mine))

    longest = bisect_left(range(1, wanted.repeat), True, key=never)
    conditions = f" with a score of {wanted.score:g} or more" if wanted.score else ""
    conditions += " and nobody else in the frame" if wanted.alone else ""
    of = f"{person.name} with {wanted.label}" if person else wanted.label
    choices = [f"--repeat {longest}"] if longest else []
    choices += ["a lower --score"] if wanted.score else []
    return BadInputError(
        f"{rows} has no face of {of} that is held for {wanted.repeat} rows{conditions}.",
        f"Expected {wanted.repeat} such rows of one person without a gap; there are at most {longest}.",
        f"Choose {' or '.join([*choices, 'another label'])}{', or leave out --alone' * wanted.alone}.",
    )


def _check_pictures(out: Path, readings: Iterable[Reading]) -> None:
    """Raises a BadInputError if a folder has pictures that these readings would not replace."""
    if not out.is_dir():
        return
    own = {SHEET, *map(_name, readings)}
    for path in sorted(out.iterdir()):
        if path.name not in own and is_picture(path):
            raise BadInputError(
                f"{out} has other pictures, such as {path.name}.",
                "Expected a new folder, or one that has only pictures of the same extraction.",
                "Choose another folder for --out, or move those pictures away.",
            )


def _name(reading: Reading) -> str:
    """Returns the name of the picture of a reading."""
    return f"frame{reading.frame:06}-person{reading.person}.png"


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
        f"Add pictures of {person.name} in different light and from different sides.",
    )


def _write(
    video: Path,
    chosen: list[Reading],
    wanted: Wanted,
    out: Path,
    made: Extracted,
    advance: Advance | None,
) -> None:
    """Writes the chosen faces and the contact sheet; nothing is left of those of another recording."""
    by_frame: dict[int, list[Reading]] = {}
    for reading in chosen:
        by_frame.setdefault(reading.frame, []).append(reading)
    thumbnails: list[np.ndarray] = []
    unusable = Skipped()
    for frame in picked(video, by_frame, advance):
        for reading in by_frame.pop(frame.number):
            if why := _why_not(reading, frame):
                unusable.add(_place(reading), why)
                continue
            face = crop(frame.image, square(reading.box, wanted.margin))
            _save(face, out / _name(reading), made)
            made.people[reading.person] += 1
            made.second_look.add(frame.image, reading.box)
            thumbnails.append(cv2.resize(face, (CELL, CELL), interpolation=cv2.INTER_AREA))
    for reading in (each for missing in by_frame.values() for each in missing):
        unusable.add(_place(reading), fault(reading, None))
    try:
        check_is_same(video, unusable, len(chosen), "chosen rows")
    except BadInputError:
        _remove(made.pictures, out)
        raise
    made.skipped.extend(unusable)
    write_picture(out / SHEET, contact_sheet(thumbnails))


def _why_not(reading: Reading, frame: Frame) -> str:
    """Returns why a face cannot be cut out of a frame, or ""."""
    outside = "" if shows(frame.image, reading.box) else "outside the picture"
    return fault(reading, frame.position) or outside


def _place(reading: Reading) -> str:
    """Returns where a reading stands, for `Skipped`."""
    return f"frame {reading.frame}, person {reading.person}"


def _save(face: np.ndarray, path: Path, made: Extracted) -> None:
    """Writes a face."""
    with as_output_error(path.parent):
        path.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    write_picture(path, face)
    made.pictures.append(path)


def _remove(pictures: list[Path], folder: Path) -> None:
    """Removes pictures that were written, and the folder if nothing else is in it."""
    with contextlib.suppress(OSError):
        for path in pictures:
            path.unlink()
        folder.rmdir()
