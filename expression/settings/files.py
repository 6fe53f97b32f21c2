"""Where settings come from: the `expression.toml` files and the environment, and values from their text.

There is the user's own file in their settings folder, and one in the current folder. The latter may have
come with a folder that somebody sent. Its settings are used, but no secret is sent to a place that it names;
see `sinks/_secrets.py`. `settings/__init__.py` and `lights/settings.py` read both files.

Notebook: 07_live
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import BadInputError, as_bad_input, did_you_mean
from ..files import own_folder, read_small
from ..sanitize import printable

FILE = "expression.toml"

MOST_BYTES = 20_000
"""Largest file, in bytes: a parser takes minutes over the dotted names that a larger one can hold."""

EXPECTED = "Expected settings in TOML, such as people = 2, in UTF-8."
REMEDY = "Correct it, or remove the file."


BEGINNING, ENVIRONMENT = "EXPRESSION_", "the environment"
"""The prefix of environment variables, and what messages call the place where they are set."""

LIKE = 0.8
"""How similar an EXPRESSION_* name must be to a setting, from 0 to 1, to count as a typing error.

Others belong to somebody else: a cluster sets EXPRESSION_SERVICE_HOST and EXPRESSION_PORT_80_TCP for a
service called expression, and a custom sink may read EXPRESSION_X_TOKEN.
"""


class SettingsFile(NamedTuple):
    """What one of the files sets.

    Attributes:
        path: The file.
        own: Whether it lies in the user's folder of settings.
        values: What it sets.
    """

    path: Path
    own: bool
    values: dict[str, Any]

    @property
    def place(self) -> str:
        """The name of the file in messages."""
        return str(self.path) if self.own else FILE

    def table(self, name: str) -> dict[str, Any]:
        """Returns a table such as [lights]; empty if it is missing.

        Raises:
            BadInputError: It is not a table.
        """
        found = self.values.get(name, {})
        if not isinstance(found, dict):
            raise BadInputError(
                f"{name} is {described(found)} in {self.place}.",
                f"Expected a table [{name}].",
                f"Write [{name}] above its settings.",
            )
        return found


def own_file() -> Path:
    """Returns the path of the user's own file, whether or not it exists."""
    return own_folder("config") / FILE


def settings_files(folder: str | Path = ".") -> list[SettingsFile]:
    """Returns the files that exist, the user's own first; later files take precedence.

    Raises:
        BadInputError: One of them cannot be read.
    """
    own, here = own_file(), Path(folder) / FILE
    paths = [path for path in (own, here) if os.path.lexists(path)]
    if len(paths) == 2 and os.path.realpath(own) == os.path.realpath(here):
        paths.pop()
    return [SettingsFile(path, path == own, _read(path)) for path in paths]


def not_sent_to(place: str, found_in: str, secret: str, instead: str) -> BadInputError:
    """Returns the error for a secret that would go to a place named only by a file in the current folder.

    Args:
        place: What is named, to start a sentence: "The bridge 10.0.0.9".
        found_in: The file.
        secret: The name of the variable, or the file, that holds the secret.
        instead: How the user can name the place.
    """
    return BadInputError(
        f"{place} is named by {found_in}, and {secret} would be sent there.",
        "Expected secrets to go only to a place named in arguments, the environment or your own settings.",
        f"If it is yours, move that line to {own_file()}, or pass it as {instead}.",
    )


def described(value: object) -> str:
    """Returns a value for a message: as written, or only its kind, since parts of it may be secret.

    Example:
        >>> described("two"), described(["rtsp://me:secret@camera"])
        ("'two'", 'a list')
    """
    if isinstance(value, (dict, list, tuple)):
        return "a table" if isinstance(value, dict) else "a list"
    try:
        return printable(repr(value))
    except ValueError:  # too many digits
        return "a very long number"


def variables(environ: Mapping[str, str], beginning: str, names: Iterable[str]) -> dict[str, str]:
    """Returns the environment variables with this prefix, by the names of the settings.

    Raises:
        BadInputError: One has almost the name of a setting.

    Example:
        >>> variables({"EXPRESSION_PEOPLE": "2", "EXPRESSION_PORT": "80"}, "EXPRESSION_", ["people"])
        {'people': '2'}
    """
    known, found = {f"{beginning}{name.upper()}": name for name in names}, {}
    for variable, value in environ.items():
        if variable.upper() in known and variable.startswith(beginning):
            found[known[variable.upper()]] = value
        elif variable.startswith(beginning) and did_you_mean(
            variable[len(beginning) :], known.values(), "", LIKE
        ):
            raise BadInputError(
                f"There is no setting {variable} (found in {ENVIRONMENT}).",
                f"Expected one of {', '.join(known)}.",
                did_you_mean(variable, known),
            )
    return found


def to_int(value: Any) -> int:
    """Returns a whole number; 2.5, true and the like are rejected."""
    if isinstance(value, bool):
        raise ValueError(value)
    return int(value) if isinstance(value, str) else operator.index(value)


def to_float(value: Any) -> float:
    """Returns a number; true, and what is too large for a float, are rejected."""
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def to_bool(value: Any) -> bool:
    """Returns a Boolean written in one of the usual ways."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(word)
    return word in _TRUE


def to_text(value: Any) -> str:
    """Returns text, or a path as text; a number is rejected, as it would become a file of that name."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(value)
    return os.fspath(value)


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
CONVERTERS = {"int": to_int, "float": to_float, "bool": to_bool, "str": to_text}
"""What makes a value of each type out of text, or of what a file or an argument holds; raises ValueError or
TypeError."""

WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
"""What messages call each type."""


def _read(path: Path) -> dict[str, Any]:
    """Returns what a file sets."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    text = read_small(path, EXPECTED, REMEDY, MOST_BYTES)
    with as_bad_input(f"{path} cannot be read", EXPECTED, REMEDY):
        return tomllib.loads(text)
