"""Sinks: where readings go; each is a file here or an entry point of another package, found by its name.

A sink is a class with `open`, `send` and `close`. `make_sink` turns `csvfile:out.csv` into one, and
`SinkLoop` (live/sink_loop.py) is the thread that feeds it. To add one, add a file, or define the class in a
notebook cell and pass an instance to the session.

Notebook: 10_reactions
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from ..errors import BadInputError, did_you_mean
from ..plugins import installed, load_class
from ..sanitize import clean, without_secrets
from ._base import Sink
from ._options import options_of
from ._secrets import check_place

GROUP = "expression.sinks"
"""The entry point group under which other packages declare sinks."""


def names() -> list[str]:
    """Returns the names of all sinks, including those of other packages, without importing them.

    Example:
        >>> "console" in names()
        True
    """
    return sorted({*_own_names(), *installed(GROUP)})


def _own_names() -> set[str]:
    """The names of the sinks in this folder, which take precedence over those of other packages."""
    return {path.stem for path in Path(__file__).parent.glob("[a-z]*.py")}


def make_sink(text: str | Sink, found_in: str = "") -> Sink:
    """Turns what a user wrote into a sink that is not open yet.

    Args:
        text: NAME, NAME:VALUE (the sink's main option), NAME:key=value,key=value, or a
            Sink, which is returned as it is.
        found_in: The expression.toml in the current folder, if the text comes from there.

    Raises:
        BadInputError: There is no such sink or option, the value is of the wrong type, or a secret would be
            sent to a place that only a file in the current folder names.

    Example:
        >>> make_sink("memory:limit=5").readings.maxlen
        5
    """
    if isinstance(text, Sink):
        return text
    if not isinstance(text, str):
        raise _no_sink(text)
    name, _, rest = text.strip().partition(":")
    kind = sink_class(name)
    options = options_of(name, kind, rest)
    if found_in:
        check_place(name, kind, options, found_in)
    sink = kind(**options)
    sink.name = name
    return sink


def describe_sink(text: str | Sink) -> str:
    """Returns a sink as the user wrote it; for one with secrets, only its name and where readings go.

    Example:
        >>> describe_sink("mqtt:host=10.0.0.9,prefix=hall"), describe_sink("speech:de")
        ('mqtt:10.0.0.9', 'speech:de')
    """
    if isinstance(text, Sink):
        return text.name
    name, _, rest = text.strip().partition(":")
    kind = sink_class(name) if name in _own_names() or name in installed(GROUP) else Sink
    if not kind.secrets:
        return clean(text)
    try:
        place = str(options_of(name, kind, rest).get(kind.place, ""))
    except BadInputError:  # reported when the sink is created
        place = ""
    if "://" in place:
        place = without_secrets(place)
    elif not re.fullmatch(r"[\w.:\[\]-]{0,100}", place):
        place = "..."
    return f"{name}:{place}" if place else name


def _no_sink(thing: object) -> BadInputError:
    """Returns the error for something that is neither a name nor a sink."""
    if isinstance(thing, type):
        remedy = f"Create an instance: {thing.__name__}()."
        remedy = remedy if issubclass(thing, Sink) else f"Write: class {thing.__name__}(Sink). {remedy}"
    elif hasattr(thing, "send"):
        remedy = f"Write: class {type(thing).__name__}(Sink)."
    else:
        remedy = f"Choose one of {', '.join(names())}, or write a subclass of Sink."
    return BadInputError(f"{thing!r} is not a sink.", "Expected a name, or an instance of a Sink.", remedy)


def sink_class(name: str) -> type[Sink]:
    """Imports the sink with that name and returns its class.

    Raises:
        BadInputError: There is no such sink.
        RunError: It belongs to another package and cannot be loaded.
    """
    if name in _own_names():
        return _own_class(name)
    if name not in installed(GROUP):
        raise BadInputError(
            f"There is no sink {name!r}.",
            f"Expected one of {', '.join(names())}.",
            did_you_mean(name, names()),
        )
    return load_class(installed(GROUP)[name], Sink)


def _own_class(name: str) -> type[Sink]:
    """Imports a file of this folder and returns the sink that it defines."""
    module = importlib.import_module(f".{name}", __name__)
    kinds = (value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Sink))
    return next(kind for kind in kinds if kind.__module__ == module.__name__)
