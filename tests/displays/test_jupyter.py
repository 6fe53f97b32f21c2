"""The live view where learners meet it: a real JupyterLab in a real browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import processes
import pytest

from expression.integrity import examine
from expression.labelbook import LabelBook
from expression.labelscreen import HEIGHT, WIDTH
from expression.practicebroker import free_port

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
PICTURE = "img.widget-image"

IN_A_BROWSER = [
    pytest.mark.timeout(300),
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)"),
]
pytestmark = IN_A_BROWSER


@contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """Runs JupyterLab over a folder, on loopback, and gives its address."""
    port = free_port()
    words = f"--allow-root --no-browser --ServerApp.ip=127.0.0.1 --ServerApp.port={port}"
    home = {name: str(folder) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    server = processes.start(
        [
            *(sys.executable, "-m", "jupyterlab", *words.split()),
            *(f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="),
            "--ServerApp.disable_check_xsrf=True",  # so that a test may ask for a restart, too
        ],
        env=os.environ | home,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            assert server.poll() is None, "JupyterLab ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()  # it asks its kernels to end, and waits for them
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=20)
        processes.end(server)


def _answers(port: int) -> bool:
    """Whether a server listens on a port by now."""
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def page() -> Iterator[playwright.Page]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser.new_page(viewport={"width": 1400, "height": 1100})
        browser.close()


def test_the_live_view_moves_in_place_and_its_buttons_turn_the_switches_and_end_the_cell(tmp_path, page):
    cell = (
        "from expression import Session\n"
        "with Session('demo', display='widget', detector='haar', duration=60, sinks=['lamp']) as session:\n"
        "    session.run()\n"
        "print('stopped with', session.statistics()['threads_left'], 'threads left,', session.control.told())"
    )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=kernel)
    nbformat.write(notebook, tmp_path / "live.ipynb")
    with jupyter(tmp_path) as address:
        page.goto(f"{address}/lab/workspaces/test/tree/live.ipynb?reset", timeout=110_000)
        ready(page)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(PICTURE, timeout=30_000)
        seen = set()
        while len(seen) < 5:
            seen.add(page.eval_on_selector(PICTURE, "picture => picture.src"))
        page.select_option("select:has-text('as read')", "Sad")
        for name in ("Pause", "Recognition"):
            page.click(f"button:has-text('{name}')")
        page.wait_for_selector(
            "text=off · paused · Sad by hand", timeout=10_000
        )  # the picture's words say so
        page.click("button:has-text('Stop')")
        page.wait_for_selector("text=stopped with 0 threads left, off · paused · Sad by hand", timeout=10_000)
        kept = page.eval_on_selector(".jp-RenderedImage img", "picture => picture.src")
    assert kept.startswith("data:image/jpeg")


def ready(page: playwright.Page) -> None:
    """Waits until the kernel is idle."""
    page.click(".jp-CodeCell .cm-content", timeout=110_000)
    page.wait_for_selector("text=| Idle", timeout=60_000)


class Labeler:
    """The first cell of a notebook, run, which shows a labeler over the folder `mine`."""

    def __init__(self, page: playwright.Page, folder: Path, address: str):
        self.page, self.folder = page, folder
        page.goto(f"{address}/lab/workspaces/test/tree/label.ipynb?reset", timeout=110_000)
        ready(page)
        page.keyboard.press("Shift+Enter")
        self.box = page.wait_for_selector("img.expression-labeler", timeout=30_000).bounding_box()

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
    "from expression.labelwidget import LabelWidget\n"
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
        page.wait_for_selector("text=ended with 1 happy pictures", timeout=20_000)
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
