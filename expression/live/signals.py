"""Signals as good ends: what shuts a system down or closes a terminal acts like Ctrl-C.

`live.py` and `lights.py` ask for it, so that all is put back, and `session.py` sees with `patient` that a
second Ctrl-C does not break that off.

Notebook: 06_live
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""What ends a program: Ctrl-C, a request, a terminal that was closed, and Ctrl-Break on Windows."""

Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def interrupting_signals(first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Lets signals that end a program raise KeyboardInterrupt, in the main thread.

    Args:
        first: Called before it is raised, for Python drops what is raised while it happens to tidy up
            an object.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        first()
        raise KeyboardInterrupt

    with _handling(interrupt):
        yield


@contextlib.contextmanager
def patient(unfinished: Callable[[], str], insist: Callable[[], None]) -> Iterator[None]:
    """Lets signals not break off what has to be finished, unless somebody insists.

    The first Ctrl-C says what is still to be done, the next ones call `insist`. The other signals do nothing:
    the program is ending already, and who closes a terminal sends several.

    Args:
        unfinished: Returns what is still to be done, as a sentence without its full stop.
        insist: Breaks it off.
    """
    pressed = 0

    def count(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if number != signal.SIGINT:
            return
        pressed += 1
        if pressed > 1:
            return insist()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # a closed terminal, a print within one
            print(f"Shutting down: {unfinished()}. Press Ctrl-C again to quit now.", flush=True)

    with _handling(count):
        yield


def ignore_signals() -> None:
    """Lets signals that end a program do nothing, once all is done and it ends by itself."""
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
            # None: a handler that was set in C, which could not be put back
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
