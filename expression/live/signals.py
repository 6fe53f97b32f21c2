"""Signals that stop a run cleanly: a shutdown or a closed terminal acts like Ctrl-C.

`cli/live.py` and `cli/lights.py` use it so that everything is restored; with `patient`, `ending.py` makes
sure that a single Ctrl-C does not interrupt that.

Notebook: 07_live
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from ..sanitize import say

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that end a program: Ctrl-C, a request, a closed terminal, and Ctrl-Break on Windows."""

Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def interrupting_signals(first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Makes signals that end a program raise KeyboardInterrupt, in the main thread.

    Args:
        first: Called before it is raised, since Python drops an exception that is raised while an object
            is being finalised.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        first()
        raise KeyboardInterrupt

    with _handling(interrupt):
        yield


@contextlib.contextmanager
def patient(unfinished: Callable[[], str], insist: Callable[[], None]) -> Iterator[None]:
    """Keeps signals from interrupting what has to be finished, unless the user insists.

    The first Ctrl-C prints what is still to be done, the next ones call `insist`. Other signals do nothing:
    the program is already ending, and closing a terminal sends several.

    Args:
        unfinished: Returns what is still to be done, as a sentence without a full stop.
        insist: Interrupts it.
    """
    pressed = 0

    def count(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if number != signal.SIGINT:
            return
        pressed += 1
        if pressed > 1:
            return insist()
        with contextlib.suppress(RuntimeError):  # a print inside a print
            say(f"Shutting down: {unfinished()}. Press Ctrl-C again to quit now.")

    with _handling(count):
        yield


def ignore_signals() -> None:
    """Ignores signals that end a program, once everything is done and it exits by itself."""
    for name in SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


@contextlib.contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    """Handles the signals that end a program, in the main thread; elsewhere nothing changes."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in SIGNALS:
            number = getattr(signal, name, None)
            # None: a handler set in C, which could not be restored
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
