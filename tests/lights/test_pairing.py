"""Pairing: step by step, with the button and without, over HTTP and HTTPS; and the key file."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import sys
import threading

import pytest
from parts import PATIENCE, expression_process
from strictbridge import KEY, StrictBridge, make_certificate

from expression.errors import BadInputError, MissingPackageError, OutputError
from expression.lights import discovery, pairing
from expression.lights.bridge import Bridge
from expression.lights.credentials import Paired, find, path, read, remember
from expression.lights.pairing import ButtonError, pair
from expression.lights.settings import LightSettings
from expression.lights.snapshot import before_path
from expression.lights.transport import BridgeError

posix = pytest.mark.skipif(os.name != "posix", reason="needs the modes of POSIX")


@pytest.fixture
def unpaired():
    started = StrictBridge().start()
    yield started
    started.stop()


def paired_with(address, press=None, seconds=5, at=3):
    """Pairs; the button is pressed when `at` seconds are left. Returns the pairing, lines and counts."""
    told, counted = [], []

    def count(left):
        counted.append(left)
        if left == at and press:
            press()

    kept = pair(address, seconds, told.append, count, lambda seconds: None)
    return kept, told, counted


def test_pairing_is_told_step_by_step_and_ends_with_the_button(unpaired):
    kept, told, counted = paired_with(unpaired.place, lambda: setattr(unpaired, "button", True))
    assert counted == [5, 4, 3]
    assert told == [
        f"Found a bridge at {unpaired.url} (plain HTTP).",
        "Press the button on the bridge within 5 s.",
        f"Paired with Strict. Its key is saved in {path()}, which only you can read.",
    ]
    assert kept == find() == Paired(unpaired.url, (unpaired.users - {KEY}).pop(), "", "Strict", unpaired.id)
    assert not any(kept.key in line for line in told)


def test_pairing_with_an_emulated_bridge(simulator):
    place = simulator.url.removeprefix("http://")
    with pytest.raises(ButtonError, match="was not pressed within 2 s"):
        paired_with(place, seconds=2)
    kept, told, _ = paired_with(place, simulator.press)
    assert told[0].endswith("(plain HTTP).")
    bridge = Bridge(kept)
    assert len(bridge.lights()) == 2
    bridge.close()


def test_a_button_that_is_not_pressed_is_told_and_nothing_is_kept(unpaired):
    with pytest.raises(
        ButtonError, match=r"not pressed within 5 s\. Expected one press .* Run the command again"
    ) as error:
        paired_with(unpaired.place)
    assert error.value.exit_code == 1
    assert not path().exists()


def test_a_button_that_was_pressed_before_is_enough(unpaired):
    unpaired.button = True
    _, told, counted = paired_with(unpaired.url)
    assert counted == []
    assert len(told) == 2


def test_a_bridge_that_misses_a_second_is_asked_again(unpaired):
    def stumble(left):
        unpaired.day = "500" if left == 4 else "good"
        unpaired.button = left == 2

    kept = pair(unpaired.place, 5, lambda line: None, stumble, lambda seconds: None)
    assert kept.key


def test_over_https_the_certificate_is_kept_and_no_other_taken(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make a certificate")
    secure = StrictBridge(make_certificate(tmp_path, "bridge")).start()
    try:
        secure.button = True
        kept, told, _ = paired_with(secure.place)
        assert told[0].endswith("(HTTPS; its certificate is saved, and no other is accepted).")
        assert (kept.url, len(kept.certificate)) == (secure.url, 64)
        assert find(secure.place) == find(secure.url) == kept
        secure.stop()
        secure.certificate = make_certificate(tmp_path, "other")
        secure.start()
        bridge = Bridge(find())
        with pytest.raises(BadInputError, match="is not that of the bridge that was paired"):
            bridge.lights()
    finally:
        secure.stop()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "127.0.0.1:9",
            r"Nothing is listening at http://127\.0\.0\.1:9\. Expected a Hue bridge that is switched on",
        ),
        (
            "no-such-bridge.invalid",
            r"no-such-bridge\.invalid was not found .* Check the name, or search",
        ),
        ("no such", r"'no such' is not the address of a bridge\. .*expression lights pair"),
    ],
)
def test_a_wrong_address_is_told(address, said):
    with pytest.raises((BridgeError, BadInputError), match=said):
        paired_with(address)


def test_a_web_page_is_no_bridge(unpaired):
    unpaired.day = "html"
    with pytest.raises(BridgeError, match="did not answer like a Hue bridge"):
        paired_with(unpaired.url)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            [],
            r"No bridge was found .* Look up its address in the Hue app, and run: .* lights pair ADDR",
        ),
        (
            ["10.0.0.2", "10.0.0.3"],
            r"2 bridges were found: 10\.0\.0\.2, 10\.0\.0\.3\. .* pair 10\.0\.0\.2",
        ),
    ],
)
def test_without_an_address_one_bridge_is_looked_for(found, said, monkeypatch):
    monkeypatch.setattr(pairing, "find_bridges", lambda: found)
    with pytest.raises(BadInputError, match=said):
        paired_with("")


def test_the_bridge_that_was_found_is_paired_with(unpaired, monkeypatch):
    unpaired.button = True
    monkeypatch.setattr(pairing, "find_bridges", lambda: [unpaired.place])
    assert paired_with("")[1][0] == "Looking for a bridge on this network ..."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "answer", "found"),
    [
        ("MDNS", b"\0\0\x84\0\0\0\0\1\4_hue\4_tcp\5local\0", ["127.0.0.1"]),
        ("SSDP", b"HTTP/1.1 200 OK\r\nhue-bridgeid: 001788FFFE000001\r\n\r\n", ["127.0.0.1"]),
        ("SSDP", b"HTTP/1.1 200 OK\r\nSERVER: a television\r\n\r\n", []),
    ],
    ids=["mDNS", "SSDP", "something else"],
)
def test_bridges_that_answer_in_the_network_are_found(name, answer, found, monkeypatch):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
            each.settimeout(5)
        monkeypatch.setattr(discovery, name, one.getsockname())
        monkeypatch.setattr(discovery, "SSDP" if name == "MDNS" else "MDNS", other.getsockname())

        def respond():
            question, asker = one.recvfrom(999)
            assert b"_hue" in question or b"M-SEARCH" in question
            one.sendto(answer, asker)

        helper = threading.Thread(target=respond)
        helper.start()
        assert discovery.find_bridges(0.5) == found
        helper.join()


@posix
def test_the_file_of_the_keys_is_for_its_owner_alone(unpaired):
    before = os.umask(0)
    try:
        remember(Paired("http://a", "1"))
        remember(Paired("http://b", "2"))
        remember(Paired("https://a", "3", "f" * 64))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path().stat().st_mode) == 0o600
    assert stat.S_IMODE(path().parent.stat().st_mode) == 0o700
    assert [(one.url, one.key) for one in read()] == [("http://b", "2"), ("https://a", "3")]
    path().chmod(0o644)
    with pytest.raises(BadInputError, match=r"can be read by other users \(mode 644\)\. .* Run: chmod 600 /"):
        find()


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '{"a": 1}', '[{"x": 1}]', "\0", '[{"url": 5}]', '[{"url": "http://a", "key": "a secret"}]'],
)
def test_a_damaged_file_of_keys_is_told(text):
    remember(Paired("http://a", "1"))
    path().write_text(text, "utf-8")
    said = r"bridges\.json is damaged\b.*\. .* Remove it, and run: expression lights pair"
    with pytest.raises(BadInputError, match=said) as error:
        find()
    assert "secret" not in str(error.value)


@posix
def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="cannot be written"):
        remember(Paired("http://a", "1"))


def test_a_folder_of_the_environment_holds_keys_and_how_lamps_were(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPRESSION_LIGHTS_FOLDER", str(tmp_path / "mine"))
    assert remember(Paired("http://a", "1")) == path() == tmp_path / "mine" / "bridges.json"
    assert before_path() == tmp_path / "mine" / "lights.json"
    assert LightSettings.load() == LightSettings()


def test_a_key_of_the_environment_comes_first_and_needs_an_address():
    environ = {"EXPRESSION_LIGHTS_KEY": " secret \n"}
    assert find("10.0.0.2", environ) == Paired("http://10.0.0.2", "secret")
    with pytest.raises(BadInputError, match="with the bridge's certificate beside it"):
        find("https://10.0.0.2", environ)
    with pytest.raises(BadInputError, match=r"No bridge has been paired\. "):
        find("", environ)
    remember(Paired("https://10.0.0.2", "old", "f" * 64))
    assert find("", environ) == Paired("https://10.0.0.2", "secret", "f" * 64)


@pytest.mark.parametrize("key", ["a secret", "secrät", "sec\tret"])
def test_a_variable_that_holds_no_key_is_told_without_it(key):
    remember(Paired("http://127.0.0.1:9", "1"))
    said = r"EXPRESSION_LIGHTS_KEY is not a valid bridge key\. .* Copy it again"
    with pytest.raises(BadInputError, match=said) as error:
        find("", {"EXPRESSION_LIGHTS_KEY": key})
    assert "sec" not in str(error.value)


@pytest.mark.parametrize("environ", [{}, {"EXPRESSION_LIGHTS_KEY": "1"}])
def test_what_is_no_address_is_told_before_a_key_is_looked_for(environ):
    with pytest.raises(BadInputError, match=r"^'a b' is not the address of a bridge\. "):
        find("a b", environ)


def test_a_bridge_that_moved_is_paired_anew_in_place_of_itself(unpaired):
    unpaired.button = True
    first, _, _ = paired_with(unpaired.place)
    unpaired.stop()
    unpaired.port = 0
    unpaired.start()
    second, _, _ = paired_with(unpaired.place)
    assert first.url != second.url
    assert read() == [second]
    assert find(unpaired.id) == find(unpaired.id.lower()) == find(second.place) == second
    with pytest.raises(BadInputError, match=r"No bridge has been paired at 001788FFFE\w+\. .*lights pair$"):
        find(unpaired.id[:-6] + "000000", {"EXPRESSION_LIGHTS_KEY": "secret"})


def test_files_without_ids_are_still_read():
    remember(Paired("http://a", "1"))
    entries = json.loads(path().read_text("utf-8"))
    del entries[0]["id"]
    path().write_text(json.dumps(entries), "utf-8")
    assert find() == Paired("http://a", "1")
    remember(Paired("https://a", "2", "f" * 64, id="001788FFFE000001"))
    assert [one.key for one in read()] == ["2"]


def test_what_was_asked_for_over_http_is_found_over_https_and_never_the_reverse():
    remember(Paired("https://a", "2", "f" * 64))
    assert find("http://a").url == "https://a"
    remember(Paired("http://a", "3"))
    with pytest.raises(BadInputError, match=r"No bridge has been paired at https://a\. "):
        find("https://a")


@pytest.mark.parametrize(
    ("asked", "named", "chosen", "key"),
    [
        pytest.param("a", True, "", "env", id="named by bridge="),
        pytest.param("a", False, "", "own", id="by what was kept"),
        pytest.param("", True, "", "own", id="not named"),
        pytest.param("", True, "b", "env", id="named by the variable, and paired last"),
        pytest.param("a", True, "b", "own", id="the variable names another one"),
        pytest.param("a", False, "a", "env", id="named by the variable"),
    ],
)
def test_with_two_bridges_the_key_of_the_environment_goes_only_to_the_one_that_is_named(
    asked, named, chosen, key
):
    remember(Paired("http://a", "own"))
    remember(Paired("http://b", "own"))
    environ = {"EXPRESSION_LIGHTS_KEY": "env", "EXPRESSION_LIGHTS_BRIDGE": chosen}
    assert find(asked, environ, named).key == key


@posix
@pytest.mark.parametrize("why", ["others may read it", "damaged", "no folder"])
def test_keys_that_could_not_be_kept_are_told_before_the_button_is_asked_for(
    unpaired, why, tmp_path, monkeypatch
):
    unpaired.button = True
    remember(Paired("http://a", "1"))
    if why == "others may read it":
        path().chmod(0o644)
    elif why == "damaged":
        path().write_text("[", "utf-8")
    else:
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises((BadInputError, OutputError), match=r"mode 644|is damaged|cannot be written"):
        paired_with(unpaired.place)
    assert not unpaired.asked.is_set()
    assert unpaired.users == {KEY}


def test_a_missing_package_is_told_before_the_button_is_asked_for(unpaired, monkeypatch):
    monkeypatch.setitem(sys.modules, "phue", None)
    with pytest.raises(MissingPackageError, match=r'needs the package phue.*pip install -e "\.\[lights\]"'):
        paired_with(unpaired.place)
    assert not unpaired.asked.is_set()


@pytest.mark.slow
def test_the_command_counts_and_ends_in_one_line(unpaired):
    process = expression_process("lights", "pair", unpaired.place, "--wait", "1")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "Press the button on the bridge within 1 s." in out
    assert err.startswith("The button on the bridge at http://127.0.0.1:")
    assert err.count("\n") == 1
    unpaired.button = True
    process = expression_process("lights", "pair", unpaired.place)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert "Next: expression lights list" in out
    assert json.loads(path().read_text("utf-8"))[0]["key"] not in out
