"""The camera of the browser: its half in the kernel, and both in a real JupyterLab with an acted camera."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from parts import PATIENCE

pytest.importorskip("anywidget", reason="needs anywidget (pip install anywidget)")
from camerapage import LABELER, LIVE, PREVIEW, notebook, until

from expression.errors import SourceError, SourceLostError
from expression.labelbook.book import LabelBook
from expression.labeler.canvas import HEIGHT, WIDTH
from expression.labeler.capture_page import CapturePage
from expression.labeler.capturer import Capturer
from expression.pictures.image import encode_jpeg
from expression.sources import browser, open_source
from expression.sources.browser import FAILURES, Browser
from expression.types import Box
from expression.vision.detectors import make_detector


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


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        *(([640, 480], (480, 640, 3)), ([64, 48], (48, 64, 3))),
        *(
            ([32, 24], (48, 64, 3)),
            ([10**9, 10**9], (48, 64, 3)),
            (["640", 480], (48, 64, 3)),
            (None, (48, 64, 3)),
        ),
    ],
)
def test_a_picture_that_was_sent_smaller_is_as_large_as_the_camera_takes_it(opened, size, shape):
    """Over a slow link the page sends smaller pictures; boxes and the live view must not change with them."""
    send(opened, shade(50), number=1, size=size)
    assert opened.read().shape == shape


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


def test_words_are_turned_round_for_a_picture_that_is_shown_like_a_mirror(opened):
    shown = opened.read()
    opened.mirror = False
    np.testing.assert_array_equal(opened.read()[:, ::-1], shown)


def test_a_page_that_never_answers_does_not_show_the_camera(opened, monkeypatch):
    opened.read()
    monkeypatch.setattr(browser, "SILENCE", 0.0)
    send(opened, here=True)
    opened.read()  # it asks for the camera now
    opened._heard = 0.0
    opened.read()
    with pytest.raises(SourceLostError, match=r"did not respond .* pip install jupyterlab_widgets anywidget"):
        opened.read()


@pytest.mark.parametrize("left", [False, True])
def test_nobody_is_waited_for_for_ever(opened, monkeypatch, left):
    monkeypatch.setattr(browser, "LEFT" if left else "PATIENCE", 0.0)
    assert not left or opened.read() is not None
    send(opened, **{"left": True} if left else {})
    assert len(np.unique(opened.read())) > 10, "a picture says so first, and stays"
    with pytest.raises(SourceLostError, match="Allow the camera and keep the page visible"):
        opened.read()


@pytest.mark.parametrize("name", [*FAILURES, "StrangeError"])
def test_a_page_without_a_camera_says_why(opened, name):
    send(opened, failed=name)
    assert len(np.unique(opened.read())) > 10, "a picture says so first, and stays"
    with pytest.raises(SourceError) as error:
        opened.read()
    assert error.value.expected == "Expected the page to have access to a camera."
    assert error.value.happened == FAILURES.get(name, ("The browser provided no camera (StrangeError).",))[0]


def test_closed_it_wants_no_camera(opened):
    camera = opened._camera
    opened.close()
    opened.close()
    assert not camera.wanted
    with pytest.raises(SourceError, match=r"This source was used before\..* Create another"):
        opened.open()


def test_outside_of_a_notebook_it_is_told():
    with pytest.raises(SourceError, match="requested outside a notebook"):
        open_source("browser").open()


GOING_ON = """
from expression import Session
session = Session("browser", display="none", detector="haar", duration=240)
session.start()
"""
SHORT = """
import itertools, json
from expression import Session
with Session("browser", display="widget", detector="haar") as session:
    for _ in itertools.islice(session.readings(), 60):
        pass
print(json.dumps(session.statistics()))
"""


@notebook(SHORT)
def test_a_face_before_the_browser_is_read_and_the_camera_goes_off_at_the_end(camera_page):
    camera_page.run()
    camera_page.wait("Your camera is on")
    assert camera_page.cameras() == 1
    camera_page.wait("frames_read")
    text = camera_page.page.inner_text(".jp-OutputArea")
    figures = json.loads(text[text.index("{") :])
    assert figures["frames_with_faces"] >= 60
    assert figures["labels"]
    assert (figures["threads_left"], figures["error"]) == (0, None)
    assert camera_page.cameras() == 0


@notebook(LIVE)
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


@notebook(GOING_ON)
def test_a_run_that_lets_other_cells_run_finds_its_page_again(camera_page):
    page = camera_page.page
    camera_page.run()
    camera_page.wait("Your camera is on")
    # A page that is reloaded before the notebook is saved knows nothing of the output.
    with page.expect_response(lambda got: got.request.method == "PUT" and "/api/contents/" in got.url):
        page.keyboard.press("Control+s")
    page.reload()
    page.wait_for_selector(PREVIEW)
    camera_page.wait("Your camera is on")


@notebook(LIVE)
def test_a_kernel_that_is_restarted_lets_the_camera_go(camera_page):
    page = camera_page.page
    camera_page.run()
    camera_page.wait("Your camera is on")
    (kernel,) = page.request.get(f"{camera_page.address}/api/kernels").json()
    assert page.request.post(f"{camera_page.address}/api/kernels/{kernel['id']}/restart").ok
    page.wait_for_function("() => window.tracks.every(track => track.readyState === 'ended')")
    page.reload()  # a page does not hear of a restart that another one asked for
    camera_page.ready()
    camera_page.run()
    camera_page.wait("Your camera is on")


@notebook(LIVE, prompt="denied")
def test_a_camera_that_is_not_allowed_is_told_in_the_cell(camera_page):
    camera_page.run()
    camera_page.wait("SourceError: Permission to use the camera was not given.")
    camera_page.wait("Allow it next to the page's address, and run the cell again.")


@notebook(LABELER)
def test_the_labeler_captures_by_key_from_the_camera_of_the_browser(camera_page, tmp_path):
    page = camera_page.page
    camera_page.run()
    page.wait_for_selector("img.expression-labeler").click(position={"x": 20, "y": 20})
    page.keyboard.press("Enter")
    camera_page.wait("Your camera is on")
    page.wait_for_selector("img.expression-labeler").click(position={"x": 20, "y": 20})
    ends = time.monotonic() + PATIENCE
    while not (found := list((tmp_path / "mine").glob("Images/*.png"))) and time.monotonic() < ends:
        page.keyboard.press("4")
        page.keyboard.press(" ")
        page.wait_for_timeout(500)
    assert found
    assert ",Happy," in (tmp_path / "mine" / "faceLabels.csv").read_text("utf-8")
    page.keyboard.press("q")
    page.wait_for_function("() => window.tracks.every(track => track.readyState === 'ended')")


@notebook(LABELER)
def test_the_labeler_captures_by_click_from_the_camera_of_the_browser(camera_page, tmp_path):
    page = camera_page.page
    camera_page.run()
    labeler = page.wait_for_selector("img.expression-labeler")

    def click(box: Box) -> None:
        shown, (x, y) = labeler.bounding_box(), box.centre
        labeler.click(position={"x": x / WIDTH * shown["width"], "y": y / HEIGHT * shown["height"]})

    screen = CapturePage()
    with LabelBook(tmp_path / "other") as book:
        capturer = Capturer(book, make_detector("whole"))
        screen.draw(capturer, None)
        click(screen.buttons["agree"])
        capturer.agreed = True
        screen.draw(capturer, None)
    camera_page.wait("Your camera is on")
    click(screen.buttons["label:Sad"])
    table = tmp_path / "mine" / "faceLabels.csv"

    def pictures() -> list[Path]:
        return sorted((tmp_path / "mine" / "Images").glob("*.png"))

    until(
        lambda: click(screen.buttons["capture"]) or (table.exists() and ",Sad," in table.read_text("utf-8"))
    )

    def in_step() -> bool:  # the last click may still be on its way
        rows = [line.split(",")[:2] for line in table.read_text("utf-8").splitlines()]
        return [[picture.name, "Sad"] for picture in pictures()] == rows

    until(in_step)
    assert cv2.imread(str(pictures()[0]), cv2.IMREAD_UNCHANGED).std() > 10, "a face, not an empty picture"
