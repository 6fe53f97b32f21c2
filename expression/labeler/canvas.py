"""What the labeler's window looks like, and which button is where; it needs no screen itself.

`labeldesk.py` shows what `LabelScreen.draw` returns, and hands clicks to `action_at`.

Notebook: 07_your_face
"""

from __future__ import annotations

import textwrap

import cv2
import numpy as np

from . import overlay
from .capturing import Capturer, consent
from .data import Box
from .drawing import GREY, PALETTE, colour, draw_corners
from .image import resize

WIDTH, HEIGHT = 1120, 640
"""Pixels of the window's picture."""

VIEW = Box(24, 24, 720, 540)
"""Where the live view is."""

SIDE = Box(768, 24, 328, 540)
"""Where labels and buttons are."""

GROUND, PLATE = (24, 27, 33), (44, 49, 58)
"""RGB of the window and of a button."""

TEXT = 17
"""Pixels of a letter's height."""


HOLD = 0.7
"""A key that is held comes again and again; so long after the last time it has been let go, seconds."""

WHOLE_LINE = 120
"""Letters from edge to edge."""

LABEL_KEYS = "1234567890bcdghijkmorstvwyz"
"""Keys of the labels, in order; the other letters do something else. Further labels are clicked."""

IN_COLUMN = 14
"""Labels below each other before a second column begins."""


def key_of(number: int) -> str:
    """Returns the key of a label, or nothing.

    Example:
        >>> key_of(0), key_of(9), key_of(99)
        ('1', '0', '')
    """
    return LABEL_KEYS[number : number + 1]


def label_boxes(count: int, height: int, tallest: int = 40) -> list[Box]:
    """Returns where the labels are, in columns from the upper edge of the side.

    Args:
        count: How many there are.
        height: Pixels that they may take.
        tallest: Pixels of one at most, with the gap below it.
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
        buttons: Where each button of the last picture is, by its action.
    """

    def __init__(self):
        self.buttons: dict[str, Box] = {}

    def action_at(self, x: int, y: int) -> str | None:
        """Returns the action of the button at a place of the last picture, or None."""
        for action, box in self.buttons.items():
            if box.x <= x < box.right and box.y <= y < box.bottom:
                return action
        return None

    def button(self, canvas: np.ndarray, action: str, box: Box, text: str, tint: overlay.Colour) -> None:
        """Draws a button and notes where it is."""
        _plate(canvas, box, tint)
        size = max(7, min(TEXT - 2, round(box.height / 1.8)))
        label = overlay.pill(overlay.shortened(text, size, box.width - 2 * size), "", tint, size)
        wide, high = label.extent
        overlay.blend(canvas, label, box.x + (box.width - wide) // 2, box.y + (box.height - high) // 2)
        self.buttons[action] = box

    def ask(self, canvas: np.ndarray, terms: str) -> None:
        """Draws what has to be agreed to first, and the button `agree`."""
        write(canvas, 130, 130, "Before you begin", TEXT + 9)
        for number, text in enumerate(textwrap.wrap(terms, 88)):
            write(canvas, 130, 200 + 34 * number, text, TEXT)
        self.button(canvas, "agree", Box(130, 420, 300, 56), "I agree (Enter)", PALETTE["neutral"])
        write(canvas, 460, 434, "Nothing is kept before that. q closes this.", TEXT)


class LabelScreen(Buttons):
    """Draws a Capturer.

    Its actions are "agree", "capture", "undo", "review", "labels", and "label:" and a label.

    Example:
        >>> from expression.faces import make_detector
        >>> from expression.labelbook import LabelBook
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, LabelBook(folder) as book:
        ...     screen = LabelScreen()
        ...     picture = screen.draw(Capturer(book, make_detector("whole")), None)
        >>> picture.shape, list(screen.buttons)
        ((640, 1120, 3), ['agree'])
    """

    def draw(
        self, capturer: Capturer, image: np.ndarray | None, mirror: bool = False, note: str = ""
    ) -> np.ndarray:
        """Draws what a person sees.

        Args:
            capturer: What is going on.
            image: The newest frame, (height, width, 3) uint8 RGB, or None before the first.
            mirror: Whether it is shown like a mirror.
            note: What people should know beside the terms.

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
        say(canvas, capturer.said or note or "Choose a label, show it, and press space.", capturer.coach())
        return canvas

    def _view(self, canvas: np.ndarray, capturer: Capturer, image: np.ndarray | None, mirror: bool) -> None:
        """Draws the frame with the face that would be kept."""
        if image is None:
            write(canvas, VIEW.x + 240, VIEW.y + 250, "Waiting for the first picture …", TEXT)
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
        """Draws a row for each label: its key, its name, and how many of the target there are."""
        counts = capturer.book.counts
        for number, ((label, count), row) in enumerate(
            zip(counts.items(), label_boxes(len(counts), 320), strict=True)
        ):
            chosen = label == capturer.label
            if row.width < SIDE.width:
                words = f"{key_of(number)}  {label}  {count}".strip()
                self.button(canvas, f"label:{label}", row, words, colour(label) if chosen else PLATE)
                continue
            _plate(canvas, row, PLATE if chosen else GROUND)
            size = min(TEXT - 3, (row.height + 4) // 2)
            name = overlay.shortened(label, size, 150)
            pill = overlay.pill(name, key_of(number), colour(label) if chosen else GREY, size)
            overlay.blend(canvas, pill, row.x + 6, row.y + (row.height - pill.extent[1]) // 2)
            share = min(1.0, count / capturer.target)
            if share:
                bar = overlay.bar(max(6, round(60 * share)), 6, colour(label))
                overlay.blend(canvas, bar, row.right - 150, row.y + row.height // 2 - 3)
            told = f"{count} of {capturer.target}"
            write(canvas, row.right - 80, row.y + (row.height - round(size * 1.7)) // 2, told, size)
            self.buttons[f"label:{label}"] = row

    def _preview(self, canvas: np.ndarray, capturer: Capturer) -> None:
        """Draws what would be kept, and the buttons beside it."""
        place = Box(SIDE.x, SIDE.bottom - 192, 192, 192)
        _plate(canvas, place, PLATE)
        if capturer.preview is None:
            write(canvas, place.x + 40, place.y + 80, "no face", TEXT)
        else:
            enlarged(canvas, place, capturer.preview)
        write(canvas, SIDE.x + 12, place.y - 26, "q closes this, and the camera goes off.", TEXT - 4)
        words = "Keeping …" if capturer.held else "Keep (space)"
        beside = Box(place.right + 8, place.y, SIDE.right - place.right - 8, 94)
        self.button(canvas, "capture", beside, words, colour(capturer.label))
        others = {"undo": "Undo (u)", "review": "Look (e)", "labels": "Labels (l)"}
        for number, (action, text) in enumerate(others.items()):
            place = Box(beside.x, beside.bottom + 5 + 32 * number, beside.width, 29)
            self.button(canvas, action, place, text, PLATE)


def say(canvas: np.ndarray, said: str, more: str) -> None:
    """Writes what happened below everything, and another line where that leaves room for it."""
    for number, line in enumerate([*textwrap.wrap(said, WHOLE_LINE), more][:2]):
        write(canvas, VIEW.x, HEIGHT - 66 + 30 * number, line, TEXT)


def ground() -> np.ndarray:
    """Returns an empty picture: (640, 1120, 3) uint8 RGB."""
    return np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)


def plain(text: str) -> np.ndarray:
    """Returns a picture of a text alone: (640, 1120, 3) uint8 RGB."""
    canvas = ground()
    for number, words in enumerate(textwrap.wrap(text, 96)):
        write(canvas, 130, 200 + 34 * number, words, TEXT)
    return canvas


def enlarged(canvas: np.ndarray, place: Box, picture: np.ndarray) -> None:
    """Draws a picture as large as fits, in the middle of a place.

    Args:
        canvas: What is drawn on.
        place: Where, in its pixels.
        picture: (height, width, 3) uint8 RGB or (height, width) uint8 grey levels.
    """
    factor = min(place.width / picture.shape[1], place.height / picture.shape[0])
    wide, high = (max(1, round(side * factor)) for side in picture.shape[1::-1])
    shown = resize(picture, wide, high)
    shown = shown if shown.ndim == 3 else cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB)
    x, y = place.x + (place.width - wide) // 2, place.y + (place.height - high) // 2
    canvas[y : y + high, x : x + wide] = shown


def _plate(canvas: np.ndarray, box: Box, tint: overlay.Colour) -> None:
    canvas[box.y : box.bottom, box.x : box.right] = tint


def write(canvas: np.ndarray, x: int, y: int, text: str, size: int) -> None:
    """Writes a line from its upper left corner."""
    overlay.blend(canvas, overlay.line(text, size, 0), x - round(size * 0.6), y)
