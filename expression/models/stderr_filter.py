"""Suppresses known harmless lines that native libraries print to stderr.

They come from C++, bypassing Python's own streams, and no setting stops them. It goes around the calls of
LiteRT and TensorFlow that print them.

Notebook: 06_train
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

_one_at_a_time = threading.RLock()
"""Two threads that swap stderr at the same time could leave it redirected."""


@contextlib.contextmanager
def without_lines(*parts: str) -> Iterator[None]:
    """Drops lines of stderr that contain one of the parts; the others are printed at the end.

    Output of other threads during that time is delayed too, and the output of a call that ends
    the process is lost, so use it only around short calls. Other threads wait for their turn.

    Args:
        *parts: The texts that mark a line to be dropped.

    Example:
        >>> with without_lines("all is well"):
        ...     _ = os.write(2, b"INFO: all is well\\n")
    """
    with _one_at_a_time, contextlib.ExitStack() as stack:
        try:
            keep = os.dup(2)
            stack.callback(os.close, keep)
            file = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # There is no stderr, as under pythonw, or no writable temporary folder.
            yield
            return
        _flush()
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(keep, 2)
            file.seek(0)
            for line in file:
                if not any(part.encode() in line for part in parts):
                    os.write(2, line)


def _flush() -> None:
    """Empties Python's own buffer, which may be missing or closed."""
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()
