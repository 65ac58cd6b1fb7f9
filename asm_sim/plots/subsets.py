"""Figure: a statistic of subsets of clinicians beside each other, by scenario or by year."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from asm_sim.documents import did_you_mean
from asm_sim.errors import InputError
from asm_sim.plots.asked import YEAR, Asked, asks
from asm_sim.plots.by_year import LOOKS
from asm_sim.plots.figure import (
    INK,
    Canvas,
    add_key,
    house_style,
    legible,
    panel_title,
    typeset,
)
from asm_sim.plots.parts import error_key
from asm_sim.results.scenarios import SCENARIO

SUBSET, ERROR = "subset", "_mcse"
ROW, APART = 0.17, 0.24  # a subset's part of a row in inches, and between subsets of the row
UNITS = {"fraction": (100.0, "%", "percent"), "USD": (1.0, "USD", "usd")}


@asks(no_cohorts="who is in a subset is said where it is made, with members(ds, cohort=...)")
def plot(ds: xr.Dataset, statistic: str | None = None, *, asked: Asked) -> Canvas:
    """A panel per performance year: a statistic of each subset, and scenarios down.

    ``ds`` is what :func:`asm_sim.studies.subsets.statistics` returned; of a run, which has no
    scenarios, there is one panel with its years down. ``statistic`` names a variable of it that has
    an error, by default its mean. Markers are means over draws, lines two Monte Carlo standard
    errors either way. Without ``years`` the first and the last are shown of a sweep. Raises
    :class:`InputError` for results of something else, and a statistic at several limits, quantiles
    or bins.
    """
    found = _statistic(ds, statistic)
    name = str(next(iter(found)))
    about = found[name].attrs
    factor, sign, units = UNITS.get(about["units"], (1.0, about["units"], "value"))
    rows = SCENARIO if SCENARIO in found.dims else YEAR
    of_panels = (
        [found.sel({YEAR: year}) for year in asked.first_and_last(found)]
        if rows == SCENARIO
        else [asked.of(found)]
    )
    panels = [_panel(factor * one, name, rows, units) for one in of_panels]
    labels = panels[0][rows]
    with house_style():
        title = str(about["long_name"])
        height = 1.35 + ROW * len(labels) * max(2, len(panels[0]["subsets"]))
        figure = asked.new_figure(ds, 1.4 + 3.0 * len(panels), height, title)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, units, ax)
            if rows == SCENARIO:
                panel_title(ax, str(panel[YEAR]))
            ax.set_xlabel(f"{_words(name)} ({sign})".removesuffix(" (1)"))
        axes[0].set_yticks(range(len(labels)), [legible(str(label)) for label in labels])
        axes[0].set_ylim(len(labels) - 0.5, -0.5)
        add_key(figure, [*_keys(panels[0]["subsets"]), error_key(upright=False)])
    figure.plotted = {"statistic": name, "panels": panels}
    return figure


def _statistic(ds: xr.Dataset, name: str | None) -> xr.Dataset:
    """The statistic that is drawn and its error, the one after the other."""
    known = [str(one) for one in ds if f"{one}{ERROR}" in ds and SUBSET in ds[one].dims]
    if not known or YEAR not in ds.dims:
        raise InputError("this figure draws what asm.studies.subsets.statistics returned")
    chosen = name or next((one for one in known if one.endswith("_mean")), known[0])
    if chosen not in known:
        raise InputError(
            f"these results hold no statistic {chosen!r}{did_you_mean(chosen, known)}; "
            f"they hold {', '.join(known)}"
        )
    found = ds[[chosen, f"{chosen}{ERROR}"]]
    for dim in set(found.dims) - {SUBSET, SCENARIO, YEAR}:
        if found.sizes[dim] > 1:
            raise InputError(
                f"{chosen} is known at {found.sizes[dim]} values of {dim}, and this figure draws "
                f"it at one: plot(ds.sel({dim}=...))"
            )
        found = found.isel({dim: 0})
    return found


def _words(name: str) -> str:
    """The name of a statistic as it is read: ``Mean adjustment difference``."""
    before, mean, after = name.partition("_mean")
    return (f"mean {before}{after}" if mean else name).replace("_", " ").capitalize()


def _panel(found: xr.Dataset, name: str, rows: str, units: str) -> dict[str, Any]:
    """The numbers of each subset along the rows."""
    return {
        YEAR: found[YEAR].values.tolist(),
        rows: found[rows].values.tolist(),
        "subsets": [
            {
                SUBSET: str(subset),
                units: found[name].sel({SUBSET: subset}).values,
                f"{units}{ERROR}": found[f"{name}{ERROR}"].sel({SUBSET: subset}).values,
            }
            for subset in found[SUBSET].values
        ],
    }


def _draw(panel: dict[str, Any], units: str, ax: Axes) -> None:
    middle = (len(panel["subsets"]) - 1) / 2
    ax.axvline(0.0, color=INK, linewidth=0.9, zorder=1)
    for k, (subset, look) in enumerate(
        zip(panel["subsets"], _looks(panel["subsets"]), strict=True)
    ):
        rows = np.arange(len(subset[units])) + APART * (k - middle)
        ax.errorbar(
            subset[units], rows, xerr=2 * subset[f"{units}{ERROR}"], color=look.colour,
            linestyle="none", marker=look.marker, markersize=4.5, elinewidth=1.2, capsize=2.0,
            zorder=2,
        )  # fmt: skip
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: typeset(f"{value:,g}")))


def _looks(subsets: list[dict[str, Any]]) -> list[Any]:
    return [LOOKS[k % len(LOOKS)] for k in range(len(subsets))]


def _keys(subsets: list[dict[str, Any]]) -> list[Line2D]:
    return [
        Line2D(
            [], [], color=look.colour, linestyle="none", marker=look.marker, markersize=4.5,
            label=subset[SUBSET],
        )
        for subset, look in zip(subsets, _looks(subsets), strict=True)
    ]  # fmt: skip
