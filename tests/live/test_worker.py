"""A worker: every exception is carried, teardown always comes, the output is closed."""

from __future__ import annotations

import threading

import pytest
from parts import PATIENCE

from expression.live.data import Data
from expression.live.worker import Worker


class Recorder(Worker):
    """Notes what is called, in which thread, and raises where it is told to.

    Args:
        steps: Steps until it finishes; None for no end.
        breaks: The methods that raise.
    """

    def __init__(self, data, steps=3, breaks=(), error=ZeroDivisionError):
        super().__init__(data, "recorder", output=data.frame)
        self.calls, self.threads = [], set()
        self.stepped = threading.Event()
        self._steps, self._breaks, self._error = steps, breaks, error

    def _note(self, name):
        self.calls.append(name)
        self.threads.add(threading.current_thread().name)
        if name in self._breaks:
            raise self._error(name)

    def setup(self):
        self._note("setup")

    def step(self):
        self.stepped.set()
        if self._steps is None:
            self.data.wait_done(0.01)
            return
        self._note("step")
        if self.calls.count("step") == self._steps:
            self.finish()

    def teardown(self):
        self._note("teardown")


def run(worker: Worker) -> None:
    """Starts a worker and waits for its end."""
    worker.start()
    worker.join(PATIENCE)
    assert not worker.is_alive()


def test_a_worker_sets_up_steps_and_tears_down_in_its_own_thread():
    data = Data()
    worker = Recorder(data)
    run(worker)
    assert worker.calls == ["setup", "step", "step", "step", "teardown"]
    assert worker.threads == {"recorder"}
    assert (data.error, data.done, data.frame.closed) == (None, False, True)


@pytest.mark.parametrize(
    ("breaks", "calls"),
    [
        pytest.param(("setup",), ["setup", "teardown"], id="setup"),
        pytest.param(("step",), ["setup", "step", "teardown"], id="step"),
        pytest.param(("teardown",), ["setup", "step", "step", "step", "teardown"], id="teardown"),
        pytest.param(("step", "teardown"), ["setup", "step", "teardown"], id="step and teardown"),
    ],
)
@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_an_exception_anywhere_is_carried_and_ends_the_run(breaks, calls, error):
    data = Data()
    worker = Recorder(data, breaks=breaks, error=error)
    run(worker)
    name, raised = data.error
    assert (name, type(raised), str(raised)) == ("recorder", error, breaks[0])
    assert worker.calls == calls
    assert data.done
    assert data.frame.closed


def test_done_ends_a_worker():
    data = Data()
    worker = Recorder(data, steps=None)
    worker.start()
    assert worker.stepped.wait(PATIENCE)
    data.done = True
    worker.join(PATIENCE)
    assert not worker.is_alive()
    assert worker.calls == ["setup", "teardown"]


def test_a_worker_started_after_the_end_takes_no_step():
    data = Data()
    data.done = True
    worker = Recorder(data)
    run(worker)
    assert worker.calls == ["setup", "teardown"]


def test_a_worker_without_a_step_says_so():
    data = Data()
    run(Worker(data, "idle"))
    assert str(data.error[1]) == "Worker has no step"


def test_what_was_published_last_comes_through_a_chain_of_workers():
    class Pass(Worker):
        def __init__(self, data, follower, output):
            super().__init__(data, "pass", output)
            self.follower, self.got = follower, []

        def step(self):
            value = self.follower.next()
            if value is None:
                return self.finish()
            self.got.append(value)
            self._output.publish(value)

    data = Data()
    middle = Pass(data, data.frame.follow(), data.faces)
    last = Pass(data, data.faces.follow(), data.readings)
    for worker in (last, middle):
        worker.start()
    for number in range(200):
        data.frame.publish(number)
    data.frame.close()
    for worker in (middle, last):
        worker.join(PATIENCE)
    assert last.got[-1] == 199
    assert data.readings.closed
    assert not data.done


def test_a_worker_does_not_keep_the_process_alive():
    assert Worker(Data(), "idle").daemon
