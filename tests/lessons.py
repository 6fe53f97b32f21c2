"""The lessons as the tests read them: their cells, their words and what they printed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)


def _execute_module():
    """The script beside the lessons, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


execute = _execute_module()
LESSONS = execute.lessons()
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read(path: Path):
    return nbformat.read(path, as_version=4)


def prose(notebook) -> str:
    """What a reader reads: markdown without solutions and code."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.sub(
        r"```.*?```", "", re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL), flags=re.DOTALL
    )


def outputs(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def exercises(notebook) -> tuple[list, list, list[str]]:
    """Starter cells, check cells and solutions, in order."""
    start = next(i for i, cell in enumerate(notebook.cells) if "## Exercises" in cell.source)
    cells = [cell for cell in notebook.cells[start:] if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in notebook.cells[start:] if cell.cell_type == "markdown")
    return cells[::2], cells[1::2], SOLUTION.findall(text)
