"""A broker to practise with: a real Mosquitto for this machine only, and a client that records messages.

Lesson 10 plays Home Assistant with it. It ends, at the latest, with the program that started it.

Notebook: 10_reactions
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from ..errors import MissingPackageError, RunError, missing_package

PLACES = [*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
PROGRAM = shutil.which("mosquitto", path=os.pathsep.join(PLACES))
"""Where Mosquitto is, often among the system programs; None if it is not installed."""

SECONDS = 10.0
"""How long it may take to start, and to answer."""

LAST = "practice/last"
"""The topic of a last message, which shows that all messages before it were received."""


class PracticeBroker:
    """A broker, and a client that follows the topics of this package.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        heard: (topic, text) of each message, in order.

    Raises:
        MissingPackageError: Mosquitto or paho-mqtt is not installed.
        RunError: The broker does not start.
    """

    def __init__(self):
        try:
            from paho.mqtt import client as paho
        except ImportError as error:
            raise missing_package("The practice broker", "paho-mqtt", "mqtt") from error
        self.heard: list[tuple[str, str]] = []
        self.port = free_port()
        self._process = _start(self.port)
        self._ready, self._last = threading.Event(), threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe([("expression/#", 1), (LAST, 1)])
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        if not self._ready.wait(SECONDS):
            self._end()
            raise self._silent()

    def say(self, topic: str, text: str) -> None:
        """Publishes a text, as Home Assistant would.

        Raises:
            RunError: The broker does not accept it.
        """
        said = self._client.publish(topic, text, qos=1)
        try:
            said.wait_for_publish(SECONDS)
            taken = said.is_published()
        except (RuntimeError, ValueError):  # it is not connected, or its queue is full
            taken = False
        if not taken:
            raise self._silent()

    def stop(self) -> None:
        """Waits until all messages were received, and ends the broker; can be called again without harm.

        Raises:
            RunError: The broker ended earlier, so messages may be missing in `heard`.
        """
        if self._client is None:
            return
        try:
            self.say(LAST, "")
            if not self._last.wait(SECONDS):
                raise self._silent()
        finally:
            self._end()

    def _end(self) -> None:
        client, self._client = self._client, None
        client.disconnect()
        client.loop_stop()
        _kill(self._process)

    def _silent(self) -> RunError:
        return RunError(
            f"The practice broker does not answer at port {self.port}.",
            f"Expected an answer within {SECONDS:g} s.",
            "Start again with a new one.",
        )

    def _hear(self, _client: object, _data: object, message) -> None:
        if message.topic == LAST:
            self._last.set()
        else:
            self.heard.append((message.topic, message.payload.decode(errors="replace")))


def free_port() -> int:
    """Returns a free port of this machine.

    It is below the ports that systems use for outgoing connections, which may connect to themselves.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)  # a seeded one would repeat its ports
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def wait_until_it_answers(process: subprocess.Popen, port: int) -> None:
    """Waits until a broker that was started accepts connections.

    Raises:
        RunError: It ends first, or accepts none in time.
    """
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RunError(
        f"The practice broker does not answer at port {port}.",
        f"Expected Mosquitto to start within {SECONDS:g} s.",
        f"Check its output: {PROGRAM} -p {port}",
    )


def _start(port: int) -> subprocess.Popen:
    """Starts Mosquitto for this machine only, and waits until it answers."""
    if PROGRAM is None:
        raise MissingPackageError(
            "The practice broker needs Mosquitto, which is not installed.",
            "Expected the program mosquitto on this machine.",
            "On Debian and Ubuntu: sudo apt-get install mosquitto; elsewhere see https://mosquitto.org/download/.",
        )
    with tempfile.TemporaryDirectory() as folder:  # the settings are read once
        settings = Path(folder, "mosquitto.conf")
        settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        # Its own session, so that interrupting a notebook cell does not end it.
        words = [PROGRAM, "-c", str(settings)]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL, start_new_session=True)
        atexit.register(_kill, process)
        try:
            wait_until_it_answers(process, port)
        except RunError:
            _kill(process)
            raise
    return process


def _kill(process: subprocess.Popen) -> None:
    """Ends a process, if it has not ended."""
    process.kill()
    process.wait()
