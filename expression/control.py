"""What somebody wants of a run while it goes on: off, on, pause, or a mood of their choice.

`Data` has one, so that a key, a notebook, MQTT and Blynk all turn the same switches. `FaceLoop` looks
for no face while it is off; sinks that react, such as lamps, hold still while it pauses.

Notebook: 09_reactions
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
        labels: What an override can be.

    Attributes:
        labels: As given; a session gives those of its network before a sink is opened.
        on: Whether faces are looked for. Off, nobody is there as far as all others know.
        paused: Whether reactions hold still, as they are at the moment.
        override: A label that reactions take in place of what is read, also when nobody is there; None
            for none.

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
        self._watchers: list[Callable[[], None]] = []
        self._warned: set[Callable[[], None]] = set()  # watchers that have failed once

    @property
    def on(self) -> bool:
        """Whether faces are looked for."""
        return self._on

    @on.setter
    def on(self, value: bool) -> None:
        self._set("_on", bool(value))

    @property
    def paused(self) -> bool:
        """Whether reactions hold still."""
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        self._set("_paused", bool(value))

    @property
    def override(self) -> str | None:
        """The label that reactions take in place of what is read, or None.

        Raises:
            BadInputError: It is set to a label that is none of `labels`, where these are known.
        """
        return self._override

    @override.setter
    def override(self, label: str | None) -> None:
        if label and self.labels and label not in self.labels:
            raise BadInputError(
                f"The override is {label!r}.",
                f"Expected one of {', '.join(self.labels)}, or None.",
                did_you_mean(label, self.labels, "Choose one of these; None is for what is read."),
            )
        self._set("_override", label or None)

    def press(self, key: str) -> bool:
        """Turns the switch that a key stands for, and says whether there is one.

        Args:
            key: "o" for on and off, "p" for a pause, a digit for the label of that number, counted from 1,
                as an override, "0" for none.
        """
        if key == "o":
            self.on = not self.on
        elif key == "p":
            self.paused = not self.paused
        elif key == "0":
            self.override = None
        elif key.isascii() and key.isdecimal() and int(key) <= len(self.labels):
            self.override = self.labels[int(key) - 1]
        else:
            return False
        return True

    def told(self) -> str:
        """Returns what is not as usual, in a few words; nothing where all is.

        Example:
            >>> control = Control(["Happy", "Sad"])
            >>> control.press("p"), control.press("2"), control.told()
            (True, True, 'paused · Sad by hand')
        """
        parts = ["off"] if not self.on else []
        parts += ["paused"] if self.paused else []
        parts += [f"{self.override} by hand"] if self.override else []
        return " · ".join(parts)

    def watch(self, callback: Callable[[], None]) -> None:
        """Calls back after each change, in the thread that made it; it should return at once.

        What it raises is warned of once, and keeps nobody else from hearing.
        """
        with self._lock:
            self._watchers.append(callback)

    def unwatch(self, callback: Callable[[], None]) -> None:
        """Calls back no more; does nothing where it was not asked to."""
        with self._lock:
            self._watchers = [watcher for watcher in self._watchers if watcher != callback]

    def _set(self, name: str, value) -> None:
        """Sets a switch, and tells those who watch."""
        with self._lock:
            changed = getattr(self, name) != value
            setattr(self, name, value)
            watchers = list(self._watchers)
        for watcher in watchers if changed else ():
            self._tell(watcher)

    def _tell(self, watcher: Callable[[], None]) -> None:
        """Calls back; the thread that turned the switch must not die of what that raises."""
        try:
            watcher()
        except Exception as error:  # noqa: BLE001  a watcher is anybody's code
            with self._lock:
                first = watcher not in self._warned
                self._warned.add(watcher)
            if first:
                logger.warning(
                    "A function that watches the switches failed: %s. Expected a call that returns. "
                    "The switch is set; fix %s.",
                    " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ."),
                    getattr(watcher, "__qualname__", watcher),
                )
