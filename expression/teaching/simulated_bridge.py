"""A bridge to practise with: it answers on loopback as Philips documents for a Hue bridge.

Lesson 09 pairs with it and looks at the commands it received; the tests make it even stricter. It has all
kinds of lamps and a button, and checks every value; it has no real lights.

Source: https://developers.meethue.com/develop/hue-api/ (lights, groups, configuration, error messages)

Notebook: 09_lights
"""

from __future__ import annotations

import contextlib
import copy
import json
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..lights.colours import GAMUTS

COLOUR = {"on": True, "bri": 144, "hue": 7676, "sat": 199, "effect": "none", "xy": [0.5, 0.42], "ct": 443}
WHITE = dict.fromkeys(("xy", "hue", "sat", "ct", "colormode", "effect"))

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
"""The values that a lamp accepts, and their ranges."""

MODES = {"xy": ("xy",), "ct": ("ct",), "hs": ("hue", "sat")}
FAR = {"xy": [0.33, 0.33], "ct": 200, "hue": 30000, "sat": 90}
"""What a lamp reports for its inactive colour modes once its colour was changed."""


def lamp(name: str, model: str = "LCA001", kind: str = "Extended color light", **state: Any) -> dict:
    """Returns a lamp as a bridge describes it; a state of None means that it does not have that state."""
    whole = {**COLOUR, "colormode": "xy", "alert": "none", "reachable": True, **state}
    kept = {each: value for each, value in whole.items() if value is not None}
    control = {"colorgamut": [list(corner) for corner in GAMUTS["C"]]} if model == "LCA001" else {}
    about = {"name": name, "modelid": model, "type": kind, "uniqueid": name}
    return {**about, "state": kept, "capabilities": {"control": control}}


def lamps() -> dict[str, dict]:
    """Returns all kinds of lamps: by xy, ct or hue, of an old gamut, off, out of reach, white, and a plug."""
    return {
        "1": lamp("Sofa"),
        "2": lamp("Desk", colormode="ct", ct=366, bri=254, hue=8418, sat=140, xy=[0.4573, 0.41]),
        "3": lamp("Strip", "LST001", "Color light", colormode="hs", ct=None, effect="colorloop"),
        "4": lamp("Hall", on=False),
        "5": lamp("Shed", reachable=False),
        "6": lamp("Kitchen white", "LWB010", "Dimmable light", **WHITE),
        "7": lamp("Plug", "LOM001", "On/Off plug-in unit", **WHITE, bri=None),
    }


class Handler(BaseHTTPRequestHandler):
    """Passes requests to the bridge."""

    owner: PracticeBridge
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Records the connection, so that it can be cut."""
        super().setup()
        self.owner._open.add(self.connection)

    def finish(self) -> None:
        """Forgets the connection."""
        self.owner._open.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def _do(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.owner.respond(self.command, self.path, text)
        if answer is None:
            self.close_connection = True
            return
        status, kind, body = answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = _do

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


class PracticeBridge:
    """A bridge on loopback.

    Attributes:
        name: Its name.
        id: Its id, whatever its address in the network.
        lights: Its lamps by number, as a bridge describes them.
        groups: Its rooms and zones by number.
        sensors: Its sensors by number; only those that programs create.
        users: The keys that it knows.
        button: Whether its button is pressed.
        commands: (time in seconds, path, body) of each change to lamps that it received.
        port: Where it listens, once started.

    Example:
        >>> bridge = PracticeBridge().start()
        >>> bridge.lights["1"]["name"], bridge.url.startswith("http://127.0.0.1:")
        ('Sofa', True)
        >>> bridge.stop()
    """

    name = "Practice"
    handler = Handler

    def __init__(self):
        self.id = f"001788FFFE{secrets.token_hex(3).upper()}"
        self.lights, self.groups = lamps(), copy.deepcopy(GROUPS)
        self.sensors: dict[str, dict] = {}
        self.users: set[str] = set()
        self.button = False
        self.commands: list[tuple[float, str, dict]] = []
        self.port = 0
        self._server: ThreadingHTTPServer | None = None
        self._open: set[socket.socket] = set()
        self._derived = _belonging(self.lights)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> PracticeBridge:
        """Listens, at the same port as before, and returns itself."""
        self._server = self.listen()
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def listen(self) -> ThreadingHTTPServer:
        """Returns the server; whoever speaks HTTPS wraps its socket."""
        handler = type("Handler", (self.handler,), {"owner": self})
        server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        server.daemon_threads = False
        server.handle_error = lambda *_: None
        return server

    def stop(self) -> None:
        """Stops: its port refuses connections, and open ones are cut."""
        if self._server is None:
            return
        self._server.shutdown()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()
        self._server = None

    def respond(self, mode: str, path: str, text: bytes) -> tuple[int, str, bytes] | None:
        """Returns status, content type and body of the response to a request; None for no response."""
        try:
            body = json.loads(text) if text else None
        except ValueError:
            answer = [failed(2, path, "body contains invalid JSON")]
        else:
            if mode == "PUT" and "/sensors/" not in path:
                self.commands.append((time.monotonic(), path, body))
            answer = self.answer(mode, path, body)
        return 200, "application/json", json.dumps(answer).encode()

    def answer(self, mode: str, path: str, body: Any) -> Any:
        """Returns the answer of a bridge."""
        words = path.strip("/").split("/")
        about = {"name": self.name, "bridgeid": self.id, "modelid": "BSB002", "UTC": self.clock()}
        if words == ["api"] and mode == "POST":
            return self._new_user(body)
        if len(words) < 2 or words[0] != "api":
            return [failed(4, path, f"method, {mode}, not available for resource, {path}")]
        if words[2:] == ["config"]:
            return about
        if words[1] not in self.users:
            return [failed(1, "/" + "/".join(words[2:]), "unauthorized user")]
        return self._resource(mode, words[2:], body)

    @staticmethod
    def clock() -> str:
        """Returns the time of its clock, in UTC."""
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())

    def _new_user(self, body: Any) -> list:
        if not isinstance(body, dict) or not 1 <= len(str(body.get("devicetype", ""))) <= 40:
            return [failed(5, "/", "invalid/missing parameters in body")]
        if not self.button:
            return [failed(101, "", "link button not pressed")]
        key = secrets.token_hex(20)
        self.users.add(key)
        return [{"success": {"username": key}}]

    def _resource(self, mode: str, words: list[str], body: Any) -> Any:
        kinds = {"lights": self.lights, "groups": self.groups, "sensors": self.sensors}
        address = "/" + "/".join(words)
        if words == ["sensors"] and mode == "POST":
            return self._new_sensor(body)
        if not words or words[0] not in kinds or (len(words) > 1 and words[1] not in kinds[words[0]]):
            return [failed(3, address, f"resource, {address}, not available")]
        if mode == "GET":
            return kinds[words[0]] if len(words) == 1 else kinds[words[0]][words[1]]
        if mode == "PUT" and words[0] == "lights" and words[2:] == ["state"]:
            return self._change(self.lights[words[1]]["state"], body, address)
        if mode == "PUT" and words[0] == "groups" and words[2:] == ["action"]:
            return self._change_group(self.groups[words[1]]["lights"], body, address)
        if mode == "PUT" and words[0] == "sensors" and words[2:] == ["state"]:
            return self._change_sensor(self.sensors[words[1]]["state"], body, address)
        if mode == "DELETE" and words[0] == "sensors" and len(words) == 2:
            del self.sensors[words[1]]
            return [{"success": f"{address} deleted"}]
        return [failed(4, address, f"method, {mode}, not available for resource, {address}")]

    def _new_sensor(self, body: Any) -> list:
        """Creates a sensor with the first free number."""
        lengths = {"name": 1, "modelid": 6, "swversion": 1, "type": 1, "uniqueid": 6, "manufacturername": 6}
        whole = isinstance(body, dict) and set(body) == set(lengths)
        if not whole or not all(least <= len(body[name]) <= 32 for name, least in lengths.items()):
            return [failed(5, "/sensors", "invalid/missing parameters in body")]
        number = next(str(n) for n in range(1, 300) if str(n) not in self.sensors)
        self.sensors[number] = {**body, "state": {"status": 0, "lastupdated": "none"}, "config": {"on": True}}
        return [{"success": {"id": number}}]

    def _change_sensor(self, state: dict, body: Any, address: str) -> list:
        if not isinstance(body, dict) or set(body) != {"status"} or type(body["status"]) is not int:
            return [failed(7, address, f"invalid value, {body}, for parameter, status")]
        state.update(body, lastupdated=self.clock())
        return [{"success": {f"{address}/status": body["status"]}}]

    def _change(self, state: dict, body: Any, address: str) -> list:
        """Changes a lamp by the valid values, and returns an answer for each value."""
        answers, good = _checked(body, address, {*state, "transitiontime"}, state["on"])
        self._apply(state, good)
        return answers

    def _change_group(self, numbers: list[str], body: Any, address: str) -> list:
        """Changes the lamps of a group that are on, as far as each can, and answers for the whole group."""
        answers, good = _checked(body, address, set(CHECKS))
        for state in (self.lights[number]["state"] for number in numbers):
            if state["on"] or good.get("on"):
                self._apply(state, {name: value for name, value in good.items() if name in state})
        return answers

    def _apply(self, state: dict, good: dict) -> None:
        """Sets the values; one colour mode wins, and the others' values follow, always in the same way."""
        mode = next((mode for mode, names in MODES.items() if set(names) & set(good)), None)
        others = [name for other, names in MODES.items() if mode and other != mode for name in names]
        before = dict(state)
        state.update({name: value for name, value in good.items() if name not in others})
        if mode is None:
            return
        state["colormode"] = mode
        for name in others:
            if name in state and state != before:
                state[name] = self._derived.get((mode, _colour(state, mode)), {}).get(name, FAR[name])


def _checked(body: Any, address: str, names: set[str], on: bool = True) -> tuple[list, dict]:
    """Returns an answer for each value of a command, and the valid values.

    Args:
        body: The command.
        address: The lamp or group it is for.
        names: The values that it accepts.
        on: Whether the lamp is on; if off, it can only be switched on.
    """
    if not isinstance(body, dict) or not body:
        return [failed(5, address, "invalid/missing parameters in body")], {}
    answers, good = [], {}
    for name, value in body.items():
        place = f"{address}/{name}"
        if name not in CHECKS or name not in names:
            answers.append(failed(6, place, f"parameter, {name}, not available"))
        elif not CHECKS[name](value):
            answers.append(failed(7, place, f"invalid value, {value}, for parameter, {name}"))
        elif not on and not body.get("on") and name != "transitiontime":
            off = f"parameter, {name}, is not modifiable. Device is set to off."
            answers.append(failed(201, place, off))
        else:
            answers.append({"success": {place: value}})
            good[name] = value
    good.pop("transitiontime", None)
    return answers, good


def failed(kind: int, address: str, description: str) -> dict:
    """Returns an error as a bridge reports it."""
    return {"error": {"type": kind, "address": address, "description": description}}


def _belonging(lights: Mapping[str, dict]) -> dict[tuple[str, str], dict]:
    """Returns, by colour, what lamps report for the other modes in their initial states."""
    states = [dict(entry["state"]) for entry in lights.values() if "colormode" in entry["state"]]
    return {(state["colormode"], _colour(state, state["colormode"])): state for state in states}


def _colour(state: Mapping[str, Any], mode: str) -> str:
    return json.dumps([state.get(name) for name in MODES[mode]])
