"""Where the browser's camera fails, in a real JupyterLab: it is told what to do, and no camera is left on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="needs anywidget (pip install anywidget)")
from camerapage import LABELER, LIVE, TOLD, notebook, until
from parts import PATIENCE

from expression.sources import browser


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """How much two pictures vary together, 1 for the same."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@notebook(LIVE, prompt="pending")
def test_while_the_browser_asks_the_picture_says_so_and_a_camera_allowed_too_late_goes_off(
    camera_page,
):
    page = camera_page.page
    camera_page.run()
    camera_page.wait("If your browser asks whether this page may use it, please allow it.")
    words = browser._picture_of(browser.ALLOW)

    def says_so() -> bool:
        shown = camera_page.picture()
        if shown is None or likeness(shown, words) < 0.7:
            return False
        return likeness(shown, words) > likeness(shown, words[:, ::-1]) + 0.2

    until(says_so)
    page.click("button:has-text('Stop')")
    camera_page.wait("ended with 0 threads left")
    camera_page.wait("The browser's camera sent no frames.")
    camera_page.answer()
    page.wait_for_function("() => window.tracks.length")
    until(lambda: camera_page.cameras() == 0, 10)


SOON = "from expression.sources import browser\nbrowser.SILENCE = browser.LEFT = 3.0\n"


@notebook(SOON + LIVE, without="@jupyter-widgets/jupyterlab-manager")
def test_a_page_without_widgets_is_told_by_the_kernel(camera_page):
    camera_page.run()
    camera_page.wait("SourceLostError: The page did not respond for 3 s.")


@notebook(LIVE, without="@jupyter-widgets/jupyterlab-manager")
def test_a_page_without_widgets_is_told_in_their_place(camera_page):
    camera_page.run()
    for name in ("The browser's camera", "The live view"):
        camera_page.wait(f"{name} is not shown here.")
    camera_page.wait("Expected a page that supports widgets")


@notebook(SOON + LIVE, without="anywidget")
def test_without_the_extension_of_anywidget_the_picture_is_shown_and_the_kernel_says_what_to_do(camera_page):
    camera_page.run()
    until(lambda: camera_page.picture() is not None)
    camera_page.wait("SourceLostError: The page did not respond for 3 s.")


NOTED = f"""from expression.sources import browser
browser.LEFT, browser.SILENCE = 3.0, {PATIENCE}  # a busy machine may be slow to show the page
try:
{"".join(f"    {line}" for line in LIVE.strip().splitlines(keepends=True))}
finally:
    open("ended", "w").close()
"""


@notebook(NOTED)
def test_a_run_whose_page_is_closed_ends(camera_page, tmp_path):
    camera_page.run()
    camera_page.wait("Your camera is on")
    camera_page.page.close()
    until((tmp_path / "ended").exists)


@notebook(LABELER)
def test_a_labeler_whose_kernel_is_restarted_says_so_and_its_camera_goes_off_at_once(camera_page):
    page = camera_page.page
    camera_page.run()
    page.wait_for_selector("img.expression-labeler").click(position={"x": 20, "y": 20})
    page.keyboard.press("Enter")
    camera_page.wait("Your camera is on")
    camera_page.restart()
    page.wait_for_selector(f"{TOLD}:has-text('The camera is off: the kernel was restarted')")
    assert camera_page.cameras() == 0
    page.click("img.expression-labeler", position={"x": 20, "y": 20})
    camera_page.wait("The labeler stopped: its kernel was restarted or shut down. Run the cell again.")
    camera_page.wait("| Idle")
