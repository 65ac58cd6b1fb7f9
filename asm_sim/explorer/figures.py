"""The figures of a step: how adjustments lie, what a score is worth, what Medicare keeps.

Each is a pair of axes as SVG whose letters are text; heading, key and words are the page's. Bars
and bands are means over draws with two standard errors; what is pinned is a dark line in each.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from asm_sim.explorer.answers import distribution, edges_of, retained_by_year
from asm_sim.explorer.curve import ExchangeCurve
from asm_sim.explorer.steps import Step
from asm_sim.plots.figure import (
    BONUS,
    FIRST_YEAR,
    INK,
    PENALTY,
    POINTS,
    QUIET,
    house_style,
    signed,
    typeset,
)
from asm_sim.results.statistics import USD_PER_MILLION

WIDTH, HEIGHT = 4.8, 2.6  # inches
ERRORS = 2.0  # so many standard errors a bar or a band reaches
ERROR_LOOKS = {"ecolor": QUIET, "elinewidth": 0.8}
_NOT_DRAWN = re.compile(r"<(metadata|style)\b.*?</\1>", re.DOTALL)
_SIZES = ("font.size", "xtick.labelsize", "ytick.labelsize")
_ROOM = (0.15, 0.2, 0.81, 0.74)  # of the axes: left, bottom, width, height
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.size": 10,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
}


@contextmanager
def _drawing() -> Iterator[tuple[Axes, io.StringIO]]:
    """Axes to draw on, and what they are as an ``svg`` element when all is drawn."""
    written = io.StringIO()
    with house_style(), matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        FigureCanvasSVG(figure)
        ax = figure.add_axes(_ROOM)
        yield ax, written
        whole = io.StringIO()
        figure.savefig(whole, format="svg", metadata={"Date": None, "Creator": None})
    written.write(_bare(whole.getvalue()))


def _bare(text: str) -> str:
    """The element without what stands for itself in a page, or would reach into the rest of it."""
    box = f"0 0 {WIDTH * POINTS:g} {HEIGHT * POINTS:g}"
    body = _NOT_DRAWN.sub("", text[text.index(">", text.index("<svg")) + 1 :])
    return f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}">{body}'


def adjustments(now: Step, pinned: Step, cohort: str, year: int) -> str:
    """The distribution over the scored clinicians of a cohort in a performance year."""
    edges = edges_of((now, pinned), cohort, year)
    ours, theirs = (distribution(step, cohort, year, edges) for step in (now, pinned))
    percent = 100.0 * edges
    middle = 0.5 * (percent[1:] + percent[:-1])
    with _drawing() as (ax, svg):
        colours = [PENALTY if at < 0 else BONUS for at in middle]
        errors = 100.0 * ERRORS * ours.error
        ax.bar(
            middle, 100.0 * ours.share, np.diff(percent), color=colours, yerr=errors,
            error_kw=ERROR_LOOKS,
        )  # fmt: skip
        ax.stairs(100.0 * theirs.share, percent, color=INK, linewidth=1.2)
        ax.axvline(0.0, color=INK, linewidth=0.9)
        ax.set_xlabel("Payment adjustment (% of Part B payments)")
        ax.set_ylabel("Scored clinicians (%)")
        ax.set_ylim(bottom=0.0)
        ax.xaxis.set_major_formatter(FuncFormatter(signed))
        ax.yaxis.set_major_locator(MaxNLocator(5))
    return svg.getvalue()


def curves(now: ExchangeCurve, pinned: ExchangeCurve) -> str:
    """The exchange curves, with the scores that break even as dots."""
    with _drawing() as (ax, svg):
        ax.axhline(0.0, color=INK, linewidth=0.9)
        low, high = (100.0 * (now.adjustment + side * ERRORS * now.error) for side in (-1.0, 1.0))
        ax.fill_between(now.scores, low, high, color=FIRST_YEAR, alpha=0.3, linewidth=0)
        ax.plot(now.scores, 100.0 * now.adjustment, color=FIRST_YEAR)
        ax.plot(pinned.scores, 100.0 * pinned.adjustment, color=INK, linewidth=1.2, linestyle="--")
        for curve, colour, inside in ((pinned, INK, "white"), (now, FIRST_YEAR, FIRST_YEAR)):
            if curve.breaks_even:
                ax.plot(
                    curve.break_even.value, 0.0, "o", color=colour, markerfacecolor=inside,
                    markersize=6, zorder=5,
                )  # fmt: skip
        ax.set_xlim(0.0, now.scores[-1])
        ax.set_xlabel("Final score (points)")
        ax.set_ylabel("Adjustment (%)")
        ax.yaxis.set_major_formatter(FuncFormatter(signed))
        ax.yaxis.set_major_locator(MaxNLocator(6))
    return svg.getvalue()


def retained(now: Step, pinned: Step, years: Sequence[int]) -> str:
    """What Medicare keeps of all cohorts in each performance year."""
    ours, theirs = (np.array(retained_by_year(step)) / USD_PER_MILLION for step in (now, pinned))
    at = np.arange(len(years))
    with _drawing() as (ax, svg):
        ax.bar(
            at, ours[:, 0], 0.7, color=BONUS, yerr=ERRORS * ours[:, 1], error_kw=ERROR_LOOKS,
        )  # fmt: skip
        ax.hlines(theirs[:, 0], at - 0.4, at + 0.4, color=INK, linewidth=1.8)
        ax.axhline(0.0, color=INK, linewidth=0.9)
        ax.set_xticks(at, [str(year) for year in years])
        ax.set_xlabel("Performance year")
        ax.set_ylabel("Million USD a year")
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: typeset(f"{value:g}")))
    return svg.getvalue()
