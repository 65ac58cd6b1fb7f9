"""Estimates year by year: what several figures draw alike, a panel per cohort and quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from asm_sim.plots.asked import Asked
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    LAST_YEAR,
    QUIET,
    Canvas,
    add_key,
    house_style,
    panel_title,
    typeset,
)
from asm_sim.plots.parts import error_key
from asm_sim.results.describe import cohort_title

NARROWEST = 7.2  # inches, for the key
APART = 0.06  # years between two series


class Look(NamedTuple):
    """How a series is drawn: apart in colour, in grey, and by its marker."""

    colour: str
    style: Literal["-", "--", ":", "-."]
    marker: str


LOOKS = (
    Look(LAST_YEAR, "-", "o"),
    Look(FIRST_YEAR, "--", "s"),
    Look(QUIET, ":", "^"),
    Look(INK, "-.", "D"),
)


class Quantity(NamedTuple):
    """One row of panels: an axis, and the variables of a study along it with their labels."""

    label: str
    units: str  # as in the names of the plotted numbers
    factor: float
    variables: dict[str, str]


def draw_by_year(
    ds: xr.Dataset, result: xr.Dataset, quantities: Sequence[Quantity], title: str, asked: Asked
) -> Canvas:
    """A panel per cohort (across) and quantity (down), each variable with two standard errors.

    ``result`` is of a study, by cohort and performance year; years without any value are left out.
    """
    result = asked.of(result)
    panels = [
        _panel(result.sel(cohort=cohort), str(cohort), quantity)
        for quantity in quantities
        for cohort in result["cohort"].values
    ]
    with house_style():
        columns = result.sizes["cohort"]
        size = max(3.5 * columns, NARROWEST), 1.2 + 2.1 * len(quantities)
        figure = asked.new_figure(ds, *size, title)
        axes = figure.subplots(len(quantities), columns, sharex=True, sharey="row", squeeze=False)
        for panel, ax in zip(panels, axes.ravel(), strict=True):
            _draw(panel, ax)
        for cohort, ax in zip(result["cohort"].values, axes[0], strict=True):
            panel_title(ax, cohort_title(ds, cohort))
        for quantity, ax in zip(quantities, axes[:, 0], strict=True):
            ax.set_ylabel(quantity.label)
        for ax in axes[-1]:
            ax.set_xlabel("Performance year")
        add_key(figure, [*_keys(quantities), error_key()])
    figure.plotted = {"panels": panels}
    return figure


def _panel(of_cohort: xr.Dataset, cohort: str, quantity: Quantity) -> dict[str, Any]:
    known = [of_cohort[name].notnull() for name in quantity.variables]
    years = of_cohort["performance_year"].values[np.any(known, axis=0)]
    chosen = of_cohort.sel(performance_year=years)
    series = [
        {
            "label": label,
            f"{name}_{quantity.units}": quantity.factor * chosen[name].values,
            f"{name}_{quantity.units}_mcse": quantity.factor * chosen[f"{name}_mcse"].values,
        }
        for name, label in quantity.variables.items()
    ]
    return {"cohort": cohort, "performance_year": years.astype(int), "series": series}


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    ax.axhline(0.0, color=INK, linewidth=0.9, zorder=1)
    years = panel["performance_year"].astype(np.float64)
    middle = (len(panel["series"]) - 1) / 2
    for k, (series, look) in enumerate(zip(panel["series"], LOOKS, strict=False)):
        values, errors = (array for name, array in series.items() if name != "label")
        ax.errorbar(
            years + APART * (k - middle), values, 2 * errors, color=look.colour,
            linestyle=look.style, marker=look.marker, markersize=4.5, linewidth=1.2,
            elinewidth=1.0, capsize=2.0, zorder=2,
        )  # fmt: skip
    ax.set_xticks(years, [f"{year:.0f}" for year in years])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: typeset(f"{value:,g}")))
    ax.margins(x=0.08)


def _keys(quantities: Sequence[Quantity]) -> list[Line2D]:
    """Of the quantities that several variables share an axis for."""
    return [
        Line2D(
            [], [], color=look.colour, linestyle=look.style, marker=look.marker, markersize=4.5,
            linewidth=1.2, label=label,
        )
        for quantity in quantities
        if len(quantity.variables) > 1
        for label, look in zip(quantity.variables.values(), LOOKS, strict=False)
    ]  # fmt: skip
