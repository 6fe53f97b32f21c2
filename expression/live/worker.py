"""Worker: a thread of a live run that sets up, steps until done, and tears down.

`CaptureLoop`, `FaceLoop`, `PredictLoop`, `DisplayLoop` and `SinkLoop` are Workers;
`session.py` starts and joins them.

Notebook: 03_threads
"""

from __future__ import annotations

import threading

from .data import Data, Slot


class Worker(threading.Thread):
    """A thread that repeats `step` until the shared `done` is set or its work ends.

    A subclass defines `step`, and `setup` and `teardown` if it needs them. An exception
    in any of them is stored in `data.error` and ends the run; `teardown` is always called.

    Args:
        data: The shared object.
        name: The name of the thread in messages.
        output: The slot it publishes to, closed when it ends, so that its followers
            end as well.

    Example:
        >>> class Count(Worker):
        ...     total = 0
        ...     def step(self):
        ...         self.total += 1
        ...         if self.total == 3:
        ...             self.finish()
        >>> count = Count(Data(), "count")
        >>> count.start(); count.join(); count.total
        3
    """

    def __init__(self, data: Data, name: str, output: Slot | None = None):
        super().__init__(name=name, daemon=True)
        self.data = data
        self._output = output
        self._finished = False

    def setup(self) -> None:
        """Called once in the thread before the first step."""

    def step(self) -> None:
        """One piece of work; should return within a fraction of a second once done is set."""
        raise RuntimeError(f"{type(self).__name__} has no step")

    def teardown(self) -> None:
        """Called once in the thread after the last step, also after an exception."""

    def finish(self) -> None:
        """Called from `step` when there is nothing left to do; `step` is not called again."""
        self._finished = True

    def run(self) -> None:
        """The work of the thread; call `start`, not this."""
        self._guard(self._work)
        self._guard(self.teardown)
        if self._output is not None:
            self._output.close()

    def _work(self) -> None:
        self.setup()
        while not (self.data.done or self._finished):
            self.step()

    def _guard(self, call) -> None:
        """Makes a call, and passes any exception to the shared object."""
        try:
            call()
        except BaseException as error:  # noqa: BLE001  a thread must not die silently
            self.data.fail(self.name, error)
