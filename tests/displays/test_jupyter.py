"""The live view where learners meet it: a real JupyterLab in a real browser."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from jupyterpage import CHROMIUM, IN_A_BROWSER, PICTURE, QUIET, jupyter, playwright, ready
from parts import PATIENCE

from expression.labelbook.book import LabelBook
from expression.labelbook.integrity import examine
from expression.labeler.canvas import HEIGHT, WIDTH

pytestmark = IN_A_BROWSER


@pytest.fixture
def page() -> Iterator[playwright.Page]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(1000 * PATIENCE)
        yield page
        browser.close()


def test_the_live_view_moves_in_place_and_its_buttons_turn_the_switches_and_end_the_cell(tmp_path, page):
    cell = (
        "from expression import Session\n"
        "with Session('demo', display='widget', detector='haar', duration=240, sinks=['lamp']) as session:\n"
        "    session.run()\n"
        "print('stopped with', session.statistics()['threads_left'], 'threads left,', session.control.told())"
    )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=kernel)
    nbformat.write(notebook, tmp_path / "live.ipynb")
    with jupyter(tmp_path) as address:
        page.goto(f"{address}/lab/workspaces/test/tree/live.ipynb?reset")
        ready(page)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(PICTURE)
        seen = set()
        while len(seen) < 5:
            seen.add(page.eval_on_selector(PICTURE, "picture => picture.src"))
        page.select_option("select:has-text('as read')", "Sad")
        for name in ("Pause", "Recognition"):
            page.click(f"button:has-text('{name}')")
        page.wait_for_selector("text=off · paused · Sad (override)")  # the picture's words say so
        page.click("button:has-text('Stop')")
        page.wait_for_selector("text=stopped with 0 threads left, off · paused · Sad (override)")
        kept = page.eval_on_selector(".jp-RenderedImage img", "picture => picture.src")
    assert kept.startswith("data:image/jpeg")


class Labeler:
    """The first cell of a notebook, run, which shows a labeler over the folder `mine`."""

    def __init__(self, page: playwright.Page, folder: Path, address: str):
        self.page, self.folder = page, folder
        page.goto(f"{address}/lab/workspaces/test/tree/label.ipynb?reset")
        ready(page)
        page.keyboard.press("Shift+Enter")
        self.box = page.wait_for_selector("img.expression-labeler").bounding_box()

    def point(self, x: int, y: int) -> tuple[float, float]:
        """Where a place of the picture is on the page."""
        return self.box["x"] + x / WIDTH * self.box["width"], self.box["y"] + y / HEIGHT * self.box["height"]

    def click(self, x: int, y: int) -> None:
        self.page.mouse.click(*self.point(x, y))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def rows(self) -> list[tuple[str, ...]]:
        """Picture and label of each row on the disk."""
        table = self.folder / "mine" / "faceLabels.csv"
        lines = table.read_text("utf-8").splitlines() if table.exists() else []
        return [tuple(line.split(",")[:2]) for line in lines]

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "mine" / "Images").glob("*.png"))


@contextmanager
def labeler(page: playwright.Page, folder: Path, *cells: str) -> Iterator[Labeler]:
    """Opens JupyterLab on a notebook whose first cell shows a labeler."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel
    )
    nbformat.write(notebook, folder / "label.ipynb")
    with jupyter(folder) as address:
        yield Labeler(page, folder, address)


SHOW = (
    "from expression.labeler.widget import LabelWidget\n"
    "labeler = LabelWidget('mine', source='demo', detector='haar')\n"
    "labeler"
)


def test_the_labeler_takes_clicks_and_keys_in_the_browser_and_the_files_are_there(tmp_path, page):
    end = "labeler.stop()\nprint('ended with', labeler.book.counts['Happy'], 'happy pictures')"
    with labeler(page, tmp_path, SHOW, end) as desk:
        desk.click(280, 448)  # agree
        desk.press("4")
        _until(lambda: desk.rows() == [("face1.png", "Happy")], page, lambda: desk.press(" "))
        desk.press("u")
        _until(lambda: desk.rows() == [] == desk.files(), page)
        _until(lambda: desk.rows() == [("face2.png", "Happy")], page, lambda: desk.click(1030, 420))
        desk.press("e")
        page.wait_for_timeout(500)
        desk.click(60, 70)
        desk.press("5")
        _until(lambda: desk.rows() == [("face2.png", "Sad")], page)
        desk.click(60, 70)
        desk.press("Backspace")
        _until(lambda: desk.rows() == [] == desk.files(), page)
        desk.press("u", "u")
        _until(lambda: desk.rows() == [("face2.png", "Happy")], page)
        page.click(".jp-CodeCell >> nth=1 >> .cm-content")
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector("text=ended with 1 happy pictures")
    assert desk.files() == ["face2.png"]


def test_a_label_is_typed_in_the_browser(tmp_path, page):
    with labeler(page, tmp_path, SHOW) as desk:
        desk.click(280, 448)
        desk.press("l", "a")
        page.keyboard.type("Quite Sure, q")
        desk.press("Enter")
        listed = tmp_path / "mine" / "labelList.csv"
        _until(lambda: listed.exists() and '7,"Quite Sure, q"' in listed.read_text("utf-8"), page)


@pytest.mark.slow
def test_a_burst_by_the_mouse_survives_the_death_of_its_kernel(tmp_path, page):
    number = "import os\nopen('kernel', 'w').write(str(os.getpid()))\n"
    with labeler(page, tmp_path, number + SHOW) as desk:
        desk.click(280, 448)
        desk.press("2")
        page.mouse.move(*desk.point(1030, 420))
        # The first click is for the button to be there; the demo has no face in it now and then.
        _until(lambda: len(desk.rows()) >= 1, page, lambda: desk.click(1030, 420))
        page.mouse.down()
        _until(lambda: len(desk.rows()) >= 4, page)
        os.kill(int((tmp_path / "kernel").read_text()), signal.SIGKILL)
        page.mouse.up()
    before = desk.rows()
    with LabelBook(tmp_path / "mine") as book:
        assert [(row.image, row.label) for row in book.rows[: len(before)]] == before
        assert sorted(row.image for row in book.rows) == desk.files()
        assert [finding.kind for finding in examine(book) if finding.kind != "alike"] == []


def _until(wanted, page, do=None) -> None:
    """Waits until something is as wanted; meanwhile something is done a second apart."""
    for _ in range(30):
        if do:
            do()
        for _ in range(20):
            if wanted():
                return
            page.wait_for_timeout(50)
    raise AssertionError("it never was")
