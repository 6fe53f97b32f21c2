"""The shared object of a live run: latest values, versions, and one flag called done.

Each thread of a run reads what it needs from a `Data` and publishes its results there.
A slot holds only the latest value, so nothing queues and nothing grows; a consumer
follows a slot and waits for something newer than it last saw. `session.py` creates the
Data and passes it to every loop.

Notebook: 03_threads
"""

from __future__ import annotations

import threading
from typing import Generic

from ..control import Control
from ..types import Face, Frame, HeatMap, Reading, Seen, T


class Slot(Generic[T]):
    """Holds the latest value of one kind and wakes the threads that wait for it.

    Attributes:
        latest: The newest value, None before the first.
        version: Number of values so far; 0 before the first.
        closed: True if no more values will come.
    """

    def __init__(self, data: Data):
        self._data = data
        self._changed = data.changed
        self.latest: T | None = None
        self.version = 0
        self.closed = False

    def publish(self, value: T) -> None:
        """Replaces the latest value and wakes every waiter."""
        with self._changed:
            self.latest = value
            self.version += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Marks that no more values will come, and wakes every waiter."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def follow(self) -> Follower[T]:
        """Returns a new consumer of this slot that has seen nothing yet."""
        return Follower(self, self._data)


class Follower(Generic[T]):
    """One consumer of a slot; it never gets the same value twice.

    Attributes:
        taken: Number of values that it got.
        skipped: Number of values that were replaced before it got them.
    """

    def __init__(self, slot: Slot[T], data: Data):
        self._slot, self._data = slot, data
        self._seen = 0
        self.taken = 0
        self.skipped = 0

    def next(self, timeout: float | None = None) -> T | None:
        """Waits for a value newer than the last one and returns it.

        Args:
            timeout: Seconds to wait at most; None waits until something happens.

        Returns:
            The newest value, or None: nothing came in time, the run is done, or the
            slot is closed. The last value before the slot closed is always delivered.
        """
        slot = self._slot
        with self._data.changed:
            self._data.changed.wait_for(
                lambda: self._data.done or slot.closed or slot.version > self._seen, timeout
            )
            if slot.version == self._seen or (self._data.done and not slot.closed):
                return None
            self.skipped += slot.version - self._seen - 1
            self.taken += 1
            self._seen = slot.version
            return slot.latest

    @property
    def ended(self) -> bool:
        """True if `next` will return nothing more."""
        with self._data.changed:
            if self._slot.closed:
                return self._slot.version == self._seen
            return self._data.done


class Data:
    """What the threads of a live run share.

    Attributes:
        frame: Slot of the newest Frame.
        faces: Slot of the newest Seen faces.
        readings: Slot of the newest Seen readings.
        heat: Slot of the newest HeatMap, of the largest face, while `control.heat_map` is on.
        control: Switches that can be changed during the run: on, paused, override ...
        waiting: What the capture is waiting for, as text for the display; empty while frames arrive.
        done: A plain flag; setting it to True ends the run and wakes every waiter.
        error: None, or the first failure as (thread name, exception).

    Example:
        >>> data = Data()
        >>> follower = data.frame.follow()
        >>> data.frame.publish("first"); data.frame.publish("second")
        >>> follower.next(), follower.skipped, follower.next(timeout=0)
        ('second', 1, None)
        >>> data.done = True
        >>> follower.ended
        True
    """

    def __init__(self):
        self.changed = threading.Condition()
        self._done = False
        self.waiting = ""
        self.error: tuple[str, BaseException] | None = None
        self.frame: Slot[Frame] = Slot(self)
        self.faces: Slot[Seen[Face]] = Slot(self)
        self.readings: Slot[Seen[Reading]] = Slot(self)
        self.heat: Slot[HeatMap] = Slot(self)
        self.control = Control()

    @property
    def done(self) -> bool:
        """True once the run is over; set it to True to end the run."""
        return self._done

    @done.setter
    def done(self, value: bool) -> None:
        with self.changed:
            self._done = bool(value)
            self.changed.notify_all()

    def fail(self, name: str, error: BaseException) -> None:
        """Keeps the first failure and ends the run.

        Args:
            name: The thread it happened in.
            error: What was raised there.
        """
        with self.changed:
            if self.error is None:
                self.error = (name, error)
            self.done = True

    def wait_done(self, timeout: float | None = None) -> bool:
        """Sleeps until the run is done, for at most `timeout` seconds; returns `done`."""
        with self.changed:
            return self.changed.wait_for(lambda: self._done, timeout)
