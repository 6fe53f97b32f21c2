"""The sink mqtt, against a real broker: what it sends to Home Assistant, and which switches work."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from broker import Broker, Listener
from parts import PATIENCE, expression_process, wait_for
from processes import ending
from readings import Recorder, reading

pytest.importorskip("paho.mqtt", reason="needs paho-mqtt (pip install -r requirements.txt)")

from expression.control import Control
from expression.errors import BadInputError, MissingFileError, RunError
from expression.labels import AS_READ, NOBODY, NOT_SURE
from expression.live.session import Session
from expression.sinks import make_sink, mqtt
from expression.sinks._homeassistant import BIRTH, discovery
from expression.sinks._secrets import secret
from expression.sinks.memory import Memory
from expression.sinks.mqtt import Mqtt
from expression.teaching.local_broker import free_port

# What a payload may and must have: https://www.home-assistant.io/integrations/sensor.mqtt/ and its
# neighbours, and "Device discovery payload" in /integrations/mqtt/, as read in 2026. Abbreviations are left
# out, since nothing here uses them.
SHARED = {
    *("availability", "availability_mode", "availability_template", "availability_topic"),
    *("payload_available", "payload_not_available", "qos", "encoding"),
}
ANY = SHARED | {
    *("device_class", "enabled_by_default", "entity_category", "entity_picture", "icon"),
    *("json_attributes_template", "json_attributes_topic", "name", "platform", "unique_id"),
    *("value_template", "state_topic"),
}
COMMANDS = {"command_template", "command_topic", "optimistic", "retain"}
MAY = {
    "sensor": ANY
    | {"expire_after", "force_update", "last_reset_value_template", "options", "state_class"}
    | {"suggested_display_precision", "unit_of_measurement"},
    "binary_sensor": ANY | {"expire_after", "force_update", "off_delay", "payload_off", "payload_on"},
    "event": ANY | {"event_types"},
    "switch": ANY | COMMANDS | {"payload_off", "payload_on", "state_off", "state_on"},
    "select": ANY | COMMANDS | {"options"},
}
MUST = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "event": {"state_topic", "event_types"},
    "switch": {"command_topic"},
    "select": {"command_topic", "options"},
}
CLASSES = {
    "sensor": {"enum", "duration"},
    "binary_sensor": {"occupancy", "presence"},
    "event": set(),
    "switch": {"switch"},
    "select": set(),
}
DEVICE = {
    *("configuration_url", "connections", "hw_version", "identifiers", "manufacturer", "model", "model_id"),
    *("name", "serial_number", "suggested_area", "sw_version", "via_device"),
}


def check(topic: str, text: str) -> dict[str, dict]:
    """Checks a discovery message against the documentation, and returns its entities."""
    found = re.fullmatch(r"homeassistant/device/(?:[\w-]+/)?([\w-]+)/config", topic, re.ASCII)
    assert found, topic
    payload = json.loads(text)
    assert payload.keys() >= {"device", "origin", "components"}
    assert payload.keys() <= {"device", "origin", "components", "state_topic", "command_topic"} | SHARED
    assert {"identifiers", "name"} <= payload["device"].keys() <= DEVICE
    assert payload["origin"]["name"]
    assert payload["origin"].keys() <= {"name", "sw_version", "support_url"}
    for name, entity in payload["components"].items():
        check_entity(entity)
        assert entity["unique_id"] == f"{found.group(1)}_{name}"
    for values in (payload, *payload["components"].values()):
        for key in (key for key in values if key.endswith("_topic")):
            assert not set("+#~") & set(values[key])
    return payload["components"]


def check_entity(entity: dict) -> None:
    kind = entity["platform"]
    assert entity.keys() >= MUST[kind] | {"unique_id"}, "a component needs a platform and a unique id"
    assert entity.keys() <= MAY[kind]
    assert entity.get("state_class", "measurement") in {"measurement", "total", "total_increasing"}
    assert entity.get("icon", "mdi:x").startswith("mdi:")
    assert entity.get("entity_category", "config") in {"config", "diagnostic"}
    assert entity.get("entity_category") != "config" or kind in {"switch", "select"}
    assert "device_class" not in entity or entity["device_class"] in CLASSES[kind]
    for key in ("options", "event_types"):
        values = entity.get(key, ["a"])
        assert values == list(dict.fromkeys(values))
        assert all(values)
        assert all(isinstance(value, str) for value in values)
    if entity.get("device_class") == "enum":
        assert entity["options"]
        assert not {"state_class", "unit_of_measurement"} & entity.keys()
    if entity.get("device_class") == "duration":
        assert entity["unit_of_measurement"] in {"d", "h", "min", "s", "ms"}


def at(port: int) -> str:
    """How a user names a broker on this machine."""
    return f"mqtt:host=127.0.0.1,port={port}"


def opened(port: int, **options) -> Mqtt:
    """A sink that is open, with its own switches."""
    sink = Mqtt("127.0.0.1", port, **options)
    sink.control = Control(("Happy", "Sad"))
    sink.open()
    return sink


@pytest.fixture
def sink(broker):
    one = opened(broker.port)
    yield one
    one.close()


@pytest.mark.parametrize("prefix", ["expression", "home/hall-1", "A_b"])
def test_what_home_assistant_is_told_is_as_it_documents_it(prefix):
    entities = check(*discovery(prefix, ("Happy", "Sad")))
    assert [entity["name"] for entity in entities.values()] == [
        *("Mood", "Mood changed", "Presence", "People", "Recognition", "Pause", "Resting face", "Override"),
        *("Age of a reading", "Frame rate", "Camera"),
    ]
    assert entities["override"]["options"] == [AS_READ, "Happy", "Sad"]
    assert entities["mood"]["options"] == ["Happy", "Sad", NOT_SURE, NOBODY]
    assert entities["change"]["event_types"] == ["Happy", "Sad", NOBODY]
    assert {"override", "change"}.isdisjoint(check(*discovery(prefix)))


def test_without_a_broker_it_still_knows_what_it_would_say():
    sink = Mqtt("127.0.0.1", 1, prefix="hall")
    sink.control = Control(("Happy", "Sad"))
    sink.send(reading())
    told = sink.told
    scores = json.loads(told.pop("hall/scores"))
    assert scores == {"Happy": 0.75, "Sad": 0.25}
    assert float(told.pop("hall/age")) >= 0
    assert told == {
        "hall/recognition": "ON",
        "hall/pause": "OFF",
        "hall/neutral": "OFF",
        "hall/override": AS_READ,
        "hall/people": "1",
        "hall/presence": "ON",
        "hall/camera": "None",
        "hall/rate": "None",
        "hall/mood": "Happy",
    }
    told.clear()
    assert sink.told["hall/mood"] == "Happy", "what is handed out is a copy"


def test_every_topic_that_is_named_is_used_and_kept_by_the_broker(broker, listener, sink):
    sink.send(reading())
    listener.wait("expression/scores", json.dumps({"Happy": 0.75, "Sad": 0.25}))  # the last one
    newcomer = Listener(broker.port)  # hears what the broker has kept
    for topic in {name for name, _, _ in listener.heard}:
        newcomer.wait(topic)
    kept = {topic: text for topic, text, retained in newcomer.heard if retained}
    (config,) = [(topic, text) for topic, text in kept.items() if topic.endswith("/config")]
    entities = check(*config)
    named = {each[key] for each in entities.values() for key in each if key.endswith("_topic")}
    commands = {each["command_topic"] for each in entities.values() if "command_topic" in each}
    events = {each["state_topic"] for each in entities.values() if each["platform"] == "event"}
    told = named - commands - events | {json.loads(config[1])["availability_topic"]}
    assert told == {topic for topic in kept if not topic.endswith("/config")}
    assert json.loads(kept["expression/scores"]) == {"Happy": 0.75, "Sad": 0.25}
    assert {topic: kept[f"expression/{topic}"] for topic in ("status", "mood", "people")} == {
        "status": "online",
        "mood": "Happy",
        "people": "1",
    }
    for topic, text in zip(sorted(commands), ("ON", "Sad", "ON", "OFF"), strict=True):
        newcomer.say(topic, text)
        newcomer.wait(topic.removesuffix("/set"), text)
    control = sink.control
    assert (control.neutral, control.override, control.paused, control.on) == (True, "Sad", True, False)
    newcomer.close()


def test_only_what_is_new_is_sent_and_scores_once_a_second(listener, sink):
    for number in range(41):
        sink.send(reading(time=number / 10, score=0.5 + number / 100))
    listener.wait("expression/mood", "Happy")
    since = listener.now()
    sink.empty()
    sink.empty()
    listener.wait("expression/scores", "{}", since=since)
    assert listener.all("expression/mood")[-2:] == ["Happy", NOBODY]
    assert listener.all("expression/people")[-2:] == ["1", "0"]
    scores = [json.loads(text) for text in listener.all("expression/scores")]
    assert [score.get("Happy") for score in scores] == [None, 0.5, 0.6, 0.7, 0.8, 0.9, None]


def test_the_mood_is_that_of_the_largest_face_and_everybody_counts(listener, sink):
    from expression.types import Box

    sink.send(reading(1, "Happy", time=0.0))
    sink.send(replace(reading(2, "Sad", time=0.1), box=Box(0, 0, 9, 9)))
    listener.wait("expression/mood", "Sad")
    listener.wait("expression/people", "2")
    since = listener.now()
    sink.send(reading(1, "Happy", time=3.0))  # the other one has left
    listener.wait("expression/people", "1", since=since)
    listener.wait("expression/mood", "Happy", since=since)


def test_who_turns_a_switch_elsewhere_is_seen_in_home_assistant(listener, sink):
    sink.send(reading())
    sink.control.on = False
    listener.wait("expression/recognition", "OFF")
    sink.control.override = "Sad"
    listener.wait("expression/override", "Sad")
    listener.wait("expression/mood", "Sad")
    since = listener.now()
    sink.control.override = None
    listener.wait("expression/override", AS_READ, since=since)
    listener.wait("expression/mood", "Happy", since=since)


def test_a_pause_holds_the_mood_and_counts_on(listener, sink):
    sink.send(reading(1, "Happy", time=0.0))
    sink.control.paused = True
    sink.send(reading(2, "Sad", time=5.0))
    sink.send(reading(3, "Sad", time=5.0))
    listener.wait("expression/people", "2")
    sink.control.on = False
    listener.wait("expression/recognition", "OFF")  # a mood would have come before it
    assert listener.all("expression/mood")[-1] == "Happy"
    sink.control.paused = False
    listener.wait("expression/mood", "Sad")


def test_after_a_pause_in_which_everybody_left_there_are_no_scores(listener, sink):
    sink.send(reading())
    listener.wait("expression/mood", "Happy")
    sink.control.paused = True
    sink.empty()
    since = listener.now()
    sink.control.paused = False
    listener.wait("expression/mood", NOBODY, since=since)
    listener.wait("expression/scores", "{}", since=since)


def test_the_choice_is_there_before_the_first_face(listener, sink):
    listener.wait(*discovery("expression", ("Happy", "Sad")))
    listener.say("expression/override/set", "Sad")
    listener.wait("expression/mood", "Sad")
    assert sink.control.override == "Sad"


def test_commands_that_are_none_or_old_change_nothing_and_are_told(broker, sink, listener, caplog):
    sink.send(reading())
    for text in ("off", "", "\ud83d".encode("utf-8", "replace").decode(), "TOGGLE"):
        listener.say("expression/recognition/set", text)
    for text in ("Joy", "", "happy"):
        listener.say("expression/override/set", text)
    listener.say("expression/recognition/set", "OFF", retain=True)  # as a run that starts now would find it
    listener.wait("expression/recognition", "OFF")
    assert caplog.messages[0] == (
        "The sink mqtt received 'off' on expression/recognition/set. Expected one of ON, OFF. "
        "Send one of these, spelled the same."
    )
    assert len(caplog.messages) == 7
    assert "Expected one of as read, Happy, Sad." in caplog.messages[-1]
    sink.close()
    again = opened(broker.port)
    listener.say("expression/override/set", AS_READ)
    assert again.control.on
    assert again.control.override is None
    again.close()


def test_when_home_assistant_starts_it_is_told_everything_again(listener, sink):
    sink.send(reading())
    listener.wait("expression/scores", json.dumps({"Happy": 0.75, "Sad": 0.25}))
    listener.wait("expression/status", "online")
    since = listener.now()
    listener.say(BIRTH, "online")
    for topic in ("mood", "people", "recognition", "override", "scores", "status"):
        listener.wait(f"expression/{topic}", since=since)
    listener.wait(*discovery("expression", ("Happy", "Sad")), since=since)


def events(listener) -> list[dict]:
    return [json.loads(text) for text in listener.all("expression/change")]


def test_a_change_is_an_event_once_it_has_settled(listener, sink):
    for time_, label in ((0.0, "Happy"), (0.5, "Sad"), (0.9, "Happy"), (1.8, "Happy"), (2.0, "Happy")):
        sink.send(reading(1, label, time=time_))
    for number in range(20):
        sink.send(reading(1, "not sure", time=2.1 + number / 10))
    sink.send(reading(1, "Happy", time=4.1))
    sink.send(reading(1, "Happy", time=5.2))
    sink.empty()
    wait_for(lambda: len(events(listener)) == 2)
    assert events(listener) == [
        {"event_type": "Happy", "before": NOBODY, "override": False, "person": 1, "score": 0.75},
        {"event_type": NOBODY, "before": "Happy", "override": False},
    ]


def test_an_override_is_an_event_at_once_and_a_pause_has_none(listener, sink):
    sink.send(reading(1, "Happy", time=0.0))
    sink.control.override = "Sad"
    listener.wait("expression/change", json.dumps({"event_type": "Sad", "before": NOBODY, "override": True}))
    sink.control.paused = True
    sink.control.override = None
    for number in range(30):
        sink.send(reading(1, "Happy", time=number / 10))
    sink.control.on = False
    listener.wait("expression/recognition", "OFF")
    assert len(events(listener)) == 1


def test_an_event_is_not_kept_by_the_broker(broker, listener, sink):
    sink.control.override = "Sad"
    listener.wait("expression/change")
    newcomer = Listener(broker.port)
    newcomer.wait("expression/status")
    newcomer.wait("expression/override", "Sad")
    assert newcomer.all("expression/change") == []
    newcomer.close()


def test_diagnostics_are_sent_once_a_second(listener, sink):
    now = time.monotonic()
    for number in range(41):
        sink.send(replace(reading(time=now - 4.5 + number / 10), frame=number * 2))
    listener.wait("expression/rate", "20.0")
    wait_for(lambda: len(listener.all("expression/age")) == 6)
    ages = [float(age) for age in listener.all("expression/age")[1:]]
    assert ages == sorted(ages, reverse=True)
    assert 500 <= ages[-1] < 5000
    sink.empty()
    wait_for(lambda: listener.all("expression/rate")[-1] == "None")


def test_a_watcher_that_raises_does_not_end_the_connection(listener, sink):
    def raises():
        raise ZeroDivisionError

    sink.control.watch(raises)
    listener.say("expression/recognition/set", "OFF")
    listener.say("expression/recognition/set", "ON")
    listener.wait("expression/recognition", "OFF")
    listener.wait(
        "expression/recognition", "ON", since=listener.heard.index(("expression/recognition", "OFF", False))
    )


@pytest.mark.slow
def test_the_switch_and_the_choice_act_on_a_run(broker, listener):
    reactor, memory = Recorder(), Memory()
    reactor.reacts = True
    sinks = (at(broker.port), reactor, memory)
    with Session("demo", display="none", sinks=sinks) as session:
        listener.wait("expression/people", "1")
        since = listener.now()
        listener.say("expression/recognition/set", "OFF")
        listener.wait("expression/people", "0", since=since)
        listener.wait("expression/mood", NOBODY, since=since)
        since, read = listener.now(), len(memory.readings)
        listener.say("expression/override/set", "Fear")
        listener.wait("expression/mood", "Fear", since=since)
        while not any(call.startswith("0 Fear") for call in reactor.calls):
            reactor.called.clear()
            assert reactor.called.wait(PATIENCE)
        assert len(memory.readings) == read, "while it is off nobody is read"
        listener.say("expression/override/set", AS_READ)
        listener.say("expression/recognition/set", "ON")
        listener.wait("expression/people", "1", since=since)
        listener.wait("expression/override", AS_READ, since=since)
        assert not session.data.done
    listener.wait("expression/status", "offline")
    assert session.statistics()["threads_left"] == 0
    assert not [thread.name for thread in threading.enumerate() if "expression" in thread.name]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows knows no kill -9")
def test_after_a_kill_the_broker_says_that_the_run_is_gone_and_a_new_one_that_it_is_there(broker, listener):
    words = (
        "live",
        "--source",
        "demo",
        "--display",
        "none",
        "--sink",
        at(broker.port),
    )
    one = expression_process(*words)
    with ending(one):
        listener.wait("expression/people", "1")
        began = time.monotonic()
        one.kill()
        one.communicate()
    listener.wait("expression/status", "offline")
    print(f"\noffline {time.monotonic() - began:.2f} s after kill -9")
    since = listener.now()
    two = expression_process(*words)
    with ending(two):
        listener.wait("expression/status", "online", since=since)
        two.send_signal(signal.SIGINT)
        assert two.communicate()[1].count("\n") <= 1
    listener.wait("expression/status", "offline", since=since)


def test_a_second_run_starts_with_nobody(broker):
    sink = opened(broker.port)
    sink.send(reading())
    assert sink.told["expression/people"] == "1"
    sink.close()
    sink.open()
    assert (sink.told["expression/people"], sink.told["expression/mood"]) == ("0", NOBODY)
    sink.close()


@pytest.mark.slow
def test_a_broker_that_is_killed_and_comes_back_holds_nothing_up(broker, listener, caplog):
    memory = Memory()
    with Session("demo", display="none", sinks=(at(broker.port), memory)) as session:
        listener.wait("expression/people", "1")
        broker.kill()
        wait_for(lambda: [message for message in caplog.messages if "sink mqtt" in message])
        before = len(memory.readings)
        wait_for(lambda: len(memory.readings) > before + 10)  # readings continue
        session.data.control.override = "Sad"  # somebody turns a switch meanwhile
        since = listener.now()
        broker.start()
        for topic in ("status", "mood", "people", "recognition"):
            listener.wait(f"expression/{topic}", since=since)
        listener.wait(*discovery("expression", session.runtime.labels), since=since)
        listener.wait("expression/override", "Sad", since=since)
        listener.say("expression/override/set", AS_READ)  # and commands arrive again
        listener.wait("expression/override", AS_READ, since=since)
        ages = session.statistics()["reading_age_ms"]
    assert ages["p95"] < 1000 * mqtt.CONNECT_SECONDS
    said = [message for message in caplog.messages if "sink mqtt" in message]
    assert len(said) == 2, said
    assert re.match(r"The sink mqtt lost the broker at 127\.0\.0\.1:\d+\. Expected .* retries every", said[0])
    assert "has reconnected to the broker at" in said[1]


@pytest.mark.slow
def test_a_broker_that_is_away_at_the_start_is_warned_of_once_and_taken_when_it_comes(broker, caplog):
    broker.kill()
    memory = Memory()
    with Session("demo", display="none", sinks=(at(broker.port), memory)) as session:
        while not (memory.readings and caplog.messages):
            assert not session.data.wait_done(0.05)
        broker.start()
        late = Listener(broker.port)
        late.wait("expression/people")
        late.close()
    assert len(caplog.messages) == 1
    assert "The sink mqtt failed. The broker at 127.0.0.1:" in caplog.messages[0]


def test_a_broker_that_comes_and_goes_is_warned_of_every_half_minute(broker, sink, caplog, monkeypatch):
    now = iter([100.0, 101.0, 131.0])
    monkeypatch.setattr(mqtt.time, "monotonic", lambda: next(now))
    for _ in range(3):  # what paho calls when the broker hangs up, and when it has taken us again
        sink._on_disconnect(None, None, None, None, None)
        sink._warned = False
    monkeypatch.undo()
    assert [message[:30] for message in caplog.messages] == ["The sink mqtt lost the broker "] * 2


@pytest.mark.slow
def test_after_its_last_word_nothing_is_said(listener, sink, monkeypatch):
    listener.wait("expression/status", "online")
    tells, closes = threading.Event(), threading.Event()
    publish = sink._client.publish

    def slowly(topic, text, **options):
        if topic.endswith("/config") and not tells.is_set():
            tells.set()
            closes.wait(0.5)  # the end of the run falls in between
        return publish(topic, text, **options)

    monkeypatch.setattr(sink._client, "publish", slowly)
    listener.say(BIRTH, "online")
    assert tells.wait(PATIENCE)
    sink.close()
    closes.set()
    listener.wait("expression/status", "offline")
    assert listener.all("expression/status")[-1] == "offline"
    assert sink.told


@pytest.mark.slow
def test_a_run_that_ends_while_the_broker_is_away_ends_at_once(broker):
    one = opened(broker.port)
    broker.kill()
    time.sleep(0.3)
    began = time.monotonic()
    one.close()
    assert time.monotonic() - began < 3


SECRET = "Tr0ub4dor&3"


@pytest.fixture
def strict(tmp_path):
    """A broker that knows one user, ada."""
    (tmp_path / "passwords").write_text(f"ada:{SECRET}\n")
    if subprocess.run(["mosquitto_passwd", "-U", tmp_path / "passwords"]).returncode:
        pytest.skip("needs mosquitto_passwd")
    with Broker(tmp_path, f"password_file {tmp_path / 'passwords'}") as one:
        yield one


def test_user_and_password_come_from_the_environment_or_a_private_file(strict, tmp_path, monkeypatch):
    file = tmp_path / "secrets"
    file.write_text(f'# the broker\nEXPRESSION_MQTT_USER=ada\nEXPRESSION_MQTT_PASSWORD="{SECRET}"\n')
    file.chmod(0o600)
    opened(strict.port, secrets=str(file)).close()
    monkeypatch.setenv("EXPRESSION_MQTT_USER", "ada")
    monkeypatch.setenv("EXPRESSION_MQTT_PASSWORD", SECRET)
    opened(strict.port).close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("user", "said"),
    [
        pytest.param(
            "ada", r"refuses the user name or password\. Expected the name and password of one of", id="wrong"
        ),
        pytest.param(None, r"requires a user name\. .* Set EXPRESSION_MQTT", id="none"),
    ],
)
def test_a_wrong_password_ends_the_run_and_is_not_repeated(strict, monkeypatch, capfd, user, said):
    if user:
        monkeypatch.setenv("EXPRESSION_MQTT_USER", user)
        monkeypatch.setenv("EXPRESSION_MQTT_PASSWORD", "not-" + SECRET)
    one = Mqtt("127.0.0.1", strict.port)
    one.control = Control()
    with pytest.raises(BadInputError, match=said) as caught:
        one.open()
    assert SECRET not in f"{caught.value!r} {one!r} {vars(one)} {capfd.readouterr()}"
    process = expression_process(
        *(
            "live",
            "--source",
            "demo",
            "--display",
            "none",
            "--sink",
            at(strict.port),
        )
    )
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert re.search(said, err)
    assert err.count("\n") == 1
    assert SECRET not in out + err


def test_secrets_that_others_can_read_are_not_taken(tmp_path):
    file = tmp_path / "secrets"
    file.write_text("EXPRESSION_MQTT_USER=ada\n")
    file.chmod(0o644)
    with pytest.raises(
        BadInputError,
        match=r"read by other users \(mode 644\)\. Expected mode 600, readable only by you\. Run: chmod 600 ",
    ):
        opened(1, secrets=str(file))
    file.chmod(0o600)
    file.write_text(f"\n{SECRET}\n")
    with pytest.raises(
        BadInputError,
        match=r"Line 2 of .* no = between .* Expected EXPRESSION_MQTT_USER=value\. Correct that line",
    ) as caught:
        opened(1, secrets=str(file))
    assert SECRET not in str(caught.value)
    with pytest.raises(
        MissingFileError, match=r"secrets file cannot be read \(No such file .*to name a text file"
    ):
        opened(1, secrets=str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"MQTT_PASSWORD={SECRET}", "Line 2 of .* has a name that resembles EXPRESSION_MQTT_PASSWORD"),
        (f"export EXPRESSION_MQTT_PASSWORD={SECRET}", "Line 2 of .* has a name that resembles"),
        (f"EXPRESION_MQTT_PASSWORD={SECRET}", "Line 2 of .* has a name that resembles"),
        (f"EXPRESSION_BLYNK_TOKEN={SECRET}", None),
        (f"OTHER={SECRET}", None),
    ],
)
def test_a_name_in_the_secrets_with_a_slip_is_told_and_others_are_passed_over(tmp_path, line, said):
    file = tmp_path / "secrets"
    file.write_text(f"EXPRESSION_MQTT_USER=ada\n{line}\n")
    file.chmod(0o600)
    if said is None:
        assert secret("EXPRESSION_MQTT_PASSWORD", str(file)) is None
        return
    with pytest.raises(BadInputError, match=said) as caught:
        secret("EXPRESSION_MQTT_PASSWORD", str(file))
    assert SECRET not in str(caught.value)
    assert secret("EXPRESSION_MQTT_USER", str(file)) == "ada"


class Server:
    """Accepts one connection, sends something, and hangs up if asked to."""

    def __init__(self, says: bytes, stays: bool = False):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._says, self._stays, self._end = says, stays, threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        one, _ = self._socket.accept()
        with one:
            one.recv(1000)
            one.sendall(self._says)
            if self._stays:
                self._end.wait(PATIENCE)

    def close(self):
        self._end.set()
        self._thread.join()
        self._socket.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("says", "stays", "said"),
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "connection closed", id="web server"),
        pytest.param(b"", False, "connection closed", id="hangs up"),
        pytest.param(b"", True, "no answer within 3 s", id="silent"),
        pytest.param(bytes([0x20, 2, 0, 3]), True, "Server unavailable", id="a broker that is busy"),
    ],
)
def test_what_is_no_broker_is_told(says, stays, said):
    server = Server(says, stays)
    with (
        contextlib.closing(server),
        pytest.raises(
            RunError, match=rf"refused the connection \({said}\)\. Expected an MQTT broker\. Check the port"
        ),
    ):
        opened(server.port)


def test_a_broker_that_cannot_be_reached_is_told():
    with pytest.raises(
        RunError, match=r"at 127\.0\.0\.1:\d+ cannot be reached \(.*refused\)\. .* Start it, or"
    ):
        opened(free_port())
    one = Mqtt("no-such-host.invalid")
    one.control = Control()
    with pytest.raises(RunError, match=r"host\.invalid:1883 cannot be reached \(.*\)\. .* Check the name"):
        one.open()
    one.close()


@pytest.mark.slow
def test_a_host_with_three_dead_addresses_holds_the_end_of_a_run_no_longer_than_one(dead, caplog):
    run = Session("demo", display="none", duration=1, sinks=[f"mqtt:host=localhost,port={dead}"])
    run.run()
    figures = run.statistics()
    assert figures["threads_left"] == 0
    assert figures["stop_seconds"] < 2 * mqtt.CONNECT_SECONDS
    assert "cannot be reached (timed out)" in caplog.messages[0]


@pytest.mark.slow
def test_a_run_that_ends_while_a_lost_broker_is_tried_again_ends_within_its_time(broker, dead, monkeypatch):
    one = opened(broker.port)
    tries = threading.Event()
    connect = one._client._create_socket_connection

    def notes():
        tries.set()
        return connect()

    monkeypatch.setattr(one._client, "_create_socket_connection", notes)
    one._client._host, one._client._port = "localhost", dead  # as if it had lost its power
    broker.kill()
    assert tries.wait(PATIENCE)
    began = time.monotonic()
    one.close()
    assert time.monotonic() - began < 2 * mqtt.CONNECT_SECONDS


LEAK = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Paho leaves the socket of a handshake that failed to the garbage collector."""


@LEAK
def test_a_port_that_hangs_up_when_tls_begins_is_told():
    server = Server(b"")
    with (
        contextlib.closing(server),
        pytest.raises(
            RunError, match=r"cannot be reached .*\. Leave out tls, or choose the broker's TLS port"
        ),
    ):
        opened(server.port, tls=True)


@pytest.mark.slow
@LEAK
def test_a_broker_with_tls_is_taken_when_its_certificate_is_known(tmp_path, monkeypatch):
    files = [str(tmp_path / name) for name in ("key.pem", "cert.pem")]
    words = f"-x509 -newkey rsa:2048 -nodes -keyout {files[0]} -out {files[1]} -days 2 -subj /CN=localhost"
    made = subprocess.run(
        ["openssl", "req", *words.split(), "-addext", "subjectAltName=IP:127.0.0.1"], capture_output=True
    )
    if made.returncode:
        pytest.skip("needs openssl")
    with Broker(tmp_path, f"keyfile {files[0]}", f"certfile {files[1]}") as safe:
        with pytest.raises(
            RunError, match=r"reached \(.*certificate.*Set SSL_CERT_FILE to the file of its certificate auth"
        ):
            opened(safe.port, tls=True)
        with pytest.raises(
            RunError, match=r"refused the connection \(connection closed\)\. .* whether it requires tls=true"
        ):
            opened(safe.port)
        monkeypatch.setenv("SSL_CERT_FILE", files[1])
        opened(safe.port, tls=True).close()


@LEAK
def test_tls_where_there_is_none_is_told(broker):
    with pytest.raises(RunError, match=r"cannot be reached \(.*\)\. .* (Leave out tls|Start it)"):
        opened(broker.port, tls=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mqtt", r"was given no host\. Expected mqtt:HOST or mqtt:host=\.\.\.,port="),
        ("mqtt:box:1884", r"host of the sink mqtt is 'box:1884'\. .* Write mqtt:HOST, or mqtt:host"),
        ("mqtt:mqtt://box", r"is 'mqtt://box'"),
        ("mqtt:ada:Tr0ub4dor@box", r"contains an @\. .* Put these in EXPRESSION_MQTT_USER"),
        ("mqtt:host=box,port=0", r"port of the sink mqtt is 0\. Expected 1 to 65535\. Leave it out"),
        ("mqtt:host=box,prefix=a/#", r"prefix of the sink mqtt is 'a/#'\. Expected letters"),
        ("mqtt:host=box,tls=perhaps", r"tls of the sink mqtt is 'perhaps'\. Expected true or false"),
    ],
)
def test_options_that_cannot_be_are_told(text, said):
    with pytest.raises(BadInputError, match=said) as caught:
        make_sink(text)
    assert "Tr0ub4dor" not in str(caught.value)


def test_the_port_follows_tls():
    assert [make_sink(f"mqtt:host=box,{o}").port for o in ("tls=false", "tls=true", "tls=true,port=7")] == [
        1883,
        8883,
        7,
    ]
