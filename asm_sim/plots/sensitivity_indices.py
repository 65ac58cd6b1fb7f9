"""How much of what is not known of an outcome each unknown makes: first-order and total indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from asm_sim.errors import InputError
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    LAST_YEAR,
    Canvas,
    add_key,
    house_style,
    panel_title,
    typeset,
)
from asm_sim.plots.parts import outcome_of
from asm_sim.plots.tornado import ROW, short
from asm_sim.results.describe import cohort_title
from asm_sim.results.sensitivity import leading, unit_of
from asm_sim.results.statistics import PLUS_MINUS, round_to_error

LOOKS = {"first": ("o", FIRST_YEAR, -0.14), "total": ("D", LAST_YEAR, 0.14)}
WORDS = {
    "first": "would go if this were known (first-order)",
    "total": "would be left if all others were (total)",
}


@asks(no_years="it is of the one that was asked for, in `asm_sim.sensitivity`")
def plot(ds: xr.Dataset, outcome: str | None = None, *, asked: Asked) -> Canvas:
    """A panel per cohort: shares of the variance over what the unknowns may be, luck taken out.

    ``ds`` is what ``asm_sim.sensitivity`` returned by its method ``sobol``; ``outcome`` is by
    default the first that it holds. Lines are two standard errors either way; a share that luck
    carries below zero is drawn at zero. Raises :class:`InputError` for another method's answer.
    """
    if ds.attrs.get("method") != "sobol":
        raise InputError("this figure shows indices; give the answer of sensitivity's method sobol")
    ds = asked.of(ds)
    here = outcome_of(ds, outcome)
    unit = unit_of(str(here["units"].item()))
    order = leading(ds, str(here["outcome"].item()))
    panels = [_panel(here.sel(cohort=cohort), order, unit.factor) for cohort in ds["cohort"].values]
    with house_style():
        title = f"{here['words'].item()}, {ds.attrs['performance_year']}: which unknown matters"
        figure = asked.new_figure(ds, 3.6 + 2.5 * len(panels), 1.7 + ROW * len(order), title)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax)
            spread = typeset(round_to_error(panel["sd"], panel["sd_mcse"]))
            heading = f"{cohort_title(ds, panel['cohort'])}\nSD {spread} {unit.change}"
            panel_title(ax, heading, fontsize=8.5)
            ax.set_xlabel("share of the variance (%)")
        axes[0].set_yticks(range(len(order)), [short(path) for path in order], fontsize=7)
        axes[0].set_ylim(len(order) - 0.4, -0.6)
        axes[0].set_xlim(left=-4.0)
        add_key(figure, _key())
    figure.plotted = {"outcome": str(here["outcome"].item()), "panels": panels}
    return figure


def _panel(here: xr.Dataset, order: list[str], factor: float) -> dict[str, Any]:
    return {
        "cohort": str(here["cohort"].item()),
        "units": str(here["units"].item()),
        "sd": factor * float(here["sd"]),
        "sd_mcse": factor * float(here["sd_mcse"]),
        "unknowns": [
            {"parameter": path}
            | {
                f"{name}_percent{ending}": 100.0 * float(here[name + ending].sel(parameter=path))
                for name in LOOKS
                for ending in ("", "_mcse")
            }
            for path in order
        ],
    }


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    for row, unknown in enumerate(panel["unknowns"]):
        for name, (marker, colour, apart) in LOOKS.items():
            value, error = (unknown[f"{name}_percent{ending}"] for ending in ("", "_mcse"))
            if not np.isfinite(value):
                continue
            ends = [max(0.0, value - 2 * error), max(0.0, value + 2 * error)]
            ax.plot(ends, [row + apart] * 2, color=INK, linewidth=1.0, solid_capstyle="butt")
            ax.plot(max(0.0, value), row + apart, marker, color=colour, markersize=4.5)
    ax.axvline(0.0, color=INK, linewidth=0.9)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.tick_params(axis="y", length=0)


def _key() -> list[Line2D]:
    keys = [
        Line2D(
            [], [], linestyle="none", marker=marker, color=colour, markersize=4.5, label=WORDS[name]
        )
        for name, (marker, colour, _) in LOOKS.items()
    ]
    error = Line2D([], [], color=INK, linewidth=1.0, label=f"{PLUS_MINUS}2 standard errors")
    return [*keys, error]
