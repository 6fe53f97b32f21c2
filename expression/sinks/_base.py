"""Sink: what every sink is; `make_sink` makes one, `SinkLoop` feeds it.

Notebook: 09_reactions
"""

from __future__ import annotations

import functools

import numpy as np

from ..control import Control
from ..types import Frame, Reading

GONE_SECONDS = 2.0
"""Whoever was not seen for so long has left; a detector misses a face for shorter."""


class Sink:
    """Where readings go. A subclass is one file of this folder, or a notebook cell.

    The options of a sink are the keywords of its `__init__`, annotated with int, float, bool or str so that
    they can be given in words, and explained in its docstring under `Args`. The command line, its errors and
    the reference are made from them and from the attributes below.

    Attributes:
        only_changes: Send a reading only when its person's label changed.
        min_interval: Seconds between two readings of one person, at least.
        dwell: Seconds that a label must have been the same before its reading is sent.
        room: "largest" or "mean": one reading for all people in place of each one's; see `aggregate`.
        reacts: Whether it follows `control`: holds still while that pauses, and takes its override. What
            keeps a record does not: an override was never read.
        control: The switches of the run; set before `open`, and some of its own where nobody does.
        frame: The frame of the reading that is sent, with its picture; set before `send`.
        extra: The extra of the package that installs what the sink needs, if any.
        option: The keyword that `NAME:VALUE` sets, if the sink has one.
        place: The keyword that names where readings go, such as a host or a file, if the sink has one.
        secrets: The environment variables that hold its secrets. They are not sent to a place that only a
            file in the current folder names.
        silent: Whether it neither prints nor keeps readings, nor does anything to be noticed by; a run
            without a display, with such sinks only, prints its readings.
        close_seconds: Seconds that `close` may need beyond the usual few; asked for while it is at it.
        unfinished: What `close` still has to do while it is at it, as a sentence without its full stop, for
            whoever presses Ctrl-C meanwhile; empty for nothing that would be missed.
        later: The command that does later what was left unfinished; needed where `unfinished` is.
        finished: A sink that nobody listens to any more sets it to True: the run ends.
    """

    only_changes: bool = False
    min_interval: float = 0.0
    dwell: float = 0.0
    room: str | None = None
    reacts: bool = False
    frame: Frame
    extra: str | None = None
    option: str | None = None
    place: str | None = None
    secrets: tuple[str, ...] = ()
    silent: bool = False
    close_seconds: float = 0.0
    unfinished: str = ""
    later: str = ""
    finished: bool = False

    @functools.cached_property
    def control(self) -> Control:
        """The switches of the run."""
        return Control()

    @functools.cached_property
    def name(self) -> str:
        """What messages call it: what the user called it, else the name of its file or class."""
        package, _, file = type(self).__module__.rpartition(".")
        return file if package == __package__ else type(self).__name__

    def open(self) -> None:
        """Takes the file, the connection or the device; imports optional packages.

        Raises:
            ExpressionError: A BadInputError, MissingFileError, OutputError or
                MissingPackageError, when trying again is of no use: the run ends.
                So does an ImportError, which is told with the line that installs `extra`.
                Anything else is tried again.
        """

    def wants(self, reading: Reading) -> bool:
        """Returns whether this reading is taken now; must not raise.

        What is not wanted counts as not sent: the label is offered again while it is read.
        """
        return True

    def send(self, reading: Reading) -> None:
        """Takes one reading of one person.

        Raises:
            ExpressionError: A BadInputError, MissingFileError or MissingPackageError, when
                trying again is of no use: the run ends. After anything else this reading
                is lost, and later ones are tried.
        """
        raise RuntimeError(f"{type(self).__name__} does not define send")

    def empty(self) -> None:
        """Called when the last person has left, a few seconds after they were seen.

        Once, but where it raises it is tried again, until it works or somebody comes.
        """

    def picture(self, width: int, height: int) -> np.ndarray | None:
        """Returns what a corner of the display shows of it; None for nothing.

        The display's thread asks for it with every frame, so it should take a millisecond at most.

        Args:
            width: Pixels.
            height: Pixels.

        Returns:
            (height, width, 3) uint8, RGB; the same array again while it has not changed.
        """
        return None

    def close(self) -> None:
        """Gives everything back; called once after the last reading, if it was opened."""
