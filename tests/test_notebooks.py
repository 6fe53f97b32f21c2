"""The lessons: built by the rules, executed, and still running from top to bottom."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
FONTS = pytest.importorskip("matplotlib").get_cachedir()
"""Where matplotlib's list of fonts is; making it anew takes so long that it prints a word about it."""

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


def test_there_are_lessons_and_their_numbers_differ():
    assert LESSONS
    assert len({path.name[:2] for path in LESSONS}) == len(LESSONS)


@every_lesson
def test_a_lesson_begins_with_title_quotation_aims_time_and_needs(path):
    first = read(path).cells[0].source
    assert re.match(rf"# {path.name[:2]} · \S.*\n\n> \*.+\*\n", first)
    assert re.search(r"\*\*You will\*\*\n\n(- .+\n){2,}", first)
    assert re.search(r"\*\*Time:\*\*[^*]*(minutes|hour)", first)
    assert "**Needed:**" in first


@every_lesson
def test_a_lesson_ends_with_a_summary_and_three_exercises(path):
    notebook = read(path)
    assert "## Summary\n\n- " in prose(notebook)
    starters, checks, solutions = exercises(notebook)
    assert len(starters) == len(checks) == len(solutions) == 3
    assert all("Not solved yet" in cell.source and "assert " in cell.source for cell in checks)
    assert all(re.search(r"^\w+ = None$", cell.source, re.MULTILINE) for cell in starters)
    assert len(re.findall(r"^### [123] (Change|Extend|Invent): ", prose(notebook), re.MULTILINE)) == 3
    assert re.search(r"\]\(\d\d_\w+\.ipynb\)", notebook.cells[-1].source), (
        "the last cell links to another lesson"
    )


@every_lesson
def test_code_cells_are_short_and_follow_prose(path):
    notebook = read(path)
    starters, checks, _ = exercises(notebook)
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type != "code":
            continue
        lines = cell.source.strip().split("\n")
        assert sum(bool(line.strip()) for line in lines) <= 8, cell.source
        assert len(lines) >= 3 or cell in starters, cell.source
        assert before.cell_type == "markdown" or cell in checks, cell.source


@every_lesson
def test_a_lesson_has_a_length_that_is_read_to_the_end(path):
    assert 1000 <= len(prose(read(path)).split()) <= 2000
    assert path.stat().st_size < 1_000_000


@every_lesson
def test_a_lesson_speaks_plainly(path):
    text = re.sub(r"`[^`]*`|!\[", "", prose(read(path)))
    assert not re.findall(r"\b(?:simply|obviously|of course|trivially)\b|!", text, re.IGNORECASE)


@every_lesson
def test_a_lesson_is_committed_executed_with_pictures_and_without_trouble(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    pictures = [o for o in outputs(notebook) if {"image/png", "image/jpeg"} & set(o.get("data", {}))]
    assert pictures
    assert not execute.troubles(notebook)
    assert str(ROOT) not in path.read_text(encoding="utf-8")


@every_lesson
def test_the_readme_shows_a_picture_of_a_lesson_as_it_is_now(path):
    kept = cv2.imread(str(execute.cover_path(path)))
    now = cv2.imdecode(np.frombuffer(execute.cover(read(path)), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(kept.astype(int), now, atol=3)
    assert f"docs/lessons/{path.stem}.jpg" in (ROOT / "README.md").read_text("utf-8")


@every_lesson
def test_a_lesson_is_stored_as_the_script_stores_it(path):
    notebook = read(path)
    assert execute.normalised(notebook) == notebook
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@every_lesson
def test_links_to_files_lead_somewhere(path):
    for link in re.findall(r"\]\((?!https?:|#|attachment:)([^)#]+)", prose(read(path))):
        assert (FOLDER / link).exists(), link


def test_the_glossary_is_in_order_and_each_word_stands_in_its_lesson():
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| (\[.+\)) \|$", (FOLDER / "GLOSSARY.md").read_text("utf-8"), re.M
    )
    words = [word for word, _ in rows]
    assert len(words) > 30
    assert words == sorted(words, key=str.casefold)
    for word, links in rows:
        for link in re.findall(r"\]\(([^)]+)\)", links):
            lesson = "".join(cell.source for cell in read(FOLDER / link).cells).replace("_", " ")
            assert word.casefold().rstrip("e") in lesson.casefold(), (word, link)


def _tree() -> str | None:
    """What git sees of the working tree; None outside one."""
    words = [
        "git",
        "status",
        "--porcelain",
        "--",
        "notebooks",
        "Images",
        "labelList.csv",
        "faceLabels.csv",
        "results",
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("solved", [pytest.param(False, id="as given"), pytest.param(True, id="solved")])
@every_lesson
def test_a_lesson_runs_headless_and_leaves_the_tree_as_it_was(path, solved, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPRESSION_HEADLESS", "1")
    monkeypatch.setenv("MPLCONFIGDIR", FONTS)
    notebook, before = read(path), _tree()
    starters, checks, solutions = exercises(notebook)
    for starter, solution in zip(starters, solutions, strict=True):
        starter.source = solution if solved else starter.source
    began = time.monotonic()
    execute.execute(notebook, tmp_path)
    assert time.monotonic() - began < 90
    assert not execute.troubles(execute.normalised(notebook))
    assert _tree() == before
    said = ["".join(execute.output_text(output) for output in cell.outputs) for cell in checks]
    assert [("Not solved yet" in text) for text in said] == [not solved] * 3


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "path",
    [path for path in LESSONS if "find_fer2013" in path.read_text("utf-8")],
    ids=lambda path: path.stem,
)
def test_a_lesson_on_fer2013_runs_without_it(path, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPRESSION_HEADLESS", "1")
    monkeypatch.setenv("MPLCONFIGDIR", FONTS)
    monkeypatch.setenv("EXPRESSION_DATA", str(tmp_path / "nowhere"))
    notebook = read(path)
    began = time.monotonic()
    execute.execute(notebook, tmp_path)
    assert time.monotonic() - began < 90
    assert not execute.troubles(execute.normalised(notebook))


def stream(text: str, name: str = "stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def notebook_with(*cell_outputs):
    times = {"execution": {"iopub.status.busy": "now"}}
    cell = nbformat.v4.new_code_cell("print()", outputs=list(cell_outputs), metadata=times)
    cell.execution_count = 7
    return nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": {}}})


def test_noise_is_taken_out_and_what_a_reader_sees_stays():
    widget = nbformat.v4.new_output(
        "display_data",
        {"application/vnd.jupyter.widget-view+json": {"model_id": "a1"}, "text/plain": "Box()"},
    )
    picture = nbformat.v4.new_output("execute_result", {"image/png": "aGk="}, execution_count=7)
    mixed = notebook_with(stream("10%\r50%\r100%\n"), stream("one\n"), widget, picture, stream("two\n"))
    cell = execute.normalised(mixed).cells[0]
    assert [output.output_type for output in cell.outputs] == ["stream", "execute_result", "stream"]
    assert cell.outputs[0].text == "100%\none\n"
    assert cell.outputs[1].execution_count == cell.execution_count == 1
    assert cell.metadata == {}
    assert "widgets" not in execute.normalised(mixed).metadata
    assert mixed.cells[0].execution_count == 7, "the notebook given is left alone"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        pytest.param(stream("saved to /home/me/x.png"), "a path of a machine: /home/me", id="home"),
        pytest.param(stream("in C:\\Users\\me"), "a path of a machine: C:\\Users", id="windows"),
        pytest.param(stream(f"in {ROOT}/x"), "a path of a machine: " + str(ROOT), id="the project's own"),
        pytest.param(stream("anything", "stderr"), "a warning: anything", id="stderr"),
        pytest.param(stream("UserWarning: old"), "a warning: UserWarning: old", id="warning"),
        pytest.param(
            nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[]),
            "ValueError: no",
            id="error",
        ),
    ],
)
def test_trouble_in_an_output_is_named(output, words):
    assert words in execute.troubles(notebook_with(output))[0]


@pytest.mark.parametrize(
    "text", ["30/50 pictures", "https://x.org/home/a", "25 C: mild", "notebooks/03_threads.ipynb"]
)
def test_what_only_looks_like_a_path_is_no_trouble(text):
    assert execute.troubles(notebook_with(stream(text))) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("1 / 0", "ZeroDivisionError", id="raises"),
        pytest.param("import warnings; warnings.warn('old')", "a warning", id="warns"),
        pytest.param("import os; print(os.getcwd())", "a path of a machine", id="path"),
        pytest.param("print('well')", None, id="good"),
    ],
)
def test_a_lesson_is_written_only_when_all_is_well(source, words, tmp_path):
    path = tmp_path / "01_x.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    before = path.read_text(encoding="utf-8")
    trouble = execute.execute_file(path)
    if words is None:
        assert trouble == []
        assert read(path).cells[0].outputs[0].text == "well\n"
    else:
        assert words in trouble[0]
        assert path.read_text(encoding="utf-8") == before
