"""One deadline for all: dead addresses, slow names, and a server that says a little at a time."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time

import pytest
from parts import PATIENCE

from expression.deadline import Deadline
from expression.lights.transport import BridgeError, Transport

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a queue of connections that can be full")


@contextlib.contextmanager
def dead_ports(port: int, *hosts: str):
    """Ports that take no connection and refuse none: their queues are full."""
    with contextlib.ExitStack() as stack:
        for host in hosts:
            listening = stack.enter_context(socket.socket())
            listening.bind((host, port))
            listening.listen(0)
            port = listening.getsockname()[1]
            for _ in range(3):
                knocking = stack.enter_context(socket.socket())
                knocking.setblocking(False)
                knocking.connect_ex((host, port))
        yield port


def addresses(monkeypatch, *hosts: str) -> None:
    """Gives the name bridge.local these addresses."""
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda name, port, *_, **__: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts
        ],
    )


@pytest.mark.slow
@linux
@pytest.mark.parametrize("way", ["http", "https"])
def test_several_dead_addresses_take_no_longer_than_one(way, monkeypatch):
    with dead_ports(0, "127.0.0.1", "127.0.0.2", "127.0.0.3") as port:
        addresses(monkeypatch, "127.0.0.1", "127.0.0.2", "127.0.0.3")
        began = time.monotonic()
        with pytest.raises(BridgeError, match=r"did not answer within 0\.6 s"):
            Transport(f"{way}://bridge.local:{port}", timeout=0.6).call("GET", "/api/config")
        assert 0.5 < time.monotonic() - began < 3 * 0.6


@pytest.mark.slow
@linux
def test_an_address_after_a_dead_one_is_reached(bridge, monkeypatch):
    with dead_ports(bridge.port, "127.0.0.2"):
        addresses(monkeypatch, "127.0.0.2", "127.0.0.1")
        transport = Transport(f"http://bridge.local:{bridge.port}", timeout=4.0)
        assert transport.call("GET", "/api/x/config")["name"] == "Strict"
        transport.close()


def test_a_server_that_says_a_little_at_a_time_is_given_up_in_time():
    asked, over = threading.Event(), threading.Event()

    def trickle(server):
        talking, _ = server.accept()
        with talking, contextlib.suppress(OSError):
            talking.recv(999)
            asked.set()
            talking.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
            while not over.wait(0.05):
                talking.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as server:
        helper = threading.Thread(target=trickle, args=(server,))
        helper.start()
        transport = Transport(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.4)
        with pytest.raises(BridgeError, match=r"did not answer within 0\.4 s"):
            transport.call("GET", "/api/config")
        assert asked.is_set()
        assert not transport.answers
        over.set()
        helper.join()


@pytest.mark.slow
def test_all_addresses_together_take_no_longer_than_there_is_time(dead):
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        Deadline(0.6).connect("localhost", dead)
    assert 0.55 < time.monotonic() - began < 3 * 0.6


@pytest.mark.slow
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
        ends.wait(PATIENCE)
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
        late.left_or_raise()


def test_where_one_family_does_not_work_the_other_has_its_turn(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 1, 0, 0))
        four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [six] * 4 + [four])
        with Deadline(2).connect("storage.example", port) as one:
            assert one.getpeername() == ("127.0.0.1", port)


def test_a_family_that_the_system_does_not_know_is_passed_over(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        unknown = (250, socket.SOCK_STREAM, 6, "", ("x", 1))
        four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        found = [unknown, four]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with Deadline(2).connect("storage.example", port) as one:
            assert one.getpeername() == ("127.0.0.1", port)
        found.pop()
        with pytest.raises(OSError, match="not supported"):
            Deadline(2).connect("storage.example", port)
