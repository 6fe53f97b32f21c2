"""Types: the values that the parts of the package exchange: frames, boxes, faces and readings.

Notebook: 03_threads
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Frame:
    """One still image from a source.

    Attributes:
        image: (height, width, 3) uint8, RGB, 0 to 255.
        number: Counted from 0 within the run.
        time: When it was captured, in seconds of `time.monotonic()`; gives its age.
        position: Its time in the recording, or since the first frame, in seconds; it never decreases.
            Whatever follows people or labels over time uses it, so that a recording gives the same
            readings however fast it is played.
        file: The name of the picture that it shows, if the source is a folder of pictures.
        scene: Changes when a frame has nothing to do with the one before, as between two photos or after a
            cut in a recording.
    """

    image: np.ndarray = field(repr=False, compare=False)
    number: int = 0
    time: float = field(default_factory=time.monotonic)
    position: float = 0.0
    file: str = ""
    scene: int = 0


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; the origin is the top left corner of the picture.

    Example:
        >>> Box(10, 20, 30, 40).centre
        (25.0, 40.0)
    """

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the box."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Pixels in the box."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The centre of the box, (x, y) in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    def scaled(self, factor: float) -> Box:
        """Returns the box in a picture that is `factor` times as large."""
        return Box(*(round(v * factor) for v in (self.x, self.y, self.width, self.height)))

    def mirrored(self, width: int) -> Box:
        """Returns the box in the mirrored picture; `width` is the picture's, in pixels."""
        return Box(width - self.right, self.y, self.width, self.height)

    def shared(self, other: Box) -> int:
        """Returns how many pixels lie in both boxes."""
        wide = min(self.right, other.right) - max(self.x, other.x)
        high = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(0, wide) * max(0, high)

    def overlap(self, other: Box) -> float:
        """Returns intersection over union, 0 to 1.

        Example:
            >>> Box(0, 0, 10, 10).overlap(Box(5, 0, 10, 10))
            0.3333333333333333
        """
        shared = self.shared(other)
        union = self.area + other.area - shared
        return shared / union if union else 0.0


@dataclass(frozen=True)
class Face:
    """A face that a detector found.

    Attributes:
        box: Where it is in the frame, in pixels; an edge may lie outside the frame.
        confidence: How sure the detector is, 0 to 1; 1 if it does not say.
        person: The number of the person, from 1; None before tracking.
        points: The person's right and left eye, the tip of the nose, and the right and left corner of the
            mouth, each (x, y) in pixels; empty if the detector does not find them.
    """

    box: Box
    confidence: float = 1.0
    person: int | None = None
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Reading:
    """What the network reads from one face.

    Attributes:
        person: The number of the person, from 1.
        box: Where the face is in the frame, in pixels.
        label: The label, smoothed against flicker, or `labels.NOT_SURE`.
        score: The (smoothed) score of that label, 0 to 1; the highest one when not sure.
        scores: Every label with its (smoothed) score, in the order of the labels; they sum to 1.
        frame: The number of the frame.
        time: When the frame was captured, in seconds of `time.monotonic()`.
        position: Time of the frame in the recording, in seconds.
        file: The name of the picture that was read, if the source is a folder of pictures.
    """

    person: int
    box: Box
    label: str
    score: float
    scores: Mapping[str, float] = field(repr=False)
    frame: int = 0
    time: float = 0.0
    position: float = 0.0
    file: str = ""

    @property
    def best(self) -> str:
        """The label; if not sure, the one with the highest score."""
        return self.label if self.label in self.scores else max(self.scores, key=self.scores.get)

    @classmethod
    def of(cls, frame: Frame, person: int, box: Box, label: str, scores: Mapping[str, float]) -> Reading:
        """Returns the reading of a face in a frame; if not sure, its score is the highest one."""
        score = scores.get(label, max(scores.values(), default=0.0))
        return cls(person, box, label, score, scores, frame.number, frame.time, frame.position, frame.file)


@dataclass(frozen=True)
class HeatMap:
    """Which parts of a face its label depends on.

    Attributes:
        person: The number of the person, from 1.
        label: The label.
        drops: (rows, columns) float32 over the square around the face: how much the score of the label falls
            when this part is covered.
        time: When the frame was captured, in seconds of `time.monotonic()`.
    """

    person: int
    label: str
    drops: np.ndarray = field(repr=False, compare=False)
    time: float = 0.0


@dataclass(frozen=True)
class Seen(Generic[T]):
    """What was found in one frame: its faces or its readings, possibly none.

    Attributes:
        frame: The frame it was seen in.
        items: Face or Reading, one per person.
    """

    frame: Frame
    items: tuple[T, ...] = ()


def largest(found: Iterable[T]) -> T | None:
    """Returns the face or reading with the largest box; None if there is none.

    Example:
        >>> largest([Face(Box(0, 0, 4, 4)), Face(Box(9, 9, 8, 8))]).box.width
        8
    """
    return max(found, key=lambda each: each.box.area, default=None)


POLICIES = ("largest", "mean")
"""Whom a room follows: the nearest person, or everybody equally."""
