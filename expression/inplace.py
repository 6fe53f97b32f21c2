"""In place of a widget: what a page says that cannot show one, as where JupyterLab lacks an extension.

`widget.py`, `labelwidget.py` and `sources/browser.py` give it to the notebook beside each widget. People
read it on the web, too, in a notebook that was saved while a cell ran.

Notebook: 06_live
"""

from __future__ import annotations

from typing import Any

WORDS = """{} is not shown here.
Expected a page that shows widgets, such as JupyterLab's, and a cell that runs.
Run the cell again. If that does not help, run: pip install jupyterlab_widgets anywidget
where JupyterLab is installed, and start it anew."""


def in_place(bundle: Any, name: str) -> Any:
    """Returns what a widget gives a notebook to show, with plain words in place of its Python name.

    Args:
        bundle: What its `_repr_mimebundle_` returned: a dictionary, or a pair of which it is the first.
        name: What the widget is called at the beginning of a sentence.

    Example:
        >>> in_place({"text/plain": "VBox(children=())"}, "The live view")["text/plain"].splitlines()[0]
        'The live view is not shown here.'
    """
    words = {"text/plain": WORDS.format(name)}
    if isinstance(bundle, tuple):
        data, about = bundle
        return data | words, about
    return bundle | words
