"""Answers from the network that are too large, too deep, malformed or damaged."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import socket
import threading

import pytest
from cloud import TOKEN
from damage import damaged_text
from readings import reading

from expression.control import Control
from expression.deadline import MOST_BYTES, AnswerTooLargeError, Deadline, deadline_connection
from expression.errors import DAMAGE, ExpressionError, RunError
from expression.lights.bridge import BridgeError, Transport
from expression.sinks import firebase
from expression.sinks.blynk import Blynk
from expression.sinks.firebase import Firebase

DEEP, DIGITS = "[" * 100_000, "9" * 100_000


def http(body: bytes | str, status: str = "200 OK", head: str = "", length: bool = True) -> bytes:
    body = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    size = f"Content-Length: {len(body)}\r\n" if length else ""
    return f"HTTP/1.1 {status}\r\n{size}{head}Connection: close\r\n\r\n".encode() + body


class Raw:
    """Says the bytes of `answers`, one after the other and the last again and again, to whoever asks."""

    def __init__(self, *answers: bytes):
        self.answers, self.asked = list(answers), threading.Semaphore(0)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, name="raw server")
        self._thread.start()

    def _listen(self):
        while True:
            try:
                one, _ = self._server.accept()
            except OSError:
                return
            with one, contextlib.suppress(OSError):
                one.settimeout(5)
                one.recv(65_536)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    one.sendall(piece)
                one.shutdown(socket.SHUT_WR)
                while one.recv(65_536):
                    pass
            self.asked.release()

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)


class Endless:
    """An answer that never ends."""

    def __iter__(self):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 3000000000\r\n\r\n"
        yield from itertools.repeat(b"[" * 65_536)


STRANGE = {
    "deep nesting": http(DEEP),
    "deep nesting of an error": http('{"error":' * 800 + "1" + "}" * 800, "400 Bad Request"),
    "an error that is a list": http("[[[[]]]]", "400 Bad Request"),
    "an error of numbers": http('{"error": {"message": 5}}', "500 Internal Server Error"),
    "an error whose message nests": http('{"error":{"message":' + "[" * 900 + "]" * 900 + "}}", "500 Error"),
    "an error without words": http(b"", "403 Forbidden"),
    "digits": http(DIGITS),
    "infinity": http("Infinity"),
    "minus infinity": http('["-inf"]'),
    "no number": http("NaN"),
    "too large a number": http("1e999"),
    "a table": http('{"v0": 1}'),
    "true": http("true"),
    "null": http("null"),
    "nulls": http("\0" * 100),
    "UTF-16": http("1".encode("utf-16")),
    "surrogates": http('"\\ud800"'),
    "raw surrogates": http("\ud800"),
    "escape codes": http("\x1b[2J\x1b]0;title\x07"),
    "a web page": http("<html>Please log in</html>"),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "no status": b"HTTP/1.1 abc\r\n\r\n",
    "a long status": b"HTTP/1.1 200 " + b"x" * 100_000,
    "a long header": http("1", head=f"X-Long: {'x' * 100_000}\r\n"),
    "thousands of headers": http("1", head="X-Many: 1\r\n" * 5000),
    "a negative length": http("1", head="Content-Length: -5\r\n", length=False),
    "a length of many digits": http("1", head=f"Content-Length: {'9' * 5000}\r\n", length=False),
    "chunks that are none": http("zz\r\n1\r\n", head="Transfer-Encoding: chunked\r\n", length=False),
    "a chunk of many digits": http("f" * 9000 + "\r\n1", head="Transfer-Encoding: chunked\r\n", length=False),
    "continues for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000,
    "a redirect": http("", "302 Found", head="Location: http://127.0.0.1:9/\r\n"),
    "a redirect to a file": http("", "301 Moved", head="Location: file:///etc/passwd\r\n"),
    "nothing at all": b"",
}  # fmt: skip


@pytest.fixture
def blynk(monkeypatch):
    """Creates a sink that polls an address quickly."""
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", TOKEN)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def make(address: str) -> Blynk:
        sink = Blynk(server=address, emoji="")
        sink._every = 0.02
        sink.control = Control(("Happy", "Sad"))
        return sink

    return make


@pytest.mark.parametrize("said", STRANGE.values(), ids=STRANGE)
def test_a_switch_that_is_answered_strangely_goes_on_being_looked_at(blynk, said, caplog, recwarn):
    with Raw(http("1"), said, said, http("0")) as server:
        sink = blynk(server.address)
        turned = threading.Event()
        sink.control.watch(turned.set)
        sink.open()
        assert turned.wait(15)
        assert sink._watcher.is_alive()
        sink.close()
    assert not sink.control.on
    assert all(message.isprintable() and len(message) < 700 for message in caplog.messages)
    assert TOKEN not in caplog.text
    assert not recwarn


@pytest.mark.parametrize("said", STRANGE.values(), ids=STRANGE)
def test_a_strange_answer_at_the_start_or_to_a_label_is_one_error(blynk, said):
    with Raw(said) as server:
        sink = blynk(server.address)
        with contextlib.suppress(ExpressionError):
            sink._look()
        with contextlib.suppress(ExpressionError):
            sink.send(reading())


def test_an_endless_answer_is_cut_off(blynk):
    with Raw(Endless()) as server:
        sink = blynk(server.address)
        with pytest.raises(RunError, match=r"Blynk's v0 contains '\[\["):
            sink._look()


def test_a_bridge_that_answers_without_end_is_an_error_and_little_is_kept():
    with (
        Raw(Endless()) as server,
        contextlib.closing(Transport(server.address, timeout=10)) as transport,
        pytest.raises(BridgeError) as caught,
    ):
        transport.call("GET", "/api/config")
    assert "10" not in caught.value.happened.split("(")[-1], "it is no timeout"


def test_a_conversation_is_limited_from_one_exchange_to_the_next():
    with Raw(Endless()) as server:
        host, port = server.address.removeprefix("http://").split(":")
        connection = deadline_connection(host, int(port), Deadline(20))
        with connection:
            connection.sendall(b"hello")
            room = bytearray(100_000)
            connection.deadline = Deadline(20)
            for _ in range(5):
                connection.recv_into(room)
            connection.deadline = Deadline(20)
            got = 0
            with pytest.raises(AnswerTooLargeError, match="more than 8,000,000 bytes were received"):
                while True:
                    got += connection.recv_into(room)
            assert MOST_BYTES - len(room) < got <= MOST_BYTES


def damaged(number: int) -> bytes:
    """An answer from Blynk with some bytes changed, left out or doubled."""
    chance = random.Random(number)
    good = (
        http("1"),
        http('["0"]'),
        http("255"),
        http('{"error":{"message":"Invalid token."}}', "400 Bad Request"),
        http("3\r\n[1]\r\n0\r\n\r\n", head="Transfer-Encoding: chunked\r\n", length=False),
    )
    return damaged_text(chance.choice(good), chance)


def look_at_damaged(blynk, numbers) -> None:
    outcomes = {True: 0, False: 0}
    with Raw(b"") as server:
        for number in numbers:
            server.answers = [damaged(number)]
            sink = blynk(server.address)
            try:
                sink._look()
                outcomes[True] += 1
            except ExpressionError:
                outcomes[False] += 1
    assert min(outcomes.values()) > len(numbers) / 20, outcomes


def test_a_damaged_answer_is_read_or_is_one_error(blynk):
    look_at_damaged(blynk, range(300))


@pytest.mark.slow
def test_thousands_of_damaged_answers_are_read_or_are_one_error(blynk):
    look_at_damaged(blynk, range(300, 3000))


# Google's storage.


@pytest.fixture
def google(monkeypatch):
    pytest.importorskip("firebase_admin", reason="needs firebase-admin")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(firebase, "TIMEOUT", 10.0)

    def make(address: str, credentials: str = "") -> Firebase:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        sink = Firebase("a-bucket", credentials)
        sink.control = Control(("Happy", "Sad"))
        return sink

    return make


@pytest.mark.parametrize("said", STRANGE.values(), ids=STRANGE)
def test_a_storage_that_answers_strangely_is_one_error(google, said, monkeypatch):
    import numpy as np

    from expression.types import Frame

    with Raw(said) as server:
        sink = google(server.address)
        sink.open()
        sink.frame = Frame(np.zeros((120, 160, 3), np.uint8), 0, 0.0, 0.0)
        with contextlib.suppress(ExpressionError):
            sink.send(reading())
        sink.close()


@pytest.mark.slow
@pytest.mark.parametrize("said", STRANGE.values(), ids=STRANGE)
def test_a_login_that_is_answered_strangely_is_one_error(google, said, key):
    with Raw(said) as server:
        sink = google("http://127.0.0.1:9", key(server.address))
        with pytest.raises(ExpressionError):
            sink.open()
        sink.close()


KEYS = {
    "deep nesting": DEEP,
    "digits": f'{{"type": {DIGITS}}}',
    "a list": "[]",
    "a word": '"key"',
    "null": "null",
    "nulls": "\0",
    "infinity": '{"type": Infinity}',
    "wrong types": json.dumps(
        {"type": "service_account", "private_key": 5, "client_email": [], "token_uri": {}}
    ),
    "surrogates": '{"type": "\\ud800"}',
    "empty": "",
    "huge": " " * 3_000_000 + "{}",
}


@pytest.mark.parametrize("content", KEYS.values(), ids=KEYS)
def test_a_key_of_google_with_something_else_in_it_is_one_error(google, tmp_path, content):
    (tmp_path / "key.json").write_text(content, "utf-8")
    with pytest.raises(ExpressionError, match="is not the key of a service account"):
        google("http://127.0.0.1:9", str(tmp_path / "key.json")).open()


def test_the_one_guard_knows_what_readers_raise_for_hostile_input():
    for kind in (
        MemoryError,
        OverflowError,
        RecursionError,
        UnicodeDecodeError,
        AnswerTooLargeError,
        ZeroDivisionError,
    ):
        assert issubclass(kind, DAMAGE)
