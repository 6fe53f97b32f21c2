"""HomeState: what Home Assistant learns about a run, as MQTT topics with their texts.

`mqtt.py` publishes it. Nothing here uses the network.

Notebook: 10_reactions
"""

from __future__ import annotations

import json
import time

from ..control import Control
from ..labels import AS_READ, NOBODY, NOT_SURE
from ..types import Reading, largest
from ._base import GONE_SECONDS
from ._homeassistant import OFF, ON

SECONDS = 1.0
"""How often the scores and diagnostics are sent, and how long a mood must stay the same to be an event."""

UNKNOWN = "None"
"""What Home Assistant shows as unknown. Source: https://www.home-assistant.io/integrations/sensor.mqtt/"""


class HomeState:
    """The state of a run: its people, their mood, its switches and diagnostics.

    The mood is that of the largest face, or the override. While the run is paused, it stays as it is.

    Args:
        prefix: The start of the topics.
        control: The switches of the run.
        source: Where the frames come from, in words.
    """

    def __init__(self, prefix: str, control: Control, source: str = ""):
        self._prefix, self._control, self._source = prefix, control, source
        self._people: dict[int, Reading] = {}  # person: their last reading
        self._measured: Reading | None = None  # at which scores and diagnostics were measured last
        self._slow = {"scores": "{}", "age": UNKNOWN, "rate": UNKNOWN}
        self._mood = self._event = NOBODY  # the last one, and the last one that was an event
        self._since = 0.0  # the time of the reading from which on the mood is the same

    def read(self, reading: Reading) -> None:
        """Receives a reading."""
        people = {**self._people, reading.person: reading}
        self._people = {p: r for p, r in people.items() if reading.time - r.time <= GONE_SECONDS}

    def empty(self) -> None:
        """Receives that nobody is there."""
        self._people.clear()

    def topics(self) -> dict[str, str]:
        """Returns the topics of the state, which a broker retains."""
        control, nearest = self._control, largest(self._people.values())
        found = {
            "recognition": ON if control.on else OFF,
            "pause": ON if control.paused else OFF,
            "neutral": ON if control.neutral else OFF,
            "override": control.override or AS_READ,
            "people": str(len(self._people)),
            "presence": ON if self._people else OFF,
            "camera": self._source or UNKNOWN,
        }
        if not control.paused:
            self._measure(nearest)
            found["mood"] = control.override or (nearest.label if nearest else NOBODY)
            found |= self._slow
        return {f"{self._prefix}/{name}": text for name, text in found.items()}

    def event(self) -> tuple[str, str] | None:
        """Returns the topic and the text of a settled change of the mood, once; None if there is none.

        A mood has settled after a second; an override, and that nobody is there, at once.
        """
        control, nearest = self._control, largest(self._people.values())
        if control.paused:
            return None
        mood = control.override or (nearest.label if nearest else NOBODY)
        if mood != self._mood:
            self._mood, self._since = mood, nearest.time if nearest else 0.0
        settled = control.override or not nearest or nearest.time - self._since >= SECONDS
        if mood in (self._event, NOT_SURE) or not settled:
            return None
        facts = {"event_type": mood, "before": self._event, "override": bool(control.override)}
        if nearest and not control.override:
            facts |= {"person": nearest.person, "score": round(nearest.score, 3)}
        self._event = mood
        return f"{self._prefix}/change", json.dumps(facts)

    def _measure(self, nearest: Reading | None) -> None:
        """Updates the scores and diagnostics, once a second."""
        before = self._measured
        if nearest is None:
            self._measured, self._slow = None, {"scores": "{}", "age": UNKNOWN, "rate": UNKNOWN}
        elif before is None or nearest.time - before.time >= SECONDS:
            seconds = nearest.time - before.time if before else 0.0
            scores = {name: round(score, 3) for name, score in nearest.scores.items()}
            self._slow["scores"] = json.dumps(scores)
            self._slow["age"] = f"{max(0.0, time.monotonic() - nearest.time) * 1000:.0f}"
            self._slow["rate"] = f"{(nearest.frame - before.frame) / seconds:.1f}" if seconds else UNKNOWN
            self._measured = nearest
