"""Whether it pays to invest: for the first who does, and if everybody does."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    LAST_YEAR,
    Canvas,
    add_key,
    house_style,
    panel_title,
    signed,
)
from asm_sim.plots.parts import error_key
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.studies import redesign

NARROWEST = 7.2  # inches
BAR = 0.62
# The lines from the top: which of the two studies, its variable, and the words.
FIRST, ALL = "first", "all"
LINES = (
    (FIRST, "dollars", "the first who does: paid more"),
    (FIRST, "net", "less what is spent"),
    (ALL, "dollars", "if all do: paid more"),
    (ALL, "net", "less what is spent"),
)
COLOURS = {FIRST: FIRST_YEAR, ALL: LAST_YEAR}


@asks(most_years=1)
def plot(ds: xr.Dataset, without: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per cohort: what investing brings a clinician in the last year, thousand USD.

    ``ds`` is a run in which all invest (``care-redesign-by-all``), ``without`` one in which nobody
    does (``baseline``). The first who invests is a probe clinician among those who do not, as much
    better, in every measure and in cost, as the programme makes the quality of all; with the mean
    Part B of the cohort. Bars end at means over draws, the lines on them are two Monte Carlo
    standard errors either way. Raises :class:`InputError` as the functions of
    :mod:`asm_sim.studies.redesign` do.
    """
    together = redesign.if_all_invest(ds, without, "all")
    programme = redesign.programme_of_all(ds)
    alone = redesign.first_mover(without, programme.effect, programme.usd_per_year, "all")
    run = one_scenario(ds)
    year = asked.last(run)
    found = {
        who: asked.of(one).isel(group=0).sel(performance_year=year)
        for who, one in ((FIRST, alone), (ALL, together))
    }
    panels = [_panel(found, str(cohort)) for cohort in asked.of(run)["cohort"].values]
    with house_style():
        title = f"What investing in better care brings a clinician, performance year {year}"
        figure = asked.new_figure(run, max(3.5 * len(panels), NARROWEST), 2.9, title)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax)
            panel_title(ax, cohort_title(run, panel["cohort"]))
            ax.set_xlabel("A clinician (thousand USD a year)")
        axes[0].set_yticks(range(len(LINES)), [words for _, _, words in LINES])
        axes[0].set_ylim(len(LINES) - 0.4, -0.6)
        add_key(figure, [error_key()])
    figure.plotted = {
        "performance_year": year,
        "effect_sd": programme.effect,
        "usd_a_clinician_and_year": programme.usd_per_year,
        "panels": panels,
    }
    return figure


def _panel(found: dict[str, xr.Dataset], cohort: str) -> dict[str, Any]:
    at = {key: part.sel(cohort=cohort) for key, part in found.items()}
    return {
        "cohort": cohort,
        "lines": [
            {
                "who": who,
                "what": name,
                "thousand_usd": float(at[who][name]) / 1e3,
                "thousand_usd_mcse": float(at[who][f"{name}_mcse"]) / 1e3,
            }
            for who, name, _ in LINES
        ],
    }


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    ax.axvline(0.0, color=INK, linewidth=0.9, zorder=3)
    for row, line in enumerate(panel["lines"]):
        ax.barh(row, line["thousand_usd"], BAR, color=COLOURS[line["who"]], zorder=1)
        if np.isfinite(line["thousand_usd_mcse"]):
            reach = 2 * line["thousand_usd_mcse"]
            ax.errorbar(
                line["thousand_usd"], row, xerr=reach, color=INK, elinewidth=1.2, capsize=2.5,
                zorder=2,
            )  # fmt: skip
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.xaxis.set_major_formatter(FuncFormatter(signed))
    ax.margins(x=0.08)
