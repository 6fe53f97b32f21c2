"""The end of a run: its threads are joined, even if Ctrl-C is pressed, and those that hang are named.

`session.py` calls it.

Notebook: 07_live
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from ..errors import RunError
from .signals import patient
from .sink_loop import SinkLoop
from .worker import Worker

JOIN_SECONDS = 5.0
"""How long the end of a run waits for all its threads together; no source takes longer to open.

A sink that has much to restore may ask for more: `Sink.close_seconds`.
"""

SLICE = 0.2
"""Seconds of one wait: a sink may ask for less time meanwhile, and Windows delivers Ctrl-C in between."""


class Ending:
    """Waits for the threads of a run that is done.

    In the main thread, Ctrl-C does not interrupt this: the first one prints what is still being done, and
    the second one ends the wait.

    Args:
        workers: The threads.

    Attributes:
        left: The threads that are alive after the wait.
        seconds: How long the wait took.
        error: What to raise about the threads that are left; None if there are none.
    """

    def __init__(self, workers: Sequence[Worker]):
        self._workers = [w for w in workers if w.ident and w is not threading.current_thread()]
        self._insisted = False
        self.left: list[Worker] = []
        self.seconds = 0.0
        self.error: RunError | None = None

    def wait(self, note: Callable[[], None] = lambda: None) -> None:
        """Waits until all have ended, the time is up, or Ctrl-C is pressed again.

        Args:
            note: Called after the wait; Ctrl-C does not interrupt it either.
        """
        began = time.monotonic()
        with patient(self._in_words, self._insist):
            while (alive := self._alive) and not self._insisted:
                asked = max((w.sink.close_seconds for w in self._sinks), default=0.0)
                left = began + JOIN_SECONDS + asked - time.monotonic()
                if left <= 0:
                    break
                alive[0].join(min(left, SLICE))
            self.left = self._alive
            self.seconds = time.monotonic() - began
            if self.left:
                self.error = self._error()
            note()

    @property
    def _alive(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.is_alive()]

    @property
    def _sinks(self) -> list[SinkLoop]:
        return [worker for worker in self._alive if isinstance(worker, SinkLoop)]

    def _unfinished(self) -> list[tuple[str, str]]:
        """Returns what sinks still have to do, and the command that does it later."""
        return [(w.sink.unfinished, w.sink.later) for w in self._sinks if w.sink.unfinished]

    def _in_words(self) -> str:
        what = "; ".join(unfinished for unfinished, _ in self._unfinished())
        names = ", ".join(worker.name for worker in self._alive)
        return what or (f"waiting for {names}" if names else "almost done")

    def _insist(self) -> None:
        self._insisted = True

    def _error(self) -> RunError:
        """Returns the error that names the threads that are left."""
        names, many = ", ".join(worker.name for worker in self.left), len(self.left) > 1
        limit = "before Ctrl-C was pressed again" if self._insisted else f"within {self.seconds:.1f} s"
        happened, remedies = [f"The {'threads' if many else 'thread'} {names} did not end {limit}."], []
        for unfinished, later in self._unfinished():
            happened.append(f"{unfinished}.")
            remedies.append(f"Run: {later}")
        return RunError(
            " ".join(happened),
            f"Expected {'them' if many else 'it'} to end with the run.",
            ". ".join(remedies)
            or "Check the device or service it is waiting for; if it happens again, run with "
            "EXPRESSION_DEBUG=1 and report what it prints.",
        )
