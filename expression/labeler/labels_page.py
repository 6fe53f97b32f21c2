"""The labeler's page for labels: add, rename, move and remove them.

`labeler.py` shows what `LabelsPage.draw` returns, and passes keys and clicks to it.

Notebook: 08_your_face
"""

from __future__ import annotations

import numpy as np

from ..types import Box
from ..vision.drawing import PALETTE, colour
from .canvas import PLATE, SIDE, TEXT, VIEW, Buttons, ground, say, write
from .capturer import Capturer

LONGEST_NAME = 24
"""The most letters of a label."""

COLUMNS = {"up": ("Up", 90), "down": ("Down", 90), "rename": ("Rename", 130), "remove": ("Remove", 130)}
"""The buttons of each label: action, text and width in pixels."""


class LabelsPage(Buttons):
    """Edits the list of labels of a LabelBook.

    Its actions are "up:", "down:", "rename:" and "remove:" with a label, and "add", "keep", "drop", "undo"
    and "back".

    Args:
        capturer: The capturer whose book has the labels; if its label is renamed, it is updated.

    Attributes:
        typed: The part of a name typed so far, or None if no name is being typed.
        said: The last event, in a sentence.
    """

    def __init__(self, capturer: Capturer):
        super().__init__()
        self.capturer, self.book = capturer, capturer.book
        self.typed: str | None = None
        self.said = ""
        self._renamed: str | None = None

    def draw(self) -> np.ndarray:
        """Draws the page: (640, 1120, 3) uint8, RGB."""
        self.buttons = {}
        canvas = ground()
        counts = self.book.counts
        high = min(44, VIEW.height // len(counts))
        for number, (label, count) in enumerate(counts.items()):
            x, y = VIEW.x, VIEW.y + number * high
            canvas[y : y + high - 4, x : x + 8] = colour(label)
            write(canvas, x + 30, y + max(0, (high - 30) // 2), f"{label}, {count}", min(TEXT, high // 2))
            x = VIEW.right - sum(width for _, width in COLUMNS.values())
            for action, (word, width) in COLUMNS.items():
                self.button(canvas, f"{action}:{label}", Box(x, y, width - 6, high - 4), word, PLATE)
                x += width
        self._side(canvas)
        more = "They are saved in labelList.csv. Their order determines their keys."
        say(canvas, self.said or "The labels and the number of pictures for each.", more)
        return canvas

    def _side(self, canvas: np.ndarray) -> None:
        """Draws the buttons at the side, and the name being typed."""
        place = Box(SIDE.x, SIDE.y, SIDE.width, 54)
        if self.typed is None:
            self.button(canvas, "add", place, "Add a label (a)", PALETTE["neutral"])
        else:
            what = f"New name for {self._renamed}:" if self._renamed else "New label:"
            write(canvas, SIDE.x + 12, SIDE.y, what, TEXT)
            box = Box(SIDE.x, SIDE.y + 40, SIDE.width, 54)
            canvas[box.y : box.bottom, box.x : box.right] = PLATE
            write(canvas, box.x + 16, box.y + 12, f"{self.typed}|", TEXT + 3)
            half = SIDE.width // 2 - 4
            self.button(canvas, "keep", Box(SIDE.x, SIDE.y + 104, half, 44), "OK (Enter)", PALETTE["neutral"])
            self.button(canvas, "drop", Box(SIDE.right - half, SIDE.y + 104, half, 44), "Cancel (Esc)", PLATE)
        self.button(canvas, "undo", Box(SIDE.x, SIDE.bottom - 116, SIDE.width, 54), "Undo (u)", PLATE)
        self.button(canvas, "back", Box(SIDE.x, SIDE.bottom - 54, SIDE.width, 54), "Back (l)", PLATE)

    def press(self, key: str) -> str | None:
        """Handles a key, and returns its action, or None.

        Args:
            key: A letter, a digit, a space, "enter", "backspace" or "escape".
        """
        if self.typed is None:
            return {"a": "add", "u": "undo", "l": "back", "e": "back"}.get(key.lower())
        if key.lower() in ("enter", "escape"):
            return "keep" if key.lower() == "enter" else "drop"
        if key.lower() == "backspace":
            self.typed = self.typed[:-1]
        elif len(key) == 1 and key.isprintable():
            self.typed = (self.typed + key)[:LONGEST_NAME]
        return None

    def act(self, action: str) -> None:
        """Performs the action of a button.

        Raises:
            BadInputError: The name is empty or already in use, or pictures have the label to be removed.
            OutputError: There is no room, or the folder is locked.
        """
        kind, _, label = action.partition(":")
        if kind in ("add", "rename"):
            self.typed, self._renamed = label, label or None
        elif kind == "drop":
            self.typed = None
        elif kind == "keep" and self.typed is not None:
            self._keep(self.typed.strip())
        elif kind == "undo":
            done = self.book.undo()
            self.said = f"Undone: {done}." if done else "There is nothing to undo."
        elif kind == "remove" and label in self.book.labels:
            self.book.set_labels([name for name in self.book.labels if name != label])
            self.said = f"{label} was removed."
        elif kind in ("up", "down") and label in self.book.labels:
            self._move(label, -1 if kind == "up" else 1)

    def _keep(self, name: str) -> None:
        """Adds or renames a label with the name that was typed."""
        former, chosen = self._renamed, self.capturer.label
        found = self.book.labels.find(name)
        if found not in (None, former):
            self.said = f"{found} is already in the list. Type another name, or press Esc."
            return
        if former:
            self.book.rename_label(former, name)
            self.said = f"{former} is now called {name}."
        else:
            self.book.set_labels([*self.book.labels, name])
            self.said = f"{name} was added."
        self.typed = None
        if chosen == former:
            self.capturer.label = name

    def _move(self, label: str, step: int) -> None:
        """Moves a label up or down, but not past the ends of the list."""
        labels = list(self.book.labels)
        at = labels.index(label)
        to = min(max(0, at + step), len(labels) - 1)
        labels.insert(to, labels.pop(at))
        if at != to:
            self.book.set_labels(labels)
