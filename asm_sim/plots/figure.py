"""What all figures share: the house style, the numbers that were plotted, the source line."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib.style
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from asm_sim.results.describe import source_line

STYLE = Path(__file__).with_name("asm.mplstyle")
SOURCE_LINE = "source-line"
HEAD_INCHES, FOOT_INCHES = 0.55, 0.25
INDENT = 0.01

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

    def get_tightbbox(self, renderer: Any = None, *, bbox_extra_artists: Any = None) -> Any:
        """The whole figure: a notebook that trims figures cuts off neither title nor source."""
        del renderer, bbox_extra_artists
        inches: Any = self.dpi_scale_trans.inverted()
        return inches.transform_bbox(self.bbox)

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        with house_style():
            self.savefig(image, format="png", dpi=110)
        return image.getvalue()


def house_style() -> AbstractContextManager[None]:
    """The style of every figure, for the time of drawing one; the user's own settings return."""
    return matplotlib.style.context(["default", STYLE])


def new_figure(ds: xr.Dataset, width: float, height: float, title: str) -> RunFigure:
    """An empty figure (inches) with its title, room for a key, and the source line at its foot."""
    head, foot = HEAD_INCHES / height, FOOT_INCHES / height
    layout = ConstrainedLayoutEngine(rect=(0.0, foot, 1.0, 1.0 - foot - head))
    figure = RunFigure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    for text in (
        figure.text(INDENT, 1.0 - 0.08 / height, title, va="top", fontsize=11, fontweight="bold"),
        figure.text(
            INDENT, 0.07 / height, f"Source: {source_line(ds)}",
            va="bottom", fontsize=6.5, color=QUIET, gid=SOURCE_LINE,
        ),
    ):  # fmt: skip
        text.set_in_layout(False)
    figure.plotted = {}
    return figure


def add_key(figure: RunFigure, handles: Sequence[Artist]) -> None:
    """One line below the title that says what is drawn how."""
    legend = figure.legend(
        handles=list(handles),
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0 - 0.27 / figure.get_figheight()),
        ncols=len(handles),
    )
    legend.set_in_layout(False)


def typeset(text: str) -> str:
    """With the sign of minus in place of the hyphen."""
    return re.sub(r"(?<!\w)-(?=\d)", "\N{MINUS SIGN}", text)


def signed(value: float, _position: int | None = None) -> str:
    """A tick label of a gain or a loss: with its sign, zero without."""
    return typeset(f"{value:+g}") if value else "0"
