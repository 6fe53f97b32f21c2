"""Turns the options of a sink, as a user wrote them, into keywords for its class.

`make_sink` calls `options_of`; a sink's options are those of its `__init__`.

Notebook: 10_reactions
"""

from __future__ import annotations

import difflib
import inspect
import logging
import re
import typing
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import BadInputError, did_you_mean, nearest
from ..labels import NOT_SURE
from ..settings.files import CONVERTERS, WORDS

logger = logging.getLogger("expression")

OPTION = r"[A-Za-z_]\w*="
"""How an option begins; a value in which this follows a comma cannot be told from the next option."""


def options_of(name: str, kind: type, text: str) -> dict[str, Any]:
    """Returns the keywords for a sink's class.

    Args:
        name: The name of the sink.
        kind: Its class.
        text: The part after the colon: VALUE, key=value,key=value, or nothing.

    Raises:
        BadInputError: An option is unknown, missing or of the wrong type.
    """
    hints = _options(kind)
    words = _words(name, kind, text) if text else {}
    options = {word: _convert(name, word, value, hints) for word, value in words.items()}
    _check_complete(name, kind, options)
    return options


def warn_of_labels(what: str, chosen: Iterable[str], labels: Sequence[str]) -> None:
    """Warns about labels that something was set for but that the network does not have.

    Args:
        what: What was set, such as "Words of the sink speech".
        chosen: The labels that it was set for.
        labels: The labels of the network; empty if they are not known.
    """
    strange = [label for label in chosen if label not in (*labels, NOT_SURE)]
    if not labels or not strange:
        return
    near = {label: difflib.get_close_matches(label.capitalize(), labels, 1) for label in strange}
    meant = [f"{label} may be a misspelling of {found[0]}" for label, found in near.items() if found]
    logger.warning(
        "%s are set for %s, which the network does not have. Expected its labels: %s. %s.",
        what,
        ", ".join(strange),
        ", ".join(labels),
        "; ".join(meant) or "Check the spelling, or leave them out",
    )


def _options(kind: type) -> dict[str, Any]:
    """Returns the options of a sink with their annotations."""
    if kind.__init__ is object.__init__:
        return {}
    hints = typing.get_type_hints(kind.__init__)
    parameters = list(inspect.signature(kind.__init__).parameters)[1:]
    return {name: hints.get(name, str) for name in parameters}


def _words(name: str, kind: type, rest: str) -> dict[str, str]:
    """Returns the options by name, as they were written.

    `key=value` is distinguished from a value that contains "=" by the key being a word: `/a/b=c.csv`,
    `C:\\a=b.csv` and `mysql://host/x?a=b` are values.
    """
    if re.match(OPTION, rest):
        pairs = [pair.split("=", 1) for pair in re.split(rf",\s*(?={OPTION})", rest)]
        words = [word for word, _ in pairs]
        if twice := next((word for word in words if words.count(word) > 1), None):
            raise BadInputError(
                f"The sink {name} was given {twice} twice.", "Expected each option once.", "Leave one out."
            )
        return dict(pairs)
    options = [word for word in _options(kind) if word != kind.option]
    if kind.option is None:
        secret = "secrets" in options  # then the value may be a secret, and is not repeated
        remedy = "Name the option that it is for." if options else "Remove everything after the colon."
        raise BadInputError(
            f"The sink {name} takes no value{' without a name' if secret else f', found {rest!r}'}.",
            f"Expected {_forms(name, kind)}.",
            f"{remedy} A secret belongs in the environment or a file." if secret else remedy,
        )
    _check_alone(name, kind, rest)
    return {kind.option: rest}


def _check_alone(name: str, kind: type, value: str) -> None:
    """Raises a BadInputError if a value without a name is followed by what looks like an option."""
    mixed = re.search(rf",\s*({OPTION})", value)
    if mixed is None:
        return
    word, options = mixed[1].rstrip("="), list(_options(kind))
    known = word if word in options else nearest(word, options)
    written = f"Write: {name}:{kind.option}=...,{known}=..."
    if known == kind.option:
        written = f"Write: {name}:{kind.option}=..."
    otherwise = (
        "Check the spelling, or leave it out; a value cannot contain a comma followed by a word and =."
    )
    meant = "" if word == known else f"Did you mean {known}? "
    raise BadInputError(
        f"The sink {name} was given {word}=... after a value without a name.",
        f"Expected a single value, or every option by name: {', '.join(options)}.",
        f"{meant}{written}" if known else otherwise,
    )


def _convert(name: str, word: str, value: str, hints: dict[str, Any]) -> Any:
    """Returns an option's value converted to the type of its annotation."""
    if word not in hints:
        raise BadInputError(
            f"The sink {name} has no option {word!r}.",
            f"Expected {', '.join(hints) or 'no options'}.",
            did_you_mean(word, hints, "Check the spelling, or leave it out."),
        )
    kinds = typing.get_args(hints[word]) or (hints[word],)
    kind = next((kind.__name__ for kind in kinds if kind.__name__ in CONVERTERS), "str")
    try:
        return CONVERTERS[kind](value)
    except ValueError as error:
        raise BadInputError(
            f"The option {word} of the sink {name} is {value!r}.",
            f"Expected {WORDS[kind]}.",
            f"Give one, or leave {word} out.",
        ) from error


def _check_complete(name: str, kind: type, options: dict[str, Any]) -> None:
    """Raises a BadInputError if an option without a default is missing."""
    parameters = inspect.signature(kind).parameters.values()
    missing = [p.name for p in parameters if p.default is p.empty and p.name not in options]
    if missing and kind.__init__ is not object.__init__:
        raise BadInputError(
            f"The sink {name} was given no {missing[0]}.",
            f"Expected {_forms(name, kind)}.",
            "Write it after the colon.",
        )


def _forms(name: str, kind: type) -> str:
    """Returns how a sink can be written, such as csvfile:PATH."""
    options = list(_options(kind))
    forms = [f"{name}:{kind.option.upper()}"] if kind.option else []
    if options and options != [kind.option]:
        forms.append(f"{name}:{','.join(f'{word}=...' for word in options)}")
    return " or ".join(forms or [name])
