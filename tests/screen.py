"""A virtual screen for the tests of windows: Xvfb, with a hand that types and closes."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import processes
import pytest
from parts import PATIENCE, wait_for

NEEDED = ("Xvfb", "xdotool", "openbox", "xprop", "import")
"""The screen, the hand, and a desktop: without one Qt leaves a window black now and then."""


class Screen:
    """A screen that is on.

    Args:
        name: What DISPLAY is set to.
        server: The program that shows it.
    """

    def __init__(self, name: str, server: subprocess.Popen | None = None):
        self.environment = os.environ | {"DISPLAY": name}
        self._name, self._server = name, server

    def kill(self) -> None:
        """Lets the server die."""
        self._server.kill()

    def window(self, title: str) -> str:
        """Waits until a window of that title is visible and returns its number."""
        found: list[str] = []

        def there() -> bool:  # the search fails where another window goes while it looks
            found[:] = self._xdotool("search", "--sync", "--onlyvisible", "--name", title).splitlines()
            return bool(found)

        wait_for(there)
        return found[-1]

    def press(self, window: str, key: str) -> None:
        """Types a key into a window, as the keyboard would."""
        self._xdotool("windowfocus", "--sync", window)
        self._xdotool("key", key)

    def hold(self, window: str, key: str, down: bool) -> None:
        """Presses a key and keeps it down, or lets it go."""
        self._xdotool("windowfocus", "--sync", window)
        self._xdotool("keydown" if down else "keyup", key)

    def click(self, window: str, x: float, y: float) -> None:
        """Clicks into a window, at shares of its width and height."""
        shape = dict(
            line.split("=") for line in self._xdotool("getwindowgeometry", "--shell", window).splitlines()
        )
        place = (str(round(x * int(shape["WIDTH"]))), str(round(y * int(shape["HEIGHT"]))))
        self._xdotool("mousemove", "--sync", "--window", window, *place)
        self._xdotool("click", "1")

    def move(self, window: str) -> None:
        """Moves a window into the corner, so that all of it is on the screen."""
        self._xdotool("windowmove", window, "0", "0")

    def grab(self, window: str) -> np.ndarray:
        """Returns what a window shows: (height, width, 3) uint8, RGB."""
        words = ["import", "-window", window, "ppm:-"]
        done = subprocess.run(words, env=self.environment, capture_output=True, timeout=PATIENCE)
        return cv2.imdecode(np.frombuffer(done.stdout, np.uint8), cv2.IMREAD_COLOR_RGB)

    def close(self, window: str) -> None:
        """Does what the desktop does when a window's close button is pressed.

        Source: https://tronche.com/gui/x/icccm/sec-4.html#s-4.2.8.1
        """
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype, x11.XInternAtom.restype = ctypes.c_void_p, ctypes.c_ulong
        x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        x11.XSendEvent.argtypes = [
            ctypes.c_void_p,
            ctypes.c_ulong,
            ctypes.c_int,
            ctypes.c_long,
            ctypes.c_void_p,
        ]
        x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
        display = x11.XOpenDisplay(self._name.encode())
        message = _ClientMessage(type=33, window=int(window), format=32)
        message.message_type = x11.XInternAtom(display, b"WM_PROTOCOLS", 0)
        message.data[0] = x11.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
        x11.XSendEvent(display, int(window), 0, 0, ctypes.byref(message))
        x11.XCloseDisplay(display)

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=PATIENCE
        )
        return done.stdout.strip()


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib, padded to the size of an XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 24),
    )


@contextmanager
def virtual_screen(reset: bool = False) -> Iterator[Screen]:
    """Starts Xvfb on a free number; the test is skipped where a program is missing.

    Args:
        reset: Whether the server restarts when its last client leaves, as it does
            unless told otherwise; whoever comes at that moment is refused.
    """
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        pytest.skip(
            f"needs {' and '.join(missing)} (Debian: apt install xvfb xdotool openbox x11-utils imagemagick)"
        )
    reader, writer = os.pipe()
    server = processes.start(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
        + ([] if reset else ["-noreset"]),
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as numbers:
        screen = Screen(f":{numbers.readline().strip()}", server)
    try:
        if reset:  # a desktop would stay connected, and the server never restart
            yield screen
        else:
            with _desktop(screen):
                yield screen
    finally:
        server.terminate()
        server.wait(PATIENCE)


@contextmanager
def _desktop(screen: Screen) -> Iterator[None]:
    """Runs a window manager on a screen, and waits until it is there."""
    manager = processes.start(["openbox"], env=screen.environment, stderr=subprocess.DEVNULL)
    question = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
    try:
        while (
            "window id"
            not in subprocess.run(question, env=screen.environment, capture_output=True, text=True).stdout
        ):
            assert manager.poll() is None, "openbox ended"
        yield
    finally:
        manager.terminate()
        manager.wait(PATIENCE)
