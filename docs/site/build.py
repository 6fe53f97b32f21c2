"""Builds the web site: the lessons as executed, the guides, the reference, and the package's docstrings.

    python docs/site/build.py               into build/site; open build/site/index.html
    python docs/site/build.py FOLDER        into another folder

`make site` calls it. The pages are copied to a folder of their own first, with an index that lists them, so
the text stands only once. Links to modules become links to their documentation. A warning of
Sphinx and a link that leads nowhere are errors. Nothing is fetched from the network.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

COPIED = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", "requirements.txt"]
COPIED += ["environment.yml", "docs", "notebooks", "results", "benchmarks", "scripts", "expression/models"]
COPIED += ["expression/teaching/photos"]
"""What is copied; files that no page shows or links to stay out of the site."""

BEHIND = ["CONTRIBUTING", "results/README", "benchmarks/README", "expression/models/README", "CHANGELOG"]
"""The pages of the index's last part."""

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s:]*?)(#[^)\s]*)?\)")
"""A link in Markdown to a place in the project."""


def main() -> int:
    """Builds the site into the folder named on the command line; returns 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as source:
        write_source(Path(source))
        from sphinx.cmd.build import main as build

        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if (folder / ".buildinfo").exists():  # an earlier site, whose pages may be gone
            shutil.rmtree(folder)
        options = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(Path(source) / "doctrees")]
        failed = build([*options, source, str(folder)])
    broken = broken_links(folder)
    print("\n".join(broken) or f"The site is in {folder}.")
    return int(bool(failed or broken))


def write_source(folder: Path) -> None:
    """Copies the pages to an empty folder, and adds the index, the settings and a page for each module."""
    quiet = shutil.ignore_patterns("__pycache__", ".*", "*.py")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name, **({"ignore": quiet} if copy is shutil.copytree else {}))
    modules = module_names()
    write_api(folder / "api", modules)
    (folder / "downloads").mkdir()
    for page in folder.rglob("*.md"):
        page.write_text(with_links(page.read_text(encoding="utf-8"), page, folder, modules), encoding="utf-8")
    for page in folder.glob("notebooks/*.ipynb"):
        shutil.copy(page, folder / "downloads")
        notebook = json.loads(page.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = with_links("".join(cell["source"]), page, folder, modules)
        notebook["cells"][0]["source"] += f"\n\n{{download}}`Download this lesson <../downloads/{page.name}>`"
        page.write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "docs" / "README.md").unlink()  # the index takes its place
    shutil.rmtree(folder / "docs" / "site")
    guides = re.findall(r"^- \[[^\]]+\]\((\w+)\.md\)", (ROOT / "docs/README.md").read_text("utf-8"), re.M)
    parts = {
        "lessons": sorted(f"notebooks/{path.stem}" for path in folder.glob("notebooks/*.ipynb")),
        "guides": [f"docs/{name}" for name in guides],
        "reference": sorted(f"docs/reference/{path.stem}" for path in folder.glob("docs/reference/*.md")),
        "behind": BEHIND,
    }
    index = (HERE / "index.txt").read_text(encoding="utf-8")
    for name, pages in parts.items():
        index = index.replace(f"[{name}]", "\n".join(pages))
    (folder / "index.md").write_text(index, encoding="utf-8")
    shutil.copy(HERE / "conf.py", folder / "conf.py")


def module_names() -> list[str]:
    """Returns the names of the package's public modules."""
    places = [path.relative_to(ROOT).with_suffix("") for path in ROOT.glob("expression/**/*.py")]
    names = {".".join(place.parts).removesuffix(".__init__") for place in places}
    return sorted(name for name in names if not re.search(r"\._|__main__|\.migrations", name))


def write_api(folder: Path, modules: list[str]) -> None:
    """Writes a page for each module, and one that lists them; the sidebar would be long with all of them."""
    folder.mkdir()
    for name in modules:
        page = f":orphan:\n\n{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n"
        (folder / f"{name}.rst").write_text(page, encoding="utf-8")
    rooms: dict[str, list[str]] = {}
    for name in modules:
        room = ".".join(name.split(".")[:2])
        alone = room == "expression" or not (ROOT / room.replace(".", "/")).is_dir()
        rooms.setdefault("" if alone else room, []).append(name)
    lines = ["Modules", "=======", ""]
    for room, names in sorted(rooms.items()):
        lines += ["", room, "-" * len(room), ""] if room else []
        lines += [f"- :doc:`{name}`: {summary(name)}" for name in names]
    (folder / "index.rst").write_text("\n".join(lines) + "\n", encoding="utf-8")


def summary(module: str) -> str:
    """Returns the first line of a module's docstring."""
    place = ROOT / module.replace(".", "/")
    file = place.with_suffix(".py") if place.with_suffix(".py").exists() else place / "__init__.py"
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def with_links(text: str, page: Path, folder: Path, modules: list[str]) -> str:
    """Returns a text in Markdown with its links as the site has them."""
    return LINK.sub(lambda found: link(found, page, folder, modules), text)


def link(found: re.Match, page: Path, folder: Path, modules: list[str]) -> str:
    """Returns a link as the site has it: modules have pages, and folders and other code only a name."""
    mark, text, place, anchor = found[1], found[2], found[3], found[4] or ""
    target = Path(os.path.normpath(page.parent / place))
    if mark or not place or (target.exists() and target.is_file()):
        return found[0]
    if target == folder / "docs" / "README.md":
        return f"[{text}]({os.path.relpath(folder / 'index.md', page.parent)})"
    module = ".".join(target.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
    if module in modules:
        return f"[{text}]({os.path.relpath(folder / 'api' / f'{module}.rst', page.parent)}{anchor})"
    return text if (ROOT / target.relative_to(folder)).exists() else found[0]


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects what a tag links to and what it is called."""
        for name, value in attrs:
            if name in {"href", "src"} and value:
                self.links.append(value)
            elif name == "id" and value:
                self.anchors.add(value)


def broken_links(folder: Path) -> list[str]:
    """Returns the links inside a site that lead to no file or to no heading, a line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    broken = set()
    for path, page in pages.items():
        for link in page.links:
            place = urlsplit(link)
            if place.scheme or place.netloc:
                continue
            target = Path(os.path.normpath(path.parent / unquote(place.path))) if place.path else path
            anchor = unquote(place.fragment)
            there = target in pages and (not anchor or anchor in pages[target].anchors)
            if not there and (target in pages or not target.exists()):
                broken.add(f"{path.relative_to(folder)}: {link} leads nowhere.")
    return sorted(broken)


if __name__ == "__main__":
    sys.exit(main())
