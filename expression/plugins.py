"""Sinks and sources of other packages, which they declare as entry points.

A package that somebody installs beside this one names its classes in its pyproject.toml:

    [project.entry-points."expression.sinks"]
    pager = "my_package.pager:Pager"

`sinks` and `sources` look here for names that they have no file for.

Notebook: 09_reactions
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from .errors import RunError
from .sanitize import clean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@functools.cache
def installed(group: str) -> dict[str, EntryPoint]:
    """Returns what installed packages declare in a group, such as "expression.sinks", by name."""
    from importlib.metadata import entry_points  # 50 ms, which a run that needs none of them does without

    return {point.name: point for point in entry_points(group=group)}


def load_class(point: EntryPoint, base: type) -> type:
    """Imports the class that another package declares.

    Args:
        point: What it declared.
        base: What the class has to be a subclass of.

    Raises:
        RunError: It cannot be imported, or is something else.
    """
    package = point.dist.name if point.dist else point.value
    try:
        kind = point.load()
    except Exception as error:  # whatever the code of another package does
        why = clean(f"{type(error).__name__}: {error}")
        raise RunError(
            f"{point.name} of the package {package} cannot be loaded: {why}.",
            f"Expected {point.value} to name a class that can be imported.",
            f"Update or uninstall {package}.",
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise RunError(
            f"{point.name} of the package {package} is not a {base.__name__}.",
            f"Expected {point.value} to name a subclass of expression.{base.__name__}.",
            f"Correct it, or uninstall {package}.",
        )
    return kind
