"""Figure: the scenarios of a sweep side by side: who has a penalty, and what Medicare keeps."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from asm_sim.errors import InputError, counted, printable
from asm_sim.plots.asked import Asked, asks
from asm_sim.plots.figure import (
    FIRST_YEAR,
    LAST_YEAR,
    QUIET,
    Canvas,
    add_foot_note,
    add_key,
    house_style,
    legible,
    panel_title,
)
from asm_sim.plots.parts import paid_in
from asm_sim.results.describe import cohort_title
from asm_sim.results.ranges import PERCENT_OF_RANGE
from asm_sim.results.scenarios import SCENARIO, scenario_names
from asm_sim.results.sweep_summary import (
    OUTCOMES,
    Outcome,
    labels_of,
    reference_of,
    sweep_table,
)

DRAWN = ("share_negative", "retained_by_medicare_all_years")
MOST = 40  # with more, the lines of a panel cannot be told apart
LONGEST_NAME = 34  # characters
LABELS = {
    DRAWN[0]: "With a penalty (% of the scored)",
    DRAWN[1]: "Kept by Medicare, {years} (million USD)",
}


@asks()
def plot(ds: xr.Dataset, *, asked: Asked) -> Canvas:
    """A row of panels per cohort: share with a penalty, and what Medicare keeps, by scenario.

    Dots are means over draws: shares are means over the performance years, money is added up over
    all of them. Lines are the 90 % range over open draws, in which everything is drawn that nobody
    knows, where there are such draws; else two Monte Carlo standard errors either way. The scenario
    that the others are compared with is marked by a line down. Takes a sweep of two scenarios to
    forty; raises :class:`InputError` for anything else.
    """
    count = ds.sizes.get(SCENARIO, 1)
    if not 1 < count <= MOST:
        raise InputError(
            f"this figure draws 2 to {MOST} scenarios; these results hold "
            f"{counted(count, 'scenario')}"
        )
    ds = asked.of(ds)
    table = sweep_table(ds)
    outcomes = [outcome for outcome in OUTCOMES if outcome.name in DRAWN]
    cohorts = [str(cohort) for cohort in ds["cohort"].values]
    names = scenario_names(ds)
    axes_named, labels = labels_of(ds, names)
    ranged = "range_low" in table
    panels: list[dict[str, Any]] = []
    with house_style():
        title = "The scenarios side by side"
        figure = asked.new_figure(ds, 7.2, 1.3 + len(cohorts) * (0.7 + 0.19 * count), title)
        axes = figure.subplots(len(cohorts), 2, sharex="col", sharey=True, squeeze=False)
        for cohort, row in zip(cohorts, axes, strict=True):
            for outcome, ax in zip(outcomes, row, strict=True):
                found = _numbers(table, names, cohort, outcome)
                _draw(found, names, reference_of(ds), ax)
                panels.append({"cohort": cohort, "outcome": outcome.name, **found})
            panel_title(row[0], cohort_title(ds, cohort))
            written = [printable(", ".join(labels[name]), LONGEST_NAME) for name in names]
            row[0].set_yticks(range(count), [legible(label) for label in written], fontsize=7)
            row[0].set_ylabel(legible(printable(", ".join(axes_named))))
        for outcome, ax in zip(outcomes, axes[-1], strict=True):
            ax.set_xlabel(LABELS[outcome.name].format(years=paid_in(ds)))
        line = (
            f"{PERCENT_OF_RANGE} % range over open draws"
            if ranged
            else "\N{PLUS-MINUS SIGN}2 standard errors"
        )
        dot = Line2D([], [], color=FIRST_YEAR, marker="o", linestyle="none", markersize=4)
        dot.set_label("mean over draws")
        add_key(figure, [dot, Line2D([], [], color=FIRST_YEAR, linewidth=1.4, label=line)])
        if reference_of(ds) is not None:
            add_foot_note(figure, "dashed: the scenario that the others are compared with")
    figure.plotted = {"scenarios": names, "panels": panels}
    return figure


def _numbers(
    table: pd.DataFrame, names: list[str], cohort: str, outcome: Outcome
) -> dict[str, list[float]]:
    """Values with their errors and ranges, a number per scenario, in the unit of the outcome."""
    chosen = (table["cohort"] == cohort) & (table["outcome"] == outcome.name)
    here = table[chosen].set_index("scenario").loc[names]
    columns = ("mean", "mcse", "range_low", "range_high")
    return {
        name: (outcome.factor * here[name]).tolist() for name in columns if name in here.columns
    }


def _draw(found: dict[str, list[float]], names: list[str], reference: str | None, ax: Axes) -> None:
    rows = range(len(names))
    if "range_low" in found:
        low, high = found["range_low"], found["range_high"]
    else:
        pairs = list(zip(found["mean"], found["mcse"], strict=True))
        low, high = [m - 2 * e for m, e in pairs], [m + 2 * e for m, e in pairs]
    ax.hlines(rows, low, high, color=FIRST_YEAR, linewidth=1.4)
    ax.plot(found["mean"], rows, "o", color=FIRST_YEAR, markersize=4)
    if reference is not None:
        at = names.index(reference)
        ax.axvline(found["mean"][at], color=QUIET, linewidth=0.8, linestyle="--", zorder=0)
        ax.plot([found["mean"][at]], [at], "o", color=LAST_YEAR, markersize=4)
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
