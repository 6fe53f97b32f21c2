"""The practice bridge on a bad day: it hangs, stops, comes back, answers nonsense, and speaks HTTPS."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from pathlib import Path

from expression.practicebridge import Handler, PracticeBridge, failed, lamp, lamps

__all__ = ["KEY", "StrictBridge", "lamp", "lamps", "make_certificate"]

KEY = "a-secret-key-of-forty-letters-0123456789"


class StrictHandler(Handler):
    """Agrees on a key first, where the bridge speaks HTTPS."""

    def setup(self):
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(5)
            self.request.do_handshake()
        super().setup()


class StrictBridge(PracticeBridge):
    """The bridge, on a port of its own.

    Attributes:
        day: "good", "hang" (accepts and never answers), "html", "500" or "busy" (error 901).
        asked: Set once it was asked anything.
        told: Set once a lamp or group was told something.
    """

    name, handler = "Strict", StrictHandler

    def __init__(self, certificate: tuple[Path, Path] | None = None):
        super().__init__()
        self.users, self.day, self.certificate = {KEY}, "good", certificate
        self.asked, self.told, self._wake = threading.Event(), threading.Event(), threading.Event()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.place}"

    def start(self) -> StrictBridge:
        self._wake.clear()
        return super().start()

    def listen(self):
        server = super().listen()
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        return server

    def stop(self) -> None:
        self._wake.set()
        super().stop()

    def respond(self, mode, path, text):
        self.asked.set()
        if self.day == "hang":
            self._wait()
            return None
        if self.day in ("html", "500"):
            return (500 if self.day == "500" else 200), "text/html", b"<html>Sorry</html>"
        if self.day == "busy":
            return 200, "application/json", json.dumps([failed(901, "/", "Internal error, 503")]).encode()
        answer = super().respond(mode, path, text)
        if mode == "PUT":
            self.told.set()
        return answer

    def _wait(self, seconds: float = 20) -> None:
        """Waits inside a request until the bridge stops, or has a good day again."""
        ends = time.monotonic() + seconds
        while self.day == "hang" and time.monotonic() < ends and not self._wake.wait(0.02):
            pass


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Makes a certificate that signs for itself, as a bridge has one; returns its file and its key's."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        ["openssl", *words, "-days", "9", "-subj", f"/CN={name}", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    return certificate, key
