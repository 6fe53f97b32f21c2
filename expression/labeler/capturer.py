"""What the labeler does with frames, independent of a screen: it saves faces and says what is missing.

`labeler.py` shows it. It works on a LabelBook and a detector.

Notebook: 08_your_face
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from ..errors import RunError
from ..labelbook.book import LabelBook
from ..labelbook.rows import Row
from ..pictures.image import crop, face_pixels, fit, grey, square, standardise
from ..types import Box, largest
from ..vision.detectors import Detector

CONSENT = (
    "Each picture that you save stays on this machine, in {images}, with a row in faceLabels.csv. "
    "Nothing is uploaded. Save pictures only of people who have agreed. "
    'The command "expression dataset wipe" deletes all of them.'
)
"""The terms shown before the first picture."""

LONGEST = 192
"""The longest side of a saved face in pixels; a network reads 48."""

PACE = 0.4
"""Seconds between the pictures of a burst."""

SAME = 0.2
"""Two faces whose standardised grey levels differ by less on average count as nearly identical.

Measured at the pace of a burst: a still portrait with camera noise differs by at most 0.18 in 95% of pairs,
with the boxes of Haar, which jitter more; a woman who turns her head differs by at least 0.35 in 75%.
"""

LIGHT, DISTANCE = 12.0, 1.25
"""When the faces of a label count as varied: the least range of their mean grey levels, and the least ratio
of the largest width to the smallest."""

TURNS = (
    "Turn your head a little to the left, then to the right.",
    "Tilt your head a little.",
    "If you wear glasses, take some pictures with them and some without.",
    "Make the expression a little weaker, then a little stronger.",
)
"""What the coach suggests in turn once light and distance vary."""


class Kept(NamedTuple):
    """A saved face: its file, label, mean grey level, width in the frame, and hash of its pixels."""

    image: str
    label: str
    light: float
    width: int
    digest: bytes


class Capturer:
    """Saves faces from frames under a label.

    Args:
        book: The set in which they are saved.
        detector: Finds the faces.
        target: The number of pictures wanted for each label.
        colour: Whether pictures are saved in colour; otherwise grey.
        whole: Whether the whole frame is saved; otherwise the face.
        clock: Returns the time in seconds.

    Attributes:
        agreed: Whether the terms in `consent(book)` were accepted; nothing is saved before.
        label: The label of the next picture.
        held: Whether a burst is in progress.
        box: The place of the largest face in the newest frame, or None.
        preview: The picture that would be saved: (side, side[, 3]) uint8, or None.
        said: The last event, in a sentence.

    Example:
        >>> from expression.vision.detectors import make_detector
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, LabelBook(folder) as book:
        ...     capturer = Capturer(book, make_detector("whole"))
        ...     capturer.agreed = True
        ...     capturer.see(np.zeros((100, 100, 3), np.uint8))
        ...     row = capturer.capture()
        ...     print(capturer.said)
        Saved face1.png as Angry: 1 of 20.
    """

    def __init__(
        self,
        book: LabelBook,
        detector: Detector,
        target: int = 20,
        colour: bool = False,
        whole: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.book, self.detector, self.target = book, detector, target
        self.colour, self.whole = colour, whole
        self.session = datetime.now().isoformat(timespec="seconds")
        self.agreed = self.held = False
        self.box: Box | None = None
        self.preview: np.ndarray | None = None
        self.said = ""
        self._label = book.labels[0]
        self._clock, self._next = clock, 0.0
        self._face: np.ndarray | None = None  # (48, 48) uint8, of the newest frame
        self._kept: list[Kept] = []
        self._last: np.ndarray | None = None  # the last face saved, standardised

    @property
    def label(self) -> str:
        """The label of the next picture, or the first if it is no longer listed. Setting it ends a burst."""
        labels = self.book.labels
        return self._label if self._label in labels else labels[0]

    @label.setter
    def label(self, label: str) -> None:
        labels = self.book.labels
        self._label, self.held, self._last = labels[labels.index(label)], False, None

    def see(self, image: np.ndarray) -> None:
        """Finds the largest face in a frame, and saves it if the next picture of a burst is due.

        Args:
            image: (height, width, 3) uint8 RGB.
        """
        face = largest(self.detector.detect(image))
        self.box = face and face.box
        self.preview = None if self.box is None else self._cut(image, self.box)
        self._face = None if self.box is None else face_pixels(image, self.box)
        if self.held and self._clock() >= self._next:
            self._next = self._clock() + PACE
            self._burst()

    def capture(self) -> Row | None:
        """Saves the face of the newest frame, once; `said` reports the result.

        Raises:
            RunError: Consent has not been given.
            OutputError: There is no room, or the folder is locked.
        """
        check_agreed(self.agreed)
        if self.preview is None:
            self.said = "No face was found. Look at the camera in good light."
            return None
        digest = sha256(self.preview.tobytes()).digest()
        twin = next((kept.image for kept in self._in_book() if kept.digest == digest), None)
        if twin is not None:
            self.said = f"This exact picture is already saved as {twin}. Move a little."
            return None
        row = self.book.add(self.preview, self.label, self.session)
        self._last = standardise(self._face)
        light = float(self._face.mean())
        self._kept.append(Kept(row.image, self.label, light, self.box.width, digest))
        self.said = f"Saved {row.image} as {self.label}: {self.book.counts[self.label]} of {self.target}."
        return row

    def undo(self) -> None:
        """Undoes the last change, whatever it was."""
        done = self.book.undo()
        self._last = None
        self.said = f"Undone: {done}." if done else "There is nothing to undo."

    def coach(self) -> str:
        """Returns a sentence about what is still missing."""
        counts = self.book.counts
        left = self.target - counts[self.label]
        if left <= 0:
            return self._other(counts)
        mine = [kept for kept in self._in_book() if kept.label == self.label]
        if len(mine) < 3:
            return f"{left} more of {self.label}. Press space, or hold it down."
        lights, widths = [kept.light for kept in mine], [kept.width for kept in mine]
        if max(widths) < DISTANCE * min(widths):
            return f"{left} more of {self.label}. Move closer, then farther away."
        if max(lights) - min(lights) < LIGHT:
            return f"{left} more of {self.label}, in different light: turn to the window, or away from it."
        return f"{left} more of {self.label}. {TURNS[(len(mine) // 3 - 1) % len(TURNS)]}"

    def _in_book(self) -> list[Kept]:
        """Returns the faces that were saved here and still exist."""
        known = {row.image for row in self.book.rows}
        return [kept for kept in self._kept if kept.image in known]

    def _other(self, counts: dict[str, int]) -> str:
        """Returns a sentence about what comes after a label with enough pictures."""
        fewest = min(counts, key=counts.get)
        if counts[fewest] < self.target:
            return f"{self.label} has enough pictures. Next: {fewest}, {self.target - counts[fewest]} more."
        sessions = {row.session for row in self.book.rows}
        if len(sessions) < 2:
            return "Every label has enough pictures. Come back another day: testing needs a second session."
        return f"Every label has enough, from {len(sessions)} sessions. Next: expression personalise."

    def _burst(self) -> None:
        """Saves a face of a burst, unless it is nearly identical to the last one."""
        both = self._face is not None and self._last is not None
        if both and np.abs(standardise(self._face) - self._last).mean() < SAME:
            self.said = "Nearly the same as the last picture: move a little."
        else:
            self.capture()

    def _cut(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Returns the part of a frame to save."""
        if not self.whole:
            return cut_face(image, box, self.colour)
        return image if self.colour else grey(image)


def consent(book: LabelBook) -> str:
    """Returns the terms to accept."""
    return CONSENT.format(images=book.images.resolve())


def check_agreed(agreed: bool) -> None:
    """Raises a RunError if consent has not been given."""
    if not agreed:
        raise RunError(
            "Consent has not been given.",
            "Expected the terms to be read and accepted first.",
            "Accept the terms first.",
        )


def cut_face(image: np.ndarray, box: Box, colour: bool) -> np.ndarray:
    """Returns the square around the box of a face.

    Args:
        image: (height, width, 3) uint8 RGB.
        box: The place of the face, in pixels.
        colour: Whether to return colours.

    Returns:
        (side, side, 3) uint8 RGB or (side, side) uint8 grey levels; at most 192 pixels on a side.
    """
    kept = crop(image, square(box))
    return fit(kept if colour else grey(kept), LONGEST)[0]
