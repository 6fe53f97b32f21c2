"""The live page in a real browser: what it shows, what it changes, and how it ends."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs fastapi (pip install fastapi uvicorn)")
from camerapage import until
from jupyterpage import CHROMIUM, IN_A_BROWSER, QUIET, playwright
from parts import PATIENCE, expression_process

from expression.live.session import Session
from expression.sinks._base import Sink
from expression.sources._base import Source
from expression.sources.demo import Demo
from expression.teaching.local_broker import free_port

pytestmark = IN_A_BROWSER
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


class Camera(Source):
    """A camera that films the demo, and counts how often it was opened and closed."""

    rests = True
    description = "camera 0"

    def __init__(self):
        self._demo, self._number = Demo(), 0
        self.opened = self.closed = 0

    def open(self) -> None:
        self.opened += 1
        self._demo.open()

    def read(self) -> np.ndarray:
        time.sleep(1 / 25)
        self._number += 1
        return self._demo.picture(self._number % 750)

    def close(self) -> None:
        self.closed += 1
        self._demo.close()


class Reacting(Sink):
    """Keeps the labels of the room that last."""

    reacts = True
    room = "largest"
    only_changes = True
    dwell = 0.6

    def __init__(self):
        self.labels: list[str] = []

    def send(self, reading) -> None:
        self.labels.append(reading.label)


@contextmanager
def running(source: Source | str | None = None, **options) -> Iterator[Session]:
    """A run with the live page, on a port of its own."""
    with Session(
        source or Camera(), display="web", detector="haar", **({"page_port": 0} | options)
    ) as session:
        yield session
    assert session.statistics()["threads_left"] == 0
    assert session.display.hub.viewers() == 0


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def look(chromium):
    """Opens a page as a visitor of its own; the test fails if it complains to its console."""
    visitors, complaints = [], []

    def opened(address, size: str = "desktop", wait: bool = True, **options) -> playwright.Page:
        width, height = SIZES[size]
        visitor = chromium.new_context(viewport={"width": width, "height": height}, **options)
        visitor.set_default_timeout(1000 * PATIENCE)
        visitors.append(visitor)
        page = visitor.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None
        )
        page.goto(address)
        if wait:
            page.wait_for_selector(".person")
        return page

    yield opened
    for visitor in visitors:
        visitor.close()
    assert complaints == []


def address(session: Session) -> str:
    return session.display.server.address


def mood(page, label: str) -> None:
    page.wait_for_selector(f"#mood:text-is('{label}')")


def test_the_picture_moves(look):
    with running() as session:
        picture = look(address(session)).locator("#picture")
        first = picture.screenshot()
        until(lambda: picture.screenshot() != first)


WATCH = """
() => {
  const mood = document.getElementById("mood");
  window.seen = [mood.textContent];
  new MutationObserver(() => window.seen.push(mood.textContent)).observe(mood, { childList: true });
}
"""


def follows(seen: list[str], lasting: list[str]) -> bool:
    """Whether what lasted was seen, in this order."""
    rest = iter(seen)
    return all(label in rest for label in lasting)


def test_the_label_bars_and_lamp_follow_what_is_read(look):
    sink = Reacting()
    with running("demo", sinks=(sink,)) as session:
        page = look(address(session))
        page.evaluate(WATCH)
        done = len(sink.labels)
        until(lambda: len(set(sink.labels[done:])) > 2)
        lasting = sink.labels[done:-1]
        until(lambda: follows(page.evaluate("() => window.seen"), lasting))
        page.select_option("#override", "Sad")
        mood(page, "Sad")
        style = "() => document.documentElement.style.getPropertyValue('--lamp')"
        assert page.evaluate(style) == "#0000ff"
        scores = page.locator(".person >> nth=0").locator("li > :last-child").all_inner_texts()
        assert len(scores) == 7
        assert 90 < sum(int(score.rstrip("%")) for score in scores) < 110


def test_the_label_follows_a_slideshow_to_its_end(look, shared_data):
    sink = Reacting()
    film = str(shared_data / "media" / "slideshow_labelled.mp4")
    with running(film, sinks=(sink,)) as session:
        page = look(address(session))
        page.evaluate(WATCH)
        done = len(sink.labels)
        session.data.wait_done(PATIENCE)
    page.wait_for_selector("#link:text-is('The run has ended')")
    assert len(sink.labels) - done > 1
    assert follows(page.evaluate("() => window.seen"), sink.labels[done:])


def test_off_closes_the_camera_and_on_opens_it_again(look):
    camera = Camera()
    with running(camera) as session:
        page = look(address(session))
        page.uncheck("#on")
        until(lambda: camera.closed == 1)
        page.wait_for_selector("text=The camera is closed. Turn on Recognition to open it again.")
        mood(page, "Off")
        page.wait_for_selector("#nobody:has-text('Not looking for faces.')")
        assert page.locator(".person").count() == 0
        until(lambda: session.data.frame.latest.image.max() == 0)
        page.check("#on")
        page.wait_for_selector(".person")
        assert (camera.opened, camera.closed) == (2, 1)
    assert (camera.opened, camera.closed) == (2, 2)


def test_a_run_that_ends_while_its_camera_is_closed_opens_it_no_more(look):
    camera = Camera()
    with running(camera) as session:
        look(address(session)).uncheck("#on")
        until(lambda: camera.closed == 1)
    assert (camera.opened, camera.closed) == (1, 1)


def test_what_is_chosen_reaches_the_sinks_also_when_off_and_a_pause_holds_them(look):
    sink = Reacting()
    with running(sinks=(sink,)) as session:
        page = look(address(session))
        page.uncheck("#on")
        page.select_option("#override", "Surprise")
        until(lambda: sink.labels[-1:] == ["Surprise"])
        assert page.inner_text("#why") == "Chosen by hand. The camera is closed."
        page.check("#paused")
        page.wait_for_selector("#link:text-is('Off')")
        page.select_option("#override", "Fear")
        page.check("#on")
        page.wait_for_selector("#link:text-is('Live, paused')")
        assert "Fear" not in sink.labels
        page.uncheck("#paused")
        until(lambda: sink.labels[-1:] == ["Fear"])
        page.select_option("#override", "")
        until(lambda: sink.labels[-1:] != ["Fear"])


def test_a_switch_that_is_changed_elsewhere_changes_on_every_page_and_a_resting_face_is_asked_for(look):
    with running() as session:
        pages = [look(address(session)), look(address(session), "phone")]
        pages[0].check("#neutral")
        for page in pages:
            page.wait_for_selector("#neutral-told:has-text('Look neutral, and into the camera')")
        for page in pages:
            page.wait_for_selector("#neutral:checked")
            page.wait_for_selector("#neutral-told:has-text('Learned')")
        session.control.paused = True
        for page in pages:
            page.wait_for_selector("#paused:checked")


def test_four_viewers_share_one_encoded_picture_and_each_sees_it_move(look):
    with running() as session:
        pages = [look(address(session), size) for size in ("phone", "desktop") * 2]
        hub = session.display.hub
        assert hub.wait_for_viewers(8, PATIENCE)
        firsts = [page.locator("#picture").screenshot() for page in pages]
        for page, first in zip(pages, firsts, strict=True):
            until(lambda page=page, first=first: page.locator("#picture").screenshot() != first)
        assert hub.encoded <= hub.shown


def test_a_page_that_is_closed_or_hidden_ends_its_streams_and_not_the_run(look):
    with running() as session:
        hub = session.display.hub
        closed, hidden = look(address(session)), look(address(session))
        assert hub.wait_for_viewers(4, PATIENCE)
        closed.close()
        assert hub.wait_for_viewers(2, PATIENCE)
        hide = "(now) => { Object.defineProperty(document, 'hidden', { value: now, configurable: true });"
        hide += " document.dispatchEvent(new Event('visibilitychange')); }"
        hidden.evaluate(hide, True)
        assert hub.wait_for_viewers(0, PATIENCE)
        hidden.evaluate(hide, False)
        assert hub.wait_for_viewers(2, PATIENCE)
        hidden.wait_for_selector(".person")
        assert not session.data.done


def test_the_end_of_a_recording_says_nothing_about_a_camera(look):
    with running("demo") as session:
        page = look(address(session))
        assert page.inner_text("#from"), "the ribbon ends now, and begins an hour ago"
        assert page.inner_text("#to") == "now"
        assert page.inner_text("#legend").endswith("under a minute")
        page.uncheck("#on")
        page.wait_for_selector("#on-told:text-is('Not looking for faces.')")
    page.wait_for_selector("text=The run has ended. This page continues when another run starts.")


def test_the_end_of_a_run_is_said_and_the_page_goes_on_with_the_next_one(look):
    with running() as session:
        page, port = look(address(session)), int(address(session).rpartition(":")[2])
    page.wait_for_selector("#link:text-is('The run has ended')")
    page.wait_for_selector("text=The run has ended, and the camera is closed.")
    assert page.is_disabled("#on")
    assert page.locator(".person").count() == 0
    with running(page_port=port) as session:
        if address(session).endswith(str(port)):  # unless another program has taken the port meanwhile
            page.wait_for_selector("#link:text-is('Live')")
            page.wait_for_selector(".person")


def program(port: int):
    """A run with the live page as a program of its own, and the line that it prints first."""
    words = ("live", "--source", "demo", "--display", "web", "--detector", "haar")
    process = expression_process(*words, EXPRESSION_PAGE_PORT=str(port), PYTHONUNBUFFERED="1")
    return process, process.stdout.readline()


def test_a_lost_connection_is_said_and_found_again(look):
    port = free_port()
    process, told = program(port)
    assert f"The live page is at http://127.0.0.1:{port} " in told
    page = look(f"http://127.0.0.1:{port}")
    process.kill()
    process.communicate()
    page.wait_for_selector("#link:has-text('Connection lost, trying again')")
    page.wait_for_selector("text=The connection to the run was lost. This page keeps trying.")
    assert page.locator(".person").count() == 0
    process, _ = program(port)
    page.wait_for_selector("#link:text-is('Live')")
    page.wait_for_selector(".person")
    process.send_signal(signal.SIGINT)
    said, failed = process.communicate(timeout=PATIENCE)
    assert ("Stopped." in said, failed, process.returncode) == (True, "", 0)
    page.wait_for_selector("#link:text-is('The run has ended')")


def test_from_another_device_the_page_asks_for_the_key_once(look, monkeypatch):
    monkeypatch.setenv("EXPRESSION_API_KEY", "a long secret")
    with running(page_host="0.0.0.0") as session:
        page = look(address(session), "phone", wait=False)
        findings(page)
        page.get_by_label("Key").fill("a guess")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=That key is wrong.")
        page.get_by_label("Key").fill("a long secret")
        page.keyboard.press("Enter")
        page.wait_for_selector(".person")
        page.uncheck("#on")
        until(lambda: not session.control.on)
        page.reload()
        page.wait_for_selector("#link:text-is('Off')")


def findings(page) -> None:
    """Fails if axe finds anything."""
    axe = pytest.importorskip(
        "axe_core_python.sync_playwright", reason="needs axe (pip install axe-core-python)"
    )
    found = axe.Axe().run(page)["violations"]
    assert not found, [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing_and_nothing_is_cut_off(look, size, scheme):
    with running(sinks=("memory",)) as session:
        page = look(address(session), size, color_scheme=scheme, reduced_motion="reduce")
        wide = "() => document.documentElement.scrollWidth - innerWidth"
        findings(page)
        assert page.evaluate(wide) <= 0
        page.click("#room")
        page.wait_for_selector("body.room")
        findings(page)
        assert page.evaluate(wide) <= 0
        page.get_by_role("button", name="Leave").click()
        page.wait_for_selector("body:not(.room)")
        page.uncheck("#on")
        mood(page, "Off")
        findings(page)
    page.wait_for_selector("#link:text-is('The run has ended')")
    findings(page)


def test_guests_are_told_who_is_read_and_what_is_kept(look, tmp_path):
    with running() as session:
        told = look(address(session)).inner_text(".notice")
    assert "A camera (camera 0) reads the faces of everybody it sees, up to 5 at once." in told
    assert "Nothing is recorded: no picture, no sound, no name." in told
    assert "The camera then stays closed until somebody turns Recognition on again." in told
    sinks = (f"csvfile:{tmp_path}/rows.csv", "lamp", Reacting())
    with running("demo", sinks=sinks, stats=str(tmp_path / "a.json")) as session:
        told = look(address(session)).inner_text(".notice")
    assert "Nobody in this room is being read: the pictures come from the demo" in told
    assert "csvfile: every reading, in a file on this computer" in told
    assert "statistics: how often each label was read" in told
    assert "Reacting: may keep or send what is read (it does not say)" in told
    assert "as it happens: lamp." in told
    assert "Nothing is recorded" not in told


ORDER = ["Skip to the switches", "room", "on", "paused", "neutral", "heat_map", "override"]
FOCUS = """
() => {
  const at = document.activeElement;
  return [at.id || at.innerText.trim(), parseInt(getComputedStyle(at).outlineWidth)];
}
"""


def test_the_page_is_used_by_keys_alone_and_heard(look):
    with running() as session:
        page = look(address(session))
        for name in ORDER:
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUS) == [name, 3]
        for _ in range(len(ORDER) - 1 - ORDER.index("paused")):
            page.keyboard.press("Shift+Tab")
        page.keyboard.press("Space")
        until(lambda: session.control.paused)
        page.get_by_role("switch", name="Pause", checked=True).wait_for()
        page.wait_for_selector("#said:not(:empty)", state="attached")
        page.get_by_role("img", name="The live picture").wait_for()
        page.get_by_role("img", name="The last hour Since").wait_for()
        page.focus("#room")
        page.keyboard.press("Enter")
        page.wait_for_selector("body.room")
        page.keyboard.press("Escape")
        page.wait_for_selector("body:not(.room)")


def test_what_is_announced_lasts_and_comes_now_and_then(look):
    with running() as session:
        page = look(address(session))
        script = "() => { window.said = []; new MutationObserver(() => window.said.push(Date.now()))"
        page.evaluate(f"{script}.observe(document.getElementById('said'), {{ childList: true }}); }}")
        for label in ("Sad", "Happy") * 12:
            session.control.override = label
            threading.Event().wait(0.1)
        session.control.override = "Fear"
        page.wait_for_selector("#said:has-text('Fear chosen')", state="attached")
        said = page.evaluate("() => window.said")
        assert all(later - earlier >= 2900 for earlier, later in itertools.pairwise(said))
