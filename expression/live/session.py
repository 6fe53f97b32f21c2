"""Session: the threads of a live run, wired together, started, joined.

`expression live`, the scripts and the notebooks all run one. Read `start` to see how a
frame travels from the source to the sinks.

Notebook: 01_start_here
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import models, runtime
from .control import Control
from .data import Data, Reading
from .display import DisplayLoop, make_display
from .errors import BadInputError, OutputError
from .faces import FaceLoop, make_detector
from .prediction import PredictLoop
from .screen import in_notebook
from .settings import Settings
from .sinkloop import SinkLoop
from .sinks import make_sink
from .sources import CaptureLoop, open_source
from .tracking import Smoother, Tracker
from .worker import Worker

JOIN_SECONDS = 5.0
"""How long `stop` waits for the threads, all together; no source takes longer to open.

A sink that has much to give back may ask for more: `Sink.close_seconds`.
"""

MOST_STATISTICS = 4096
"""Bytes of a file that are looked at before it is replaced by statistics."""

logger = logging.getLogger("expression")

_running: Session | None = None
"""The session that runs, kept here too: a notebook forgets it when a cell is run again."""


class Session:
    """A live run: capture, faces, prediction, display and sinks around one `Data`.

    Use it as a context manager and it is stopped on every way out: the camera is
    released and every thread is joined. A failure in a thread is raised again here.

    Args:
        source: See `sources.open_source`; None takes the settings' source.
        settings: All settings; None collects them with `Settings.load(**arguments)`.
        **arguments: Single settings, such as `detector="haar"`, where no settings are given.

    Attributes:
        settings: The settings in force.
        data: The shared object; None before `start`.
        error: None, or the failure as (thread name, exception), once stopped.

    Raises:
        ExpressionError: From `start`, when a part cannot be had.

    Example:
        >>> with Session("demo", display="none", duration=5) as session:
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

    def __enter__(self) -> Session:
        self._start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.stop()
        if error is None:
            self.raise_error()

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
        """Builds every part and starts the threads; a widget shows at once.

        For a notebook cell that is to go on with others: when the run ends, it is stopped by
        itself, and a failure is told in a line, for there is nobody to raise it to.

        Raises:
            ExpressionError: A part cannot be had, or it ran before; nothing was started.
        """
        self._start()
        threading.Thread(target=self._stop_at_the_end, name="end", daemon=True).start()

    def _start(self) -> None:
        """Does what `start` says, for a caller who will stop it and raise its failure."""
        if self.data is not None:
            raise BadInputError(
                "This session has run already.", "Expected a fresh one.", "Make another Session(...)."
            )
        self.make_parts()
        _check_writable(self.settings.stats)
        self._started = time.monotonic()
        self._wire()
        _replace_running(self)
        try:
            for worker in self._workers:
                worker.start()
        except BaseException:
            self.stop()
            raise

    def _stop_at_the_end(self) -> None:
        """Waits for the end, stops, and tells a failure."""
        self.data.wait_done()
        self.stop()
        if self.error:
            logger.error("The %s thread failed: %s", *self.error)

    def make_parts(self) -> None:
        """Builds source, detector, network, display and sinks; a subclass may bring its own."""
        settings = self.settings
        self.display = make_display(settings.display)
        self.runtime = runtime.load(settings.model or models.SHIPPED)
        self.detector = make_detector(settings.detector, settings.smallest_face, settings.eyes)
        _check_once(settings.sinks)
        self.sinks = [make_sink(sink) for sink in settings.sinks]
        # The last one: that of a browser shows itself in the notebook at once.
        self.source = open_source(self._source, repeat=self.display.name != "none")

    def _wire(self) -> None:
        """Makes the threads: who follows which slot of the shared object."""
        settings, data = self.settings, Data()
        self.data = data
        data.control.labels = tuple(self.runtime.labels)
        smoother = Smoother(settings.smooth, self.runtime.labels, settings.threshold)
        self._capture = CaptureLoop(data, self.source)
        self._faces = FaceLoop(data, self.detector, Tracker(settings.stale), settings.people)
        self._prediction = PredictLoop(data, self.runtime, smoother)
        mirror = self.source.mirror = settings.mirror and self.source.mirror
        self._workers = sinks = [SinkLoop(data, sink) for sink in self.sinks]
        self.display_loop = DisplayLoop(
            data, self.display, mirror, settings.stale, [s.picture for s in sinks]
        )
        self._workers += [self._prediction, self._faces, self._capture]
        if settings.duration:
            self._workers.append(_Deadline(data, settings.duration))
        if not self.display.needs_main_thread:
            self._workers.append(self.display_loop)

    def run(self) -> None:
        """Starts if need be, shows the display until the run is over, and stops.

        The window of OpenCV needs the main thread, so call this from there.

        Raises:
            BaseException: Whatever ended a thread; KeyboardInterrupt for Ctrl-C.
        """
        if self.data is None or self._seconds:
            self._start()
        try:
            if self.display_loop.display.needs_main_thread:
                self.display_loop.run()
            while not self.data.wait_done(0.2):  # in slices, since Windows delivers Ctrl-C between them
                pass
            self.stop()
        except KeyboardInterrupt:  # a failure that came first is what the caller wants to know
            self.stop()
            if self.error is None:
                raise
        self.raise_error()

    def readings(self) -> Iterator[Reading]:
        """Yields every reading as it comes, until the run is over; skips what comes too quickly.

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
        with self._stopping:
            if not self._seconds:
                self._join()
                self._write_statistics()
            if _running is self:
                _running = None

    def _join(self) -> None:
        """Waits for the threads and notes how long that took, and who is left."""
        began = time.monotonic()
        workers = [w for w in self._workers if w.ident and w is not threading.current_thread()]
        for worker in workers:
            while worker.is_alive():
                asked = [w.sink.close_seconds for w in workers if isinstance(w, SinkLoop) and w.is_alive()]
                left = began + JOIN_SECONDS + max(asked, default=0.0) - time.monotonic()
                if left <= 0:
                    break
                worker.join(min(left, 0.2))  # in slices, since a sink may ask for less meanwhile
        self._threads_left = [worker.name for worker in workers if worker.is_alive()]
        if self._threads_left:
            logger.warning("These threads have not ended yet: %s.", ", ".join(self._threads_left))
        ended = time.monotonic()
        self._seconds, self._stop_seconds = ended - self._started, ended - began

    def _write_statistics(self) -> None:
        """Writes the statistics where they are wanted."""
        path = self.settings.stats
        if not path:
            return
        try:
            Path(path).write_text(json.dumps(self.statistics(), indent=2) + "\n", "utf-8")
        except OSError as error:
            self.data.fail("statistics", _cannot_write(path, error))

    def raise_error(self) -> None:
        """Raises what ended a thread, if anything did."""
        if self.error:
            raise self.error[1]

    def statistics(self) -> dict[str, Any]:
        """Returns what the run counted so far, as `expression live --stats` writes it."""
        self._check_started()
        seconds = self._seconds or time.monotonic() - self._started
        prediction = self._prediction
        return {
            "frames_read": self._capture.frames,
            "frames_shown": self.display_loop.frames,
            "frames_with_faces": self._faces.frames_with_faces,
            "faces_skipped_frames": self._faces.skipped,
            "predictions": prediction.predictions,
            "seconds": round(seconds, 3),
            "display_fps": round(self.display_loop.fps, 2),
            "predictions_per_second": round(prediction.predictions / seconds, 2),
            "first_reading_seconds": prediction.first_reading and round(prediction.first_reading, 3),
            "reading_age_ms": prediction.ages.summary(),
            "labels": dict(prediction.labels.most_common()),
            "threads_left": len(self._threads_left),
            "stop_seconds": round(self._stop_seconds, 3),
            "error": f"{self.error[0]}: {self.error[1]}" if self.error else None,
        }

    def _check_started(self) -> None:
        """Raises a BadInputError before the first start."""
        if self.data is None:
            raise BadInputError(
                "This session was not started.",
                "Expected one that runs.",
                "Use: with Session(...) as session:",
            )


class _Deadline(Worker):
    """Sets done after so many seconds."""

    def __init__(self, data: Data, seconds: float):
        super().__init__(data, "deadline")
        self._seconds = seconds

    def step(self) -> None:
        """Sleeps until the time is up or the run is over."""
        self.data.wait_done(self._seconds)
        self.data.done = True


def _replace_running(session: Session) -> None:
    """Remembers the session that runs; in a notebook the one before it is stopped first."""
    global _running
    if _running is not None and in_notebook():
        if not _running.data.done:
            print("The session that was still running is stopped first.")
        _running.stop()
    _running = session


def _check_once(sinks: tuple[Any, ...]) -> None:
    """Raises a BadInputError when a sink is named twice, which would write everything twice."""
    twice = next((sink for number, sink in enumerate(sinks) if sink in sinks[:number]), None)
    if twice is not None:
        raise BadInputError(f"The sink {twice} is there twice.", "Expected it once.", "Leave one out.")


def _check_writable(path: str) -> None:
    """Raises an OutputError when the statistics could not be written, or would replace something else."""
    if not path:
        return
    try:
        with open(path, "a+b") as file:
            file.seek(0)
            content = file.read(MOST_STATISTICS)
    except OSError as error:
        raise _cannot_write(path, error) from error
    if content and b'"frames_read"' not in content:
        raise OutputError(
            f"{path} is there already and holds no statistics.",
            "Expected a new file, or one that an earlier run wrote.",
            "Choose another --stats.",
        )


def _cannot_write(path: str, error: OSError) -> OutputError:
    """Returns the error for statistics that have no place."""
    return OutputError(
        f"The statistics cannot be written to {path} ({error.strerror}).",
        "Expected a file in a folder that is there and writable.",
        "Choose another --stats, or make the folder.",
    )
