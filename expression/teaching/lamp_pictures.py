"""Pictures of lamps: small ones side by side, and the light of a lamp as a bridge describes it.

Notebook: 09_lights
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lights.colours import BRIGHTEST, Light, to_rgb
from ..pictures.image import encode_jpeg
from ..sinks.lamp import draw_lamp
from ..training.chart_style import chart_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
"""Dots per inch: a row of twelve lamps is as wide as a page."""

SIDES = 0.2
"""The share of a drawn lamp's width that is cut off at either side: nothing but a dark room."""


def picture(light: Light, height: int = 160) -> np.ndarray:
    """Draws a lamp in a narrow picture.

    Returns:
        (height, width, 3) uint8, RGB.

    Example:
        >>> picture(Light((255, 0, 0)), 160).shape
        (160, 72, 3)
    """
    width = height * 3 // 4
    side = round(width * SIDES)
    return draw_lamp(light, width, height)[:, side : width - side]


def jpeg(light: Light, height: int = 240) -> bytes:
    """Returns the picture of a lamp as JPEG, for a widget."""
    return encode_jpeg(picture(light, height))


def lamps(lights: Sequence[tuple[str, Light]], columns: int = 12) -> Figure:
    """Draws lamps side by side, each below a few words.

    Args:
        lights: The words and the light of each lamp.
        columns: How many stand side by side; the others follow below.
    """
    from matplotlib import rc_context

    columns = min(columns, len(lights))
    rows = math.ceil(len(lights) / columns)
    tall = 1.75 if any(words for words, _ in lights) else 1.5
    wide = 0.75
    if columns > 12:
        tall, wide = 0.75 * tall, 0.75 * wide
    with chart_style(), rc_context({"figure.dpi": DPI}):
        figure = new_figure(tall * rows, wide * columns)
        places = figure.subplots(rows, columns, squeeze=False)
        for place in places.flat:
            place.set_axis_off()
        for place, (words, light) in zip(places.flat, lights, strict=False):
            place.imshow(picture(light, 240))
            place.set_title(words, fontsize=8, loc="center", pad=3)
        return figure


def light_of(state: Mapping[str, Any]) -> Light:
    """Returns the light that a lamp shows, from its state as a bridge reports it.

    Example:
        >>> light_of({"on": True, "bri": 127, "xy": [0.5067, 0.4543]})
        Light(rgb=(255, 202, 34), brightness=0.5)
    """
    brightness = state.get("bri", BRIGHTEST) / BRIGHTEST if state.get("on", True) else 0.0
    return Light(to_rgb(state["xy"]), brightness)
