"""Where volatility comes from: the share of each factor, for all and by episode volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from asm_sim.errors import counted
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    BONUS,
    INK,
    Canvas,
    add_key,
    house_style,
    panel_title,
    typeset,
)
from asm_sim.plots.parts import labels_of, written
from asm_sim.results.describe import cohort_title
from asm_sim.results.statistics import PLUS_MINUS
from asm_sim.studies import decomposition

BANDS = "episodes"  # the grouping that is drawn
ROW, BAR = 1.0, 0.30
MARGIN = 0.31  # room for the number of the longest bar, of the width of the panel
TITLES = {
    "within_clinician": "a clinician's own years",
    "year_to_year": "change from year to year",
}
LABELS = {
    "participation": "what is reported\nand attested",
    "performance": "own true\nperformance",
    "measurement": "chance in\nmeasurement",
    "risk_level": "the rising\nrisk level",
    "peers": "peers and\nbenchmarks",
}
LOOKS = (("o", "white"), ("s", "#C8C8C8"), ("D", "#777777"), ("^", "#000000"), ("v", "white"))


@asks(no_years="the variances are over all of them")
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per variance (down) and cohort (across): Shapley shares of the five factors.

    Bars are all clinicians, marks below them bands of episodes a year; lines are two Monte Carlo
    standard errors either way. Above each panel the SD that the whole variance is.
    """
    found = asked.of(decomposition.shares(ds))
    panels = [
        _panel(found, str(variance), str(cohort))
        for variance in found["variance"].values
        for cohort in found["cohort"].values
    ]
    with house_style():
        rows, columns = found.sizes["variance"], found.sizes["cohort"]
        title = (
            "Where the variance of the payment adjustment comes from "
            f"(first {counted(found.attrs['lens_draws'], 'draw')})"
        )
        figure = asked.new_figure(found, max(1.0 + 3.1 * columns, 7.2), 1.0 + 2.75 * rows, title)
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        highest = max(bar["share_percent"] for panel in panels for bar in panel["all"])
        for panel, ax in zip(panels, axes.ravel(), strict=True):
            _draw(panel, cohort_title(found, panel["cohort"]), ax)
        axes[0, 0].set_xlim(right=highest / (1.0 - MARGIN))
        axes[0, 0].set_yticks(np.arange(len(LABELS)) * ROW, list(LABELS.values()))
        axes[0, 0].set_ylim(len(LABELS) * ROW - 0.2, -0.32)
        for ax in axes[-1]:
            ax.set_xlabel("Shapley share (% of the variance)")
        add_key(figure, _key(panels[0]))
    figure.plotted = {"panels": panels}
    return figure


def _panel(found: xr.Dataset, variance: str, cohort: str) -> dict[str, Any]:
    of_panel = found.sel(variance=variance, cohort=cohort)
    return {
        "variance": variance,
        "cohort": cohort,
        "sd_percentage_points": 100.0 * float(of_panel["sd"].sel(group="all")),
        "sd_percentage_points_mcse": 100.0 * float(of_panel["sd_mcse"].sel(group="all")),
        "all": _rows(of_panel.sel(group="all")),
        "bands": [
            {
                "episodes_a_year": label,
                "factors": _rows(of_panel.sel(group=band)),
            }
            for band, label in labels_of(found, BANDS).items()
        ],
    }


def _rows(of_group: xr.Dataset) -> list[dict[str, Any]]:
    return [
        {
            "factor": factor,
            "share_percent": 100.0 * float(of_group["share"].sel(factor=factor)),
            "share_percent_mcse": 100.0 * float(of_group["share_mcse"].sel(factor=factor)),
        }
        for factor in LABELS
    ]


def _draw(panel: dict[str, Any], cohort: str, ax: Axes) -> None:
    for position, bar in enumerate(panel["all"]):
        value, error = bar["share_percent"], bar["share_percent_mcse"]
        ax.barh(position * ROW, value, BAR, color=BONUS)
        _error(ax, value, error, position * ROW)
        if np.isfinite(value):
            ax.annotate(
                typeset(written(bar, "share")), (max(value, 0.0), position * ROW),
                (6, 0), textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
    step = (ROW - BAR - 0.16) / max(len(panel["bands"]), 1)
    for row, (band, (marker, colour)) in enumerate(zip(panel["bands"], LOOKS, strict=False)):
        for position, part in enumerate(band["factors"]):
            at = position * ROW + BAR / 2 + 0.08 + row * step
            _error(ax, part["share_percent"], part["share_percent_mcse"], at)
            ax.plot(
                part["share_percent"], at, marker, markersize=3.6, markerfacecolor=colour,
                markeredgecolor=INK, markeredgewidth=0.7,
            )  # fmt: skip
    sd = written(panel, "sd", "percentage_points")
    panel_title(
        ax,
        f"{cohort}, {TITLES[panel['variance']]}:\nSD {sd.removesuffix(' %')} percentage points",
        fontsize=8.5,
    )
    ax.axvline(0.0, color=INK, linewidth=0.9)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.tick_params(axis="y", length=0)


def _error(ax: Axes, value: float, error: float, at: float) -> None:
    if np.isfinite(error):
        ends = [value - 2 * error, value + 2 * error]
        ax.plot(ends, [at, at], color=INK, linewidth=1.1, solid_capstyle="butt")


def _key(panel: dict[str, Any]) -> list[Line2D | Patch]:
    keys: list[Line2D | Patch] = [Patch(color=BONUS, label="all")]
    for row, (band, (marker, colour)) in enumerate(zip(panel["bands"], LOOKS, strict=False)):
        keys.append(
            Line2D(
                [], [], linestyle="none", marker=marker, markersize=4.5, markerfacecolor=colour,
                markeredgecolor=INK, markeredgewidth=0.7,
                label=band["episodes_a_year"] + (" episodes a year" if row == 0 else ""),
            )
        )  # fmt: skip
    error = Line2D([], [], color=INK, linewidth=1.1, label=f"{PLUS_MINUS}2 standard errors")
    return [*keys, error]
