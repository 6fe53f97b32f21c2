"""Calls a function in a process of its own, for files that may end or hang the one that reads them.

LiteRT and HDF5 are C and C++: some damaged files crash them, others keep them busy for ever, and
small ones may ask for more memory than there is. `runtime.py` and `external.py` read what nobody
has checked through `call`; what happens there is an error message here.

Notebook: 05_train
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import BadInputError, ExpressionError

READING_SECONDS = 300.0
"""How long reading a file may take, of whatever size, on the slowest machine."""

MEMORY_SHARE = 0.8
"""Share of the machine's memory that such a process may ask for."""

BEGIN = "import sys; sys.path[:1] = [{root!r}]; from expression.models.isolation import answer; answer()"
"""What the process runs: this package, never a file of the same name in the current folder."""


def call(function: str, *arguments: str | None, happened: str) -> Any:
    """Calls a function of this package in another process.

    Args:
        function: Its module and name, such as "models.runtime:attempt".
        *arguments: What it is given.
        happened: What an error says happened where the process ends before its answer.

    Returns:
        What it returned, as JSON carries it.

    Raises:
        ExpressionError: What it raised.
        BadInputError: It crashed, hung or needed too much memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "answer.json"
        code = BEGIN.format(root=str(Path(__file__).parents[2]))
        done = subprocess.run(
            [sys.executable, "-c", code, str(target)],
            input=json.dumps([function, arguments]).encode(),
            stdout=subprocess.DEVNULL,
            stderr=None if os.environ.get("EXPRESSION_DEBUG") else subprocess.DEVNULL,
        )
        found = None
        with contextlib.suppress(OSError, ValueError):  # where it was ended before or while it wrote
            found = json.loads(target.read_text(encoding="utf-8"))
    if found is None or "failed" in found:
        how = f" ({found['failed']})" if found else f": the process that reads it {_end(done.returncode)}"
        raise BadInputError(
            f"{happened}{how}.",
            "Expected a complete network file.",
            "Download it again, or save it again with the program that made it.",
        )
    if "error" in found:
        name, *sentences = found["error"]
        raise getattr(errors, name)(*sentences)
    return found["result"]


def _end(code: int) -> str:
    """Returns how a process ended, in words."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"crashed ({signal.Signals(-code).name})"
    return f"stopped (exit code {code})"


def answer() -> None:
    """Runs in the other process: calls what stdin names, and writes what came of it into a file."""
    target, (function, arguments) = Path(sys.argv[1]), json.load(sys.stdin)
    _hold_back()

    def note(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Keeps what a library raised that no error of ours describes."""
        said = f"{kind.__name__}: {error}".splitlines()[0][: errors.LONGEST].rstrip(".: ")
        target.write_text(json.dumps({"failed": said}), encoding="utf-8")
        sys.__excepthook__(kind, error, trace)

    sys.excepthook = note
    module, _, name = function.partition(":")
    try:
        found = {"result": getattr(importlib.import_module(f"expression.{module}"), name)(*arguments)}
    except ExpressionError as error:
        found = {"error": [type(error).__name__, error.happened, error.expected, error.remedy]}
    target.write_text(json.dumps(found), encoding="utf-8")


def _hold_back() -> None:
    """Limits the memory of this process where the system can; where it runs short, this one goes first."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (int(MEMORY_SHARE * memory), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


@contextlib.contextmanager
def watched(seconds: float | None = None) -> Iterator[None]:
    """Ends this process when what is done meanwhile takes too long, even where Python cannot interrupt it."""
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        faulthandler.dump_traceback_later(seconds or READING_SECONDS, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
