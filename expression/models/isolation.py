"""Calls a function in a separate process, for files that may crash or hang the process that reads them.

LiteRT and HDF5 are C and C++: some damaged files crash them, others keep them busy forever, and
small ones may request more memory than there is. `loading.py` and `external.py` read unchecked
files through `call`, which turns whatever happens there into an error message.

Notebook: 06_train
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
"""How long reading a file of any size may take, in seconds, on the slowest machine."""

MEMORY_SHARE = 0.8
"""Share of the machine's memory that such a process may use."""

BEGIN = "import sys; sys.path[:1] = [{root!r}]; from expression.models.isolation import answer; answer()"
"""The code of the process: this package, never a file with the same name in the current folder."""


def call(function: str, *arguments: str | None, happened: str) -> Any:
    """Calls a function of this package in another process.

    Args:
        function: Its module and name, such as "models.loading:attempt".
        *arguments: Its arguments.
        happened: What the error says if the process ends without an answer.

    Returns:
        Its result, as transferred through JSON.

    Raises:
        ExpressionError: The error that it raised.
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
        with contextlib.suppress(OSError, ValueError):  # if it ended before or while writing
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
    """Runs in the other process: calls the function named on stdin, and writes the result to a file."""
    target, (function, arguments) = Path(sys.argv[1]), json.load(sys.stdin)
    _hold_back()

    def note(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Saves an error of a library that is not one of ours."""
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
    """Limits the memory of this process if the system can; if it runs out, this process is killed first."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (int(MEMORY_SHARE * memory), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


@contextlib.contextmanager
def watched(seconds: float | None = None) -> Iterator[None]:
    """Ends this process if the block takes too long, even if Python cannot interrupt it."""
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        faulthandler.dump_traceback_later(seconds or READING_SECONDS, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
