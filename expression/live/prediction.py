"""PredictLoop: the thread that turns faces into readings.

It is given a runtime and a smoother and never builds one, so that a test or a lesson can
pass its own. `session.py` starts it.

Notebook: 07_live
"""

from __future__ import annotations

import time
from collections import Counter

import numpy as np

from ..models import Runtime
from ..types import Face, Frame, Reading, Seen
from ..vision.smoothing import Smoother
from .data import Data
from .resting_switch import RestingSwitch
from .stats import Milliseconds, process_seconds
from .worker import Worker


class PredictLoop(Worker):
    """Follows `data.faces`, scores every face and publishes `data.readings`.

    Args:
        data: The shared object.
        runtime: The loaded network.
        smoother: Turns scores over time into a label.
        resting: Takes people's resting faces out of their scores; None for a new one.

    Attributes:
        predictions: Faces scored so far.
        labels: How often each label was read.
        ages: Time from the capture of a frame until its readings were published.
        first_reading: Seconds from the start of the process to the first reading, or None.
    """

    def __init__(
        self, data: Data, runtime: Runtime, smoother: Smoother, resting: RestingSwitch | None = None
    ):
        super().__init__(data, "prediction", output=data.readings)
        self._resting = resting or RestingSwitch(data.control, runtime)
        self._runtime, self._smoother = runtime, smoother
        self._follower = data.faces.follow()
        self.predictions = 0
        self.labels: Counter[str] = Counter()
        self.ages = Milliseconds()
        self.first_reading: float | None = None

    def step(self) -> None:
        """Waits for newer faces and publishes their readings."""
        seen = self._follower.next()
        if seen is None:
            return self.finish()
        readings = self._read(seen.frame, seen.items)
        self.data.readings.publish(Seen(seen.frame, readings))
        if readings:
            self._count(seen.frame, readings)

    def _read(self, frame: Frame, faces: tuple[Face, ...]) -> tuple[Reading, ...]:
        """Scores the faces of one frame in one call of the network."""
        self._resting.tick(frame.position)
        if not faces:
            return ()
        pictures = np.stack([self._runtime.preprocess(frame.image, face.box) for face in faces])
        scores = self._runtime.scores(pictures)
        return tuple(self._reading(frame, face, row) for face, row in zip(faces, scores, strict=True))

    def _reading(self, frame: Frame, face: Face, scores: np.ndarray) -> Reading:
        """Returns the smoothed reading of one face."""
        scores = self._resting.update(face.person, scores, frame.position)
        label, smoothed = self._smoother.update(face.person, scores, frame.position)
        by_label = dict(zip(self._runtime.labels, map(float, smoothed), strict=True))
        return Reading.of(frame, face.person, face.box, label, by_label)

    def _count(self, frame: Frame, readings: tuple[Reading, ...]) -> None:
        """Adds the readings of one frame to the statistics."""
        self.ages.add(time.monotonic() - frame.time)
        self.predictions += len(readings)
        self.labels.update(reading.label for reading in readings)
        if self.first_reading is None:
            self.first_reading = process_seconds()
