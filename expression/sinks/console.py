"""Console: prints who shows what, at most one line a second.

    11:11:11   1 Happy     73%   2 not sure  31%

`--sink console` creates it; so does `expression live` without a display or another sink.

Notebook: 10_reactions
"""

from __future__ import annotations

import errno
import time

from ..labels import NOBODY, NOT_SURE
from ..sanitize import discard_output, for_console
from ..types import Reading
from ._base import Sink

SECONDS = 1.0
"""Minimum seconds between two lines."""


class Console(Sink):
    """Prints a line with the time of day, then the number, label and score of each person.

    Ends the run when its output is no longer read, as in `expression live | head`.

    Example:
        >>> from expression.types import Box
        >>> console = Console()
        >>> console.send(Reading(1, Box(0, 0, 9, 9), "Happy", 0.73, {}))
        >>> console.close()  # doctest: +SKIP
        11:11:11   1 Happy     73%
    """

    keeps = ""

    def __init__(self):
        self._people: dict[int, Reading] = {}
        self._printed: float | None = None

    def send(self, reading: Reading) -> None:
        """Collects the readings of one frame and prints them when the next one starts."""
        if any(other.frame != reading.frame for other in self._people.values()):
            self._print_people()
        self._people[reading.person] = reading

    def empty(self) -> None:
        """Prints once that nobody is there."""
        self._print_people()
        self._print(NOBODY)

    def close(self) -> None:
        """Prints the last readings, unless a line was just printed."""
        self._print_people()

    def _print_people(self) -> None:
        """Prints the readings of one frame if a second has passed, and drops them."""
        people, self._people = self._people, {}
        now = time.monotonic()
        if not people or (self._printed is not None and now - self._printed < SECONDS):
            return
        self._printed = now
        self._print("   ".join(_cell(reading) for _, reading in sorted(people.items())).rstrip())

    def _print(self, text: str) -> None:
        """Prints a line at once; a closed pipe ends the run silently."""
        if self.finished:
            return
        try:
            print(f"{time.strftime('%H:%M:%S')}   {for_console(text)}", flush=True)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EINVAL):  # Windows raises the latter
                raise
            self.finished = True
            discard_output()


def _cell(reading: Reading) -> str:
    """Returns number, label and score; "not sure" has no score."""
    score = "" if reading.label == NOT_SURE else f"{reading.score:.0%}"
    return f"{reading.person} {reading.label:8} {score:>4}"
