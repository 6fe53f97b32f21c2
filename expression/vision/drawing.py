"""Drawing: boxes, labels and score bars on a frame, and the picture shown before the first frame.

`live/display_loop.py` calls `draw` for every frame, so it must take only a millisecond or two; the
texts and panels are prepared by `layers.py`. Sizes are relative to the frame's, from
160 x 120 to 1920 x 1080 and more.

Notebook: 07_live
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..labels import NOT_SURE, folded_label, hashed_colour
from ..types import Box, Reading
from . import layers
from .layers import DARK, Colour, Layer

PALETTE: dict[str, Colour] = {
    "angry": (213, 94, 0),
    "disgust": (0, 158, 115),
    "fear": (204, 121, 167),
    "happy": (240, 228, 66),
    "sad": (0, 114, 178),
    "surprise": (230, 159, 0),
    "neutral": (86, 180, 233),
}
"""RGB of the seven labels of FER2013, distinguishable for colour-blind people too.

Source: Okabe and Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

GREY: Colour = (158, 163, 172)
"""RGB of a reading that is "not sure"."""

MOST_BARS = 8
"""Rows of a panel of scores, at most; the highest scores are shown."""


def draw(
    image: np.ndarray, readings: Sequence[Reading], status: str = "", insets: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Draws readings on a copy of a frame.

    Each person gets a box and a label; the largest face also gets its scores as bars, and the others
    theirs if there is room. Nothing is cut off at the edges, and labels avoid
    one another and faces as far as the picture allows.

    Args:
        image: (height, width, 3) uint8, RGB; if mirrored, then together with the boxes.
        readings: One per person.
        status: A short line for a corner, such as "24 fps · 31 ms".
        insets: Small pictures for the bottom right corner, like `image`; see `inset_size`.

    Returns:
        (height, width, 3) uint8, RGB.

    Example:
        >>> reading = Reading(1, Box(40, 40, 90, 90), "Happy", 0.73, {"Happy": 0.73, "Sad": 0.27})
        >>> draw(np.zeros((240, 320, 3), np.uint8), [reading], "24 fps").shape
        (240, 320, 3)
    """
    people = sorted(readings, key=lambda reading: reading.box.area, reverse=True)
    picture = _Picture(image, [reading.box for reading in people])
    for reading in people:
        draw_corners(picture.canvas, reading.box, colour(reading.label), picture.size)
    if status:
        _draw_status(picture, status)
    _draw_insets(picture, insets)
    for reading in people:
        _draw_label(picture, reading)
    for reading in people:
        _draw_scores(picture, reading)
    return picture.canvas


def blank(width: int, height: int, text: str) -> np.ndarray:
    """Returns a dark picture with a line of text in its middle.

    Returns:
        (height, width, 3) uint8, RGB.
    """
    canvas = np.full((height, width, 3), (24, 27, 33), np.uint8)
    size = text_size(canvas)
    layer = layers.line(layers.shortened(text, size, round(width * 0.7)), size, 0)
    wide, high = layer.extent
    left, top = (width - wide) // 2, (height - high) // 2
    around = Box(left - size, top - size, wide + 2 * size, high + 2 * size)
    draw_corners(canvas, around, PALETTE["neutral"], size)
    layers.blend(canvas, layer, left, top)
    return canvas


def caption(reading: Reading, score: bool = True) -> str:
    """Returns the label, with its score as a percentage.

    Example:
        >>> caption(Reading(1, Box(0, 0, 9, 9), "Happy", 0.734, {}))
        'Happy 73%'
    """
    return f"{reading.label} {reading.score:.0%}" if score and reading.label != NOT_SURE else reading.label


def describe(readings: Sequence[Reading], scores: bool = True) -> str:
    """Describes what is drawn in words, for people who cannot see the picture; with or without scores.

    Example:
        >>> box = Box(0, 0, 9, 9)
        >>> describe([Reading(2, box, "Sad", 0.5, {}), Reading(1, box, "Fear", 0.6, {})])
        'person 1: Fear 60%, person 2: Sad 50%'
    """
    if len(readings) == 1:
        return caption(readings[0], scores)
    ordered = sorted(readings, key=lambda reading: reading.person)
    return (
        ", ".join(f"person {reading.person}: {caption(reading, scores)}" for reading in ordered) or "no face"
    )


def colour(label: str) -> Colour:
    """Returns the RGB of a label: always the same for the same label, whatever the others are.

    Example:
        >>> colour("Happy"), colour("Bored") == colour("bored")
        ((240, 228, 66), True)
    """
    name = folded_label(label)
    if name == NOT_SURE:
        return GREY
    if name in PALETTE:
        return PALETTE[name]
    return hashed_colour(label, 0.5, 0.95)


def css(rgb: Sequence[int]) -> str:
    """Returns a colour as pages write it.

    Example:
        >>> css((240, 228, 66))
        '#f0e442'
    """
    return f"#{bytes(rgb).hex()}"


def inset_size(image: np.ndarray) -> tuple[int, int]:
    """Returns a suitable width and height for a small picture in a corner, in pixels."""
    size = text_size(image)
    return 6 * size, 8 * size


def text_size(image: np.ndarray) -> int:
    """Returns a suitable text height for a picture, in pixels."""
    height, width = image.shape[:2]
    return int(np.clip(round(min(height, width * 0.75) / 30), 11, 48))


class _Picture:
    """A copy of a frame, with the areas that are already occupied.

    Attributes:
        canvas: The picture to draw on, (height, width, 3) uint8, RGB.
        size: The text height, in pixels.
        faces: The boxes of all faces, the largest first.
        several: Whether people need their number next to their label.
    """

    def __init__(self, image: np.ndarray, faces: list[Box]):
        self.canvas = np.array(image, order="C")
        self.size = text_size(image)
        self.faces = faces
        self.several = len(faces) > 1
        self._taken: list[Box] = []

    def put(
        self, layer: Layer, places: Sequence[tuple[int, int]], margin: int, limit: float = math.inf
    ) -> Box | None:
        """Draws a layer at the place where it covers the least.

        Args:
            layer: The layer to draw.
            places: Possible places of its top left corner, the best first; each is moved into
                the picture. A later one is chosen if it covers clearly less.
            margin: Free pixels at the picture's edges.
            limit: The highest `_cost` at which it is still drawn.

        Returns:
            Its place, or None if it was not drawn.
        """
        wide, high = layer.extent
        most_x, most_y = self.canvas.shape[1] - wide - margin, self.canvas.shape[0] - high - margin
        boxes = [Box(max(margin, min(x, most_x)), max(margin, min(y, most_y)), wide, high) for x, y in places]
        costs = [self._cost(box) for box in boxes]
        best = min(range(len(boxes)), key=lambda number: costs[number] + 0.03 * number)
        if costs[best] > limit:
            return None
        layers.blend(self.canvas, layer, boxes[best].x, boxes[best].y)
        self._taken.append(boxes[best])
        return boxes[best]

    def _cost(self, place: Box) -> float:
        """Returns 6 for a place completely on a face, 10 for one completely occupied."""
        faces = sum(place.shared(face) for face in self.faces)
        taken = sum(place.shared(box) for box in self._taken)
        return (6 * faces + 10 * taken) / place.area


def _draw_status(picture: _Picture, status: str) -> None:
    """Draws the status line into the bottom left corner."""
    layer = layers.line(status, max(10, round(picture.size * 0.8)))
    picture.put(layer, [(0, picture.canvas.shape[0])], picture.size // 2)


def _draw_insets(picture: _Picture, insets: Sequence[np.ndarray]) -> None:
    """Draws small pictures into the bottom right corner, the first outermost."""
    right, gap = picture.canvas.shape[1], picture.size // 2
    for inset in insets:
        layer = layers.rounded_panel(inset, picture.size // 2)
        place = picture.put(layer, [(right, picture.canvas.shape[0])], gap)
        right = place.x - gap - layer.extent[0]


def _draw_label(picture: _Picture, reading: Reading) -> None:
    """Draws the label of a person: above the face, or wherever there is room."""
    size, box, gap = picture.size, reading.box, max(3, picture.size // 3)
    room = max(0, picture.canvas.shape[1] - 9 * size)
    text = caption(reading).replace(reading.label, layers.shortened(reading.label, size, room), 1)
    layer = layers.pill(text, str(reading.person) if picture.several else "", colour(reading.label), size)
    wide, high = layer.extent
    places = [
        (box.x, box.y - high - gap),
        (box.right - wide, box.y - high - gap),
        (box.x, box.bottom + gap),
        (box.right - wide, box.bottom + gap),
        (box.right + gap, box.y),
        (box.x - wide - gap, box.y),
        (box.x + gap, box.y + gap),
    ]
    picture.put(layer, places, gap)


def _draw_scores(picture: _Picture, reading: Reading) -> None:
    """Draws the scores of a person as bars, unless they would cover another person.

    Those of a single person are always drawn; those of the largest of several faces may
    cover a little and go into a corner; those of the others need free space.
    """
    scores = _highest(reading.scores)
    if not scores:
        return
    first = reading.box is picture.faces[0]
    limit = 0.01 if not first else 0.2 if picture.several else math.inf
    title = f"Person {reading.person}" if picture.several else ""
    size = max(10, round(picture.size * 0.85))
    panel = layers.panel(tuple(scores), reading.best, title, size)
    places = _beside(picture.canvas, reading.box, panel.layer.extent, round(size * 0.8), corners=first)
    place = picture.put(panel.layer, places, picture.size // 2, limit) if places else None
    if place is None:
        return
    for top, (label, score) in zip(panel.tops, scores.items(), strict=True):
        if score >= 0.005:
            length = max(panel.thick, round(panel.length * min(score, 1.0)))
            bar = layers.bar(length, panel.thick, colour(label))
            layers.blend(picture.canvas, bar, place.x + panel.start, place.y + top)


def _beside(
    canvas: np.ndarray, box: Box, extent: tuple[int, int], gap: int, corners: bool
) -> list[tuple[int, int]]:
    """Returns possible places of a panel: next to the face, below it, and in the corners."""
    height, width = canvas.shape[:2]
    wide, high = extent
    if wide > width or high > height:
        return []
    after, before = box.right + gap, box.x - wide - gap
    places = [(after, box.y), (before, box.y), (after, box.bottom - high), (before, box.bottom - high)]
    places.append((box.x, box.bottom + gap))
    return places + ([(width, 0), (0, 0), (width, height)] if corners else [])


def _highest(scores: Mapping[str, float]) -> dict[str, float]:
    """Returns the scores to show, in the order of the labels."""
    highest = sorted(scores, key=scores.get, reverse=True)[:MOST_BARS]
    return {label: score for label, score in scores.items() if label in highest}


def draw_corners(canvas: np.ndarray, box: Box, tint: Colour, size: int) -> None:
    """Draws the four rounded corners of a box, with a dark outline that is visible on any background."""
    thick = max(2, round(size / 7))
    height, width = canvas.shape[:2]
    left, top = max(box.x, thick), max(box.y, thick)
    right, bottom = min(box.right, width - thick) - 1, min(box.bottom, height - thick) - 1
    side = min(right - left, bottom - top)
    if side < 4 * thick:
        return
    corner = _corner(min(side * 0.12, size), min(side * 0.25, size * 3))
    ends = [
        ((1, 1), (left, top)),
        ((-1, 1), (right, top)),
        ((1, -1), (left, bottom)),
        ((-1, -1), (right, bottom)),
    ]
    lines = [np.round((corner * sign + origin) * 8).astype(np.int32) for sign, origin in ends]
    cv2.polylines(canvas, lines, False, DARK, thick + 2, cv2.LINE_AA, shift=3)
    cv2.polylines(canvas, lines, False, tint, thick, cv2.LINE_AA, shift=3)


def _corner(radius: float, arm: float) -> np.ndarray:
    """Returns the points of a rounded top left corner at the origin, (points, 2), in pixels."""
    angles = np.linspace(np.pi, 1.5 * np.pi, 7)
    arc = radius + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.vstack([[(0, arm)], arc, [(arm, 0)]])
