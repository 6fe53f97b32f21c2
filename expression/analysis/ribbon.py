"""The ribbon of a report as a picture: a band for each person, in the colours of the labels over time.

`report.py` calls `ribbon`.

Notebook: 13_video
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..vision import layers
from ..vision.drawing import colour
from ..vision.layers import WHITE, Colour, blend, pill, shortened
from .report_page import summary
from .segments import Person, Story

WIDTH, MARGIN, NAMES = 1800, 36, 200
"""Of the picture, around it, and of the names of people on the left, in pixels."""

BAND, GAP, AXIS = 64, 16, 56
"""Heights of a person's band, of the space below it, and of the time axis, in pixels."""

TITLE, SIZE = 34, 26
"""Heights of letters, in pixels."""

MOST_PEOPLE = 24
"""The people who are there longest are shown; the others are only counted."""

EMPTY, EDGE = (233, 236, 241), (90, 96, 106)
"""RGB of a band where the person is not there, and of lines."""

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
"""Seconds from one mark of the time axis to the next."""


def ribbon(story: Story, name: str) -> np.ndarray:
    """Returns what happens in a recording as a picture.

    Args:
        story: What happens.
        name: The name of the recording, for the title.

    Returns:
        (height, 1800, 3) uint8, RGB.
    """
    longest = sorted(story.people, key=lambda each: each.seconds, reverse=True)[:MOST_PEOPLE]
    people = sorted(longest, key=lambda each: each.number)
    legend = _legend_lines(story)
    top = MARGIN + 3 * TITLE
    axis = top + (BAND + GAP) * len(people)
    canvas = np.full((axis + AXIS + len(legend) * 2 * SIZE + MARGIN, WIDTH, 3), 255, np.uint8)
    left_out = len(story.people) - len(people)
    more = f", of whom {left_out} are not shown" if left_out else ""
    _write(canvas, shortened(name, TITLE, WIDTH - 4 * MARGIN), MARGIN, MARGIN + TITLE // 2, TITLE)
    _write(canvas, summary(story) + more, MARGIN, MARGIN + 2 * TITLE, SIZE)
    for number, person in enumerate(people):
        _draw_band(canvas, person, top + (BAND + GAP) * number, story.end)
    _draw_axis(canvas, axis, story.end)
    for number, line in enumerate(legend):
        _draw_legend(canvas, line, axis + AXIS + number * 2 * SIZE)
    return canvas


def _across(seconds: float, end: float) -> int:
    """Returns the column of a time."""
    return round(MARGIN + NAMES + (WIDTH - 2 * MARGIN - NAMES) * min(seconds / end, 1))


def _draw_band(canvas: np.ndarray, person: Person, top: int, end: float) -> None:
    """Draws the band of a person."""
    band = canvas[top : top + BAND]
    _write(canvas, shortened(f"Person {person.number}", SIZE, NAMES - SIZE), MARGIN, top + BAND // 2, SIZE)
    band[:, _across(0, end) : _across(end, end)] = EMPTY
    for segment in person.segments:
        left, right = _across(segment.start, end), _across(segment.end, end)
        tint = colour(segment.label)
        band[:, left : max(right, left + 1)] = tint
        if right - left > 3:
            band[:, left] = EDGE
        text = pill(segment.label, "", tint, SIZE)
        if text.extent[0] <= right - left:
            blend(band, text, left + 2, (BAND - text.extent[1]) // 2)
    band[[0, -1], _across(0, end) : _across(end, end)] = EDGE
    band[:, [_across(0, end), _across(end, end) - 1]] = EDGE


def _draw_axis(canvas: np.ndarray, top: int, end: float) -> None:
    """Draws the marks of the time axis, and their times."""
    step = next((each for each in STEPS if _across(each, end) - _across(0, end) > 110), max(STEPS[-1], end))
    for number in range(int(end / step + 1e-9) + 1):
        x, seconds = _across(number * step, end), number * step
        canvas[top - GAP + 2 : top - GAP + 12, min(x, WIDTH - MARGIN - 1)] = EDGE
        text = f"{int(seconds) // 60}:{seconds % 60:02.0f}" if step >= 1 else f"{seconds:.1f} s"
        wide = layers.text_width(text, SIZE)
        _write(canvas, text, min(x - wide // 2, WIDTH - MARGIN - wide), top + SIZE - 6, SIZE)


def _legend_lines(story: Story) -> list[list[tuple[str, float]]]:
    """Returns the labels that were held and for how many seconds, as lines that fit."""
    totals = story.totals().values()
    lines: list[list[tuple[str, float]]] = [[]]
    used = MARGIN
    for label in story.labels:
        seconds = sum(held[label] for held in totals)
        wide = _legend_width(label, seconds)
        if not seconds:
            continue
        if lines[-1] and used + wide > WIDTH - MARGIN:
            lines.append([])
            used = MARGIN
        lines[-1].append((label, seconds))
        used += wide
    return lines


def _legend_text(label: str, seconds: float) -> str:
    """Returns what the legend says about a label."""
    return f"{shortened(label, SIZE, WIDTH // 2)}: {seconds:.1f} s"


def _legend_width(label: str, seconds: float) -> int:
    """Returns the width of a label in the legend."""
    return layers.text_width(_legend_text(label, seconds), SIZE) + 4 * SIZE


def _draw_legend(canvas: np.ndarray, line: Iterable[tuple[str, float]], top: int) -> None:
    """Draws a line of the legend."""
    x = MARGIN
    for label, seconds in line:
        canvas[top : top + SIZE, x : x + SIZE] = EDGE
        canvas[top + 1 : top + SIZE - 1, x + 1 : x + SIZE - 1] = colour(label)
        _write(canvas, _legend_text(label, seconds), x + SIZE + MARGIN // 2, top + SIZE // 2, SIZE)
        x += _legend_width(label, seconds)


def _write(canvas: np.ndarray, text: str, x: int, middle: int, size: int, ground: Colour = WHITE) -> None:
    """Writes a line; x is its start."""
    layer = pill(text, "", ground, size)
    blend(canvas, layer, x - round(size * 0.55), middle - layer.extent[1] // 2)
