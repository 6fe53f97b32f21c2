"""Session: the threads of a live run, wired together, started, joined.

`expression live`, the scripts and the notebooks all run one. Read `start` to see how a
frame travels from the source to the sinks.

Notebook: 01_start_here
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from ..control import Control
from ..displays import make_display
from ..errors import BadInputError, OutputError, user_path
from ..jupyter import in_notebook
from ..models import load, registry
from ..sanitize import clean, say
from ..settings import Settings
from ..sinks import describe_sink, make_sink
from ..sources import open_source
from ..types import Reading
from ..vision.detectors import make_detector
from ..vision.smoothing import Smoother
from ..vision.tracking import Tracker
from .about import about_run
from .capture import CaptureLoop
from .data import Data
from .detection import FaceLoop
from .display_loop import DisplayLoop
from .ending import Ending
from .found_settings import found_settings
from .heat import HeatLoop
from .prediction import PredictLoop
from .resting_switch import RestingSwitch
from .sink_loop import SinkLoop
from .stats import StatisticsFile, StatisticsLoop
from .watchdog import Watchdog
from .worker import Worker

logger = logging.getLogger("expression")

_running: Session | None = None
"""The running session, kept here because a notebook loses it when its cell is run again."""


class Session:
    """A live run: capture, faces, prediction, display and sinks around one `Data`.

    Used as a context manager, it is always stopped at the end: the camera is
    released and every thread is joined. A failure in a thread is raised again here.

    Args:
        source: See `sources.open_source`; None uses the source in the settings.
        settings: All settings; None collects them with `Settings.load(**arguments)`.
        **arguments: Single settings, such as `detector="haar"`, if `settings` is not given.

    Attributes:
        settings: The settings in force.
        data: The shared object; None before `start`.
        error: None, or the failure as (thread name, exception), once stopped.

    Raises:
        ExpressionError: From `start`, if a part is not available.

    Example:
        >>> with Session("demo", display="none") as session:
        ...     first = next(session.readings())
        >>> first.person
        1
    """

    def __init__(self, source: Any = None, settings: Settings | None = None, **arguments: Any):
        if settings is not None and arguments:
            raise BadInputError(
                f"A session was given settings and also {', '.join(arguments)}.",
                "Expected one or the other.",
                "Put them into the settings: Settings.load(...).",
            )
        self.settings = settings or Settings.load(source=source, **arguments)
        self.data: Data | None = None
        self._source = source if source is not None else self.settings.source
        self._workers: list[Worker] = []
        self._started = self._seconds = self._stop_seconds = 0.0
        self._threads_left: list[str] = []
        self._stopping = threading.Lock()
        self._alone = False  # whether no caller could receive an exception
        self._file = StatisticsFile(self.settings.stats) if self.settings.stats else None

    def __enter__(self) -> Session:
        self._start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.stop()
        if error is None:
            self.raise_error()
        elif self._threads_left and self.error[1] is not error:
            logger.warning("%s", self.error[1])

    @property
    def error(self) -> tuple[str, BaseException] | None:
        """None, or the first failure as (thread name, exception)."""
        return self.data.error if self.data else None

    @property
    def control(self) -> Control:
        """The switches of the run: `session.control.override = "Happy"`."""
        self._check_started()
        return self.data.control

    def start(self) -> None:
        """Builds every part and starts the threads; a widget appears at once.

        For notebooks in which other cells run meanwhile: when the run or the program ends, the session
        stops by itself, and a failure is logged as one line, since no caller could receive it.

        Raises:
            ExpressionError: A part is not available, or the session ran before; nothing was started.
        """
        self._start()
        self._alone = True
        threading.Thread(target=self._stop_at_the_end, name="end", daemon=True).start()

    def _start(self) -> None:
        """Does the work of `start`, for a caller that will stop it and raise its failure."""
        global _running
        if self.data is not None:
            raise BadInputError(
                "This session has already run.", "Expected a new one.", "Create another Session(...)."
            )
        self.make_parts()
        _stop_running()
        if self._file:
            self._file.check()
        for line in found_settings(self.settings):
            say(line)
        self._started = time.monotonic()
        try:
            self._wire()
        except BaseException:
            if self._file:
                self._file.let_go()
            raise
        if self._file:
            self._file.write_meanwhile(self.statistics())
        _running = self
        atexit.register(self._stop_at_exit, os.getpid())
        try:
            for worker in self._workers:
                worker.start()
        except BaseException:
            self.stop()
            raise

    def _stop_at_the_end(self) -> None:
        """Waits for the end, and stops."""
        self.data.wait_done()
        self.stop()

    def _stop_at_exit(self, process: int) -> None:
        """Stops when the program ends, or lamps would not be restored; a fork has none of its threads."""
        if process == os.getpid():
            self.stop()

    def make_parts(self) -> None:
        """Builds source, detector, network, display and sinks; a subclass may provide its own."""
        settings = self.settings
        self.display = make_display(settings.display, host=settings.page_host, port=settings.page_port)
        self.runtime = load(settings.model or registry.SHIPPED)
        self.runtime.sensitivity = settings.sensitivity
        self.detector = make_detector(settings.detector, settings.smallest_face, settings.eyes)
        _check_once(settings.sinks)
        self.sinks = [make_sink(sink, settings.found_in.get("sinks", "")) for sink in settings.sinks]
        # The source is last: the browser's camera appears in the notebook at once.
        repeat = self.display.name != "none"
        self.source = open_source(self._source, repeat, settings.reconnect)

    def _wire(self) -> None:
        """Creates the threads: who follows which slot of the shared object."""
        settings, data = self.settings, Data()
        data.control.labels = tuple(self.runtime.labels)
        smoother = Smoother(settings.smooth, self.runtime.labels, settings.threshold)
        self._capture = CaptureLoop(data, self.source)
        self._faces = FaceLoop(data, self.detector, Tracker(settings.stale), settings.people)
        kept = user_path(settings.neutral) if settings.neutral else None
        resting = RestingSwitch(data.control, self.runtime, kept)
        self._prediction = PredictLoop(data, self.runtime, smoother, resting)
        self.data = data  # only now, since a file with a resting face may be damaged
        mirror = self.source.mirror = settings.mirror and self.source.mirror
        for sink in self.sinks:
            sink.source = self.source.description
        self.display.about = lambda: about_run(settings, self.source, self.sinks)
        self._workers = sinks = [SinkLoop(data, sink) for sink in self.sinks]
        self.display_loop = DisplayLoop(
            data, self.display, mirror, settings.stale, [s.picture for s in sinks]
        )
        self._workers += [HeatLoop(data, self.runtime), self._prediction, self._faces, self._capture]
        if settings.duration:
            self._workers.append(_Deadline(data, settings.duration))
        if Watchdog.is_wanted():
            self._workers.append(Watchdog(data))
        if self._file:
            self._workers.append(StatisticsLoop(data, self._file, self.statistics))
        if not self.display.needs_main_thread:
            self._workers.append(self.display_loop)

    def run(self) -> None:
        """Starts if necessary, shows the display until the run is over, and stops.

        The window of OpenCV needs the main thread, so call this from there.

        Raises:
            BaseException: Whatever ended a thread; KeyboardInterrupt for Ctrl-C.
        """
        if self.data is None or self._seconds:
            self._start()
        try:
            if self.display_loop.display.needs_main_thread:
                self.display_loop.run()
            while not self.data.wait_done(0.2):  # in slices, as Windows delivers Ctrl-C between them
                pass
            self.stop()
        except KeyboardInterrupt:  # an earlier failure is raised instead
            self.stop()
            if self.error is None:
                raise
        self.raise_error()

    def readings(self) -> Iterator[Reading]:
        """Yields readings as they come, until the run is over; skips some if they come too fast.

        Raises:
            BaseException: Whatever ended a thread.
        """
        self._check_started()
        follower = self.data.readings.follow()
        while (seen := follower.next(timeout=0.2)) is not None or not follower.ended:
            yield from seen.items if seen else ()
        self.raise_error()

    def stop(self) -> None:
        """Ends the run and joins every thread; can be called again without harm."""
        global _running
        if self.data is None:
            return
        self.data.done = True
        ending = Ending(self._workers)
        ending.wait(lambda: self._note(ending))
        if _running is self:
            _running = None
        atexit.unregister(self._stop_at_exit)

    def _note(self, ending: Ending) -> None:
        """Records, once, how the run ended."""
        with self._stopping:
            if not self._seconds:
                self._note_end(ending)

    def _note_end(self, ending: Ending) -> None:
        """Records how long the end took, which threads are left, and the statistics."""
        self._seconds, self._stop_seconds = time.monotonic() - self._started, ending.seconds
        self._threads_left = [worker.name for worker in ending.left]
        if ending.error and self.error:  # the earlier error is raised
            logger.warning("%s", ending.error)
        elif ending.error:
            self.data.fail(self._threads_left[0], ending.error)
        try:
            if self._file:
                self._file.write(self.statistics())
        except OutputError as error:
            self.data.fail("statistics", error)
        finally:
            if self._file:
                self._file.let_go()
        if self._alone and self.error:
            logger.error("The %s thread failed. %s", *self.error)

    def raise_error(self) -> None:
        """Raises what ended a thread, if anything did."""
        if self.error:
            raise self.error[1]

    def statistics(self) -> dict[str, Any]:
        """Returns the statistics of the run so far, as `expression live --stats` writes them."""
        self._check_started()
        seconds = self._seconds or max(1e-6, time.monotonic() - self._started)
        prediction = self._prediction
        return {
            "frames_read": self._capture.frames,
            "frames_shown": self.display_loop.frames,
            "frames_with_faces": self._faces.frames_with_faces,
            "faces_skipped_frames": self._faces.skipped,
            "frames_unreadable": len(self.source.skipped),
            "predictions": prediction.predictions,
            "seconds": round(seconds, 3),
            "display_fps": round(self.display_loop.fps, 2),
            "predictions_per_second": round(prediction.predictions / seconds, 2),
            "first_reading_seconds": prediction.first_reading and round(prediction.first_reading, 3),
            "reading_age_ms": prediction.ages.summary(),
            "labels": dict(prediction.labels.most_common()),
            "threads_left": len(self._threads_left),
            "stop_seconds": round(self._stop_seconds, 3),
            "error": clean(f"{self.error[0]}: {self.error[1]}") if self.error else None,
        }

    def _check_started(self) -> None:
        """Raises a BadInputError before the first start."""
        if self.data is None:
            raise BadInputError(
                "This session has not been started.",
                "Expected a running one.",
                "Use: with Session(...) as session:",
            )


class _Deadline(Worker):
    """Ends the run after some seconds."""

    def __init__(self, data: Data, seconds: float):
        super().__init__(data, "deadline")
        self._seconds = seconds

    def step(self) -> None:
        """Sleeps until the time is up or the run is over."""
        self.data.wait_done(self._seconds)
        self.data.done = True


def _stop_running() -> None:
    """Stops the running session in a notebook, whose cell was run again."""
    if _running is not None and in_notebook():
        if not _running.data.done:
            print("Stopping the session that is still running first.")
        _running.stop()


def _check_once(sinks: tuple[Any, ...]) -> None:
    """Raises a BadInputError if a sink is given twice, which would write everything twice."""
    twice = next((sink for number, sink in enumerate(sinks) if sink in sinks[:number]), None)
    if twice is not None:
        raise BadInputError(
            f"The sink {describe_sink(twice)} is given twice.", "Expected it once.", "Leave one out."
        )
