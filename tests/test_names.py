"""Names of lamps, bridges, cameras, files and labels that would obey a terminal or lie to its reader."""

from __future__ import annotations

import json
import logging

import cv2
import numpy as np
import pytest

from expression.checks import guard, report
from expression.cli import app, check
from expression.files import write_text
from expression.lights.credentials import read as read_keys
from expression.lights.snapshot import before_path, read_before
from expression.sources import camera

EVIL = "a\x1b[2J\x1b]0;title\x07\r\n\u202e\x9b5mb\udcff"
SHOWN = r"a\x1b[2J\x1b]0;title\x07\r\n\u202e\x9b5mb"


def run(capfd, *words: str) -> tuple[int, str]:
    """Runs a command; what it says has no character that a terminal obeys, but for line ends."""
    code = app.main(list(words))
    said = capfd.readouterr()
    assert all(line.isprintable() for line in (said.out + said.err).split("\n")), said
    return code, said.out + said.err


@pytest.fixture
def evil_bridge(bridge):
    name = EVIL.removesuffix("\udcff")
    for lamp in bridge.lights.values():
        lamp["name"] = f"{lamp['name']} {name}"
    for group in bridge.groups.values():
        group["name"] = f"{group['name']} {name}"
    return bridge


def test_lamps_and_rooms_with_escape_codes_in_their_names_are_listed(evil_bridge, capfd):
    code, said = run(capfd, "lights", "list")
    assert code == 0
    assert f"Sofa {SHOWN}" in said
    assert f"room Living room {SHOWN}" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--seconds", "0"), 0),
        (("--lights", f"Sofa {SHOWN}", "--seconds", "0"), 0),
        (("--lights", "Nothing", "--seconds", "0"), 2),
        (("--group", "Nothing", "--seconds", "0"), 2),
    ],
    ids=["all", "as it is shown", "no such lamp", "no such room"],
)
def test_lamps_with_escape_codes_in_their_names_follow(evil_bridge, capfd, words, code):
    found, said = run(capfd, "lights", "test", *words)
    assert found == code
    assert SHOWN in said


def test_how_a_lamp_with_escape_codes_was_is_kept_and_put_back(evil_bridge, capfd):
    kept = {evil_bridge.url: {"1": {"name": EVIL[:-1], "time": "", "state": {"bri": 5, "xy": [0.3, 0.3]}}}}
    before_path().parent.mkdir(parents=True)
    write_text(before_path(), json.dumps(kept))
    assert read_before(before_path())[evil_bridge.url]["1"]["name"] == SHOWN
    assert run(capfd, "lights", "restore")[0] == 0


def test_a_bridge_with_escape_codes_in_its_name_is_paired(bridge, capfd):
    bridge.name, bridge.button = EVIL[:-1], True
    code, said = run(capfd, "lights", "pair", bridge.place)
    assert code == 0
    assert f"Paired with {SHOWN}. Its key is saved in" in said
    assert read_keys()[-1].name == SHOWN
    assert SHOWN in run(capfd, "check")[1].replace("\n", " ")


def test_a_camera_with_escape_codes_in_its_name_is_checked(monkeypatch, capfd):
    monkeypatch.setattr(camera, "cameras", lambda: [camera.Camera(0, EVIL), camera.Camera(1, "b" * 5000)])
    assert SHOWN[:10] in report(guard("Camera", lambda: check._cameras(None)))
    run(capfd, "check")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a\x1b[2J\x07\r", "\u202egpj.a", "b\udce9\x9b", "new\nline"])
def test_files_with_escape_codes_in_their_names_are_named(tmp_path, monkeypatch, capfd, name):
    monkeypatch.chdir(tmp_path)
    picture = cv2.imencode(".png", np.full((60, 60, 3), 128, np.uint8))[1].tobytes()
    (tmp_path / "Images").mkdir()
    for folder in (tmp_path, tmp_path / "Images"):
        (folder / f"{name}.png").write_bytes(picture)
        (folder / f"{name}.csv").write_bytes(b"nonsense")
        (folder / f"{name}.mp4").write_bytes(b"")
    (tmp_path / "faceLabels.csv").write_text(
        f'"gone{name}.png","Evil\x1b[5m"\nface1.png,Happy\n', "utf-8", "replace"
    )
    for words in (
        ("dataset", "check"),
        ("dataset", "stats"),
        ("dataset", "import", f"{name}.png", "--unseen"),
        ("dataset", "import", f"{name}.csv", "--unseen"),
        ("evaluate", "--data", f"{name}.csv"),
        ("live", "--source", f"{name}.none", "--display", "none"),
        ("live", "--source", f"{name}.png", "--display", "none", "--sink", f"csvfile:{name}.csv"),
        ("live", "--source", f"{name}.png", "--display", "none", "--stats", f"{name}.png"),
        ("live", "--model", f"{name}.tflite"),
        ("export", "--model", f"{name}.keras", "--out", "b.tflite"),
        ("dataset", "wipe", "--yes"),
    ):
        code, said = run(capfd, *words)
        assert code in (0, 1, 2)
        assert "Traceback" not in said


def test_a_word_in_place_of_an_option_is_shown_without_its_escape_codes(capfd):
    for words in (
        ("live", "--\x1b[31m"),
        ("\x1b[31m",),
        ("live", "--detector", "\x1b[31m"),
        ("live", "--sink", "\x1b]0;a\x07"),
    ):
        code, said = run(capfd, *words)
        assert code == 2
        assert r"\x1b" in said


def test_a_thread_with_an_odd_name_is_reported_cleanly(caplog):
    logging.getLogger("expression").error("The %s thread failed: %s", EVIL, ValueError(EVIL))
    assert all(message.isprintable() for message in caplog.messages)
