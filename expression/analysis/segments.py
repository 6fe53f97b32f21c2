"""Segments: rows of readings as stretches of time, in which a person holds a label.

`report.py` makes them of the rows of a recording; the page and the ribbon draw them.

Notebook: 13_video
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..pictures.skipped import Skipped
from ..types import Reading
from .recordings import fault

LONGEST_HOLD = 1.0
"""A reading stands until the next frame that was analysed, but for so many seconds at most."""


@dataclass(frozen=True)
class Segment:
    """A stretch of time in which a person holds a label.

    Attributes:
        label: The label.
        first: The number of its first frame.
        last: The number of the first frame after it.
        start: When it begins, in seconds.
        end: When it ends, in seconds.
    """

    label: str
    first: int
    last: int
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is, in seconds."""
        return self.end - self.start


@dataclass(frozen=True)
class Person:
    """What was read from a person.

    Attributes:
        number: The number of the person.
        readings: In the order of the frames, one for each.
        segments: In order; between two of them there may be a gap, in which the person is not there.
    """

    number: int
    readings: list[Reading]
    segments: list[Segment]

    @property
    def seconds(self) -> float:
        """How long the person is there, in seconds."""
        return sum(segment.seconds for segment in self.segments)


@dataclass
class Story:
    """What happens in a recording.

    Attributes:
        times: The time of each frame, in seconds.
        end: When the last one ends, in seconds.
        labels: The labels of the rows, in order, and after them others that people hold, such as "not sure".
        people: In the order of their numbers.
    """

    times: Sequence[float] = field(repr=False)
    end: float
    labels: list[str]
    people: list[Person]

    @property
    def last(self) -> float:
        """When somebody is there for the last time, in seconds."""
        return max((person.segments[-1].end for person in self.people), default=0.0)

    def totals(self) -> dict[int, dict[str, float]]:
        """Returns for each person how long each label was held, in seconds."""
        found = {person.number: dict.fromkeys(self.labels, 0.0) for person in self.people}
        for person in self.people:
            for segment in person.segments:
                found[person.number][segment.label] += segment.seconds
        return found


def story(readings: Iterable[Reading], times: Sequence[float], skipped: Skipped) -> Story:
    """Returns what happens in a recording.

    Args:
        readings: Those of the recording, in any order.
        times: The time of each of its frames, in seconds.
        skipped: Counts readings that cannot be of this recording.

    Example:
        >>> from expression.types import Box
        >>> read = [Reading(1, Box(0, 0, 9, 9), "Sad", 1.0, {"Sad": 1.0}, n, 0.0, n / 25) for n in range(50)]
        >>> story(read, [n / 25 for n in range(100)], Skipped()).totals()
        {1: {'Sad': 2.0}}
    """
    by_person: dict[int, dict[int, Reading]] = {}
    labels: dict[str, None] = {}
    for reading in readings:
        labels |= dict.fromkeys(reading.scores)
        if why := _fault(reading, times, by_person):
            skipped.add(f"frame {reading.frame}, person {reading.person}", why)
        else:
            by_person.setdefault(reading.person, {})[reading.frame] = reading
    end = times[-1] + typical_step(times) if times else 0.0
    every = math.gcd(*(frame for frames in by_person.values() for frame in frames)) or 1
    people = []
    for number, frames in sorted(by_person.items()):
        ordered = [frames[frame] for frame in sorted(frames)]
        labels |= dict.fromkeys(reading.label for reading in ordered)
        people.append(Person(number, ordered, list(_segments(ordered, times, end, every))))
    return Story(times, end, list(labels), people)


def typical_step(times: Sequence[float]) -> float:
    """Returns the median time from a frame to the next, in seconds; 0.04 if there is only one."""
    steps = sorted(after - before for before, after in itertools.pairwise(times))
    return steps[len(steps) // 2] if steps else 0.04


def _fault(reading: Reading, times: Sequence[float], known: dict[int, dict[int, Reading]]) -> str:
    """Returns why a reading cannot be of this recording, or ""."""
    if why := fault(reading, times[reading.frame] if reading.frame < len(times) else None):
        return why
    return "duplicates of earlier rows" if reading.frame in known.get(reading.person, ()) else ""


def _segments(readings: list[Reading], times: Sequence[float], end: float, every: int) -> Iterable[Segment]:
    """Yields the segments of a person, of readings in order."""
    first = None
    for reading, after in zip(readings, [*readings[1:], None], strict=True):
        first = first or reading
        last = min(reading.frame + every, len(times))
        while last > reading.frame + 1 and times[last - 1] - times[reading.frame] >= LONGEST_HOLD:
            last -= 1
        if after is None or after.frame > last or after.label != first.label:
            until = times[last] if last < len(times) else end
            yield Segment(first.label, first.frame, last, times[first.frame], until)
            first = None
