"""The command `expression audit`: what a course assignment asks for, and what is missing.

Notebook: 06_train
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import user_path


def audit(
    folder: Annotated[str, typer.Argument(help="The folder of the project.", metavar="DIR")] = ".",
    run: Annotated[
        bool, typer.Option("--run", help="Also run predict.py and predict_live_stream.py there.")
    ] = False,
) -> None:
    """Check a project against the assignment "Emotions detector".

    Reads the texts, opens the network, and looks at the pictures. Exits with 1 if something is missing.
    """
    from ..assignment.audit import COMPLETE, audit
    from ..checks import all_good, report

    checks = list(audit(user_path(folder), run))
    print(report(checks, COMPLETE))
    raise typer.Exit(0 if all_good(checks) else 1)
