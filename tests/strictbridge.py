"""A small bridge that is as strict as the documented CLIP API v1: ranges, errors, users, its button.

It can also hang, stop, come back, answer nonsense and speak HTTPS, as a real one does on a bad day.
"""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = "a-secret-key-of-forty-letters-0123456789"
COLOUR = {"on": True, "bri": 144, "hue": 7676, "sat": 199, "effect": "none", "xy": [0.5, 0.42], "ct": 443}
GAMUT_C = [[0.6915, 0.3083], [0.17, 0.7], [0.1532, 0.0475]]


def lamp(name, model="LCA001", gamut=GAMUT_C, kind="Extended color light", **state) -> dict:
    control = {"colorgamut": gamut} if gamut else {}
    whole = {**COLOUR, "colormode": "xy", "alert": "none", "reachable": True, **state}
    kept = {name: value for name, value in whole.items() if value is not None}
    return {
        "name": name,
        "modelid": model,
        "type": kind,
        "state": kept,
        "capabilities": {"control": control},
        "uniqueid": name,
    }


WHITE = dict.fromkeys(("xy", "hue", "sat", "ct", "colormode", "effect"))


def lamps() -> dict[str, dict]:
    """Lamps of all sorts: by xy, by ct, by hue, of an old gamut, off, far away, white, and a plug."""
    return {
        "1": lamp("Sofa"),
        "2": lamp("Desk", colormode="ct", ct=366, bri=254, hue=8418, sat=140, xy=[0.4573, 0.41]),
        "3": lamp("Strip", "LST001", None, "Color light", colormode="hs", ct=None, effect="colorloop"),
        "4": lamp("Hall", on=False),
        "5": lamp("Shed", reachable=False),
        "6": lamp("Kitchen white", "LWB010", None, "Dimmable light", **WHITE),
        "7": lamp("Plug", "LOM001", None, "On/Off plug-in unit", **WHITE, bri=None),
    }


GROUPS = {
    "1": {"name": "Living room", "type": "Room", "lights": ["1", "2"]},
    "2": {"name": "Everything", "type": "Zone", "lights": ["1", "2", "3", "4", "5", "6"]},
}
CHECKS = {
    "on": lambda v: isinstance(v, bool),
    "bri": lambda v: type(v) is int and 1 <= v <= 254,
    "hue": lambda v: type(v) is int and 0 <= v <= 65535,
    "sat": lambda v: type(v) is int and 0 <= v <= 254,
    "ct": lambda v: type(v) is int and 153 <= v <= 500,
    "xy": lambda v: isinstance(v, list) and len(v) == 2 and all(0 <= each <= 1 for each in v),
    "effect": lambda v: v in ("none", "colorloop"),
    "alert": lambda v: v in ("none", "select", "lselect"),
    "transitiontime": lambda v: type(v) is int and 0 <= v <= 65535,
}


def failed(kind: int, address: str, description: str) -> dict:
    return {"error": {"type": kind, "address": address, "description": description}}


class StrictBridge:
    """The bridge, on a port of its own.

    Attributes:
        day: "good", "hang" (accepts and never answers), "html", "500" or "busy" (error 901).
        commands: (time, path, body) of each PUT.
        button: Whether it is pressed.
    """

    def __init__(self, certificate: tuple[Path, Path] | None = None):
        self.lights, self.groups = lamps(), copy.deepcopy(GROUPS)
        self.users, self.button, self.day = {KEY}, False, "good"
        self.commands: list[tuple[float, str, dict]] = []
        self.certificate, self.port = certificate, 0
        self.asked = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._wake = threading.Event()
        self._open: set[socket.socket] = set()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.place}"

    def start(self) -> StrictBridge:
        """Listens, at the same port as before."""
        bridge = self

        class Handler(_Handler):
            owner = bridge

        self._wake.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = False
        self._server.handle_error = lambda *_: None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def stop(self) -> None:
        """Is away: its port refuses, and connections that were open are cut."""
        if self._server is None:
            return
        self._wake.set()
        self._server.shutdown()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()
        self._server = None

    def wait(self, seconds: float = 20) -> None:
        """Waits inside a request until the bridge stops, or has a good day again."""
        ends = time.monotonic() + seconds
        while self.day == "hang" and time.monotonic() < ends and not self._wake.wait(0.02):
            pass

    def answer(self, mode: str, path: str, body: object):
        """What the documentation says that a bridge answers."""
        words = path.strip("/").split("/")
        if words == ["api"] and mode == "POST":
            return self._new_user(body)
        if len(words) < 2 or words[0] != "api":
            return [failed(4, path, f"method, {mode}, not available for resource, {path}")]
        if words[1:] == ["config"] or (words[1] not in self.users and words[2:] == ["config"]):
            return {"name": "Strict", "bridgeid": "001788FFFE000001", "modelid": "BSB002"}
        if words[1] not in self.users:
            return [failed(1, "/" + "/".join(words[2:]), "unauthorized user")]
        return self._resource(mode, words[2:], body)

    def _new_user(self, body):
        if not isinstance(body, dict) or not 1 <= len(str(body.get("devicetype", ""))) <= 40:
            return [failed(5, "/", "invalid/missing parameters in body")]
        if not self.button:
            return [failed(101, "", "link button not pressed")]
        self.users.add("fresh-" + KEY)
        return [{"success": {"username": "fresh-" + KEY}}]

    def _resource(self, mode, words, body):
        kinds = {"lights": self.lights, "groups": self.groups}
        if words == ["config"]:
            return {"name": "Strict", "bridgeid": "001788FFFE000001", "whitelist": {}}
        address = "/" + "/".join(words)
        if not words or words[0] not in kinds or (len(words) > 1 and words[1] not in kinds[words[0]]):
            return [failed(3, address, f"resource, {address}, not available")]
        if mode == "GET":
            return kinds[words[0]] if len(words) == 1 else kinds[words[0]][words[1]]
        if mode == "PUT" and words[0] == "lights" and words[2:] == ["state"]:
            return self._change(self.lights[words[1]]["state"], body, address)
        if mode == "PUT" and words[0] == "groups" and words[2:] == ["action"]:
            for number in self.groups[words[1]]["lights"]:
                self._change(self.lights[number]["state"], body, address)
            return [{"success": {f"{address}/{name}": value}} for name, value in body.items()]
        return [failed(4, address, f"method, {mode}, not available for resource, {address}")]

    def _change(self, state, body, address):
        if not isinstance(body, dict) or not body:
            return [failed(5, address, "invalid/missing parameters in body")]
        answers, good = [], {}
        for name, value in body.items():
            place = f"{address}/{name}"
            if name not in CHECKS or (name not in state and name != "transitiontime"):
                answers.append(failed(6, place, f"parameter, {name}, not available"))
            elif not CHECKS[name](value):
                answers.append(failed(7, place, f"invalid value, {value}, for parameter, {name}"))
            elif not state["on"] and not body.get("on") and name != "transitiontime":
                off = f"parameter, {name}, is not modifiable. Device is set to off."
                answers.append(failed(201, place, off))
            else:
                answers.append({"success": {place: value}})
                good[name] = value
        good.pop("transitiontime", None)
        _apply(state, good)
        return answers


def _apply(state: dict, good: dict) -> None:
    """Sets the values; one colour mode wins and the others' values follow, always in the same way."""
    mode = next((m for m, n in (("xy", "xy"), ("ct", "ct"), ("hs", "hue"), ("hs", "sat")) if n in good), None)
    others = {"xy": ("ct", "hue", "sat"), "ct": ("xy", "hue", "sat"), "hs": ("xy", "ct")}.get(mode, ())
    before = dict(state)
    state.update({name: value for name, value in good.items() if name not in others})
    if mode is None:
        return
    state["colormode"] = mode
    for name in others:
        if name in state and state != before:
            state[name] = DERIVED.get((mode, _frozen(state, mode)), {}).get(name, FAR[name])


FAR = {"xy": [0.33, 0.33], "ct": 200, "hue": 30000, "sat": 90}
DERIVED: dict = {}


def _frozen(state, mode):
    return json.dumps([state.get(n) for n in {"xy": ["xy"], "ct": ["ct"], "hs": ["hue", "sat"]}[mode]])


for _entry in lamps().values():  # what belongs together in the states that lamps begin with
    _state = _entry["state"]
    if "colormode" in _state:
        DERIVED[_state["colormode"], _frozen(_state, _state["colormode"])] = dict(_state)


class _Handler(BaseHTTPRequestHandler):
    owner: StrictBridge
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(5)
            self.request.do_handshake()
        super().setup()
        self.owner._open.add(self.connection)

    def finish(self):
        self.owner._open.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def _do(self):
        owner = self.owner
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        owner.asked.set()
        if owner.day == "hang":
            owner.wait()
            self.close_connection = True
            return
        status, kind, out = 200, "application/json", b""
        if owner.day in ("html", "500"):
            status, kind, out = (500 if owner.day == "500" else 200), "text/html", b"<html>Sorry</html>"
        elif owner.day == "busy":
            out = json.dumps([failed(901, "/", "Internal error, 503")]).encode()
        else:
            try:
                body = json.loads(text) if text else None
                if self.command == "PUT":
                    owner.commands.append((time.monotonic(), self.path, body))
                out = json.dumps(owner.answer(self.command, self.path, body)).encode()
            except ValueError:
                out = json.dumps([failed(2, self.path, "body contains invalid JSON")]).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_PUT = do_POST = do_DELETE = _do

    def log_message(self, *_):
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
