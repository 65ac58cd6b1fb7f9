"""What the two levers do: the redistribution share and the risk level, from a sweep."""

from __future__ import annotations

import itertools
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from asm_sim.errors import InputError
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    LAST_YEAR,
    QUIET,
    Canvas,
    add_key,
    house_style,
    panel_title,
)
from asm_sim.plots.parts import band_key, paid_in
from asm_sim.results.describe import cohort_title
from asm_sim.results.ranges import open_part, range_of
from asm_sim.results.scenarios import SCENARIO, axes, by_axis
from asm_sim.results.statistics import PLUS_MINUS, USD_PER_MILLION, mcse, mean_over_draws

SHARE, RISK = "rules.payment.redistribution_share", "rules.payment.risk_level"
SWEEP = "redistribution-by-risk"
NARROWEST = 7.0  # inches, for the title
KEPT, LOSERS = "retained_by_medicare_payment_year", "share_negative"


class Look(NamedTuple):
    """How one risk level is drawn: lines over each other stay apart by their markers."""

    colour: str
    style: Literal["-", "--", ":"]
    marker: str
    size: float


LOOKS = (
    Look(FIRST_YEAR, "-", "o", 8.5),
    Look(LAST_YEAR, "--", "s", 5.5),
    Look(INK, ":", "D", 2.8),
)


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """Kept by Medicare (above) and share of losers (below) by redistribution share, per cohort.

    A line per risk level; means over draws, bars two Monte Carlo standard errors either way. Money
    is summed over all years, on Part B of the payment year; shares are means over the years. Of a
    sweep with open draws each line has a band: the range of the middle 90 % of these.
    Takes a sweep over just these two parameters, such as ``redistribution-by-risk``; raises
    :class:`InputError` for anything else.
    """
    ds = asked.of(ds)
    lines = _lines(ds)
    with house_style():
        cohorts = [str(cohort) for cohort in ds["cohort"].values]
        title = "What Medicare keeps and who loses, by the share paid out and the risk level"
        figure = asked.new_figure(ds, max(3.6 * len(cohorts), NARROWEST), 5.2, title)
        panels = figure.subplots(2, len(cohorts), sharex=True, sharey="row", squeeze=False)
        for cohort, (above, below) in zip(cohorts, panels.T, strict=True):
            of_cohort = [line for line in lines if line["cohort"] == cohort]
            _draw(of_cohort, "kept_million_usd", above)
            _draw(of_cohort, "losers_percent", below)
            _say_where_one(of_cohort, below)
            panel_title(above, cohort_title(ds, cohort))
            below.set_xlabel("Redistribution share (% of the amount at risk)")
        panels[0, 0].set_ylabel(f"Kept by Medicare,\n{paid_in(ds)} (million USD)")
        panels[1, 0].set_ylabel("With a penalty, mean of years\n(% of the scored)")
        panels[0, 0].set_ylim(bottom=-0.05 * panels[0, 0].get_ylim()[1])
        band = [] if open_part(ds) is None else [band_key(ds)]
        add_key(figure, [*_key(lines), *band])
    figure.plotted = {"lines": lines}
    return figure


def _lines(ds: xr.Dataset) -> list[dict[str, Any]]:
    """A line per cohort and risk level: percent and million USD, with their errors."""
    if SCENARIO not in ds.dims or set(axes(ds)) != {SHARE, RISK}:
        raise InputError(
            f"this figure draws a sweep over {SHARE} and {RISK} and nothing else; "
            f"`asm-sim sweep {SWEEP}` makes one"
        )
    missing = [name for name in (KEPT, LOSERS) if name not in ds]
    if missing:
        raise InputError(f"the results hold no {', '.join(missing)}; run the sweep again")
    part = open_part(ds)
    grid, of_draws = _by_draw(ds)
    of_open = {} if part is None else _by_draw(part)[1]
    lines = []
    for cohort in ds["cohort"].values:
        for risk in grid[RISK].values:
            at = {"cohort": cohort, RISK: risk}
            line: dict[str, Any] = {
                "cohort": str(cohort),
                "risk_level_percent": 100.0 * float(risk),
                "redistribution_share_percent": 100.0 * grid[SHARE].values.astype(np.float64),
            }
            for name, values in of_draws.items():
                by_share = values.sel(at).transpose(SHARE, "draw")
                line[name] = mean_over_draws(by_share).values
                line[f"{name}_mcse"] = mcse(by_share).values
                if name in of_open:
                    ends = range_of(of_open[name].sel(at).transpose(SHARE, "draw"))._asdict()
                    line |= {f"{name}_range_{end}": found.values for end, found in ends.items()}
            lines.append(line)
    return lines


def _by_draw(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
    """The grid of scenarios and, by draw, what is drawn of them: over all years, in its units."""
    grid = by_axis(ds[[KEPT, LOSERS]])
    return grid, {
        "kept_million_usd": grid[KEPT].load().sum("performance_year") / USD_PER_MILLION,
        "losers_percent": 100.0 * grid[LOSERS].load().mean("performance_year"),
    }


def _draw(lines: list[dict[str, Any]], name: str, ax: Axes) -> None:
    for line, look in zip(lines, itertools.cycle(LOOKS), strict=False):
        ax.errorbar(
            line["redistribution_share_percent"], line[name], 2 * line[f"{name}_mcse"],
            color=look.colour, linestyle=look.style, marker=look.marker, markersize=look.size,
            markerfacecolor="white" if look.size > LOOKS[-1].size else look.colour,
            markeredgewidth=1.2, linewidth=1.3, capsize=2.5, elinewidth=1.0,
        )  # fmt: skip
        if f"{name}_range_low" in line:
            ends = (line[f"{name}_range_{end}"] for end in ("low", "high"))
            shares = line["redistribution_share_percent"]
            ax.fill_between(shares, *ends, color=look.colour, alpha=0.15, linewidth=0)
    shares = lines[0]["redistribution_share_percent"]
    ax.set_xticks(shares, [f"{share:.4g}" for share in shares])


def _say_where_one(lines: list[dict[str, Any]], ax: Axes) -> None:
    """Where every risk level has the same losers, say so: the lines lie on each other."""
    shares = [line["losers_percent"] for line in lines]
    if len(shares) > 1 and all(
        np.allclose(share, shares[0], rtol=0, atol=1e-6) for share in shares
    ):
        ax.text(
            0.98, 0.96, "the same at every risk level",
            transform=ax.transAxes, ha="right", va="top", fontsize=7.5, color=QUIET,
        )  # fmt: skip


def _key(lines: list[dict[str, Any]]) -> list[Line2D | Patch]:
    risks = dict.fromkeys(line["risk_level_percent"] for line in lines)
    keys = [
        Line2D(
            [], [], color=look.colour, linestyle=look.style, marker=look.marker,
            markersize=min(look.size, 6.5), markeredgewidth=1.2, linewidth=1.3,
            markerfacecolor="white" if look.size > LOOKS[-1].size else look.colour,
            label=f"risk level {risk:.3g} %",
        )
        for risk, look in zip(risks, itertools.cycle(LOOKS), strict=False)
    ]  # fmt: skip
    bar = Line2D(
        [], [], color=QUIET, linestyle="none", marker="|", markersize=9, markeredgewidth=1.2,
        label=f"{PLUS_MINUS}2 standard errors",
    )  # fmt: skip
    return [*keys, bar]
