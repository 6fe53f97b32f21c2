"""The web site is built without a warning, all its links lead somewhere, and nothing is fetched for it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lessons import LESSONS

ROOT = Path(__file__).parents[1]


def builder():
    """The script, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "docs" / "site" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built once."""
    pytest.importorskip("sphinx", reason="needs Sphinx: make setup")
    pytest.importorskip("myst_nb", reason="needs MyST-NB: make setup")
    folder = tmp_path_factory.mktemp("site")
    script = ROOT / "docs" / "site" / "build.py"
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}
    done = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, env={**os.environ, **nowhere}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_lesson_and_guide_has_a_page_that_the_index_lists(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    pages = [f"notebooks/{path.stem}.html" for path in LESSONS]
    pages += [f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md") if path.stem != "README"]
    for page in [*pages, "docs/reference/commands.html", "api/index.html", "search.html"]:
        assert (site / page).is_file(), page
        assert f'href="{page}"' in index, page


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_lesson_shows_its_pictures_and_can_be_downloaded_as_it_is(site):
    for path in LESSONS:
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert re.search(r'<img [^>]*src="\.\./_images/', page), path.name
        (place,) = re.findall(r'href="\.\./(_downloads/[^"]+\.ipynb)"', page)
        assert (site / place).read_bytes() == path.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_module_has_its_docstrings_and_its_source(site):
    page = (site / "api" / "expression.types.html").read_text(encoding="utf-8")
    assert 'id="expression.types.Reading"' in page
    assert "_modules/expression/types.html" in page


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_page_loads_anything_from_elsewhere(site):
    loads = re.compile(
        r'<(?:script|img|iframe|source)[^>]+src="(?:https?:)?//|<link[^>]+rel="stylesheet"[^>]+href="(?:https?:)?//'
    )
    found = {page.name for page in site.rglob("*.html") if loads.search(page.read_text(encoding="utf-8"))}
    assert not found


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    (tmp_path / "a.html").write_text('<p id="here"><a href="b.html#there"><a href="#here"><img src="c.png">')
    (tmp_path / "b.html").write_text('<a href="a.html#here"><a href="https://example.org/">')
    assert builder().broken_links(tmp_path) == [
        "a.html: b.html#there leads nowhere.",
        "a.html: c.png leads nowhere.",
    ]
