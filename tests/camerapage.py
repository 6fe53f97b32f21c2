"""A notebook in a real JupyterLab, in a real browser whose camera is acted; for the tests that need one."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import nbformat
import numpy as np
import pytest
from jupyterpage import CHROMIUM, IN_A_BROWSER, PICTURE, QUIET, jupyter, playwright, ready
from parts import PATIENCE

from expression.pictures.image import encode_jpeg
from expression.sources.demo import Demo

PREVIEW = ".expression-camera video"
TOLD = ".expression-camera [role=status]"


class Wish(NamedTuple):
    """What a test wants.

    Attributes:
        cells: The code of the notebook's cells.
        prompt: What becomes of the browser's question: granted, denied, or pending until `Page.answer`.
        without: An extension of JupyterLab that is missing.
    """

    cells: tuple[str, ...]
    prompt: str
    without: str


def notebook(*cells: str, prompt: str = "granted", without: str = "") -> pytest.MarkDecorator:
    """Gives a test the fixture `camera_page`: JupyterLab on a notebook with these cells."""
    wish = pytest.param(Wish(cells, prompt, without), marks=IN_A_BROWSER, id=prompt)
    return pytest.mark.parametrize("camera_page", [wish], indirect=True)


class Page:
    """A notebook in a browser that has a camera."""

    def __init__(self, address: str, page: playwright.Page):
        self.page, self.address = page, address
        page.goto(f"{address}/lab/workspaces/test/tree/camera.ipynb?reset")
        self.ready()

    def ready(self) -> None:
        """Waits until the kernel is idle."""
        ready(self.page)

    def run(self) -> None:
        """Runs the first cell; presses again where the page took no keys, as while it still loads."""
        begun = ".jp-InputPrompt:text('[*]'), .jp-OutputArea-output"
        for _ in range(3):
            self.page.click(".jp-CodeCell .cm-content")
            self.page.keyboard.press("Control+Enter")
            with contextlib.suppress(playwright.TimeoutError):
                self.page.wait_for_selector(begun, timeout=30_000)
                return
        raise AssertionError("there is no sign of a cell that runs")

    def wait(self, text: str, seconds: float = PATIENCE) -> None:
        try:
            self.page.wait_for_selector(f"text={text}", timeout=seconds * 1000)
        except playwright.TimeoutError:
            shown = self.page.inner_text(".jp-Notebook") + self.page.inner_text("#jp-main-statusbar")
            raise AssertionError(f"there is no {text!r} in: {shown}") from None

    def restart(self) -> None:
        """Restarts the kernel as people do, by the button above the notebook."""
        self.page.get_by_role("button", name="Restart the kernel", exact=True).click()
        self.page.click(".jp-Dialog .jp-mod-accept")

    def cameras(self) -> int:
        """How many tracks of a camera are on in the page."""
        script = "() => window.tracks.filter(track => track.readyState === 'live').length"
        return self.page.evaluate(script)

    def answer(self) -> None:
        """Allows the camera, where the question is pending."""
        self.page.evaluate("() => window.allow()")

    def picture(self) -> np.ndarray | None:
        """The live picture, (height, width, 3) uint8 RGB; None before the first, or between two."""
        address = self.page.evaluate(DRAWN, PICTURE)
        if address is None:
            return None
        png = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
        return cv2.imdecode(png, cv2.IMREAD_COLOR_RGB)


def until(wanted: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits until something is true."""
    ends = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < ends, "it never was"
        time.sleep(0.05)


DRAWN = """
(selector) => {
  const picture = document.querySelector(selector);
  if (!picture || !picture.naturalWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/png");
}
"""
"""Draws a picture of the page into one that can be read."""

COUNTED = """
window.tracks = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const answered = PENDING ? new Promise((allow) => { window.allow = allow; }) : null;
navigator.mediaDevices.getUserMedia = async (wish) => {
  await answered;
  const stream = await ask(wish);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""
"""Keeps the tracks of the camera, so that a test sees which are on."""


def write_clip(path: Path) -> Path:
    """Writes three seconds of the demo, as Chromium takes them for a camera."""
    demo = Demo()
    demo.open()
    path.write_bytes(b"".join(encode_jpeg(demo.picture(number), 90) for number in range(75)))
    demo.close()
    return path


@contextlib.contextmanager
def opened(folder: Path, clip: Path, wish: Wish) -> Iterator[Page]:
    """Opens JupyterLab over a folder on a notebook with the cells that are wished."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [nbformat.v4.new_code_cell(cell) for cell in wish.cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "camera.ipynb")
    if wish.without:
        (folder / "labconfig").mkdir()
        (folder / "labconfig" / "page_config.json").write_text(
            json.dumps({"disabledExtensions": {wish.without: True}})
        )
    flags = [
        *QUIET.split(),
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
        "--deny-permission-prompts" if wish.prompt == "denied" else "--use-fake-ui-for-media-stream",
    ]
    with jupyter(folder) as address, playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = chromium.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(1000 * PATIENCE)
        page.add_init_script(COUNTED.replace("PENDING", "true" if wish.prompt == "pending" else "false"))
        yield Page(address, page)
        chromium.close()


LIVE = """
from expression import Session
with Session("browser", display="widget", detector="haar", duration=240) as session:
    session.run()
print("ended with", session.statistics()["threads_left"], "threads left")
"""

LABELER = """
from expression.labeler.widget import LabelWidget
labeler = LabelWidget("mine", "browser", "whole")
labeler
"""
