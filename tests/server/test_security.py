"""Who may use the server: keys, names, origins, and what a browser may do with its answers."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs fastapi (pip install fastapi uvicorn)")
pytest.importorskip("httpx", reason="needs httpx (pip install httpx)")
import httpx2 as httpx
from fastapi.testclient import TestClient

from expression.cli.app import main
from expression.control import Control
from expression.errors import BadInputError, DisplayError
from expression.server import app as module
from expression.server import security
from expression.server.app import address_of, listen, make_app, sentence, serve
from expression.server.live import Hub
from expression.server.security import COOKIE, HEADERS, is_loopback, key_for, same, token

KEY = "correct horse ✓ battery"
OWN = {"Origin": "http://127.0.0.1:8000"}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch) -> None:
    monkeypatch.setattr(security, "WRONG_SECONDS", 0.0)


@pytest.fixture
def hub() -> Hub:
    return Hub(Control(["Happy", "Sad"]), dict)


def ask(app, path: str = "/live/now", method: str = "GET", host: str = "127.0.0.1:8000", **options):
    """Sends one request to an application, as a program would."""

    async def send():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            head = {"Host": host, **options.pop("headers", {})}
            return await client.request(method, path, headers=head, **options)

    return asyncio.run(send())


def switch(app, headers, **options):
    return ask(app, "/live/switches", "POST", headers=headers, json={"on": False}, **options)


def bearer(key: str) -> dict:
    return {"Authorization": f"Bearer {key}".encode()}


def test_on_loopback_no_key_is_needed(hub):
    app = make_app(hub)
    assert ask(app).status_code == 200
    assert ask(app, "/").status_code == 200
    assert switch(app, OWN).status_code == 200
    assert not hub.control.on


PATHS = [
    "/",
    "/live/now",
    "/live/about",
    "/live/picture",
    "/live/events",
    "/openapi.json",
    "/page.js",
    "/nowhere",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no key"),
        pytest.param(bearer("wrong"), id="a wrong key"),
        pytest.param(bearer(KEY[:-1]), id="most of the key"),
        pytest.param(bearer(f"{KEY}x"), id="more than the key"),
        pytest.param(bearer(""), id="an empty key"),
        pytest.param({"Authorization": KEY.encode()}, id="without its word"),
        pytest.param({"Authorization": b"Basic " + KEY.encode()}, id="with another word"),
        pytest.param({"Cookie": f"{COOKIE}=x"}, id="a wrong cookie"),
        pytest.param({"Cookie": f"{COOKIE}={KEY}".encode()}, id="the key as the cookie"),
        pytest.param({"X-Api-Key": KEY.encode()}, id="in another header"),
        pytest.param({"Authorization": b"Bearer \xff\xfe"}, id="no text"),
    ],
)
def test_without_the_key_nothing_is_answered(hub, path, headers):
    answer = ask(make_app(hub, key=KEY, host="0.0.0.0"), path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "EXPRESSION_API_KEY" in answer.json()["expected"]


def test_the_key_in_an_address_is_not_taken(hub):
    assert ask(make_app(hub, key=KEY), f"/live/now?key={KEY}").status_code == 401


def test_the_key_opens_everything(hub):
    app = make_app(hub, key=KEY, host="0.0.0.0")
    assert ask(app, headers=bearer(KEY)).status_code == 200
    assert ask(app, headers={"Authorization": b"bearer  " + KEY.encode()}).status_code == 200
    assert switch(app, bearer(KEY)).status_code == 200
    assert switch(app, {}).status_code == 401


def test_a_browser_is_asked_for_the_key_by_a_form_and_then_has_a_cookie(hub):
    app = make_app(hub, key=KEY, host="0.0.0.0")
    asked = ask(app, "/", headers={"Accept": "text/html,*/*"})
    assert (asked.status_code, 'name="key"' in asked.text) == (401, True)
    wrong = ask(app, "/login", "POST", headers=OWN, data={"key": "guess"})
    assert (wrong.status_code, "That key is wrong" in wrong.text) == (401, True)
    assert "set-cookie" not in wrong.headers
    right = ask(app, "/login", "POST", headers=OWN, data={"key": f" {KEY} "})
    assert (right.status_code, right.headers["location"]) == (303, "/")
    cookie = right.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert KEY not in cookie
    value = cookie.partition(";")[0]
    assert ask(app, headers={"Cookie": f"other=1; {value}"}).status_code == 200
    assert switch(app, {"Cookie": value, **OWN}).status_code == 200


def test_a_cookie_of_another_key_is_worth_nothing(hub):
    app = make_app(hub, key=KEY)
    assert ask(app, headers={"Cookie": f"{COOKIE}={token('another')}"}).status_code == 401
    assert ask(app, headers={"Cookie": f"{COOKIE}={token(KEY)}"}).status_code == 200


@pytest.mark.slow
def test_the_form_on_loopback_lets_nobody_in_who_is_not_in(hub):
    answer = ask(make_app(hub), "/login", "POST", headers=OWN, data={"key": ""})
    assert answer.status_code == 401


def test_wrong_keys_are_answered_one_after_another(hub, monkeypatch):
    waiting = []

    async def sleep(seconds):
        waiting.append(seconds)
        assert len(waiting) == 1
        await real(0)
        waiting.pop()

    real = asyncio.sleep
    app = make_app(hub, key=KEY)

    async def guess():
        monkeypatch.setattr(security.asyncio, "sleep", sleep)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            await asyncio.gather(*(client.get("/live/now", headers=bearer(str(n))) for n in range(5)))

    asyncio.run(guess())


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("evil.example", id="another name"),
        pytest.param("evil.example:8000", id="with our port"),
        pytest.param("127.0.0.1.evil.example", id="that begins like ours"),
        pytest.param("evil.example@127.0.0.1", id="with a user"),
        pytest.param("localhost.evil.example", id="below another"),
        pytest.param("192.168.0.7:8000", id="digits of the network, on loopback"),
        pytest.param("0x7f000001", id="digits in another form"),
        pytest.param("localhost:8000/x", id="with a path"),
        pytest.param("", id="none"),
    ],
)
def test_another_name_is_refused_so_that_no_foreign_page_becomes_ours(hub, host):
    answer = ask(make_app(hub), host=host)
    assert answer.status_code == 421
    assert answer.json()["remedy"] == "Open the address that it printed when it started."


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:9", "[::1]:8000"])
def test_the_names_of_loopback_are_known(hub, host):
    assert ask(make_app(hub), host=host).status_code == 200


def test_in_the_network_digits_the_computer_s_name_and_names_that_are_given_are_known(hub):
    app = make_app(hub, key=KEY, hosts=["home.example"], host="0.0.0.0")
    for host in ("192.168.0.7:8000", "[fe80::1]:8000", socket.gethostname(), "home.example", "localhost"):
        assert ask(app, host=host, headers=bearer(KEY)).status_code == 200, host
    assert ask(app, host="evil.example", headers=bearer(KEY)).status_code == 421


def test_two_host_headers_are_refused(hub):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")] * 2}
    asyncio.run(make_app(hub)(scope, None, send))
    assert sent[0]["status"] == 421


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "http://evil.example"}, id="another page"),
        pytest.param({"Origin": "null"}, id="a page without an origin"),
        pytest.param({"Origin": "http://127.0.0.1:3000"}, id="another port"),
        pytest.param({"Origin": "http://127.0.0.1:8000.evil.example"}, id="that begins like ours"),
        pytest.param({"Origin": "http://evil.example@127.0.0.1:8000"}, id="with a user"),
        pytest.param({"Origin": ""}, id="an empty origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="as the browser says"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="another port, as the browser says"),
        pytest.param(
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, id="a form of another page"
        ),
    ],
)
def test_another_page_of_the_browser_changes_nothing(hub, headers):
    assert switch(make_app(hub), headers).status_code == 403
    assert hub.control.on


def test_another_page_cannot_embed_the_picture_but_may_link_to_the_page(hub):
    app = make_app(hub)
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert ask(app, "/live/picture", headers=embedded).status_code == 403
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ask(app, "/", headers=linked).status_code == 200


def test_a_form_of_another_kind_changes_nothing(hub):
    app = make_app(hub)
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        head = {"Content-Type": kind, **OWN}
        assert ask(app, "/live/switches", "POST", headers=head, content='{"on": false}').status_code == 422
    assert hub.control.on


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Length": "70000"}, id="long"),
        pytest.param({"Content-Length": "-1"}, id="negative"),
        pytest.param({"Content-Length": "many"}, id="no number"),
        pytest.param({"Transfer-Encoding": "chunked"}, id="unknown"),
    ],
)
def test_a_long_body_is_refused_before_it_is_read(hub, headers):
    sent = []

    async def send(message):
        sent.append(message)

    head = [(b"host", b"localhost"), *((k.lower().encode(), v.encode()) for k, v in headers.items())]
    scope = {"type": "http", "method": "POST", "path": "/live/switches", "headers": head}
    asyncio.run(make_app(hub)(scope, None, send))
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("path", ["/", "/login", "/live/now", "/nowhere", "/page.js"])
def test_every_answer_forbids_what_browsers_need_not_do(hub, path):
    for app in (make_app(hub), make_app(hub, key=KEY)):
        answer = ask(app, path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_no_page_loads_anything_from_elsewhere_or_has_scripts_in_itself(hub):
    app = make_app(hub)
    texts = [ask(app, path).text for path in ("/", "/login", "/page.css", "/page.js")]
    texts.append(ask(make_app(), "/").text)
    for text in texts:
        text = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r"https?:|//[a-z]|\son\w+=|style=|<style|@import|url\(", re.sub(r"// .*", "", text)
        )
        assert "<script>" not in text


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/..%2fapp.py", "/page.py", "/app.py", "/login.html"])
def test_no_other_file_is_served(hub, path):
    answer = ask(make_app(hub), path)
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


def test_without_a_run_the_page_says_so():
    app = make_app()
    assert "expression live --display web" in ask(app, "/").text
    assert ask(app, "/live/now").status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "my.computer"])
def test_another_address_demands_a_key(host, monkeypatch):
    for key in (None, "", "  "):
        if key is not None:
            monkeypatch.setenv("EXPRESSION_API_KEY", key)
        with pytest.raises(BadInputError, match=rf"{host} can be reached.* EXPRESSION_API_KEY") as caught:
            serve(host=host)
        assert caught.value.exit_code == 2
    monkeypatch.setenv("EXPRESSION_API_KEY", KEY)
    assert key_for(host) == KEY


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_loopback_needs_no_key_even_if_there_is_one(host, monkeypatch):
    monkeypatch.setenv("EXPRESSION_API_KEY", KEY)
    assert key_for(host) is None
    assert is_loopback(host)


def test_a_run_for_the_network_without_a_key_ends_with_exit_code_2(monkeypatch, capsys):
    monkeypatch.setenv("EXPRESSION_PAGE_HOST", "0.0.0.0")
    assert main(["live", "--source", "demo", "--display", "web"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "EXPRESSION_API_KEY is not set" in told


@pytest.mark.slow
@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_a_missing_package_is_told_with_what_installs_it(package):
    code = f"import sys; sys.modules[{package!r}] = None; from expression.cli.app import main;"
    code += "sys.exit(main(['live', '--display', 'web']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"The server needs the package {package}, which is not installed." in done.stderr
    assert done.stderr.endswith('Run in the project\'s folder: pip install -e ".[server]"\n')


def test_secrets_of_any_length_are_compared():
    assert same(KEY, KEY)
    assert not same(KEY, KEY[:-1])
    assert not same("", KEY)
    assert not same("\udcff", KEY)


def test_a_port_that_is_used_is_passed_over_and_the_address_says_which():
    with listen(port=0) as first:
        port = first.getsockname()[1]
        with listen(port=port) as second:
            assert second.getsockname()[1] > port
            assert address_of(second) == f"http://127.0.0.1:{second.getsockname()[1]}"


def test_ports_that_are_all_used_are_told(monkeypatch):
    monkeypatch.setattr(module, "PORTS", 1)
    with listen(port=0) as first, pytest.raises(DisplayError, match="cannot be used"):
        listen(port=first.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a\x00b", "x" * 300])
def test_an_address_of_another_computer_is_told(host):
    with pytest.raises(BadInputError, match="is not an address of this computer"):
        listen(host, 0)


def test_the_sentence_says_who_can_open_the_page():
    assert "this computer" in sentence("http://127.0.0.1:8000", None)
    assert "asks for the key" in sentence("http://192.168.0.7:8000", KEY)
    with listen("0.0.0.0", 0) as listening:
        assert "0.0.0.0" not in address_of(listening)


def test_it_serves_in_the_foreground_until_it_is_ended(hub, monkeypatch):
    """In a thread here, where uvicorn takes no signals; the test ends it as a signal would."""
    servers, ready, addresses = [], threading.Event(), []
    kept = module.uvicorn.Server

    def server(config):
        servers.append(kept(config))
        return servers[-1]

    monkeypatch.setattr(module.uvicorn, "Server", server)
    thread = threading.Thread(
        target=serve,
        kwargs={"live": hub, "port": 0, "ready": lambda address: (addresses.append(address), ready.set())},
    )
    thread.start()
    assert ready.wait(30)
    hub.show(np.zeros((9, 9, 3), np.uint8), (), "")
    assert httpx.get(f"{addresses[0]}/live/now", trust_env=False).json()["people"] == []
    servers[0].should_exit = True
    thread.join()


@pytest.mark.parametrize("way", ["key", "cookie"])
def test_guesses_that_come_at_once_are_refused(hub, monkeypatch, way):
    """A cookie can be computed from a guess, so it is one, too."""
    app = make_app(hub, key=KEY, host="0.0.0.0")

    def guess(number: int) -> int:
        word = f"guess {number}"
        head = bearer(word) if way == "key" else {"Cookie": f"{COOKIE}={token(word)}"}
        return ask(app, headers=head).status_code

    assert guess(0) == 401
    waiting = security.asyncio.Lock()
    monkeypatch.setattr(app.guard, "_one_at_a_time", waiting)
    security.asyncio.run(waiting.acquire())
    assert [guess(number) for number in range(3)] == [429] * 3
    assert ask(app, headers=bearer(KEY)).status_code == 200


@pytest.mark.parametrize("key", ["1234", "short", "elevenchars"])
def test_a_short_key_is_refused(key):
    with pytest.raises(BadInputError, match=rf"has {len(key)} characters\. Expected 12 or more"):
        key_for("0.0.0.0", key)


@pytest.mark.parametrize("head", [{"Origin": "http://["}, {"Content-Length": "9" * 5000}])
def test_headers_that_are_malformed_are_refused(hub, head):
    answer = ask(make_app(hub, key=KEY, host="0.0.0.0"), "/live/switches", "POST", headers=head)
    assert answer.status_code in (403, 413)


def test_an_answer_to_a_failure_has_the_headers_too(hub):
    app = make_app(hub)

    @app.get("/fails")
    async def fails():
        raise ZeroDivisionError

    client = TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
    answer = client.get("/fails")
    assert answer.status_code == 500
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
