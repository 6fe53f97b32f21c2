"""The broker of lesson 10: it starts, hears in order, and says what is missing."""

from __future__ import annotations

import os

import pytest

from expression.errors import MissingPackageError, RunError
from expression.teaching import local_broker
from expression.teaching.local_broker import PracticeBroker

NEEDS = "needs mosquitto (Debian: apt install mosquitto)"


@pytest.fixture(autouse=True)
def _paho():
    pytest.importorskip("paho.mqtt.client")


@pytest.mark.skipif(local_broker.PROGRAM is None, reason=NEEDS)
def test_what_is_said_is_heard_in_order_to_the_last_word():
    broker = PracticeBroker()
    said = [("expression/mood", str(number)) for number in range(50)]
    for topic, text in said:
        broker.say(topic, text)
    broker.say("somebody/else", "is not followed")
    broker.stop()
    assert broker.heard == said
    assert broker._process.poll() is not None
    broker.stop()


@pytest.mark.slow
@pytest.mark.skipif(local_broker.PROGRAM is None, reason=NEEDS)
def test_a_broker_that_has_ended_is_told(monkeypatch):
    monkeypatch.setattr(local_broker, "SECONDS", 2.0)
    broker = PracticeBroker()
    broker._process.kill()
    broker._process.wait()
    words = r"does not answer at port \d+\. Expected an answer within 2 s\. Start again"
    with pytest.raises(RunError, match=words):
        broker.stop()
    broker.stop()


@pytest.mark.skipif(local_broker.PROGRAM is None, reason=NEEDS)
def test_what_interrupts_a_cell_does_not_end_it():
    broker = PracticeBroker()
    assert os.getpgid(broker._process.pid) != os.getpgid(0)
    broker.stop()


def test_without_mosquitto_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(local_broker, "PROGRAM", None)
    with pytest.raises(MissingPackageError, match=r"needs Mosquitto.* Expected .* apt-get install mosquitto"):
        PracticeBroker()


def test_a_program_that_ends_at_once_is_told(monkeypatch):
    monkeypatch.setattr(local_broker, "PROGRAM", "false")
    with pytest.raises(
        RunError, match=r"does not answer at port \d+.* Expected .* Check its output: false -p"
    ):
        PracticeBroker()
