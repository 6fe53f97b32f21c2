"""Rows: readings as rows of a CSV file, one for each face, by live runs and by `expression analyze`.

Only `columns` and `row` define the format; everything that writes readings to a file calls them.

Notebook: 09_reactions
"""

from __future__ import annotations

from collections.abc import Iterable

from ..files import csv_cell
from ..types import Reading

COLUMNS = ("frame", "time", "person", "x", "y", "width", "height", "label", "score")
"""The first columns: time in seconds into the recording, the box in pixels, score 0 to 1.
A column for each label follows, with the score of that label."""

FILE = "file"
"""The last column if the source is a folder of pictures: the name of the picture."""


def columns(labels: Iterable[str], files: bool = False) -> list[str]:
    """Returns the header of the rows.

    Args:
        labels: The labels, in order.
        files: Whether the rows name a picture.
    """
    return [csv_cell(name) for name in (*COLUMNS, *labels, *([FILE] if files else []))]


def row(reading: Reading, files: bool = False) -> list:
    """Returns a reading as a row; `files` tells whether it names the picture.

    Example:
        >>> from expression.types import Box
        >>> row(Reading(1, Box(2, 3, 4, 5), "Sad", 0.75, {"Sad": 0.75, "Happy": 0.25}, 6))
        [6, 0.0, 1, 2, 3, 4, 5, 'Sad', 0.75, 0.75, 0.25]
    """
    box, scores = reading.box, reading.scores.values()
    place = [reading.frame, round(reading.position, 3), reading.person, box.x, box.y, box.width, box.height]
    read = [csv_cell(reading.label), round(reading.score, 4), *(round(score, 4) for score in scores)]
    return [*place, *read, *([csv_cell(reading.file)] if files else [])]
