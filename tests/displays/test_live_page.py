"""The live view in a real JupyterLab: what it shows and keeps, and how it is used by keys and heard."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="needs anywidget (pip install anywidget)")
from camerapage import LIVE, notebook, until
from jupyterpage import PICTURE

from expression.lights.settings import LightSettings
from expression.types import Box, Reading
from expression.vision.drawing import inset_size

LESSON = Path(__file__).parents[2] / "notebooks" / "09_lights.ipynb"


def live_cell() -> str:
    """The live cell of the lesson on lights, with the browser's camera and with time to look."""
    cells = [cell for cell in json.loads(LESSON.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    live = [text for cell in cells if 'display="widget"' in (text := "".join(cell["source"]))]
    found = live[0] if live else "raise LookupError('the lesson has no live cell')"
    longer = re.sub(r"duration=\d+", "duration=240", found)
    longer = f"from expression import Session\n{longer}"  # the lesson has imported it before
    return longer.replace('"demo"', '"browser"') + '\nprint("the cell goes", "on")'


def lamp(picture: np.ndarray) -> np.ndarray:
    """The tint of the drawn lamp's shade, as a direction: red, green and blue without their white."""
    width, height = inset_size(picture)
    corner = picture[-height - 8 : -8, -width - 8 : -8].astype(float)
    shade = corner[round(height * 0.25) : round(height * 0.5), round(width * 0.3) : round(width * 0.7)]
    return direction(shade.mean(axis=(0, 1)))


def direction(rgb) -> np.ndarray:
    tint = np.asarray(rgb, float) - min(rgb)
    return tint / max(np.linalg.norm(tint), 1e-9)


def tint(label: str) -> np.ndarray:
    """The tint of a label's light."""
    return direction(LightSettings().light_of(Reading(1, Box(0, 0, 9, 9), label, 1.0, {label: 1.0})).rgb)


@notebook(live_cell())
def test_the_lamp_of_the_lesson_takes_the_colour_of_what_is_read_and_stop_ends_the_cell(
    camera_page,
):
    page = camera_page.page
    camera_page.run()
    page.wait_for_selector(".widget-label:has-text('Happy')")

    def shows(label: str) -> bool:
        picture = camera_page.picture()
        return picture is not None and float(lamp(picture) @ tint(label)) > 0.95

    until(lambda: shows("Happy"))
    assert not shows("Sad")
    page.select_option("select:has-text('as read')", "Sad")
    until(lambda: shows("Sad"))
    page.click("button:has-text('Stop')")
    camera_page.wait("the cell goes on")
    assert camera_page.cameras() == 0


WATCH = """
(selector) => {
  const picture = document.querySelector(selector);
  const seen = (window.seen = { sources: new Set(), sizes: new Set(), picture });
  const look = () => {
    const { width, height } = picture.getBoundingClientRect();
    seen.sources.add(picture.src);
    if (picture.isConnected) seen.sizes.add(`${width} x ${height}`);
    requestAnimationFrame(look);
  };
  look();
}
"""
SEEN = """
(selector) => {
  const { sizes, picture } = window.seen;
  return [[...sizes], picture === document.querySelector(selector)];
}
"""


@notebook(LIVE)
def test_pictures_take_each_other_s_place_and_the_notebook_does_not_grow(camera_page, tmp_path):
    page, file = camera_page.page, tmp_path / "camera.ipynb"

    def saved() -> int:
        before = file.stat().st_mtime_ns
        page.keyboard.press("Control+s")
        until(lambda: file.stat().st_mtime_ns != before)
        return file.stat().st_size

    camera_page.run()
    camera_page.wait("Your camera is on")
    page.wait_for_selector(".widget-label:has-text('Happy')")
    page.evaluate(WATCH, PICTURE)
    first = saved()
    page.wait_for_function("() => window.seen.sources.size > 30")
    assert max(first, saved()) < 10_000, "one of its pictures would be more"
    sizes, same = page.evaluate(SEEN, PICTURE)
    assert (sizes, same) == (["640 x 480"], True), "neither another element nor a jump"
    page.click("button:has-text('Stop')")
    camera_page.wait("ended with 0 threads left")
    assert saved() < 100_000
    page.wait_for_selector(".jp-RenderedImage img")


CONTROLS = ["Stop", "Recognition", "Pause", "Resting face", "Heat map", "Reactions"]
FOCUS = """
() => {
  const at = document.activeElement;
  return [at.tagName === "SELECT" ? "Reactions" : at.innerText.trim(), getComputedStyle(at).outlineWidth];
}
"""


@notebook(LIVE)
def test_the_live_view_is_used_by_keys_alone_and_heard(camera_page):
    page = camera_page.page
    view = page.locator(".expression-live")
    camera_page.run()
    camera_page.wait("Your camera is on")
    view.get_by_role("img", name=re.compile(r"The live view: Happy \d+%")).wait_for()
    view.locator("[role=status]", has_text=re.compile("^Happy$")).wait_for(state="attached")
    view.get_by_role("button", name="Recognition", exact=True, pressed=True).wait_for()
    page.keyboard.press("Escape")  # out of the cell's text
    page.keyboard.press("Tab")
    order = []
    while "Reactions" not in order:
        name, outline = page.evaluate(FOCUS)
        order.append(name)
        assert name not in CONTROLS or outline == "3px", name
        page.keyboard.press("Tab")
        assert len(order) < 12, order
    assert order[-len(CONTROLS) :] == CONTROLS
    for _ in range(len(CONTROLS) - CONTROLS.index("Pause")):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    view.get_by_role("button", name="Pause", exact=True, pressed=True).wait_for()
    view.locator("[role=status]", has_text="paused").wait_for(state="attached")
    page.keyboard.press("Enter")
    view.get_by_role("button", name="Pause", exact=True, pressed=False).wait_for()
    view.get_by_role("button", name="Stop", exact=True).press("Enter")
    camera_page.wait("ended with 0 threads left")


@notebook(LIVE + "open('ends', 'a').write('x')")
def test_a_cell_that_is_run_again_while_it_runs_begins_anew(camera_page, tmp_path):
    page = camera_page.page
    camera_page.run()
    page.wait_for_selector(".widget-label:has-text('Happy')")
    page.click(".jp-CodeCell .cm-content")
    page.keyboard.press("Control+Enter")
    until((tmp_path / "ends").exists)
    page.wait_for_selector(".widget-label:has-text('Happy')")
    page.click("button:has-text('Stop')")
    camera_page.wait("ended with 0 threads left")
    until(lambda: (tmp_path / "ends").read_text() == "xx")


DEMO = """
from expression import Session; from expression.displays import accessibility as aid
aid.GONE["page"] = 5.0
with Session("demo", display="widget", detector="haar") as session:
    session.run()
open("ends", "w").close()
"""


@notebook(DEMO)
def test_a_run_ends_whose_page_was_loaded_anew(camera_page, tmp_path):
    camera_page.run()
    camera_page.page.wait_for_selector(".widget-label:has-text('Happy')")
    camera_page.page.reload()
    until((tmp_path / "ends").exists)
    camera_page.ready()


IN_SIGHT = """
(selector) => {
  const place = document.querySelector(selector).getBoundingClientRect();
  const around = document.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
  return place.top >= around.top - 1 && place.bottom <= around.bottom + 1;
}
"""
FITS = """
(selector) => {
  const box = document.querySelector(selector);
  return ["auto", "scroll"].every((how) => getComputedStyle(box).overflowY !== how);
}
"""


@notebook(DEMO, "print('the next', 'cell')", *["'\\n' * 30"] * 9)
def test_a_live_view_comes_into_sight_and_gives_the_keys_back(camera_page):
    page = camera_page.page
    page.click(".jp-CodeCell .cm-content")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".widget-label:has-text('Happy')")
    until(lambda: page.evaluate(IN_SIGHT, PICTURE))
    assert page.evaluate(IN_SIGHT, ".expression-live button")
    assert page.evaluate(FITS, ".expression-live"), "it has no scroll bar of its own"
    page.click("button:has-text('Stop')")
    page.wait_for_selector(".jp-RenderedImage img")
    until(lambda: page.evaluate("() => document.activeElement.matches('.jp-Cell')"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Enter")
    camera_page.wait("the next cell")
