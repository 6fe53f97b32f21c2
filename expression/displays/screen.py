"""Screen: whether a window or a notebook's widget can be shown here.

OpenCV aborts the whole process, including a notebook's kernel, if a window is opened
without a screen; so `displays/__init__.py` and `window.py` check here first, and `cli/check.py`
reports it.

Notebook: 07_live
"""

from __future__ import annotations

import ctypes
import os
import re
import sys

import cv2

from ..errors import DisplayError

SHIFT, CAPS_LOCK, MASK_AT = 1, 2, 24
"""Bits for the pressed keys, and the byte where they are in an X server's reply."""

_connections: dict[str, int] = {}
"""Connections to X servers that answered, by name; they stay open until the process ends."""


def screen_is_there() -> tuple[bool, str]:
    """Returns whether OpenCV can open a window, and the reason, as a part of a sentence.

    Returns:
        For example (False, "neither DISPLAY nor WAYLAND_DISPLAY is set").
    """
    kind = window_kind()
    if kind == "NONE":
        return False, "this OpenCV cannot open windows (opencv-python-headless is installed)"
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
    """Raises a DisplayError if a window would abort the process; `remedy` says what to do then."""
    there, reason = screen_is_there()
    if not there:
        raise DisplayError(
            f"A window cannot be shown: {reason}.",
            "Expected a screen that OpenCV can open a window on.",
            remedy,
        )


def window_kind() -> str:
    """Returns what OpenCV uses for its windows: QT5, GTK3, WIN32UI, COCOA ... or NONE."""
    found = re.search(r"^ *GUI:[ \t]*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    return found.group(1) if found else "NONE"


def is_upper_case_on() -> bool:
    """Whether Shift or Caps Lock makes capitals now, which OpenCV's Qt windows do not report.

    Returns:
        False, too, if OpenCV reports it itself, or `screen_is_there` has no connection to ask.

    Source: QueryPointer, https://www.x.org/releases/X11R7.7/doc/xproto/x11protocol.html
    """
    connection = _connections.get(os.environ.get("DISPLAY", ""))
    if connection is None or not window_kind().startswith("QT"):
        return False
    xcb, libc = ctypes.CDLL("libxcb.so.1"), ctypes.CDLL(None)
    xcb.xcb_get_setup.restype = xcb.xcb_query_pointer_reply.restype = ctypes.c_void_p
    xcb.xcb_setup_roots_iterator.restype = _Roots
    xcb.xcb_get_setup.argtypes = xcb.xcb_setup_roots_iterator.argtypes = libc.free.argtypes = [
        ctypes.c_void_p
    ]
    xcb.xcb_query_pointer.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    xcb.xcb_query_pointer_reply.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p]
    root = xcb.xcb_setup_roots_iterator(xcb.xcb_get_setup(connection)).screen[0]
    reply = xcb.xcb_query_pointer_reply(connection, xcb.xcb_query_pointer(connection, root), None)
    if not reply:  # the server has ended
        return False
    mask = ctypes.c_uint16.from_address(reply + MASK_AT).value
    libc.free(reply)
    return bool(mask & SHIFT) != bool(mask & CAPS_LOCK)


class _Roots(ctypes.Structure):
    """The screens of an X server; each begins with the number of its root window."""

    _fields_ = (
        ("screen", ctypes.POINTER(ctypes.c_uint32)),
        ("left", ctypes.c_int),
        ("index", ctypes.c_int),
    )


def _x_server_answers(name: str) -> bool:
    """Connects to an X server as a window would, including permissions, and stays connected.

    A server without a desktop, such as Xvfb, restarts when its last client leaves and
    refuses connections at that moment: a window would abort the process then.

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
    xcb.xcb_poll_for_event(connection)  # notices if the server has ended
    if xcb.xcb_connection_has_error(connection):
        xcb.xcb_disconnect(connection)
        return False
    _connections[name] = connection
    return True
