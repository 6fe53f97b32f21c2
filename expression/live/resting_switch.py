"""RestingSwitch: what happens in a run when people are asked to look neutral, and afterwards.

`prediction.py` passes every score through one. It follows the switch `Control.neutral`, which a key, a
button and programs set, and keeps the resting face in a file if the user names one.

Notebook: 08_your_face
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from ..control import Control
from ..errors import OutputError
from ..models import Runtime
from ..vision.resting import RestingFaces

logger = logging.getLogger("expression")


class RestingSwitch:
    """Takes the resting faces of the people in view out of their scores while the switch is on.

    Args:
        control: The switches of the run.
        runtime: The network of the run.
        path: A file from which the resting face is read, if it exists, and to which a new one is written.

    Raises:
        BadInputError: The file is something else.
    """

    def __init__(self, control: Control, runtime: Runtime, path: Path | None = None):
        self._control, self._runtime, self._path = control, runtime, path
        self._resting = None if runtime.resting is None else RestingFaces(runtime.resting)
        self._on = False  # the switch as last seen
        if path and path.exists() and self._resting:
            if self._resting.read(path, runtime.labels, runtime.identity):
                self._on = control.neutral = True
            else:
                logger.warning(
                    "The resting face in %s was learned with another network. Expected one learned with %s. "
                    "It is not used; press n and look neutral to learn it again.",
                    path,
                    runtime.name,
                )

    def tick(self, time: float) -> None:
        """Says that a frame was captured, in seconds; notices the switch, and the end of learning."""
        if self._control.neutral != self._on:
            self._switch(self._control.neutral)
        if self._resting is None or not self._resting.learning:
            return
        self._resting.tick(time)
        self._control.learning = self._resting.learning
        if not self._resting.learning:
            self._learned()

    def update(self, person: int, scores: np.ndarray, time: float) -> np.ndarray:
        """Returns the scores of a face as `RestingFaces.update` does."""
        return scores if self._resting is None else self._resting.update(person, scores, time)

    def _switch(self, on: bool) -> None:
        """Starts to learn, or forgets."""
        self._on = on
        if self._resting is None:
            self._refuse(
                f"{self._runtime.name} does not say how it reads an average neutral face.",
                "Expected a network with the label Neutral that this version has trained.",
                "Leave --model out to use the shipped one.",
            )
        elif on:
            self._resting.learn()
        else:
            self._resting.forget()
            self._control.learning = False

    def _learned(self) -> None:
        """Writes the resting face; reports that there is none."""
        if not self._resting.known:
            self._refuse(
                "No face was in view long enough to learn its resting face.",
                "Expected one that looks into the camera for three seconds.",
                "Sit closer or turn on a light, and press n again.",
            )
        elif self._path:
            try:
                self._resting.write(self._path, self._runtime.labels, self._runtime.identity)
            except OutputError as error:
                logger.warning("%s", error)

    def _refuse(self, *parts: str) -> None:
        """Turns the switch off, and says why."""
        if self._control.neutral:
            logger.warning("%s", " ".join(parts))
        self._on = self._control.neutral = False
