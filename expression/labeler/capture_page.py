"""The labeler's page for taking pictures: the live view, the labels, and the places of its buttons.

Notebook: 08_your_face
"""

from __future__ import annotations

import cv2
import numpy as np

from ..pictures.image import resize
from ..types import Box
from ..vision import layers
from ..vision.drawing import GREY, colour, draw_corners
from .canvas import (
    GROUND,
    PLATE,
    SIDE,
    TEXT,
    VIEW,
    Buttons,
    _plate,
    enlarged,
    ground,
    key_of,
    label_boxes,
    say,
    write,
)
from .capturer import Capturer, consent


class CapturePage(Buttons):
    """Draws a Capturer.

    Its actions are "agree", "capture", "undo", "review", "labels", and "label:" and a label.

    Example:
        >>> from expression.vision.detectors import make_detector
        >>> from expression.labelbook.book import LabelBook
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, LabelBook(folder) as book:
        ...     screen = CapturePage()
        ...     picture = screen.draw(Capturer(book, make_detector("whole")), None)
        >>> picture.shape, list(screen.buttons)
        ((640, 1120, 3), ['agree'])
    """

    def draw(
        self, capturer: Capturer, image: np.ndarray | None, mirror: bool = False, note: str = ""
    ) -> np.ndarray:
        """Draws the page.

        Args:
            capturer: The capturer to show.
            image: The newest frame, (height, width, 3) uint8 RGB, or None before the first.
            mirror: Whether it is shown like a mirror.
            note: A note to show with the terms.

        Returns:
            (640, 1120, 3) uint8, RGB.
        """
        self.buttons = {}
        canvas = ground()
        if not capturer.agreed:
            self.ask(canvas, f"{consent(capturer.book)} {note}")
            return canvas
        self._view(canvas, capturer, image, mirror)
        self._labels(canvas, capturer)
        self._preview(canvas, capturer)
        said = capturer.said or note or "Choose a label, make that expression and press space."
        say(canvas, said, capturer.coach())
        return canvas

    def _view(self, canvas: np.ndarray, capturer: Capturer, image: np.ndarray | None, mirror: bool) -> None:
        """Draws the frame with the face that would be saved."""
        if image is None:
            write(canvas, VIEW.x + 240, VIEW.y + 250, "Waiting for the first frame …", TEXT)
            return
        factor = min(VIEW.width / image.shape[1], VIEW.height / image.shape[0])
        shown = resize(image, round(image.shape[1] * factor), round(image.shape[0] * factor))
        box = capturer.box and capturer.box.scaled(factor)
        if mirror:
            shown = cv2.flip(shown, 1)
            box = box and box.mirrored(shown.shape[1])
        shown = np.ascontiguousarray(shown)
        if box:
            draw_corners(shown, box, colour(capturer.label), TEXT)
        height, width = shown.shape[:2]
        x, y = VIEW.x + (VIEW.width - width) // 2, VIEW.y + (VIEW.height - height) // 2
        canvas[y : y + height, x : x + width] = shown

    def _labels(self, canvas: np.ndarray, capturer: Capturer) -> None:
        """Draws a row for each label: its key, its name, and the number of pictures out of the target."""
        counts, current = capturer.book.counts, capturer.label
        for number, ((label, count), row) in enumerate(
            zip(counts.items(), label_boxes(len(counts), 320), strict=True)
        ):
            chosen = label == current
            if row.width < SIDE.width:
                words = f"{key_of(number)}  {label}  {count}".strip()
                self.button(canvas, f"label:{label}", row, words, colour(label) if chosen else PLATE)
                continue
            _plate(canvas, row, PLATE if chosen else GROUND)
            size = min(TEXT - 3, (row.height + 4) // 2)
            name = layers.shortened(label, size, 150)
            pill = layers.pill(name, key_of(number), colour(label) if chosen else GREY, size)
            layers.blend(canvas, pill, row.x + 6, row.y + (row.height - pill.extent[1]) // 2)
            share = min(1.0, count / capturer.target)
            if share:
                bar = layers.bar(max(6, round(60 * share)), 6, colour(label))
                layers.blend(canvas, bar, row.right - 150, row.y + row.height // 2 - 3)
            told = f"{count} of {capturer.target}"
            write(canvas, row.right - 80, row.y + (row.height - round(size * 1.7)) // 2, told, size)
            self.buttons[f"label:{label}"] = row

    def _preview(self, canvas: np.ndarray, capturer: Capturer) -> None:
        """Draws the picture that would be saved, and the buttons beside it."""
        place = Box(SIDE.x, SIDE.bottom - 192, 192, 192)
        _plate(canvas, place, PLATE)
        if capturer.preview is None:
            write(canvas, place.x + 40, place.y + 80, "No face", TEXT)
        else:
            enlarged(canvas, place, capturer.preview)
        write(canvas, SIDE.x + 12, place.y - 26, "Press q to close and turn off the camera.", TEXT - 4)
        words = "Saving …" if capturer.held else "Save (space)"
        beside = Box(place.right + 8, place.y, SIDE.right - place.right - 8, 94)
        self.button(canvas, "capture", beside, words, colour(capturer.label))
        others = {"undo": "Undo (u)", "review": "Edit (e)", "labels": "Labels (l)"}
        for number, (action, text) in enumerate(others.items()):
            place = Box(beside.x, beside.bottom + 5 + 32 * number, beside.width, 29)
            self.button(canvas, action, place, text, PLATE)
