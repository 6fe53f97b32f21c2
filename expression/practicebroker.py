"""A broker to practise with: a real Mosquitto on this machine alone, and somebody who follows what is said.

Lesson 09 plays Home Assistant with it. It ends with the program that started it.

Notebook: 09_reactions
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import threading
import time

from .errors import MissingPackageError, RunError, missing_package

PLACES = [*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
PROGRAM = shutil.which("mosquitto", path=os.pathsep.join(PLACES))
"""Where Mosquitto is, often among the programs of administrators; None where it is not installed."""

SECONDS = 10.0
"""How long it may take to start, and to answer."""

LAST = "practice/last"
"""The topic of the message with which a follower knows that it has heard all before it."""


class PracticeBroker:
    """A broker, and somebody who follows the topics of this package there.

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
        self._ready.wait(SECONDS)

    def say(self, topic: str, text: str) -> None:
        """Publishes a text, as Home Assistant would."""
        self._client.publish(topic, text, qos=1).wait_for_publish(SECONDS)

    def stop(self) -> None:
        """Waits until all that was said is heard, and ends the broker; once is enough."""
        if self._process.poll() is None:
            self.say(LAST, "")
            self._last.wait(SECONDS)
        self._client.disconnect()
        self._client.loop_stop()
        _end(self._process)

    def _hear(self, _client: object, _data: object, message) -> None:
        if message.topic == LAST:
            self._last.set()
        else:
            self.heard.append((message.topic, message.payload.decode()))


def free_port() -> int:
    """Returns a port of this machine at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _start(port: int) -> subprocess.Popen:
    """Starts Mosquitto and waits until it answers; without a file of settings it hears this machine alone."""
    if PROGRAM is None:
        raise MissingPackageError(
            "The practice broker needs Mosquitto, which is not installed.",
            "Expected the program mosquitto on this machine.",
            "On Debian and Ubuntu: sudo apt-get install mosquitto; elsewhere see https://mosquitto.org/download/.",
        )
    process = subprocess.Popen([PROGRAM, "-p", str(port)], stderr=subprocess.DEVNULL)
    atexit.register(_end, process)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.02)
    _end(process)
    raise RunError(
        f"The practice broker does not answer at port {port}.",
        f"Expected Mosquitto to start within {SECONDS:g} s.",
        f"See what it says: {PROGRAM} -p {port}",
    )


def _end(process: subprocess.Popen) -> None:
    """Ends a program, if it has not ended."""
    process.kill()
    process.wait()
