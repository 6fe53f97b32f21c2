"""Limits how many commands a second are sent to a Hue bridge.

`bridge.py` calls it before each command.

Notebook: 09_lights
"""

from __future__ import annotations

import time
from collections.abc import Callable

LAMP_RATE, GROUP_RATE = 10, 1
"""Commands per second that a bridge accepts.

Source: https://developers.meethue.com/develop/application-design-guidance/hue-system-performance/
"""

SLACK = 1.1
"""The interval between commands is multiplied by this, since network delays vary."""


class RateLimiter:
    """Spaces commands out to the rate that a bridge accepts.

    Args:
        clock: Returns the time in seconds.
        sleep: Waits for a number of seconds.

    Example:
        >>> now = [0.0]
        >>> pace = RateLimiter(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
        >>> for _ in range(11):
        ...     pace.take(LAMP_RATE)
        >>> round(now[0], 3)
        1.1
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, sleep: Callable = time.sleep):
        self.clock, self._sleep = clock, sleep
        self._next: dict[int, float] = {}

    def wait(self, rate: int) -> float:
        """Returns the seconds until the next command of this rate may be sent."""
        return max(0.0, self._next.get(rate, 0.0) - self.clock())

    def take(self, rate: int) -> None:
        """Waits until a command may be sent, and registers it."""
        if seconds := self.wait(rate):
            self._sleep(seconds)
        self._next[rate] = self.clock() + SLACK / rate
