"""What every test gets beyond the clean environment: no thread left behind, and data if it is there."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from broker import broker, listener  # noqa: F401  fixtures, as are the next three
from bucket import key, pem, store  # noqa: F401
from cloud import cloud  # noqa: F401
from databases import database_server  # noqa: F401
from dead import dead  # noqa: F401
from hypothesis import settings
from loudspeaker import heard  # noqa: F401

settings.register_profile("calm", deadline=None)  # a busy machine is not a failure
settings.load_profile("calm")

SHARED = Path(__file__).parents[2] / "shared" / "data"
"""Pictures, clips and models beside the project, which is whole without them."""

LINGER = 10.0
"""Seconds within which a thread that was told to end has ended, on a machine however busy."""

FOREIGN = {"tqdm", "IPython", "ipykernel", "jupyter_client", "zmq"}
"""Packages that keep threads of their own until the process ends."""


@pytest.fixture
def shared_data() -> Path:
    """The folder of data beside the project; the test is skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data, which is not beside the project")
    return SHARED


@pytest.fixture
def yunet(shared_data, monkeypatch) -> Path:
    """YuNet's file, found by EXPRESSION_MODELS for the length of the test."""
    path = shared_data / "models" / "face_detection_yunet_2023mar.onnx"
    if not path.is_file():
        pytest.skip("needs YuNet's file in ../shared/data/models")
    monkeypatch.setenv("EXPRESSION_MODELS", str(path.parent))
    return path


@pytest.fixture
def bridge():
    """A strict bridge of our own that is paired; see `strictbridge`."""
    from strictbridge import KEY, StrictBridge

    from expression.lights.credentials import Paired, remember

    started = StrictBridge().start()
    remember(Paired(started.url, KEY, name="Strict"))
    yield started
    started.stop()


@pytest.fixture
def simulator():
    """The emulated bridge of npm, paired."""
    from simulator import USER, Simulator

    from expression.lights.credentials import Paired, remember

    started = Simulator()
    remember(Paired(started.url, USER, name="Philips hue"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def portrait():
    """The demo's picture at second 1: one large face, (480, 640, 3) uint8 RGB."""
    from expression.sources.demo import Demo

    demo = Demo()
    demo.open()
    image = demo.picture(25)
    demo.close()
    return image


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """Three seconds of the demo, as Chromium takes them for a camera."""
    from camerapage import write_clip

    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mjpeg")


@pytest.fixture
def camera_page(tmp_path, clip, request):
    """JupyterLab in a browser with a camera, as `camerapage.notebook` was asked for it."""
    from camerapage import opened

    with opened(tmp_path, clip, request.param) as page:
        yield page


@pytest.fixture
def until_read(monkeypatch):
    """The duration of a run counts from its first reading, however busy the machine is."""
    from expression.live import session

    wait = session._Deadline.step

    def step(deadline):
        readings = deadline.data.readings.follow()
        while not deadline.data.done:
            seen = readings.next(0.1)
            if seen is not None and seen.items:
                break
        wait(deadline)

    monkeypatch.setattr(session._Deadline, "step", step)


@pytest.fixture(autouse=True)
def no_thread_left(clean_environment):
    """Fails a test after which a thread is alive that was not there before."""
    before = set(threading.enumerate())
    yield
    left = _left(before)
    end = time.monotonic() + LINGER
    while left and time.monotonic() < end:
        left[0].join(0.05)
        left = _left(before)
    assert not left, f"threads left alive: {[thread.name for thread in left]}"


def _left(before: set[threading.Thread]) -> list[threading.Thread]:
    """The threads that are new and belong to no foreign package."""
    new = (thread for thread in threading.enumerate() if thread not in before)
    return [thread for thread in new if type(thread).__module__.split(".")[0] not in FOREIGN]
