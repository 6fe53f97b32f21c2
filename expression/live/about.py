"""What a display may say about a run: what it reads, and what is done with it.

`session.py` gives it to the display; the live page tells it to guests.

Notebook: 16_records
"""

from __future__ import annotations

from collections.abc import Sequence

from ..displays._base import About
from ..settings import Settings
from ..sinks._base import Sink
from ..sources._base import Source

UNKNOWN = "may keep or send what is read (it does not say)"
"""What is told of a sink that comes from elsewhere and says nothing about it."""


def about_run(settings: Settings, source: Source, sinks: Sequence[Sink]) -> About:
    """Returns what a display may say about a run.

    Args:
        settings: The settings of the run.
        source: Its source.
        sinks: Its sinks.

    Example:
        >>> about_run(Settings(stats="a.json"), Source(), []).keeps
        (('statistics', 'how often each label was read, in a file on this computer'),)
    """
    keeps = [(sink.name, UNKNOWN if sink.keeps is None else sink.keeps) for sink in sinks if sink.keeps != ""]
    if settings.stats:
        keeps.append(("statistics", "how often each label was read, in a file on this computer"))
    if settings.neutral:
        keeps.append(("resting face", "a few numbers that describe it, in a file on this computer"))
    return About(
        source=source.description,
        camera=source.rests or source.fps is None,
        closes=source.rests,
        people=settings.people,
        reacts=tuple(sink.name for sink in sinks if sink.keeps == ""),
        keeps=tuple(keeps),
    )
