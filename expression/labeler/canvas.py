"""The layout and drawing helpers of the labeler's pages; they need no screen.

The pages of `labeler.py` draw with it, and find clicked buttons with `Buttons.action_at`.

Notebook: 08_your_face
"""

from __future__ import annotations

import textwrap

import cv2
import numpy as np

from ..pictures.image import resize
from ..types import Box
from ..vision import layers
from ..vision.drawing import PALETTE

WIDTH, HEIGHT = 1120, 640
"""Size of the window's picture in pixels."""

VIEW = Box(24, 24, 720, 540)
"""The place of the live view."""

SIDE = Box(768, 24, 328, 540)
"""The place of labels and buttons."""

GROUND, PLATE = (24, 27, 33), (44, 49, 58)
"""RGB of the window and of a button."""

TEXT = 17
"""Height of a letter in pixels."""


HOLD = 0.7
"""Seconds after the last repetition of a held key until it counts as released."""

WHOLE_LINE = 120
"""Letters in a full-width line."""

LABEL_KEYS = "1234567890bcdghijkmorstvwyz"
"""Keys of the labels, in order; the other letters have other actions. Further labels need a click."""

IN_COLUMN = 14
"""Labels in a column before a second one starts."""


def key_of(number: int) -> str:
    """Returns the key of a label, or an empty string.

    Example:
        >>> key_of(0), key_of(9), key_of(99)
        ('1', '0', '')
    """
    return LABEL_KEYS[number : number + 1]


def label_boxes(count: int, height: int, tallest: int = 40) -> list[Box]:
    """Returns the places of the labels, in columns from the top of the side.

    Args:
        count: The number of labels.
        height: The available height in pixels.
        tallest: The greatest height of one in pixels, with the gap below it.
    """
    columns = -(-count // IN_COLUMN)
    high, wide = min(tallest, height // -(-count // columns)), SIDE.width // columns
    places = [divmod(number, -(-count // columns)) for number in range(count)]
    return [
        Box(SIDE.x + column * wide, SIDE.y + row * high, wide - (4 if columns > 1 else 0), high - 4)
        for column, row in places
    ]


class Buttons:
    """Buttons on a picture.

    Attributes:
        buttons: The place of each button in the last picture, by its action.
    """

    def __init__(self):
        self.buttons: dict[str, Box] = {}

    def action_at(self, x: int, y: int) -> str | None:
        """Returns the action of the button at a place of the last picture, or None."""
        for action, box in self.buttons.items():
            if box.x <= x < box.right and box.y <= y < box.bottom:
                return action
        return None

    def button(self, canvas: np.ndarray, action: str, box: Box, text: str, tint: layers.Colour) -> None:
        """Draws a button and notes its place."""
        _plate(canvas, box, tint)
        size = max(7, min(TEXT - 2, round(box.height / 1.8)))
        label = layers.pill(layers.shortened(text, size, box.width - 2 * size), "", tint, size)
        wide, high = label.extent
        layers.blend(canvas, label, box.x + (box.width - wide) // 2, box.y + (box.height - high) // 2)
        self.buttons[action] = box

    def ask(self, canvas: np.ndarray, terms: str) -> None:
        """Draws the terms that have to be accepted first, and the button `agree`."""
        write(canvas, 130, 130, "Before you start", TEXT + 9)
        for number, text in enumerate(textwrap.wrap(terms, 88)):
            write(canvas, 130, 200 + 34 * number, text, TEXT)
        self.button(canvas, "agree", Box(130, 420, 300, 56), "I agree (Enter)", PALETTE["neutral"])
        write(canvas, 460, 434, "Nothing is saved before you agree. Press q to close.", TEXT)


def say(canvas: np.ndarray, said: str, more: str) -> None:
    """Writes the last event at the bottom, and another line if there is room for it."""
    for number, line in enumerate([*textwrap.wrap(said, WHOLE_LINE), more][:2]):
        write(canvas, VIEW.x, HEIGHT - 66 + 30 * number, line, TEXT)


def ground() -> np.ndarray:
    """Returns an empty picture: (640, 1120, 3) uint8 RGB."""
    return np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)


def plain(text: str) -> np.ndarray:
    """Returns a picture with only a text: (640, 1120, 3) uint8 RGB."""
    canvas = ground()
    for number, words in enumerate(textwrap.wrap(text, 96)):
        write(canvas, 130, 200 + 34 * number, words, TEXT)
    return canvas


def enlarged(canvas: np.ndarray, place: Box, picture: np.ndarray) -> None:
    """Draws a picture as large as fits, centred in a place.

    Args:
        canvas: The picture to draw on.
        place: The place, in its pixels.
        picture: (height, width, 3) uint8 RGB or (height, width) uint8 grey levels.
    """
    factor = min(place.width / picture.shape[1], place.height / picture.shape[0])
    wide, high = (max(1, round(side * factor)) for side in picture.shape[1::-1])
    shown = resize(picture, wide, high)
    shown = shown if shown.ndim == 3 else cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB)
    x, y = place.x + (place.width - wide) // 2, place.y + (place.height - high) // 2
    canvas[y : y + high, x : x + wide] = shown


def _plate(canvas: np.ndarray, box: Box, tint: layers.Colour) -> None:
    canvas[box.y : box.bottom, box.x : box.right] = tint


def write(canvas: np.ndarray, x: int, y: int, text: str, size: int) -> None:
    """Writes a line from its upper left corner."""
    layers.blend(canvas, layers.line(text, size, 0), x - round(size * 0.6), y)
