"""Timeline: which thread worked when, and one loop compared with threads.

`linear_loop` and `threaded_loop` run the same parts for some seconds, the first step
by step in one thread, the second in the threads of a session. A `Timeline` records every
piece of work and draws it. Lesson 03 and `benchmarks/live_loop.py` use it.

Notebook: 03_threads
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..displays._base import Display
from ..live.capture import CaptureLoop
from ..live.data import Data
from ..live.detection import FaceLoop
from ..live.display_loop import DisplayLoop
from ..live.prediction import PredictLoop
from ..live.session import Session
from ..live.sink_loop import SinkLoop
from ..models import Runtime, load
from ..settings import Settings
from ..sinks._base import Sink
from ..sources.paced import PacedCamera, stamp_of
from ..types import Reading
from ..vision.detectors import Detector, make_detector
from ..vision.smoothing import Smoother
from ..vision.tracking import Tracker

COLOURS = {"read": "#0072B2", "find": "#E69F00", "score": "#009E73", "show": "#CC79A7", "send": "#D55E00"}
"""The colour of each kind of work; colour-blind people can tell them apart, too.

Source: Okabe and Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""


class UnseenWindow(Display):
    """Does the work of a window without a screen.

    A frame is converted to BGR, enlarged to 960 x 720 pixels, and followed by a pause of a
    millisecond, as with `imshow` and `waitKey(1)`.

    Attributes:
        shown: Different frames shown so far.
        longest_gap: Longest time between two different frames, in seconds.
        fps: Different frames per second, from the first to the last.
    """

    name = "unseen"

    def __init__(self):
        self.shown, self.longest_gap = 0, 0.0
        self._number, self._first, self._last = -1, 0.0, 0.0

    @property
    def fps(self) -> float:  # noqa: D102  see Attributes
        return (self.shown - 1) / (self._last - self._first) if self.shown > 1 else 0.0

    def show(self, image: np.ndarray, readings: Sequence[Reading] | None = None, status: str = "") -> bool:
        """Takes a frame; one that is only drawn again with newer labels does not count."""
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), (960, 720))
        time.sleep(0.001)
        number = stamp_of(image)
        if number is not None and number != self._number:
            self._number = number
            self._count(time.monotonic())
        return True

    def _count(self, now: float) -> None:
        """Counts a frame that was not shown before."""
        if self.shown:
            self.longest_gap = max(self.longest_gap, now - self._last)
        else:
            self._first = now
        self.shown, self._last = self.shown + 1, now


@dataclass(frozen=True)
class Parts:
    """The parts of a loop. Make new ones for every run, with `make_parts`.

    Attributes:
        camera: Where frames come from.
        detector: Finds faces.
        runtime: Scores them.
        window: Shows them.
        sinks: Where readings go.
    """

    camera: PacedCamera
    detector: Detector
    runtime: Runtime
    window: UnseenWindow
    sinks: tuple[Sink, ...] = ()

    def work(self) -> Iterator[tuple[str, Any, str]]:
        """Yields the kinds of work as (kind, part, method); waiting for a frame does not count."""
        yield from [("read", self.camera, "decode"), ("find", self.detector, "detect")]
        yield from [("score", self.runtime, "scores"), ("show", self.window, "show")]
        yield from [("send", sink, "send") for sink in self.sinks]


@dataclass(frozen=True)
class LoopResult:
    """The measurements of a loop.

    Attributes:
        shown: Different frames shown per second.
        longest_gap: Longest time between two of them in milliseconds: the worst stutter.
        readings: Readings per second.
        age_p50: Milliseconds from the capture of a frame to its reading, the median; nan if nothing was
            read.
        age_p95: The same, the 95th percentile.
    """

    shown: float
    longest_gap: float
    readings: float
    age_p50: float
    age_p95: float


@dataclass(frozen=True)
class Span:
    """One piece of work.

    Attributes:
        kind: A key of `COLOURS`.
        thread: The name of the thread that did it.
        start: When it began, in seconds of `time.monotonic()`.
        end: When it was over.
    """

    kind: str
    thread: str
    start: float
    end: float


class Timeline:
    """Which thread worked when; the last `most` pieces of work, so memory stays bounded.

    Attributes:
        spans: A deque of Span, the oldest first.

    Example:
        >>> timeline = Timeline()
        >>> with timeline.note("find"):
        ...     _ = sum(range(1000))
        >>> [(span.kind, span.thread) for span in timeline.spans]
        [('find', 'MainThread')]
    """

    def __init__(self, most: int = 5000):
        self.spans: deque[Span] = deque(maxlen=most)

    @contextmanager
    def note(self, kind: str) -> Iterator[None]:
        """Records the `with` block as one piece of work."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.spans.append(Span(kind, threading.current_thread().name, start, time.monotonic()))

    @contextmanager
    def watch(self, parts: Parts) -> Iterator[Timeline]:
        """Records every piece of work of these parts until the `with` block ends."""
        work = list(parts.work())
        for kind, part, method in work:
            setattr(part, method, self._noted(kind, getattr(part, method)))
        try:
            yield self
        finally:
            for _, part, method in work:
                delattr(part, method)  # uncovers the method of the class

    def busy(self) -> dict[str, float]:
        """Returns the seconds of work of each kind."""
        totals = dict.fromkeys(COLOURS, 0.0)
        for span in self.spans:
            totals[span.kind] += span.end - span.start
        return {kind: total for kind, total in totals.items() if total}

    def picture(self, axes=None, start: float = 1.0, seconds: float = 0.5, title: str = ""):
        """Draws a row for each thread and a bar for each piece of work.

        Args:
            axes: Matplotlib axes to draw on; None creates a new figure.
            start: Seconds from the first piece of work to the left edge.
            seconds: Seconds from the left to the right edge.
            title: The title of the chart.

        Returns:
            The axes.
        """
        if axes is None:
            import matplotlib.pyplot as plt

            axes = plt.subplots(figsize=(9, 2.6), layout="constrained")[1]
        begin = min((span.start for span in self.spans), default=0.0) + start
        spans = [span for span in self.spans if span.end > begin and span.start < begin + seconds]
        spans.sort(key=lambda span: list(COLOURS).index(span.kind))
        rows = list(dict.fromkeys(span.thread for span in spans))
        hair = seconds * 1000 / 500  # separates consecutive bars, and keeps short ones visible
        for kind in dict.fromkeys(span.kind for span in spans):
            for thread in rows:
                bars = [span for span in spans if (span.kind, span.thread) == (kind, thread)]
                starts = [(span.start - begin) * 1000 for span in bars]
                lengths = [max((span.end - span.start) * 1000 - hair, hair) for span in bars]
                pieces = list(zip(starts, lengths, strict=True))
                axes.broken_barh(pieces, (rows.index(thread) - 0.4, 0.8), color=COLOURS[kind], lw=0)
            axes.broken_barh([], (0, 0), color=COLOURS[kind], label=kind)
        axes.set(xlim=(0, seconds * 1000), ylim=(len(rows) - 0.4, -0.6), xlabel="milliseconds")
        axes.set_yticks(range(len(rows)), ["main thread" if row == "MainThread" else row for row in rows])
        axes.set_title(title, loc="left")
        if spans:
            axes.legend(ncols=len(COLOURS), loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
        return axes

    def _noted(self, kind: str, call):
        """Returns a wrapper that records each call."""

        def noted(*arguments, **names):
            with self.note(kind):
                return call(*arguments, **names)

        return noted


def make_parts(
    detector: str | Detector = "auto",
    smallest_face: int = 40,
    sinks: Sequence[Sink] = (),
    pace: float = 30.0,
) -> Parts:
    """Returns new parts for one run, used once, so that the first call is not slower.

    Args:
        detector: See `detectors.make_detector`; or a detector of your own.
        smallest_face: Side in pixels; 20 makes a cascade search the full 640 x 480 frame.
        sinks: Where readings go.
        pace: Frames per second of the camera.

    Raises:
        ExpressionError: A part is not available.
    """
    if isinstance(detector, str):
        detector = make_detector(detector, smallest_face)
    parts = Parts(PacedCamera(pace=pace), detector, load(), UnseenWindow(), tuple(sinks))
    parts.camera.open()
    parts.detector.detect(parts.camera.read())
    return parts


def linear_loop(parts: Parts, seconds: float = 3.0, timeline: Timeline | None = None) -> LoopResult:
    """Reads, finds, scores, draws and shows in one thread, again and again.

    It calls the steps of a session's threads in turn, so the two loops differ only in which
    thread calls them. While it is busy the camera continues, and frames are lost; the age
    of a reading counts from the moment when the camera took the frame.

    Args:
        parts: From `make_parts`.
        seconds: How long to run.
        timeline: Records which thread worked when.

    Raises:
        BaseException: Whatever a part raises; for a failing sink there is only a warning.
    """
    data = Data()
    smoother = Smoother("average", parts.runtime.labels)
    prediction = PredictLoop(data, parts.runtime, smoother)
    loops = [CaptureLoop(data, parts.camera), FaceLoop(data, parts.detector, Tracker())]
    loops += [prediction, DisplayLoop(data, parts.window), *(SinkLoop(data, sink) for sink in parts.sinks)]
    with ExitStack() as stack:
        stack.enter_context((timeline or Timeline(0)).watch(parts))
        for loop in loops:
            stack.callback(loop.teardown)
            loop.setup()
        stack.callback(data.readings.close)  # runs first at the end, so that no sink waits for readings
        started = time.monotonic()
        while not data.done and time.monotonic() - started < seconds:
            for loop in loops:
                loop.step()
        return _result(parts, prediction, time.monotonic() - started)


def threaded_loop(parts: Parts, seconds: float = 3.0, timeline: Timeline | None = None) -> LoopResult:
    """Runs the same parts in a session, with a thread for each; see `linear_loop`."""
    session = _Prepared(parts, seconds)
    with (timeline or Timeline(0)).watch(parts):
        session.run()
    return _result(parts, session.prediction, seconds)


class _Prepared(Session):
    """A session with parts that already exist."""

    def __init__(self, parts: Parts, seconds: float):
        super().__init__(settings=Settings(duration=seconds))
        self._parts = parts

    def make_parts(self) -> None:
        """Uses the given parts."""
        parts = self._parts
        self.source, self.detector, self.runtime = parts.camera, parts.detector, parts.runtime
        self.display, self.sinks = parts.window, list(parts.sinks)

    @property
    def prediction(self) -> PredictLoop:
        """The thread that scores."""
        return self._prediction


def _result(parts: Parts, prediction: PredictLoop, seconds: float) -> LoopResult:
    """Collects what the window and the prediction counted."""
    ages, window = prediction.ages.summary(), parts.window
    gap, readings = window.longest_gap * 1000, prediction.predictions / seconds
    half, most = (math.nan if ages[name] is None else ages[name] for name in ("p50", "p95"))
    return LoopResult(round(window.fps, 1), round(gap), round(readings, 1), half, most)
