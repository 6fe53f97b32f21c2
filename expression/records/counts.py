"""Counts: a row for each frame, with the number of faces of each label, as older programs write it.

`expression analyze --format counts` writes them. `rows.py` defines the usual format, a row for each face.

Notebook: 13_video
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..files import csv_cell
from ..types import Reading, Seen

COLUMNS = ("Frame", "Faces")
"""The first columns. One for each label follows, and one for each recording, with the boxes of its faces."""


def columns(labels: Sequence[str], recordings: Sequence[str]) -> list[str]:
    """Returns the header.

    Args:
        labels: The labels, in order.
        recordings: The names of the recordings, in order.
    """
    return [csv_cell(name) for name in (*COLUMNS, *labels, *recordings)]


def row(seen: Seen[Reading], labels: Sequence[str], recording: int, recordings: int) -> list:
    """Returns the row of a frame; a face of which the network is not sure has no label.

    Args:
        seen: The readings of the frame, possibly none.
        labels: The labels, in order.
        recording: The index of the recording.
        recordings: The number of recordings.

    Example:
        >>> from expression.types import Box, Frame
        >>> reading = Reading(1, Box(2, 3, 4, 5), "Sad", 0.75, {"Happy": 0.25, "Sad": 0.75}, 6)
        >>> row(Seen(Frame(None, 6), (reading,)), ["Happy", "Sad"], 0, 1)
        [6, 1, 0, 1, '(2, 3, 4, 5)']
    """
    found = Counter(reading.label for reading in seen.items)
    boxes = [(each.box.x, each.box.y, each.box.width, each.box.height) for each in seen.items]
    cells = [""] * recordings
    cells[recording] = " ".join(map(str, boxes))
    return [seen.frame.number, len(seen.items), *(found[label] for label in labels), *cells]
