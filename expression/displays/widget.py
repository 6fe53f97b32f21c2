"""Widget: the live view in a notebook, with a stop button and the switches of the run.

`displays.make_display` imports this when a notebook asks for a display.

Notebook: 07_live
"""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..control import Control
from ..errors import MissingPackageError, missing_package
from ..jupyter import in_place, route_messages
from ..pictures.image import encode_jpeg, fit
from ..types import Reading
from ..vision.drawing import describe
from . import WAITING
from ._base import Display
from .switches import Switches

KEPT_BYTES = 60_000
"""Largest size, in bytes, of the last picture, which stays in the notebook."""


class Widget(Display):
    """A live picture in a notebook with a stop button, and a still picture when the run is over.

    Attributes:
        picture: The ipywidgets.Image that is updated in place.
        button: The stop button.
        switches: Buttons for off and pause, and a menu for the override.
        status: A label that says in words what is shown.
        aid: Passes it to screen readers; None without anywidget.

    Raises:
        MissingPackageError: From `open`, without ipywidgets; install what it names.
    """

    name = "widget"

    def __init__(self):
        self.picture = self.button = self.switches = self.status = self.aid = None
        self._box = self._handle = self._last = None
        self._text = ""
        self._told = 0.0
        self._stopped = False

    def open(self) -> None:
        """Shows the widget below the running cell."""
        try:
            import ipywidgets
            from IPython.display import display
        except ImportError as error:
            raise missing_package("The notebook's live view", "ipywidgets", "lessons") from error
        # No tooltip: ipywidgets 8.1.9 cannot show a picture that has one.
        self.picture = ipywidgets.Image(format="jpeg", layout={"max_width": "100%"})
        self.button = ipywidgets.Button(description="Stop", icon="stop", tooltip="Stop the live run")
        self.button.on_click(self._stop)
        self.switches = Switches(self.control or Control())
        self.status = ipywidgets.Label(WAITING)
        self.aid = _make_aid()
        row = ipywidgets.HBox([self.button, *self.switches.widgets], layout={"flex_flow": "row wrap"})
        parts = [row, self.picture, self.status] + ([self.aid] if self.aid else [])
        self._box = ipywidgets.VBox(parts, layout={"align_items": "flex-start", "overflow": "visible"})
        self._box.add_class("expression-live")
        route_messages(self._box)
        shown = in_place(self._box._repr_mimebundle_(), "The live view")
        self._handle = display(shown, raw=True, display_id=True)

    def show(self, image: np.ndarray, readings: Sequence[Reading] | None = None, status: str = "") -> bool:
        """Replaces the picture, and twice a second the text below it."""
        self._last, self._text = image, in_words(readings, status)
        self.picture.value = encode_jpeg(fit(image, 960)[0])
        now = time.monotonic()
        if now - self._told >= 0.5:
            self._told = now
            self.status.value = self._text
            if self.aid:
                self.aid.tell(self._text, spoken(readings, self.control.told() if self.control else ""))
        return self.is_open()

    def is_open(self) -> bool:
        """Returns False once the stop button was clicked, or the page or the output was closed."""
        return not (self._stopped or (self.aid and self.aid.left))

    def close(self) -> None:
        """Replaces the widget with its last picture, which a saved notebook keeps."""
        if self._box is None:
            return
        if self._handle is not None:  # None outside a notebook
            picture, about = self._still()
            self._handle.update(picture, metadata=about, raw=True)
        for widget in (self.picture, self.button, self.switches, self.status, self.aid, self._box):
            if widget is not None:
                widget.close()
        self._box = None

    def _stop(self, _button) -> None:
        self._stopped = True

    def _still(self) -> tuple[dict, dict]:
        """Returns the last picture as a notebook's output, and its metadata."""
        text = f"The last frame of the live run: {self._text}"
        if self._last is None:
            return {"text/plain": "The live run ended before its first frame."}, {}
        jpeg = base64.b64encode(_small_jpeg(self._last)).decode()
        return {"image/jpeg": jpeg, "text/plain": text}, {"image/jpeg": {"alt": text}}


def in_words(readings: Sequence[Reading] | None, status: str) -> str:
    """Returns a description of a picture.

    Example:
        >>> in_words([], "24 fps")
        'no face (24 fps)'
    """
    if readings is None:
        return status
    return f"{describe(readings)} ({status})" if status else describe(readings)


def spoken(readings: Sequence[Reading] | None, switches: str) -> str:
    """Returns the part worth reading aloud: the label of each person, and the switches that are set.

    Args:
        readings: The readings in the picture; None if there was no frame.
        switches: What `Control.told` returns.

    Example:
        >>> spoken([], "paused · Sad (override)")
        'no face, paused, Sad (override)'
    """
    said = [] if readings is None else [describe(readings, scores=False)]
    return ", ".join(filter(None, [*said, *switches.split(" · ")]))


def _make_aid() -> Any:
    """Returns an Aid for the picture, or None without anywidget: the picture is shown all the same."""
    try:
        from .accessibility import Aid
    except MissingPackageError:
        return None
    return Aid()


def _small_jpeg(image: np.ndarray) -> bytes:
    """Returns a picture as JPEG in at most `KEPT_BYTES`, as sharp as that allows."""
    for longest, quality in ((800, 80), (640, 75), (640, 55), (480, 50), (320, 40)):
        jpeg = encode_jpeg(fit(image, longest)[0], quality)
        if len(jpeg) <= KEPT_BYTES:
            break
    return jpeg
