"""A real MQTT broker on a free port of this machine, and somebody who listens to everything there."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import processes
import pytest
from parts import PATIENCE

from expression.teaching.local_broker import PROGRAM, free_port, wait_until_it_answers


class Broker:
    """Mosquitto with a configuration of its own; `lines` are added to it."""

    def __init__(self, folder: Path, *lines: str):
        if PROGRAM is None:
            pytest.skip("needs mosquitto (Debian: apt install mosquitto)")
        self.port = free_port()
        self._file = folder / "mosquitto.conf"
        anonymous = (
            [] if any(line.startswith("password_file") for line in lines) else ["allow_anonymous true"]
        )
        # As root it would become another user, who cannot read the folder.
        head = ["user root", f"listener {self.port} 127.0.0.1", *anonymous]
        self._file.write_text("\n".join([*head, *lines, ""]))
        self._process = None
        try:
            self.start()
        except BaseException:
            self.kill()
            raise

    def start(self) -> None:
        self._process = processes.start([PROGRAM, "-c", self._file], stderr=subprocess.DEVNULL)
        wait_until_it_answers(self._process, self.port)

    def kill(self) -> None:
        processes.end(self._process)

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *_) -> None:
        self.kill()


class Listener:
    """Hears every message, in order, and waits for those that a test expects."""

    def __init__(self, port: int, user: str | None = None, password: str | None = None):
        from paho.mqtt import client as paho

        self.heard: list[tuple[str, str, bool]] = []  # topic, text, whether the broker had kept it
        self._news, self._ready = threading.Condition(), threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.username_pw_set(user, password)
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._hear
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._ready.wait(PATIENCE)

    def _hear(self, _client, _data, message) -> None:
        with self._news:
            self.heard.append((message.topic, message.payload.decode(), message.retain))
            self._news.notify_all()

    def wait(self, topic: str, text: str | None = None, seconds: float = PATIENCE, since: int = 0) -> str:
        """Waits until something is heard there, with this text if one is given; returns the text."""

        def found():
            return [t for name, t, _ in self.heard[since:] if name == topic and text in (None, t)]

        with self._news:
            assert self._news.wait_for(found, seconds), f"not heard: {topic} {text}; heard {self.heard[-20:]}"
            return found()[-1]

    def say(self, topic: str, text: str, retain: bool = False) -> None:
        self.client.publish(topic, text, qos=1, retain=retain).wait_for_publish(PATIENCE)

    def all(self, topic: str) -> list[str]:
        """What was heard there, in order."""
        with self._news:
            return [text for name, text, _ in self.heard if name == topic]

    def now(self) -> int:
        with self._news:
            return len(self.heard)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    """A broker that takes anybody."""
    (tmp_path / "broker").mkdir()
    with Broker(tmp_path / "broker") as one:
        yield one


@pytest.fixture
def listener(broker):
    """Somebody who hears everything that is said at the broker."""
    one = Listener(broker.port)
    yield one
    one.close()
