"""Screen: whether a window or a notebook's widget can be shown here.

OpenCV aborts the whole process, a notebook's kernel with it, when a window is opened
without a screen; so `display.py` and `window.py` ask here first, and `check.py`
reports it.

Notebook: 06_live
"""

from __future__ import annotations

import ctypes
import os
import re
import sys

import cv2

from .errors import DisplayError

_connections: dict[str, int] = {}
"""Connections to X servers that answered, by name; they are kept until the process ends."""


def screen_is_there() -> tuple[bool, str]:
    """Tells whether OpenCV can open a window, and why, in half a sentence.

    Returns:
        Whether, and the reason: (False, "neither DISPLAY nor WAYLAND_DISPLAY is set").
    """
    kind = window_kind()
    if kind == "NONE":
        return False, "this OpenCV has no windows (opencv-python-headless is installed)"
    if sys.platform in ("win32", "darwin"):
        return True, f"the desktop, through {kind}"
    x_display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if x_display and _x_server_answers(x_display):
        return True, f"the X display {x_display}, through {kind}"
    if wayland and not kind.startswith("QT"):
        return True, f"the Wayland display {wayland}, through {kind}"
    if x_display:
        return False, f"no X server answers at DISPLAY={x_display}"
    if wayland:
        return False, f"OpenCV's {kind} windows need X (XWayland), and DISPLAY is not set"
    return False, "neither DISPLAY nor WAYLAND_DISPLAY is set"


def check_screen(remedy: str = "Run it on the desktop, or choose the display none.") -> None:
    """Raises a DisplayError where a window would abort the process; `remedy` is what to do then."""
    there, reason = screen_is_there()
    if not there:
        raise DisplayError(
            f"A window cannot be shown: {reason}.",
            "Expected a screen that OpenCV can open a window on.",
            remedy,
        )


def window_kind() -> str:
    """Returns what OpenCV makes its windows with: QT5, GTK3, WIN32UI, COCOA ... or NONE."""
    found = re.search(r"^ *GUI:[ \t]*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    return found.group(1) if found else "NONE"


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; loads nothing to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)


def _x_server_answers(name: str) -> bool:
    """Connects to an X server as a window would, permissions included, and stays connected.

    A server without a desktop, such as Xvfb, starts anew when its last client leaves and
    refuses whoever comes at that moment: a window would abort the process then.

    Source: https://xcb.freedesktop.org/PublicApi/ and the option -noreset of Xserver(1).
    """
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = xcb.xcb_poll_for_event.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    for function in (xcb.xcb_poll_for_event, xcb.xcb_connection_has_error, xcb.xcb_disconnect):
        function.argtypes = [ctypes.c_void_p]
    connection = _connections.pop(name, None) or xcb.xcb_connect(name.encode(), None)
    xcb.xcb_poll_for_event(connection)  # notices that the server has gone
    if xcb.xcb_connection_has_error(connection):
        xcb.xcb_disconnect(connection)
        return False
    _connections[name] = connection
    return True
