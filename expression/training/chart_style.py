"""How all charts look: their style, their size, and that a notebook shows them.

`charts.py` and `reaction_charts.py` draw with it. It touches no state of matplotlib's, so they work in any
thread and beside any other drawing.

Notebook: 05_train
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import missing_package

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7f7f7f"
"""Colours that people with any colour vision tell apart.

Source: Okabe and Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

DARK = "#262626"
"""The ground on which the colours of all labels are seen, yellow and blue too."""

WIDTH = 9.0
"""Inches; at 100 dots each as wide as a README is shown."""

STYLE = {
    "figure.dpi": 150,  # half as many again, for sharp screens
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
    "text.parse_math": False,  # a label called $x$ is drawn as it is
}
"""What all charts share; everything else is as matplotlib has it, whatever the user's own style."""


def settled(figure: Figure) -> Figure:
    """Lays a figure out once for all: matplotlib does so at each drawing, and its first try is often off."""
    for _ in range(2):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def percent(axis, sign: str = "%") -> None:
    """Writes the shares of an axis as percentages, with decimals only where a tick has some."""
    axis.set_major_formatter(lambda share, _: f"{round(100 * share, 6):g}{sign}")


def chart_style():
    """Returns a context in which matplotlib draws as all charts here look."""
    try:
        from matplotlib import style
    except ImportError as error:
        raise missing_package("Drawing a chart", "matplotlib", "lessons") from error
    return style.context(["default", STYLE])


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Returns an empty figure on white, in inches, that notebooks show."""
    from io import BytesIO

    from matplotlib.figure import Figure

    class Chart(Figure):
        def _repr_png_(self) -> bytes:  # Jupyter asks for it; a plain Figure needs pyplot's help
            file = BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    return Chart(figsize=(width, height), layout="constrained")
