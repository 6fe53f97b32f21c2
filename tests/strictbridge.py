"""The practice bridge on a bad day: it hangs, stops, comes back, answers nonsense, and speaks HTTPS."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from expression.teaching.simulated_bridge import Handler, PracticeBridge, failed, lamp, lamps

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
        day: "good", "hang" (accepts and never answers), "html", "302", "500" or "busy" (error 901).
        says: By number of a lamp what the bridge says of it, given what is true; see `ways.SAYS`.
        answers: By number of a lamp, or "group 1", what it answers to commands without doing them; see
            `ways.ANSWERS`.
        asked: Set once it was asked anything.
        told: Set once a lamp or group was told something.
    """

    name, handler = "Strict", StrictHandler

    def __init__(self, certificate: tuple[Path, Path] | None = None):
        super().__init__()
        self.users, self.day, self.certificate = {KEY}, "good", certificate
        self.says: dict[str, Callable] = {}
        self.answers: dict[str, Callable] = {}
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
        if self.day in ("html", "302", "500"):
            return (200 if self.day == "html" else int(self.day)), "text/html", b"<html>Sorry</html>"
        if self.day == "busy":
            return 200, "application/json", json.dumps([failed(901, "/", "Internal error, 503")]).encode()
        words = path.strip("/").split("/")
        which = {"lights": "", "groups": "group "}.get("".join(words[2:3]), "-") + "".join(words[3:4])
        if mode == "PUT" and which in self.answers:
            self.commands.append((time.monotonic(), path, json.loads(text)))
            answer = self.answers[which](path, json.loads(text))
        else:
            answer = super().respond(mode, path, text)
        if mode == "PUT" and "/sensors/" not in path:
            self.told.set()
        return answer

    def _resource(self, mode, words, body):
        answer = super()._resource(mode, words, body)
        if mode == "GET" and words[0] == "lights":
            number = words[1] if len(words) > 1 else ""
            said = {n: self.says.get(n, lambda entry: entry)(entry) for n, entry in self.lights.items()}
            return said.get(number) if number else said
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
