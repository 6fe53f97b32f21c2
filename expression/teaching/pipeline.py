"""The whole pipeline in one picture: from the camera to the screen and the lamp, with a photo on its way.

Notebook: 01_start_here
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..models import load
from ..pictures.image import crop, face_pixels, preprocess
from ..training.chart_style import BLUE, GREY, chart_style, new_figure, settled
from ..types import Box, Reading
from ..vision.detectors import make_detector
from ..vision.drawing import colour, draw
from .photos import photo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = {
    "camera": "takes pictures",
    "frame": "an array of pixels",
    "face": "a box",
    "crop": "48 × 48 grey levels",
    "network": "a calculation",
    "label": "a score for each",
    "screen and lamp": "show it",
}
"""The steps of the pipeline, each with what it is or hands on, in a few words."""

SEEN = Box(20, 0, 427, 427)
"""The part of the photo that is shown."""

GAP = 1.36
"""From the left edge of one step to that of the next, if each is 1 wide."""


def pipeline(here: str = "") -> Figure:
    """Draws the pipeline from the camera to the screen and the lamp; a photo is really read for it.

    Args:
        here: The step to mark, a key of `STEPS`; empty to mark none.

    Raises:
        ValueError: There is no such step.
    """
    if here and here not in STEPS:
        raise ValueError(f'There is no step "{here}". The steps are {", ".join(STEPS)}. Choose one of these.')
    image = photo("man_d")
    box = make_detector("haar").detect(image)[0].box
    network = load()
    scores = dict(
        zip(network.labels, map(float, network.scores(preprocess(image, box)[None])[0]), strict=True)
    )
    best = max(scores, key=scores.__getitem__)
    reading = Reading(1, box, best, scores[best], scores)
    with chart_style():
        figure = new_figure(1.75)
        axes = figure.subplots()
        axes.set(xlim=(-0.3, 6 * GAP + 1.3), ylim=(-0.32, 1.3), aspect="equal")
        axes.set_axis_off()
        _camera(axes, 0)
        _picture(axes, 1, crop(image, SEEN))
        _picture(axes, 2, crop(_framed(image, box), SEEN))
        _picture(axes, 3, face_pixels(image, box))
        _network(axes, 4)
        _scores(axes, 5, scores)
        _picture(axes, 6, crop(draw(image, [reading]), SEEN))
        _lamp(axes, 6, best)
        for number, (step, words) in enumerate(STEPS.items()):
            _captions(axes, number, step, words, marked=step == here)
        return settled(figure)


def _captions(axes: Axes, number: int, step: str, words: str, marked: bool) -> None:
    """Writes the name of a step above it and a few words below, and draws the arrow that leads to it."""
    middle = number * GAP + 0.5
    ink = BLUE if marked else "black"
    axes.text(middle, 1.1, step, ha="center", color=ink, fontweight="bold" if marked else "normal")
    axes.text(middle, -0.12, words, ha="center", va="top", color="#555555", fontsize=7.5)
    if marked:
        axes.add_patch(_rectangle(number * GAP - 0.04, -0.04, 1.08, 1.08, edgecolor=BLUE, linewidth=2.5))
    if number:
        left = (number - 1) * GAP + 1.04
        axes.annotate(
            "",
            (number * GAP - 0.04, 0.5),
            (left, 0.5),
            arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.6},
        )


def _rectangle(x: float, y: float, width: float, height: float, **style):
    """Returns a rectangle, not filled unless its style says so."""
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, **{"facecolor": "none", **style})


def _picture(axes: Axes, number: int, image: np.ndarray) -> None:
    """Shows a square picture as a step."""
    left = number * GAP
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255} if image.ndim == 2 else {}
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(image, extent=(left, left + 1, 0, 1), **grey)
    axes.set(xlim=limits[0], ylim=limits[1])


def _framed(image: np.ndarray, box: Box) -> np.ndarray:
    """Returns a picture with a white rectangle around a box."""
    framed = image.copy()
    for edge in range(-5, 6):
        left, top = max(0, box.x + edge), max(0, box.y + edge)
        right, bottom = box.right - edge, box.bottom - edge
        framed[top:bottom, [left, right]] = framed[[top, bottom], left:right] = 255
    return framed


def _camera(axes: Axes, number: int) -> None:
    """Draws a camera."""
    from matplotlib.patches import Circle

    left = number * GAP
    axes.add_patch(_rectangle(left + 0.05, 0.2, 0.9, 0.55, facecolor="#444444"))
    axes.add_patch(_rectangle(left + 0.32, 0.75, 0.36, 0.12, facecolor="#444444"))
    for radius, ink in ((0.23, "#bbbbbb"), (0.18, "#222222"), (0.07, "#7799bb")):
        axes.add_patch(Circle((left + 0.5, 0.47), radius, color=ink))
    axes.add_patch(Circle((left + 0.85, 0.66), 0.035, color="#33cc55"))


def _network(axes: Axes, number: int) -> None:
    """Draws a network as columns of dots, each joined to all of the next column."""
    columns = [np.linspace(0.5 - 0.09 * (n - 1), 0.5 + 0.09 * (n - 1), n) for n in (5, 6, 4, 5)]
    across = number * GAP + np.linspace(0.08, 0.92, len(columns))
    for x, column, following in zip(across, columns, [*columns[1:], []], strict=True):
        for y in column:
            for other in following:
                step = across[1] - across[0]
                axes.plot([x, x + step], [y, other], color="#cccccc", linewidth=0.6, zorder=1)
        axes.plot([x] * len(column), column, "o", color="#444444", markersize=4.5)


def _scores(axes: Axes, number: int, scores: dict[str, float]) -> None:
    """Draws the scores as bars, the highest with its label."""
    left = number * GAP
    best = max(scores, key=scores.__getitem__)
    for row, (label, score) in enumerate(scores.items()):
        y = 0.98 - (row + 1) * 0.96 / len(scores)
        ink = tuple(np.divide(colour(label), 255))
        axes.add_patch(_rectangle(left, y, 1, 0.1, facecolor="#eeeeee"))
        axes.add_patch(_rectangle(left, y, max(0.01, score), 0.1, facecolor=ink))
        if label == best:
            axes.text(left + 0.5, y + 0.045, label, ha="center", va="center", fontsize=7.5)


def _lamp(axes: Axes, number: int, label: str) -> None:
    """Draws a lamp that shines in the colour of a label, over the corner of a picture."""
    from matplotlib.patches import Circle

    x, ink = number * GAP + 0.82, tuple(np.divide(colour(label), 255))
    axes.add_patch(Circle((x, 0.24), 0.14, facecolor=ink, edgecolor="#444444", zorder=4))
    axes.add_patch(_rectangle(x - 0.06, 0.02, 0.12, 0.09, facecolor="#444444", zorder=4))
