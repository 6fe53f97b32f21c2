"""Secrets: user names, passwords and keys, from the environment or from a file that nobody else can read.

A sink that needs one gets it from `secret`, and names its option for the file `secrets`. A secret never
appears in an error, a message or a `repr`.

Notebook: 10_reactions
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from ..errors import BadInputError, MissingFileError, user_path
from ..files import check_private, read_small
from ..settings.files import not_sent_to

FILES = "secrets", "credentials"
"""Sink options that name a file with a secret."""


def secret(name: str, file: str = "") -> str | None:
    """Returns a secret, or None if it is not set; the environment takes precedence over the file.

    Args:
        name: Its name, such as EXPRESSION_MQTT_PASSWORD.
        file: A file with a line `name=value` for each secret, like systemd's EnvironmentFile; empty for
            none.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: Others can read the file, it is not text, or it has malformed lines.

    Example:
        >>> secret("EXPRESSION_LAMP_KEY") is None
        True
    """
    given = os.environ.get(name)
    if given and not given.isascii():
        try:
            given.encode()
        except UnicodeEncodeError:
            raise BadInputError(
                f"{name} is not UTF-8 text.",
                "Expected a value that was set in a UTF-8 terminal.",
                f"Put it in a UTF-8 file, as a line {name}=..., and use secrets=FILE.",
            ) from None
    return given or (_read(name, file) if file else None) or None


def check_place(name: str, kind: type, options: Mapping[str, Any], found_in: str) -> None:
    """Makes sure that no secret is sent to a place that only a file in the current folder names.

    Args:
        name: The name of the sink.
        kind: Its class, which declares its secrets and the option that names the place.
        options: The options that the file sets.
        found_in: The file.

    Raises:
        BadInputError: There is a secret, and the file names the place that it would be sent to.
    """
    place = options.get(kind.place or "")
    held = [variable for variable in kind.secrets if os.environ.get(variable)]
    held += [f"the secret in {option}=" for option in FILES if options.get(option)]
    if place and held and kind.secrets:
        raise not_sent_to(
            f"The {kind.place} of the sink {name}", found_in, held[0], f"--sink {name}:{kind.place}=..."
        )


def _read(name: str, file: str) -> str | None:
    """Returns the secret in a file, or None if it is not there; the contents are never shown in an error.

    Nor is the name of a file that does not exist: it may be the secret itself, entered by mistake.
    """
    expected = f"Expected secrets= to name a text file with a line {name}=..., not to be the secret itself."
    instead = f"put the secret in the variable {name}."
    try:
        path = user_path(file)
        check_private(path, f"The secrets in {path}", "readable only by you")
        lines = read_small(path, expected, f"Correct it, or {instead}").splitlines()
    except OSError as error:
        reason = getattr(error.__cause__ or error, "strerror", None) or "not a file"
        raise MissingFileError(
            f"The secrets file cannot be read ({reason}).", expected, f"Check its name, or {instead}"
        ) from None
    found, alike = None, None
    for number, line in enumerate(lines, 1):
        variable, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals:
            raise _bad_line(number, path, "has no = between a name and a secret", name)
        if variable == name:
            found = _unquoted(value)
        elif _alike(variable, name):
            alike = number
    if found is None and alike is not None:
        raise _bad_line(alike, path, f"has a name that resembles {name} but does not match it", name)
    return found


def _alike(variable: str, name: str) -> bool:
    """Whether a name is a slip of another: without EXPRESSION_, with export, or with a wrong letter."""
    if len(variable) > 2 * len(name):
        return False
    short = variable.removeprefix("export ").strip().upper().replace("-", "_")
    return name in (short, f"EXPRESSION_{short}") or SequenceMatcher(None, short, name).ratio() > 0.9


def _bad_line(number: int, path: Path, what: str, name: str) -> BadInputError:
    return BadInputError(f"Line {number} of {path} {what}.", f"Expected {name}=value.", "Correct that line.")


def _unquoted(value: str) -> str:
    """Returns a value without surrounding quotes."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
