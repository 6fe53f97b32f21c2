"""The labeler's page for editing saved pictures, and the places of its buttons.

`labeler.py` shows what `ReviewPage.draw` returns, and passes clicks to `action_at`.

Notebook: 08_your_face
"""

from __future__ import annotations

import contextlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ..errors import ExpressionError
from ..pictures.image import read_picture, resize
from ..types import Box
from ..vision import layers
from ..vision.drawing import GREY, colour
from .canvas import PLATE, SIDE, TEXT, Buttons, ground, key_of, label_boxes, say, write
from .review import Review, pages_of

COLUMNS, CELL = 8, 90
"""Pictures in a row, and the size of each in pixels, with its border."""


class ReviewPage(Buttons):
    """Draws a Review.

    Its actions are "picture:" and a name, "label:" and a label, "filter", "delete", "undo", "before",
    "after" and "back".
    """

    def draw(self, review: Review) -> np.ndarray:
        """Draws the page: (640, 1120, 3) uint8, RGB."""
        self.buttons = {}
        canvas, shown = ground(), review.shown()
        for number, row in enumerate(shown):
            place = Box(24 + number % COLUMNS * CELL, 24 + number // COLUMNS * (CELL + 18), CELL, CELL + 18)
            self._picture(canvas, review, row, place)
        if not shown:
            write(canvas, 24, 40, "There are no pictures here yet.", TEXT)
        self._labels(canvas, review)
        half = SIDE.width // 2 - 4
        bottom = SIDE.bottom - 54
        self.button(
            canvas,
            "filter",
            Box(SIDE.x, bottom - 186, SIDE.width, 54),
            f"Show: {review.filter or 'all'} (f)",
            PLATE,
        )
        self.button(canvas, "delete", Box(SIDE.x, bottom - 124, half, 54), "Delete (x)", PLATE)
        self.button(canvas, "undo", Box(SIDE.right - half, bottom - 124, half, 54), "Undo (u)", PLATE)
        self.button(canvas, "before", Box(SIDE.x, bottom - 62, half, 54), "Newer (p)", PLATE)
        self.button(canvas, "after", Box(SIDE.right - half, bottom - 62, half, 54), "Older (n)", PLATE)
        self.button(canvas, "back", Box(SIDE.x, bottom, SIDE.width, 54), "Back to the camera (e)", PLATE)
        count = len(review.rows)
        page = f"page {review.page + 1} of {pages_of(count)}"
        told = f"Pictures: {count}, {page}, selected: {len(review.chosen)}."
        say(canvas, review.said or "Click pictures to select them, then click a label or Delete.", told)
        return canvas

    def _picture(self, canvas: np.ndarray, review: Review, row, place: Box) -> None:
        """Draws a picture with its label below; a selected one has a bright border."""
        if row.image in review.chosen:
            canvas[place.y : place.bottom, place.x : place.right] = (255, 255, 255)
        path = review.book.path(row)
        small = _thumbnail(path, path.stat().st_mtime_ns if path and path.is_file() else 0)
        high, wide = small.shape[:2]
        y, x = place.y + 3 + (CELL - 6 - high) // 2, place.x + 3 + (CELL - 6 - wide) // 2
        canvas[y : y + high, x : x + wide] = small
        canvas[place.bottom - 18 : place.bottom - 3, place.x + 3 : place.right - 3] = colour(row.label)
        name = layers.pill(layers.shortened(row.label, 10, CELL - 20), "", colour(row.label), 10)
        layers.blend(canvas, name, place.x + (CELL - name.extent[0]) // 2, place.bottom - 19)
        self.buttons[f"picture:{row.image}"] = place

    def _labels(self, canvas: np.ndarray, review: Review) -> None:
        """Draws a button for each label, which relabels the selected pictures."""
        labels = review.book.labels
        for number, (label, box) in enumerate(zip(labels, label_boxes(len(labels), 280, 36), strict=True)):
            words = f"{label} ({key_of(number)})" if key_of(number) else label
            tint = colour(label) if review.chosen else GREY
            self.button(canvas, f"label:{label}", box, words, tint)


@lru_cache(maxsize=512)
def _thumbnail(path: Path | None, _changed: int) -> np.ndarray:
    """Returns a picture shrunk to fit its cell, RGB; a dark one if it is missing."""
    with contextlib.suppress(ExpressionError):
        if path:
            image = read_picture(path)
            factor = (CELL - 6) / max(image.shape)
            return resize(image, *(max(1, round(side * factor)) for side in image.shape[1::-1]))
    image = np.full((CELL - 6, CELL - 6, 3), PLATE, np.uint8)
    cv2.line(image, (8, 8), (CELL - 14, CELL - 14), GREY, 2, cv2.LINE_AA)
    return image
