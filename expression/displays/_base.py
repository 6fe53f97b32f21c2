"""Display: the base class of displays; `make_display` creates one, `DisplayLoop` feeds it.

Notebook: 07_live
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..control import Control
from ..types import Reading


@dataclass(frozen=True)
class About:
    """What a display may say about its run.

    Attributes:
        source: The name of the source.
        camera: Whether that is a camera, and not a recording.
        closes: Whether it is closed while the run is switched off.
        people: How many people are read at most.
        reacts: The names of the sinks that react, and keep nothing.
        keeps: For each sink or file that keeps something of people or sends it elsewhere, its name and what.
    """

    source: str = "nothing"
    camera: bool = False
    closes: bool = False
    people: int = 0
    reacts: tuple[str, ...] = ()
    keeps: tuple[tuple[str, str], ...] = ()


class Display:
    """Where frames are shown. A subclass defines `open`, `show` and `close`.

    Attributes:
        name: Its name for `--display`.
        needs_main_thread: Whether all calls must come from the main thread.
        draws: Whether it shows anything at all.
        about: Returns what the run is; set before `open`. More is known once the source is open.
        control: The switches of the run, for keys and buttons of the display; set before `open`.
    """

    name = "display"
    needs_main_thread = False
    draws = True
    about: Callable[[], About] = About
    control: Control | None = None

    def open(self) -> None:
        """Opens the display."""

    def show(self, image: np.ndarray, readings: Sequence[Reading] | None = None, status: str = "") -> bool:
        """Shows a picture.

        Args:
            image: (height, width, 3) uint8, RGB, with everything that is drawn on it.
            readings: The readings that are drawn on it; None if there was no frame to read.
            status: The line that is drawn in its corner, such as "24 fps · 31 ms".

        Returns:
            False if the user has closed the display.
        """
        return self.is_open()

    def is_open(self) -> bool:
        """Handles keys and clicks; returns False if the user has closed the display."""
        return True

    def close(self) -> None:
        """Closes the display; harmless if it is not open."""


class NoDisplay(Display):
    """Shows nothing and costs nothing."""

    name = "none"
    draws = False
