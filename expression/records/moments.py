"""Moments: which readings are worth a row: settled changes, who is there every few seconds, who has left.

`sinks/database.py` feeds it with every reading and stores what it returns.

Notebook: 16_records
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..types import Reading
from .record import CHANGE, LEFT, PRESENT


class Moment(NamedTuple):
    """Something worth a row.

    Attributes:
        kind: change, present or left.
        reading: What was read then.
        label: The settled label; that of the reading until one has settled.
        previous: The label before a change.
        seconds: The seconds since the person's last row.
    """

    kind: str
    reading: Reading
    label: str
    previous: str | None
    seconds: float


@dataclass
class _Person:
    """Somebody who is there: the last reading, the settled label, and since when the newest label holds."""

    last: Reading
    told: float
    since: float
    label: str | None = None


class Moments:
    """Follows people over time.

    Until a new label has settled, time counts for the label before.

    Args:
        every: Seconds between two rows that say that a person is there.
        settle: Seconds that a label must stay the same before it counts as a change.
        gone: After this many seconds unseen, a person has left.

    Example:
        >>> from expression.types import Box
        >>> def reading(label, position):
        ...     return Reading(1, Box(0, 0, 9, 9), label, 0.7, {label: 0.7}, position=position)
        >>> moments = Moments(every=5, settle=1)
        >>> seen = [reading("Happy", 0.0), reading("Happy", 1.0), reading("Sad", 2.0), reading("Sad", 3.5)]
        >>> [(m.kind, m.previous, m.label, m.seconds) for one in seen for m in moments.see(one)]
        [('change', None, 'Happy', 1.0), ('change', 'Happy', 'Sad', 2.5)]
    """

    def __init__(self, every: float = 5.0, settle: float = 1.0, gone: float = 2.0):
        self._every, self._settle, self._gone = every, settle, gone
        self._people: dict[int, _Person] = {}

    def see(self, reading: Reading) -> list[Moment]:
        """Takes a reading; returns what is worth a row, also about people who have left meanwhile."""
        now = reading.position
        gone = [p for p, one in self._people.items() if abs(now - one.last.position) > self._gone]
        moments = [self._leave(person) for person in gone]
        one = self._people.get(reading.person)
        if one is None:
            one = self._people[reading.person] = _Person(reading, now, now)
        if reading.label != one.last.label:
            one.since = now
        one.last = reading
        if reading.label != one.label and now - one.since >= self._settle:
            moments.append(Moment(CHANGE, reading, reading.label, one.label, now - one.told))
            one.label, one.told = reading.label, now
        elif now - one.told >= self._every:
            moments.append(Moment(PRESENT, reading, one.label or reading.label, None, now - one.told))
            one.told = now
        return moments

    def everybody_left(self) -> list[Moment]:
        """Returns a row for everybody who was there; nobody is any more."""
        return [self._leave(person) for person in list(self._people)]

    def _leave(self, person: int) -> Moment:
        one = self._people.pop(person)
        seconds = max(0.0, one.last.position - one.told)
        return Moment(LEFT, one.last, one.label or one.last.label, None, seconds)
