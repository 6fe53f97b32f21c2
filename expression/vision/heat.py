"""Heat: draws over a face which parts its label depends on, and the legend.

`live/display_loop.py` calls both for the map of `live/heat.py`; for a single picture:

    face = network.preprocess(picture, box)
    draw_heat(picture, box, occlusion_map(network, face, "Happy"))

Notebook: 15_small_and_fast
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..pictures.image import square
from ..types import Box
from . import layers

TOPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""What the strongest colour may stand for. A few values keep the legend steady, and the lowest keeps the
trembling of a score that hardly changes pale."""

COVER = 0.75
"""How much of the face the strongest colour hides, 0 to 1; where nothing depends, the face shows."""

COLOURS = cv2.applyColorMap(np.linspace(96, 255, 256).astype(np.uint8), cv2.COLORMAP_INFERNO)[:, 0, ::-1]
"""(256, 3) uint8, RGB, from dark red to bright yellow: readable in grey, too, and for colour-blind people.

Source: inferno without its black third, https://bids.github.io/colormap/
"""

_OPACITY = COVER * np.linspace(0, 1, 256) ** 0.7
_PAINT = np.round(COLOURS * _OPACITY[:, None]).astype(np.uint8)[None]
_KEEP = np.round(255 * (1 - _OPACITY)).astype(np.uint8)[None]


def draw_heat(image: np.ndarray, box: Box, drops: np.ndarray) -> np.ndarray:
    """Draws over a copy of a picture what a face's label depends on: bright where most, on a grey face.

    Args:
        image: (height, width, 3) uint8, RGB.
        box: The box of the face, in pixels.
        drops: (rows, as many columns) float32 from `occlusion_map`.

    Returns:
        (height, width, 3) uint8, RGB.

    Example:
        >>> drops = np.zeros((6, 6), np.float32)
        >>> drops[4, 3] = 0.5  # the mouth
        >>> picture = draw_heat(np.full((100, 100, 3), 128, np.uint8), Box(10, 10, 80, 80), drops)
        >>> picture[20, 20].tolist(), picture[68, 56].max() > 200
        ([128, 128, 128], np.True_)
    """
    canvas, rows = _grey_face(image, box), len(drops)
    # One more patch of nothing on each side, so that the colours end softly.
    area = square(box, (rows + 2) / rows)
    heat = np.pad(np.clip(drops / top_of(drops), 0, 1).astype(np.float32), 1)
    heat = cv2.resize(heat, (area.width, area.height), interpolation=cv2.INTER_CUBIC)
    levels = np.clip(heat * 255, 0, 255).astype(np.uint8)
    paint = cv2.LUT(cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB), _PAINT)
    layers.blend(canvas, layers.Layer(paint, cv2.LUT(levels, _KEEP)), area.x, area.y)
    return canvas


def _grey_face(image: np.ndarray, box: Box) -> np.ndarray:
    """Returns a copy of a picture in which the face is grey, since skin has the colours of heat."""
    canvas, face = image.copy(), square(box)
    part = canvas[max(0, face.y) : max(0, face.bottom), max(0, face.x) : max(0, face.right)]
    if part.size:
        part[:] = cv2.cvtColor(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return canvas


def top_of(drops: np.ndarray) -> float:
    """Returns the score that the brightest colour stands for: the largest fall, rounded up to one of `TOPS`.

    Example:
        >>> top_of(np.array([0.31, -0.4])), top_of(np.array([0.001]))
        (0.5, 0.01)
    """
    return next(top for top in TOPS if top >= min(drops.max(), 1))


@lru_cache(maxsize=64)
def heat_legend(top: float, size: int) -> np.ndarray:
    """Returns the legend of a heat map: what the colours stand for.

    Args:
        top: What `top_of` returns.
        size: The text height, in pixels.

    Returns:
        (height, width, 3) uint8, RGB.
    """
    texts = [layers.line(text, size, 0) for text in ("score lost if covered", "0", f"{top:.0%}")]
    title, low, high = texts
    wide, tall = max(title.extent[0], 10 * size), title.extent[1]
    picture = np.full((2 * tall, wide, 3), layers.DARK, np.uint8)
    layers.blend(picture, title, 0, 0)
    layers.blend(picture, low, 0, tall)
    layers.blend(picture, high, wide - high.extent[0], tall)
    start, end = low.extent[0], wide - high.extent[0]
    levels = np.linspace(0, 255, end - start).astype(int)
    picture[tall + tall // 3 : tall + 2 * tall // 3, start:end] = _PAINT[0, levels] + _KEEP.T[levels] // 2
    return picture
