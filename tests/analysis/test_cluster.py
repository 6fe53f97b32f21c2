"""A cluster of other processes gives the rows of one machine, also when one of them is lost."""

from __future__ import annotations

import os
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from media import write_clip
from processes import end, start

from expression.analysis import cluster as module
from expression.analysis.analyzer import FOUND_WITH, Analyzer, Faces
from expression.analysis.cluster import Cluster
from expression.analysis.cluster_worker import piece
from expression.analysis.recordings import Recording
from expression.analysis.run import analyze
from expression.errors import BadInputError, MissingFileError, MissingPackageError, RunError
from expression.settings import Settings
from expression.sources.demo import Demo

SETTINGS = Settings(detector="whole")
PAIRS = tuple((name, getattr(SETTINGS, name)) for name in ("model", *FOUND_WITH))


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Forty frames of the demo, close to the face."""
    demo = Demo()
    demo.open()
    faces = [demo.picture(number)[60:380, 160:480] for number in range(0, 160, 4)]
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", len(faces), fps=25, pictures=faces)


@pytest.fixture(scope="module")
def network() -> str:
    return Analyzer(SETTINGS).network


def everything(path: Path, every: int = 1) -> list[Faces]:
    recording = Recording(path, every)
    recording.open()
    found = list(Analyzer(SETTINGS).faces(recording.frames()))
    recording.close()
    return found


def same(one: list[Faces], other: list[Faces]) -> bool:
    return [each.number for each in one] == [each.number for each in other] and all(
        a.position == b.position and np.array_equal(a.boxes, b.boxes) and np.array_equal(a.scores, b.scores)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5, 6), (6, 0, 3, 1, 2, 5, 4)])
def test_pieces_in_any_order_are_the_whole(clip, network, every, order):
    found = {n: piece(str(clip), PAIRS, network, every, n * 6, n * 6 + 6) for n in order}
    joined = [faces for n in sorted(found) for faces in found[n].faces]
    assert same(joined, everything(clip, every))
    ended = [found[n].ended for n in sorted(found)]
    assert ended == [n * 6 + 6 > len(joined) for n in sorted(found)]


def test_a_later_piece_continues_where_the_one_before_ended(clip, network, monkeypatch):
    opened, open_ = [], Recording.open
    monkeypatch.setattr(Recording, "open", lambda self: (opened.append(self.path), open_(self)))
    for first in (0, 5, 20):
        piece(str(clip), PAIRS, network, 1, first, first + 5)
    assert len(opened) == 1


def test_what_is_reported_about_a_recording_comes_back(tmp_path, network):
    path = write_clip(tmp_path / "clip.avi", 40, fps=25)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    warnings = piece(str(path), PAIRS, network, 1, 0, 100).warnings
    assert any("clip.avi ends early" in warning for warning in warnings)


def test_a_worker_with_something_else_is_named(clip, network):
    with pytest.raises(BadInputError, match=r"has the network .*Expected other\.tflite"):
        piece(str(clip), PAIRS, "other.tflite 123", 1, 0, 5)
    with pytest.raises(MissingFileError, match=r"has no file .*none\.mp4.*same absolute paths"):
        piece(str(clip.with_name("none.mp4")), PAIRS, network, 1, 0, 5)


def test_no_secret_is_sent():
    assert set(dict(PAIRS)) == {"model", "detector", "people", "smallest_face", "eyes", "sensitivity"}


def test_without_the_package_it_is_named(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(MissingPackageError, match=r'pip install -e "\.\[cluster\]"'):
        analyze([clip], tmp_path / "out.csv", SETTINGS, cluster="tcp://127.0.0.1:9")


needs_dask = pytest.mark.skipif(
    not __import__("importlib.util").util.find_spec("distributed"), reason="dask is not installed"
)


IMPATIENT = """
import sys
from expression.analysis import cluster
from expression.cli import app
cluster.SECONDS = 1
sys.exit(app.main(sys.argv[1:]))
"""


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@needs_dask
@pytest.mark.parametrize(
    "address", ["", "x", "tcp://", "tcp://:1", "tcp://host", "http://host:8786", "a b:1"]
)
def test_what_is_no_address_is_refused(clip, tmp_path, address):
    with pytest.raises(BadInputError, match=r"Expected the address of a Dask scheduler"):
        Cluster(address, None, 1)


@needs_dask
@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{}", "127.0.0.1:{}", "tcp://127.0.0.1:99999"])
def test_an_address_without_a_cluster_is_an_error(clip, tmp_path, address):
    address = address.format(free_port())
    words = ["analyze", clip, "--out", tmp_path / "out.csv", "--detector", "whole", "--dask", address]
    program = [sys.executable, "-c", IMPATIENT, *words]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"No cluster answers at {address}." in done.stderr
    assert "Traceback" not in done.stderr


class Stranger(socketserver.BaseRequestHandler):
    """Another kind of server: says something, or repeats what it hears, and then waits until it is left."""

    def handle(self) -> None:
        self.request.sendall(self.server.greeting)
        while heard := self.request.recv(1000):
            if self.server.repeats:
                self.request.sendall(heard)


@pytest.mark.slow
@needs_dask
@pytest.mark.parametrize(
    ("greeting", "repeats"),
    [
        pytest.param(b"", False, id="silent"),
        pytest.param(b"", True, id="repeats what it hears"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", False, id="a web server"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", False, id="an SSH server"),
        pytest.param(struct.pack("<QQQ", 2**44, 1, 2**43), False, id="announces terabytes"),
        pytest.param(bytes(64), False, id="zeros"),
    ],
)
def test_another_kind_of_server_is_no_cluster(monkeypatch, greeting, repeats):
    monkeypatch.setattr(module, "SECONDS", 1)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stranger) as server:
        server.daemon_threads, server.greeting, server.repeats = True, greeting, repeats
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address, began = f"tcp://127.0.0.1:{server.server_address[1]}", time.monotonic()
        with pytest.raises(RunError) as failed:
            Cluster(address, None, 1)
        server.shutdown()
    assert time.monotonic() - began < 30
    assert failed.value.happened == f"No cluster answers at {address}."
    assert failed.value.expected == "Expected the address of a Dask scheduler."
    assert failed.value.remedy.startswith("Start one with dask scheduler")


def dask(kind: str, *words: str):
    """Starts a scheduler or a worker."""
    quiet = {"DASK_LOGGING__DISTRIBUTED": "error"}
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words, "--host", "127.0.0.1"]
    return start([*command, "--no-dashboard"], env=os.environ | quiet)


class Scheduler(NamedTuple):
    address: str
    process: subprocess.Popen


@pytest.fixture
def scheduler():
    """A scheduler without workers."""
    port = free_port()
    process = dask("scheduler", "--port", str(port))
    yield Scheduler(f"tcp://127.0.0.1:{port}", process)
    end(process)


@pytest.fixture
def workers(scheduler, tmp_path):
    """Three worker processes, which keep their own files in a folder of the test."""
    options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "dask"))
    processes = [dask("worker", scheduler.address, *options) for _ in range(3)]
    yield processes
    for process in processes:
        end(process)


@needs_dask
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_three_workers_of_which_one_is_lost_give_the_same_rows(
    clip, tmp_path, scheduler, workers, monkeypatch
):
    monkeypatch.setattr(module, "SECONDS", 60)
    monkeypatch.setattr(module, "LENGTH", 7)
    from dask.distributed import Client

    with Client(scheduler.address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(3, 60)
    clips = [clip, clip.with_name("2.mp4"), clip.with_name("3.mp4")]
    for path in clips[1:]:
        path.write_bytes(clip.read_bytes())
    (broken := clip.with_name("4.mp4")).write_text("no video")
    analyze([*clips, broken], tmp_path / "alone.csv", SETTINGS)
    done = 0

    def advance(path, number, count):
        nonlocal done
        done += 1
        if done == 50:
            workers[0].kill()
            workers[0].wait()

    out, address = tmp_path / "out.csv", scheduler.address
    result = analyze([*clips, broken], out, SETTINGS, cluster=address, advance=advance)
    assert workers[0].returncode == -9
    assert done == 120
    assert result.done == clips
    assert [path for path, _ in result.failed] == [broken]
    assert out.read_bytes() == (tmp_path / "alone.csv").read_bytes()


class Stopped(Exception):
    """Stands in for Ctrl-C."""


@needs_dask
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_what_is_known_is_not_computed_again(clip, tmp_path, scheduler, workers, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 60)
    monkeypatch.setattr(module, "LENGTH", 7)
    other = clip.with_name("2.mp4")
    other.write_bytes(clip.read_bytes())
    analyze([clip, other], tmp_path / "alone.csv", SETTINGS)

    def stop(path, number, count):
        if path == other and number == 10:
            raise Stopped

    with pytest.raises(Stopped):
        analyze([clip, other], tmp_path / "out.csv", SETTINGS, cluster=scheduler.address, advance=stop)
    submitted, submit = [], Cluster._submit_piece
    monkeypatch.setattr(
        Cluster,
        "_submit_piece",
        lambda self, job: (submitted.append((job.path, job.submitted)), submit(self, job)),
    )
    analyze([clip, other], tmp_path / "out.csv", SETTINGS, cluster=scheduler.address)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
    assert {path for path, _ in submitted} == {other}
    assert min(first for _, first in submitted) == 10


@needs_dask
@pytest.mark.slow
def test_a_cluster_that_is_lost_ends_the_run_and_keeps_what_is_known(
    clip, tmp_path, scheduler, workers, monkeypatch
):
    monkeypatch.setattr(module, "SECONDS", 60)
    monkeypatch.setattr(module, "LENGTH", 7)
    monkeypatch.setattr(module, "WAITING", 1)

    def advance(path, number, count):
        if number == 7:
            end(scheduler.process)

    with pytest.raises(RunError, match=r"The cluster tcp://.* was lost"):
        analyze([clip], tmp_path / "out.csv", SETTINGS, cluster=scheduler.address, advance=advance)
    looked = []
    analyze([clip], tmp_path / "out.csv", SETTINGS, advance=lambda path, number, count: looked.append(number))
    assert looked[0] == 8
