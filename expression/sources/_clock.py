"""Clock: the timestamps of a video as positions from its start that never go backwards.

`_decoder.py` uses both classes for each video.

Notebook: 03_threads
"""

from __future__ import annotations

import itertools
import math

TICK = 0.001
"""Seconds between two frames whose timestamps are equal or out of order."""

BACK = 1.0
"""A timestamp that goes back further than this, in seconds, starts a new count, as if two recordings were
joined."""

GAP, STILL = 10.0, 600.0
"""Seconds that a frame may last: in any video, and if the duration of the video is unknown. A longer gap is a
damaged timestamp, or a new count.

Source: 10 s is dts_delta_threshold of ffmpeg, https://ffmpeg.org/ffmpeg.html#Advanced-options
"""


LATE = 1.5
"""How many times the usual time between two frames a gap lasts at least."""

FEW, FEW_SHARE = 2, 0.01
"""The most gaps in a video of constant frame rate, or their largest share; with more, its rate varies."""

FEWEST_FRAMES = 20
"""The fewest frames from which a constant frame rate is inferred."""


class Clock:
    """Converts timestamps to positions.

    Args:
        step: Seconds from one frame to the next if a timestamp is missing.
        duration: The duration of the video, in seconds; None if unknown.
        broken: Whether recordings of this kind are often joined, so that gaps are not trusted.
        start: The timestamp of position 0, in seconds; None for that of the first frame.

    Attributes:
        longest_gap: The longest time between two frames, in seconds.

    Example:
        >>> clock = Clock(0.04, duration=2.0)
        >>> [round(clock.position(time), 3) for time in (7.0, 7.5, 7.5, None, 8.0)]
        [0.0, 0.5, 0.501, 0.541, 1.0]
        >>> Clock(0.04, start=7.0).position(7.5)  # the first frames cannot be decoded
        0.5
    """

    def __init__(
        self, step: float, duration: float | None = None, broken: bool = False, start: float | None = None
    ):
        self._step, self._duration, self._broken = step, duration, broken
        self._first = start  # the timestamp that is position 0
        self._last: float | None = None
        self.longest_gap = 0.0
        self._gaps: dict[int, list[float]] = {}  # milliseconds between two frames: how often, first where

    def position(self, time: float | None) -> float:
        """Returns the position of the next frame, in seconds.

        Args:
            time: Its timestamp, in seconds; None if it has none.
        """
        before, due = self._last, 0.0 if self._last is None else self._last + self._step
        if time is None:
            self._last = due
        elif self._first is None or not self._is_plausible(time - self._first):
            self._first, self._last = time - due, due
        else:
            self._last = max(time - self._first, 0.0 if before is None else before + TICK)
        if before is not None:
            gap = self._last - before
            self.longest_gap = max(self.longest_gap, gap)
            self._gaps.setdefault(round(gap * 1000), [0, before])[0] += 1
        return self._last

    def missing(self) -> tuple[int, float]:
        """Returns how many frames are missing in gaps, and the position of the frame before the first gap.

        Only a constant frame rate tells: 0 is returned if the rate varies.

        Example:
            >>> clock = Clock(0.04)
            >>> for number in [*range(50), *range(60, 100)]:
            ...     position = clock.position(number / 25)
            >>> clock.missing()
            (10, 1.96)
        """
        count = sum(often for often, _ in self._gaps.values())
        lengths = (length for length, (often, _) in sorted(self._gaps.items()) for _ in range(int(often)))
        usual = next(itertools.islice(lengths, count // 2, None), 0)
        late = {length: found for length, found in self._gaps.items() if length > LATE * max(usual, 1)}
        gaps = sum(often for often, _ in late.values())
        if not late or count < FEWEST_FRAMES or gaps > max(FEW, FEW_SHARE * count):
            return 0, 0.0
        missing = sum((round(length / usual) - 1) * often for length, (often, _) in late.items())
        return int(missing), min(where for _, where in late.values())

    def _is_plausible(self, position: float) -> bool:
        """Whether a position can follow the last one."""
        gap = position - (self._last or 0.0)
        if gap < -BACK:
            return False
        if gap <= GAP:
            return True
        if self._broken:
            return False
        return gap <= STILL if self._duration is None else position <= self._duration + GAP


class BestEffort:
    """Chooses between the two timestamps of a decoded frame, as FFmpeg does.

    The presentation time is preferred, unless it goes backwards more often than the decoding time.

    Example:
        >>> best = BestEffort()
        >>> [best.choose(pts, dts) for pts, dts in ((0, 0), (8, 4), (4, 8), (None, 12))]
        [0, 8, 8, 12]

    Source: guess_correct_pts in https://ffmpeg.org/doxygen/trunk/decode_8c_source.html
    """

    def __init__(self):
        self._last_pts = self._last_dts = -math.inf
        self._faulty_pts = self._faulty_dts = 0

    def choose(self, pts: int | None, dts: int | None) -> int | None:
        """Returns the timestamp of the next frame, None if it has none.

        Args:
            pts: Its presentation time.
            dts: Its decoding time.
        """
        if dts is not None:
            self._faulty_dts += dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._faulty_pts += pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        trusted = self._faulty_pts <= self._faulty_dts or dts is None
        return pts if trusted and pts is not None else dts
