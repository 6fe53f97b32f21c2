"""The lessons still run from top to bottom, and the script beside them writes what a reader should see."""

from __future__ import annotations

import copy
import os
import subprocess

import pytest
from lessons import ROOT, every_lesson, execute, exercises, nbformat, read
from shorter import shortened

FER2013 = os.environ.get("EXPRESSION_DATA")
"""FER2013, with which the lessons are run if the variable is set; by default drawn faces are used instead."""


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


def _busy() -> float:
    """Seconds of the processor that kernels took which have ended, whatever else the machine does."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.slow
@pytest.mark.timeout(600)
@every_lesson
def test_a_lesson_runs_headless_before_and_after_its_exercises_are_solved(path, tmp_path, monkeypatch):
    """As a learner goes on: the starter cell and its check as they are, then the solution and the check."""
    monkeypatch.setenv("EXPRESSION_DATA", FER2013 or str(tmp_path / "nowhere"))
    notebook, before = shortened(read(path), path.name[:2]), _tree()
    starters, checks, solutions = exercises(notebook)
    again = []
    for starter, check, solution in zip(starters, checks, solutions, strict=True):
        solved, same = copy.deepcopy(starter), copy.deepcopy(check)
        solved.source = solution
        solved.id, same.id = f"solved-{starter.id}", f"again-{check.id}"
        where = next(i for i, cell in enumerate(notebook.cells) if cell is check) + 1
        notebook.cells[where:where] = [solved, same]
        again.append(same)
    began = _busy()
    execute.execute(notebook, tmp_path)
    # 90 s for the lesson and some more for the solutions; twice that, as a core that others use works slower.
    assert _busy() - began < 240
    assert not execute.troubles(execute.normalised(notebook))
    assert _tree() == before
    for cells, solved in ((checks, False), (again, True)):
        said = ["".join(execute.output_text(output) for output in cell.outputs) for cell in cells]
        assert [("Not solved yet" in text) for text in said] == [not solved] * 3


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
        pytest.param(stream("<a.B object at 0x7f61>"), "address: <a.B object at 0x7f61>", id="an object"),
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


@pytest.mark.slow
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
