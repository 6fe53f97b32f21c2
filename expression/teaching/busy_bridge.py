"""A practice bridge that accepts about ten commands a second, as a real one does, and refuses the rest.

Lesson 09 sends it too many, and then few enough.

Sources: https://developers.meethue.com/develop/application-design-guidance/hue-system-performance/ (the rate)
and https://github.com/home-assistant/core/issues/60745 (lamps that miss a command sent too fast)

Notebook: 09_lights
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from ..lights.rate_limiter import GROUP_RATE, LAMP_RATE
from .simulated_bridge import PracticeBridge, failed, lamp


class BusyBridge(PracticeBridge):
    """A bridge that has room for a few commands and works off ten a second.

    A command to a group takes as much room as ten to lamps. If there is no room left, the answer is error
    901, and the lamp keeps its light.

    Attributes:
        refused: (time in seconds, path, body) of each command that it refused; `commands` has the others.

    Example:
        >>> bridge = BusyBridge()
        >>> bridge.users.add("key")
        >>> answers = [bridge.respond("PUT", "/api/key/lights/1/state", b'{"bri": 9}')[2] for _ in range(30)]
        >>> len(bridge.commands), len(bridge.refused)
        (10, 20)
    """

    def __init__(self):
        super().__init__()
        self.refused: list[tuple[float, str, dict]] = []
        self._turn = threading.RLock()
        self._room, self._since = float(LAMP_RATE), time.monotonic()

    def respond(self, mode: str, path: str, text: bytes) -> tuple[int, str, bytes] | None:
        """Answers one request after the other."""
        with self._turn:
            return super().respond(mode, path, text)

    def answer(self, mode: str, path: str, body: Any) -> Any:
        """Refuses a command to lamps if there were too many before it."""
        if mode == "PUT" and "/sensors/" not in path and not self._has_room("/groups/" in path):
            self.refused.append(self.commands.pop())
            return [failed(901, path.partition("/lights")[1] or "/groups", "Internal error, 503")]
        return super().answer(mode, path, body)

    @contextlib.contextmanager
    def crowd(self, count: int) -> Iterator[list[str]]:
        """Adds colour lamps for as long as the block lasts, and yields their numbers."""
        first = len(self.lights) + 1
        added = {str(number): lamp(f"Lamp {number}") for number in range(first, first + count)}
        self.lights |= added
        try:
            yield list(added)
        finally:
            self.lights = {number: entry for number, entry in self.lights.items() if number not in added}

    def _has_room(self, group: bool) -> bool:
        now = time.monotonic()
        self._room = min(LAMP_RATE, self._room + LAMP_RATE * (now - self._since))
        self._since = now
        needed = LAMP_RATE / GROUP_RATE if group else 1
        if self._room < needed:
            return False
        self._room -= needed
        return True
