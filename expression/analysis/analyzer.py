"""Analyzer: the readings of every frame of a recording, computed on all cores.

What costs time, finding and scoring faces, needs only one frame, so several threads do it side by side:
OpenCV and LiteRT release Python's lock while they compute. What needs the frames in order, following
people and smoothing, costs little and comes afterwards. So any number of threads gives the same rows.

Notebook: 13_video
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, MissingFileError
from ..labels import Labels
from ..models import Runtime, load, registry
from ..settings import Settings
from ..types import Box, Face, Frame, Reading, Seen
from ..vision.cuts import Cuts, sketch
from ..vision.detectors import Detector, make_detector
from ..vision.resting import RestingFaces
from ..vision.smoothing import Smoother
from ..vision.tracking import Tracker

AHEAD = 2
"""Frames that wait for each thread: enough to keep it busy, few enough to fit into memory."""

FOUND_WITH = ("detector", "people", "smallest_face", "eyes", "sensitivity")
"""The settings on which the faces in a frame and their scores depend, apart from the network."""


@dataclass(frozen=True)
class Faces:
    """What was found in one frame, before people are followed.

    Attributes:
        number: The number of the frame, from 0.
        position: Its time in the recording, in seconds.
        boxes: (n, 4) int64: x, y, width and height, in pixels, the largest face first.
        scores: (n, labels) float32, what a live run says about each.
        sketch: What is compared with the frame before to find cuts; see `cuts.sketch`.
    """

    number: int
    position: float
    boxes: np.ndarray
    scores: np.ndarray
    sketch: np.ndarray


class Analyzer:
    """Finds, scores and follows the faces of recordings.

    Args:
        settings: Detector, network, people, sensitivity, smoothing and threshold, as for a live run.
        workers: Number of threads; with one, everything is computed in the calling thread.

    Attributes:
        settings: As given.
        labels: The labels of the network.
        network: A name of the network that another one does not have.
    """

    def __init__(self, settings: Settings, workers: int = 1):
        self.settings, self.workers = settings, workers
        self._own = threading.local()
        self._runtime, _ = self._parts()
        self.labels: Labels = self._runtime.labels
        self.network = self._runtime.identity

    def _parts(self) -> tuple[Runtime, Detector]:
        """Returns this thread's own network and detector, since neither can be used by two at once."""
        if not hasattr(self._own, "parts"):
            settings = self.settings
            runtime = load(settings.model or registry.SHIPPED)
            runtime.sensitivity = settings.sensitivity
            self._own.parts = runtime, make_detector(settings.detector, settings.smallest_face, settings.eyes)
        return self._own.parts

    def faces(self, frames: Iterable[Frame]) -> Iterator[Faces]:
        """Yields the faces of frames, in their order; few frames are in memory at a time."""
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # one frame for each thread is faster than several threads for each frame
        try:
            yield from map(self._found, frames) if self.workers == 1 else self._side_by_side(frames)
        finally:
            cv2.setNumThreads(threads)

    def _side_by_side(self, frames: Iterable[Frame]) -> Iterator[Faces]:
        """Yields the faces of frames, which several threads find."""
        waiting: collections.deque[Future[Faces]] = collections.deque()
        with ThreadPoolExecutor(self.workers, "analyze") as pool:
            try:
                for frame in frames:
                    waiting.append(pool.submit(self._found, frame))
                    if len(waiting) >= AHEAD * self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _found(self, frame: Frame) -> Faces:
        """Finds and scores the faces of one frame."""
        runtime, detector = self._parts()
        found = detector.detect(frame.image)[: self.settings.people]
        boxes = np.array([(b.x, b.y, b.width, b.height) for b in (face.box for face in found)], np.int64)
        pictures = [runtime.preprocess(frame.image, face.box) for face in found]
        scores = runtime.scores(np.stack(pictures)) if pictures else np.empty((0, len(runtime.labels)))
        place = (frame.number, frame.position)
        return Faces(*place, boxes.reshape(-1, 4), np.float32(scores), sketch(frame.image))

    def resting(self, path: Path) -> RestingFaces:
        """Reads the resting face that a live run has written.

        Raises:
            MissingFileError: There is no such file.
            BadInputError: It is something else, or was learned with another network.
        """
        remedy = f"Learn it in a live run: expression live --neutral {path}, press n, and look neutral."
        if not path.exists():
            raise MissingFileError(f"There is no resting face {path}.", "Expected a file.", remedy)
        average = self._runtime.resting
        resting = None if average is None else RestingFaces(average)
        if resting is None or not resting.read(path, self.labels, self.network):
            raise BadInputError(
                f"The resting face in {path} was learned with another network.",
                f"Expected one learned with {self._runtime.name}.",
                remedy,
            )
        return resting

    def readings(
        self, frames: Iterable[Faces], file: str = "", resting: RestingFaces | None = None
    ) -> Iterator[Seen[Reading]]:
        """Yields the readings of each frame: follows people from frame to frame, and smooths labels.

        After a cut, everybody is new: who stands in the same place is somebody else more often than not.

        Args:
            frames: All frames of a recording, in order.
            file: The name that the readings get.
            resting: Taken out of everybody's scores.
        """
        tracker = Tracker(self.settings.stale)
        smoother = Smoother(self.settings.smooth, self.labels, self.settings.threshold)
        cuts = Cuts()
        for each in frames:
            if cuts.starts(each.sketch):
                tracker.restart()
            frame = Frame(_NOTHING, each.number, 0.0, each.position, file)
            # The confidence carries the index through the tracker, which passes it on.
            found = [Face(Box(*map(int, box)), index) for index, box in enumerate(each.boxes)]
            readings = []
            for face in tracker.update(found, each.position):
                scores = each.scores[int(face.confidence)]
                if resting is not None:
                    scores = resting.update(face.person, scores, each.position)
                label, smoothed = smoother.update(face.person, scores, each.position)
                by_label = dict(zip(self.labels, map(float, smoothed), strict=True))
                readings.append(Reading.of(frame, face.person, face.box, label, by_label))
            yield Seen(frame, tuple(readings))


_NOTHING = np.empty((0, 0, 3), np.uint8)
"""Readings do not need the image of their frame."""
