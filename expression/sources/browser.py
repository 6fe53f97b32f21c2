"""The camera of the browser in which a notebook is open, even if the kernel runs on another machine.

`Session("browser")` requests it in the page, below the running cell. `browser.js` sends frames as fast as the
connection allows, and the newest is read. The camera is turned off when the run ends, when the cell is run
again, when the kernel is restarted and when the page is closed.

Notebook: 07_live
"""

from __future__ import annotations

import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import SourceError, SourceLostError, missing_package
from ..jupyter import in_notebook, in_place, route_messages
from ..types import Box
from ..vision import layers
from ..vision.drawing import PALETTE, draw_corners
from ._base import Source

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise missing_package("The camera of the browser", "anywidget", "lessons") from error

WIDTH, HEIGHT = 640, 480
LARGEST = 7680  # pixels on a side of a frame of a camera
PAUSE, QUIET = 0.25, 2.0
"""Seconds between two checks for a frame, and without a frame until that is shown."""

PATIENCE, LEFT, SILENCE = 60.0, 15.0, 20.0
"""Seconds to allow the camera, to return after the page was closed or reloaded, and for a page to announce
itself."""

GROUND, LETTER, PITCH, IN_LINE = (24, 27, 33), 16, 30, 44
"""Background of a picture of text (RGB), height of letters and of lines in pixels, letters in a line."""

ALLOW = "Please allow this page to use the camera. The browser asks next to the page's address."

FAILURES = {
    "NotAllowedError": (
        "Permission to use the camera was not given.",
        "Allow it next to the page's address, and run the cell again.",
    ),
    "system": (
        "The system does not let the browser use the camera.",
        "Allow it in the system's privacy settings, and run the cell again.",
    ),
    "NotFoundError": ("The browser found no camera.", 'Plug one in, or use another source, such as "demo".'),
    "NotReadableError": (
        "The browser's camera is in use by another program.",
        "Close other programs that use it, and run the cell again.",
    ),
    "insecure": (
        "This page cannot use the camera because it was loaded over http.",
        "Open the notebook over https, or as localhost through a tunnel: ssh -L 8888:localhost:8888 HOST",
    ),
    "deaf": (
        "The kernel received no frames for 20 s, so the browser's camera was turned off.",
        "Avoid long computations in other cells, and run the cell again.",
    ),
    "ended": ("The browser's camera stopped.", "Plug it in or allow it again, and run the cell again."),
}
"""Failures of a page, and remedies. Source: https://developer.mozilla.org/docs/Web/API/MediaDevices/getUserMedia"""


class Camera(anywidget.AnyWidget):
    """The widget in the page: a small preview, and the rate of frames.

    Attributes:
        wanted: Whether the camera should be on.
    """

    _esm = Path(__file__).with_suffix(".js")
    wanted = traitlets.Bool(False).tag(sync=True)

    def _repr_mimebundle_(self, **kwargs):
        return in_place(super()._repr_mimebundle_(**kwargs), "The browser's camera")


class Browser(Source):
    """The camera of the page, mirrored; always returns the newest frame."""

    mirror = True
    named = True
    description = "the browser's camera"

    def __init__(self):
        self._changed = threading.Condition()
        self._newest: tuple[bytes, float] | None = None  # JPEG, and the time at which it was taken
        self._failed = ""  # the failure reported by the page
        self._failure: SourceError | SourceLostError | None = None  # already shown as a picture, raised next
        self._first, self._last = True, 0.0  # whether no frame has come yet, time of the last one
        self._view, self._heard = "", 0.0  # the view of the output that is followed, and its last message
        self._left = False  # whether it was closed since then
        self._closed = False
        self._camera, self._shown = _show() if in_notebook() else (None, None)

    def open(self) -> None:
        """Requests the camera in the page.

        Raises:
            SourceError: This is not a notebook, or the source was used before.
        """
        if self._closed:
            raise SourceError(
                "This source was used before.", "Expected a new one.", "Create another: Browser()."
            )
        if self._camera is None:
            raise SourceError(
                "The browser's camera was requested outside a notebook.",
                "Expected a cell of a notebook in JupyterLab.",
                "Leave the source out to use a camera of this machine.",
            )
        self._last = time.monotonic()
        self._camera.on_msg(self._hear)
        self._camera.wanted = True

    def read(self) -> np.ndarray:
        """Returns the newest frame, (height, width, 3) uint8 RGB, or a picture of text while none comes.

        Raises:
            SourceError: The page has no access to a camera.
            SourceLostError: The page does not show the camera, was closed, or sent no frames for a minute.
        """
        wait = PAUSE if self._first or self._failure else QUIET
        with self._changed:
            self._changed.wait_for(lambda: not self._failure and (self._newest or self._failed), wait)
            newest, self._newest = self._newest, None
        if self._failure:
            raise self._failure
        if self._failed:
            return self._give_up(_failure(self._failed))
        image = _decoded(newest[0], newest[2]) if newest else None
        if image is None:
            return self._waiting()
        self._first, self._last = False, time.monotonic()
        self.captured = max(newest[1], self.captured or 0.0)  # an age is an estimate; time never goes back
        return image

    def close(self) -> None:
        """Turns the camera off."""
        self._closed = True
        if self._camera is None:
            return
        camera, self._camera = self._camera, None
        camera.wanted = False
        if self._shown is not None:
            self._shown.update({"text/plain": self._what_was()}, raw=True)
        camera.close()

    def _hear(self, _widget, message: dict, buffers: list) -> None:
        """Handles a message of a view of the output, and acknowledges it, so that the view sends the next."""
        now, view, camera = time.monotonic(), str(message.get("view", "")), self._camera
        with self._changed:
            known = view == self._view or now - self._heard > QUIET or self._left
            if known:
                self._view, self._heard, self._left = view, now, "left" in message
                self._failed = str(message.get("failed", ""))
                if buffers:
                    taken = now - float(message.get("age", 0.0)) / 1000
                    self._newest = bytes(buffers[0]), taken, message.get("size")
                self._changed.notify_all()
        if camera is not None and (buffers or not known):
            camera.send({"view": view, "number": message.get("number"), "off": not known})

    def _waiting(self) -> np.ndarray:
        """Returns a picture with the reason for waiting."""
        self.captured = time.monotonic()
        patience = SILENCE if not self._heard else LEFT if self._left else PATIENCE
        if time.monotonic() - self._last > patience:
            return self._give_up(_lost(patience, silent=not self._heard))
        if not self._first:
            return self._written("The page sends no frames now. Keep it open and visible.")
        return self._written(ALLOW if self._heard else "Waiting for the page to show the browser's camera.")

    def _give_up(self, failure: SourceError | SourceLostError) -> np.ndarray:
        """Returns a picture with the failure, which stays visible; the next read raises it."""
        self._failure, self.captured = failure, time.monotonic()
        return self._written(f"{failure.happened} {failure.remedy}")

    def _written(self, text: str) -> np.ndarray:
        """Returns a picture of a text, mirrored if it will be shown like a mirror."""
        picture = _picture_of(text)
        return cv2.flip(picture, 1) if self.mirror else picture

    def _what_was(self) -> str:
        """Returns the text that stays below the cell."""
        if self._failure:
            return textwrap.fill(f"{self._failure.happened} {self._failure.remedy}", 90)
        return f"The browser's camera {'sent no frames' if self._first else 'was used here'}."


def _show() -> tuple[Camera, Any]:
    """Shows a camera, turned off, below the running cell; the thread that opens it could not do so."""
    from IPython.display import display

    camera = Camera()
    route_messages(camera)
    return camera, display(camera, display_id=True)


def _decoded(jpeg: bytes, size: object) -> np.ndarray | None:
    """Returns a frame in the size of the camera, or None if it is damaged.

    The page sends smaller frames over a slow connection; they are enlarged, so that all have the same size.

    Args:
        jpeg: The bytes sent by the page.
        size: The width and height of the camera, as reported by the page.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB) if jpeg else None
    if image is None or not (isinstance(size, list) and len(size) == 2):
        return image
    height, width = image.shape[:2]
    both = zip(size, (width, height), strict=True)
    smaller = all(isinstance(side, int) and seen <= side <= LARGEST for side, seen in both)
    return cv2.resize(image, size) if smaller and size != [width, height] else image


def _failure(name: str) -> SourceError:
    """Returns the error for a failure reported by the page."""
    happened, remedy = FAILURES.get(
        name, (f"The browser provided no camera ({name[:60]}).", 'Use another source, such as "demo".')
    )
    return SourceError(happened, "Expected the page to have access to a camera.", remedy)


def _lost(seconds: float, silent: bool) -> SourceLostError:
    """Returns the error for a page that sent no frames for so long, or never responded."""
    hearing = "If the kernel receives nothing while a cell runs, use session.start(), not session.run()."
    if silent:
        return SourceLostError(
            f"The page did not respond for {seconds:.0f} s.",
            "Expected it to be open and to show the browser's camera below the cell.",
            "Reload the page and run the cell again. If it still shows no camera, run pip install "
            f"jupyterlab_widgets anywidget where JupyterLab is installed, and restart it. {hearing}",
        )
    return SourceLostError(
        f"The browser sent no frames for {seconds:.0f} s.",
        "Expected the page to be open and its camera to be allowed.",
        f"Allow the camera and keep the page visible. {hearing}",
    )


def _picture_of(text: str) -> np.ndarray:
    """Returns a dark picture with a text in the middle, (height, width, 3) uint8 RGB."""
    canvas = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    lines = [layers.line(words, LETTER, 0) for words in textwrap.wrap(text, IN_LINE)]
    wide, high = max(line.extent[0] for line in lines), PITCH * len(lines)
    left, top = (WIDTH - wide) // 2, (HEIGHT - high) // 2
    around = Box(left - LETTER, top - LETTER, wide + 2 * LETTER, high + 2 * LETTER)
    draw_corners(canvas, around, PALETTE["neutral"], LETTER)
    for number, line in enumerate(lines):
        layers.blend(canvas, line, (WIDTH - line.extent[0]) // 2, top + PITCH * number)
    return canvas
