"""Executes the lessons in place, so that a reader on GitHub sees what they print and draw.

    python notebooks/execute.py                      every lesson
    python notebooks/execute.py 03_threads.ipynb     those named

`make notebooks` calls it; nothing else writes the outputs. What would differ from run to run
without telling a reader anything (times, widget states, progress bars, ids) is taken out, so that a
change of a lesson is small to read. A lesson with an error, a warning or a path of this
machine in its outputs is not written.
"""

from __future__ import annotations

import argparse
import base64
import copy
import re
import sys
from pathlib import Path

import cv2
import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from expression.pictures.image import encode_jpeg, fit

FOLDER = Path(__file__).resolve().parent

COVER = 320
"""Pixels of the longer side of the picture that notebooks/README.md shows of a lesson."""

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}

PATHS = re.compile(r"(?<![\w.:/])(/(?:home|Users|root|tmp|opt|var|usr|private|mnt)/|[A-Za-z]:\\\\?[A-Za-z])")
"""What looks like a path of some machine; this one's own are looked for by name."""

NAMELESS = re.compile(r"<[\w.]+(?: object)? at 0x[0-9a-f]+>")
"""What Python prints of an object that nobody described."""

NOISE = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
"""Outputs that show nothing once the kernel is gone."""


def main() -> int:
    """Executes the lessons named on the command line; returns how many failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", type=Path, help="notebooks; all of them when none is named")
    parser.add_argument("--timeout", type=float, default=600, help="seconds a cell may take")
    arguments = parser.parse_args()
    failed = 0
    for path in arguments.lessons or lessons():
        path = path if path.exists() else FOLDER / path
        print(f"{path.name} ...", flush=True)
        trouble = execute_file(path, arguments.timeout)
        failed += bool(trouble)
        print("\n".join(f"  {line}" for line in trouble) or "  executed", flush=True)
    return failed


def lessons(folder: Path = FOLDER) -> list[Path]:
    """Returns the notebooks of a folder in order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def execute_file(path: Path, timeout: float = 600) -> list[str]:
    """Executes a notebook and writes it back, unless something is wrong with its outputs.

    Args:
        path: The notebook; it runs in its own folder.
        timeout: Seconds that a cell may take.

    Returns:
        What is wrong, a line each; none when it was written.
    """
    notebook = nbformat.read(path, as_version=4)
    try:
        execute(notebook, path.parent, timeout)
    except CellExecutionError as error:
        return str(error).strip().splitlines()[-1:]
    notebook = normalised(notebook)
    trouble = troubles(notebook)
    if not trouble:
        nbformat.write(notebook, path)
        if path.resolve().parent == FOLDER:
            cover_path(path).write_bytes(cover(notebook))
    return trouble


def cover_path(path: Path) -> Path:
    """Returns where the picture of a lesson lies that notebooks/README.md shows."""
    return FOLDER.parent / "docs" / "lessons" / f"{path.stem}.jpg"


def cover(notebook: nbformat.NotebookNode) -> bytes:
    """Returns the picture of the cell with the tag cover, as a small JPEG."""
    tagged = next(cell for cell in notebook.cells if "cover" in cell.metadata.get("tags", ()))
    kept = [output.data for output in tagged.outputs if "data" in output]
    found = next(data[kind] for data in kept for kind in ("image/png", "image/jpeg") if kind in data)
    image = cv2.imdecode(np.frombuffer(base64.b64decode(found), np.uint8), cv2.IMREAD_COLOR_RGB)
    return encode_jpeg(fit(image, COVER)[0], 85)


def execute(notebook: nbformat.NotebookNode, folder: Path, timeout: float = 600) -> None:
    """Executes a notebook in memory, from top to bottom in a new kernel.

    Args:
        notebook: Gets the outputs.
        folder: Where its code runs.
        timeout: Seconds that a cell may take.

    Raises:
        CellExecutionError: A cell raised.
    """
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],  # it warns that it talks to this machine without encryption
    )
    client.execute()


def normalised(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Returns a copy without what differs from run to run and tells a reader nothing."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        cell.metadata = nbformat.from_dict({n: v for n, v in cell.metadata.items() if n == "tags"})
        cell.outputs = _joined([_plain(each, number) for each in cell.outputs if not _is_noise(each)])
    return notebook


def troubles(notebook: nbformat.NotebookNode) -> list[str]:
    """Returns what must not stand in the outputs of a lesson, a line each."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            text = output_text(output)
            start = f"cell {cell.id}: "
            if output.output_type == "error":
                found.append(start + text.splitlines()[-1])
            if output.get("name") == "stderr" or "Warning:" in text:
                found.append(start + "a warning: " + text.strip()[:200])
            if match := NAMELESS.search(text):
                found.append(start + "an object's address: " + match.group())
            if match := PATHS.search(text) or re.search(re.escape(str(FOLDER.parent)), text):
                found.append(start + "a path of a machine: " + text[match.start() :][:80])
    return found


def output_text(output: nbformat.NotebookNode) -> str:
    """Returns all text of an output, whatever its kind; pictures are left out."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return "\n".join([*output.traceback, f"{output.ename}: {output.evalue}"])
    return "\n".join(str(v) for n, v in output.data.items() if n.startswith("text/") or "json" in n)


def _is_noise(output: nbformat.NotebookNode) -> bool:
    """Whether an output shows nothing once the kernel is gone."""
    return any(kind in output.get("data", {}) for kind in NOISE)


def _plain(output: nbformat.NotebookNode, number: int) -> nbformat.NotebookNode:
    """Returns an output without ids, and progress bars as they stood at the end."""
    if "execution_count" in output:
        output.execution_count = number
    if output.output_type == "stream":
        output.text = "".join(line.rpartition("\r")[2] for line in output.text.splitlines(keepends=True))
    else:
        output.get("metadata", {}).pop("isolated", None)
    output.pop("transient", None)
    return output


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Joins pieces of one stream, which come cut at a different place in every run."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


if __name__ == "__main__":
    sys.exit(min(main(), 1))
