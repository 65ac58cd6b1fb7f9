"""What all figures share: the house style, the numbers that were plotted, the source line."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib.style
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from asm_sim.results.describe import source_line

STYLE = Path(__file__).with_name("asm.mplstyle")
SOURCE_LINE = "source-line"
SOURCE_LINE_INCHES = 0.25

# The roles that colours play, dark against light so that they differ in grey too.
PENALTY, BONUS, MAXIMUM_PENALTY = "#B5561C", "#9CCBE6", "#2B1100"
FIRST_YEAR, LAST_YEAR = "#2A6FA8", "#8C2D04"
INK, QUIET, STRIP = "#222222", "#666666", "#C9CDD2"


class RunFigure(Figure):
    """A figure of a run; a notebook shows it as it is.

    ``plotted`` holds every number that is drawn, with units in the names: what the sidecar file of
    a saved figure says.
    """

    plotted: dict[str, Any]

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        with house_style():
            self.savefig(image, format="png", dpi=110)
        return image.getvalue()


def house_style() -> AbstractContextManager[None]:
    """The style of every figure, for the time of drawing one; the user's own settings return."""
    return matplotlib.style.context(["default", STYLE])


def new_figure(ds: xr.Dataset, width: float, height: float) -> RunFigure:
    """An empty figure (inches) with room for, and with, the source line at its foot."""
    figure = RunFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    foot = SOURCE_LINE_INCHES / height
    figure.get_layout_engine().set(rect=(0.0, foot, 1.0, 1.0 - foot))  # type: ignore[union-attr]
    figure.text(
        0.01,
        0.25 * foot,
        f"Source: {source_line(ds)}",
        gid=SOURCE_LINE,
        color=QUIET,
        fontsize=6.5,
        va="bottom",
    )
    figure.plotted = {}
    return figure
