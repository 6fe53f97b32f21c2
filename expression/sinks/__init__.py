"""Sinks: where readings go; one file each, found by its name.

A sink is a class with `open`, `send` and `close`. `make_sink` turns `csvfile:out.csv`
into one, and `SinkLoop` (sinkloop.py) is the thread that feeds it. To add one, add a
file, or define the class in a notebook cell and hand an instance to the session.

Notebook: 09_reactions
"""

from __future__ import annotations

import functools
import importlib
import inspect
from pathlib import Path

import numpy as np

from ..control import Control
from ..data import Frame, Reading
from ..errors import BadInputError, did_you_mean
from ._options import options_of

GONE_SECONDS = 2.0
"""Whoever was not seen for so long has left; a detector misses a face for shorter."""


class Sink:
    """Where readings go. A subclass is one file of this folder, or a notebook cell.

    The options of a sink are the keywords of its `__init__`, annotated with int, float,
    bool or str so that they can be given in words.

    Attributes:
        only_changes: Send a reading only when its person's label changed.
        min_interval: Seconds between two readings of one person, at least.
        dwell: Seconds that a label must have been the same before its reading is sent.
        room: "largest" or "mean": one reading for all people in place of each one's; see `room.of_room`.
        reacts: Whether it follows `control`: holds still while that pauses, and takes its override. What
            keeps a record does not: an override was never read.
        control: The switches of the run; set before `open`, and some of its own where nobody does.
        frame: The frame of the reading that is sent, with its picture; set before `send`.
        extra: The extra of the package that installs what the sink needs, if any.
        option: The keyword that `NAME:VALUE` sets, if the sink has one.
        close_seconds: Seconds that `close` may need beyond the usual few; asked for while it is at it.
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
    close_seconds: float = 0.0
    finished: bool = False

    @functools.cached_property
    def control(self) -> Control:
        """The switches of the run."""
        return Control()

    @property
    def name(self) -> str:
        """What messages call it: the name of its file, or of a class defined elsewhere."""
        package, _, file = type(self).__module__.rpartition(".")
        return file if package == __name__ else type(self).__name__

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
        raise RuntimeError(f"{type(self).__name__} has no send")

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


def names() -> list[str]:
    """Returns the names of the sinks in this folder; imports none of them.

    Example:
        >>> "console" in names()
        True
    """
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def make_sink(text: str | Sink) -> Sink:
    """Turns what a user wrote into a sink that is not yet open.

    Args:
        text: NAME, NAME:VALUE (the sink's main option), NAME:key=value,key=value, or a
            Sink, which is returned as it is.

    Raises:
        BadInputError: There is no such sink or option, or the value is of another kind.

    Example:
        >>> make_sink("memory:limit=5").readings.maxlen
        5
    """
    if isinstance(text, Sink):
        return text
    if not isinstance(text, str):
        raise _no_sink(text)
    name, _, rest = text.strip().partition(":")
    kind = _sink_class(name)
    return kind(**options_of(name, kind, rest))


def _no_sink(thing: object) -> BadInputError:
    """Returns the error for something that is neither a name nor a sink."""
    if isinstance(thing, type):
        remedy = f"Make one of it: {thing.__name__}()."
        remedy = remedy if issubclass(thing, Sink) else f"Write: class {thing.__name__}(Sink). {remedy}"
    elif hasattr(thing, "send"):
        remedy = f"Write: class {type(thing).__name__}(Sink)."
    else:
        remedy = f"Choose one of {', '.join(names())}, or write a subclass of Sink."
    return BadInputError(f"{thing!r} is no sink.", "Expected a name, or an instance of a Sink.", remedy)


def _sink_class(name: str) -> type[Sink]:
    """Imports the file of that name and returns the sink that it defines."""
    if name not in names():
        raise BadInputError(
            f"There is no sink {name!r}.",
            f"Expected one of {', '.join(names())}.",
            did_you_mean(name, names()),
        )
    module = importlib.import_module(f".{name}", __name__)
    kinds = (value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Sink))
    return next(kind for kind in kinds if kind.__module__ == module.__name__)
