"""A server that answers a byte at a time, in the clear or by TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@contextlib.contextmanager
def trickling(
    certificate: tuple[Path, Path] | None = None, head: bytes = b"", between: float = 0.1
) -> Iterator[str]:
    """Gives the address of a server that says `head` at once and the rest of its answer byte by byte."""
    over = threading.Event()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def serve(server):
        talking, _ = server.accept()
        with contextlib.suppress(OSError), talking:
            talking.settimeout(5)
            if context:
                talking = context.wrap_socket(talking, server_side=True)
            with talking:
                talking.recv(4096)
                talking.sendall(head)
                for byte in ANSWER[len(head) :]:
                    if over.wait(between):
                        return
                    talking.sendall(bytes([byte]))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        scheme = "https" if certificate else "http"
        try:
            yield f"{scheme}://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()
