"""README, guides and reference: links lead somewhere, commands exist, and code can be run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
import typer
from parts import ROOT

from expression.cli.app import app

PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if path.name != "CHANGELOG.md"  # which speaks of earlier versions
)
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The names by which GitHub lets a page's headings be linked to."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-").casefold() for heading in headings}


@each_page
def test_each_link_leads_to_a_file_or_a_heading(path):
    text = FENCE.sub("", path.read_text("utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.read_text("utf-8")), link


@each_page
def test_each_command_that_is_shown_has_the_options_that_are_shown(path):
    blocks = [block for kind, block in FENCE.findall(path.read_text("utf-8")) if not kind]
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("expression ")]
    for line in lines:
        words = shlex.split(line)[1:]
        command = typer.main.get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {form for parameter in command.params for form in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


@each_page
def test_python_that_is_shown_can_be_compiled(path):
    for kind, block in FENCE.findall(path.read_text("utf-8")):
        if kind == "python":
            compile(block, str(path), "exec")


@pytest.mark.slow
def test_the_sink_of_the_guide_to_reactions_runs(tmp_path):
    guide = (ROOT / "docs" / "reactions.md").read_text("utf-8")
    snippet = next(block for kind, block in FENCE.findall(guide) if kind == "python")
    short = snippet.replace('display="none"', 'display="none", duration=6')
    done = subprocess.run([sys.executable, "-c", short], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Bravo, person" in done.stdout


def test_every_guide_is_in_the_list_of_guides():
    contents = (ROOT / "docs" / "README.md").read_text("utf-8")
    for path in (ROOT / "docs").rglob("*.md"):
        assert path.name == "README.md" or f"({path.relative_to(ROOT / 'docs')})" in contents
