"""Sink: the base class of all sinks; `make_sink` creates one, `SinkLoop` feeds it.

Notebook: 10_reactions
"""

from __future__ import annotations

import functools

import numpy as np

from ..control import Control
from ..types import Frame, Reading

GONE_SECONDS = 2.0
"""After this long unseen, a person has left; detectors miss faces for shorter times."""


class Sink:
    """Where readings go. A subclass is one file of this folder, or a notebook cell.

    The options of a sink are the keywords of its `__init__`, annotated with int, float, bool or str so that
    they can be given as text, and explained in its docstring under `Args`. The command line, its errors and
    the reference are generated from them and from the attributes below.

    Attributes:
        only_changes: Send a reading only when its person's label has changed.
        min_interval: Minimum seconds between two readings of one person.
        dwell: Seconds that a label must stay the same before its reading is sent.
        room: "largest" or "mean": one reading for all people instead of one each; see `aggregate`.
        reacts: Whether it follows `control`: stops while that is paused, and uses its override. Sinks that
            keep a record do not: an override was never read.
        control: The switches of the run; set before `open`, or else a set of its own.
        source: Where the frames come from, in words; set before `open`.
        frame: The frame of the reading that is sent, with its image; set before `send`.
        extra: The package extra that installs what the sink needs, if any.
        option: The keyword that `NAME:VALUE` sets, if the sink has one.
        place: The keyword that names where readings go, such as a host or a file, if the sink has one.
        secrets: The environment variables that hold its secrets. They are not sent to a place that only a
            file in the current folder names.
        keeps: What it keeps of people or sends elsewhere, as guests are told on the live page, such as "every
            reading, in a file"; empty for nothing, None if nobody has said.
        silent: Whether it produces nothing that a user would notice, such as output or files; a run without a
            display that has only such sinks prints its readings.
        close_seconds: Seconds that `close` may need beyond the usual few; read while it is running.
        unfinished: What a running `close` still has to do, as a sentence without its full stop, shown on
            Ctrl-C; empty if nothing would be missed.
        later: The command that completes what was left unfinished; required if `unfinished` is used.
        finished: A sink sets it to True when its output is no longer read: the run ends.
    """

    only_changes: bool = False
    min_interval: float = 0.0
    dwell: float = 0.0
    room: str | None = None
    reacts: bool = False
    source: str = ""
    frame: Frame
    extra: str | None = None
    option: str | None = None
    place: str | None = None
    secrets: tuple[str, ...] = ()
    keeps: str | None = None
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
        """Its name in messages: the one that the user wrote, or else that of its file or class."""
        package, _, file = type(self).__module__.rpartition(".")
        return file if package == __package__ else type(self).__name__

    def open(self) -> None:
        """Opens the file, the connection or the device; imports optional packages.

        Raises:
            ExpressionError: A BadInputError, MissingFileError, OutputError or
                MissingPackageError if trying again would not help: the run ends.
                So it does on an ImportError, reported with the line that installs `extra`.
                After anything else it is tried again.
        """

    def wants(self, reading: Reading) -> bool:
        """Returns whether this reading is accepted now; must not raise.

        A rejected reading counts as not sent: its label is offered again while it is read.
        """
        return True

    def send(self, reading: Reading) -> None:
        """Receives one reading of one person.

        Raises:
            ExpressionError: A BadInputError, MissingFileError or MissingPackageError if
                trying again would not help: the run ends. After anything else this reading
                is lost, and later ones are tried.
        """
        raise RuntimeError(f"{type(self).__name__} does not define send")

    def empty(self) -> None:
        """Called when the last person has left, a few seconds after they were seen.

        It is called once; if it raises, it is tried again until it works or somebody appears.
        """

    def picture(self, width: int, height: int) -> np.ndarray | None:
        """Returns the image that the display shows for it in a corner; None for nothing.

        The display's thread calls it for every frame, so it should take at most a millisecond.

        Args:
            width: Pixels.
            height: Pixels.

        Returns:
            (height, width, 3) uint8, RGB; the same array as before if nothing has changed.
        """
        return None

    def close(self) -> None:
        """Releases everything; called once after the last reading, if it was opened."""
