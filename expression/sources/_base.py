"""Source: what every source is; `open_source` makes one, `CaptureLoop` reads it.

Notebook: 03_threads
"""

from __future__ import annotations

from collections.abc import Callable, Sized

import numpy as np


class Source:
    """Where frames come from. A subclass is one file of this folder, or a notebook cell.

    Attributes:
        fps: Frames a second of a recording, which `CaptureLoop` keeps to; None for a
            live source, whose `read` waits for the next picture by itself.
        captured: When the last picture was taken, in seconds of `time.monotonic()`, for a
            source that knows; None takes the moment in which it was read.
        position: The recording's own time of the last picture, in seconds; None takes the frame's number
            over `fps`, or the time since the source was opened.
        file: The name of the last picture, for a folder of pictures.
        scene: Changes when a picture has nothing to do with the one before.
        skipped: What could not be read; see `skipped.Skipped`.
        mirror: Whether people see themselves in it, so that it is shown like a mirror.
        description: How messages call it, known once it is open.
        named: Whether `--source NAME` with the name of its file is enough to open it, as
            for demo.
        stopped: Called by a source that has to wait: whether the run that reads it is over.
        say_waiting: Called by such a source with what it waits for, in words for the display; empty once a
            picture comes.
    """

    fps: float | None = None
    captured: float | None = None
    position: float | None = None
    file: str = ""
    scene: int = 0
    skipped: Sized = ()
    mirror: bool = False
    description: str = "source"
    named: bool = False
    stopped: Callable[[], bool] = staticmethod(lambda: False)
    say_waiting: Callable[[str], None] = staticmethod(lambda text: None)

    def open(self) -> None:
        """Takes the device or file.

        Raises:
            SourceError: It is missing, busy or not readable.
        """

    def read(self) -> np.ndarray | None:
        """Returns the next picture, (height, width, 3) uint8 RGB, or None at the end.

        Raises:
            SourceLostError: A live source stopped giving pictures.
        """
        return None

    def close(self) -> None:
        """Gives the device or file back; called once, also after an error."""
