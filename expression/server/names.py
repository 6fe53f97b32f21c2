"""Names: labels and devices that a request asks for, as the stored readings spell them.

`rest.py` calls `labels` and `device`. A name that no reading has is refused rather than answered with
nothing, because it is probably misspelt. Before anything is stored, every name is accepted.

Notebook: 16_records
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import did_you_mean
from ..labels import folded_label
from ..records import queries
from ..records.database import Database
from ..sanitize import some
from .problems import Problem

MOST = 30
"""How many names an answer lists."""


def labels(database: Database, wanted: str | None) -> list[str] | None:
    """Returns the spellings of a label, found without regard to case; None for None.

    Raises:
        Problem: No stored reading has such a label, or a score for it.
    """
    if wanted is None:
        return None
    known = queries.all_labels(database)
    found = [label for label in known if folded_label(label) == folded_label(wanted)]
    return _checked("label", wanted, found, known)


def device(database: Database, wanted: str | None) -> str | None:
    """Returns the name of a device; None for None.

    Raises:
        Problem: No device of this name has stored a reading.
    """
    if wanted is None:
        return None
    known = [each["name"] for each in queries.all_devices(database)]
    return _checked("device", wanted, [name for name in known if name == wanted], known)[0]


def _checked(what: str, wanted: str, found: list[str], known: Sequence[str]) -> list[str]:
    """Returns the names that were found; raises a Problem if there is none, but others are stored."""
    if known and not found:
        raise Problem(
            422,
            f"No stored reading has the {what} {wanted!r}.",
            f"Expected one of {some(known, MOST)}.",
            did_you_mean(wanted, known),
        )
    return found or [wanted]
