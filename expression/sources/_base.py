"""Source: the base class of all sources; `open_source` creates one, `CaptureLoop` reads it.

Notebook: 03_threads
"""

from __future__ import annotations

from collections.abc import Callable, Sized

import numpy as np


class Source:
    """A source of frames. Each subclass is a file of this folder, or a notebook cell.

    Attributes:
        fps: Frames per second of a recording, at which `CaptureLoop` plays it; None for a
            live source, whose `read` itself waits for the next frame.
        captured: When the last frame was taken, in seconds of `time.monotonic()`, if the
            source knows; None for the time at which it was read.
        position: The recording's own time of the last frame, in seconds; None for the frame's number
            divided by `fps`, or the time since the source was opened.
        file: The name of the last picture, for a folder of pictures.
        scene: A number that changes when a frame is unrelated to the previous one.
        skipped: What could not be read; see `skipped.Skipped`.
        mirror: Whether people see themselves in it, so that it is shown like a mirror.
        description: Its name in messages, known once it is open.
        rests: Whether it is closed while the run is switched off, and opened again afterwards, so that nobody
            is filmed then.
        named: Whether `--source NAME` with the name of its file is enough to open it, as
            for demo.
        stopped: Called by a source that has to wait; returns whether the run that reads it is over.
        say_waiting: Called by such a source with a text for the display about what it waits for; empty
            once a frame comes.
    """

    fps: float | None = None
    captured: float | None = None
    position: float | None = None
    file: str = ""
    scene: int = 0
    skipped: Sized = ()
    mirror: bool = False
    description: str = "source"
    rests: bool = False
    named: bool = False
    stopped: Callable[[], bool] = staticmethod(lambda: False)
    say_waiting: Callable[[str], None] = staticmethod(lambda text: None)

    def open(self) -> None:
        """Opens the device or file.

        Raises:
            SourceError: It is missing, busy or not readable.
        """

    def read(self) -> np.ndarray | None:
        """Returns the next frame, (height, width, 3) uint8 RGB, or None at the end.

        Raises:
            SourceLostError: A live source stopped sending frames.
        """
        return None

    def close(self) -> None:
        """Closes the device or file; called after each `open`, also after an error."""
