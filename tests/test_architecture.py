"""Files stay short, live runs stay light, and what is written stays true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from expression.cli import app
from expression.sinks import names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "expression"
FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_is_short_and_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350
    assert ast.get_docstring(ast.parse(text))


def test_the_root_of_the_package_has_at_most_twelve_modules():
    modules = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    assert len(modules) <= 12, sorted(modules)


def test_the_guide_shows_every_folder_in_the_row_of_its_layer():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = [
        set(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| (`\w+`.*?) \|", guide, re.MULTILINE)
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rows = [names for layer in layers if (names := set(re.findall(r"\w+", layer)) & folders)]
    assert shown == rows
    assert set().union(*rows) == folders


LESSONS = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
TAUGHT = [*FILES, *sorted((ROOT / "scripts").glob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py"))]


@pytest.mark.parametrize("path", TAUGHT, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_names_a_lesson_that_is_there(path):
    named = re.findall(r"^Notebook: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= LESSONS


@pytest.mark.slow
def test_a_live_run_loads_no_tensorflow(tmp_path):
    code = (
        "import sys; from expression.cli.app import main;"
        "code = main(['live', '--source', 'demo', '--display', 'none', '--duration', '1']);"
        "heavy = {'tensorflow', 'keras', 'torch', 'jax', 'skimage', 'matplotlib'} & set(sys.modules);"
        "print('heavy', heavy or None, code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert "heavy None 0" in done.stdout, done.stdout + done.stderr


def test_importing_the_package_loads_no_heavy_package():
    code = "import sys, expression; print(sorted({'cv2', 'numpy', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_file_in_sinks_is_a_sink_that_can_be_named():
    files = {path.stem for path in (PACKAGE / "sinks").glob("[!_]*.py")}
    assert set(names()) == files


def test_the_readme_names_every_command(capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = list(typer.main.get_command(app.app).commands)
    assert "models" in commands
    for command in commands:
        assert f"expression {command}" in readme, command


def test_the_readme_shows_itself_within_its_first_thirty_lines():
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    assert any(line.startswith("![") for line in first)
    assert "make live" in first
    assert "make test" in first
    assert "from expression import Session" in first


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) < 8000


@pytest.mark.slow
def test_the_snippet_of_the_readme_runs(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    snippet = readme.split("```python\n")[1].split("```")[0]
    assert snippet.count("\n") == 6
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") >= 3, "the demo lasts ten seconds, however slow the machine is"
