"""The cable of lesson 10 passes everything on, until somebody pulls it out."""

from __future__ import annotations

import socket
import threading

import pytest

from expression.teaching.cable import Cable


@pytest.fixture
def echo():
    """The port of a program that repeats what it hears."""
    listener = socket.create_server(("127.0.0.1", 0))

    def repeat(one):
        with one:
            while heard := one.recv(100_000):
                one.sendall(heard)

    def accept():
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=repeat, args=(one,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def call(cable):
    return socket.create_connection(("127.0.0.1", cable.port), timeout=5)


def test_it_passes_on_what_both_sides_say(echo):
    cable, said = Cable(echo), bytes(range(256)) * 1000
    with call(cable) as client:
        threading.Thread(target=client.sendall, args=(said,), daemon=True).start()
        heard = b""
        while len(heard) < len(said):
            heard += client.recv(100_000)
    assert heard == said
    cable.pull_out()


def test_pulled_out_it_ends_connections_and_refuses_new_ones_until_it_is_back(echo):
    cable = Cable(echo)
    with call(cable) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        cable.pull_out()
        assert client.recv(10) == b""
    cable.pull_out()
    with pytest.raises(ConnectionRefusedError):
        call(cable)
    port = cable.port
    cable.plug_in()
    cable.plug_in()
    assert cable.port == port
    with call(cable) as client:
        client.sendall(b"two")
        assert client.recv(10) == b"two"
    cable.pull_out()


def test_a_client_is_hung_up_on_if_the_program_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as one:
        nobody = one.getsockname()[1]
    cable = Cable(nobody)
    with call(cable) as client:
        assert client.recv(10) == b""
    cable.pull_out()
