"""Expression: reads facial expressions from a camera, and teaches how.

    from expression import Session

The names below are loaded when they are first used, so `import expression` is fast and
never loads TensorFlow. Start reading in `live/session.py`, or open notebooks/01_start_here.ipynb.
"""

from __future__ import annotations

import importlib
import time

__version__ = "0.1.0"

STARTED = time.monotonic()
"""When the package was imported, for systems that do not report when the process started."""

_HOME = {
    "Session": "live.session",
    "Settings": "settings",
    "Data": "live.data",
    "Frame": "types",
    "Box": "types",
    "Face": "types",
    "Reading": "types",
    "Worker": "live.worker",
    "Labels": "labels",
    "Sink": "sinks._base",
    "Source": "sources._base",
    "Display": "displays._base",
    "ExpressionError": "errors",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'expression' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
