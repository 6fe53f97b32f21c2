"""The live view where learners meet it: a real JupyterLab in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from expression.labelscreen import HEIGHT, WIDTH

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
PICTURE = "img.widget-image"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)"),
]


@contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """Runs JupyterLab over a folder, on loopback, and gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"--allow-root --no-browser --ServerApp.ip=127.0.0.1 --ServerApp.port={port}"
    home = {name: str(folder) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", *words.split()),
            *(f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="),
        ],
        env=os.environ | home,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            assert server.poll() is None, "JupyterLab ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answers(port: int) -> bool:
    """Whether a server listens on a port by now."""
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def page() -> Iterator[playwright.Page]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser.new_page()
        browser.close()


def test_the_live_view_moves_in_place_and_its_stop_button_ends_the_cell(tmp_path, page):
    cell = (
        "from expression import Session\n"
        "with Session('demo', display='widget', detector='haar', duration=60) as session:\n"
        "    session.run()\n"
        "print('stopped with', session.statistics()['threads_left'], 'threads left')"
    )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=kernel)
    nbformat.write(notebook, tmp_path / "live.ipynb")
    with jupyter(tmp_path) as address:
        page.goto(f"{address}/lab/workspaces/test/tree/live.ipynb?reset")
        page.click(".jp-CodeCell .cm-content", timeout=60_000)
        page.wait_for_selector("text=| Idle", timeout=60_000)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(PICTURE, timeout=30_000)
        seen = set()
        while len(seen) < 5:
            seen.add(page.eval_on_selector(PICTURE, "picture => picture.src"))
        page.click("button:has-text('Stop')")
        page.wait_for_selector("text=stopped with 0 threads left", timeout=10_000)
        kept = page.eval_on_selector(".jp-RenderedImage img", "picture => picture.src")
    assert kept.startswith("data:image/jpeg")


def test_the_labeler_takes_clicks_and_keys_in_the_browser_and_the_files_are_there(tmp_path, page):
    cells = (
        "from expression.labelwidget import LabelWidget\n"
        "labeler = LabelWidget('mine', source='demo', detector='haar')\n"
        "labeler",
        "labeler.stop()\nprint('ended with', labeler.book.counts['Happy'], 'happy pictures')",
    )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel
    )
    nbformat.write(notebook, tmp_path / "label.ipynb")

    def rows() -> list[str]:
        table = tmp_path / "mine" / "faceLabels.csv"
        return table.read_text().splitlines() if table.exists() else []

    with jupyter(tmp_path) as address:
        page.goto(f"{address}/lab/workspaces/test/tree/label.ipynb?reset")
        page.click(".jp-CodeCell .cm-content", timeout=60_000)
        page.wait_for_selector("text=| Idle", timeout=60_000)
        page.keyboard.press("Shift+Enter")
        view = page.wait_for_selector("img.expression-labeler", timeout=30_000)
        box = view.bounding_box()

        def click(x: int, y: int) -> None:
            page.mouse.click(box["x"] + x / WIDTH * box["width"], box["y"] + y / HEIGHT * box["height"])

        click(280, 448)  # agree
        page.keyboard.press("4")
        _until(lambda: len(rows()) == 1, page, lambda: page.keyboard.press(" "))
        assert rows()[0].startswith("face1.png,Happy,")
        page.keyboard.press("u")
        _until(lambda: rows() == [], page)
        _until(lambda: len(rows()) == 1, page, lambda: click(1030, 420))
        assert rows()[0].startswith("face2.png,Happy,")
        page.keyboard.press("e")
        page.wait_for_timeout(500)
        click(60, 70)
        page.keyboard.press("5")
        _until(lambda: rows()[0].startswith("face2.png,Sad,"), page)
        click(60, 70)
        page.keyboard.press("Backspace")
        _until(lambda: rows() == [], page)
        page.keyboard.press("u")
        page.keyboard.press("u")
        _until(lambda: [row.split(",")[:2] for row in rows()] == [["face2.png", "Happy"]], page)
        page.click(".jp-CodeCell >> nth=1 >> .cm-content")
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector("text=ended with 1 happy pictures", timeout=20_000)
    assert [path.name for path in (tmp_path / "mine" / "Images").glob("*.png")] == ["face2.png"]


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
