"""Settings: every option of a live run in one flat object.

A value comes from the defaults below, then from the user's own `expression.toml`, then from one in the
current folder, then from the environment (EXPRESSION_DETECTOR=haar), then from arguments; later ones win.

Notebook: 07_live
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import BadInputError, did_you_mean
from ..sanitize import hide_secrets, without_secrets
from .files import (
    BEGINNING,
    CONVERTERS,
    ENVIRONMENT,
    WORDS,
    described,
    settings_files,
    to_int,
    variables,
)

ELSEWHERE = {"LARGEST_PICTURE", "MODELS", "DATA", "API_KEY", "DEBUG"}
"""EXPRESSION_* names that are read elsewhere and are not settings, though one resembles a setting."""

ARGUMENTS, COMMAND_LINE = "the arguments", "the command line"
"""What messages call two places where values are set."""

TABLES = {"lights"}
"""Tables of the file, and prefixes of EXPRESSION_* names, that `lights/settings.py` reads."""

LONGEST = 4_000_000
"""Longest limit of a run in seconds, 46 days; Windows cannot wait longer.

Source: threading.TIMEOUT_MAX, 4294967 on Windows.
"""


@dataclass(frozen=True, repr=False)
class Settings:
    """What a live run does. Times are in seconds, sizes in pixels.

    Attributes:
        source: Camera index, file, folder, address or demo; by default the camera, or demo without one.
        display: auto, window, widget, web or none; auto chooses what works here, web is a page for browsers.
        page_host: The address of the page: 127.0.0.1 for this computer alone, 0.0.0.0 for the whole network,
            which needs EXPRESSION_API_KEY.
        page_port: The port of the page; if it is in use, the next free one.
        detector: auto, haar, haar-alt2, lbp, yunet or whole.
        eyes: Drop faces in which two eyes cannot be found.
        model: The file of a network; empty for the shipped one.
        people: How many faces to read at once, the largest first.
        smooth: average, streak or none.
        sensitivity: How readily faces are read as something other than Neutral, 0 to 1: 0 as people vote on
            pictures, 1 as if all labels were equally likely.
        threshold: Faces that score below this, 0 to 1, are read as "not sure".
        smallest_face: Side of the smallest face to look for, in pixels.
        stale: A face is gone after this many seconds without a detection.
        duration: Stop after this many seconds; 0 for no limit.
        reconnect: Give up on a network camera after this many seconds without a frame.
        mirror: Show cameras like a mirror.
        sinks: Sinks as NAME, NAME:VALUE or NAME:key=value,key=value; a list, or text separated by spaces.
        neutral: A file that keeps a resting face for the next run; empty for none.
        stats: A JSON file to write the statistics to; empty for none.
        found_in: The names of the settings that come from an expression.toml in the current folder, which may
            be somebody else's, each with the path of the file.

    Example:
        >>> Settings.load(environ={"EXPRESSION_PEOPLE": "2"}, folder="/nowhere").people
        2
    """

    source: str | None = None
    display: str = "auto"
    page_host: str = "127.0.0.1"
    page_port: int = 8000
    detector: str = "auto"
    eyes: bool = False
    model: str = ""
    people: int = 5
    smooth: str = "average"
    sensitivity: float = 0.4
    threshold: float = 0.35
    smallest_face: int = 40
    stale: float = 0.7
    duration: float = 0.0
    reconnect: float = 30.0
    mirror: bool = True
    sinks: tuple[str, ...] = ()
    neutral: str = ""
    stats: str = ""
    found_in: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={text}' for name, text in self.shown().items())})"

    def __post_init__(self):
        for name in (*_RANGES, *CHOICES):
            _check(name, getattr(self, name))

    @classmethod
    def load(
        cls,
        folder: str | Path = ".",
        environ: Mapping[str, str] | None = None,
        place: str = ARGUMENTS,
        **arguments: Any,
    ) -> Settings:
        """Collects the settings from all places.

        Args:
            folder: Where to look for expression.toml.
            environ: The environment; None for the process's own.
            place: Where the arguments come from: ARGUMENTS, or COMMAND_LINE, which names them as options.
            **arguments: What the caller sets; None means not set.

        Raises:
            BadInputError: An unknown name or a value of the wrong kind or range.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        places: dict[str, str] = {}
        found_in: dict[str, str] = {}
        for file in settings_files(folder):
            found = {name: value for name, value in file.values.items() if name not in TABLES}
            values |= {name: _convert(name, value, file.place) for name, value in found.items()}
            places |= dict.fromkeys(found, file.place)
            found_in |= {} if file.own else dict.fromkeys(found, str(file.path.absolute()))
        given = {name: value for name, value in arguments.items() if value is not None}
        for where, found in ((ENVIRONMENT, _from_environment(environ)), (place, given)):
            values |= {name: _convert(name, value, where) for name, value in found.items()}
            places |= dict.fromkeys(found, where)
            found_in = {name: path for name, path in found_in.items() if name not in found}
        for name, value in values.items():
            _check(name, value, places[name])
        return cls(**values, found_in=found_in)

    def shown(self) -> dict[str, str]:
        """Returns the values as they may be shown: addresses without passwords, and only the names of sinks.

        Example:
            >>> Settings(source="rtsp://me:secret@camera/1", sinks=("mqtt:x",)).shown()["source"]
            "'rtsp://camera'"
        """
        values = {name: getattr(self, name) for name in _KINDS}
        if isinstance(self.source, str):
            values["source"] = (without_secrets if "://" in self.source else hide_secrets)(self.source)
        values["sinks"] = tuple(
            f"{sink.partition(':')[0]}{':...' * (':' in sink)}" if isinstance(sink, str) else sink
            for sink in self.sinks
        )
        return {name: repr(value) for name, value in values.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the EXPRESSION_* variables by the names of the settings.

    Raises:
        BadInputError: One has almost the name of a setting.
    """
    others = tuple(f"{BEGINNING}{table.upper()}_" for table in TABLES)
    names = {BEGINNING + name for name in ELSEWHERE}
    mine = {n: v for n, v in environ.items() if n not in names and not n.upper().startswith(others)}
    return variables(mine, BEGINNING, _KINDS)


def _convert(name: str, value: Any, place: str) -> Any:
    """Returns the value converted to the type of the setting."""
    if name not in _KINDS:
        tables = [] if place == ARGUMENTS else [f"[{table}]" for table in TABLES]
        raise BadInputError(
            f"There is no setting {name!r} (found in {place}).",
            f"Expected one of {', '.join([*_KINDS, *tables])}.",
            did_you_mean(name, [*_KINDS, *tables], "Check the spelling, or remove it."),
        )
    kind = _KINDS[name]
    try:
        return _CONVERTERS[kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        typed, where = _typed(name, place)
        raise BadInputError(
            f"{typed} is {described(value)}{where}.",
            f"Expected {_WORDS[kind]}.",
            f"Correct it, or leave {typed} out.",
        ) from error


def _typed(name: str, place: str) -> tuple[str, str]:
    """Returns a setting's name as the user wrote it, and where, unless that goes without saying."""
    if place == ENVIRONMENT:
        return f"{BEGINNING}{name.upper()}", f" in {place}"
    if place == COMMAND_LINE:
        return f"--{name.removesuffix('s') if name == 'sinks' else name}", ""
    return name, "" if place == ARGUMENTS else f" in {place}"


def _to_source(value: Any) -> Any:
    """Returns what `open_source` takes: text, a camera's number, a path or an object that can be read."""
    if isinstance(value, (str, Path)) or hasattr(value, "read"):
        return value
    return to_int(value)


def _to_tuple(value: Any) -> tuple:
    """Returns sinks written as a list or separated by spaces; objects are returned as they are.

    A space in a path is kept, unless a lower-case word, alone or with a colon, follows it.

    Example:
        >>> _to_tuple("csvfile:my file.csv memory:limit=5 console")
        ('csvfile:my file.csv', 'memory:limit=5', 'console')
    """
    if isinstance(value, str):
        return tuple(re.split(r"\s+(?=[a-z]\w*(?::|\s|$))", value.strip())) if value.strip() else ()
    if isinstance(value, Mapping) or any(isinstance(sink, (*_PLAIN, type(None))) for sink in value):
        raise TypeError(value)
    return tuple(value)


_PLAIN = (bool, int, float, bytes, list, tuple, Mapping)
"""Types that are neither the name of a sink nor a sink."""

_KINDS = {each.name: each.type for each in fields(Settings) if each.compare}
_CONVERTERS = CONVERTERS | {"str | None": _to_source, "tuple[str, ...]": _to_tuple}
_WORDS = WORDS | {
    "tuple[str, ...]": "a list of names",
    "str | None": "a camera number, or text such as demo",
}


_RANGES = {
    "people": (1, 50),
    "page_port": (0, 65535),
    "sensitivity": (0, 1),
    "threshold": (0, 1),
    "smallest_face": (10, 1000),
    "stale": (0.05, 60),
    "duration": (0, LONGEST),
    "reconnect": (0, LONGEST),
}
_UNITS = {"smallest_face": " pixels", "stale": " seconds", "duration": " seconds", "reconnect": " seconds"}
CHOICES = {
    "display": ("auto", "window", "widget", "web", "none"),
    "detector": ("auto", "haar", "haar-alt2", "lbp", "yunet", "whole"),
    "smooth": ("average", "streak", "none"),
}
"""The values of settings that are chosen from a list."""


def _check(name: str, value: Any, place: str = ARGUMENTS) -> None:
    """Raises a BadInputError for a value out of its range, or not one of the choices."""
    low, high = _RANGES.get(name, (None, None))
    typed, where = _typed(name, place)
    if low is not None and not low <= value <= high:
        raise BadInputError(
            f"{typed} is {f'{value:,}'.removesuffix('.0')}{where}.",
            f"Expected {low} to {high:,}{_UNITS.get(name, '')}.",
            "Choose a value in that range.",
        )
    choices = CHOICES.get(name, (value,))
    if value not in choices:
        raise BadInputError(
            f"{typed} is {value!r}{where}.",
            f"Expected one of {', '.join(choices)}.",
            did_you_mean(value, choices),
        )
