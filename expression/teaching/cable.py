"""A cable to a program on this machine, which a lesson can pull out and plug in again.

Clients connect to the port of the cable, which passes every byte on in both directions. While it is out,
connections are refused and those that existed are closed, as if the program were away. The program itself
goes on, and keeps whatever it remembers.

Notebook: 10_reactions
"""

from __future__ import annotations

import contextlib
import socket
import threading

from .local_broker import free_port


class Cable:
    """A cable to a port of this machine; it begins plugged in.

    A real cable is noticed later: nobody closes the connections, so each side waits until it has heard
    nothing for a while.

    Args:
        to: The port of the program at the other end, on 127.0.0.1.

    Attributes:
        port: Where clients connect, on 127.0.0.1.
    """

    def __init__(self, to: int):
        self._to, self._lock = to, threading.Lock()
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self.port = free_port()
        self.plug_in()

    def plug_in(self) -> None:
        """Accepts connections; does nothing if it is plugged in already."""
        with self._lock:
            if self._listener is None:
                self._listener = socket.create_server(("127.0.0.1", self.port))
                given = {"args": (self._listener,), "name": "cable", "daemon": True}
                threading.Thread(target=self._accept, **given).start()

    def pull_out(self) -> None:
        """Closes all connections and refuses new ones; can be called again without harm."""
        with self._lock:
            listener, self._listener = self._listener, None
            ends, self._open = self._open, []
        for one in [listener, *ends] if listener else ends:
            _close(one)

    def _accept(self, listener: socket.socket) -> None:
        """Connects each client to the program, until the cable is pulled out."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # it was pulled out
                return
            try:
                program = socket.create_connection(("127.0.0.1", self._to), timeout=5)
            except OSError:
                _close(client)
                continue
            program.settimeout(None)
            with self._lock:
                out = self._listener is not listener
                if not out:
                    self._open += [client, program]
            if out:
                _close(client)
                _close(program)
                return
            for one, other in ((client, program), (program, client)):
                threading.Thread(target=_pass_on, args=(one, other), name="cable", daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Passes on what one end says to the other, until one of them is closed."""
    with contextlib.suppress(OSError):
        while heard := one.recv(65_536):
            other.sendall(heard)
    _close(one)
    _close(other)


def _close(one: socket.socket) -> None:
    """Closes a socket, and wakes whoever waits for it."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
