"""Secrets: user names, passwords and keys, from the environment or from a file that nobody else can read.

Every sink that needs one gets it from `secret`, and calls its option for the file `secrets`. It is never part
of an error, a message or a `repr`.

Notebook: 09_reactions
"""

from __future__ import annotations

import os
from difflib import SequenceMatcher
from pathlib import Path

from ..errors import BadInputError, MissingFileError, user_path
from ..files import read_by_others


def secret(name: str, file: str = "") -> str | None:
    """Returns a secret, or None where there is none; the environment comes before the file.

    Args:
        name: Its name, such as EXPRESSION_MQTT_PASSWORD.
        file: A file with a line `name=value` for each secret, as systemd's EnvironmentFile has them;
            empty for none.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: Others can read the file, or it has lines of another form.

    Example:
        >>> secret("EXPRESSION_LAMP_KEY") is None
        True
    """
    return os.environ.get(name) or (_read(name, file) if file else None) or None


def _read(name: str, file: str) -> str | None:
    """Returns the secret of a file, or None where it is not in there; what is in it is not told.

    Nor is the name of a file that is not there: somebody may have written the secret in its place.
    """
    try:
        path = user_path(file)
        _check_private(path)
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error.__cause__ or error, "strerror", None) or "no text"
        raise MissingFileError(
            f"The file of secrets cannot be read ({reason}).",
            f"Expected secrets= to name a text file with a line {name}=..., not to be the secret itself.",
            f"Check its name, or put the secret into the variable {name}.",
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
        raise _bad_line(alike, path, f"has almost the name {name}, and it alone is looked for", name)
    return found


def _alike(variable: str, name: str) -> bool:
    """Whether a name is another one with a slip: without EXPRESSION_, with export, a letter wrong."""
    short = variable.removeprefix("export ").strip().upper().replace("-", "_")
    return name in (short, f"EXPRESSION_{short}") or SequenceMatcher(None, short, name).ratio() > 0.9


def _bad_line(number: int, path: Path, what: str, name: str) -> BadInputError:
    return BadInputError(f"Line {number} of {path} {what}.", f"Expected {name}=value.", "Mend that line.")


def _check_private(path: Path) -> None:
    """Raises a BadInputError when others may read the file; Windows has no such mode."""
    if mode := read_by_others(path):
        raise BadInputError(
            f"The secrets in {path} can be read by others (mode {mode}).",
            "Expected mode 600, for you alone.",
            f"Run: chmod 600 {path}",
        )


def _unquoted(value: str) -> str:
    """Returns a value without the quotes around it."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
