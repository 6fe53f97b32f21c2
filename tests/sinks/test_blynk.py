"""The blynk sink against a server on loopback that takes only what Blynk's documentation allows."""

from __future__ import annotations

import logging
import re
import socket
import time
import traceback

import pytest
from cloud import TOKEN, Cloud, refusal
from parts import PATIENCE, wait_for
from readings import Patient, check_not_delayed, feed, reading, seen

from expression.errors import BadInputError, MissingFileError, RunError
from expression.live import sink_loop
from expression.live.data import Data
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.settings import Settings
from expression.sinks import blynk, make_sink
from expression.sinks.blynk import TIMEOUT, Blynk
from expression.sinks.memory import Memory


@pytest.fixture
def hanging(monkeypatch):
    """A server that accepts every connection and never answers."""
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", TOKEN)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def sink_for(cloud: Cloud, **options) -> Blynk:
    return Blynk(server=cloud.address, **{"settle": 0.0, **options})


def test_a_label_goes_to_both_pins_as_index_and_emoji_by_one_request(cloud):
    feed(sink_for(cloud), seen(0, p1="Sad"), seen(1, p1="Sad"), seen(2, p1="not sure"), seen(3, p1="Happy"))
    assert cloud.updates == [{"v1": "1", "v2": "😢"}, {"v1": "0", "v2": "😀"}, {"v2": "💤"}]
    assert len(cloud.asked) == 4, "and one look at the switch"


def test_pins_can_be_others_or_none_and_other_labels_are_shown_as_they_are(cloud):
    cloud.pins = {"v9": ""}
    feed(sink_for(cloud, switch="", index="", emoji="v9"), seen(0, p1="Über & aus=1"), seen(1))
    assert cloud.updates == [{"v9": "Über & aus=1"}, {"v9": "💤"}]


def test_that_nobody_is_there_is_shown(cloud):
    feed(sink_for(cloud), seen(0, p1="Sad"), seen(3))
    assert cloud.updates[1:] == [{"v2": "💤"}], "once, also where the run ends then"


@pytest.mark.parametrize(
    ("options", "last"),
    [
        pytest.param({}, {"v2": "💤"}, id="as usual"),
        pytest.param({"emoji": ""}, {"v1": "1"}, id="no pin for it"),
    ],
)
def test_once_the_run_has_ended_the_phone_shows_that_nobody_is_there(cloud, options, last):
    feed(sink_for(cloud, **options), seen(0, p1="Sad"))
    assert cloud.updates[-1] == last


def test_while_blynk_is_away_the_end_of_a_run_asks_nothing_of_it(cloud, caplog):
    data, sink = Patient(), sink_for(cloud, switch="")
    loop = SinkLoop(data, sink)
    loop.setup()
    for number, trouble in enumerate((None, (503, b""))):
        cloud.trouble = trouble
        data.readings.publish(seen(2 * number, p1=("Happy", "Sad")[number]))
        loop.step()
    count = len(cloud.asked)
    data.readings.close()
    loop.teardown()
    assert len(cloud.asked) == count
    assert len(caplog.messages) == 1


def test_an_update_that_arrived_though_its_answer_was_lost_is_followed_by_the_end(cloud, monkeypatch):
    sink = sink_for(cloud)
    sink.control = Data().control
    get = sink._get

    def lose(*words):
        get(*words)
        raise RunError("Blynk cannot be reached (timed out).", "Expected an answer.", "Wait.")

    monkeypatch.setattr(sink, "_get", lose)
    with pytest.raises(RunError, match="timed out"):
        sink.send(reading(label="Sad"))
    monkeypatch.setattr(sink, "_get", get)
    sink._look()
    sink.close()
    assert [update["v2"] for update in cloud.updates] == ["😢", "💤"]


def test_where_it_could_not_be_shown_that_nobody_is_there_the_end_shows_it(cloud):
    sink = sink_for(cloud)
    sink.control = Data().control
    sink.send(reading(label="Sad"))
    cloud.trouble = (503, b"")
    with pytest.raises(RunError, match="503"):
        sink.empty()
    cloud.trouble = None
    sink._look()
    sink.close()
    assert [update["v2"] for update in cloud.updates] == ["😢", "💤"]


def test_where_the_end_of_a_run_cannot_be_shown_it_says_so(cloud, caplog):
    data, sink = Patient(), sink_for(cloud, switch="")
    loop = SinkLoop(data, sink)
    loop.setup()
    data.readings.publish(seen(0, p1="Sad"))
    loop.step()
    cloud.trouble = (503, b"")
    data.readings.close()
    loop.teardown()
    (message,) = caplog.messages
    assert message.startswith("The sink blynk did not close properly: Blynk at 127.0.0.1")


def test_an_override_has_the_index_that_its_label_has_among_all(cloud):
    data, sink = Patient(), sink_for(cloud)
    loop = SinkLoop(data, sink)
    loop.setup()
    for time_, override in ((0, "Sad"), (2, None), (4, "Sad")):
        data.control.override = override
        data.readings.publish(seen(time_, p1="Happy"))
        loop.step()
    data.readings.close()
    loop.teardown()
    sad, happy = {"v1": "1", "v2": "😢"}, {"v1": "0", "v2": "😀"}
    assert cloud.updates == [sad, happy, sad, {"v2": "💤"}]


def test_the_switch_turns_the_run_off_and_on_and_leaves_what_others_turn(cloud, monkeypatch):
    data = Data()
    sink = sink_for(cloud, every=1)
    sink._every = 0.02
    loop = SinkLoop(data, sink)
    turned = []
    data.control.watch(lambda: turned.append(data.control.on))
    cloud.pins["v0"] = "0.00000"
    loop.start()
    assert cloud.wait(lambda: turned == [False])
    data.control.on = True  # by a key
    count = len(cloud.asked)
    assert cloud.wait(lambda: len(cloud.asked) > count + 3)
    assert turned == [False, True]
    cloud.pins["v0"] = "1"
    count = len(cloud.asked)
    assert cloud.wait(lambda: len(cloud.asked) > count + 3)
    cloud.pins["v0"] = "0"
    assert cloud.wait(lambda: turned == [False, True, False])
    data.readings.close()
    data.done = True
    loop.join(PATIENCE)
    assert not loop.is_alive()


def test_the_switch_is_looked_at_no_oftener_than_asked_for(cloud):
    sink, waits = sink_for(cloud, every=7), []

    class Closed:
        def wait(self, seconds):
            waits.append((seconds, len(cloud.asked)))
            return len(waits) > 3

    sink._closed = Closed()
    sink._watch()
    assert waits == [(7, 0), (7, 1), (7, 2), (7, 3)]


def test_a_switch_that_was_never_set_turns_nothing(cloud):
    cloud.pins["v0"] = ""
    sink = sink_for(cloud, every=60)
    sink.open()
    sink.close()
    assert sink.control.on
    cloud.pins["v0"] = "0"
    sink._look()
    assert not sink.control.on


@pytest.mark.parametrize("first", ["the switch", "a label"])
def test_an_outage_is_warned_of_once_whoever_meets_it_first(cloud, caplog, first):
    data, sink = Patient(), sink_for(cloud)
    ends = iter((False, True))
    sink._closed.wait = lambda _seconds: next(ends)  # it checks once
    loop = SinkLoop(data, sink)
    sink._look()
    loop._opened = True
    cloud.trouble = (503, b"")

    def label():
        data.readings.publish(seen(0, p1="Sad"))
        loop.step()

    for step in (sink._watch, label) if first == "the switch" else (label, sink._watch):
        step()
    data.readings.close()
    (message,) = caplog.messages
    assert message.startswith({"the switch": "The switch of", "a label": "The sink blynk failed"}[first])


def test_a_wrong_token_ends_the_run_with_words_and_is_in_none_of_them(cloud, monkeypatch):
    secret = "Wrong_token-0123456789abcdefghij"
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", secret)
    sink = sink_for(cloud)
    loop = SinkLoop(Data(), sink)
    loop.start()
    loop.join(PATIENCE)
    error = loop.data.error[1]
    assert isinstance(error, BadInputError)
    assert re.match(
        r"Blynk at 127.0.0.1:\d+ answered 400: Invalid token\. Expected it to recognise", str(error)
    )
    assert "EXPRESSION_BLYNK_TOKEN" in error.remedy
    whole = "".join(traceback.format_exception(error)) + repr(sink) + repr(loop) + str(sink)
    assert secret not in whole


def test_a_wrong_pin_ends_the_run_too(cloud):
    loop = SinkLoop(Data(), sink_for(cloud, switch="v77"))
    loop.start()
    loop.join(PATIENCE)
    assert "answered 400: Wrong pin format." in str(loop.data.error[1])


def test_what_fails_after_it_has_worked_is_tried_again(cloud, caplog):
    data, sink = Patient(), sink_for(cloud)
    loop = SinkLoop(data, sink)
    loop.setup()
    for number, trouble in enumerate((None, refusal("Invalid token."), (503, b"<html>"), None)):
        cloud.trouble = trouble
        data.readings.publish(seen(2 * number, p1=("Happy", "Sad")[number % 2]))
        loop.step()
    data.readings.close()
    loop.teardown()
    assert data.error is None
    assert len(cloud.updates) == 3, "two labels, and the end"
    (message,) = caplog.messages
    assert "The sink blynk failed. Blynk at" in message


def test_a_redirect_is_not_followed_since_it_would_carry_the_token_elsewhere(cloud):
    cloud.trouble = (302, b"")
    with pytest.raises(RunError, match="answered 302: Found"):
        sink_for(cloud).open()
    assert len(cloud.asked) == 1


def test_an_answer_that_says_the_token_again_is_told_without_it(cloud):
    cloud.trouble = refusal(f"No device has {TOKEN}")
    with pytest.raises(BadInputError) as caught:
        sink_for(cloud).open()
    assert "No device has (the token)." in str(caught.value)


def test_a_switch_that_cannot_be_read_meanwhile_is_warned_of_once(cloud, caplog):
    sink = sink_for(cloud)
    sink.control, sink._every = Data().control, 0.01
    sink.open()
    cloud.trouble = (500, b"")
    count = len(cloud.asked)
    assert cloud.wait(lambda: len(cloud.asked) > count + 4)
    cloud.trouble = None
    cloud.pins["v0"] = "0"
    wait_for(lambda: not sink.control.on)  # it continues to check
    sink.close()
    (message,) = caplog.messages
    assert message.startswith("The switch of the sink blynk cannot be read and keeps its state. Blynk at")
    assert TOKEN not in message


def test_a_switch_that_is_no_number_is_told(cloud):
    cloud.pins["v0"] = "on"
    with pytest.raises(RunError, match=r"Blynk's v0 contains 'on'. Expected 0 or 1."):
        sink_for(cloud).open()


def test_without_a_network_it_is_tried_again_and_the_token_is_not_shown(caplog, monkeypatch):
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    caplog.set_level(logging.DEBUG)
    feed(Blynk(server=f"http://127.0.0.1:{port}"), seen(0, p1="Sad"))
    (message,) = caplog.messages
    assert f"Blynk at 127.0.0.1:{port} cannot be reached (Connection refused)" in message
    assert TOKEN not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("switch", ["v0", ""], ids=["at the switch", "at a label"])
def test_a_server_that_never_answers_delays_neither_readings_nor_the_stop(
    hanging, caplog, monkeypatch, switch
):
    monkeypatch.setattr(sink_loop, "FIRST_PAUSE", 0.1)
    memory = Memory()
    with Session(
        "demo", display="none", sinks=[memory, Blynk(switch=switch, settle=0, server=hanging)]
    ) as run:
        wait_for(lambda: caplog.messages and len(memory.readings) > 20)  # the wait for it was in vain
    check_not_delayed(run, memory, TIMEOUT)
    (message,) = caplog.messages
    assert "cannot be reached (timed out). Expected an answer within 3 s." in message


@pytest.mark.slow
def test_a_host_with_three_dead_addresses_takes_no_longer_than_one(dead, monkeypatch):
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", TOKEN)
    began = time.monotonic()
    with pytest.raises(RunError, match=r"cannot be reached \(timed out\)\. Expected an answer within 3 s\."):
        Blynk(server=f"http://localhost:{dead}").open()
    assert 2.9 < time.monotonic() - began < 3 * 3


def test_a_token_comes_from_a_file_that_only_its_owner_can_read(tmp_path, cloud, monkeypatch):
    path = tmp_path / "secrets"
    path.write_text(f"EXPRESSION_BLYNK_TOKEN={TOKEN}\n")
    path.chmod(0o600)
    monkeypatch.delenv("EXPRESSION_BLYNK_TOKEN")
    cloud.pins["v0"] = "0"
    sink = make_sink(f"blynk:secrets={path},server={cloud.address},every=60")
    sink.control = Data().control
    sink.open()
    sink.close()
    assert not sink.control.on
    path.chmod(0o640)
    with pytest.raises(BadInputError, match=rf"mode 640\). .* Run: chmod 600 {path}"):
        Blynk(secrets=str(path))


@pytest.mark.parametrize("token", [TOKEN, 10 * TOKEN], ids=["a name", "too long for one"])
def test_a_token_given_as_a_file_is_not_shown(token):
    with pytest.raises(MissingFileError) as caught:
        make_sink(f"blynk:secrets={token}")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert "not to be the secret itself" in caught.value.expected


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param("{}", r"Line 1 of .* Expected EXPRESSION_BLYNK_TOKEN=value\.", id="the token alone"),
        pytest.param("TOKEN={}", r"The sink blynk did not find EXPRESSION_BLYNK_TOKEN\.", id="another name"),
        pytest.param("EXPRESSION_BLYNK_TOKEN={}!", r"EXPRESSION_BLYNK_TOKEN is not a token\.", id="no token"),
    ],
)
def test_a_file_without_a_token_is_told_and_not_shown(tmp_path, line, error):
    path = tmp_path / "secrets"
    path.write_text(line.format(TOKEN))
    path.chmod(0o600)
    with pytest.raises(BadInputError, match=error) as caught:
        make_sink(f"blynk:secrets={path}")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_a_token_after_the_colon_is_not_shown():
    with pytest.raises(BadInputError, match=r"takes no value without a name\. .* A secret belongs") as caught:
        make_sink(f"blynk:{TOKEN}")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (400, "Expected it to recognise the token, and v0. Compare EXPRESSION_BLYNK_TOKEN"),
        (429, "Expected fewer messages than the plan allows. Check less often, for example with every=60."),
        (302, "Expected an answer, not a redirect. Leave out server, or use the one"),
        (500, "Expected it to carry out the request. Wait until it works again."),
    ],
)
def test_what_to_do_depends_on_what_blynk_answers(cloud, code, said):
    cloud.trouble = code, b""
    with pytest.raises((BadInputError, RunError)) as caught:
        Blynk(server=cloud.address)._look()
    assert said in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("value", ["", "  ", "two words", "a&v0=1", "ä"])
def test_a_token_that_is_none_is_told_and_not_shown(monkeypatch, value):
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", value)
    with pytest.raises(BadInputError, match="EXPRESSION_BLYNK_TOKEN") as caught:
        Blynk()
    assert not value.strip() or value not in str(caught.value)


def test_the_variable_of_the_token_is_no_setting():
    assert Settings.load(environ={"EXPRESSION_BLYNK_TOKEN": TOKEN}, folder="/nowhere") == Settings()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (
            f"switch={TOKEN}",
            "The option switch of the sink blynk has an invalid value. Expected a virtual pin such as v0, or",
        ),
        ("emoji=d5", "The option emoji of the sink blynk has an invalid value."),
        (
            "switch=v1",
            "The options switch and index of the sink blynk share the pin v1. Expected a separate pin for",
        ),
        ("index=V5,emoji=v5", "The options index and emoji of the sink blynk share the pin v5. "),
        (
            "switch=,index=,emoji=",
            "The sink blynk has no pins. Expected at least one. Remove one of these options to use its",
        ),
        ("every=0.5", "The option every of the sink blynk is 0.5. Expected 1 to 86400 seconds."),
        ("room=all", "The option room of the sink blynk is 'all'. Expected largest or mean."),
        ("server=http://blynk.cloud", "Expected only https://HOST, to which the token is sent."),
        (
            f"server=https://blynk.cloud/external/api/get?token={TOKEN}",
            "The option server of the sink blynk has an invalid value.",
        ),
    ],
)
def test_options_out_of_range_are_told(monkeypatch, option, words):
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", TOKEN)
    with pytest.raises(BadInputError) as caught:
        make_sink(f"blynk:{option}")
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_every_label_of_the_shipped_network_has_an_emoji():
    from expression.labels import FER2013

    assert list(blynk.EMOJI) == list(FER2013)


def test_a_reading_is_not_sent_where_nothing_is_to_be_shown(monkeypatch):
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", TOKEN)
    assert not Blynk(index="", emoji="").wants(reading())
