"""The lessons are built by the rules: head, sections, cells, figures, links, pictures and exercises."""

from __future__ import annotations

import re
from itertools import pairwise

import cv2
import numpy as np
from lessons import (
    FOLDER,
    LESSONS,
    ROOT,
    code,
    every_lesson,
    execute,
    exercises,
    nbformat,
    outputs,
    prose,
    read,
)

FIGURE = re.compile(r"(?<![\w.,§#-])(\d+(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d+(?=%)|\d{3,}(?![\w-]))")
"""A number in a text that could be a result: with a fraction, a percent sign, or three digits."""

ELSEWHERE = {
    "01": {"255": "the range of a byte", "0.35": "a setting"},
    "02": {"255": "the range of a byte", "100": "in the cell below", "120": "in the cell below"},
    "03": {"100": "asked in an exercise"},
    "04": {
        "30": "supposed in a text",
        "2,304": "48 x 48",
        "93": "in the picture above",
        "87": "in the picture above",
        "98": "asked in the quiz",
        "500": "asked in the quiz",
    },
    "05": {
        "60": "supposed in a question, and asked in the quiz",
        "99": "asked in the quiz",
        "100": "the whole",
        "650": "64 x 10 + 10",
    },
    "06": {
        "100": "the whole",
        "2,304": "48 x 48",
        "9,216": "12 x 12 x 64",
        "200": "in the cell below",
        "255": "the range of a byte",
        "0.04": "in the cell below",
        "70": "an example",
        "98": "asked in the quiz",
    },
    "07": {
        "0.1": "in the cell below",
        "0.6": "in the cell below",
        "0.40": "an example",
        "0.45": "an example",
    },
    "08": {
        "512": "the shipped network",
        "2,304": "48 x 48",
        "28,709": "printed in lesson 06",
    },
    "09": {
        "403": "a status code",
        "404": "a status code",
        "127.0": "an address",
        "255": "the range of a byte",
        "1931": "a year",
        "2016": "a year",
        "1.1": "a version",
    },
    "10": {},
    "11": {"1.2": "in the cell below", "0.1": "an example", "3.2": "asked in an exercise"},
    "12": {"28,709": "printed in the lesson on training"},
    "13": {"180,000": "2 x 60 x 60 x 25", "0.4": "in the cell below"},
    "14": {"255": "the range of a byte", "2,304": "48 x 48"},
    "15": {"127": "the range of a signed byte", "95": "asked in an exercise"},
    "16": {"80": "an example"},
}
"""Figures that no cell prints and no link in the same paragraph stands for, and whence they come."""


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
def test_headings_step_down_one_level_at_a_time_and_sections_are_counted(path):
    headings = re.findall(r"^(#+) (.+)$", prose(read(path)), re.MULTILINE)
    levels = [len(marks) for marks, _ in headings]
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels)), headings
    counted = [int(title.split()[0]) for marks, title in headings if marks == "##" and title[0].isdigit()]
    assert counted == list(range(1, len(counted) + 1))
    assert len(counted) >= 3


@every_lesson
def test_each_section_with_code_shows_something_and_some_ask_for_a_prediction(path):
    shows = {}
    for cell in read(path).cells:
        if heading := re.search(r"^## (\d .+)$", cell.source, re.MULTILINE):
            section = heading[1]
        elif "## Summary" in cell.source:
            break
        if cell.cell_type == "code":
            shows[section] = shows.get(section, False) or bool(cell.outputs)
    assert all(shows.values()), shows
    assert prose(read(path)).count("**Your prediction:**") >= 3


@every_lesson
def test_code_cells_are_short_and_follow_prose(path):
    notebook = read(path)
    starters, checks, _ = exercises(notebook)
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type != "code":
            continue
        lines = cell.source.strip().split("\n")
        assert sum(bool(line.strip()) for line in lines) <= 20, cell.source
        assert len(lines) >= 3 or cell in starters, cell.source
        assert before.cell_type == "markdown" or cell in checks, cell.source


@every_lesson
def test_a_lesson_has_enough_text_and_a_small_file(path):
    assert len(prose(read(path)).split()) >= 1000
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
def test_an_output_is_seen_whole_on_a_page(path):
    for output in outputs(read(path)):
        text = output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        lines = text.splitlines()
        assert len(lines) <= 40, text
        assert max(map(len, lines), default=0) <= 150, text
        assert all(len(data) < 300_000 for data in output.get("data", {}).values())


@every_lesson
def test_a_figure_in_a_text_was_printed_above_it_or_has_a_source(path):
    said, without = "", []
    for cell in read(path).cells:
        said += cell.source if cell.cell_type == "code" else ""
        said += "\n".join(map(execute.output_text, cell.get("outputs", ())))
        for paragraph in re.split(r"\n\n|\n- ", prose(nbformat.v4.new_notebook(cells=[cell]))):
            if "](" not in paragraph:
                without += [found for found in FIGURE.findall(paragraph) if not _printed(found, said)]
    assert set(without) == set(ELSEWHERE[path.name[:2]])


def _printed(figure: str, said: str) -> bool:
    """Whether a figure stands in a text, with commas between its thousands or without."""
    spellings = {figure, figure.replace(",", "")}
    return any(re.search(rf"(?<![\d.]){re.escape(one)}(?!\d)", said) for one in spellings)


@every_lesson
def test_the_overview_shows_a_picture_of_a_lesson_as_it_is_now(path):
    kept = cv2.imread(str(execute.cover_path(path)))
    now = cv2.imdecode(np.frombuffer(execute.cover(read(path)), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(kept.astype(int), now, atol=3)
    assert f"docs/lessons/{path.stem}.jpg" in (FOLDER / "README.md").read_text("utf-8")


@every_lesson
def test_a_lesson_is_stored_as_the_script_stores_it(path):
    notebook = read(path)
    assert execute.normalised(notebook) == notebook
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@every_lesson
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)]+)\)", prose(read(path))):
        if "://" in link:
            assert re.match(r"https://[\w.-]+\.\w+/", link), link
            continue
        place, _, anchor = link.partition("#")
        page = FOLDER / (place or path.name)
        assert page.exists(), link
        text = prose(read(page)) if page.suffix == ".ipynb" else anchor and page.read_text("utf-8")
        assert not anchor or anchor in _anchors(text), link


def _anchors(page: str) -> list[str]:
    """The names by which GitHub lets a page's headings be linked to."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).replace(" ", "-").casefold() for heading in headings]


def test_lessons_lead_from_one_to_the_next_and_no_other_is_spoken_of():
    names = [path.name for path in LESSONS]
    for before, path, after in zip(["", *names], LESSONS, [*names[1:], ""], strict=False):
        last = read(path).cells[-1].source.rpartition("</details>")[2]
        assert re.findall(r"\((\d\d_\w+\.ipynb)\)", last) == [name for name in (before, after) if name]
    pages = [prose(read(path)) for path in LESSONS] + [(ROOT / "README.md").read_text("utf-8")]
    spoken = {number for page in pages for number in re.findall(r"[Ll]essons? \[?(\d\d)", page)}
    assert spoken <= {name[:2] for name in names}


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
