"""Jupyter: text for pages that cannot show a widget, and clicks that arrive while a cell runs.

`displays/widget.py`, `labeler/widget.py` and `sources/browser.py` use both for their widgets. The text is
for a JupyterLab without the extension, and for notebooks on the web that were saved while a cell ran.

Notebook: 07_live
"""

from __future__ import annotations

import sys
from typing import Any

WORDS = """{} is not shown here.
Expected a page that supports widgets, such as JupyterLab, and a running cell.
Run the cell again. If that does not help, run: pip install jupyterlab_widgets anywidget
where JupyterLab is installed, and restart it."""


def in_place(bundle: Any, name: str) -> Any:
    """Returns what a widget gives a notebook to show, with a plain text instead of its Python name.

    Args:
        bundle: What its `_repr_mimebundle_` returned: a dictionary, or a pair of which it is the first.
        name: The name of the widget, to start a sentence.

    Example:
        >>> in_place({"text/plain": "VBox(children=())"}, "The live view")["text/plain"].splitlines()[0]
        'The live view is not shown here.'
    """
    words = {"text/plain": WORDS.format(name)}
    if isinstance(bundle, tuple):
        data, about = bundle
        return data | words, about
    return bundle | words


def route_messages(*widgets: Any) -> None:
    """Lets the kernel receive messages of widgets, and of those in a box, while a cell runs.

    ipykernel 7.4 passes a widget's messages to whoever used the widget last. Here that is the running cell,
    which receives them only after it has ended; so they go where the page sends them, as with ipykernel 7.2.
    Source: https://github.com/ipython/ipykernel/blob/v7.4.0/ipykernel/comm/comm.py

    Args:
        widgets: Widgets of ipywidgets or anywidget; outside a notebook this has no effect.
    """
    for widget in widgets:
        widget.comm._reply_subshell_for = lambda _data, where: where
        route_messages(*getattr(widget, "children", ()))


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; imports nothing to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)
