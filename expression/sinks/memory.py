"""Memory: keeps the last readings in a list, for notebooks and tests.

    memory = Memory()
    Session("demo", display="none", duration=5, sinks=[memory]).run()
    len(memory.readings)

Notebook: 10_reactions
"""

from __future__ import annotations

import sys
from collections import deque

from ..errors import BadInputError
from ..types import Reading
from ._base import Sink


class Memory(Sink):
    """Keeps the newest readings in memory.

    Args:
        limit: Maximum number of readings; the oldest are dropped.

    Attributes:
        readings: The readings, oldest first.

    Raises:
        BadInputError: The limit is below 1.
    """

    option = "limit"
    silent = True
    keeps = "the latest readings, until the program ends"

    def __init__(self, limit: int = 10_000):
        if limit < 1:
            raise BadInputError(
                f"The limit of the sink memory is {limit}.", "Expected 1 or more.", "Try memory:1000."
            )
        self.readings: deque[Reading] = deque(maxlen=min(limit, sys.maxsize))

    def send(self, reading: Reading) -> None:
        """Keeps a reading."""
        self.readings.append(reading)
