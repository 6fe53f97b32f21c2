"""Settings: every knob of a live run in one flat object.

A value comes from the defaults below, then from `expression.toml` in the current folder,
then from the environment (EXPRESSION_DETECTOR=haar), then from arguments; the later wins.
`session.py` and `cli.py` use it.

Notebook: 06_live
"""

from __future__ import annotations

import operator
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .errors import BadInputError, did_you_mean

FILE = "expression.toml"
OUTSIDE = {"MODELS", "DATA", "HEADLESS", "API_KEY", "DEBUG", "BLYNK_TOKEN", "MQTT_USER", "MQTT_PASSWORD"}
"""EXPRESSION_* names that are read elsewhere and are no settings."""

TABLES = {"lights"}
"""Tables of the file, and beginnings of EXPRESSION_* names, that are read elsewhere; see `table`."""

LONGEST = 4_000_000
"""Seconds that a run may be limited to, 46 days; Windows can wait for no longer.

Source: threading.TIMEOUT_MAX, 4294967 on Windows.
"""


@dataclass(frozen=True)
class Settings:
    """What a live run is to do. Times are in seconds, sizes in pixels.

    Attributes:
        source: Camera index, file, folder, address or demo; None: the camera, else demo.
        display: auto, window, widget or none; auto takes what works here.
        detector: auto, haar, haar-alt2, lbp, yunet or whole.
        eyes: Drop a face in which no two eyes are found.
        model: A network's file; empty for the shipped one.
        people: How many faces at once, the largest first.
        smooth: average, streak or none.
        threshold: A score below it reads "not sure", 0 to 1.
        smallest_face: Side of the smallest face that is looked for.
        stale: After this many seconds without a detection a face is gone.
        duration: End after this many seconds; 0 for never.
        mirror: Show cameras like a mirror.
        sinks: Sinks as NAME, NAME:VALUE or NAME:key=value,key=value; a list, or words.
        stats: A JSON file that gets the statistics at the end; empty for none.

    Example:
        >>> Settings.load(environ={"EXPRESSION_PEOPLE": "2"}, folder="/nowhere").people
        2
    """

    source: str | None = None
    display: str = "auto"
    detector: str = "auto"
    eyes: bool = False
    model: str = ""
    people: int = 5
    smooth: str = "average"
    threshold: float = 0.35
    smallest_face: int = 40
    stale: float = 0.7
    duration: float = 0.0
    mirror: bool = True
    sinks: tuple[str, ...] = ()
    stats: str = ""

    def __post_init__(self):
        _in_range("people", self.people, 1, 50)
        _in_range("threshold", self.threshold, 0, 1)
        _in_range("smallest_face", self.smallest_face, 10, 1000)
        _in_range("stale", self.stale, 0.05, 60)
        _in_range("duration", self.duration, 0, LONGEST)
        _one_of("display", self.display, ("auto", "window", "widget", "none"))
        _one_of("detector", self.detector, ("auto", "haar", "haar-alt2", "lbp", "yunet", "whole"))
        _one_of("smooth", self.smooth, ("average", "streak", "none"))

    @classmethod
    def load(
        cls,
        folder: str | Path = ".",
        environ: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> Settings:
        """Collects the settings from all four places.

        Args:
            folder: Where expression.toml is looked for.
            environ: The environment; None for the process's own.
            **arguments: What the caller sets; None means not set.

        Raises:
            BadInputError: An unknown name or a value of the wrong kind or range.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for name, value in _from_file(Path(folder) / FILE).items():
            if name not in TABLES:
                values[name] = _convert(name, value, FILE)
        for name, value in _from_environment(environ).items():
            values[name] = _convert(name, value, "the environment")
        for name, value in arguments.items():
            if value is not None:
                values[name] = _convert(name, value, "the arguments")
        return cls(**values)


def table(name: str, folder: str | Path = ".") -> dict[str, Any]:
    """Returns a table of expression.toml, such as [lights]; empty where there is none.

    Raises:
        BadInputError: It is no table, or the file is no TOML.
    """
    found = _from_file(Path(folder) / FILE).get(name, {})
    if not isinstance(found, dict):
        raise BadInputError(
            f"{name} is {found!r} in {FILE}.",
            f"Expected a table [{name}].",
            f"Write [{name}] above its lines.",
        )
    return found


def _from_file(path: Path) -> dict[str, Any]:
    """Returns what a TOML file sets; nothing when there is none."""
    if not path.is_file():
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInputError(
            f"{path} cannot be read: {error}.", "Expected TOML.", "Mend it, or remove the file."
        ) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the EXPRESSION_* variables by the names of the settings."""
    found = {n[len("EXPRESSION_") :]: v for n, v in environ.items() if n.startswith("EXPRESSION_")}
    inside = {name.lower(): value for name, value in found.items() if name not in OUTSIDE}
    return {name: value for name, value in inside.items() if name.partition("_")[0] not in TABLES}


def _convert(name: str, value: Any, place: str) -> Any:
    """Returns the value in the type of the setting."""
    kinds = {f.name: f.type for f in fields(Settings)}
    if name not in kinds:
        raise BadInputError(
            f"There is no setting {name!r}, found in {place}.",
            f"Expected one of {', '.join(kinds)}.",
            did_you_mean(name, kinds, "Check the spelling, or remove it."),
        )
    try:
        return _CONVERTERS.get(kinds[name], lambda v: v)(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInputError(
            f"{name} is {value!r} in {place}.",
            f"Expected {_WORDS[kinds[name]]}.",
            f"Give one, or leave {name} out.",
        ) from error


def _to_int(value: Any) -> int:
    """Returns a whole number; 2.5, true and the like are none."""
    if isinstance(value, bool):
        raise ValueError(value)
    return int(value) if isinstance(value, str) else operator.index(value)


def _to_float(value: Any) -> float:
    """Returns a number; true and what is too large for one are none."""
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def to_bool(value: Any) -> bool:
    """Returns a truth value written in one of the usual ways."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(word)
    return word in _TRUE


def _to_tuple(value: Any) -> tuple:
    """Returns sinks written as a list or separated by blanks; objects pass as they are.

    A blank in a path stays, unless a word of small letters alone or with a colon follows.

    Example:
        >>> _to_tuple("csvfile:my file.csv memory:limit=5 console")
        ('csvfile:my file.csv', 'memory:limit=5', 'console')
    """
    if not isinstance(value, str):
        return tuple(value)
    return tuple(re.split(r"\s+(?=[a-z]\w*(?::|\s|$))", value.strip())) if value.strip() else ()


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_CONVERTERS = {"int": _to_int, "float": _to_float, "bool": to_bool, "tuple[str, ...]": _to_tuple, "str": str}
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple[str, ...]": "a list of names",
    "str": "text",
}


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadInputError(
            f"{name} is {value}.", f"Expected {low} to {high}.", "Choose a value in that range."
        )


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadInputError(
            f"{name} is {value!r}.", f"Expected one of {', '.join(choices)}.", did_you_mean(value, choices)
        )
