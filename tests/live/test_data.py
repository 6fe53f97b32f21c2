"""The shared object: the latest value, never twice, nothing queued, everybody woken."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import PATIENCE

from expression.live.data import Data
from expression.types import Box, Face, Frame, Reading, Seen


def run_in_threads(*calls) -> None:
    """Runs every call in a thread of its own and waits for their ends."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


def waiting(data: Data, count: int) -> None:
    """Returns once so many threads wait for a change of the data."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with data.changed:
            if len(data.changed._waiters) == count:
                return
        time.sleep(0.001)
    raise TimeoutError(f"{count} threads never waited together")


def test_a_slot_keeps_only_the_latest_value():
    data = Data()
    follower = data.frame.follow()
    for value in range(5):
        data.frame.publish(value)
    assert (data.frame.latest, data.frame.version) == (4, 5)
    assert (follower.next(), follower.taken, follower.skipped) == (4, 1, 4)


def test_the_same_value_never_comes_twice():
    data = Data()
    follower = data.frame.follow()
    data.frame.publish("same")
    assert follower.next() == "same"
    assert follower.next(timeout=0) is None
    data.frame.publish("same")
    assert follower.next() == "same"


def test_a_slot_holds_no_value_before_the_first():
    data = Data()
    assert (data.frame.latest, data.frame.version, data.frame.closed) == (None, 0, False)
    assert data.frame.follow().next(timeout=0) is None


def test_followers_do_not_take_from_each_other():
    data = Data()
    one, two = data.frame.follow(), data.frame.follow()
    data.frame.publish(1)
    assert (one.next(), two.next()) == (1, 1)


def test_a_follower_that_comes_late_gets_the_latest_value():
    data = Data()
    data.frame.publish(1)
    data.frame.publish(2)
    assert data.frame.follow().next(timeout=0) == 2


def test_slots_are_apart():
    data = Data()
    data.frame.publish(1)
    assert data.faces.follow().next(timeout=0) is None
    assert data.readings.version == 0


@pytest.mark.parametrize("followers", [1, 3])
def test_taken_and_skipped_make_up_all_that_was_published(followers):
    data, published, chance = Data(), 3000, random.Random(1)
    pauses = [chance.choice([0, 0, 0, 0.0002]) for _ in range(published)]
    each = [data.frame.follow() for _ in range(followers)]
    got = [[] for _ in each]

    def publish():
        for number, pause in enumerate(pauses):
            data.frame.publish(number)
            if pause:
                time.sleep(pause)
        data.frame.close()

    def consume(follower, values):
        while (value := follower.next(timeout=PATIENCE)) is not None:
            values.append(value)

    run_in_threads(publish, *(lambda f=f, v=v: consume(f, v) for f, v in zip(each, got, strict=True)))
    for follower, values in zip(each, got, strict=True):
        assert values == sorted(set(values)), "in order and never twice"
        assert values[-1] == published - 1, "the last one came"
        assert follower.taken == len(values)
        assert follower.taken + follower.skipped == published == data.frame.version
        assert follower.ended


@given(st.lists(st.sampled_from(["publish", "next"])))
def test_whatever_the_order_nothing_is_lost_uncounted(actions):
    data = Data()
    follower, published, last = data.frame.follow(), 0, -1
    for action in actions:
        if action == "publish":
            data.frame.publish(published)
            published += 1
        else:
            value = follower.next(timeout=0)
            assert (value is None) == (last == published - 1)
            last = last if value is None else value
    data.frame.close()
    follower.next()
    assert follower.taken + follower.skipped == published


def test_publishing_wakes_everyone_who_waits():
    data = Data()
    got = []

    def publish():
        waiting(data, 3)
        data.frame.publish("new")

    follow = [lambda: got.append(data.frame.follow().next(timeout=PATIENCE)) for _ in range(3)]
    began = time.monotonic()
    run_in_threads(publish, *follow)
    assert got == ["new"] * 3
    assert time.monotonic() - began < PATIENCE, "nobody had to wait for the timeout"


@pytest.mark.parametrize("event", ["done", "fail", "close"])
def test_everyone_who_waits_without_end_is_woken(event):
    data = Data()
    got = []

    def consume():
        got.append(data.frame.follow().next())

    def end():
        waiting(data, 4)
        if event == "done":
            data.done = True
        elif event == "fail":
            data.fail("capture", ValueError("x"))
        else:
            data.frame.close()

    run_in_threads(end, *[consume] * 4)
    assert got == [None] * 4


def test_a_waiting_follower_uses_no_processor_time():
    data = Data()
    used, returned = [], threading.Event()

    def consume():
        follower = data.frame.follow()
        before = time.thread_time()
        follower.next()
        used.append(time.thread_time() - before)
        returned.set()

    def end():
        waiting(data, 1)
        assert not returned.wait(0.3)
        data.done = True

    run_in_threads(consume, end)
    assert used[0] < 0.02


def test_a_follower_waits_no_longer_than_its_timeout():
    began = time.monotonic()
    assert Data().frame.follow().next(timeout=0.05) is None
    assert time.monotonic() - began > 0.045


def test_after_done_a_value_of_an_open_slot_is_not_handed_out():
    data = Data()
    follower = data.frame.follow()
    data.frame.publish(1)
    data.done = True
    assert follower.next() is None
    assert follower.ended


@pytest.mark.parametrize("done", [False, True], ids=["running", "done"])
def test_the_last_value_before_a_slot_closed_is_delivered_once(done):
    data = Data()
    follower = data.frame.follow()
    data.frame.publish(1)
    data.frame.publish(2)
    data.frame.close()
    data.done = done
    assert not follower.ended
    assert follower.next() == 2
    assert follower.ended
    assert follower.next() is None


def test_a_follower_of_a_slot_that_closed_empty_has_ended():
    data = Data()
    data.frame.close()
    assert data.frame.follow().ended
    assert data.frame.follow().next() is None


def test_done_is_a_plain_flag():
    data = Data()
    assert data.done is False
    data.done = 1
    assert data.done is True


def test_the_first_failure_is_kept_and_ends_the_run():
    data = Data()
    first = ValueError("first")
    data.fail("capture", first)
    data.fail("faces", ValueError("second"))
    assert data.error == ("capture", first)
    assert data.done


def test_of_failures_at_the_same_time_one_is_kept_whole():
    for _ in range(20):
        data, errors = Data(), [ValueError(str(number)) for number in range(4)]
        gate = threading.Barrier(4)

        def fail(number, data=data, errors=errors, gate=gate):
            gate.wait()
            data.fail(str(number), errors[number])

        run_in_threads(*(lambda n=n: fail(n) for n in range(4)))
        name, error = data.error
        assert error is errors[int(name)]


def test_wait_done_returns_as_soon_as_the_run_is_done():
    data = Data()
    assert data.wait_done(0) is False

    def end():
        waiting(data, 1)
        data.done = True

    began = time.monotonic()
    run_in_threads(end, lambda: data.wait_done(PATIENCE))
    assert time.monotonic() - began < PATIENCE
    assert data.wait_done() is True


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        pytest.param(Frame(np.zeros((2, 2, 3), np.uint8)), "number", id="frame"),
        pytest.param(Box(1, 2, 3, 4), "x", id="box"),
        pytest.param(Face(Box(1, 2, 3, 4)), "person", id="face"),
        pytest.param(Reading(1, Box(1, 2, 3, 4), "Sad", 0.5, {}), "label", id="reading"),
        pytest.param(Seen(Frame(np.zeros((2, 2, 3), np.uint8))), "items", id="seen"),
    ],
)
def test_what_threads_share_cannot_be_changed(thing, name):
    with pytest.raises(FrozenInstanceError):
        setattr(thing, name, 0)


BOXES = st.builds(Box, *[st.integers(-50, 50)] * 2, *[st.integers(1, 60)] * 2)


@given(BOXES, BOXES)
def test_overlap_is_that_of_the_pixels(one, two):
    def mask(box):
        grid = np.zeros((170, 170), bool)
        grid[box.y + 50 : box.bottom + 50, box.x + 50 : box.right + 50] = True
        return grid

    a, b = mask(one), mask(two)
    assert one.shared(two) == (a & b).sum()
    assert one.overlap(two) == pytest.approx((a & b).sum() / (a | b).sum())
    assert one.overlap(two) == two.overlap(one)


@given(BOXES, st.integers(1, 200))
def test_mirroring_a_box_twice_gives_it_back(box, width):
    assert box.mirrored(width).mirrored(width) == box


def test_a_box_knows_its_edges():
    box = Box(10, 20, 30, 40)
    assert (box.right, box.bottom, box.area, box.centre) == (40, 60, 1200, (25, 40))
    assert box.mirrored(100) == Box(60, 20, 30, 40)
    assert box.scaled(0.5) == Box(5, 10, 15, 20)
    assert Box(0, 0, 0, 0).overlap(Box(0, 0, 0, 0)) == 0


def test_frames_can_be_compared_and_kept_in_sets():
    frame = Frame(np.zeros((2, 2, 3), np.uint8), 1, 5.0)
    same, later = Frame(np.zeros((2, 2, 3), np.uint8), 1, 5.0), Frame(frame.image, 2, 6.0)
    assert frame == same
    assert frame != later
    assert len({frame, same, later}) == 2
    assert Seen(frame) == Seen(same)
