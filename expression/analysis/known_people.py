"""Known people: which persons in the rows of a recording are somebody of whom there are pictures.

`extraction.py` calls `recognise`. A person's rows are first divided into stretches that surely show one face.
A few faces of each are compared with the known ones and vote, so only a few frames have to be described.
Pictures and descriptors stay in this process: nothing is saved, and nothing is sent anywhere.

Notebook: 06_live
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..types import Box, Reading
from .known_pictures import Person
from .recordings import Advance, picked, without_frame

ABSENCE = 3.0
"""Seconds without a row after which a person's number may be someone else's."""

LONGEST = 20.0
"""Seconds of a stretch at most, so that a cut that nothing gives away costs no more than these."""

JUMP, SPEED = 0.15, 2.5
"""A face that moves further between two rows than JUMP of its width, and SPEED widths a second, is another
one: the recording was cut. Heads in `woman_head_pose.mp4` and the like stay below a third of it."""

FACES = 5
"""Faces of a stretch that vote."""

SHARE = 0.5
"""The share of votes, at least, that makes a stretch the person's."""


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
    video: Path,
    readings: Sequence[Reading],
    person: Person,
    fewest: int = 1,
    advance: Advance | None = None,
) -> Recognised:
    """Finds a person in the rows of a recording.

    A face votes for the person if it is closer to one of their pictures than the describer's limit, and
    no other known person's is closer. Half of the votes decide.

    Args:
        video: The recording.
        readings: Its rows, in order.
        person: The person.
        fewest: Shorter stretches are not decided: nothing can be extracted from them.
        advance: Called after each frame, with its number and that of the last one.

    Raises:
        BadInputError: The recording cannot be read, or is not the one of the rows.
    """
    parts = [part for part in stretches(readings) if len(part) >= fewest]
    wanted: dict[int, list[tuple[int, Box]]] = {}
    for number, part in enumerate(parts):
        for index in chosen(readings, part, person.describer.smallest):
            wanted.setdefault(readings[index].frame, []).append((number, readings[index].box))
    votes: list[list[bool]] = [[] for _ in parts]
    found = 0
    for frame in picked(video, wanted, advance):
        found += 1
        for number, box in wanted[frame.number]:
            if shows(frame.image, box):
                votes[number].append(person.is_shown(frame.image, box))
    if wanted and not found:
        raise without_frame(video, wanted)
    return _decided(person.name, readings, parts, votes)


def stretches(readings: Sequence[Reading]) -> list[list[int]]:
    """Divides rows into stretches of one person each, without absences and cuts.

    Returns:
        The indexes of the readings of each stretch.

    Example:
        >>> rows = [Reading(1, Box(0, 0, 50, 50), "Sad", 1, {}, position=time) for time in (0, 1, 9)]
        >>> stretches(rows)
        [[0, 1], [2]]
    """
    parts: list[list[int]] = []
    current: dict[int, list[int]] = {}
    for index, reading in enumerate(readings):
        part = current.get(reading.person)
        if part is None or _is_apart(readings[part[0]], readings[part[-1]], reading):
            part = current[reading.person] = []
            parts.append(part)
        part.append(index)
    return parts


def chosen(readings: Sequence[Reading], part: Sequence[int], smallest: int) -> list[int]:
    """Returns the faces of a stretch that vote: of each part of its length, the largest and surest.

    Args:
        readings: The rows.
        part: The indexes of the stretch.
        smallest: Side of the smallest face that can be compared, in pixels.
    """
    usable = [
        index for index in part if min(readings[index].box.width, readings[index].box.height) >= smallest
    ]
    pieces = np.array_split(np.array(usable, int), min(FACES, len(usable))) if usable else []
    return [max(map(int, piece), key=lambda i: readings[i].box.area * readings[i].score) for piece in pieces]


def shows(image: np.ndarray, box: Box) -> bool:
    """Returns whether a picture shows at least half of a box; rows of another recording may not."""
    height, width = image.shape[:2]
    return 2 * box.shared(Box(0, 0, width, height)) >= box.area


def _is_apart(first: Reading, last: Reading, reading: Reading) -> bool:
    """Whether a reading starts a new stretch, after the first and last one of the current."""
    seconds = reading.position - last.position
    if not 0 <= seconds <= ABSENCE or reading.position - first.position > LONGEST:
        return True
    one, other = last.box, reading.box
    moved = math.dist(one.centre, other.centre) / ((one.width + other.width) / 2)
    return moved + abs(math.log(other.width / one.width)) > JUMP + SPEED * seconds


def _decided(
    name: str, readings: Sequence[Reading], parts: Sequence[list[int]], votes: Sequence[list[bool]]
) -> Recognised:
    """Returns what the votes of each stretch say about the rows and the people in them."""
    result = Recognised(name, np.zeros(len(readings), bool))
    for part, cast in zip(parts, votes, strict=True):
        number = readings[part[0]].person
        if cast and sum(cast) >= SHARE * len(cast):
            result.rows[part] = True
            result.people.add(number)
        elif cast:
            result.others.add(number)
    result.others -= result.people
    everybody = {reading.person for reading in readings}
    result.undecided = everybody - result.people - result.others
    return result
