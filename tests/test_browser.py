"""The camera of the browser: its half in the kernel, and both in a real JupyterLab with an acted camera."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest

pytest.importorskip("anywidget", reason="needs anywidget (pip install anywidget)")
from test_jupyter import CHROMIUM, QUIET, jupyter, playwright

from expression.errors import SourceError, SourceLostError
from expression.image import encode_jpeg
from expression.sources import browser, open_source
from expression.sources.browser import FAILURES, Browser
from expression.sources.demo import Demo

PREVIEW = ".expression-camera video"
TOLD = ".expression-camera [role=status]"


@pytest.fixture
def opened(monkeypatch) -> Iterator[Browser]:
    """An open source without a front end."""
    monkeypatch.setattr(browser, "in_notebook", lambda: True)
    monkeypatch.setattr(browser, "PAUSE", 0.01)
    source = open_source("browser")
    source.open()
    yield source
    source.close()


def send(source: Browser, jpeg: bytes | None = None, **message) -> list[dict]:
    """What the page sends; returns what it is answered."""
    answers = []
    source._camera.send = answers.append
    source._camera._handle_custom_msg({"view": "one", **message}, [] if jpeg is None else [memoryview(jpeg)])
    return answers


def shade(value: int) -> bytes:
    return encode_jpeg(np.full((48, 64, 3), value, np.uint8))


def test_the_newest_picture_is_read_with_its_age_and_each_is_answered(opened):
    now = time.monotonic()
    for number, value, age in ((1, 50, 10), (2, 200, 500)):
        (answer,) = send(opened, shade(value), number=number, age=age)
        assert answer == {"view": "one", "number": number, "off": False}
    picture = opened.read()
    assert picture.shape == (48, 64, 3)
    assert abs(int(picture.mean()) - 200) <= 2
    assert now - 0.6 < opened.captured < time.monotonic() - 0.4


def test_until_the_camera_is_allowed_a_picture_says_what_to_do(opened):
    picture = opened.read()
    assert picture.shape == (480, 640, 3)
    assert len(np.unique(picture)) > 10, "there are words on it"
    assert opened.captured <= time.monotonic()


def test_a_damaged_picture_is_passed_over(opened):
    for picture in (b"no picture", b""):
        send(opened, picture, number=1)
        assert opened.read().shape == (480, 640, 3)


def test_time_never_goes_back_whatever_the_page_guesses(opened):
    times = []
    for number, age in enumerate((10, 200, 900, 10)):
        send(opened, shade(50), number=number, age=age)
        opened.read()
        times.append(opened.captured)
    assert times == sorted(times)


def test_one_view_of_the_output_is_followed_until_it_leaves(opened):
    send(opened, shade(50), number=1)
    (answer,) = send(opened, shade(200), view="two", number=1)
    assert answer["off"], "it turns its camera off"
    send(opened, view="two", failed="NotAllowedError")
    assert abs(int(opened.read().mean()) - 50) <= 2
    send(opened, left=True)
    (answer,) = send(opened, shade(200), view="two", number=2)
    assert not answer["off"]
    assert abs(int(opened.read().mean()) - 200) <= 2


@pytest.mark.parametrize("left", [False, True])
def test_nobody_is_waited_for_for_ever(opened, monkeypatch, left):
    monkeypatch.setattr(browser, "LEFT" if left else "PATIENCE", 0.0)
    assert not left or opened.read() is not None
    send(opened, **{"left": True} if left else {})
    with pytest.raises(SourceLostError, match="Allow the camera and keep the page in sight"):
        opened.read()


@pytest.mark.parametrize("name", [*FAILURES, "StrangeError"])
def test_a_page_without_a_camera_says_why(opened, name):
    send(opened, failed=name)
    with pytest.raises(SourceError) as error:
        opened.read()
    assert error.value.expected == "Expected the page to get a camera."
    assert error.value.happened == FAILURES.get(name, ("The browser gave no camera (StrangeError).",))[0]


def test_closed_it_wants_no_camera(opened):
    camera = opened._camera
    opened.close()
    opened.close()
    assert not camera.wanted
    with pytest.raises(SourceError, match=r"This source has run already\..* Make another"):
        opened.open()


def test_outside_of_a_notebook_it_is_told():
    with pytest.raises(SourceError, match="this is no notebook"):
        open_source("browser").open()


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Three seconds of the demo, as Chromium takes them for a camera."""
    path, demo = tmp_path_factory.mktemp("clip") / "clip.mjpeg", Demo()
    demo.open()
    path.write_bytes(b"".join(encode_jpeg(demo.picture(number), 90) for number in range(75)))
    demo.close()
    return path


class Page:
    """A notebook in a browser that has a camera."""

    def __init__(self, folder: Path, address: str, page: playwright.Page):
        self.page, self.address = page, address
        page.goto(f"{address}/lab/workspaces/test/tree/camera.ipynb?reset", timeout=110_000)
        self.ready()

    def ready(self) -> None:
        """Waits until the kernel is idle; loads the page anew where it does not hear of that."""
        for _ in range(4):
            self.page.click(".jp-CodeCell .cm-content", timeout=110_000)
            with contextlib.suppress(playwright.TimeoutError):
                self.page.wait_for_selector("text=| Idle", timeout=30_000)
                return
            self.page.reload()
        raise AssertionError("the kernel is never idle")

    def run(self) -> None:
        """Runs the first cell; again where the page did not take the keys, as while it still loads."""
        for _ in range(3):
            self.page.click(".jp-CodeCell .cm-content")
            self.page.keyboard.press("Control+Enter")
            with contextlib.suppress(playwright.TimeoutError):
                self.page.wait_for_selector(".jp-OutputArea-output", timeout=20_000)
                return

    def wait(self, text: str, seconds: float = 60) -> None:
        self.page.wait_for_selector(f"text={text}", timeout=seconds * 1000)

    def cameras(self) -> int:
        """How many tracks of a camera are on in the page."""
        script = "() => window.tracks.filter(track => track.readyState === 'live').length"
        return self.page.evaluate(script)


@pytest.fixture
def camera_page(tmp_path, clip, request) -> Iterator[Page]:
    """JupyterLab on a notebook with the cells that the test gives, in a browser with a camera, or without."""
    cells, allowed = request.param
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "camera.ipynb")
    flags = [
        *QUIET.split(),
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    ]
    flags += ["--use-fake-ui-for-media-stream"] if allowed else ["--deny-permission-prompts"]
    with jupyter(tmp_path) as address, playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = chromium.new_page(viewport={"width": 1400, "height": 1100})
        page.add_init_script(COUNTED)
        yield Page(tmp_path, address, page)
        chromium.close()


COUNTED = """
window.tracks = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wish) => {
  const stream = await ask(wish);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""
"""Keeps the tracks of the camera, so that a test sees which are on."""

LIVE = """
from expression import Session
with Session("browser", display="widget", detector="haar", duration=90) as session:
    session.run()
print("ended with", session.statistics()["threads_left"], "threads left")
"""
GOING_ON = """
from expression import Session
session = Session("browser", display="none", detector="haar", duration=120)
session.start()
"""
SHORT = """
import json
from expression import Session
with Session("browser", display="widget", detector="haar", duration=8) as session:
    session.run()
print(json.dumps(session.statistics()))
"""
LABELER = """
from expression.labelwidget import LabelWidget
labeler = LabelWidget("mine", "browser", "whole")
labeler
"""
in_chromium = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)"),
]


@pytest.mark.parametrize("camera_page", [pytest.param(([SHORT], True), marks=in_chromium)], indirect=True)
def test_a_face_before_the_browser_is_read_and_the_camera_goes_off_at_the_end(camera_page):
    camera_page.run()
    camera_page.wait("Your camera is on")
    assert camera_page.cameras() == 1
    camera_page.wait("frames_read")
    text = camera_page.page.inner_text(".jp-OutputArea")
    figures = json.loads(text[text.index("{") :])
    print("through the browser:", figures["display_fps"], figures["reading_age_ms"])
    assert figures["frames_with_faces"] > 10
    assert figures["labels"]
    assert (figures["threads_left"], figures["error"]) == (0, None)
    assert camera_page.cameras() == 0


@pytest.mark.parametrize("camera_page", [pytest.param(([LIVE], True), marks=in_chromium)], indirect=True)
def test_a_run_is_stopped_begun_again_and_begun_again_after_the_page_was_loaded_anew(camera_page):
    page = camera_page.page
    camera_page.run()
    camera_page.wait("Your camera is on")
    page.click("button:has-text('Stop')")
    camera_page.wait("ended with 0 threads left")
    assert camera_page.cameras() == 0
    camera_page.run()
    camera_page.wait("Your camera is on")
    assert camera_page.cameras() == 1
    page.reload()
    camera_page.ready()  # the run has noticed that its page is gone
    camera_page.run()
    camera_page.wait("Your camera is on")
    assert camera_page.cameras() == 1


@pytest.mark.parametrize("camera_page", [pytest.param(([GOING_ON], True), marks=in_chromium)], indirect=True)
def test_a_run_that_lets_other_cells_run_finds_its_page_again(camera_page):
    page = camera_page.page
    camera_page.run()
    camera_page.wait("Your camera is on")
    page.keyboard.press("Control+s")  # else the page that is loaded anew knows nothing of the output
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector(PREVIEW, timeout=60_000)
    camera_page.wait("Your camera is on")


@pytest.mark.parametrize("camera_page", [pytest.param(([LIVE], True), marks=in_chromium)], indirect=True)
def test_a_kernel_that_is_restarted_lets_the_camera_go(camera_page):
    page = camera_page.page
    camera_page.run()
    camera_page.wait("Your camera is on")
    (kernel,) = page.request.get(f"{camera_page.address}/api/kernels").json()
    assert page.request.post(f"{camera_page.address}/api/kernels/{kernel['id']}/restart").ok
    page.wait_for_function("() => window.tracks.every(track => track.readyState === 'ended')", timeout=40_000)
    page.reload()  # a page does not hear of a restart that another one asked for
    camera_page.ready()
    camera_page.run()
    camera_page.wait("Your camera is on")


@pytest.mark.parametrize("camera_page", [pytest.param(([LIVE], False), marks=in_chromium)], indirect=True)
def test_a_camera_that_is_not_allowed_is_told_in_the_cell(camera_page):
    camera_page.run()
    camera_page.wait("SourceError: The camera was not allowed.")
    camera_page.wait("Allow it beside the address of the page, and try again.")


@pytest.mark.parametrize("camera_page", [pytest.param(([LABELER], True), marks=in_chromium)], indirect=True)
def test_the_labeler_captures_by_key_from_the_camera_of_the_browser(camera_page, tmp_path):
    page = camera_page.page
    camera_page.run()
    page.wait_for_selector("img.expression-labeler", timeout=30_000).click(position={"x": 20, "y": 20})
    page.keyboard.press("Enter")
    camera_page.wait("Your camera is on")
    page.wait_for_selector("img.expression-labeler").click(position={"x": 20, "y": 20})
    ends = time.monotonic() + 20
    while not (found := list((tmp_path / "mine").glob("Images/*.png"))) and time.monotonic() < ends:
        page.keyboard.press("4")
        page.keyboard.press(" ")
        page.wait_for_timeout(500)
    assert found
    assert ",Happy," in (tmp_path / "mine" / "faceLabels.csv").read_text("utf-8")
