"""What a final score is worth: the adjustment at each score, and where the clinicians are."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    INK,
    QUIET,
    STRIP,
    Canvas,
    add_key,
    house_style,
    panel_title,
)
from asm_sim.plots.parts import (
    PERCENT_OF_PART_B,
    band_key,
    counted,
    curve,
    curve_keys,
    draw_curves,
    first_and_last,
    numbers_of,
    told,
)
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.results.ranges import answer_of

Floats = npt.NDArray[np.float64]

MARKS = ("break_even_score", "median_final_score")
MIDDLE, NEAR_THE_MIDDLE = 50.0, 15.0  # points
LONGEST = 32  # characters on one line beside a score


@asks(most_years=2)
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per cohort: adjustment against final score in the first and the last year.

    Lines are medians over draws. Bands are the 90 % range over open draws, in which everything is
    drawn that nobody knows, where there are such draws; else from the 5th to the 95th percentile
    over draws: how much the price of a score depends on who else is in the cohort. Marked are the
    median of the positive final scores and the score that breaks even, each with its range or its
    Monte Carlo error. The strip below shows where clinicians are in the first year: a bar (of
    one point, as the axis says) is as high as the share of them whose final score is in it.
    """
    ds = asked.of(one_scenario(ds))
    panels = _panels(ds)
    with house_style():
        title = "What a final score is worth"
        figure = asked.new_figure(ds, 3.6 * len(panels), 4.6, title)
        axes = figure.subplots(
            2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=[4.5, 1]
        )
        for panel, (above, below) in zip(panels, axes.T, strict=True):
            _draw_curves(panel, above)
            _draw_strip(panel, below)
            panel_title(above, cohort_title(ds, panel["cohort"]))
            below.set_xlabel("Final score (points)")
        axes[0, 0].set_ylabel(PERCENT_OF_PART_B)
        edges = panels[0]["clinicians"]["bar_edges_points"]
        axes[1, 0].set_ylabel(f"Clinicians\n(% in {edges[1] - edges[0]:g} pt)")
        add_key(figure, _key(ds, panels[0]))
    figure.plotted = {"panels": panels}
    return figure


def _panels(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The numbers of each cohort."""
    years = first_and_last(ds)
    histogram = counted(ds, "final_score_histogram").sel(performance_year=years[0])
    marks = {name: answer_of(ds, itemgetter(name)) for name in MARKS}
    panels = []
    for cohort in map(str, ds["cohort"].values):
        counts, edges = _inside(
            histogram.sel(cohort=cohort).values, ds["score_bin"].values.astype(np.float64)
        )
        panels.append(
            {
                "cohort": cohort,
                "score_points": ds["score"].values,
                "curves": [
                    curve(ds, cohort, year)
                    | {
                        f"{name}_points": numbers_of(mark.at(cohort=cohort, performance_year=year))
                        for name, mark in marks.items()
                    }
                    for year in years
                ],
                "clinicians": {
                    "performance_year": years[0],
                    "bar_edges_points": edges,
                    "clinician_draws": counts,
                    "clinicians_percent": 100.0 * counts / max(counts.sum(), 1),
                },
            }
        )
    return panels


def _inside(
    counts: npt.NDArray[np.int64], lower_edges: Floats
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Counts between the finite edges; what is at or beyond an end joins the bar at that end.

    The greatest final score lies on the last edge, so the last bar is closed on both sides.
    """
    inner = counts[1:-1].copy()
    inner[0] += counts[0]
    inner[-1] += counts[-1]
    return inner, lower_edges[1:]


def _draw_curves(panel: dict[str, Any], ax: Axes) -> None:
    if not any(np.isfinite(one["adjustment_percent_median"]).any() for one in panel["curves"]):
        ax.annotate(
            "no curve for the cohort:\nevery group of peers has its own",
            (0.5, 0.5), xycoords="axes fraction", ha="center", color=QUIET,
        )  # fmt: skip
        return
    draw_curves(panel["score_points"], panel["curves"], ax)
    _mark(panel["curves"][0], ax)


def _mark(of_year: dict[str, Any], ax: Axes) -> None:
    """The median and the break-even score of one year; nothing where there is none."""
    year = of_year["performance_year"]
    median, even = of_year["median_final_score_points"], of_year["break_even_score_points"]
    if np.isfinite(median["mean"]):
        ax.axvline(median["mean"], color=QUIET, linewidth=0.9, linestyle=(0, (1, 2)))
        number = f"{year}: {told(median)}"
        text, side, looks = _beside(median["mean"], "median above 0,", number)
        ax.annotate(
            text, (median["mean"], 1.0), (4 * side, -2), xycoords=("data", "axes fraction"),
            va="top", color=QUIET, **looks,
        )  # fmt: skip
    if np.isfinite(even["mean"]):
        ax.plot(even["mean"], 0.0, "o", color=INK, markersize=5, zorder=5)
        number = f"{year}: {told(even)}"
        text, side, looks = _beside(even["mean"], "break-even,", number)
        ax.annotate(text, (even["mean"], 0.0), (12 * side, 4), color=INK, **looks)


def _beside(score: float, words: str, number: str) -> tuple[str, int, dict[str, Any]]:
    """A text for a score where there is room: on its left or right, in the middle on two lines."""
    side = -1 if score > MIDDLE else 1
    tight = abs(score - MIDDLE) < NEAR_THE_MIDDLE or len(words) + len(number) > LONGEST
    between = "\n" if tight else " "
    looks = {"fontsize": 7.5, "textcoords": "offset points", "ha": "right" if side < 0 else "left"}
    return f"{words}{between}{number}", side, looks


def _draw_strip(panel: dict[str, Any], ax: Axes) -> None:
    edges = panel["clinicians"]["bar_edges_points"]
    ax.stairs(panel["clinicians"]["clinicians_percent"], edges, fill=True, color=STRIP)
    ax.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))


def _key(ds: xr.Dataset, panel: dict[str, Any]) -> list[Line2D | Patch]:
    labels = [
        f"{one['performance_year']}, paid in {one['payment_year']}" for one in panel["curves"]
    ]
    return [*curve_keys(labels), band_key(ds)]
