"""What tests of lamps share: a sink that waits for nothing, one that is cut off, bridges with many lamps."""

from __future__ import annotations

import copy

from strictbridge import lamp

from expression.lights.rate_limiter import RateLimiter
from expression.sinks.hue import Hue


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self):
        self.now, self.sent = 0.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Noted(RateLimiter):
    """Notes when commands were let through."""

    def take(self, rate: int) -> None:
        super().take(rate)
        self.clock.sent.append(self.clock())


def quick(sink: Hue) -> Clock:
    """Lets a sink wait for nothing."""
    clock = Clock()
    sink.pace = Noted(clock, clock.sleep)
    return clock


def cut_off(sink: Hue) -> None:
    """Leaves all as a run does that is killed."""
    sink.controller.release()
    sink._bridge.close()


def many(bridge, count: int) -> dict:
    """Gives a bridge as many lamps as that, and returns them."""
    bridge.lights.clear()
    bridge.lights.update({str(n): lamp(f"Lamp {n}") for n in range(1, count + 1)})
    return copy.deepcopy(bridge.lights)
