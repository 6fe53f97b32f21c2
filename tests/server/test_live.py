"""The hub of the live page: who gets which picture and reading, and how streams end."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus

import numpy as np
import pytest
from parts import PATIENCE, wait_for

pytest.importorskip("fastapi", reason="needs fastapi (pip install fastapi uvicorn)")
from expression.control import Control
from expression.labels import NOT_SURE
from expression.server import streams
from expression.server.app import Server, listen, make_app
from expression.server.live import Hub
from expression.types import Box, Reading

GREY = np.full((120, 160, 3), 128, np.uint8)


def reading(label: str = "Happy", person: int = 1, score: float = 0.7, side: int = 50) -> Reading:
    scores = {"Happy": 0.0, "Sad": 0.0} | ({} if label == NOT_SURE else {label: score})
    return Reading(person, Box(1, 1, side, side), label, score, scores)


class Page:
    """A hub that is served on loopback."""

    def __init__(self):
        self.hub = Hub(Control(["Happy", "Sad"]), lambda: {"labels": ["Happy", "Sad"]})
        self.server = Server(make_app(self.hub), listen(port=0))
        self.port = int(self.server.address.rpartition(":")[2])
        self._open: list[http.client.HTTPResponse] = []

    def show(self, *readings: Reading, shade: int = 128) -> None:
        self.hub.show(np.full_like(GREY, shade), readings, "24 fps · 31 ms")

    def get(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.leave = lambda: (answer.close(), connection.close())
        self._open.append(answer)
        return answer

    def leave(self) -> None:
        """Ends every connection that is still open."""
        for answer in self._open:
            answer.leave()

    def post(self, **switches) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        head = {"Content-Type": "application/json", "Connection": "close"}
        connection.request("POST", "/live/switches", json.dumps(switches), head)
        with contextlib.closing(connection), connection.getresponse() as answer:
            return answer.status, json.loads(answer.read())


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page()
    page.hub.open()
    page.server.start()
    yield page
    page.hub.close()
    page.server.stop()
    page.leave()
    assert page.server.error is None


def events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, object]]:
    """The events of a stream, until it ends."""
    name = ""
    for line in answer:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


def until(stream: Iterator[tuple[str, object]], name: str, wanted=lambda content: True):
    """The content of the next event of a name for which something holds."""
    return next(content for found, content in stream if found == name and wanted(content))


def picture(answer: http.client.HTTPResponse) -> bytes:
    """The next picture of a stream."""
    while (line := answer.readline()) and not line.startswith(b"Content-Length"):
        pass
    length = int(line.partition(b":")[2])
    answer.readline()
    return answer.read(length)


def test_a_reader_is_told_what_the_run_is_and_then_what_is_read(page):
    page.show(reading("Happy"))
    stream = events(page.get("/live/events"))
    name, about = next(stream)
    assert (name, about["labels"]) == ("about", ["Happy", "Sad"])
    assert until(stream, "day")[0][1] == "Happy"
    now = until(stream, "now")
    assert now["people"] == [
        {"person": 1, "label": "Happy", "score": 0.7, "scores": {"Happy": 0.7, "Sad": 0.0}}
    ]
    assert (now["room"], now["lamp"], now["status"]) == ("Happy", "Happy", "24 fps · 31 ms")


def test_a_new_label_is_told_at_once_and_new_scores_only_now_and_then(page, monkeypatch):
    monkeypatch.setattr(streams, "OFTEN", 1000.0)
    page.show(reading("Happy"))
    stream = events(page.get("/live/events"))
    until(stream, "now")
    page.show(reading("Happy", score=0.5))
    page.show(reading("Sad"))
    assert until(stream, "now")["room"] == "Sad", "the score in between was not worth an event"


def test_while_nothing_changes_a_sign_of_life_comes(page, monkeypatch):
    monkeypatch.setattr(streams, "CALM", 0.05)
    page.show(reading())
    stream = events(page.get("/live/events"))
    assert until(stream, "now") == until(stream, "now")


def test_a_switch_is_told_without_a_frame(page):
    page.show(reading("Happy"))
    stream = events(page.get("/live/events"))
    until(stream, "now")
    page.hub.control.override = "Sad"
    now = until(stream, "now")
    assert (now["switches"]["override"], now["lamp"], now["room"]) == ("Sad", "Sad", "Happy")


@pytest.mark.parametrize(
    ("switches", "shown"),
    [
        pytest.param({}, "Sad", id="as read"),
        pytest.param({"override": "Happy"}, "Happy", id="override"),
        pytest.param({"paused": True}, "Happy", id="a pause holds it"),
        pytest.param({"paused": True, "override": "Sad"}, "Happy", id="a pause holds it whatever is chosen"),
        pytest.param({"on": False}, None, id="off is nobody"),
        pytest.param({"on": False, "override": "Happy"}, "Happy", id="override when off"),
    ],
)
def test_the_lamp_follows_the_switches_as_lamps_do(switches, shown):
    hub = Hub(Control(["Happy", "Sad"]), dict)
    hub.show(GREY, [reading("Happy")], "")
    for name, value in switches.items():
        setattr(hub.control, name, value)
    hub.show(GREY, [reading("Sad")], "")
    assert hub.state()["lamp"] == shown


def test_the_nearest_person_is_the_mood_and_not_sure_changes_no_lamp():
    hub = Hub(Control(), dict)
    hub.show(GREY, [reading("Sad", 1, side=20), reading("Happy", 2, side=60)], "")
    assert (hub.state()["room"], hub.state()["lamp"]) == ("Happy", "Happy")
    hub.show(GREY, [reading(NOT_SURE)], "")
    assert (hub.state()["room"], hub.state()["lamp"]) == (NOT_SURE, "Happy")


def test_a_page_changes_the_switches_and_is_told_what_is_wrong(page):
    assert page.post(paused=True, heat_map=True, override="Sad")[1]["override"] == "Sad"
    control = page.hub.control
    assert control.heat_map
    assert (control.on, control.paused, control.neutral, control.override) == (True, True, False, "Sad")
    page.post(override=None)
    assert control.override is None
    status, told = page.post(override="Hapy", on=False)
    assert (status, told["remedy"]) == (400, "Did you mean Happy?")
    assert control.on, "a change that is refused changes nothing"
    told = page.post(override="Joy")[1]
    assert told["detail"].startswith("The override is 'Joy'. Expected one of ")
    assert told["expected"].endswith(", or null.")
    assert told["remedy"] == "Choose one of these, or null to follow the readings."
    for wrong in ({"on": 1}, {"learning": True}, {"paused": None}, {"on": "no"}):
        status, told = page.post(**wrong)
        assert (status, told["title"], bool(told["errors"])) == (
            422,
            HTTPStatus(422).phrase,
            True,
        )
    assert control.on


def test_nothing_is_encoded_while_nobody_watches(page):
    for shade in range(5):
        page.show(shade=shade)
    watching = page.get("/live/picture")
    assert picture(watching).startswith(b"\xff\xd8")
    assert page.hub.encoded == 1


def test_a_picture_is_encoded_once_for_all_who_watch(page):
    watching = [page.get("/live/picture") for _ in range(4)]
    assert page.hub.wait_for_viewers(4, PATIENCE)
    for shade in (50, 200):
        page.show(shade=shade)
        seen = {picture(answer) for answer in watching}
        assert len(seen) == 1
    assert page.hub.encoded == 2


def test_who_comes_later_gets_the_newest_picture_and_not_that_of_the_last_one(page):
    page.show(shade=50)
    first = page.get("/live/picture")
    old = picture(first)
    first.leave()
    assert page.hub.wait_for_viewers(0, PATIENCE)
    page.show(shade=200)
    assert picture(page.get("/live/picture")) != old


@pytest.mark.slow
def test_a_slow_viewer_delays_nobody_and_goes_on_with_the_newest(page):
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)  # large as JPEG
    slow, quick = page.get("/live/picture"), page.get("/live/picture")
    assert page.hub.wait_for_viewers(2, PATIENCE)
    taken = set()
    for number in range(20):
        page.hub.show(np.roll(noise, number, 1), (), "")
        newest = picture(quick)
        taken.add(newest)
    assert len(taken) == 20
    got = [picture(slow)]
    while got[-1] != newest:  # some were on their way
        got.append(picture(slow))
    assert len(got) < 20, "it got all of them"


@pytest.mark.parametrize("path", ["/live/events", "/live/picture"])
def test_a_reader_that_goes_away_ends_its_stream(page, path):
    page.show(reading())
    answer = page.get(path)
    assert page.hub.wait_for_viewers(1, PATIENCE)
    answer.leave()
    assert page.hub.wait_for_viewers(0, PATIENCE)


def test_a_reader_that_takes_nothing_counts_as_gone(page, monkeypatch):
    monkeypatch.setattr(streams, "STUCK", 0.2)
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    client = socket.create_connection(("127.0.0.1", page.port))
    client.sendall(b"GET /live/picture HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert page.hub.wait_for_viewers(1, PATIENCE)

    def shown_until_gone() -> bool:
        page.hub.show(noise.copy(), (), "")
        return page.hub.viewers() == 0

    wait_for(shown_until_gone)
    client.close()


def test_the_end_of_the_run_ends_all_streams_and_says_so(page):
    page.show(reading())
    stream, watching = events(page.get("/live/events")), page.get("/live/picture")
    until(stream, "now")
    picture(watching)
    page.hub.close()
    assert list(stream)[-1] == ("ended", {})
    watching.read()
    assert page.hub.wait_for_viewers(0, PATIENCE)


@pytest.mark.slow
def test_pages_that_come_and_go_in_crowds_leave_nothing_behind(page):
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            answer = page.get("/live/picture")
            picture(answer)
            answer.leave()

    crowd = [threading.Thread(target=come_and_go) for _ in range(4)]
    for visitor in crowd:
        visitor.start()
    for number in range(40):
        page.show(shade=number)
        stop.wait(0.01)
    stop.set()
    for visitor in crowd:
        visitor.join(PATIENCE)
    assert page.hub.wait_for_viewers(0, PATIENCE)
