"""Faces from elsewhere, shown one by one, to save under a label or skip.

`window.py` shows it in a desktop window, `widget.py` in a notebook.

Notebook: 08_your_face
"""

from __future__ import annotations

import textwrap
import threading
import time
from collections import deque
from collections.abc import Iterable

import numpy as np

from ..errors import ExpressionError
from ..labelbook.book import LabelBook
from ..types import Box
from ..vision.drawing import GREY, PALETTE, colour
from .canvas import (
    HOLD,
    LABEL_KEYS,
    PLATE,
    SIDE,
    TEXT,
    VIEW,
    Buttons,
    enlarged,
    ground,
    key_of,
    label_boxes,
    say,
    write,
)
from .capturer import check_agreed, consent
from .importer import Candidate, Importer

TURN = 0.1
"""Seconds of work between two redraws."""

PORTION = 100
"""Faces saved in one change when they are not reviewed one by one."""

UNDOABLE = 100
"""Decisions that can be undone."""

KEYS = {"enter": "keep", " ": "keep", "x": "leave", "backspace": "leave", "u": "undo", "a": "rest"}
"""The actions of keys other than those of the labels."""


class ImportPage(Buttons):
    """Shows what an Importer finds, and saves what the user accepts.

    Its actions are "agree", "keep", "leave", "undo", "rest", and "label:" and a label. Its methods are
    thread-safe.

    Args:
        book: The set in which faces are saved.
        importer: Finds the faces.
        paths: The paths to search.

    Attributes:
        agreed: Whether the terms were accepted; nothing is saved before.
        shown: The current face, or None.
        ended: Whether there are no more faces.
        kept: The number of faces saved.
        passed: The number of faces that the user skipped.
        unlabelled: The number of faces skipped because they have no label and nobody reviews them.
        said: The last event, in a sentence.
    """

    def __init__(self, book: LabelBook, importer: Importer, paths: Iterable):
        super().__init__()
        self.book, self.importer = book, importer
        self.agreed = self.ended = False
        self.shown: Candidate | None = None
        self.kept = self.passed = self.unlabelled = 0
        self.said = ""
        self._found = importer.candidates(*paths)
        self._waiting: list[Candidate] = []  # those restored by an undo
        self._steps: deque[tuple[list[Candidate], bool]] = deque(maxlen=UNDOABLE)
        self._unseen = False
        self._entered = 0.0
        self._turn = threading.RLock()

    def draw(self, image: np.ndarray | None = None) -> np.ndarray:
        """Finds the next face if none is shown, and draws the page.

        Returns:
            (640, 1120, 3) uint8, RGB.
        """
        with self._turn:
            self.buttons = {}
            canvas = ground()
            if not self.agreed:
                self.ask(canvas, consent(self.book))
                return canvas
            if self._unseen:
                self._try(self.keep_rest, TURN)
                self._unseen = self._unseen and not self._needs_label()
            elif not self.shown:
                self._next(time.monotonic() + TURN)
            self._draw_face(canvas)
            self._draw_side(canvas)
            return canvas

    def press(self, key: str) -> bool:
        """Performs the action of a key: a letter, a digit, a space, "enter" or "backspace". Returns False."""
        with self._turn:
            key, labels = key.lower(), self.book.labels
            if not self.agreed:
                self.agreed = key == "enter"
            elif key in KEYS and not (key == "enter" and self._is_held()):
                self._act(KEYS[key])
            elif len(key) == 1 and key in LABEL_KEYS[: len(labels)]:
                self._act(f"label:{labels[LABEL_KEYS.index(key)]}")
            if key == "enter":
                self._entered = time.monotonic()
        return False

    def _is_held(self) -> bool:
        """Whether the Enter key that accepted the terms is still held down."""
        return not self._steps and time.monotonic() - self._entered < HOLD

    def point(self, x: int, y: int, down: bool) -> None:
        """Performs the action of the button pressed at this place of the picture."""
        with self._turn:
            action = self.action_at(x, y) if down else None
            if action == "agree":
                self.agreed = True
            elif action:
                self._act(action)

    def keep_rest(self, seconds: float = float("inf")) -> None:
        """Saves the next faces under the labels of their sets, for so long or until one has no label.

        Raises:
            RunError: Consent has not been given.
            OutputError: There is no room, or the folder is locked.
        """
        check_agreed(self.agreed)
        end = time.monotonic() + seconds
        while not (self.ended or self._needs_label()) and time.monotonic() < end:
            faces = self._portion(end)
            try:
                self.book.add_all((face.picture, face.label, face.session) for face in faces)
            except ExpressionError:
                self._waiting += reversed(faces)
                self.ended = False
                raise
            if faces:
                self._steps.append((faces, True))
            self.kept += len(faces)
            self.said = self._counted()

    def leave_unlabelled(self) -> None:
        """Skips the current face if it has no label; for imports without review."""
        if self._needs_label():
            self.unlabelled += 1
            self.shown = None

    def _portion(self, end: float) -> list[Candidate]:
        """Returns the next faces with a label, up to as many as are saved in one change."""
        faces: list[Candidate] = []
        while not self.ended and len(faces) < PORTION and time.monotonic() < end:
            self._next(end)
            if self._needs_label():
                break
            faces += [self.shown] if self.shown else []
            self.shown = None
        return faces

    def _needs_label(self) -> bool:
        return self.shown is not None and not self.shown.label

    def _counted(self) -> str:
        return f"{self.kept} saved, {self.passed} skipped."

    def _act(self, action: str) -> None:
        """Performs the action of a button."""
        kind, _, label = action.partition(":")
        if kind == "rest":
            self._unseen = not (self._unseen or self.ended or self._needs_label())
            if self._needs_label():
                self.said = "This face has no label. Press the key of a label, or x to skip it."
        elif kind == "undo":
            self._try(self._undo)
        elif not self.shown:
            return
        elif kind == "leave":
            self.passed += 1
            self._go_on(False, "Skipped.")
        elif label or self.shown.label:
            self._try(self._keep, label or self.shown.label)
        else:
            self.said = "Which label is it? Press its key, or x to skip this face."

    def _keep(self, label: str) -> None:
        row = self.book.add(self.shown.picture, label, self.shown.session)
        self.importer.keep(self.shown, label)
        self.kept += 1
        self._go_on(True, f"Saved {row.image} as {label}.")

    def _go_on(self, kept: bool, said: str) -> None:
        self._steps.append(([self.shown], kept))
        self.shown, self.said = None, said

    def _undo(self) -> None:
        """Undoes the last decision and shows its face again."""
        if not self._steps:
            self.said = "There is nothing to undo."
            return
        faces, kept = self._steps[-1]
        if kept:
            self.book.undo()
            self.kept -= len(faces)
        else:
            self.passed -= 1
        self._steps.pop()
        self._waiting += [*([self.shown] if self.shown else []), *reversed(faces)]
        self.shown, self.ended = self._waiting.pop(), False
        self.said = "Undone." if len(faces) == 1 else f"Undone: {len(faces)} faces."

    def _next(self, end: float) -> None:
        """Searches for a face until one is found or the time is up."""
        while not (self.shown or self.ended) and time.monotonic() < end:
            try:
                self.shown = self._waiting.pop() if self._waiting else next(self._found)
            except StopIteration:
                self.ended, self._unseen = True, False
                self.said = self._counted()

    def _try(self, do, *words) -> None:
        """Runs an action; an error, such as a full disk, is shown on the page."""
        try:
            do(*words)
        except ExpressionError as error:
            self._unseen, self.said = False, str(error)

    def _draw_face(self, canvas: np.ndarray) -> None:
        """Draws the current face, and its origin."""
        told = "Looking for faces …"
        if self.shown:
            enlarged(canvas, VIEW, self.shown.picture)
            proposed = f", labelled {self.shown.label}" if self.shown.label else ""
            told = f"{self.shown.origin}{proposed}"
        elif self.ended:
            told = "There are no more faces. Press q to close."
            sentences = [*map(str, self.importer.failed), *self.importer.told()]
            lines = [line for sentence in sentences for line in textwrap.wrap(sentence, 84)]
            for number, line in enumerate(lines[: VIEW.height // 30]):
                write(canvas, VIEW.x, VIEW.y + 30 * number, line, TEXT - 2)
        say(canvas, told, self.said or self._counted())

    def _draw_side(self, canvas: np.ndarray) -> None:
        """Draws the labels and buttons."""
        labels = () if self.ended and not self.shown else self.book.labels
        proposed = self.shown.label if self.shown else None
        for number, (label, box) in enumerate(
            zip(labels, label_boxes(len(labels), 340) if labels else [], strict=True)
        ):
            words = f"{label} ({key_of(number)})" if key_of(number) else label
            tint = colour(label) if label == proposed else GREY if self.shown else PLATE
            self.button(canvas, f"label:{label}", box, words, tint)
        half, y = SIDE.width // 2 - 4, SIDE.bottom - 178
        keep = f"Save as {proposed} (Enter)" if proposed else "Choose a label above"
        if self.shown:
            tint = colour(proposed) if proposed else PLATE
            self.button(canvas, "keep", Box(SIDE.x, y, SIDE.width, 54), keep, tint)
        self.button(canvas, "leave", Box(SIDE.x, y + 62, half, 54), "Skip (x)", PLATE)
        self.button(canvas, "undo", Box(SIDE.right - half, y + 62, half, 54), "Undo (u)", PLATE)
        if proposed or self._unseen:
            rest = "Stop (a)" if self._unseen else "Save the rest as labelled (a)"
            tint = PALETTE["neutral"] if self._unseen else PLATE
            self.button(canvas, "rest", Box(SIDE.x, y + 124, SIDE.width, 54), rest, tint)
