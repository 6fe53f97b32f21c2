"""A storage like Google's with its login, on loopback; `bucket.py` starts it.

Whoever imports this without its two packages is skipped.
"""

from __future__ import annotations

import http.server
import io
import json
import time
import urllib.parse
import urllib.request
from functools import partial

import cv2
import numpy as np
import pytest
from bucket import BUCKET

pytest.importorskip("firebase_admin", reason="needs firebase-admin")
emulator = pytest.importorskip("gcp_storage_emulator.server", reason="needs gcp-storage-emulator")


class Storage(http.server.HTTPServer):
    """The emulator, which also heeds ifGenerationMatch=0, and answers with trouble where told to."""

    def __init__(self):
        self.storage = emulator.Storage(use_memory_fs=True)
        emulator.buckets.create_bucket(BUCKET, self.storage)
        super().__init__(("127.0.0.1", 0), partial(Door, self.storage))
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.names, self.refused, self.logins, self.trouble = [], [], [], None
        self.slow = 0.0  # seconds before each answer
        self.forgets = False  # whether the answer gets lost though the picture has arrived

    def handle_error(self, *_):
        """Prints nothing: whoever asked has given up."""

    def pictures(self) -> list[dict]:
        with urllib.request.urlopen(f"{self.address}/storage/v1/b/{BUCKET}/o") as answer:
            return json.load(answer).get("items", [])

    def picture(self, name: str) -> np.ndarray:
        with urllib.request.urlopen(
            f"{self.address}/download/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(name, safe='')}?alt=media"
        ) as answer:
            return cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_COLOR_RGB)


class Door(emulator.RequestHandler):
    def do_POST(self):
        time.sleep(self.server.slow)
        if self.path == "/token":
            return self.log_in()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = json.loads(body.split(b"\r\n\r\n")[1].split(b"\r\n--")[0])["name"]
        store = self.server
        if store.trouble:
            return self.say(*store.trouble)
        if "ifGenerationMatch=0" in self.path and name in store.names:
            store.refused.append(name)
            return self.say(412, {"error": {"message": "conditionNotMet"}})
        store.names.append(name)
        self.rfile = io.BytesIO(body)
        if store.forgets:
            store.forgets, self.wfile = False, io.BytesIO()
            self.close_connection = True
        super().do_POST()

    def log_in(self):
        """Answers as https://developers.google.com/identity/protocols/oauth2/service-account says."""
        words = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert words["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        self.server.logins.append(words["assertion"][0])
        if self.server.trouble:
            return self.say(*self.server.trouble)
        self.say(200, {"access_token": "ya29.x", "token_type": "Bearer", "expires_in": 3600})

    def say(self, code, answer):
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Prints nothing."""
