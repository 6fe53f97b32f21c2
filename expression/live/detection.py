"""FaceLoop: the thread that finds and tracks the faces of each frame.

Notebook: 03_threads
"""

from __future__ import annotations

import math

from ..types import Face, Frame, Seen
from ..vision.detectors import Detector
from ..vision.tracking import Tracker
from .data import Data
from .worker import Worker

SEARCH_SECONDS = 0.15
"""How often a detector that is fast near known faces searches the whole frame."""


class FaceLoop(Worker):
    """Follows `data.frame`, finds and tracks faces, and publishes `data.faces`.

    Args:
        data: The shared object.
        detector: Finds the faces.
        tracker: Tells the people apart.
        people: Most faces to follow at once, the largest first.

    Attributes:
        frames: Frames handled so far.
        frames_with_faces: Number of frames in which the detector found a face.
    """

    def __init__(self, data: Data, detector: Detector, tracker: Tracker, people: int = 5):
        super().__init__(data, "faces", output=data.faces)
        self._detector, self._tracker, self._people = detector, tracker, people
        self._follower = data.frame.follow()
        self._found: list[Face] = []
        self._searched, self._scene = -math.inf, 0
        self.frames = 0
        self.frames_with_faces = 0

    @property
    def skipped(self) -> int:
        """Frames that were replaced before the detector was free."""
        return self._follower.skipped

    def step(self) -> None:
        """Waits for a newer frame and publishes who is in it, even if nobody is."""
        frame = self._follower.next()
        if frame is None:
            return self.finish()
        if frame.scene != self._scene:
            self._restart(frame.scene)
        self._found = self._detect(frame)[: self._people] if self.data.control.on else []
        faces = self._tracker.update(self._found, frame.position)
        self.frames += 1
        self.frames_with_faces += bool(self._found)
        self.data.faces.publish(Seen(frame, tuple(faces)))

    def _restart(self, scene: int) -> None:
        """Forgets everybody, since nobody in this frame was in the one before."""
        self._scene, self._found, self._searched = scene, [], -math.inf
        self._tracker.restart()

    def _detect(self, frame: Frame) -> list[Face]:
        """Finds the faces in a frame; in most frames only near the last ones, if that is faster."""
        if not getattr(self._detector, "quick_near", False):
            return self._detector.detect(frame.image)
        everywhere = frame.time - self._searched >= SEARCH_SECONDS
        if everywhere:
            self._searched = frame.time
        return self._detector.detect(frame.image, [face.box for face in self._found], everywhere)
