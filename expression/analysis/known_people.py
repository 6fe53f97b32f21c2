"""Known people: which persons in the rows of a recording are somebody of whom there are pictures.

`extraction.py` calls `recognise`. A person's rows are divided into stretches that surely show one face. A few
faces of each are compared with the known ones and vote, so only a few faces have to be described.
Pictures and descriptors stay in this process: nothing is saved, and nothing is sent anywhere.

Notebook: 13_video
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..pictures.image import crop, fit, square
from ..types import Box, Reading
from ..vision.cuts import Cuts, sketch
from .known_pictures import Person
from .recordings import Advance, fault, other_recording, picked

ABSENCE = 3.0
"""Seconds without a row after which a person's number may be someone else's."""

LONGEST = 10.0
"""Seconds of a stretch at most, so that a change that nothing gives away costs no more than these."""

FACES, EVERY = 5, 0.5
"""Faces of a stretch that vote, at most, and the seconds of which the best one may."""

SHARE = 0.4
"""The share of votes, at least, that makes a stretch the person's: two of five. Hardly a face is taken for
someone else's (benchmarks/README.md, section Known people), so those that are turned away need not agree."""

CONTEXT, PIXELS = 2.0, 400
"""What is kept of a frame until the vote: a square this many times as large as the face, at most so wide."""


@dataclass
class Recognised:
    """In which rows a person is.

    Attributes:
        name: The name of the person.
        rows: (n,) bool, whether each reading is of the person.
        people: The numbers that were recognised.
        others: Those that were not.
        undecided: Those of which no face could be compared: too small, too brief, or not in the recording.
    """

    name: str
    rows: np.ndarray
    people: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)
    undecided: set[int] = field(default_factory=set)


def recognise(
    video: Path, readings: Sequence[Reading], person: Person, fewest: int = 1, advance: Advance | None = None
) -> Recognised:
    """Finds a person in the rows of a recording.

    A face votes for the person if it is closer to one of their pictures than the describer's limit, and
    no other known person's is closer. Two of five votes decide.

    Args:
        video: The recording.
        readings: Its rows.
        person: The person.
        fewest: Numbers with fewer rows are not decided: nothing can be extracted from them.
        advance: Called after each frame, to show progress.

    Raises:
        BadInputError: The recording cannot be read, or is not the one of the rows.
    """
    result = Recognised(person.name, np.zeros(len(readings), bool))
    for stretch in _stretches(video, readings, person.describer.smallest, fewest, advance):
        votes = [person.is_shown(image, box) for image, box in stretch.voters()]
        if votes and sum(votes) >= SHARE * len(votes):
            result.rows[stretch.rows] = True
            result.people.add(stretch.person)
        elif votes:
            result.others.add(stretch.person)
    result.others -= result.people
    result.undecided = {reading.person for reading in readings} - result.people - result.others
    return result


class Stretch:
    """Rows of one number in a row, within one shot, and the best faces of each half second.

    Args:
        person: The number.
        start: When it starts, in seconds.
        smallest: Side of the smallest face that can be compared, in pixels.

    Attributes:
        rows: The indexes of the rows.
        end: When the last of them is, in seconds.
    """

    def __init__(self, person: int, start: float, smallest: int):
        self.person, self.start, self.end = person, start, start
        self.rows: list[int] = []
        self._smallest = smallest
        self._best: dict[int, tuple[float, np.ndarray, Box]] = {}  # by half second

    def continues(self, time: float) -> bool:
        """Returns whether a row at this time, in seconds, still belongs to the stretch."""
        return 0 <= time - self.end <= ABSENCE and time - self.start <= LONGEST

    def add(self, index: int, reading: Reading, image: np.ndarray) -> None:
        """Adds a row, and keeps its face if it is the largest and surest so far."""
        self.rows.append(index)
        self.end, box = reading.position, reading.box
        if min(box.width, box.height) < self._smallest or not shows(image, box):
            return
        part, merit = int(reading.position / EVERY), box.area * reading.score
        if part not in self._best or merit > self._best[part][0]:
            self._best[part] = (merit, *_kept(image, box))

    def voters(self) -> list[tuple[np.ndarray, Box]]:
        """Returns the faces that vote, spread over the stretch: pictures, and the boxes in them."""
        faces = [self._best[part] for part in sorted(self._best)]
        parts = np.array_split(np.arange(len(faces)), min(FACES, len(faces)) or 1)
        best = [
            max((faces[index] for index in part), key=lambda face: face[0]) for part in parts if len(part)
        ]
        return [(image, box) for _, image, box in best]


def shows(image: np.ndarray, box: Box) -> bool:
    """Returns whether a picture shows at least half of a box; for rows of another recording it may not."""
    height, width = image.shape[:2]
    return 2 * box.shared(Box(0, 0, width, height)) >= box.area


def _stretches(
    video: Path, readings: Sequence[Reading], smallest: int, fewest: int, advance: Advance | None
) -> Iterator[Stretch]:
    """Yields the stretches of a recording as they end, so that only the faces of a few are in memory."""
    rows = Counter(reading.person for reading in readings)
    by_frame: dict[int, list[int]] = {}
    for index, reading in enumerate(readings):
        if rows[reading.person] >= fewest:
            by_frame.setdefault(reading.frame, []).append(index)
    cuts, current, found = Cuts(), {}, False
    for frame in picked(video, by_frame, advance):
        mine = [index for index in by_frame[frame.number] if not fault(readings[index], frame.position)]
        found = found or bool(mine)
        if cuts.starts(sketch(frame.image)):
            yield from current.values()
            current = {}
        for index in mine:
            reading = readings[index]
            stretch = current.get(reading.person)
            if stretch is None or not stretch.continues(reading.position):
                if stretch:
                    yield stretch
                stretch = Stretch(reading.person, reading.position, smallest)
                current[reading.person] = stretch
            stretch.add(index, reading, frame.image)
        gone = [number for number, each in current.items() if not each.continues(frame.position)]
        for number in gone:
            yield current.pop(number)
    if by_frame and not found:
        raise other_recording(video)
    yield from current.values()


def _kept(image: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """Returns a face with what is around it, and its box in there."""
    around = square(box, CONTEXT)
    part, factor = fit(crop(image, around), PIXELS)
    inside = Box(box.x - around.x, box.y - around.y, box.width, box.height)
    return part.copy(), inside.scaled(1 / factor)
