"""The command `expression live`: a session with lines before and after, and signals that stop it cleanly.

Notebook: 07_live
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ExpressionError, RunError
from ..live.signals import interrupting_signals
from ..sanitize import counted, say
from ..settings import COMMAND_LINE, Settings
from .options import Detector, Model, People, Sensitivity, Smooth

if TYPE_CHECKING:
    from ..live.session import Session


class WithNames(typer.core.TyperCommand):
    """A command whose help ends with the names of all sources and sinks, also those of other packages."""

    def format_epilog(self, ctx, formatter) -> None:
        """Writes the names before the example."""
        from ..sinks import names as sinks
        from ..sources import names as sources

        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(f"Sinks: {', '.join(sinks())}.")
            formatter.write_text(f"Named sources: {', '.join(sources())}.")
        super().format_epilog(ctx, formatter)


def live(
    source: Annotated[
        str | None,
        typer.Option(help="Camera number, file, folder, rtsp or http address, or demo.", metavar="SOURCE"),
    ] = None,
    display: Annotated[str | None, typer.Option(help="auto, window, web or none.", metavar="NAME")] = None,
    detector: Detector = None,
    sink: Annotated[
        list[str] | None,
        typer.Option(
            help="Where to send readings: NAME, NAME:VALUE or NAME:key=value. Repeat for more than one sink.",
            metavar="SINK",
        ),
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="Stop after this many seconds.", metavar="SECONDS")
    ] = None,
    model: Model = None,
    people: People = None,
    smooth: Smooth = None,
    sensitivity: Sensitivity = None,
    neutral: Annotated[
        str | None,
        typer.Option(help="Keep the resting face learned with n in this file.", metavar="FILE"),
    ] = None,
    stats: Annotated[
        str | None, typer.Option(help="Write statistics to this JSON file.", metavar="FILE")
    ] = None,
) -> None:
    """Read facial expressions from a camera or a video. Without a camera, the bundled demo is used.

    Keys in the window: Esc or q ends the run, o turns recognition off and on, p pauses lamps and other
    reactions, 1 to 9 override their label (1 is the first, Angry), 0 returns to the recognised label.
    n learns your resting face: look neutral for three seconds.
    """
    given = {"source": source, "display": display, "detector": detector, "sinks": sink}
    given |= {"duration": duration, "model": model, "people": people, "smooth": smooth, "stats": stats}
    given |= {"sensitivity": sensitivity, "neutral": neutral}
    run(session_of(Settings.load(place=COMMAND_LINE, **given)))


def session_of(settings: Settings) -> Session:
    """Returns a session, not yet started, that prints its readings if nothing shows or saves them."""
    from ..displays import make_display
    from ..live.session import Session
    from ..sinks import sink_class

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
    from ..sources import fallback_notice

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
