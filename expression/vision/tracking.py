"""Tracking: follows people across frames by their boxes.

`Tracker` gives every face a person number that stays with the face, and stabilises its
box. `Smoother` (`smoothing.py`) turns a person's scores over time into a label that does not flicker.
`FaceLoop` holds a Tracker, `PredictLoop` a Smoother.

Notebook: 07_live
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..types import Box, Face

GATE = 1.0
"""A face further than this many face widths from where a person is expected is someone else's."""

GATE_PER_SECOND = 1.0
"""The gate grows by this many face widths for each second without a detection."""

LARGEST_RATIO = 1.8
"""A face larger or smaller than a person's by more than this factor is someone else's."""

HITS = 2
"""A face becomes a person after being found in this many consecutive frames; a false face rarely is."""

SLOW = 0.25
"""Frames further apart than this, in seconds, are treated as single pictures: a face in one of them
becomes a person at once."""

HIDDEN_SECONDS, HIDDEN_WIDTHS = 1.0, 1.0
"""A person expected within this many face widths of another, visible one may be hidden by
that one and is kept this much longer, in seconds."""

VELOCITY_SECONDS = 0.25
"""Time constant of a person's velocity."""

STILL_SECONDS, MOVING_SECONDS = 0.25, 0.02
"""Time constants of a box, in seconds: for a still face, and for one moving a width per second."""

DEAD_BAND = 0.015
"""A box is not moved by less than this share of its width."""


@dataclass
class _Track:
    """A tracked person.

    Attributes:
        measured: (4,) float64, the last detected middle x, middle y, width and height, in pixels.
        steady: (4,) float64, the same, smoothed.
        shown: The last box that was returned.
        velocity: (4,) float64, change of `measured` per second.
        seen: When the face was last detected, in seconds.
        hits: How often it was detected.
        person: The number; None until this is certainly a face.
    """

    measured: np.ndarray
    steady: np.ndarray
    shown: Box
    velocity: np.ndarray
    seen: float
    hits: int = 1
    person: int | None = None

    def expected(self, time: float) -> np.ndarray:
        """Returns where the face should be by now, at constant velocity."""
        return self.measured + self.velocity * (time - self.seen) * np.array([1, 1, 0, 0])

    def found(self, vector: np.ndarray, time: float) -> None:
        """Updates the track with a detection."""
        seconds = max(time - self.seen, 1e-3)
        change = (vector - self.measured) / seconds
        self.velocity += _share(seconds, VELOCITY_SECONDS) * (change - self.velocity)
        self.measured, self.seen, self.hits = vector, time, self.hits + 1
        widths = float(np.abs(self.velocity).max() / vector[2])
        constant = max(MOVING_SECONDS, STILL_SECONDS / (1 + widths * STILL_SECONDS / MOVING_SECONDS))
        self.steady = self.steady + _share(seconds, constant) * (vector - self.steady)
        box = _box(self.steady)
        if np.abs(_vector(box) - _vector(self.shown)).max() > DEAD_BAND * box.width:
            self.shown = box


class Tracker:
    """Assigns person numbers to faces, from 1.

    Args:
        stale: A person not detected for this many seconds is gone; whoever comes
            back later gets a new number.

    Attributes:
        numbers: How many numbers have been assigned.

    Example:
        >>> tracker = Tracker()
        >>> [face.person for face in tracker.update([Face(Box(10, 10, 50, 50))], 0.0)]
        [1]
        >>> [face.person for face in tracker.update([Face(Box(14, 10, 50, 50))], 0.04)]
        [1]
    """

    def __init__(self, stale: float = 0.7):
        self.stale = stale
        self.numbers = 0
        self._tracks: list[_Track] = []
        self._time = -math.inf

    def update(self, faces: Sequence[Face], time: float) -> list[Face]:
        """Takes the faces of one frame and returns them with person numbers.

        Args:
            faces: The faces found by a detector.
            time: When the frame was captured, in seconds; never less than before.

        Returns:
            The faces that are people, each with its number and a stabilised box, in the order
            in which they were passed. No number appears twice.
        """
        at_once = time - self._time > SLOW
        self._tracks = [track for track in self._tracks if self._is_there(track, time)]
        self._time = time
        pairs = self._pair(faces, time)
        people = []
        for index, face in enumerate(faces):
            track = self._follow(pairs.get(index), face, time)
            if track.person is None and (at_once or track.hits >= HITS):
                self.numbers += 1
                track.person = self.numbers
            if track.person is not None:
                people.append(replace(face, box=track.shown, person=track.person))
        return people

    def restart(self) -> None:
        """Forgets everybody, as the next frame shows another scene. Numbering continues."""
        self._tracks, self._time = [], -math.inf

    def _is_there(self, track: _Track, time: float) -> bool:
        """Whether a person was detected recently, or must be hidden by someone who was."""
        seconds = time - track.seen
        if seconds <= self.stale:
            return track.person is not None or track.seen == self._time  # in the previous frame
        others = [other for other in self._tracks if other.seen > track.seen and other.person]
        hidden = any(_distance(track.expected(time), other.measured) < HIDDEN_WIDTHS for other in others)
        return hidden and track.person is not None and seconds <= self.stale + HIDDEN_SECONDS

    def _follow(self, track: _Track | None, face: Face, time: float) -> _Track:
        """Updates the track of a face, or starts a new one."""
        vector = _vector(face.box)
        if track is None:
            track = _Track(vector, vector, face.box, np.zeros(4), time)
            self._tracks.append(track)
        else:
            track.found(vector, time)
        return track

    def _pair(self, faces: Sequence[Face], time: float) -> dict[int, _Track]:
        """Returns the track of each face that has one, nearest pair first."""
        costs = []
        for index, face in enumerate(faces):
            for number, track in enumerate(self._tracks):
                cost = _cost(track, _vector(face.box), time)
                if cost is not None:
                    costs.append((track.person is None, cost, index, number))
        pairs: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, _, index, number in sorted(costs):
            if index not in pairs and number not in taken:
                pairs[index] = self._tracks[number]
                taken.add(number)
        return pairs


def _cost(track: _Track, vector: np.ndarray, time: float) -> float | None:
    """Returns how badly a face matches a track; None if it cannot be the same person."""
    expected = track.expected(time)
    distance = _distance(vector, expected)
    ratio = max(vector[2] / expected[2], expected[2] / vector[2])
    if distance > GATE + GATE_PER_SECOND * (time - track.seen) or ratio > LARGEST_RATIO:
        return None
    return distance + math.log(ratio)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the distance between two middles, in face widths."""
    return math.hypot(*(one - other)[:2]) / ((one[2] + other[2]) / 2)


def _vector(box: Box) -> np.ndarray:
    """Returns (4,) float64 middle x, middle y, width, height."""
    return np.array([*box.centre, box.width, box.height], np.float64)


def _box(vector: np.ndarray) -> Box:
    """Returns the box of a vector, in whole pixels."""
    x, y, width, height = map(float, vector)
    return Box(round(x - width / 2), round(y - height / 2), max(1, round(width)), max(1, round(height)))


def _share(seconds: float, constant: float) -> float:
    """Returns the weight of a new value in an exponential average after this many seconds, 0 to 1."""
    return 1 - math.exp(-max(0.0, seconds) / constant)
