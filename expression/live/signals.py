"""Signals as good ends: what shuts a system down or closes a terminal acts like Ctrl-C.

`live.py` and `cli_lights.py` ask for it, so that all is put back.

Notebook: 06_live
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupting_signals(first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Lets signals that end a program raise KeyboardInterrupt, in the main thread.

    Args:
        first: Called before it is raised, for Python drops what is raised while it happens to tidy up
            an object.
    """

    def interrupt(number, frame):
        first()
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            # None: a handler that was set in C, which could not be put back
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
