"""Layers: the small translucent pictures that are drawn over a frame: labels, panels, bars.

`drawing.py` decides what goes where and gets these from here. Each is drawn once with
Pillow, which supports fonts, cached, and blended by OpenCV, which is fast; the frame itself
never passes through Pillow. The cache for a large picture stays below 60 MB.

Notebook: 07_live
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

DARK, TRACK = (16, 18, 22), (74, 79, 88)
WHITE, SOFT, MUTED = (255, 255, 255), (204, 209, 217), (160, 166, 176)

FINE = 3
"""Layers are drawn this many times larger and then shrunk, so that edges are smooth."""

FONTS = (
    str(Path(cv2.__file__).parent / "qt" / "fonts" / "DejaVuSans.ttf"),
    *("NotoSans-Regular.ttf", "DejaVuSans.ttf", "segoeui.ttf", "Arial Unicode.ttf"),
    *("NotoSansCJK-Regular.ttc", "PingFang.ttc", "msyh.ttc", "YuGothM.ttc", "malgun.ttf", "Nirmala.ttf"),
)
"""Fonts of Linux, macOS and Windows for characters that Pillow's own font lacks, which
has only English ones. OpenCV's package for Linux includes the first."""


class Layer(NamedTuple):
    """A translucent picture: blending it gives `frame * keep / 255 + paint`.

    Attributes:
        paint: (height, width, 3) uint8, RGB.
        keep: (height, width) uint8, how much of the frame shows through, 0 to 255.
    """

    paint: np.ndarray
    keep: np.ndarray

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.keep.shape[1], self.keep.shape[0]


class Panel(NamedTuple):
    """A layer with one row per label, and the positions of its bars, in pixels.

    Attributes:
        layer: The panel without its bars.
        start: The left edge of every bar.
        length: The length of a bar with score 1.
        thick: The thickness of a bar.
        tops: The top edge of each row's bar.
    """

    layer: Layer
    start: int
    length: int
    thick: int
    tops: tuple[int, ...]


def blend(canvas: np.ndarray, layer: Layer, x: int, y: int) -> None:
    """Blends a layer over a picture, in place; parts outside the picture are cut off.

    Args:
        canvas: (height, width, 3) uint8, RGB.
        layer: The layer to blend.
        x: The position of the layer's left edge, in pixels.
        y: The position of its top edge.
    """
    wide, high = layer.extent
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(wide, canvas.shape[1] - x), min(high, canvas.shape[0] - y)
    if right <= left or bottom <= top:
        return
    part = canvas[y + top : y + bottom, x + left : x + right]
    keep = cv2.cvtColor(layer.keep[top:bottom, left:right], cv2.COLOR_GRAY2RGB)
    kept = cv2.multiply(part, keep, scale=1 / 255)
    part[:] = cv2.add(kept, layer.paint[top:bottom, left:right])


# ---- the layers


def rounded_panel(image: np.ndarray, radius: int) -> Layer:
    """Returns a picture, (height, width, 3) uint8, RGB, with rounded corners."""
    keep = _outside(image.shape[1], image.shape[0], radius)
    return Layer(cv2.multiply(image, cv2.cvtColor(255 - keep, cv2.COLOR_GRAY2RGB), scale=1 / 255), keep)


@lru_cache(maxsize=16)
def _outside(width: int, height: int, radius: int) -> np.ndarray:
    """Returns the area outside a plate with rounded corners as 255, (height, width) uint8."""
    sketch = _Sketch(width, height)
    sketch.plate(0, 0, width, height, radius, (0, 0, 0, 255))
    return sketch.layer().keep


@lru_cache(maxsize=16)
def line(text: str, size: int, opacity: int = 185) -> Layer:
    """Returns a line of text on a dark plate; `opacity` is the plate's, 0 to 255."""
    pad, height = round(size * 0.6), round(size * 1.7)
    sketch = _Sketch(text_width(text, size) + 2 * pad, height)
    sketch.plate(0, 0, sketch.width, height, height * 0.3, (*DARK, opacity))
    sketch.text(pad, height / 2, text, size, SOFT)
    return sketch.layer()


@lru_cache(maxsize=256)
def pill(text: str, number: str, tint: Colour, size: int) -> Layer:
    """Returns a label on its colour, preceded by the person's number unless that is empty."""
    pad, height, edge = round(size * 0.55), round(size * 1.7), max(2, size // 8)
    badge = max(height - 2 * edge, text_width(number, size) + pad) + edge if number else 0
    sketch = _Sketch(badge + text_width(text, size) + 2 * pad, height)
    sketch.plate(0, 0, sketch.width, height, height * 0.3, (*tint, 240))
    sketch.text(badge + pad, height / 2, text, size, ink(tint))
    if number:
        sketch.plate(edge, edge, badge - edge, height - 2 * edge, height * 0.22, (*DARK, 215))
        sketch.text((edge + badge) / 2, height / 2, number, size, WHITE, "mm")
    return sketch.layer()


@lru_cache(maxsize=36)
def panel(labels: tuple[str, ...], top: str, title: str, size: int) -> Panel:
    """Returns the panel behind the bars: the title unless empty, and the labels, with `top` bright."""
    names = [shortened(label, size, size * 8) for label in labels]
    pad, row, thick, length = round(size * 0.75), round(size * 1.4), max(3, round(size * 0.36)), size * 6
    start = pad + max(text_width(name, size) for name in (*names, title)) + pad
    first = pad // 2 + (row if title else 0)
    middles = [first + round((number + 0.5) * row) for number in range(len(names))]
    sketch = _Sketch(start + length + pad, first + row * len(names) + pad // 2)
    sketch.plate(0, 0, sketch.width, sketch.height, size * 0.6, (*DARK, 185))
    if title:
        sketch.text(pad, pad // 2 + row / 2, title, size, MUTED)
    for label, name, middle in zip(labels, names, middles, strict=True):
        sketch.text(pad, middle, name, size, WHITE if label == top else SOFT)
        sketch.plate(start, middle - thick // 2, length, thick, thick / 2, (*TRACK, 230))
    return Panel(sketch.layer(), start, length, thick, tuple(middle - thick // 2 for middle in middles))


@lru_cache(maxsize=512)
def bar(length: int, thick: int, tint: Colour) -> Layer:
    """Returns a bar with round ends."""
    sketch = _Sketch(length, thick)
    sketch.plate(0, 0, length, thick, thick / 2, (*tint, 255))
    return sketch.layer()


def ink(ground: Colour) -> Colour:
    """Returns black or white, whichever is more readable on a colour.

    Source: relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance

    Example:
        >>> ink((240, 228, 66)) == DARK, ink((0, 114, 178)) == WHITE
        (True, True)
    """
    red, green, blue = ((part / 255) ** 2.2 for part in ground)
    return DARK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else WHITE


class _Sketch:
    """A layer being drawn; all measurements are in pixels of the layer."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self._image = Image.new("RGBA", (width * FINE, height * FINE))
        self._pen = ImageDraw.Draw(self._image)

    def plate(self, x: float, y: float, width: float, height: float, radius: float, fill: tuple) -> None:
        """Draws a rounded rectangle; it replaces what was there."""
        edges = (x * FINE, y * FINE, (x + width) * FINE - 1, (y + height) * FINE - 1)
        self._pen.rounded_rectangle(edges, radius * FINE, fill)

    def text(self, x: float, y: float, text: str, size: int, tint: Colour, anchor: str = "lm") -> None:
        """Writes a line; unless the anchor says otherwise, x is its start and y its middle."""
        self._pen.text((x * FINE, y * FINE), text, tint, _font(text, size * FINE), anchor)

    def layer(self) -> Layer:
        """Shrinks the drawing and returns it as a layer."""
        image = self._image.resize((self.width, self.height), Image.Resampling.BOX)
        pixels = np.asarray(image, np.float32)
        paint = np.round(pixels[..., :3] * pixels[..., 3:] / 255).astype(np.uint8)
        return Layer(paint, (255 - pixels[..., 3]).astype(np.uint8))


# ---- letters


def text_width(text: str, size: int) -> int:
    """Returns the width of a text, in pixels; `size` is its height."""
    return round(_font(text, size * FINE).getlength(text) / FINE)


@lru_cache(maxsize=512)
def shortened(text: str, size: int, width: int) -> str:
    """Returns the text, shortened with an ellipsis if it is wider than `width` pixels."""
    short = text
    while len(short) > 2 and text_width(short, size) > width:
        short = short[:-2].rstrip() + "…"
    return short


@lru_cache(maxsize=512)
def _font(text: str, size: int) -> ImageFont.FreeTypeFont:
    """Returns the first font that has every character of a text, or else Pillow's own."""
    return next((font for font in _fonts(size) if _has(font, text)), _fonts(size)[0])


@lru_cache(maxsize=16)
def _fonts(size: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    """Returns Pillow's own font and those of `FONTS` that are on this machine."""
    found = [ImageFont.load_default(size)]
    for name in FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return tuple(found)


def _has(font: ImageFont.FreeTypeFont, text: str) -> bool:
    """Whether a font has every character of a text, without boxes for missing ones."""
    return all(_draws(font, letter) for letter in set(text))


@lru_cache(maxsize=4096)
def _draws(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    """Whether a font has a character; spaces, control and combining characters are accepted."""
    if unicodedata.category(letter)[0] in "ZCM":
        return True
    return bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffd"))
