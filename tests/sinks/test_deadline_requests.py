"""Sessions of requests keep to one deadline, however slowly an answer comes."""

from __future__ import annotations

import http.server
import threading
import time

import pytest
from parts import PATIENCE
from strictbridge import make_certificate
from trickle import ANSWER, trickling

from expression.deadline import Deadline
from expression.sinks._deadline_requests import deadline_session

requests = pytest.importorskip("requests", reason="needs requests, which firebase-admin brings")

unverified = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(autouse=True)
def directly(monkeypatch):
    """There is no proxy in between."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.slow
@unverified
@pytest.mark.parametrize("head", [b"", ANSWER[:-2]], ids=["all of it", "its body"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_that_comes_a_byte_at_a_time_is_given_up(scheme, head, tmp_path):
    certificate = make_certificate(tmp_path, "127.0.0.1") if scheme == "https" else None
    deadline = Deadline(0.6)
    with (
        trickling(certificate, head, 0.4 if head else 0.1) as address,
        deadline_session(lambda: deadline) as session,
    ):
        began = time.monotonic()
        with pytest.raises(requests.RequestException, match="timed out"):
            session.get(address, verify=False)
        assert time.monotonic() - began < len(ANSWER) * 0.1, "the whole answer takes that long"


@unverified
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_that_is_slow_but_in_time_is_read(scheme, tmp_path):
    certificate = make_certificate(tmp_path, "127.0.0.1") if scheme == "https" else None
    deadline = Deadline(PATIENCE)
    with trickling(certificate, between=0.01) as address, deadline_session(lambda: deadline) as session:
        assert session.get(address, verify=False).text == "hi"


def test_a_certificate_that_nobody_vouches_for_is_still_refused(tmp_path):
    deadline = Deadline(PATIENCE)
    with (
        trickling(make_certificate(tmp_path, "127.0.0.1")) as address,
        deadline_session(lambda: deadline) as session,
        pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        session.get(address)


@pytest.mark.slow
def test_a_connection_that_is_kept_has_the_deadline_of_each_request():
    ports = []

    class Door(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            ports.append(self.client_address[1])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def log_message(self, *_):
            """Prints nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    deadline = Deadline(2)
    with deadline_session(lambda: deadline) as session:
        address = f"http://127.0.0.1:{server.server_port}/"
        assert session.get(address).text == "hi"
        time.sleep(deadline.left() + 0.1)
        deadline = Deadline(PATIENCE)
        assert session.get(address).text == "hi"
        assert len(set(ports)) == 1
    server.shutdown()
    thread.join()
    server.server_close()
