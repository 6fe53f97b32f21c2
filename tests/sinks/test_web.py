"""A request takes no longer than its timeout, whatever takes the time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import urllib.error
import urllib.request

import pytest
from parts import PATIENCE
from strictbridge import make_certificate
from trickle import ANSWER, trickling

from expression.sinks._deadline_urllib import TIMELY, NoRedirect


@pytest.fixture
def opener(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    return urllib.request.build_opener(NoRedirect, *TIMELY)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_takes_the_call_and_says_nothing_is_given_up(opener, scheme):
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            opener.open(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/", timeout=0.5)
    assert time.monotonic() - began > 0.45


@pytest.mark.slow
def test_an_address_that_is_slow_leaves_less_time_for_the_answer(opener, dead, monkeypatch):
    find = socket.getaddrinfo
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = (socket.AF_INET, socket.SOCK_STREAM, 6, "", server.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *w, **o: [*find(*w, **o)[:1], silent])
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            opener.open(f"http://localhost:{dead}/", timeout=0.8)
    assert 0.75 < time.monotonic() - began < 2 * 0.8


def test_an_answer_is_read(opener):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            one, _ = server.accept()
            with one:
                one.recv(1000)
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        thread = threading.Thread(target=serve)
        thread.start()
        with opener.open(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=PATIENCE) as answer:
            assert answer.read() == b"hi"
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("head", [b"", ANSWER[:-2]], ids=["all of it", "its body"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_that_comes_a_byte_at_a_time_is_given_up(opener, scheme, head, tmp_path, monkeypatch):
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    certificate = make_certificate(tmp_path, "127.0.0.1") if scheme == "https" else None
    with trickling(certificate, head, 0.4 if head else 0.1) as address:
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"), opener.open(address, timeout=0.6) as answer:
            answer.read()
        assert 0.5 < time.monotonic() - began < len(ANSWER) * 0.1, "the whole answer takes that long"


def test_an_answer_by_tls_that_is_slow_but_in_time_is_read(opener, tmp_path, monkeypatch):
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    certificate = make_certificate(tmp_path, "127.0.0.1")
    with trickling(certificate, between=0.01) as address, opener.open(address, timeout=PATIENCE) as answer:
        assert answer.read() == b"hi"
