"""The switches of a running session: off, on, pause, or a mood of one's choice.

`Data` has one, so that a key, a notebook, MQTT and Blynk all change the same switches. `FaceLoop` looks
for no faces while it is off; sinks that react, such as lamps, do not change while it is paused.

Notebook: 10_reactions
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from .errors import BadInputError, did_you_mean

logger = logging.getLogger("expression")


class Control:
    """The switches of a run. Any thread may read and set them.

    Args:
        labels: The labels that an override may be.

    Attributes:
        labels: As given; a session sets those of its network before it opens a sink.
        on: Whether the run looks for faces. When off, it is as if nobody were there.
        paused: Whether reactions stay as they are at the moment.
        neutral: Whether people's resting faces are taken out of the readings. Turning it on asks everybody in
            view to look neutral for three seconds.
        learning: Whether they are to look neutral now; set by the run.
        heat_map: Whether the picture shows which parts of the largest face its label depends on.
        override: A label that reactions use instead of what is read, even when nobody is there; or None.

    Example:
        >>> control = Control()
        >>> control.watch(lambda: print("now", control.override))
        >>> control.override = "Happy"
        now Happy
        >>> control.override = "Happy"  # no change
    """

    def __init__(self, labels: Sequence[str] = ()):
        self.labels = tuple(labels)
        self._lock = threading.Lock()
        self._on, self._paused, self._override = True, False, None
        self._neutral = self._learning = self._heat_map = False
        self._watchers: list[Callable[[], None]] = []
        self._warned: set[Callable[[], None]] = set()  # watchers that have failed once

    @property
    def on(self) -> bool:
        """Whether the run looks for faces."""
        return self._on

    @on.setter
    def on(self, value: bool) -> None:
        self._set("_on", bool(value))

    @property
    def paused(self) -> bool:
        """Whether reactions stay as they are."""
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        self._set("_paused", bool(value))

    @property
    def neutral(self) -> bool:
        """Whether people's resting faces are taken out of the readings."""
        return self._neutral

    @neutral.setter
    def neutral(self, value: bool) -> None:
        self._set("_neutral", bool(value))

    @property
    def learning(self) -> bool:
        """Whether people are to look neutral now."""
        return self._learning

    @learning.setter
    def learning(self, value: bool) -> None:
        self._set("_learning", bool(value))

    @property
    def heat_map(self) -> bool:
        """Whether the picture shows which parts of the largest face its label depends on."""
        return self._heat_map

    @heat_map.setter
    def heat_map(self, value: bool) -> None:
        self._set("_heat_map", bool(value))

    @property
    def override(self) -> str | None:
        """The label that reactions use instead of what is read, or None.

        Raises:
            BadInputError: It is set to a label that is not one of `labels`, if these are known.
        """
        return self._override

    @override.setter
    def override(self, label: str | None) -> None:
        if label and self.labels and label not in self.labels:
            raise BadInputError(
                f"The override is {label!r}.",
                f"Expected one of {', '.join(self.labels)}, or None.",
                did_you_mean(label, self.labels, "Choose one of these, or None to follow the readings."),
            )
        self._set("_override", label or None)

    def press(self, key: str) -> bool:
        """Changes the switch that belongs to a key, and returns whether there is one.

        Args:
            key: "o" for on and off, "p" for pause, "n" for the resting face, "h" for the heat map, a digit
                to override with the label of that number, counted from 1, "0" for no override.
        """
        if key == "o":
            self.on = not self.on
        elif key == "p":
            self.paused = not self.paused
        elif key == "n":
            self.neutral = not self.neutral
        elif key == "h":
            self.heat_map = not self.heat_map
        elif key == "0":
            self.override = None
        elif key.isascii() and key.isdecimal() and int(key) <= len(self.labels):
            self.override = self.labels[int(key) - 1]
        else:
            return False
        return True

    def told(self) -> str:
        """Returns the switches that are not at their defaults, in a few words; an empty string if all are.

        Example:
            >>> control = Control(["Happy", "Sad"])
            >>> control.press("p"), control.press("2"), control.told()
            (True, True, 'paused · Sad (override)')
        """
        parts = ["off"] if not self.on else []
        parts += ["paused"] if self.paused else []
        if self.neutral:
            parts += ["look neutral ..." if self.learning else "resting face learned"]
        parts += ["heat map"] if self.heat_map else []
        parts += [f"{self.override} (override)"] if self.override else []
        return " · ".join(parts)

    def watch(self, callback: Callable[[], None]) -> None:
        """Calls `callback` after each change, in the thread that made it; it should return at once.

        An exception in it is logged once, and does not keep the other callbacks from being called.
        """
        with self._lock:
            self._watchers.append(callback)

    def unwatch(self, callback: Callable[[], None]) -> None:
        """Stops calling `callback`; does nothing if it was not registered."""
        with self._lock:
            self._watchers = [watcher for watcher in self._watchers if watcher != callback]

    def _set(self, name: str, value) -> None:
        """Sets a switch, and notifies the watchers."""
        with self._lock:
            changed = getattr(self, name) != value
            setattr(self, name, value)
            watchers = list(self._watchers)
        for watcher in watchers if changed else ():
            self._tell(watcher)

    def _tell(self, watcher: Callable[[], None]) -> None:
        """Calls a watcher; an exception in it must not end the thread that changed the switch."""
        try:
            watcher()
        except Exception as error:  # noqa: BLE001  a watcher can be anyone's code
            with self._lock:
                first = watcher not in self._warned
                self._warned.add(watcher)
            if first:
                logger.warning(
                    "A function that watches the switches failed: %s. Expected it to raise no error. "
                    "The switch was still set; fix %s.",
                    " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ."),
                    getattr(watcher, "__qualname__", watcher),
                )
