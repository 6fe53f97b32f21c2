"""The commands `expression models list` and `expression models get`: optional models, such as a detector.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from typing import Annotated

import typer

models_app = typer.Typer(
    help="Optional models, downloaded once and verified.", epilog="Example: expression models list"
)


@models_app.command("list", epilog="Example: expression models list")
def models_list() -> None:
    """List the optional models and where each one is stored."""
    from ..models import registry

    for row in registry.listing():
        print(row)


@models_app.command("get", epilog="Example: expression models get yunet")
def models_get(
    name: Annotated[str, typer.Argument(help="A name shown by `models list`.", metavar="NAME")],
) -> None:
    """Download a model once and verify its SHA-256 checksum."""
    from ..models import registry

    print(f"{name}: {registry.get(name)}")
