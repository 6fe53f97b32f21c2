"""A session run from the command line: lines before and after, and signals that stop it cleanly.

`expression live` calls `run`.

Notebook: 07_live
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..displays import make_display
from ..errors import ExpressionError, RunError
from ..live.session import Session
from ..live.signals import interrupting_signals
from ..sanitize import counted, say
from ..settings import Settings
from ..sinks import sink_class
from ..sources import fallback_notice


def session_of(settings: Settings) -> Session:
    """Returns a session, not yet started, that prints its readings if nothing shows or saves them."""
    shown, sinks = (
        make_display(settings.display, host=settings.page_host, port=settings.page_port).name,
        settings.sinks,
    )
    if shown == "none" and all(sink_class(sink.partition(":")[0]).silent for sink in sinks):
        sinks = (*sinks, "console")
    return Session(settings=replace(settings, display=shown, sinks=sinks))


def run(session: Session) -> None:
    """Runs a session to its end, with lines before and after; Ctrl-C and signals stop it cleanly."""
    try:
        with interrupting_signals(lambda: _finish(session)), session:
            for line in _describe(session):
                say(line)
            session.run()
    except KeyboardInterrupt:
        say("Stopped.")
    except (ExpressionError, OSError):
        raise
    except Exception as error:
        if session.error is None:
            raise
        name = session.error[0]
        raise RunError(
            f"The {name} thread stopped: {type(error).__name__}: {error}.",
            "Expected it to run until the end.",
            "Run again with EXPRESSION_DEBUG=1 and report what it prints.",
        ) from error
    finally:
        if session.data is not None:
            statistics = session.statistics()
            if statistics["frames_read"] or session.error is None:
                say(_summary(statistics))


def _finish(session: Session) -> None:
    """Marks a run as done, before the exception that follows could be lost."""
    if session.data is not None:
        session.data.done = True


def _describe(session: Session) -> list[str]:
    """Returns a description of the run in a few short lines."""
    lines = []
    note = fallback_notice(session.settings.source, session.source)
    lines += [note] if note else []
    lines.append(f"Source: {session.source.description}")
    lines.append(f"Detector: {session.detector.description}")
    lines.append(f"Network: {session.runtime.description}")
    window = session.settings.display == "window"
    lines.append("Press Esc or q, or close the window, to stop." if window else "Press Ctrl-C to stop.")
    return lines


def _summary(statistics: dict[str, Any]) -> str:
    """Returns a summary of the run in one line."""
    seconds, count = statistics["seconds"], statistics["frames_read"]
    if not count:
        return f"{seconds:.1f} s, no frame was read."
    total = max(1, statistics["predictions"])
    labels = ", ".join(f"{name} {count / total:.0%}" for name, count in statistics["labels"].items())
    faces = statistics["frames_with_faces"]
    return f"{seconds:.1f} s, {counted(count, 'frame')}, {faces} with a face. {labels or 'No readings.'}"
