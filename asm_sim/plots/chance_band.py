"""How far chance moves a truly average clinician, by the number of episodes."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullLocator

from asm_sim.errors import counted
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    BONUS,
    FIRST_YEAR,
    INK,
    Canvas,
    add_key,
    house_style,
    panel_title,
    signed,
    typeset,
)
from asm_sim.plots.parts import error_key, written
from asm_sim.results.describe import cohort_title
from asm_sim.studies import chance

WIDE, NARROW, MIDDLE = (0.05, 0.95), (0.25, 0.75), 0.5
CAPS: dict[str, Any] = {
    "linestyle": "none", "color": INK, "elinewidth": 0.9, "capsize": 2.0, "capthick": 0.9,
}  # fmt: skip


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per year, the first and the last (down), and cohort (across).

    Across are episodes a year on a logarithmic scale; bands run from the 5th to the 95th and from
    the 25th to the 75th percentile, over draws and repetitions, of the adjustment minus the
    noise-free adjustment of a probe clinician of average true performance; the line is the median.
    Bars at the quantiles are two Monte Carlo standard errors either way.
    """
    found = asked.of(chance.average_clinician(ds))
    years = asked.first_and_last(found)
    panels = [
        _panel(found, str(cohort), year) for year in years for cohort in found["cohort"].values
    ]
    with house_style():
        columns = found.sizes["cohort"]
        title = (
            "How far chance moves a truly average clinician "
            f"(first {counted(found.attrs['lens_draws'], 'draw')})"
        )
        figure = asked.new_figure(found, max(3.6 * columns, 7.2), 1.1 + 2.2 * len(years), title)
        axes = figure.subplots(len(years), columns, sharex=True, sharey=True, squeeze=False)
        for panel, ax in zip(panels, axes.ravel(), strict=True):
            _draw(panel, ax)
        for cohort, ax in zip(found["cohort"].values, axes[0], strict=True):
            panel_title(ax, cohort_title(found, cohort))
        low, high = axes[0, 0].get_ylim()
        axes[0, 0].set_ylim(low, high + 0.24 * (high - low))
        for ax in axes[-1]:
            ax.set_xlabel("Episodes of the clinician (a year)")
        figure.supylabel("Adjustment minus noise-free (percentage points)")
        add_key(figure, _key())
    figure.plotted = {"panels": panels}
    return figure


def _panel(found: xr.Dataset, cohort: str, year: int) -> dict[str, Any]:
    of_panel = found.sel(cohort=cohort, performance_year=year)
    true = of_panel["noise_free_adjustment"].isel(episodes=0)
    numbers: dict[str, Any] = {
        "cohort": cohort,
        "performance_year": year,
        "payment_year": int(of_panel["payment_year"]),
        "episodes_a_year": of_panel["episodes"].values,
        "noise_free_adjustment_percent": 100.0 * float(true),
        "noise_free_adjustment_percent_mcse": 100.0
        * float(of_panel["noise_free_adjustment_mcse"].isel(episodes=0)),
    }
    for q in (*WIDE, *NARROW, MIDDLE):
        for ending in ("", "_mcse"):
            values = of_panel[f"chance_quantile{ending}"].sel(quantile=q)
            numbers[f"chance_percentage_points_{_name(q)}{ending}"] = 100.0 * values.values
    return numbers


def _name(quantile: float) -> str:
    return f"p{round(100 * quantile):02d}"


def _draw(panel: dict[str, Any], ax: Axes) -> None:
    episodes = panel["episodes_a_year"]

    def at(quantile: float, ending: str = "") -> Any:
        return panel[f"chance_percentage_points_{_name(quantile)}{ending}"]

    for (low, high), colour in ((WIDE, BONUS), (NARROW, FIRST_YEAR)):
        alpha = 0.55 if colour == BONUS else 0.75
        ax.fill_between(episodes, at(low), at(high), color=colour, alpha=alpha, linewidth=0)
    ax.axhline(0.0, color=INK, linewidth=0.9)
    ax.plot(episodes, at(MIDDLE), color="white", linewidth=2.2)
    ax.plot(episodes, at(MIDDLE), color=INK, linestyle="--", linewidth=1.3)
    for quantile in (*WIDE, *NARROW, MIDDLE):
        ax.errorbar(episodes, at(quantile), 2 * at(quantile, "_mcse"), **CAPS)
    true = written(panel, "noise_free_adjustment")
    lines = (
        (0.985, f"{panel['performance_year']}, paid in {panel['payment_year']}", "bold"),
        (0.895, f"without chance {typeset(true)} of Part B", "normal"),
    )
    for height, line, weight in lines:
        ax.text(
            0.99, height, line, transform=ax.transAxes, va="top", ha="right", fontsize=7.5,
            fontweight=weight,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_xticks(episodes, [f"{count:g}" for count in episodes])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(signed))


def _key() -> list[Line2D | Patch]:
    return [
        Patch(color=BONUS, alpha=0.55, label="5th to 95th percentile"),
        Patch(color=FIRST_YEAR, alpha=0.75, label="25th to 75th percentile"),
        Line2D([], [], color=INK, linestyle="--", linewidth=1.3, label="median"),
        error_key(),
    ]
