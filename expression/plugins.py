"""Sinks and sources of other packages, declared as entry points.

A package that is installed beside this one names its classes in its pyproject.toml:

    [project.entry-points."expression.sinks"]
    pager = "my_package.pager:Pager"

`sinks` and `sources` look here for names that they have no module for.

Notebook: 10_reactions
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
    from importlib.metadata import entry_points  # takes 50 ms, so only if needed

    return {point.name: point for point in entry_points(group=group)}


def load_class(point: EntryPoint, base: type) -> type:
    """Imports the class that another package declares.

    Args:
        point: What it declared.
        base: What the class has to be a subclass of.

    Raises:
        RunError: It cannot be imported, or is not such a class.
    """
    package = point.dist.name if point.dist else point.value
    try:
        kind = point.load()
    except Exception as error:  # the code of another package may raise anything
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
            f"Correct its entry point, or uninstall {package}.",
        )
    return kind
