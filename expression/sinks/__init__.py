"""Sinks: where readings go; one file each, found by its name.

A sink is a class with `open`, `send` and `close`. `make_sink` turns `csvfile:out.csv`
into one, and `SinkLoop` is the thread that feeds it. A sink may fail: it is warned of
once and tried again with growing pauses while the video goes on. To add one, add a
file, or define the class in a notebook cell and hand an instance to the session.

Notebook: 09_reactions
"""

from __future__ import annotations

from ..data import Reading


class Sink:
    """Where readings go. A subclass is one file of this folder, or a notebook cell.

    Attributes:
        only_changes: Send a reading only when its person's label changed.
        min_interval: Seconds between two readings of one person, at least.
        extra: The extra of the package that installs what the sink needs, if any.
        option: The keyword that `NAME:VALUE` sets, if the sink has one.
    """

    only_changes: bool = False
    min_interval: float = 0.0
    extra: str | None = None
    option: str | None = None

    def open(self) -> None:
        """Takes the file, the connection or the device; imports optional packages.

        Raises:
            ExpressionError: With exit code 2, or a MissingPackageError, when trying
                again is of no use: the run ends. Anything else is tried again.
        """

    def send(self, reading: Reading) -> None:
        """Takes one reading of one person. Whatever it raises is tried again later."""
        raise RuntimeError(f"{type(self).__name__} has no send")

    def close(self) -> None:
        """Gives everything back; called once after the last reading, if it was opened."""
