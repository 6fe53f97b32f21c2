"""How one lamp of a bridge misbehaves: in what the bridge says of it, and in what it answers.

Modelled on the documented errors, and on what owners of lamps of all makes have reported.
Source: https://developers.meethue.com/develop/hue-api/error-messages/ and the issues named below.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from expression.teaching.simulated_bridge import WHITE, failed

JSON = "application/json"


def _state(**changes: Any) -> Callable[[dict], dict]:
    """What the bridge says of a state is changed; `...` takes a field away."""

    def say(entry: dict) -> dict:
        state = {**entry["state"], **changes}
        return {**entry, "state": {name: value for name, value in state.items() if value is not ...}}

    return say


def _entry(**changes: Any) -> Callable[[dict], Any]:
    return lambda entry: {name: v for name, v in {**entry, **changes}.items() if v is not ...}


SAYS: dict[str, Callable[[dict], Any]] = {
    "ct 0, of a Paulmann lamp (ioBroker.hue 234)": _state(ct=0),
    "ct null (home-assistant 44694)": _state(ct=None),
    "ct 0 in the mode ct": _state(ct=0, colormode="ct"),
    "ct 65535": _state(ct=65535),
    "ct in words": _state(ct="warm"),
    "no xy": _state(xy=...),
    "xy null": _state(xy=None),
    "xy of one value": _state(xy=[0.3]),
    "xy in words": _state(xy=["a", "b"]),
    "xy beyond 1": _state(xy=[1e300, -4]),
    "no bri": _state(bri=...),
    "bri null": _state(bri=None),
    "bri of a thousand digits": _state(bri=10**1000),
    "bri true": _state(bri=True),
    "hue -1": _state(hue=-1),
    "sat a list": _state(sat=[]),
    "colormode homeautomation": _state(colormode="homeautomation"),
    "colormode null": _state(colormode=None),
    "no colormode": _state(colormode=...),
    "colormode a list": _state(colormode=["xy"]),
    "effect null": _state(effect=None),
    "effect candle": _state(effect="candle"),
    "mode streaming": _state(mode="streaming"),
    "mode homeautomation": _state(mode="homeautomation"),
    "reachable false": _state(reachable=False),
    "reachable null": _state(reachable=None),
    "no on": _state(on=...),
    "on in words": _state(on="true"),
    "state null": _entry(state=None),
    "state a list": _entry(state=[1, 2]),
    "state in words": _entry(state="on"),
    "state empty": _entry(state={}),
    "no state": _entry(state=...),
    "state nested deep": _entry(state={"xy": [[[[[[[[]]]]]]]]}),
    "a plug": _entry(type="On/Off plug-in unit", state={"on": True, "alert": "select", "reachable": True}),
    "dimmable only": _state(**dict.fromkeys(WHITE, ...)),
    "colour temperature only": _state(xy=..., hue=..., sat=..., effect=..., colormode="ct"),
    "hue and saturation only": _state(xy=..., ct=..., colormode="hs"),
    "a motion sensor": _entry(type="ZLLPresence", state={"presence": True, "lastupdated": "none"}),
    "a type of its own": _entry(type=["Extended color light"]),
    "name null": _entry(name=None),
    "name a list": _entry(name=["Sofa"]),
    "a name with escape codes": _entry(name="\x1b[31mSofa\r\n"),
    "a name of a hundred thousand letters": _entry(name="S" * 100_000),
    "capabilities null": _entry(capabilities=None),
    "capabilities in words": _entry(capabilities="many"),
    "a gamut of two corners": _entry(capabilities={"control": {"colorgamut": [[0, 0], [1, 1]]}}),
    "a gamut in words": _entry(capabilities={"control": {"colorgamut": "C"}}),
    "a gamut of one point": _entry(capabilities={"control": {"colorgamut": [[0.3, 0.3]] * 3}}),
    "a gamut type of its own": _entry(capabilities={"control": {"colorgamuttype": ["other"]}}),
    "an entry that is null": lambda entry: None,
    "an entry that is a list": lambda entry: [entry],
    "an entry in words": lambda entry: "unavailable",
    "an entry with an error": lambda entry: failed(901, "/lights/1", "Internal error, 404")["error"],
    "a name only": lambda entry: {"name": entry["name"]},
}
"""What a bridge says of a lamp, given what is true."""


def _error(kind: int, words: str, *good: str) -> Callable[[str, dict], tuple[int, str, bytes]]:
    """Answers each value with an error, but for those that are good."""

    def answer(path: str, body: dict) -> tuple[int, str, bytes]:
        place = "/" + path.split("/", 3)[3]
        answers = [
            {"success": {f"{place}/{n}": v}} if n in good else failed(kind, f"{place}/{n}", words)
            for n, v in body.items()
        ]
        return 200, JSON, json.dumps(answers).encode()

    return answer


def _raw(status: int, kind: str, body: bytes) -> Callable[[str, dict], tuple[int, str, bytes]]:
    return lambda path, told: (status, kind, body)


ANSWERS: dict[str, Callable[[str, dict], tuple[int, str, bytes] | None]] = {
    "error 1": _error(1, "unauthorized user"),
    "error 3": _error(3, "resource, /lights/1/state, not available"),
    "error 4": _error(4, "method, PUT, not available for resource, /lights/1/state"),
    "error 6": _error(6, "parameter, xy, not available"),
    "error 7": _error(7, "invalid value, [0.1, 0.1], for parameter, xy"),
    "error 7 for bri alone": _error(7, "invalid value, 255, for parameter, bri", "xy", "transitiontime"),
    "error 8": _error(8, "parameter, xy, is not modifiable"),
    "error 201": _error(201, "parameter, xy, is not modifiable. Device is set to off."),
    "error 304": _error(304, "device is not reachable"),
    "error 307": _error(307, "device is not reachable"),
    "error 901 (home-assistant 51827)": _error(901, "Internal error, 404"),
    "an error without words": _raw(200, JSON, b'[{"error": {"type": 901}}]'),
    "an error that is null": _raw(200, JSON, b'[{"error": null}]'),
    "an error type in words": _raw(200, JSON, b'[{"error": {"type": "busy", "description": 5}}]'),
    "a page": _raw(200, "text/html", b"<html>Cannot PUT</html>"),
    "a page with status 500": _raw(500, "text/html", b"<html>TypeError</html>"),
    "nothing at all": _raw(200, JSON, b""),
    "an empty list": _raw(200, JSON, b"[]"),
    "an empty object": _raw(200, JSON, b"{}"),
    "a word": _raw(200, JSON, b'"ok"'),
    "null": _raw(200, JSON, b"null"),
    "a list of words": _raw(200, JSON, b'["success"]'),
    "NaN": _raw(200, JSON, b"[NaN]"),
    "a list that nests deep": _raw(200, JSON, b"[" * 50_000),
    "a number of ten thousand digits": _raw(200, JSON, b"1" * 10_000),
    "five megabytes": _raw(200, JSON, b"[" + b'"a",' * 1_250_000 + b'"a"]'),
    "the wrong encoding": _raw(200, JSON, b"\xff\xfe\x00\xd8"),
    "a connection that is cut": lambda path, told: None,
}
"""What a lamp answers to every command, without doing it."""
