"""A list of checks as lines for people: what works, what is missing, and a remedy for that.

`expression check` and `expression audit` print them. A check that crashes becomes a line of its own.

Notebook: 01_start_here
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from .errors import ExpressionError
from .sanitize import clean

MARKS = {True: "✓", False: "✗", None: "–"}
WIDTH = 100  # at most; narrower terminals get shorter lines
BAD = "Fix the lines marked ✗ from the top, then check again."


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: What was checked.
        ok: True if it works, False if it has to be fixed, None if it is missing and optional.
        found: What was found, or what is wrong.
        remedy: What to do; empty if there is nothing to do.
    """

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


def all_good(checks: list[Check]) -> bool:
    """Returns whether nothing has to be fixed.

    Example:
        >>> all_good([Check("a", True, ""), Check("b", None, "")])
        True
    """
    return all(check.ok is not False for check in checks)


def report(checks: list[Check], good: str = "Everything needed for a live run works.") -> str:
    """Returns the checks as readable lines, and a conclusion; `good` is the one if nothing has to be fixed.

    Example:
        >>> print(report([Check("Camera", None, "none", "Plug one in.")]))
        – Camera   optional: none
                   Plug one in.
        Everything needed for a live run works.
    """
    width = max(len(check.name) for check in checks) + 2
    lines = [line for check in checks for line in _lines(check, width)]
    return "\n".join([*lines, good if all_good(checks) else BAD])


def _lines(check: Check, width: int) -> list[str]:
    """Returns a check as one line, and its remedy as further ones."""
    indent = " " * (width + 3)
    first = f"{MARKS[check.ok]} {check.name:{width}} "
    found, remedy = clean(("optional: " if check.ok is None else "") + check.found), clean(check.remedy)
    columns = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    kind = textwrap.TextWrapper(columns, subsequent_indent=indent, break_on_hyphens=False)
    kind.break_long_words = False
    kind.initial_indent = first
    lines = kind.wrap(found) or [first]
    kind.initial_indent = indent
    advice = kind.wrap(remedy)
    if len(advice) > 1:  # a command to copy is on a line of its own
        advice = [line for part in re.split(r"(?<=\.) (?=Run\b)", remedy) for line in kind.wrap(part)]
    return lines + advice


def guard(name: str, call: Callable[[], list[Check]]) -> list[Check]:
    """Runs a check; an exception in it becomes a line."""
    try:
        return call()
    except ExpressionError as error:
        return [Check(name, False, error.happened, f"{error.expected} {error.remedy}")]
    except importlib.metadata.PackageNotFoundError:
        return [Check(name, False, "the package expression is not installed", "Run: pip install -e .")]
    except Exception as error:  # noqa: BLE001  a check that crashes is a result, too
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return [Check(name, False, f"the check failed with {text}", "Fix the cause, and check again.")]
