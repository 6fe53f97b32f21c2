"""Charts of labels over time, of the messages that sinks got, and of the colours that lamps can show.

Each function returns a matplotlib Figure, which a notebook shows if it is the last line of a cell.

Notebook: 09_lights
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..lights.colours import GAMUTS, Light, to_rgb, to_xy
from ..training.chart_style import DARK, GREY, chart_style, new_figure, settled
from ..vision.drawing import colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..types import Reading


def gamuts(lights: Mapping[str, Light], gamut: str = "B") -> Figure:
    """Draws colours in the xy plane, the triangles that lamps can show, and the colours one lamp shows.

    Args:
        lights: The light of each label.
        gamut: A key of `colours.GAMUTS`: the lamp whose nearest colours are marked.
    """
    from matplotlib.path import Path as Outline
    from matplotlib.patheffects import withStroke

    steps = np.linspace(0, 0.8, 81)
    triangles = Outline.make_compound_path(*[Outline([*corners, corners[0]]) for corners in GAMUTS.values()])
    halo = [withStroke(linewidth=3, foreground="white")]
    with chart_style():
        figure = new_figure(6.4, 7)
        axes = figure.subplots()
        plane = np.array([[to_rgb((x, y)) for x in steps] for y in steps], np.uint8)
        image = axes.imshow(
            plane, extent=(0, 0.8, 0, 0.8), origin="lower", interpolation="bilinear", alpha=0.8
        )
        image.set_clip_path(triangles, axes.transData)
        for name, corners in GAMUTS.items():
            wide = 2.2 if name == gamut else 1.0
            axes.plot(*np.array([*corners, corners[0]]).T, color="black", linewidth=wide)
            axes.annotate(name, corners[1], (0, 5), textcoords="offset points", ha="center")
        for label, light in lights.items():
            wanted, shown = to_xy(light.rgb), to_xy(light.rgb, GAMUTS[gamut])
            axes.plot(*np.array([wanted, shown]).T, color="black", linewidth=1)
            axes.plot(*wanted, "o", markerfacecolor="white", markeredgecolor="black", markersize=6)
            axes.plot(*shown, "o", color="black", markersize=5)
            axes.annotate(label, wanted, (8, 5), textcoords="offset points", fontsize=9, path_effects=halo)
        axes.set_title(f"Wanted (white) and shown by a lamp of gamut {gamut} (black)")
        axes.set(xlabel="x", ylabel="y")
        axes.set(xlim=(0, 0.8), ylim=(0, 0.8))
        axes.grid(visible=False)
        return settled(figure)


def messages(rows: Mapping[str, Sequence[Reading]], marks: Mapping[float, str] | None = None) -> Figure:
    """Draws when each of several sinks got a message, in the colour of its label, and how many it got.

    Args:
        rows: For each sink, the readings that it got; people share its row, one below the other.
        marks: Events to mark, by the second of `Reading.position`.
    """
    marks, sent = marks or {}, [reading for readings in rows.values() for reading in readings]
    end = max([1.0, *(reading.position for reading in sent), *marks])
    with chart_style():
        figure = new_figure(1.5 + 0.5 * len(rows))
        axes = figure.subplots()
        axes.barh(range(len(rows)), 1.02 * end, 0.84, left=-0.01 * end, color=DARK, label="_")
        for y, readings in enumerate(rows.values()):
            _ticks(axes, y, readings)
            axes.text(1.015 * end, y, f" {len(readings):,}", va="center")
        for second, words in marks.items():
            axes.axvline(second, color=GREY, linestyle="--", linewidth=1)
            axes.text(second, -0.55, f" {words}", fontsize=9)
        axes.set(xlim=(-0.01 * end, 1.01 * end), xlabel="Second of the run")
        return _labelled(figure, axes, rows, [reading.label for reading in sent])


def ribbons(rows: Mapping[str, Sequence[tuple[float, str]]], end: float) -> Figure:
    """Draws the labels over time as ribbons in their colours, and how often they changed.

    Args:
        rows: For each ribbon, pairs of a second and the label from then on, in order; an empty label
            leaves a gap.
        end: The second at which all ribbons end.
    """
    with chart_style():
        figure = new_figure(1.4 + 0.42 * len(rows))
        axes = figure.subplots()
        axes.barh(range(len(rows)), end, 0.84, color=DARK)
        for y, row in enumerate(rows.values()):
            changes = [pair for before, pair in pairwise([(0, None), *row]) if before[1] != pair[1]]
            for (start, label), (stop, _) in pairwise([*changes, (end, "")]):
                axes.barh(y, stop - start, 0.7, left=start, color=_rgb(label) if label else DARK)
            count = max(0, len(changes) - 1)
            axes.text(1.015 * end, y, f"{count} change{'s' * (count != 1)}", va="center")
        axes.set(xlim=(0, end), xlabel="Second of the run")
        return _labelled(figure, axes, rows, [label for row in rows.values() for _, label in row if label])


def _labelled(figure: Figure, axes: Axes, rows: Mapping[str, Sequence], labels: Sequence[str]) -> Figure:
    """Labels the rows of a chart, adds a legend below, and returns the figure."""
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    names = dict.fromkeys(labels)
    handles = [axes.barh(0, 0, color=_rgb(name), edgecolor=DARK, linewidth=0.5) for name in names]
    figure.legend(handles, names, loc="outside lower left", ncols=8)
    return settled(figure)


def _ticks(axes: Axes, row: int, readings: Sequence[Reading]) -> None:
    """Draws a tick for each reading, the people in the row one below the other."""
    people = sorted({reading.person for reading in readings})
    height = 0.7 / max(len(people), 1)
    for number, person in enumerate(people):
        own = [reading for reading in readings if reading.person == person]
        top = row - 0.35 + number * height
        colours = [_rgb(reading.label) for reading in own]
        axes.vlines([r.position for r in own], top, top + 0.9 * height, colours, linewidth=2.5)


def _rgb(label: str) -> tuple[float, ...]:
    """Returns the colour of a label for matplotlib."""
    return tuple(part / 255 for part in colour(label))
