"""`expression check --camera`: looks through the camera, and says what hinders reading and how to fix it.

It shows and keeps nothing.

Notebook: 07_live
"""

from __future__ import annotations

import math
import time

from ..checks import Check
from ..errors import SourceError
from ..settings import COMMAND_LINE, Settings
from ..sources import first_camera, open_source
from ..sources._base import Source
from ..vision.conditions import Conditions
from ..vision.detectors import Detector, make_detector

SECONDS = 10.0
"""How long it looks."""

GOOD = "This looks good."
"""The conclusion if nothing hinders reading."""


def check_camera(source: str | None = None, seconds: float = SECONDS) -> list[Check]:
    """Looks for some seconds, and returns a check for each hindrance, or one that says that it looks good.

    Args:
        source: What to look at; None for that of the settings, or the camera.
        seconds: How long; a recording may end earlier.

    Raises:
        SourceError: There is no camera, or it fails.
    """
    settings = Settings.load(place=COMMAND_LINE, source=source)
    opened = _camera() if settings.source is None else open_source(settings.source, repeat=False)
    detector = make_detector(settings.detector, settings.smallest_face)
    print(f"Looking at {opened.description} for {seconds:g} seconds. Sit as you normally will.", flush=True)
    conditions = _looked(opened, detector, seconds)
    share = f"a face in {len(conditions.faces)} of {conditions.frames} frames"
    checks = [
        Check(hindrance.name, False, hindrance.found, hindrance.remedy)
        for hindrance in conditions.hindrances()
    ] or [Check("face", True, share)]
    if conditions.faces and all(math.isnan(face.tilt) for face in conditions.faces):
        found = f"not measured, because {detector.name} does not say how sure it is"
        checks.append(Check("angle", None, found, "Run: expression models get yunet"))
    return checks


def _camera() -> Source:
    """Returns the first camera."""
    index = first_camera()
    if index is None:
        raise SourceError(
            "There is no camera.",
            "Expected a camera to look through.",
            "Plug one in, or name something to look at with --source.",
        )
    return open_source(index)


def _looked(source: Source, detector: Detector, seconds: float) -> Conditions:
    """Looks at the frames of some seconds."""
    conditions = Conditions(detector)
    source.open()
    try:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and (image := source.read()) is not None:
            conditions.look(image)
    finally:
        source.close()
    return conditions
