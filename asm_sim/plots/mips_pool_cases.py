"""What becomes of the bonuses of MIPS when the participants of ASM leave its pool, case by case."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    LAST_YEAR,
    Canvas,
    add_key,
    house_style,
    signed,
)
from asm_sim.plots.parts import error_key, first_and_last
from asm_sim.results.describe import one_scenario
from asm_sim.studies import mips_pool

NARROWEST = 7.2  # inches, for the titles of the cases
CHANGE = "largest_bonus_change_percentage_points"
APART = 0.24  # of the distance of two cases, between the years
LOOKS = ((FIRST_YEAR, "o"), (LAST_YEAR, "s"))


@asks(most_years=2, no_cohorts="the pool of MIPS has no cohorts")
def plot(ds: xr.Dataset, form: str = "traditional", *, asked: Asked) -> Canvas:
    """A line per case: by how much the largest bonus changes of those who stay in MIPS.

    Without the participants of ASM in the pool minus with them, in percentage points of Part B, in
    the first and the last year: all bonuses change in this proportion, as they have one scale. The
    central case first, then what is assumed or published otherwise. Bars are two Monte Carlo
    standard errors either way. Raises :class:`InputError` as
    :func:`asm_sim.studies.mips_pool.without_participants` does.
    """
    run = one_scenario(ds)
    found = asked.of(mips_pool.without_participants(run, form)).isel(mips_form=0)
    years = first_and_last(found)
    titles = [str(title) for title in found["case_title"].values]
    lines = [
        {
            "performance_year": year,
            **{
                f"{CHANGE}{ending}": (
                    100.0 * found[f"largest_bonus_change{ending}"].sel(performance_year=year).values
                )
                for ending in ("", "_mcse")
            },
        }
        for year in years
    ]
    with house_style():
        title = "Bonuses of those who stay in MIPS when the participants of ASM leave its pool"
        figure = asked.new_figure(run, NARROWEST, 1.4 + 0.3 * len(titles), title)
        ax = figure.subplots()
        _draw(titles, lines, ax)
        add_key(figure, [*_keys(lines), error_key()])
    figure.plotted = {
        "mips_form": str(found["mips_form"].item()),
        "panel_draws": found.attrs["panel_draws"],
        "cases": titles,
        "years": lines,
    }
    return figure


def _draw(titles: list[str], lines: list[dict[str, Any]], ax: Axes) -> None:
    ax.axvline(0.0, color=INK, linewidth=0.9, zorder=1)
    rows = np.arange(len(titles), dtype=np.float64)
    for k, (line, (colour, marker)) in enumerate(zip(lines, LOOKS, strict=False)):
        ax.errorbar(
            line[CHANGE], rows + APART * (k - (len(lines) - 1) / 2),
            xerr=2 * line[f"{CHANGE}_mcse"], color=colour, linestyle="none",
            marker=marker, markersize=4.5, elinewidth=1.0, capsize=2.0, zorder=2,
        )  # fmt: skip
    ax.set_yticks(rows, titles)
    ax.set_ylim(len(titles) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.xaxis.set_major_formatter(FuncFormatter(signed))
    ax.set_xlabel("Change of the largest bonus (percentage points of Part B)")


def _keys(lines: list[dict[str, Any]]) -> list[Line2D]:
    return [
        Line2D(
            [], [], color=colour, linestyle="none", marker=marker, markersize=4.5,
            label=str(line["performance_year"]),
        )
        for line, (colour, marker) in zip(lines, LOOKS, strict=False)
    ]  # fmt: skip
