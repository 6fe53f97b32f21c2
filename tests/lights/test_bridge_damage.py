"""Damaged answers from a bridge, and damaged files: all goes well, or there is a readable error."""

from __future__ import annotations

import contextlib
import http.client
import json
import random

import pytest
from damage import damaged
from readings import seen
from strictbridge import KEY, StrictBridge, lamps

from expression.cli.app import main
from expression.errors import ExpressionError
from expression.lights.credentials import Paired, path, remember
from expression.lights.pairing import pair
from expression.lights.snapshot import before_path
from expression.lights.transport import Transport
from expression.sinks.hue import Hue
from expression.types import Box, Reading

# Each seed asks a bridge some hundred times, and spoils every third answer.
RUNS = [
    pytest.param(range(8), id="quick"),
    pytest.param(range(8, 150), id="thorough", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
]


@pytest.fixture
def calm(monkeypatch):
    """No pauses, and a bridge in the same process: `calm(bridge, spoil)` lets its answers be spoiled."""
    monkeypatch.setattr("expression.lights.rate_limiter.SLACK", 0.0)
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def connect(bridge, spoil) -> None:
        def exchange(self, mode, path, data):
            text = json.dumps(data).encode() if data is not None else b""
            answer = spoil(bridge.respond(mode, path, text))
            if answer is None:
                raise http.client.RemoteDisconnected("gone")
            status, _, body = answer
            return status, body

        monkeypatch.setattr(Transport, "_exchange", exchange)

    return connect


def spoiler(dice: random.Random):
    """Spoils some answers: damaged JSON above all, now and then an error of HTTP or no answer."""

    def spoil(answer):
        status, kind, body = answer
        if dice.random() < 0.6:
            return answer
        if dice.random() < 0.1:
            return dice.choice((None, (500, "text/html", b"Sorry"), (429, "", b"")))
        return status, kind, damaged(json.loads(body), dice)

    return spoil


def use_a_sink(dice: random.Random) -> None:
    """A run that continues whatever fails, as `SinkLoop` allows."""
    sink = Hue(dwell=0.0, **dice.choice([{}, {"group": "Living room"}, {"lights": "Sofa+Desk"}]))
    try:
        sink.open()
        for _ in range(4):
            for call in (lambda: sink.send(a_reading(dice)), sink.empty, lambda: sink.controller.look()):
                try:
                    call()
                except ExpressionError:
                    continue
    finally:
        sink.close()


def a_reading(dice: random.Random) -> Reading:
    label = dice.choice(("Happy", "Sad", "Angry"))
    return Reading(1, Box(0, 0, 9, 9), label, 0.9, {label: 0.9})


@pytest.mark.slow
@pytest.mark.parametrize("seeds", RUNS)
def test_a_bridge_whose_answers_are_damaged_ends_nothing_in_a_traceback(seeds, calm, capsys, caplog):
    for seed in seeds:
        dice = random.Random(seed)
        bridge = StrictBridge()
        bridge.port, bridge.button = 9, True
        remember(Paired(bridge.url, KEY, name="Strict", id=bridge.id if dice.random() < 0.5 else ""))
        calm(bridge, spoiler(dice))
        for _ in range(2):
            with contextlib.suppress(ExpressionError):
                use_a_sink(dice)
            for words in (["list"], ["test", "--seconds", "0"], ["restore"], ["free"]):
                assert main(["lights", *words]) in (0, 1, 2), seed
            with contextlib.suppress(ExpressionError):
                pair(bridge.url, 2, lambda line: None, lambda left: None, lambda seconds: None)
        calm(bridge, lambda answer: answer)
        remember(Paired(bridge.url, KEY, id=bridge.id))
        bridge.sensors.clear()
        assert main(["lights", "restore", "--forget"]) == 0, seed
        before_path().unlink(missing_ok=True)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err + caplog.text, seed
        assert "\x1b" not in out + err + caplog.text, seed
        assert KEY not in out + err + caplog.text, seed
        caplog.clear()


@pytest.mark.slow
@pytest.mark.parametrize("seeds", RUNS)
def test_damaged_files_of_ours_end_nothing_in_a_traceback(seeds, calm, capsys):
    bridge = StrictBridge()
    bridge.port = 9
    calm(bridge, lambda answer: answer)
    remember(Paired(bridge.url, KEY, name="Strict", id=bridge.id))
    keys = json.loads(path().read_text("utf-8"))
    kept = {"name": "Sofa", "time": "2026-01-02 03:04", "url": bridge.url, "waits": False, "lacks": ""}
    record = {bridge.id: {n: {**kept, "state": lamps()[n]["state"]} for n in "123"}}
    before_path().parent.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        dice = random.Random(seed)
        spoils_keys = dice.random() < 0.3
        path().write_bytes(damaged(keys, dice) if spoils_keys else json.dumps(keys).encode())
        before_path().write_bytes(damaged(record, dice))
        for words in (["restore"], ["list"], ["test", "--seconds", "0"]):
            assert main(["lights", *words]) in (0, 1, 2), seed
        if not spoils_keys:
            assert main(["lights", "list"]) == 0, seed
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err, seed
        assert "\x1b" not in out + err, seed
        before_path().unlink(missing_ok=True)


def test_a_reading_is_shown_by_a_bridge_whose_answers_are_whole(calm, bridge):
    calm(bridge, lambda answer: answer)
    sink = Hue(dwell=0.0)
    sink.open()
    sink.send(seen(0, p1="Sad").items[0])
    assert bridge.lights["1"]["state"] != lamps()["1"]["state"]
    sink.close()
    assert bridge.lights == lamps()
