"""From one year to the next: in which quintile the clinicians of each quintile end up."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    Canvas,
    add_note,
    house_style,
    panel_title,
)
from asm_sim.results.describe import cohort_title
from asm_sim.results.statistics import PLUS_MINUS, rounded
from asm_sim.studies import volatility

SHADES = LinearSegmentedColormap.from_list("share", ["#FFFFFF", "#BBD7EA", FIRST_YEAR, "#123A5C"])
DARKEST = 0.6  # the share that has the darkest shade
WHITE_FROM = 0.33


@asks(no_years="it is of all pairs of neighbouring years")
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A table per cohort: the quintile of a year down, the quintile a year later across.

    Cells hold the share of the row's clinicians in percent with its Monte Carlo standard error,
    over all draws and pairs of neighbouring years; the darker, the more. Rows sum to 100 %.
    """
    found = asked.of(volatility.transitions(ds))
    panels = [_panel(found, str(cohort)) for cohort in found["cohort"].values]
    with house_style():
        title = "Where the clinicians of each quintile of the adjustment are a year later"
        figure = asked.new_figure(found, max(3.5 * len(panels), 7.0), 3.9, title)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax)
            panel_title(ax, cohort_title(found, panel["cohort"]))
            ax.set_xlabel("Quintile a year later (1 = lowest adjustments)")
        axes[0].set_ylabel("Quintile of a year (1 = lowest adjustments)")
        note = (
            f"Share of the row's clinicians, %, {PLUS_MINUS} one standard error, all years; "
            "20 in every cell if each year were a new lottery"
        )
        add_note(figure, note)
    figure.plotted = {"panels": panels}
    return figure


def _panel(found: xr.Dataset, cohort: str) -> dict[str, Any]:
    of_cohort = found.sel(cohort=cohort).transpose("from_quintile", "to_quintile")
    return {
        "cohort": cohort,
        "from_quintile": of_cohort["from_quintile"].values,
        "to_quintile": of_cohort["to_quintile"].values,
        "share_percent": 100.0 * of_cohort["transition"].values,
        "share_percent_mcse": 100.0 * of_cohort["transition_mcse"].values,
    }


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    share, error = panel["share_percent"], panel["share_percent_mcse"]
    edges = np.arange(len(share) + 1) + 0.5
    ax.pcolormesh(
        edges, edges, share, cmap=SHADES, vmin=0.0, vmax=100.0 * DARKEST,
        edgecolors="white", linewidth=1.5,
    )  # fmt: skip
    for row, from_ in enumerate(panel["from_quintile"]):
        for column, to in enumerate(panel["to_quintile"]):
            value, about = rounded(share[row, column], error[row, column])
            colour = "white" if share[row, column] >= 100.0 * WHITE_FROM else INK
            look: dict[str, Any] = {"ha": "center", "color": colour}
            ax.text(to, from_ - 0.04, value, va="bottom", fontsize=8.5, **look)
            ax.text(to, from_ + 0.06, f"{PLUS_MINUS}{about}", va="top", fontsize=6.5, **look)
    ax.set_xticks(panel["to_quintile"])
    ax.set_yticks(panel["from_quintile"])
    ax.set_ylim(edges[-1], edges[0])
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
