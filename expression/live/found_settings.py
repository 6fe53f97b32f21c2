"""The settings of a run that come from an `expression.toml` in the current folder, as lines to print.

The file may have come with a folder that somebody sent, so `session.py` prints what it sets.

Notebook: 07_live
"""

from __future__ import annotations

from pathlib import Path

from ..sanitize import clean
from ..settings import Settings
from ..settings.files import settings_files
from ..sinks import describe_sink


def found_settings(settings: Settings, folder: str | Path = ".") -> list[str]:
    """Returns lines that say what a file in the current folder sets; none if there is no file.

    Args:
        settings: The settings of the run.
        folder: Where to look for the file.

    Example:
        >>> found_settings(Settings(people=2, found_in={"people": "/home/me/expression.toml"}))
        ['/home/me/expression.toml sets people = 2.']
    """
    shown, lines = settings.shown(), []
    shown["sinks"] = ", ".join(map(describe_sink, settings.sinks)) or "none"
    for path in dict.fromkeys(settings.found_in.values()):
        parts = [f"{name} = {shown[name]}" for name, found in settings.found_in.items() if found == path]
        lines.append(f"{path} sets {'; '.join(parts)}.")
    for file in settings_files(folder):
        if not file.own and file.table("lights").get("bridge"):
            lines.append(f"{file.path.absolute()} names the bridge {file.table('lights')['bridge']}.")
    return [clean(line) for line in lines]
