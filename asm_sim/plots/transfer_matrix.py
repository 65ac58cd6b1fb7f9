"""Who pays whom: the penalties of groups of clinicians, and whose bonuses they become."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    INK,
    Canvas,
    add_note,
    house_style,
    panel_title,
    typeset,
)
from asm_sim.plots.parts import paid_in
from asm_sim.results.describe import cohort_title, one_scenario
from asm_sim.results.statistics import PLUS_MINUS, ROUNDING, USD_PER_MILLION, rounded
from asm_sim.studies import transfers
from asm_sim.studies.transfers import MEDICARE, PAYER, RECEIVER

SHADES = LinearSegmentedColormap.from_list("money", ["#F7FAFC", "#9CCBE6", "#2A6FA8"])
DARK = 0.7  # of the scale, from which words on a cell are white
NARROWEST = 7.0  # inches
TOTAL = "all"


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A panel per cohort: from practice sizes down to those across, million USD over all years.

    Each cell is what the penalties of a row bring a column, below it its Monte Carlo standard
    error; ``all`` sums rows and columns. Medicare has a row only where it pays. Takes one run;
    raises :class:`InputError` as :func:`asm_sim.studies.transfers.matrix` does.
    """
    ds = asked.of(one_scenario(ds))
    result = transfers.matrix(ds)
    sums = transfers.net(ds)
    panels = [
        _panel(result.sel(cohort=cohort), sums.sel(cohort=cohort))
        for cohort in result["cohort"].values
    ]
    with house_style():
        title = "Who pays whom: penalties and the bonuses they become, by practice size"
        rows = max(len(panel["payers"]) for panel in panels)
        figure = asked.new_figure(
            ds, max(3.6 * len(panels), NARROWEST), 1.55 + 0.37 * (rows + 1), title
        )
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        highest = max(float(panel["million_usd"].max()) for panel in panels)
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, highest, ax)
            panel_title(ax, cohort_title(ds, panel["cohort"]))
            ax.set_xlabel(f"Bonuses, {paid_in(ds)} (million USD)")
        axes[0].set_ylabel("Penalties (million USD)")
        note = (
            f"Means over draws {PLUS_MINUS} one standard error, on Part B of the performance year."
        )
        add_note(figure, note)
    figure.plotted = {"grouping": transfers.GROUPING, "panels": panels}
    return figure


def _panel(of_cohort: xr.Dataset, sums: xr.Dataset) -> dict[str, Any]:
    """Amounts of one cohort between its groups and Medicare."""
    amounts = of_cohort["transfer_all_years"].transpose(PAYER, RECEIVER) / USD_PER_MILLION
    errors = of_cohort["transfer_all_years_mcse"].transpose(PAYER, RECEIVER) / USD_PER_MILLION
    receivers = [str(name) for name in amounts[RECEIVER].values]
    pays = float(amounts.sel({PAYER: MEDICARE}).sum()) > ROUNDING
    payers = receivers if pays else receivers[:-1]
    chosen = {PAYER: payers, RECEIVER: receivers}
    groups = receivers[:-1]
    of_groups = sums.sel(group=groups)
    kept = sums["kept_all_years"], sums["kept_all_years_mcse"]
    return {
        "cohort": str(of_cohort["cohort"].item()),
        "payers": payers,
        "receivers": receivers,
        "million_usd": amounts.sel(chosen).values,
        "million_usd_mcse": errors.sel(chosen).values,
        "groups": groups,
        "penalties_million_usd": of_groups["penalties_all_years"].values / USD_PER_MILLION,
        "penalties_million_usd_mcse": (
            of_groups["penalties_all_years_mcse"].values / USD_PER_MILLION
        ),
        "bonuses_million_usd": of_groups["bonuses_all_years"].values / USD_PER_MILLION,
        "bonuses_million_usd_mcse": of_groups["bonuses_all_years_mcse"].values / USD_PER_MILLION,
        "kept_by_medicare_million_usd": float(kept[0]) / USD_PER_MILLION,
        "kept_by_medicare_million_usd_mcse": float(kept[1]) / USD_PER_MILLION,
    }


def _draw(panel: dict[str, Any], highest: float, ax: Axes) -> None:
    amounts, errors = panel["million_usd"], panel["million_usd_mcse"]
    rows, columns = amounts.shape
    scale = highest if highest > 0 else 1.0
    for row in range(rows):
        for column in range(columns):
            part = amounts[row, column] / scale
            ax.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, facecolor=SHADES(part), edgecolor="white",
                    linewidth=1.2,
                )
            )  # fmt: skip
            colour = "white" if part > DARK else INK
            _write(ax, column, row, amounts[row, column], errors[row, column], colour)
    for at, group in enumerate(panel["payers"]):
        if group in panel["groups"]:
            k = panel["groups"].index(group)
            amount, error = (panel[f"penalties_million_usd{end}"][k] for end in ("", "_mcse"))
            _write(ax, columns, at, amount, error, INK)
    for at, group in enumerate(panel["receivers"]):
        if group in panel["groups"]:
            k = panel["groups"].index(group)
            amount, error = (panel[f"bonuses_million_usd{end}"][k] for end in ("", "_mcse"))
        else:
            amount = panel["kept_by_medicare_million_usd"]
            error = panel["kept_by_medicare_million_usd_mcse"]
        _write(ax, at, rows, amount, error, INK)
    ax.set_xlim(-0.5, columns + 0.5)
    ax.set_ylim(rows + 0.5, -0.5)
    ax.set_xticks(range(columns + 1), [*(_label(name) for name in panel["receivers"]), TOTAL])
    ax.set_yticks(range(rows + 1), [*(_label(name) for name in panel["payers"]), TOTAL])
    ax.axvline(columns - 0.5, color=INK, linewidth=0.8)
    ax.axhline(rows - 0.5, color=INK, linewidth=0.8)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _write(ax: Axes, column: float, row: float, amount: float, error: float, colour: str) -> None:
    """An amount and, smaller below it, its error."""
    value, plus_minus = rounded(amount, error)
    looks: dict[str, Any] = {"ha": "center", "color": colour}
    ax.text(column, row - 0.02, typeset(value), va="bottom", fontsize=7.5, **looks)
    if plus_minus:
        ax.text(column, row + 0.06, f"{PLUS_MINUS}{plus_minus}", va="top", fontsize=6, **looks)


def _label(name: str) -> str:
    return name.replace("-", "\N{EN DASH}")
