"""The look of all charts: their style, their size and how a notebook displays them.

`charts.py` and `teaching/reaction_charts.py` use it. It does not touch matplotlib's global state, so they
work in any thread and alongside any other plotting.

Notebook: 06_train
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import missing_package

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7f7f7f"
"""Colours that people with any kind of colour vision can distinguish.

Source: Okabe and Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

DARK = "#262626"
"""The background on which the colours of all labels are visible, including yellow and blue."""

WIDTH = 9.0
"""Inches; at 100 dots per inch as wide as a README is displayed."""

STYLE = {
    "figure.dpi": 150,  # half as many again, for high-resolution screens
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.edgecolor": "none",
    "lines.linewidth": 1.8,
    "text.parse_math": False,  # a label called $x$ is drawn literally
}
"""Settings of all charts; everything else is matplotlib's default, whatever the user's own style."""


def settled(figure: Figure) -> Figure:
    """Fixes the layout of a figure: matplotlib redoes it at each drawing, and its first try is often off."""
    for _ in range(2):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def percent(axis, sign: str = "%") -> None:
    """Formats the ticks of an axis as percentages, with decimals only where needed."""
    axis.set_major_formatter(lambda share, _: f"{round(100 * share, 6):g}{sign}")


def chart_style():
    """Returns a context in which matplotlib uses the style of these charts."""
    try:
        from matplotlib import style
    except ImportError as error:
        raise missing_package("Drawing a chart", "matplotlib", "lessons") from error
    return style.context(["default", STYLE])


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Returns an empty white figure, with its size in inches, that notebooks can display."""
    from io import BytesIO

    from matplotlib.figure import Figure

    class Chart(Figure):
        def _repr_png_(self) -> bytes:  # Jupyter calls it; a plain Figure would need pyplot
            file = BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    return Chart(figsize=(width, height), layout="constrained")
