"""Brokers that refuse, forbid, forget or send nonsense, and the message for each."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import random
import re
import socket
import struct
import subprocess
import threading

import pytest
from broker import Broker, Listener
from parts import PATIENCE
from readings import reading

pytest.importorskip("paho.mqtt", reason="needs paho-mqtt (pip install -r requirements.txt)")

from expression.control import Control
from expression.errors import BadInputError, ExpressionError, RunError
from expression.sinks import _mqtt_client, mqtt
from expression.sinks._homeassistant import discovery, identity_of
from expression.sinks._mqtt_client import LARGEST, OLDER, REMEDIES, Terms, refused
from expression.sinks.mqtt import Mqtt

CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 0x10, 0x30, 0x82, 0xE0


def opened(port: int, **options) -> Mqtt:
    """A sink that is open, with its own switches."""
    sink = Mqtt("127.0.0.1", port, **options)
    sink.control = Control(("Happy", "Sad"))
    sink.open()
    return sink


def warned(caplog, count: int) -> list[str]:
    """Waits for the given number of warnings, and returns their texts."""

    def ours() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "expression"]

    for _ in range(400):
        if len(ours()) >= count:
            break
        threading.Event().wait(0.02)
    assert len(ours()) == count, caplog.messages
    return ours()


def say(port: int, topic: str, payload: bytes) -> None:
    """Publishes bytes, which need not be valid."""
    from paho.mqtt import publish

    publish.single(topic, payload, 1, hostname="127.0.0.1", port=port)


def acl(folder, *lines: str) -> str:
    (folder / "acl").write_text("\n".join(lines) + "\n")
    return f"acl_file {folder / 'acl'}"


def test_a_broker_that_forbids_discovery_is_reported_and_the_rest_works(tmp_path, caplog):
    with Broker(tmp_path, acl(tmp_path, "topic readwrite expression/#", "topic read #")) as broker:
        listener = Listener(broker.port)
        sink = opened(broker.port)
        (said,) = warned(caplog, 1)
        assert said == (
            f"The broker at 127.0.0.1:{broker.port} does not let the sink mqtt publish to homeassistant/# "
            "(Not authorized), so Home Assistant will not discover this run. "
            "Expected a user with that permission. "
            "Grant it in Mosquitto's acl_file: topic readwrite homeassistant/#"
        )
        sink.send(reading())
        listener.wait("expression/mood", "Happy")
        assert not [topic for topic, _, _ in listener.heard if topic.startswith("homeassistant/")]
        sink.close()
        listener.close()


def test_a_broker_that_forbids_the_topics_of_the_run_is_reported(tmp_path, caplog):
    with Broker(tmp_path, acl(tmp_path, "topic readwrite homeassistant/#")) as broker:
        sink = opened(broker.port, prefix="home/hall")
        (said,) = warned(caplog, 1)
        assert (
            "does not let the sink mqtt publish to home/hall/# (Not authorized), so its readings cannot"
            in said
        )
        assert said.endswith("acl_file: topic readwrite home/hall/#")
        sink.close()


@pytest.mark.slow
def test_a_broker_that_keeps_nothing_is_reported_and_told_all_when_home_assistant_starts(tmp_path, caplog):
    with Broker(tmp_path, "retain_available false") as broker:
        listener = Listener(broker.port)
        sink = opened(broker.port)
        (said,) = warned(caplog, 1)
        assert said.startswith(
            f"The broker at 127.0.0.1:{broker.port} does not retain messages. Expected it to"
        )
        sink.send(reading())
        listener.wait("expression/mood", "Happy")
        since = listener.now()
        listener.say("homeassistant/status", "online")
        for topic in (discovery("expression", ("Happy", "Sad"))[0], "expression/mood", "expression/status"):
            listener.wait(topic, since=since)
        sink.close()
        listener.wait("expression/status", "offline")
        listener.close()


@pytest.mark.slow
def test_a_broker_that_confirms_nothing_is_taken(tmp_path, caplog):
    with Broker(tmp_path, "max_qos 0") as broker:
        sink = opened(broker.port)
        sink.send(reading())
        sink.close()
    assert not caplog.messages


def test_a_broker_that_allows_everything_is_not_spoken_of(broker, caplog, monkeypatch):
    monkeypatch.setattr(mqtt, "CONNECT_SECONDS", PATIENCE)  # a busy machine takes its time
    for _ in range(3):
        sink = opened(broker.port)
        sink.send(reading())
        sink.close()
    assert not caplog.messages


# A broker in bytes, for what Mosquitto does not do.


def packet(command: int, content: bytes) -> bytes:
    length, out = len(content), bytearray([command])
    while True:
        length, byte = divmod(length, 128)
        out.append(byte | (128 if length else 0))
        if not length:
            return bytes(out) + content


class Scripted:
    """Listens on loopback and says `answer(command, content, version)` to each packet; None hangs up."""

    def __init__(self, answer):
        self._answer, self._server = answer, socket.create_server(("127.0.0.1", 0))
        self.port, self.versions = self._server.getsockname()[1], []
        self._threads = [threading.Thread(target=self._listen, name="scripted")]
        self._threads[0].start()

    def _listen(self):
        while True:
            try:
                one, _ = self._server.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(one,), name="scripted"))
            self._threads[-1].start()

    def _serve(self, one):
        version = 0
        with one, contextlib.suppress(OSError), one.makefile("rb") as file:
            while head := file.read(1):
                length = 0
                for shift in itertools.count(0, 7):
                    byte = file.read(1)[0]
                    length |= (byte & 127) << shift
                    if byte < 128:
                        break
                content = file.read(length)
                if head[0] == CONNECT:
                    version = content[6]
                    self.versions.append(version)
                said = self._answer(head[0], content, version)
                if said is None:
                    return
                one.sendall(said)

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(10)


def connack(version: int, code: int) -> bytes:
    return packet(0x20, bytes([0, code, 0] if version == 5 else [0, code]))


def suback(content: bytes, version: int, code: int) -> bytes:
    return packet(0x90, content[:2] + (b"\0" if version == 5 else b"") + bytes([code] * 3))


def kind(code: int = 0, heard: int = 1, then: bytes = b"", newest: int = 5):
    """Answers as a broker does; `code` to whoever connects, `heard` to whoever subscribes, and then more."""

    def answer(command, content, version):
        if command == CONNECT:
            if version > newest:
                return connack(4, 1)
            return connack(version, code)
        if command == SUBSCRIBE:
            return suback(content, version, heard) + then
        if command & 0xF0 == PUBLISH and command & 0x06:
            at = 2 + struct.unpack("!H", content[:2])[0]
            return packet(0x40, content[at : at + 2])
        return None if command == DISCONNECT else b""

    return answer


@contextlib.contextmanager
def scripted(answer):
    one = Scripted(answer)
    try:
        yield one
    finally:
        one.close()


def test_a_broker_that_knows_only_mqtt_3_1_1_is_taken():
    with scripted(kind(newest=4)) as broker:
        sink = opened(broker.port)
        assert broker.versions == [5, 4]
        sink.close()
        sink.open()
        assert broker.versions == [5, 4, 4]
        sink.close()


@pytest.mark.slow
def test_a_broker_that_hangs_up_on_mqtt_5_is_asked_by_mqtt_3_1_1():
    good = kind()
    with scripted(lambda *asked: None if asked[2] == 5 else good(*asked)) as broker:
        opened(broker.port).close()
        assert broker.versions == [5, 4]


def test_commands_that_the_broker_does_not_pass_on_are_reported(caplog):
    with scripted(kind(heard=0x87)) as broker:
        sink = opened(broker.port)
        first, second = warned(caplog, 2)
        assert (
            "does not let the sink mqtt subscribe to homeassistant/# (Not authorized), so this run will not"
            in first
        )
        assert first.endswith("acl_file: topic read homeassistant/#")
        assert "subscribe to expression/# (Not authorized), so its switches cannot be used." in second
        sink.close()


REFUSALS = [
    (0x86, False, BadInputError, "requires a user name", "Set EXPRESSION_MQTT_USER"),
    (0x86, True, BadInputError, "refuses the user name or password", "EXPRESSION_MQTT_PASSWORD."),
    (
        0x87,
        True,
        BadInputError,
        "refuses the user name or password",
        "allow this user to connect: the broker reported Not",
    ),
    (0x8A, True, RunError, "refused the connection (Banned)", "Lift the ban"),
    (0x89, True, RunError, "refused the connection (Server busy)", "Wait until it accepts more"),
    (0x97, True, RunError, "refused the connection (Quota exceeded)", "Wait until it accepts more"),
    (0x9F, True, RunError, "refused the connection (Connection rate exceeded)", "Wait until it accepts more"),
    (
        0x85,
        True,
        RunError,
        "refused the connection (Client identifier not valid)",
        "Configure the broker to accept",
    ),
    (
        0x8C,
        True,
        RunError,
        "refused the connection (Bad authentication method)",
        "accept a user name and a password",
    ),
    (
        0x9C,
        True,
        RunError,
        "refused the connection (Use another server)",
        "Use the broker that replaces it",
    ),
    (0x88, True, RunError, "refused the connection (Server unavailable)", "Check the port"),
    (0x80, True, RunError, "refused the connection (Unspecified error)", "Check the port"),
]


@pytest.mark.parametrize(
    ("code", "named", "kind_", "said", "remedy"), REFUSALS, ids=[hex(r[0]) for r in REFUSALS]
)
def test_each_reason_for_a_refusal_has_its_own_remedy(monkeypatch, code, named, kind_, said, remedy):
    if named:
        monkeypatch.setenv("EXPRESSION_MQTT_USER", "ada")
    with scripted(kind(code)) as broker, pytest.raises(kind_) as caught:
        opened(broker.port)
    assert said in caught.value.happened
    assert remedy in caught.value.remedy
    assert not [thread for thread in threading.enumerate() if "paho" in thread.name]


@pytest.mark.parametrize(("code", "said"), OLDER.items())
def test_the_reasons_of_an_older_broker_are_understood(code, said):
    with scripted(lambda command, *_: connack(4, code) if command == CONNECT else b"") as broker:
        with pytest.raises(ExpressionError) as caught:
            opened(broker.port)
        assert broker.versions[:2] == ([5, 4] if code == 1 else [5])
    if code in (4, 5):
        assert "requires a user name" in str(caught.value)
    else:
        assert said in str(caught.value)


def test_every_reason_is_one_of_mqtt_5():
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.reasoncodes import ReasonCode

    known = {name for codes in ReasonCode(PacketTypes.CONNACK).names.values() for name in codes}
    assert set(REMEDIES) | set(OLDER.values()) - {"Success"} <= known
    assert Terms().after("Not authorized") is None
    assert isinstance(refused("x", "Banned", True), RunError)


@pytest.mark.slow
def test_a_broker_that_says_why_it_hangs_up_is_quoted(caplog):
    taken_over = packet(0xE0, bytes([0x8E, 0]))
    with scripted(kind(then=taken_over)) as broker:
        sink = opened(broker.port)
        (said,) = warned(caplog, 1)
        assert re.match(
            r"The sink mqtt lost the broker at .* \(Session taken over\)\. .* the prefix expr", said
        )
        sink.close()


# Two prefixes never meet.


@pytest.mark.parametrize(
    ("one", "other"), [("a/b", "a_b"), ("a/b/c", "a/b_c"), ("a/b_c", "a_b/c"), ("a-b", "a/b")]
)
def test_two_prefixes_never_give_the_same_topics_or_ids(one, other):
    first, second = (discovery(prefix, ("Happy", "Sad")) for prefix in (one, other))
    assert first[0] != second[0]
    assert identity_of(one) != identity_of(other)
    assert not set(re.findall(r'"unique_id": "([^"]+)', str(first))) & set(
        re.findall(r'"unique_id": "([^"]+)', str(second))
    )


def test_two_runs_with_prefixes_that_look_alike_do_not_disturb_each_other(broker, listener):
    one, other = opened(broker.port, prefix="a/b"), opened(broker.port, prefix="a_b")
    listener.wait("a/b/status", "online")
    listener.wait("a_b/status", "online")
    since = listener.now()
    one.close()
    listener.wait("a/b/status", "offline", since=since)
    other.send(reading())
    listener.wait("a_b/mood", "Happy", since=since)
    assert "offline" not in listener.all("a_b/status")
    other.close()


# Nonsense.


@pytest.mark.slow
@pytest.mark.parametrize("version", [5, 4])
def test_a_payload_of_forty_megabytes_is_cut_off_and_not_kept(caplog, monkeypatch, version):
    topic, sizes, hear = b"expression/override/set", [], Mqtt._on_message

    def noting(self, client, data, message):
        sizes.append(len(message.payload))
        hear(self, client, data, message)

    monkeypatch.setattr(Mqtt, "_on_message", noting)
    content = struct.pack("!H", len(topic)) + topic + (b"\0" if version == 5 else b"") + b"A" * 40_000_000
    with scripted(kind(then=packet(PUBLISH, content) * 3, newest=version)) as broker:
        sink = opened(broker.port)
        (said,) = warned(caplog, 1)
        assert said.startswith(f"The sink mqtt received '{'A' * 40}' on expression/override/set. Expected")
        sink.close()
    assert 0 < max(sizes) <= LARGEST
    assert sum(len(word) for _, word in sink._misheard) == 40


def test_a_large_message_of_a_real_broker_is_cut_off(broker, caplog):
    sink = opened(broker.port)
    turned = threading.Event()
    sink.control.watch(turned.set)
    say(broker.port, "expression/recognition/set", b"\xff\x00" * 500_000)
    say(broker.port, "expression/recognition/set", b"OFF")
    assert turned.wait(10)
    assert not sink.control.on
    (said,) = warned(caplog, 1)
    assert len(said) < 500
    sink.close()


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\0", b"\xff\xfe", b"ON\n", b" ON", b"\x1b[2J", b"=1+1", b"[" * 5000, b"9" * 9000, b"on"),
        "ＯＮ".encode(),
    ],
)
def test_a_command_that_is_nonsense_changes_nothing(broker, caplog, payload):
    sink = opened(broker.port)
    turned = threading.Event()
    sink.control.watch(turned.set)
    say(broker.port, "expression/recognition/set", payload)
    say(broker.port, "expression/override/set", payload)
    say(broker.port, "expression/override/set", b"Sad")
    assert turned.wait(10)
    assert (sink.control.on, sink.control.override) == (True, "Sad")
    assert all(message.isprintable() for message in warned(caplog, 2))
    sink.close()


GARBAGE = {
    "an empty CONNACK": packet(0x20, b""),
    "a CONNACK of one byte": packet(0x20, b"\0"),
    "an unknown reason": packet(0x20, bytes([0, 0xEE, 0])),
    "broken properties": packet(0x20, bytes([0, 0, 5, 0x21, 0])),
    "a length without end": b"\x20\xff\xff\xff\xff\xff",
    "a web page": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "a PUBLISH before the CONNACK": packet(PUBLISH, struct.pack("!H", 9000) + b"a"),
    "nulls": b"\0" * 1000,
}


@pytest.mark.slow
@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
def test_an_answer_that_is_garbage_is_one_error_and_no_thread_dies(said, recwarn):
    with scripted(lambda *_: said) as broker, pytest.raises(ExpressionError) as caught:
        opened(broker.port)
    assert "refused the connection" in str(caught.value)
    assert not recwarn


AFTERWARDS = {
    "a PUBLISH that is cut off": packet(PUBLISH, b"\0"),
    "a topic that is no text": packet(PUBLISH, struct.pack("!H", 3) + b"\xff\xfe\xfd\0" + b"ON"),
    "a PUBACK of something unknown": packet(0x40, b"\x7f\xff"),
    "a short PUBACK": packet(0x40, b"\0"),
    "a short SUBACK": packet(0x90, b"\0"),
    "broken properties": packet(PUBLISH, struct.pack("!H", 1) + b"a\xff\xff\xff\xff\xff"),
    "an unknown packet": packet(0xF0, b"\0\0"),
    "a packet of no type": packet(0x00, b""),
}


@pytest.mark.slow
@pytest.mark.parametrize("said", AFTERWARDS.values(), ids=AFTERWARDS)
def test_garbage_later_on_costs_at_most_the_connection(said, recwarn):
    with scripted(kind(then=said)) as broker:
        sink = opened(broker.port)
        sink.send(reading())
        sink.close()
        assert sink.told["expression/mood"] == "Happy"
    assert not recwarn


def test_lost_and_refused_confirmations_in_any_order_are_matched(caplog):
    from expression.sinks._broker_answers import Rights

    class Reason:
        is_failure = True

        def __str__(self):
            return "Quota exceeded"

    class Quick:
        """Refuses before `publish` has returned."""

        def publish(self, topic, text, **_):
            rights.on_publish(None, None, 7, Reason(), None)
            return type("Info", (), {"mid": 7})

    rights = Rights("here", "hall")
    rights.publish(Quick(), "homeassistant/a/config", "")
    rights.publish(Quick(), "homeassistant/b/config", "")
    rights.publish(Quick(), "hall/status", "")
    assert [message.split(" (")[0][-15:] for message in caplog.messages] == [
        "homeassistant/#",
        "publish to hall/#"[-15:],
    ]


def hear_damaged(numbers) -> None:
    """Passes damaged packets to a connected client."""
    good = [
        packet(PUBLISH, struct.pack("!H", 23) + b"expression/override/set" + b"\0Sad"),
        packet(0x20, bytes([0, 0, 3, 0x21, 0, 20])),
        packet(0x90, b"\0\1\0\1\1\1"),
        packet(0x40, b"\0\2\x87\0"),
        packet(0xE0, bytes([0x8E, 0])),
        packet(0x32, struct.pack("!H", 20) + b"homeassistant/status" + b"\0\5\0online"),
    ]
    from paho.mqtt import client as paho

    heard = []
    for number in numbers:
        chance = random.Random(number)
        raw = bytearray(chance.choice(good))
        for _ in range(chance.choice((0, 1, 1, 2, 5))):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        raw = bytes(raw[: chance.choice((len(raw), len(raw), chance.randrange(len(raw) + 1)))]) + b"\0" * 300
        client = _mqtt_client.client_class(paho, 1.0)(
            paho.CallbackAPIVersion.VERSION2, "x", protocol=paho.MQTTv5
        )
        client.on_refusal = heard.append
        client.on_message = lambda *words: heard.append(words[2].payload)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(raw)
            client._sock = ours
            ours.setblocking(False)
            for _ in range(20):
                if client._packet_read() or client._sock is None:
                    break
            client._sock = None
    assert heard


def test_damaged_packets_end_no_thread():
    hear_damaged(range(500))


@pytest.mark.slow
def test_thousands_of_damaged_packets_end_no_thread():
    hear_damaged(range(500, 5000))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs mosquitto_passwd")
def test_a_real_broker_that_refuses_a_password_is_told_by_mqtt_5(tmp_path, monkeypatch):
    (tmp_path / "passwords").write_text("ada:right\n")
    if subprocess.run(["mosquitto_passwd", "-U", tmp_path / "passwords"]).returncode:
        pytest.skip("needs mosquitto_passwd")
    monkeypatch.setenv("EXPRESSION_MQTT_USER", "ada")
    monkeypatch.setenv("EXPRESSION_MQTT_PASSWORD", "wrong")
    with Broker(tmp_path, f"password_file {tmp_path / 'passwords'}") as broker:
        with pytest.raises(BadInputError, match="the broker reported Not authorized"):
            opened(broker.port)
        monkeypatch.setenv("EXPRESSION_MQTT_PASSWORD", "right")
        opened(broker.port).close()
    assert logging.getLogger("expression").filters
