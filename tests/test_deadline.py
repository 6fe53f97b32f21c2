"""One deadline for the whole of an operation, however many addresses a name has."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from expression.sinks._deadline import Deadline


def test_all_addresses_together_take_no_longer_than_there_is_time(dead):
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        Deadline(0.6).connect("localhost", dead)
    assert 0.55 < time.monotonic() - began < 1.5


def test_an_address_that_answers_is_found_behind_one_that_does_not(dead, monkeypatch):
    find = socket.getaddrinfo
    with socket.create_server(("127.0.0.1", 0)) as server:
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", server.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *w, **o: [*find(*w, **o)[:1], good])
        with Deadline(2).connect("localhost", dead) as one:
            assert one.getpeername() == server.getsockname()
            assert 0 < one.gettimeout() < 1.5, "what is left for the question and the answer"


def test_a_look_up_that_takes_too_long_is_given_up(monkeypatch):
    ends = threading.Event()

    def slow(*_, **__):
        ends.wait(10)
        raise socket.gaierror("no server of names")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(TimeoutError):
        Deadline(0.1).connect("slow.invalid", 1)
    ends.set()


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a" * 70 + ".invalid", ""])
def test_a_name_that_there_is_not_is_told(name):
    with pytest.raises(OSError, match=r"."):
        Deadline(5).connect(name, 1)


def test_a_connection_that_is_refused_is_told_as_such():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Deadline(5).connect("127.0.0.1", port)


def test_once_it_has_passed_nothing_is_left():
    late = Deadline(-1)
    assert late.left() == 0
    with pytest.raises(TimeoutError, match="timed out"):
        late.left_or_late()
