"""Same score, different result: what one final score brings, by draw and by year."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from asm_sim.errors import InputError
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    INK,
    LAST_YEAR,
    PENALTY,
    QUIET,
    Canvas,
    add_key,
    house_style,
    panel_title,
    signed,
    typeset,
)
from asm_sim.plots.parts import BAND_WORDS, PERCENT_OF_PART_B
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.results.statistics import PLUS_MINUS, rounded
from asm_sim.studies import relative_ranking

SCORES = (50.0, 60.0, 70.0, 75.0, 80.0, 90.0)
NARROWEST = 7.2  # inches, for the key
SPREAD = 0.62  # of the distance between two scores, over which the years lie side by side
# A colour and a marker per year, dark and light in turn.
LOOKS = (
    (FIRST_YEAR, "o"), ("#7FB8DA", "s"), ("#888888", "D"), (PENALTY, "^"), (LAST_YEAR, "v"),
)  # fmt: skip


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per cohort: the adjustment at each of six final scores, year by year.

    Markers are medians over draws, the thick bars run from the 5th to the 95th percentile over
    draws, the thin ones over all draws: another cohort that could have been. Below the scores
    stands the standard deviation over draws of the last year, in percentage points, with its Monte
    Carlo error. Raises :class:`InputError` for several scenarios and where a score
    is not on the run's grid.
    """
    ds = one_scenario(ds)
    result = relative_ranking.same_score(ds)
    missing = [score for score in SCORES if score not in result["score"].values]
    if missing:
        raise InputError(
            "the results do not say what these final scores bring: "
            f"{', '.join(f'{score:g}' for score in missing)}; run the scenario again"
        )
    result = asked.of(result)
    panels = [_panel(ds, result, str(cohort)) for cohort in result["cohort"].values]
    with house_style():
        title = "The same final score, another result"
        figure = asked.new_figure(ds, max(3.6 * len(panels), NARROWEST), 4.2, title)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax)
            panel_title(ax, cohort_title(ds, panel["cohort"]))
            ax.set_xlabel("Final score (points)")
        axes[0].set_ylabel(PERCENT_OF_PART_B)
        axes[0].yaxis.set_major_formatter(FuncFormatter(signed))
        low, high = axes[0].get_ylim()
        axes[0].set_ylim(low - 0.17 * (high - low), high)
        add_key(figure, _key(panels[0]))
    figure.plotted = {"panels": panels}
    return figure


def _panel(ds: xr.Dataset, result: xr.Dataset, cohort: str) -> dict[str, Any]:
    at = {"cohort": cohort, "score": list(SCORES)}
    chosen = result.sel(at)
    by_draw = 100.0 * ds["adjustment_at_score"].sel(at)
    years = []
    for year in chosen["performance_year"].values:
        of_year = chosen.sel(performance_year=year)
        draws = by_draw.sel(performance_year=year)
        quantiles = 100.0 * of_year["adjustment_quantile"].transpose("quantile", "score")
        errors = 100.0 * of_year["adjustment_quantile_mcse"].sel(quantile=0.5)
        years.append(
            {
                "performance_year": int(year),
                "payment_year": int(of_year["payment_year"]),
                "adjustment_percent_p05": quantiles.values[0],
                "adjustment_percent_median": quantiles.values[1],
                "adjustment_percent_median_mcse": errors.values,
                "adjustment_percent_p95": quantiles.values[2],
                "adjustment_percent_lowest": draws.min("draw").values,
                "adjustment_percent_highest": draws.max("draw").values,
                "adjustment_percentage_points_sd": 100.0 * of_year["adjustment_sd"].values,
                "adjustment_percentage_points_sd_mcse": (
                    100.0 * of_year["adjustment_sd_mcse"].values
                ),
            }
        )
    return {
        "cohort": cohort,
        "score_points": np.array(SCORES),
        "years": years,
    }


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    ax.axhline(0.0, color=INK, linewidth=0.9, zorder=1)
    place = np.arange(len(SCORES), dtype=np.float64)
    offsets = np.linspace(-SPREAD / 2, SPREAD / 2, len(panel["years"]))
    for year, offset, (colour, marker) in zip(panel["years"], offsets, _looks(panel), strict=True):
        x = place + (offset if len(offsets) > 1 else 0.0)
        for ends, width in ((("lowest", "highest"), 0.9), (("p05", "p95"), 3.2)):
            bottom, top = (year[f"adjustment_percent_{end}"] for end in ends)
            ax.vlines(x, bottom, top, color=colour, linewidth=width, zorder=2)
        ax.plot(
            x, year["adjustment_percent_median"], marker, color=colour, markersize=4,
            markeredgecolor="white", markeredgewidth=0.5, zorder=3,
        )  # fmt: skip
    last = panel["years"][-1]
    for k in range(len(SCORES)):
        written, error = rounded(
            float(last["adjustment_percentage_points_sd"][k]),
            float(last["adjustment_percentage_points_sd_mcse"][k]),
        )
        ax.text(
            k, 0.01, typeset(f"{written}\n{PLUS_MINUS}{error}" if error else written),
            transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=6.5, color=INK,
            linespacing=1.1,
        )  # fmt: skip
    ax.text(
        0.0, 0.125, f"SD over draws, {last['performance_year']} (percentage points):",
        transform=ax.transAxes, va="bottom", fontsize=7, color=QUIET,
    )  # fmt: skip
    ax.set_xticks(place, [f"{score:g}" for score in SCORES])
    ax.set_xlim(-0.6, len(SCORES) - 0.4)


def _looks(panel: dict[str, Any]) -> list[tuple[str, str]]:
    return [LOOKS[k % len(LOOKS)] for k in range(len(panel["years"]))]


def _key(panel: dict[str, Any]) -> list[Line2D]:
    years = [
        Line2D(
            [], [], color=colour, marker=marker, markersize=4.5, linewidth=3.2,
            label=str(year["performance_year"]),
        )
        for year, (colour, marker) in zip(panel["years"], _looks(panel), strict=True)
    ]  # fmt: skip
    band = Line2D([], [], color=QUIET, linewidth=3.2, label=BAND_WORDS)
    every = Line2D([], [], color=QUIET, linewidth=0.9, label="all draws")
    return [*years, band, every]
