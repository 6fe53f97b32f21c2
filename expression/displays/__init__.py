"""Displays: a window, a notebook's widget, a page for browsers or nothing, and the loop that feeds them.

`live/session.py` creates a display and its `DisplayLoop`; a window (`window.py`) runs in the
main thread, a widget (`widget.py`) in its own thread.

Notebook: 07_live
"""

from __future__ import annotations

import threading

from ..errors import BadInputError, DisplayError, did_you_mean
from ..jupyter import in_notebook
from ..settings import CHOICES, Settings
from ._base import Display, NoDisplay
from .screen import check_screen, screen_is_there

TITLE = "Expression (Esc or q to close)"


def make_display(
    name: str = "auto", title: str = TITLE, host: str = Settings.page_host, port: int = Settings.page_port
) -> Display:
    """Returns a display that is not yet open.

    Args:
        name: auto, window, widget, web or none; auto is a widget in a notebook, a window if
            there is a screen and this is the main thread, and none otherwise.
        title: The title of a window.
        host: The address that web listens on.
        port: Its port; if it is in use, the next free one.

    Raises:
        DisplayError: A window was requested without a screen, or a widget without a notebook.
        BadInputError: There is no display of that name, or the address of web demands a key.
        MissingPackageError: The page needs a package that is not installed.
    """
    if name == "auto":
        name = _best_here()
    if name == "window":
        check_screen()
        from .window import Window

        return Window(title)
    if name not in CHOICES["display"]:
        raise BadInputError(
            f"There is no display {name!r}.",
            f"Expected one of {', '.join(CHOICES['display'])}.",
            did_you_mean(name, CHOICES["display"]),
        )
    if name == "none":
        return NoDisplay()
    if name == "web":
        from .web import Web

        return Web(host, port)
    if not in_notebook():
        raise DisplayError(
            "A widget cannot be shown: this is not a notebook.",
            "Expected a notebook cell in Jupyter.",
            "Choose the display window or none.",
        )
    from .widget import Widget

    return Widget()


def _best_here() -> str:
    """Returns the name of the display that works here."""
    if in_notebook():
        return "widget"
    in_main = threading.current_thread() is threading.main_thread()
    return "window" if in_main and screen_is_there()[0] else "none"


WAITING = "Waiting for the first frame …"
