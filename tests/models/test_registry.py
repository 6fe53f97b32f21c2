"""Tests of the catalogue of optional models, with a real server on loopback."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading

import pytest
from parts import PATIENCE

from expression.errors import BadInputError, MissingFileError, OutputError, RunError
from expression.models import registry

CONTENT = b"a network, or as good as one" * 100


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the path asks for."""

    def do_GET(self):
        if self.path == "/hang":
            self.server.asked.set()
            self.server.released.wait(PATIENCE)
            return
        status, content = {"/right": (200, CONTENT), "/wrong": (200, b"something else")}.get(
            self.path, (404 if self.path == "/missing" else 503, b"")
        )
        self.server.requests += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Keeps quiet."""


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.asked, server.released = 0, threading.Event(), threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no folder named by the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(registry, "cache_folder", lambda: folder)
    monkeypatch.delenv("EXPRESSION_MODELS", raising=False)
    return folder


@pytest.fixture
def catalogue(monkeypatch):
    """Sets the catalogue to one model, served at an address of the test's."""

    def put(address):
        model = registry.Model("small.bin", address, hashlib.sha256(CONTENT).hexdigest(), "a test", "MIT")
        monkeypatch.setattr(registry, "CATALOGUE", {"small": model})

    put("http://127.0.0.1:1/never")
    return put


def address(server, path):
    return f"http://127.0.0.1:{server.server_address[1]}/{path}"


def files(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.is_dir() else []


@pytest.mark.slow
def test_a_model_is_fetched_once(server, cache, catalogue):
    catalogue(address(server, "right"))
    path = registry.get("small")
    assert path == cache / "small.bin"
    assert path.read_bytes() == CONTENT
    assert registry.get("small") == path
    assert server.requests == 1
    assert files(cache) == ["small.bin"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "text"),
    [("wrong", "different SHA-256"), ("missing", "answered 404"), ("broken", "answered 503")],
    ids=["wrong content", "404", "503"],
)
def test_a_failed_download_is_named_and_leaves_nothing(server, cache, catalogue, path, text):
    catalogue(address(server, path))
    with pytest.raises(RunError, match=text) as caught:
        registry.get("small")
    assert "EXPRESSION_MODELS" in str(caught.value)
    assert files(cache) == []


@pytest.mark.slow
def test_a_silent_server_is_given_up_after_the_timeout(server, cache, catalogue, monkeypatch):
    monkeypatch.setattr(registry, "TIMEOUT", 0.2)
    catalogue(address(server, "hang"))
    with pytest.raises(RunError, match=r"did not answer for 0\.2 s"):
        registry.get("small")
    assert server.asked.is_set()
    assert files(cache) == []


def test_no_network_is_said_in_one_sentence(cache, catalogue):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    catalogue(f"http://127.0.0.1:{port}/right")
    with pytest.raises(RunError, match="cannot be reached"):
        registry.get("small")


def test_an_unknown_name_is_answered_with_the_known_ones(cache):
    with pytest.raises(
        BadInputError, match=r"no model 'yunnet'\. Expected one of yunet\. Did you mean yunet\?"
    ):
        registry.get("yunnet")


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_named(server, cache, catalogue):
    catalogue(address(server, "right"))
    cache.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cache cannot be written"):
        registry.get("small")


@pytest.mark.slow
def test_a_wrong_file_in_the_cache_is_replaced(server, cache, catalogue):
    catalogue(address(server, "right"))
    cache.mkdir()
    (cache / "small.bin").write_bytes(b"half of it")
    assert registry.get("small").read_bytes() == CONTENT


def test_the_named_folder_is_looked_in_first(cache, catalogue, tmp_path, monkeypatch):
    named = tmp_path / "named ünd other"
    for folder in (named, cache):
        folder.mkdir()
        (folder / "small.bin").write_bytes(CONTENT)
    assert registry.find("small.bin") == cache / "small.bin"
    monkeypatch.setenv("EXPRESSION_MODELS", str(named))
    assert registry.find("small.bin") == named / "small.bin"


def test_a_file_with_the_wrong_content_is_passed_over(cache, catalogue, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPRESSION_MODELS", str(tmp_path))
    (tmp_path / "small.bin").write_bytes(b"not it")
    assert registry.find("small.bin") is None
    with pytest.raises(MissingFileError, match=r"is not the file of small: its SHA-256 is different"):
        registry.require("small")


def test_a_file_that_is_in_no_catalogue_is_found_as_it_is(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPRESSION_MODELS", str(tmp_path))
    (tmp_path / "mine.tflite").write_bytes(b"mine")
    assert registry.find("mine.tflite") == tmp_path / "mine.tflite"


def test_a_missing_model_is_told_with_the_remedy(cache):
    with pytest.raises(MissingFileError, match=r"was not found\..*Run: expression models get yunet"):
        registry.require("yunet")


@pytest.mark.slow
def test_the_listing_says_where_each_model_is(server, cache, catalogue):
    catalogue(address(server, "right"))
    assert "not downloaded: expression models get small" in registry.listing()[0]
    registry.get("small")
    line = registry.listing()[0]
    assert line.startswith("small")
    assert "MIT" in line
    assert line.endswith(str(cache / "small.bin"))


@pytest.mark.slow
def test_a_server_that_sends_without_end_is_cut_off(server, cache, catalogue, monkeypatch):
    monkeypatch.setattr(registry, "LARGEST", 1000)
    catalogue(address(server, "right"))
    with pytest.raises(RunError, match="sent a file with a different SHA-256, which was deleted"):
        registry.get("small")
    assert not [path for path in cache.rglob("*") if path.is_file()]
