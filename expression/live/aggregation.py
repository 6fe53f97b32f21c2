"""One reading for a whole room: what a lamp follows when several people are present.

`SinkLoop` uses it for sinks that want a single mood.

Notebook: 09_lights
"""

from __future__ import annotations

from collections.abc import Sequence

from ..labels import NOT_SURE
from ..types import Box, Reading, Seen, largest

ROOM = 0
"""The person number of a reading of the whole room; people are numbered from 1."""


def aggregate(seen: Seen[Reading], policy: str = "largest", override: str | None = None) -> Seen[Reading]:
    """Returns one reading for all the people in a frame; none if nobody is there.

    Args:
        seen: What was read in the frame.
        policy: "largest" uses the largest face, "mean" the mean of everybody's scores; the label is not sure
            if those of most people are.
        override: A label to use instead of what was read, even if nobody is there.

    Example:
        >>> import numpy as np
        >>> from expression.types import POLICIES, Frame
        >>> frame = Frame(np.zeros((9, 9, 3), np.uint8), 1, 0.0, 0.0)
        >>> one = Reading(1, Box(0, 0, 4, 4), "Sad", 0.7, {"Happy": 0.3, "Sad": 0.7})
        >>> two = Reading(2, Box(0, 0, 2, 2), "Happy", 0.9, {"Happy": 0.9, "Sad": 0.1})
        >>> [aggregate(Seen(frame, (one, two)), policy).items[0].label for policy in POLICIES]
        ['Sad', 'Happy']
    """
    frame = seen.frame
    if override:
        height, width = frame.image.shape[:2]
        box, scores = Box(0, 0, width, height), {override: 1.0}
        return Seen(frame, (Reading.of(frame, ROOM, box, override, scores),))
    if not seen.items:
        return seen
    nearest = largest(seen.items)
    if policy == "largest":
        return Seen(frame, (Reading.of(frame, ROOM, nearest.box, nearest.label, dict(nearest.scores)),))
    scores = _mean([reading.scores for reading in seen.items])
    unsure = sum(reading.label == NOT_SURE for reading in seen.items)
    label = NOT_SURE if 2 * unsure > len(seen.items) else max(scores, key=scores.get)
    return Seen(frame, (Reading.of(frame, ROOM, nearest.box, label, scores),))


def _mean(rows: Sequence) -> dict[str, float]:
    """Returns the mean score of each label."""
    return {label: sum(row[label] for row in rows) / len(rows) for label in rows[0]}
