"""Requests to the bridge: over HTTP and HTTPS with its own certificate, on time, with readable errors."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import socket
import threading
import time

import pytest
from damage import RAW
from parts import PATIENCE
from strictbridge import KEY, StrictBridge, lamps, make_certificate

from expression.errors import BadInputError
from expression.lights.bridge import Bridge
from expression.lights.credentials import Paired, split
from expression.lights.transport import TIMEOUT, BridgeError, RefusedError, Transport


@pytest.fixture
def secure(tmp_path):
    """A strict bridge that answers over HTTPS only."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make a certificate")
    started = StrictBridge(make_certificate(tmp_path, "001788fffe000001")).start()
    yield started
    started.stop()


def opened(bridge, key=KEY, certificate="", timeout=None) -> Bridge:
    made = Bridge(Paired(bridge.url, key, certificate))
    made.transport.timeout = timeout or made.transport.timeout
    return made


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"bri": 255}, r"error 7: invalid value, 255, for parameter, bri\. .* Wait a moment"),
        ({"bri": True}, r"error 7: invalid value, True"),
        ({"xy": [0.3, 1.2]}, r"error 7: invalid value, \[0\.3, 1\.2\], for parameter, xy"),
        ({"colour": "red"}, r"error 6: parameter, colour, not available"),
        ({}, r"error 5: invalid/missing parameters in body"),
    ],
)
@pytest.mark.parametrize("what", ["light", "group"])
def test_what_a_bridge_complains_of_is_raised_with_its_words(bridge, what, command, said):
    made = opened(bridge)
    with pytest.raises(BridgeError, match=said):
        (made.set_light if what == "light" else made.set_group)("1", command)
    made.close()
    assert bridge.lights == lamps()


def test_a_group_takes_what_each_of_its_lamps_can(bridge):
    made = opened(bridge)
    made.set_group("2", {"xy": [0.3, 0.3], "bri": 9})
    made.close()
    states = {number: entry["state"] for number, entry in bridge.lights.items()}
    assert [states[n]["xy"] for n in "123"] == [[0.3, 0.3]] * 3
    assert states["4"] == lamps()["4"]["state"], "it is off"
    assert (states["6"]["bri"], "xy" in states["6"]) == (9, False)


def test_a_lamp_that_is_off_or_gone_is_told_by_its_kind(bridge):
    made = opened(bridge)
    for number, kind in (("4", 201), ("99", 3)):
        with pytest.raises(BridgeError) as error:
            made.set_light(number, {"bri": 9})
        assert error.value.kind == kind
    made.close()


def test_a_wrong_key_is_refused_without_being_shown_or_logged(bridge, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    for key in ("wrong-key", KEY):
        made = opened(bridge, key)
        with contextlib.suppress(RefusedError):
            made.lights()
        made.close()
    made = opened(bridge, "wrong-key")
    with pytest.raises(RefusedError, match=r"does not recognise the key\. Expected the key that it issued"):
        made.lights()
    made.close()
    seen = caplog.text + "".join(capfd.readouterr())
    assert "wrong-key" not in seen
    assert KEY not in seen
    assert KEY not in repr(Paired("http://x", KEY))


@pytest.mark.parametrize(
    ("day", "why"), [("html", "its answer is not JSON"), ("500", "HTTP 500"), ("302", "HTTP 302")]
)
def test_what_is_no_bridge_is_told(bridge, day, why):
    bridge.day = day
    made = opened(bridge)
    said = rf"did not answer like a Hue bridge \({why}\)\. Expected a Hue bridge at that address\. Compare"
    with pytest.raises(BridgeError, match=said):
        made.lights()
    made.close()


def test_what_speaks_no_https_is_told_without_jargon(bridge):
    with pytest.raises(BridgeError, match=r"does not use HTTPS as a bridge does \(wrong version number\)"):
        Transport(f"https://{bridge.place}").call("GET", "/api/config")


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("", r"does not recognise the key\. .*paired\. Run: expression lights pair http://127"),
        ("wrong-key", r"the key in EXPRESSION_LIGHTS_KEY\. .* Correct it, or unset it and run: "),
    ],
)
def test_where_a_wrong_key_comes_from_is_told(bridge, variable, said, monkeypatch):
    monkeypatch.setenv("EXPRESSION_LIGHTS_KEY", variable)
    made = Bridge(Paired(bridge.url, "wrong-key"))
    with pytest.raises(RefusedError, match=said) as error:
        made.lights()
    assert "wrong-key" not in str(error.value)
    made.close()


def test_a_bridge_that_hangs_is_given_up_in_time(bridge):
    bridge.day = "hang"
    made = opened(bridge, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(BridgeError, match=r"did not answer within 0\.3 s\. .*expression lights pair"):
        made.lights()
    assert 0.25 < time.monotonic() - began < TIMEOUT
    bridge.day = "good"
    assert made.lights()["1"]["name"] == "Sofa"
    made.close()


def test_a_bridge_that_is_away_is_told_and_works_when_it_is_back(bridge):
    made = opened(bridge)
    made.lights()
    bridge.stop()
    with pytest.raises(BridgeError, match=r"Nothing is listening at http://127\.0\.0\.1:\d+\. "):
        made.lights()
    bridge.start()
    assert len(made.lights()) == 7
    made.close()


def test_a_connection_that_went_stale_is_made_again_unseen(bridge):
    made = opened(bridge)
    made.lights()
    bridge.stop()
    bridge.start()
    assert len(made.lights()) == 7
    made.close()


def test_a_name_that_nobody_has_is_told():
    made = Bridge(Paired("http://no-such-bridge.invalid", KEY))
    with pytest.raises(BridgeError, match=r"no-such-bridge\.invalid was not found on this network"):
        made.lights()


def test_a_bridge_over_https_is_trusted_by_its_certificate_only(secure, tmp_path):
    first = Transport(secure.url)
    first.call("GET", "/api/config")
    first.close()
    made = opened(secure, certificate=first.certificate)
    assert len(made.lights()) == 7
    made.set_light("1", {"xy": [0.3, 0.3], "bri": 9})
    assert secure.lights["1"]["state"]["bri"] == 9
    made.close()
    secure.stop()
    secure.certificate = make_certificate(tmp_path, "somebody-else")
    secure.start()
    count = len(secure.commands)
    with pytest.raises(
        RefusedError, match=r"The certificate of the device .* nothing was sent\. If the bridge"
    ):
        made.set_light("1", {"bri": 10})
    assert len(secure.commands) == count
    made.close()


def test_a_bridge_over_https_that_hangs_is_given_up_in_time(secure):
    secure.day = "hang"
    made = opened(secure, timeout=0.3)
    with pytest.raises(BridgeError, match=r"did not answer within 0\.3 s"):
        made.lights()
    made.close()


def test_plain_http_to_a_bridge_that_answers_only_over_https_is_told(secure):
    made = Bridge(Paired(f"http://{secure.place}", KEY))
    with pytest.raises(BridgeError, match=r"cannot be reached"):
        made.lights()
    made.close()


def test_a_port_that_takes_a_connection_and_says_nothing_is_given_up_over_https_too():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = Transport(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        with pytest.raises(BridgeError, match=r"did not answer within 0\.3 s"):
            transport.call("GET", "/api/config")
        transport.close()


def test_a_bridge_that_lists_only_names_is_asked_for_each_lamp(simulator):
    made = Bridge(Paired(simulator.url, "newdeveloper"))
    assert made.lights() == simulator.state()["lights"]
    assert json.dumps(made.groups()["1"]["lights"]) == '["1", "2"]'
    made.close()


@pytest.mark.parametrize(
    "text", ["", "a b", "ftp://x", "http://", "x:0", "x:99999", "x/path", "me:key@x", "http://x:y"]
)
def test_what_is_no_address_is_told(text):
    with pytest.raises(
        BadInputError, match=r"is not the address of a bridge\. Expected an address such as 192\.168"
    ):
        split(text)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="without a length"),
        pytest.param(b"Content-Length: 5000000000\r\n", id="five gigabytes"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", id="in chunks"),
    ],
)
def test_an_answer_of_gigabytes_is_read_up_to_a_limit(head):
    piece = b"[" + b"1," * 32_000
    piece = b"%x\r\n%s\r\n" % (len(piece), piece) if b"chunked" in head else piece
    sent = []

    def flood(server):
        there, _ = server.accept()
        with there, contextlib.suppress(OSError):
            there.recv(9999)
            there.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
            while len(sent) < 50_000:
                there.sendall(piece)
                sent.append(len(piece))

    with socket.create_server(("127.0.0.1", 0)) as server:
        helper = threading.Thread(target=flood, args=(server,))
        helper.start()
        transport = Transport(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=30)
        with pytest.raises(BridgeError, match=r"like a Hue bridge \(more than 4 MB\)\. Expected a Hue"):
            transport.call("GET", "/api/config")
        helper.join(PATIENCE)
    assert sum(sent) < 40_000_000, "what was not read lies in the buffers of the system"


@pytest.mark.parametrize(
    "body", [raw for raw in RAW if raw not in (b"{}",)], ids=lambda raw: raw[:9].decode("latin-1")
)
@pytest.mark.parametrize("ask", ["lights", "groups"])
def test_lists_of_another_shape_than_documented_are_told(bridge, ask, body, monkeypatch):
    monkeypatch.setattr(bridge, "respond", lambda *_: (200, "application/json", body))
    made = opened(bridge)
    with pytest.raises(BridgeError):
        getattr(made, ask)()
    made.close()


def test_a_bridge_that_says_nothing_has_no_lamps(bridge):
    bridge.lights, bridge.groups = {}, {}
    made = opened(bridge)
    assert (made.lights(), made.groups()) == ({}, {})
    made.close()


def test_the_words_of_a_bridge_cannot_write_into_the_terminal(bridge, monkeypatch):
    words = "\x1b[2J" + "x" * 10_000 + KEY
    answer = json.dumps([{"error": {"type": 901, "description": words}}]).encode()
    monkeypatch.setattr(bridge, "respond", lambda *_: (200, "application/json", answer))
    made = opened(bridge)
    with pytest.raises(BridgeError) as error:
        made.lights()
    assert r"answered with error 901: \x1b[2Jxxx" in str(error.value)
    assert len(str(error.value)) < 400
    assert KEY[:20] not in str(error.value)
    made.close()
