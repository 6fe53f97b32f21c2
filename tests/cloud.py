"""A server on loopback that takes only what Blynk's documentation allows."""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from parts import PATIENCE

TOKEN = "Rps15JICmtRVbFyS_95houlLbm6xIQ2L"


class Cloud(HTTPServer):
    """Blynk's device interface: GET external/api/get?token=T&v0, .../batch/update?token=T&v1=1&v2=2

    Source: https://docs.blynk.io/en/blynk.cloud/device-https-api/get-datastream-value,
    https://docs.blynk.io/en/blynk.cloud/device-https-api/update-multiple-datastreams-api
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Device)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.pins = {"v0": "1", "v1": "", "v2": ""}
        self.asked, self.undocumented = [], []
        self.updates, self.trouble = [], None
        self.changed = threading.Condition()

    def wait(self, until) -> bool:
        with self.changed:
            return self.changed.wait_for(until, PATIENCE)


class Device(BaseHTTPRequestHandler):
    def do_GET(self):
        cloud = self.server
        with cloud.changed:
            code, answer = cloud.trouble or self.answer()
            cloud.asked.append(self.path)
            cloud.changed.notify_all()
        self.send_response(code)
        self.send_header("Content-Length", str(len(answer)))
        if code == 302:
            self.send_header(
                "Location", f"{cloud.address}/elsewhere?{urllib.parse.urlsplit(self.path).query}"
            )
        self.end_headers()
        self.wfile.write(answer)

    def answer(self):
        cloud = self.server
        path, _, query = self.path.partition("?")
        token, *words = query.split("&")
        if self.headers.get("Content-Length") or not token.startswith("token="):
            cloud.undocumented.append(self.path)
        if token != f"token={TOKEN}":
            return refusal("Invalid token.")
        if path == "/external/api/get" and len(words) == 1:
            return (
                (200, cloud.pins[words[0]].encode())
                if words[0] in cloud.pins
                else refusal("Wrong pin format.")
            )
        if path == "/external/api/batch/update" and words and all(re.match(r"v\d+=", w) for w in words):
            values = {
                pin: urllib.parse.unquote(value, errors="strict")
                for pin, value in (w.split("=") for w in words)
            }
            if not values.keys() <= cloud.pins.keys():
                return refusal("Wrong pin format.")
            cloud.pins |= values
            cloud.updates.append(values)
            return 200, b""
        cloud.undocumented.append(self.path)
        return refusal("Request with incorrect parameters")

    def log_message(self, *_):
        """Prints nothing."""


def refusal(message: str) -> tuple[int, bytes]:
    return 400, json.dumps({"error": {"message": message}}).encode()


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", TOKEN)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Cloud() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    assert server.undocumented == []
